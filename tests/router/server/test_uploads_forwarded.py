"""Files on their way to subgraphs over HTTP: streamed, at their places, read by foreign servers."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
import strawberry
from strawberry.asgi import GraphQL
from strawberry.file_uploads import Upload as StrawberryUpload

from router import Router, Subgraph
from router.contracts.contract import Contract, PersistedRules
from router.errors import SubgraphError
from router.execution.client import SubgraphRequest
from router.execution.upload import Upload
from router.settings import Settings, UploadSettings
from router.transport import HttpClient, HttpOptions
from tests.patience import PATIENCE
from tests.router.asgi import http_to

FILE = "mutation File($f: Upload!, $m: [Upload!]!) { file(scan: $f, more: $m) }"
ON = Settings(uploads=UploadSettings(enabled=True, memory_bytes=64))


@strawberry.type
class Query:
    """Nothing."""

    nothing: int | None = None

    @strawberry.field
    async def size(self, scan: StrawberryUpload) -> int:
        said = await _said(scan)
        await scan.close()  # type: ignore[attr-defined]  # Strawberry leaves that to us
        return int(said.split()[-2])


@strawberry.input
class Sheet:
    """A file inside an input."""

    scan: StrawberryUpload
    note: str


async def _said(scan: Any) -> str:
    await scan.seek(0)  # one file may stand in two places
    data = await scan.read()
    return f"{scan.filename} {scan.content_type} {len(data)} {hashlib.sha256(data).hexdigest()[:8]}"


@strawberry.type
class Mutation:
    """Files in several places."""

    @strawberry.mutation
    async def file(self, scan: StrawberryUpload, more: list[StrawberryUpload]) -> list[str]:
        said = [await _said(each) for each in (scan, *more)]
        for each in (scan, *more):
            await each.close()  # type: ignore[attr-defined]
        return said

    @strawberry.mutation
    async def sheet(self, sheet: Sheet) -> str:
        said = await _said(sheet.scan)
        await sheet.scan.close()  # type: ignore[attr-defined]
        return f"{sheet.note}: {said}"


SCHEMA = strawberry.federation.Schema(Query, Mutation)


@pytest.fixture
async def url(serving: Any) -> str:
    """A Strawberry server that takes the multipart requests of its own specification's reading."""
    return f"http://{await serving(GraphQL[Any, Any](SCHEMA, multipart_uploads_enabled=True))}/"


@pytest.fixture
async def http(url: str, tmp_path: Path) -> Any:
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps({hashlib.sha256(FILE.encode()).hexdigest(): FILE}))
    phone = Contract(name="phone", persisted=PersistedRules(manifests=(manifest,)))
    subgraphs = {"archive": Subgraph(url=url, sdl=SCHEMA.as_str())}
    async with (
        Router.from_subgraphs(subgraphs, settings=ON, contracts=(phone,)) as router,
        http_to(router, headers={"apollo-require-preflight": "1"}) as http,
    ):
        yield http


async def send(
    http: Any, operations: Any, places: Any, *files: tuple[str, bytes, str], **options: Any
) -> Any:
    parts: list[tuple[str, Any]] = [
        ("operations", (None, json.dumps(operations))),
        ("map", (None, json.dumps(places))),
    ]
    parts += [(str(number), file) for number, file in enumerate(files)]
    path = options.pop("path", "/graphql")
    return await http.post(path, files=parts, **options)


def _short(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:8]


async def test_files_reach_a_subgraph_over_http(http: Any) -> None:
    big = bytes(range(256)) * 4096  # more than one piece
    operations = {"query": FILE, "variables": {"f": None, "m": [None, None]}}
    places = {"0": ["variables.f", "variables.m.1"], "1": ["variables.m.0"]}
    scan = ('a "b".txt', b"first", "text/plain; charset=utf-8")
    answer = await send(http, operations, places, scan, ("\u0905.pdf", big, "application/pdf"))
    one, two, three = answer.json()["data"]["file"]
    assert one == three  # one file, sent once, in two places
    assert one.endswith(f"text/plain; charset=utf-8 5 {_short(b'first')}")
    assert two == f"\u0905.pdf application/pdf {len(big)} {_short(big)}"


