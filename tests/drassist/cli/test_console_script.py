"""The ``drassist`` command where only the router is installed."""

from __future__ import annotations

import sys

import pytest

from drassist.cli import main


def test_without_the_clinic_one_sentence_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "drassist.cli.commands", raising=False)
    monkeypatch.setitem(sys.modules, "typer", None)
    with pytest.raises(SystemExit, match=r"drassist needs typer.*pip install '\.\[clinic\]'"):
        main()
