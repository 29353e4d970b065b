"""The direct way answers as the way through ASGI does, only without a task."""

from __future__ import annotations

import asyncio
import gc
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
import uvicorn

from router import Router
from router.contracts.contract import Contract, ContractLimits
from router.execution import Answer
from router.server.direct import Head
from router.server.exchange import Exchange, Run
from router.server.http_protocol import Begin, protocol_for
from router.server.identity import ANONYMOUS, Identity
from router.settings import (
    ClientMatching,
    CorsSettings,
    ErrorSettings,
    HttpSettings,
    RateSettings,
    RequestLimits,
    Settings,
    SubgraphSettings,
)
from tests.patience import PATIENCE

BOOKS = {"query": "{ books { title } }"}
JSON = {"content-type": "application/json"}


class Door:
    """A router on a socket; ``begun`` tells of each request offered whether it went directly."""

    def __init__(self, router: Router, *, offered: bool = True) -> None:
        self.router = router
        self.offered = offered
        self.begun: list[bool] = []
        self.port = 0

    def begin(self, *arguments: Any) -> bool:
        self.begun.append(self.offered and self.router.begin(*arguments))
        return self.begun[-1]


@asynccontextmanager
async def listening(app: Any, begin: Begin) -> AsyncIterator[tuple[int, uvicorn.Server]]:
    config = uvicorn.Config(
        app,
        log_level="critical",
        access_log=False,
        lifespan="off",
        date_header=False,
        http=protocol_for(begin),  # type: ignore[arg-type]
    )
    server = uvicorn.Server(config)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        task = asyncio.create_task(server.serve([listener]))
        while not server.started:
            await asyncio.sleep(0.01)
        try:
            yield listener.getsockname()[1], server
        finally:
            server.should_exit = True
            await task


@asynccontextmanager
async def door(router: Router, *, offered: bool = True) -> AsyncIterator[Door]:
    made = Door(router, offered=offered)
    async with listening(router, made.begin) as (made.port, _):
        yield made


