"""``router serve`` before a healthy subgraph and one that is sick, over real sockets.

Whatever the sick one does, the client gets what the healthy one has, nulls in place of the rest,
an error with a code at the client's own path, and in good time; and the next request is whole.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.patience import PATIENCE

from .test_serve import Process

BOOKS = """
extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])
type Query { books: [Book] shelf: [[Book]] }
type Book @key(fields: "id") { id: ID! title: String }
"""
LOANS = """
extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])
type Book @key(fields: "id") { id: ID! copies: Int due: String! }
"""
HOLDINGS = [{"__typename": "Book", "id": str(n), "title": f"T{n}"} for n in range(3)]
DATA = {"books": [HOLDINGS[0], None, HOLDINGS[1], HOLDINGS[0]], "shelf": [[HOLDINGS[2]], None, []]}


class Held(bytes):
    """Bytes after which the line stays open and silent."""


Serve = Callable[[dict[str, Any]], bytes]
"""A request's body -> the bytes to send; the line is cut after them, unless it is held."""


class Server:
    """A subgraph on a socket: a thread a connection, a request a connection."""

    def __init__(self, serve: Serve) -> None:
        self.serve = serve
        self.silence = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as stream:
            length = 0
            while (line := stream.readline().lower()) not in {b"\r\n", b""}:
                if line.startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            if not length:
                return
            sent = self.serve(json.loads(stream.read(length)))
            try:
                connection.sendall(sent)
            except OSError:
                return  # the router has had enough
            if isinstance(sent, Held):
                self.silence.wait(PATIENCE)

    def close(self) -> None:
        self.silence.set()
        self._listener.close()