async def test_a_file_inside_an_input_and_in_a_query(http: Any) -> None:
    query = "mutation ($s: Sheet!) { sheet(sheet: $s) }"
    operations = {"query": query, "variables": {"s": {"scan": None, "note": "n"}}}
    answer = await send(http, operations, {"0": ["variables.s.scan"]}, ("a", b"abc", "no type"))
    # what is no media type is not passed on
    said = f"n: a application/octet-stream 3 {_short(b'abc')}"
    assert answer.json() == {"data": {"sheet": said}}
    query = "query ($f: Upload!) { size(scan: $f) }"
    operations = {"query": query, "variables": {"f": None}}
    answer = await send(http, operations, {"0": ["variables.f"]}, ("a", b"", "text/plain"))
    assert answer.json() == {"data": {"size": 0}}


async def test_a_second_try_with_the_same_file_gets_the_stored_answer(http: Any) -> None:
    body = {
        "documentId": hashlib.sha256(FILE.encode()).hexdigest(),
        "variables": {"f": None, "m": []},
    }

    async def attempt(data: bytes) -> Any:
        options = {"path": "/phone/graphql", "headers": {"idempotency-key": "k"}}
        file = ("a.txt", data, "text/plain")
        return await send(http, body, {"0": ["variables.f"]}, file, **options)

    first, second, other = [await attempt(data) for data in (b"x" * 99, b"x" * 99, b"y" * 99)]
    assert first.json() == second.json()
    assert first.json()["data"]["file"] == [f"a.txt text/plain 99 {_short(b'x' * 99)}"]
    assert second.headers["idempotency-replayed"] == "true"
    assert other.status_code == 422


class Counted:
    """A large empty file that counts what is read of it."""

    def __init__(self, size: int) -> None:
        self.file = tempfile.TemporaryFile()  # noqa: SIM115  # closed by the test
        self.file.truncate(size)
        self.count = 0

    def seek(self, place: int) -> int:
        return self.file.seek(place)

    def read(self, size: int) -> bytes:
        self.count += size
        return self.file.read(size)


async def test_a_file_is_read_no_faster_than_the_subgraph_takes_it() -> None:
    size = 32 * 1024 * 1024
    file = Counted(size)
    go_on, taken = asyncio.Event(), 0

    async def subgraph(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal taken
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.split("content-length:")[1].split("\r\n")[0])
        await go_on.wait()
        while taken < length:
            taken += len(await reader.read(1 << 20))
        writer.write(b'HTTP/1.1 200 OK\r\ncontent-length: 15\r\n\r\n{"data":{"a":1}}'[:-1])
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(subgraph, "127.0.0.1", 0)
    client = HttpClient(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
    upload = Upload.of_file("a", "text/plain", size, file)  # type: ignore[arg-type]
    asking = asyncio.ensure_future(client.fetch(SubgraphRequest("q", {"f": upload}, mutation=True)))
    async with asyncio.timeout(PATIENCE):
        before = -1
        while not file.count or before != file.count:
            before = file.count
            await asyncio.sleep(0.3)
    assert file.count < size  # the sockets are full, the rest is still on the disk
    go_on.set()
    with pytest.raises(SubgraphError):  # the answer was cut short on purpose: framing is checked
        await asking
    assert taken > size
    assert file.count == size
    file.file.close()
    await client.aclose()
    server.close()


async def test_a_subgraph_may_answer_before_it_has_everything() -> None:
    handlers: list[Any] = []

    async def subgraph(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        handlers.append(asyncio.current_task())
        await reader.readuntil(b"\r\n\r\n")
        body = b'{"errors":[{"message":"too large"}]}'
        writer.write(
            b"HTTP/1.1 413 Too Large\r\ncontent-type: application/graphql-response+json\r\n"
        )
        writer.write(b"content-length: %d\r\n\r\n%b" % (len(body), body))
        await writer.drain()
        await asyncio.sleep(0.2)
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    server = await asyncio.start_server(subgraph, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    client = HttpClient(url, HttpOptions(timeout=PATIENCE))
    file = Counted(32 * 1024 * 1024)
    upload = Upload.of_file("a", "text/plain", 32 * 1024 * 1024, file)  # type: ignore[arg-type]
    for _ in range(2):  # the second one does not meet the first one's connection
        answer = await client.fetch(SubgraphRequest("q", {"f": upload}, mutation=True))
        assert answer.errors[0]["message"] == "too large"
    assert file.count < 2 * 32 * 1024 * 1024
    file.file.close()
    await client.aclose()
    await asyncio.gather(*handlers)
    server.close()
