"""The tutorial's code runs, in its order."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs" / "router" / "tutorial.md"


async def test_every_step_of_the_tutorial_holds(tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    module_file = tmp_path / "tutorial_code.py"
    module_file.write_text("\n\n".join(blocks))
    spec = importlib.util.spec_from_file_location("tutorial_code", module_file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["tutorial_code"] = module  # Strawberry looks its types up there
    try:
        spec.loader.exec_module(module)
        steps = sorted(name for name in vars(module) if name.startswith("step_"))
        assert steps == ["step_2", "step_3", "step_4", "step_5", "step_6"]
        for step in steps:
            await getattr(module, step)()
    finally:
        del sys.modules["tutorial_code"]
