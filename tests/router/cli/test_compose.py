"""``python -m router compose`` as a person, and as a program, calls it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from router.cli import main


def write(folder: Path, listed: Any) -> str:
    file = folder / "subgraphs.json"
    file.write_text(listed if isinstance(listed, str) else json.dumps(listed), encoding="utf-8")
    return str(file)


@pytest.fixture
def pair(tmp_path: Path) -> str:
    (tmp_path / "a.graphql").write_text("type Query { a: Int }", encoding="utf-8")
    return write(
        tmp_path,
        [
            {"name": "a", "url": "http://a", "sdl": "a.graphql"},
            {"name": "b", "url": "http://b", "sdl": "type Query { b: Kind } enum Kind { X }"},
        ],
    )


def test_the_supergraph_is_printed(pair: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compose", pair]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("schema\n  @link(")
    assert out.endswith("}\n")
    assert err == ""


def test_files_may_begin_with_a_byte_order_mark(
    pair: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for file in (Path(pair), tmp_path / "a.graphql"):
        file.write_text(file.read_text(), encoding="utf-8-sig")
    assert main(["compose", pair]) == 0
    assert "a: Int @join__field(graph: A)" in capsys.readouterr().out


def test_the_supergraph_is_written_to_a_file(
    pair: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "supergraph.graphql"
    assert main(["compose", pair, "-o", str(target)]) == 0
    assert "a: Int @join__field(graph: A)" in target.read_text(encoding="utf-8")
    assert capsys.readouterr().out == ""


def test_json_holds_the_whole_outcome(pair: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compose", pair, "--json"]) == 0
    outcome = json.loads(capsys.readouterr().out)
    assert outcome["ok"] is True
    assert outcome["supergraphSdl"].startswith("schema")
    assert outcome["errors"] == []
    assert outcome["hints"] == []


def test_json_holds_errors_with_code_message_and_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    link = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9") '
    listed = [
        {"name": name, "url": "", "sdl": link + "type Query { same: Int }"} for name in ("a", "b")
    ]
    assert main(["compose", write(tmp_path, listed), "--json"]) == 1
    outcome = json.loads(capsys.readouterr().out)
    assert (outcome["ok"], outcome["supergraphSdl"]) == (False, None)
    (error,) = outcome["errors"]
    assert error["code"] == "INVALID_FIELD_SHARING"
    assert error["subgraphs"] == ["a", "b"]
    assert error["coordinates"] == ["Query.same"]


def test_hints_have_code_level_message_and_coordinate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    listed = [
        {"name": "a", "sdl": "type Query { a(x: Int): Int }"},
        {"name": "b", "sdl": "type Query { a: Int } enum Unused { X }"},
    ]
    file = write(tmp_path, listed)
    assert main(["compose", file, "--json"]) == 0
    hints = json.loads(capsys.readouterr().out)["hints"]
    assert [(hint["code"], hint["level"], hint["coordinate"]) for hint in hints] == [
        ("INCONSISTENT_ARGUMENT_PRESENCE", "WARN", "Query.a(x:)"),
        ("UNUSED_ENUM_TYPE", "DEBUG", "Unused"),
    ]
    assert main(["compose", file]) == 0
    assert "WARN INCONSISTENT_ARGUMENT_PRESENCE: " in capsys.readouterr().err


def test_errors_are_told_to_a_person_with_file_and_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.graphql").write_text("type Query {\n  a:\n}\n", encoding="utf-8")
    assert main(["compose", write(tmp_path, [{"name": "a", "sdl": "a.graphql"}])]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "INVALID_GRAPHQL" in err
    assert f"{tmp_path / 'a.graphql'}:3:1" in err


def test_an_error_about_two_subgraphs_names_the_line_in_each(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.graphql").write_text("type Query {\n  a(x: Int): Int\n}\n", encoding="utf-8")
    (tmp_path / "b.graphql").write_text(
        "type Query {\n  b: Int\n  a(\n    x: String\n  ): Int\n}\n", encoding="utf-8"
    )
    listed = [{"name": name, "sdl": f"{name}.graphql"} for name in ("a", "b")]
    assert main(["compose", write(tmp_path, listed)]) == 1
    err = capsys.readouterr().err
    assert f"MISMATCH in {tmp_path / 'a.graphql'}:2, {tmp_path / 'b.graphql'}:4\n" in err


@pytest.mark.parametrize(
    ("listed", "told"),
    [
        ('[{"name" "a"}]', ":1:10: this is not JSON"),
        ("[]", "holds no subgraphs"),
        ([3], "subgraph 1 is not an object"),
        ([{"sdl": "type Query { a: Int }"}], 'add "name"'),
        ([{"name": "a", "url": 3, "sdl": "x.graphql"}], "an url that is no text"),
        ([{"name": "a"}], "neither sdl nor url"),
        ([{"name": "a", "schema": "x.graphql"}], 'has "schema"; known are "name"'),
        ([{"name": "a", "sdl": "  "}], "an empty sdl"),
        ([{"name": "a", "sdl": "missing.graphql"}], "missing.graphql, which does not exist"),
        ([{"name": "a", "sdl": "x" * 5000}], "which does not exist"),
        ([{"name": "a", "url": "http://[::1/"}], "http://[::1/ is no URL"),
        ([{"name": " ", "sdl": "x.graphql"}], 'add "name"'),
        ([{"name": "a", "url": "file:///etc/passwd"}], "cannot be asked"),
        (
            [{"name": "a", "sdl": "type Query { a: Int }"}] * 2,
            'two subgraphs are named "a"; give each a name',
        ),
    ],
)
def test_a_bad_list_is_refused_in_one_sentence(
    listed: Any, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path, listed)
    assert main(["compose", file]) == 1
    err = capsys.readouterr().err
    assert err.startswith(file)
    assert told in err
    assert err.count("\n") == 1
    assert main(["compose", file, "--json"]) == 1
    (error,) = json.loads(capsys.readouterr().out)["errors"]
    assert told in error["message"]
    assert (error["subgraphs"], error["coordinates"]) == ([], [])


def test_a_missing_list_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compose", str(tmp_path / "nothing.json")]) == 1
    assert "cannot be read" in capsys.readouterr().err


def test_an_output_that_cannot_be_written_is_told(
    pair: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["compose", pair, "-o", str(tmp_path / "no" / "where")]
    assert main(asked) == 1
    assert "cannot be written" in capsys.readouterr().err
    assert main([*asked, "--json"]) == 1
    (error,) = json.loads(capsys.readouterr().out)["errors"]
    assert "cannot be written" in error["message"]


# -- running subgraphs ---------------------------------------------------------------------


class Subgraph(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        body = b"not json"
        if self.path == "/graphql":
            body = json.dumps({"data": {"_service": {"sdl": "type Query { up: Int }"}}}).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def running() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Subgraph) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_running_subgraph_is_asked_for_its_schema(
    running: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    listed = [{"name": "live", "url": f"{running}/graphql"}]
    assert main(["compose", write(tmp_path, listed)]) == 0
    assert "up: Int" in capsys.readouterr().out


def test_a_subgraph_that_does_not_answer_is_told(
    running: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compose", write(tmp_path, [{"name": "x", "url": f"{running}/odd"}])]) == 1
    assert "did not answer" in capsys.readouterr().err
    assert main(["compose", write(tmp_path, [{"name": "x", "url": "http://127.0.0.1:1/"}])]) == 1
    assert "could not be asked" in capsys.readouterr().err
