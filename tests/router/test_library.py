"""The names that the package itself offers."""

from __future__ import annotations

import subprocess
import sys

import pytest

import router


@pytest.mark.parametrize("name", router.__all__)
def test_each_name_of_the_door_is_there(name: str) -> None:
    assert getattr(router, name) is not None


def test_no_other_name_is_there() -> None:
    with pytest.raises(AttributeError, match="'router' has no attribute 'Ruoter'"):
        router.Ruoter  # noqa: B018


def test_a_name_is_loaded_with_its_first_use() -> None:
    script = "import sys, router; sys.exit(any(name.startswith('graphql') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
