"""The demonstration on a terminal, where it cannot begin."""

from __future__ import annotations

import gc
import warnings

import pytest

from drassist.demo import play
from tests.ports import free_port


async def test_a_system_that_is_not_there_is_told_in_one_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert await play(url, audio=None, password="", fast=True) == 1
        gc.collect()  # what was left open says so now
    out, err = capsys.readouterr()
    assert out.split() == f"Nothing answers at {url}: start it with `make serve`.".split()
    assert err == ""
