"""Files go on to subgraphs while the client still sends them: nothing waits for the last byte."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

import httpx2
import pytest
from ariadne import MutationType, QueryType, ScalarType
from ariadne.contrib.federation import make_federated_schema

from router import Router, Subgraph
from router.execution.upload import Upload
from router.settings import HttpSettings, Settings, UploadSettings
from tests.patience import PATIENCE

SDL = """
extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@shareable"])
scalar Upload
type Query {{ {0}Nothing: Int }}
type Mutation {{ {0}(scan: Upload!): String  {0}Both(one: Upload!, two: Upload!): String }}
"""
WINDOW = 65_536
LARGE = 32 * 1024 * 1024
FILE = {"query": "mutation ($f: Upload!) { file(scan: $f) }", "variables": {"f": None}}
ONE = {"0": ["variables.f"]}


def settings(**more: Any) -> Settings:
    uploads = UploadSettings(enabled=True, file_bytes=64 * 1024 * 1024, memory_bytes=WINDOW)
    return Settings(uploads=uploads, **more)


class Taking:
    """A subgraph that takes a request as it arrives, and tells what it has."""

    def __init__(self) -> None:
        self.body = bytearray()
        self.headers: dict[bytes, bytes] = {}
        self.reads = asyncio.Event()
        self.reads.set()
        self.whole = 0
        self.cut = asyncio.Event()
        self.changed = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.headers = dict(scope["headers"])
        more = True
        while more:
            await self.reads.wait()
            message = await receive()
            if message["type"] == "http.disconnect":
                self.cut.set()
                return
            self.body += message.get("body", b"")
            self.changed.set()
            more = message.get("more_body", False)
        self.whole += 1
        name = b"other" if b"other(" in self.body else b"file"
        answer = b'{"data":{"%b":"%d"}}' % (name, len(self.body))
        start = {"type": "http.response.start", "status": 200}
        await send({**start, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": answer})

    async def has(self, text: bytes) -> None:
        """Wait until it has this."""
        async with asyncio.timeout(PATIENCE):
            while text not in self.body:
                self.changed.clear()
                await self.changed.wait()


def form(operations: Any, places: Any) -> bytes:
    """The beginning of the multipart body."""
    parts = (("operations", operations), ("map", places))
    return b"".join(
        f'--x\r\ncontent-disposition: form-data; name="{name}"\r\n\r\n{json.dumps(value)}\r\n'.encode()
        for name, value in parts
    )


def head(name: str) -> bytes:
    disposition = f'content-disposition: form-data; name="{name}"; filename="{name}.txt"'
    return f"--x\r\n{disposition}\r\ncontent-type: text/plain\r\n\r\n".encode()


END = b"\r\n--x--\r\n"
KIND = {"content-type": "multipart/form-data; boundary=x", "apollo-require-preflight": "1"}


async def post(address: str, body: AsyncIterator[bytes]) -> httpx2.Response:
    async with httpx2.AsyncClient(timeout=PATIENCE) as http:
        return await http.post(f"http://{address}/graphql", content=body, headers=KIND)


@pytest.fixture
async def taking() -> Taking:
    return Taking()


@pytest.fixture
async def door(serving: Callable[..., Any], taking: Taking) -> AsyncIterator[Callable[..., Any]]:
    """``await door(**settings)``: the address of a router before ``taking``."""
    async with AsyncExitStack() as stack:

        async def start(**more: Any) -> str:
            url = f"http://{await serving(taking)}/"
            subgraph = Subgraph(url=url, sdl=SDL.format("file"))
            router = Router.from_subgraphs({"files": subgraph}, settings=settings(**more))
            return str(await serving(await stack.enter_async_context(router)))

        yield start


async def test_a_subgraph_over_http_reads_while_the_client_sends(door: Any, taking: Taking) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield form(FILE, ONE) + head("0") + b"the first half"
        await taking.has(b"the first half")  # it is there before the second half is sent
        yield b", the second half" + END

    answer = await post(await door(), body())
    assert answer.json() == {"data": {"file": str(len(taking.body))}}
    assert taking.headers[b"transfer-encoding"] == b"chunked"
    assert b"the first half, the second half" in taking.body
    assert b'filename="0.txt"\r\ncontent-type: text/plain' in taking.body


async def test_resolvers_in_this_process_read_while_the_client_sends(serving: Any) -> None:
    first = asyncio.Event()
    mutation = MutationType()

    @mutation.field("file")
    async def file(*_: Any, scan: Upload) -> str:
        await scan.begun()
        found = b""
        async for piece in scan:
            found += piece
            first.set()
        return f"{scan.filename} {scan.content_type} {scan.size} {found.decode()}"

    async def body() -> AsyncIterator[bytes]:
        yield form(FILE, ONE) + head("0") + b"half"
        async with asyncio.timeout(PATIENCE):
            await first.wait()
        yield b" and half" + END

    scalar = ScalarType("Upload", value_parser=lambda value: value)
    schema = make_federated_schema(SDL.format("file"), [mutation, QueryType(), scalar])
    async with Router.from_subgraphs({"files": schema}, settings=settings()) as router:
        answer = await post(await serving(router), body())
    assert answer.json() == {"data": {"file": "0.txt text/plain 13 half and half"}}


async def test_an_app_in_this_process_reads_while_the_client_sends(
    serving: Any, taking: Taking
) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield form(FILE, ONE) + head("0") + b"half"
        await taking.has(b"half")
        yield b" and half" + END

    subgraph = Subgraph(schema=taking, sdl=SDL.format("file"))
    async with Router.from_subgraphs({"files": subgraph}, settings=settings()) as router:
        answer = await post(await serving(router), body())
    assert answer.json() == {"data": {"file": str(len(taking.body))}}
    assert b"half and half" in taking.body


async def test_a_client_sends_no_faster_than_the_subgraph_reads(door: Any, taking: Taking) -> None:
    taking.reads.clear()
    sent = 0
    piece = bytes(range(256)) * 256

    async def body() -> AsyncIterator[bytes]:
        nonlocal sent
        yield form(FILE, ONE) + head("0")
        while sent < LARGE:
            sent += len(piece)
            yield piece
        yield END

    posting = asyncio.create_task(post(await door(), body()))
    before = -1
    while not sent or before != sent:  # until everything between the two is full
        before = sent
        await asyncio.sleep(0.3)
    assert sent < LARGE
    taking.reads.set()
    answer = await posting
    assert "errors" not in answer.json()
    content = taking.body.split(b"text/plain\r\n\r\n")[1][:LARGE]
    digest = hashlib.sha256(content).hexdigest()
    assert digest == hashlib.sha256(piece * (LARGE // len(piece))).hexdigest()


async def test_a_file_that_grows_too_large_is_cut_off_and_refused(
    serving: Any, taking: Taking
) -> None:
    limit = 200_000

    async def body() -> AsyncIterator[bytes]:
        yield form(FILE, ONE) + head("0")
        for _ in range(limit // 10_000 + 1):
            yield b"x" * 10_000
        async with asyncio.timeout(PATIENCE):
            await taking.cut.wait()  # while we still send
        yield END

    uploads = UploadSettings(enabled=True, file_bytes=limit, memory_bytes=WINDOW)
    subgraph = Subgraph(url=f"http://{await serving(taking)}/", sdl=SDL.format("file"))
    graph = {"files": subgraph}
    async with Router.from_subgraphs(graph, settings=Settings(uploads=uploads)) as router:
        answer = await post(await serving(router), body())
    assert answer.status_code == 413
    [error] = answer.json()["errors"]
    assert error["extensions"]["code"] == "REQUEST_TOO_LARGE"
    assert error["message"] == f"A file is larger than {limit} bytes."
    assert taking.whole == 0


async def test_nothing_is_done_for_a_client_that_goes_away(door: Any, taking: Taking) -> None:
    host, _, port = (await door()).partition(":")
    _, writer = await asyncio.open_connection(host, int(port))
    lines = "".join(f"{name}: {value}\r\n" for name, value in KIND.items())
    writer.write(
        f"POST /graphql HTTP/1.1\r\nhost: x\r\n{lines}content-length: 100000\r\n\r\n".encode()
    )
    writer.write(form(FILE, ONE) + head("0") + b"half")
    await taking.has(b"half")
    writer.close()
    async with asyncio.timeout(PATIENCE):
        await taking.cut.wait()
    assert taking.whole == 0


async def test_a_file_that_does_not_come_is_refused_and_the_request_cut(
    door: Any, taking: Taking
) -> None:
    async def body() -> AsyncIterator[bytes]:
        query = "mutation ($f: Upload!, $g: Upload!) { fileBoth(one: $f, two: $g) }"
        operations = {"query": query, "variables": {"f": None, "g": None}}
        yield form(operations, {"0": ["variables.f"], "1": ["variables.g"]}) + head("0") + b"half"
        await taking.has(b"half")
        yield END

    answer = await post(await door(), body())
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["message"] == "The file '1' is missing."
    assert taking.whole == 0


async def test_a_client_that_stops_sending_is_late(door: Any, taking: Taking) -> None:
    stopped = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield form(FILE, ONE) + head("0") + b"half"
        async with asyncio.timeout(PATIENCE):
            await taking.cut.wait()
        stopped.set()
        yield END

    answer = await post(await door(http=HttpSettings(request_timeout=3.0)), body())
    assert answer.status_code == 504
    assert stopped.is_set()
    assert taking.whole == 0


async def test_two_subgraphs_may_need_one_file(serving: Any) -> None:
    """Then it is kept: the second reads it after the first."""
    one, two = Taking(), Taking()
    graph = {
        name: Subgraph(url=f"http://{await serving(app)}/", sdl=SDL.format(field))
        for name, field, app in (("one", "file", one), ("two", "other", two))
    }
    query = "mutation ($f: Upload!) { file(scan: $f) other(scan: $f) }"
    content = bytes(range(251)) * 4_000

    async def body() -> AsyncIterator[bytes]:
        yield form({"query": query, "variables": {"f": None}}, ONE) + head("0") + content[:500_000]
        await one.has(content[:1000])  # the first still reads while the client sends
        yield content[500_000:] + END

    async with Router.from_subgraphs(graph, settings=settings()) as router:
        answer = await post(await serving(router), body())
    assert set(answer.json()["data"]) == {"file", "other"}
    assert "errors" not in answer.json()
    for app in (one, two):
        assert content in app.body


@pytest.mark.parametrize("order", [("0", "1"), ("1", "0")])
async def test_files_may_come_in_another_order_than_the_maps(
    door: Any, taking: Taking, order: Sequence[str]
) -> None:
    """What comes before its turn is kept until it is needed, however large."""
    files = {"0": b"zero" * 250_000, "1": b"one!" * 250_000}
    query = "mutation ($f: Upload!, $g: Upload!) { fileBoth(one: $f, two: $g) }"
    operations = {"query": query, "variables": {"f": None, "g": None}}

    async def body() -> AsyncIterator[bytes]:
        yield form(operations, {"0": ["variables.f"], "1": ["variables.g"]})
        for name in order:
            yield head(name)
            for start in range(0, 1_000_000, 50_000):
                yield files[name][start : start + 50_000]
            yield b"\r\n"
        yield b"--x--\r\n"

    async with asyncio.timeout(PATIENCE):
        await post(await door(), body())
    assert taking.whole == 1
    assert taking.body.index(files["0"]) < taking.body.index(files["1"])


async def test_a_file_that_nobody_reads_holds_nothing_up(door: Any, taking: Taking) -> None:
    query = "mutation ($f: Upload!, $no: Boolean!) { file(scan: $f) @skip(if: $no) __typename }"
    operations = {"query": query, "variables": {"f": None, "no": True}}

    async def body() -> AsyncIterator[bytes]:
        yield form(operations, ONE) + head("0")
        for _ in range(100):
            yield b"x" * WINDOW
        yield END

    answer = await post(await door(), body())
    assert answer.json() == {"data": {"__typename": "Mutation"}}
    assert taking.body == b""


async def test_a_resolver_that_reads_twice_is_told_so(serving: Any) -> None:
    mutation = MutationType()

    @mutation.field("file")
    async def file(*_: Any, scan: Upload) -> str:
        pieces = [piece async for piece in scan]
        with suppress(StopAsyncIteration):
            await anext(aiter(scan))
        return str(len(pieces))

    scalar = ScalarType("Upload", value_parser=lambda value: value)
    schema = make_federated_schema(SDL.format("file"), [mutation, QueryType(), scalar])

    async def body() -> AsyncIterator[bytes]:
        yield form(FILE, ONE) + head("0") + b"all" + END

    async with Router.from_subgraphs({"files": schema}, settings=settings()) as router:
        answer = await post(await serving(router), body())
    [error] = answer.json()["errors"]
    assert error["message"] == "The file was read before and is not kept."
    assert error["extensions"]["code"] == "UPLOAD_BROKEN"


async def test_a_foreign_server_reads_what_comes_in_chunks(serving: Any, clients_js: Path) -> None:
    """npm's GraphQL Yoga; Strawberry's server is met in test_uploads_forwarded.py."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        "node", "upload.mjs", cwd=clients_js, stdin=pipe, stdout=pipe
    )
    assert process.stdout is not None
    content = bytes(range(256)) * 2_000
    operations = {**FILE, "query": "mutation ($f: File!) { file(scan: $f) }"}

    async def body() -> AsyncIterator[bytes]:
        yield form(operations, ONE) + head("0") + content[:100]
        for start in range(100, len(content), 50_000):
            await asyncio.sleep(0)
            yield content[start : start + 50_000]
        yield END

    try:
        async with asyncio.timeout(PATIENCE):
            url = json.loads(await process.stdout.readline())["url"]
        sdl = SDL.format("file").replace("Upload", "File")
        graph = {"files": Subgraph(url=url, sdl=sdl)}
        async with Router.from_subgraphs(graph, settings=settings()) as router:
            answer = await post(await serving(router), body())
    finally:
        process.kill()
        await process.wait()
    said = f"0.txt text/plain {hashlib.sha256(content).hexdigest()}"
    assert answer.json() == {"data": {"file": said}}
