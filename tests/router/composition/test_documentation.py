"""The page about composition lists every code as the catalogues have it."""

from __future__ import annotations

from pathlib import Path

import pytest

from router.composition.errors import ERROR_CODES
from router.composition.hints import HINT_CODES

PAGE = Path(__file__).parents[3] / "docs" / "router" / "composition.md"
ROWS = [
    *(f"| `{code}` | {meaning} |" for code, meaning in ERROR_CODES.items()),
    *(f"| `{code}` | {hint.level.value} | {hint.meaning} |" for code, hint in HINT_CODES.items()),
]


@pytest.mark.parametrize("row", ROWS)
def test_every_code_is_documented(row: str) -> None:
    assert row in PAGE.read_text(encoding="utf-8").splitlines()


def test_no_code_is_documented_that_does_not_exist() -> None:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    assert {
        line for line in lines if line.startswith("| `") and line.split("`")[1].isupper()
    } == set(ROWS)