def http(body: bytes, *headers: str, status: str = "200 OK", length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    lines = [f"HTTP/1.1 {status}", f"content-length: {size}", "connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def answer(**body: Any) -> bytes:
    return http(json.dumps(body).encode(), "content-type: application/json")


def books(request: dict[str, Any]) -> bytes:
    key = "shelf" if "shelf" in request["query"] else "books"
    return answer(data={key: DATA[key]})


def loans(request: dict[str, Any]) -> bytes:
    found = [
        {"copies": int(e["id"]), "due": "now"} for e in request["variables"]["representations"]
    ]
    return answer(data={"_entities": found})


@pytest.fixture(scope="module")
def sick() -> Iterator[Server]:
    server = Server(loans)
    yield server
    server.close()


@pytest.fixture(scope="module")
def process(sick: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    folder = tmp_path_factory.mktemp("graph")
    healthy = Server(books)
    listed = [
        {"name": "books", "url": healthy.url, "sdl": BOOKS},
        {"name": "loans", "url": sick.url, "sdl": LOANS},
    ]
    (folder / "subgraphs.json").write_text(json.dumps(listed))
    (folder / "router.toml").write_text("[subgraphs]\ntimeout = 1.0\nmax_bytes = 20000\n")
    process = Process(
        "--subgraphs",
        str(folder / "subgraphs.json"),
        "--settings",
        str(folder / "router.toml"),
        "--no-watch",
    )
    process.wait_until_ready()
    yield process
    process.process.kill()
    process.process.wait()
    assert process.process.stderr is not None
    process.process.stderr.close()
    healthy.close()


def told(body: dict[str, Any]) -> set[str]:
    return {error["extensions"]["code"] for error in body.get("errors", [])}


SICK: dict[str, tuple[Serve, str]] = {
    "slow": (lambda _: Held(), "SUBREQUEST_TIMEOUT"),
    "slow in the middle": (lambda _: Held(http(b'{"data":', length=900)), "SUBREQUEST_TIMEOUT"),
    "hangs up": (lambda _: b"", "SUBREQUEST_HTTP_ERROR"),
    "half closed": (lambda _: http(b'{"data":', length=900), "SUBREQUEST_HTTP_ERROR"),
    "huge": (lambda _: answer(data={"_entities": ["x" * 30_000]}), "SUBREQUEST_TOO_LARGE"),
    "deep": (lambda _: http(b'{"data":' + b"[" * 5000), "SUBREQUEST_MALFORMED_RESPONSE"),
    "html": (lambda _: http(b"<html>"), "SUBREQUEST_MALFORMED_RESPONSE"),
    "500": (lambda _: http(b"oops", status="500 Oops"), "SUBREQUEST_HTTP_ERROR"),
    "empty": (lambda _: http(b""), "SUBREQUEST_MALFORMED_RESPONSE"),
    "no json": (lambda _: http(b'{"data":{"_entities":[}'), "SUBREQUEST_MALFORMED_RESPONSE"),
    "no http": (lambda _: b"SSH-2.0\r\n", "SUBREQUEST_MALFORMED_RESPONSE"),
    "no gzip": (lambda _: http(b"x", "content-encoding: gzip"), "SUBREQUEST_MALFORMED_RESPONSE"),
    "too few": (lambda _: answer(data={"_entities": [None]}), ""),
    "too many": (lambda _: answer(data={"_entities": [None] * 9}), ""),
    "no list": (lambda _: answer(data={"_entities": {"copies": 1}}), ""),
    "no object": (lambda _: answer(data={"_entities": [7, [], "x"][:2]}), ""),
    "errors only": (lambda _: answer(data=None, errors=[{"message": "no"}]), ""),
    "errors that are none": (lambda _: answer(data=None, errors=[7, {}, {"message": 3}]), ""),
    "errors elsewhere": (
        lambda _: answer(data=None, errors=[{"message": "m", "path": ["_entities", 77, "z"]}]),
        "",
    ),
}


@pytest.mark.parametrize("kind", sorted(SICK))
def test_a_sick_subgraph_costs_its_own_fields_only(
    process: Process, sick: Server, kind: str
) -> None:
    sick.serve, code = SICK[kind]
    try:
        body = process.ask("{ books { title copies } }")
    finally:
        sick.serve = loans
    assert body["data"]["books"] == [
        {"title": "T0", "copies": None},
        None,
        {"title": "T1", "copies": None},
        {"title": "T0", "copies": None},
    ]
    assert body["errors"]
    assert all(error["path"][0] == "books" for error in body["errors"])
    assert code in told(body) or not code
    assert "INTERNAL_SERVER_ERROR" not in told(body)
    assert process.ask("{ books { copies } }") == {
        "data": {"books": [{"copies": 0}, None, {"copies": 1}, {"copies": 0}]}
    }


def test_values_of_the_wrong_kind_are_null_one_by_one(process: Process, sick: Server) -> None:
    wrong = [{"copies": "many", "due": 1}, {"copies": 4, "due": "now"}]
    sick.serve = lambda _: answer(data={"_entities": wrong})
    try:
        body = process.ask("{ books { copies } }")
    finally:
        sick.serve = loans
    assert body["data"] == {"books": [{"copies": None}, None, {"copies": 4}, {"copies": None}]}
    assert {tuple(error["path"]) for error in body["errors"]} == {
        ("books", 0, "copies"),
        ("books", 3, "copies"),
    }


def test_an_error_of_one_entity_stands_at_each_of_its_places(
    process: Process, sick: Server
) -> None:
    sick.serve = lambda _: answer(
        data={"_entities": [None, {"copies": 4}]},
        errors=[{"message": "lost", "path": ["_entities", 0], "extensions": {"code": "LOST"}}],
    )
    try:
        body = process.ask("{ books { copies } }")
    finally:
        sick.serve = loans
    assert body["data"] == {"books": [{"copies": None}, None, {"copies": 4}, {"copies": None}]}
    assert [(error["path"][:2], error["extensions"]["code"]) for error in body["errors"]] == [
        (["books", 0], "LOST"),
        (["books", 3], "LOST"),
    ]


def test_a_null_where_none_may_be_takes_the_nearest_parent_and_is_told_once(
    process: Process, sick: Server
) -> None:
    sick.serve = lambda _: answer(data={"_entities": [None]})
    try:
        body = process.ask("{ shelf { title due } books { title } }")
    finally:
        sick.serve = loans
    assert body["data"]["shelf"] == [[None], None, []]
    assert [error["path"] for error in body["errors"]] == [["shelf", 0, 0, "due"]]
