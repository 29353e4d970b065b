from __future__ import annotations

import ast
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from drassist.runtime import logs

ROOT = Path(__file__).parents[3]


def lines(captured: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in captured.readouterr().err.splitlines()]


def test_only_what_is_declared_safe_is_logged(capsys: pytest.CaptureFixture[str]) -> None:
    logs.get_logger("t").info(
        "x", patient="Patient:1", name="Sunita Devi", phone="9876543210", took_ms=3
    )
    [line] = lines(capsys)
    assert line["patient"] == "Patient:1"
    assert line["took_ms"] == 3
    assert line["name"] == line["phone"] == "<str>"


def test_a_name_in_the_place_of_an_id_is_not_logged(capsys: pytest.CaptureFixture[str]) -> None:
    logs.get_logger("t").info("x", patient="Sunita Devi")
    assert lines(capsys)[0]["patient"] == "<str>"


def test_an_exception_is_logged_without_its_words(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        raise ValueError("Sunita Devi has dengue")
    except ValueError as error:
        logs.get_logger("t").error("x", exc_info=error)
    captured = capsys.readouterr().err
    assert "Sunita" not in captured
    assert json.loads(captured)["error_class"] == "ValueError"


def test_libraries_log_as_json_without_their_values() -> None:
    record = logging.LogRecord(
        "lib", logging.ERROR, "f", 1, "failed for %s", ("Sunita Devi",), None
    )
    line = logs._Foreign().format(record)
    assert "Sunita" not in line
    assert json.loads(line)["logger"] == "lib"


def _logged() -> Iterator[tuple[str, str]]:
    """Every key that a log call of ours gives, with its place."""
    for folder in ("src", "subgraphs"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                match node:
                    case ast.Call(
                        func=ast.Attribute(
                            value=ast.Name(id="log"), attr="info" | "warning" | "error"
                        )
                    ):
                        for keyword in node.keywords:
                            yield f"{path.name}:{node.lineno}", str(keyword.arg)


def test_what_we_log_is_what_may_be_logged(capsys: pytest.CaptureFixture[str]) -> None:
    keys = {key: place for place, key in _logged() if key != "exc_info"}
    assert "subject" in keys
    logs.get_logger("t").info("x", **dict.fromkeys(keys, "x"))
    [line] = lines(capsys)
    hidden = {f"{keys[key]} {key}" for key in keys if line[key] == "<str>"}
    assert hidden == set()
    assert line["module"] == "t"
