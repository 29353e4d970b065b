"""The names that the package itself offers."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

import router

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", router.__all__)
def test_each_name_of_the_door_is_there(name: str) -> None:
    assert getattr(router, name) is not None


def test_no_other_name_is_there() -> None:
    with pytest.raises(AttributeError, match="'router' has no attribute 'Ruoter'"):
        router.Ruoter  # noqa: B018


def test_a_name_is_loaded_with_its_first_use() -> None:
    script = "import sys, router; sys.exit(any(name.startswith('graphql') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_the_router_imports_what_its_installation_brings() -> None:
    """``pip install .`` brings no more than the dependencies without extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    brought = {re.split(r"[^\w.-]", each)[0] for each in project["dependencies"]}
    distributions = packages_distributions()
    for name in imported(ROOT / "router") - sys.stdlib_module_names - {"router"}:
        # who passes a Strawberry schema has Strawberry
        assert name == "strawberry" or brought & set(distributions[name]), name


def imported(folder: Path) -> set[str]:
    found: set[str] = set()
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                found |= {each.name.partition(".")[0] for each in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.partition(".")[0])
    return found
