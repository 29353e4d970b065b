"""The page of the graph's errors names every code that the sources have."""

from __future__ import annotations

import re
from pathlib import Path

from drassist.graph import ErrorCode

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "graph-errors.md").read_text("utf-8")
RAISED = re.compile(r'\b(?:ClientError|Refused|_error)\(\s*"([A-Z_]+)"|"code": "([A-Z]+_[A-Z_]+)"')


def test_every_code_of_a_payload_is_described() -> None:
    assert {code.name for code in ErrorCode if f"| `{code.name}` |" not in PAGE} == set()


def test_every_code_of_an_error_is_described() -> None:
    sources = [*(ROOT / "src/drassist/graph").rglob("*.py"), *(ROOT / "subgraphs").rglob("*.py")]
    found = {
        code
        for file in sources
        for match in RAISED.finditer(file.read_text("utf-8"))
        for code in match.groups()
        if code
    }
    assert "FORBIDDEN" in found
    assert {code for code in found if f"| `{code}` |" not in PAGE} == set()
