"""What the tutorial shows is so, in its order."""

from __future__ import annotations

import asyncio
import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from ariadne.asgi import GraphQL as AriadneApp
from strawberry.asgi import GraphQL as StrawberryApp

from router.cli import main

PAGE = (Path(__file__).parents[3] / "docs" / "router" / "tutorial.md").read_text("utf-8")


@pytest.fixture
def code(tmp_path: Path) -> Iterator[ModuleType]:
    """Every block of Python of the page, as one module."""
    file = tmp_path / "tutorial_code.py"
    file.write_text("\n\n".join(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)))
    spec = importlib.util.spec_from_file_location("tutorial_code", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["tutorial_code"] = module  # Strawberry looks its types up there
    spec.loader.exec_module(module)
    yield module
    del sys.modules["tutorial_code"]


async def test_every_step_of_the_tutorial_holds(code: ModuleType) -> None:
    steps = sorted(name for name in vars(code) if name.startswith("step_"))
    assert steps == ["step_2", "step_3", "step_4", "step_5", "step_6"]
    for step in steps:
        await getattr(code, step)()


async def test_subgraphs_that_run_already_are_composed_and_planned(
    code: ModuleType, serving: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    listed, composed = tmp_path / "subgraphs.json", tmp_path / "supergraph.graphql"
    (block,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    (compose,) = re.findall(r"-m router (compose .*)", PAGE)
    (plan,) = re.findall(r"-m router (plan .*)", PAGE)
    wards = await serving(StrawberryApp(code.wards))
    beds = await serving(AriadneApp(code.beds))
    listed.write_text(block.replace("localhost:4001", wards).replace("localhost:4002", beds))
    command = compose.replace(listed.name, str(listed)).replace(composed.name, str(composed))
    assert await asyncio.to_thread(main, command.split()) == 0
    command, operation, _ = plan.replace(composed.name, str(composed)).split("'")
    assert main([*command.split(), operation]) == 0
    assert "fetches: 2" in capsys.readouterr().out
