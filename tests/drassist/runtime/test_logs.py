from __future__ import annotations

import json
import logging

import pytest

from drassist.runtime import logs


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
