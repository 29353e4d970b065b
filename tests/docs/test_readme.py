"""What the README tells a newcomer holds: its links, its commands, its queries."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from graphql import build_schema, parse, validate

from tests.patience import PATIENCE

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")


def documents() -> list[Path]:
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("document", documents(), ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text("utf-8")):
        assert (document.parent / target).exists(), f"{document.name} links to {target}"


def test_the_queries_are_valid_on_the_web_client() -> None:
    schema = build_schema((ROOT / "schema/clients/web.graphql").read_text("utf-8"))
    queries = re.findall(r"```graphql\n(.*?)```", README, re.DOTALL)
    assert queries
    for query in queries:
        assert validate(schema, parse(query)) == []


def test_the_planned_operation_is_planned() -> None:
    (line,) = re.findall(r"\.venv/bin/router (plan .+)", README)
    operation = line.partition("-e '")[2].rstrip("'")
    command = [sys.executable, "-m", "router", "plan", "schema/supergraph.graphql", "-e", operation]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    assert "patients" in done.stdout
    assert "orders" in done.stdout


@pytest.mark.parametrize("command", ["serve", "demo", "import", "schema", "subgraph", "gateway"])
def test_the_commands_exist(command: str) -> None:
    found = subprocess.run(
        [sys.executable, "-c", "from drassist.cli import main; main()", command, "--help"],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert found.returncode == 0, found.stderr


@pytest.mark.parametrize("device", ["web", "mobile", "tablet"])
def test_every_saved_operation_fits_its_client(device: str) -> None:
    schema = build_schema((ROOT / f"schema/clients/{device}.graphql").read_text("utf-8"))
    operations = sorted((ROOT / f"clients/{device}/operations").glob("*.graphql"))
    assert operations
    for path in operations:
        assert validate(schema, parse(path.read_text("utf-8"))) == [], path.name


def test_the_committed_schemas_are_fresh() -> None:
    from drassist.app import schemas
    from drassist.runtime.settings import Settings

    assert schemas.stale(Settings(), ROOT / "schema") == []