def request(
    body: object, headers: Mapping[str, str] | None = None, path: str = "/graphql"
) -> bytes:
    written = body if isinstance(body, bytes) else orjson.dumps(body)
    lines = {
        "host": "x",
        "content-length": str(len(written)),
        **(JSON if headers is None else headers),
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + written


class Connection:
    """A client on one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def ask(self, raw: bytes) -> tuple[str, dict[str, str], bytes]:
        self.writer.write(raw)
        return await self.answer()

    async def answer(self) -> tuple[str, dict[str, str], bytes]:
        async with asyncio.timeout(PATIENCE):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
            status, *lines = head.split("\r\n")
            headers = {
                name: value for line in lines if line for name, _, value in [line.partition(": ")]
            }
            if headers.get("transfer-encoding") == "chunked":
                body = await self.reader.readuntil(b"\r\n0\r\n\r\n")
            else:
                body = await self.reader.readexactly(int(headers["content-length"]))
        return status, headers, body


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Connection]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Connection(reader, writer)
    finally:
        writer.close()


def seller(**limits: Any) -> dict[str, Any]:
    contract = Contract(
        name="shop", title="", path="/shop/graphql", limits=ContractLimits(**limits)
    )
    return {"contracts": [contract]}


CASES: dict[str, tuple[dict[str, Any], bytes, bool]] = {
    "a query": ({}, request(BOOKS), True),
    "a mutation": ({}, request({"query": 'mutation { lend(id: "1") }'}), True),
    "variables": (
        {},
        request({"query": "query($n: Int) { books(first: $n) { id } }", "variables": {"n": 1}}),
        True,
    ),
    "a variable that does not fit": (
        {},
        request({"query": "query($n: Int) { books(first: $n) { id } }", "variables": {"n": "x"}}),
        False,
    ),
    "an operation by its name": (
        {},
        request({"query": "query A { authors } query B { books { id } }", "operationName": "B"}),
        True,
    ),
    "errors of a subgraph": ({}, request({"query": "{ books { torn } }"}), True),
    "errors that are masked": (
        {"settings": Settings(errors=ErrorSettings(mask=True))},
        request({"query": "{ books { torn } }"}),
        True,
    ),
    "errors with a status of their own": (
        {"settings": Settings(http=HttpSettings(statuses="draft"))},
        request({"query": "{ books { torn } }"}),
        True,
    ),
    "a field that the caller may not see": ({}, request({"query": "{ books { price } }"}), True),
    "a refusal of rights": (
        {"settings": Settings(unauthorised="refuse")},
        request({"query": "{ books { price } }"}),
        False,
    ),
    "introspection": (
        {},
        request({"query": "{ __typename __schema { queryType { name } } }"}),
        True,
    ),
    "the other media type": (
        {},
        request(BOOKS, {**JSON, "accept": "application/graphql-response+json"}),
        True,
    ),
    "no media type": ({}, request(BOOKS, {**JSON, "accept": "image/png"}), False),
    "a stream of one": ({}, request(BOOKS, {**JSON, "accept": "multipart/mixed"}), False),
    "a granted origin": (
        {"settings": Settings(http=HttpSettings(cors=CorsSettings(origins=("https://a",))))},
        request(BOOKS, {**JSON, "origin": "https://a"}),
        True,
    ),
    "an origin that is not": (
        {"settings": Settings(http=HttpSettings(cors=CorsSettings(origins=("https://a",))))},
        request(BOOKS, {**JSON, "origin": "https://b"}),
        True,
    ),
    "compression": (
        {"settings": Settings(http=HttpSettings(compression_minimum=1))},
        request(BOOKS, {**JSON, "accept-encoding": "gzip"}),
        True,
    ),
    "what a page could forge": ({}, request(BOOKS, {"content-type": "text/plain"}), False),
    "no JSON": ({}, request(b"{"), False),
    "no object": ({}, request(b"1"), False),
    "a batch": ({}, request([BOOKS, BOOKS]), False),
    "no document": ({}, request({"query": "{"}), False),
    "an unknown field": ({}, request({"query": "{ nothing }"}), False),
    "a subscription": ({}, request({"query": "subscription { arrivals { id } }"}), False),
    "an unknown hash": (
        {},
        request({"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}}}),
        False,
    ),
    "a body that is too large": (
        {"settings": Settings(limits=RequestLimits(body_bytes=10))},
        request(BOOKS),
        False,
    ),
    "a body that is too deep": (
        {"settings": Settings(limits=RequestLimits(json_depth=1))},
        request({**BOOKS, "extensions": {"a": {"b": {}}}}),
        False,
    ),
    "a rate": (
        {"settings": Settings(rate=RateSettings(limit="100/minute"))},
        request(BOOKS),
        False,
    ),
    "shared requests": (
        {"settings": Settings(limits=RequestLimits(share_requests=True))},
        request(BOOKS),
        False,
    ),
    "a content encoding": ({}, request(BOOKS, {**JSON, "content-encoding": "gzip"}), False),
    "a key of idempotency": (
        {},
        request({"query": 'mutation { lend(id: "1") }'}, {**JSON, "idempotency-key": "k"}),
        False,
    ),
    "a proxy": ({}, request(BOOKS, {**JSON, "x-forwarded-for": "10.0.0.1"}), False),
    "a header that comes twice": (
        {},
        request(BOOKS, {**JSON, "x-a": "1\r\nx-a: 2"}),
        False,
    ),
    "an encoded path": ({}, request(BOOKS, path="/%67raphql"), False),
    "a query string": ({}, request(BOOKS, path="/graphql?a=b"), False),
    "another path": ({}, request(BOOKS, path="/nothing"), False),
    "a client of its own": (seller(), request(BOOKS, path="/shop/graphql"), True),
    "a client by header": (seller(), request(BOOKS, {**JSON, "x-client": "shop"}), True),
    "a client that nobody is": (seller(), request(BOOKS, {**JSON, "x-client": "nobody"}), False),
    "an answer that is too large": (
        seller(answer_bytes=5),
        request(BOOKS, path="/shop/graphql"),
        True,
    ),
    "a cost that is too high": (
        {**seller(cost=0)},
        request(BOOKS, path="/shop/graphql"),
        False,
    ),
}


@pytest.mark.parametrize("name", CASES)
async def test_both_ways_give_the_same_response(
    name: str, started: Callable[..., Any], library: Any
) -> None:
    options, raw, directly = CASES[name]
    options = {"settings": Settings(), **options}
    responses = []
    for offered in (True, False):
        library.loans.clear()
        router = await started(**options)
        async with door(router, offered=offered) as made, connected(made.port) as connection:
            # the first builds the operation, the second reads the head, the third repeats it
            responses.append([await connection.ask(raw) for _ in range(3)])
            assert any(made.begun) == (directly and offered)
    direct, through_asgi = responses
    for one, two in zip(direct, through_asgi, strict=True):
        assert one[:2] == two[:2]
        assert _without_ids(one[2]) == _without_ids(two[2])


@pytest.mark.parametrize("name", ["a query", "a mutation", "errors of a subgraph", "a rate"])
async def test_an_answered_request_leaves_nothing_to_the_garbage_collector(
    name: str, started: Callable[..., Any]
) -> None:
    options, raw, directly = CASES[name]
    router = await started(**{"settings": Settings(), **options})
    async with door(router) as made, connected(made.port) as connection:
        await connection.ask(raw)
        gc.collect()
        gc.disable()
        try:
            for _ in range(3):
                await connection.ask(raw)
            await connection.ask(request(b"{"))  # what the last one holds is let go
            assert made.begun == [False, *[directly] * 3, False]
            assert not [each for each in gc.get_objects() if isinstance(each, Exchange)]
        finally:
            gc.enable()


def _without_ids(body: bytes) -> Any:
    """The response but for the ids of masked errors, which are drawn."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return body
    for error in found.get("errors", ()) if isinstance(found, dict) else ():
        error.get("extensions", {}).pop("id", None)
    return found


async def test_a_caller_is_known_again_without_waiting(started: Callable[..., Any]) -> None:
    class ByName:
        async def __call__(self, headers: Mapping[str, str]) -> Identity:
            return self.known(headers) or ANONYMOUS

        def known(self, headers: Mapping[str, str]) -> Identity | None:
            name = headers.get("x-name")
            return None if name is None else Identity(subject=name, scopes=frozenset({name}))

    router = await started(authenticate=ByName())
    query = {"query": "{ books(first: 1) { price stock } }"}
    async with door(router) as made, connected(made.port) as connection:
        for name, stock in (("stock:read", 3), ("guest", None), ("stock:read", 3)):
            for _ in range(2):
                raw = request(query, {**JSON, "x-name": name})
                _, _, body = await connection.ask(raw)
                found = orjson.loads(body)["data"]
                # without a right the list's item is nulled up to where null may stand
                assert (found or {}).get("books", [{}])[0].get("stock") == stock
        # what the guest may not see is another form of the operation: it is built first
        assert made.begun == [False, True, False, True, True, True]
        await connection.ask(request(query))
        assert made.begun[-1] is False  # not known: asked and awaited


async def test_stages_wrap_every_request(started: Callable[..., Any]) -> None:
    seen: list[str] = []

    async def stage(exchange: Exchange, run: Run) -> Answer:
        seen.append(exchange.text)
        return await run(exchange)

    router = await started(stages=[stage])
    async with door(router) as made, connected(made.port) as connection:
        for _ in range(3):
            await connection.ask(request(BOOKS))
        assert seen == [BOOKS["query"]] * 3
        assert not any(made.begun)


async def test_settings_and_schema_are_looked_at_anew_after_a_reload(
    started: Callable[..., Any], library: Any
) -> None:
    settings = [Settings()]
    router = await started(settings=lambda: settings[0])
    raw = request(BOOKS, {**JSON, "x-client": "nobody"})
    async with door(router) as made, connected(made.port) as connection:
        for _ in range(2):
            assert (await connection.ask(raw))[0] == "HTTP/1.1 200 OK"
        before = router.generation
        settings[0] = Settings(
            limits=RequestLimits(body_bytes=10),
            clients=ClientMatching(),
            subgraphs=SubgraphSettings(deduplicate=False),
        )
        await router.reload()
        assert (await connection.ask(raw))[0].startswith("HTTP/1.1 413 ")
        assert made.begun == [False, True, False]
        assert before.closed


async def test_a_request_under_way_keeps_its_generation(
    started: Callable[..., Any], library: Any
) -> None:
    router = await started()
    async with door(router) as made, connected(made.port) as connection:
        await connection.ask(request(BOOKS))
        library.gate.clear()
        connection.writer.write(request(BOOKS))
        await library.held(1)
        before = router.generation
        await router.reload()
        assert not before.closed
        library.gate.set()
        assert (await connection.answer())[0] == "HTTP/1.1 200 OK"
        async with asyncio.timeout(PATIENCE):
            while not before.closed:
                await asyncio.sleep(0.005)
        assert made.begun == [False, True]


async def test_a_slow_request_is_504(started: Callable[..., Any], library: Any) -> None:
    router = await started()
    async with door(router) as made, connected(made.port) as connection:
        await connection.ask(request(BOOKS))
        deadlines = router.server.http.deadlines
        library.gate.clear()
        deadlines.seconds = 0.1
        status, _, body = await connection.ask(request(BOOKS))
        assert status == "HTTP/1.1 504 Gateway Timeout"
        assert orjson.loads(body)["errors"][0]["extensions"]["code"] == "GATEWAY_TIMEOUT"
        deadlines.seconds = PATIENCE
        library.gate.set()
        assert (await connection.ask(request(BOOKS)))[0] == "HTTP/1.1 200 OK"
        assert made.begun == [False, True, True]


async def test_requests_are_answered_in_order_however_they_come(
    started: Callable[..., Any], library: Any
) -> None:
    router = await started()
    names = {"query": "{ authors }"}
    async with door(router) as made, connected(made.port) as connection:
        for each in (BOOKS, names):
            await connection.ask(request(each))
        library.gate.clear()
        connection.writer.write(request(BOOKS))
        await library.held(1)
        assert made.begun[-1]
        # while one is under way: a whole one, two at once, and one in pieces
        connection.writer.write(request(names))
        await connection.writer.drain()
        connection.writer.write(request(BOOKS) + request(names))
        whole = request(names)
        connection.writer.write(whole[:20])
        await asyncio.sleep(0.01)
        library.gate.set()
        answers = [await connection.answer() for _ in range(4)]
        connection.writer.write(whole[20:])
        answers.append(await connection.answer())
        assert ["books" in orjson.loads(body)["data"] for _, _, body in answers] == [
            True,
            False,
            True,
            False,
            False,
        ]
        assert (await connection.ask(request(BOOKS)))[0] == "HTTP/1.1 200 OK"
        assert made.begun[-1]


async def test_a_client_that_leaves_takes_nothing_with_it(
    started: Callable[..., Any], library: Any
) -> None:
    router = await started()
    async with door(router) as made:
        async with connected(made.port) as connection:
            await connection.ask(request(BOOKS))
            library.gate.clear()
            connection.writer.write(request(BOOKS))
            await library.held(1)
        library.gate.set()
        async with connected(made.port) as connection:
            assert (await connection.ask(request(BOOKS)))[0] == "HTTP/1.1 200 OK"
        async with asyncio.timeout(PATIENCE):
            await router.drain()


async def test_a_shutdown_waits_for_the_answer_and_says_that_it_is_the_last(
    started: Callable[..., Any], library: Any
) -> None:
    router = await started()
    made = Door(router)
    async with listening(router, made.begin) as (port, server), connected(port) as connection:
        await connection.ask(request(BOOKS))
        library.gate.clear()
        connection.writer.write(request(BOOKS))
        await library.held(1)
        server.should_exit = True
        async with asyncio.timeout(PATIENCE):
            while server.servers[0].is_serving():  # it looks every tenth of a second
                await asyncio.sleep(0.01)
        draining = asyncio.create_task(router.drain())
        await asyncio.sleep(0.01)
        assert not draining.done()
        library.gate.set()
        status, headers, _ = await connection.answer()
        assert (status, headers.get("connection")) == ("HTTP/1.1 200 OK", "close")
        assert await connection.reader.read() == b""
        await draining


async def test_nothing_goes_directly_before_the_start_and_after_the_end() -> None:
    router = Router.from_subgraphs({})
    head = Head("/graphql", {**JSON, "x-peer": ""})
    assert not router.begin(head, orjson.dumps(BOOKS), lambda _: pytest.fail("answered"))
