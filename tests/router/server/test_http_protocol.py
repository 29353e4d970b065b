"""The server's HTTP protocol: whole responses are joined, everything else is uvicorn's."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest
import uvicorn

from router.server.http_protocol import MOST_HEAD, JoinedHttpProtocol
from tests.patience import PATIENCE

gone = asyncio.Event()
"""Set by ``/watched`` when it hears that its client has gone."""
held = asyncio.Event()
"""What ``/held`` waits for."""


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answers by path."""
    body = b""
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)

    async def start(*headers: tuple[bytes, bytes], status: int = 200) -> None:
        await send({"type": "http.response.start", "status": status, "headers": list(headers)})

    match scope["path"]:
        case "/echo":
            await start((b"content-length", b"%d" % len(body)))
            await send({"type": "http.response.body", "body": body})
        case "/large":
            await start((b"content-length", b"100000"))
            await send({"type": "http.response.body", "body": b"x" * 100_000})
        case "/stream":
            await start()
            await send({"type": "http.response.body", "body": b"one", "more_body": True})
            await asyncio.sleep(0.01)
            await send({"type": "http.response.body", "body": b"two"})
        case "/slow" | "/held" as path:
            await (held.wait() if path == "/held" else asyncio.sleep(0.05))
            await start((b"content-length", b"4"))
            await send({"type": "http.response.body", "body": b"slow"})
        case "/a b":
            query = scope["query_string"]
            await start((b"content-length", b"%d" % len(query)))
            await send({"type": "http.response.body", "body": query})
        case "/headers":
            listed = b"".join(b"%b: %b\n" % header for header in scope["headers"])
            await start((b"content-length", b"%d" % len(listed)))
            await send({"type": "http.response.body", "body": listed})
        case "/nothing":
            await start(status=204)
            await send({"type": "http.response.body", "body": b""})
        case "/injected":
            await start((b"content-length", b"0"), (b"x", b"a\r\nset-cookie: b"))
            await send({"type": "http.response.body", "body": b""})
        case "/watched":
            await start()
            await send({"type": "http.response.body", "body": b"on", "more_body": True})
            while (await receive())["type"] != "http.disconnect":
                pass
            gone.set()
        case "/forgotten":
            await start((b"content-length", b"0"))
        case _:
            raise RuntimeError("no such path")


@asynccontextmanager
async def serving(keep_alive: float = 5, head_within: float = 60) -> AsyncIterator[int]:
    config = uvicorn.Config(
        app,
        http=partial(JoinedHttpProtocol, head_within=head_within),  # type: ignore[arg-type]
        lifespan="off",
        log_level="critical",
        access_log=False,
        timeout_keep_alive=keep_alive,  # type: ignore[arg-type]  # it is only counted with
    )
    server = uvicorn.Server(config)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        task = asyncio.create_task(server.serve([listener]))
        while not server.started:
            await asyncio.sleep(0.01)
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            await task


async def ask(port: int, *requests: bytes, last_closes: bool = True) -> bytes:
    """Write everything at once and read until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"".join(requests))
    if last_closes:
        writer.write(b"GET /echo HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    found = await asyncio.wait_for(reader.read(), PATIENCE)
    writer.close()
    return found


def request(path: str, body: bytes = b"", method: str = "POST") -> bytes:
    head = f"{method} {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def test_pipelined_requests_are_answered_in_order() -> None:
    async with serving() as port:
        found = await ask(port, request("/slow"), request("/echo", b"second"), request("/large"))
    assert found.index(b"slow") < found.index(b"second") < found.index(b"x" * 100_000)
    assert found.count(b"HTTP/1.1 200 OK") == 4
    assert found.count(b"connection: close") == 1


async def test_a_stream_is_chunked_and_the_connection_goes_on() -> None:
    async with serving() as port:
        found = await ask(port, request("/stream"), request("/echo", b"after"))
    assert b"transfer-encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n" in found
    assert b"after" in found


async def test_a_stream_to_http_1_0_ends_with_its_connection() -> None:
    async with serving() as port:
        found = await ask(port, b"GET /stream HTTP/1.0\r\n\r\n", last_closes=False)
    assert found.endswith(b"\r\nconnection: close\r\n\r\nonetwo")
    assert b"transfer-encoding" not in found


async def test_the_path_is_decoded_and_the_query_is_kept() -> None:
    async with serving() as port:
        found = await ask(port, request("/a%20b?c=%20d"))
    assert b"c=%20d" in found


async def test_head_and_no_content_have_no_body() -> None:
    async with serving() as port:
        found = await ask(port, request("/large", method="HEAD"), request("/nothing"))
    assert b"content-length: 100000" in found
    assert b"xxx" not in found
    assert b"204 No Content" in found


async def test_a_request_that_offers_another_protocol_keeps_its_body() -> None:
    head = b"POST /echo HTTP/1.1\r\nhost: x\r\nconnection: Upgrade, HTTP2-Settings\r\n"
    head += b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\ncontent-length: 4\r\n\r\n"
    async with serving() as port:
        found = await ask(port, head, b"body", request("/echo", b"upgrade: h2c"))
    assert b"\r\n\r\nbodyHTTP/1.1 200 OK" in found
    assert b"\r\n\r\nupgrade: h2cHTTP/1.1 200 OK" in found


async def test_what_is_no_http_is_refused_with_a_code() -> None:
    async with serving() as port:
        found = await ask(port, b"\x16\x03\x01 no HTTP\r\n\r\n", last_closes=False)
    head, _, body = found.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json")
    assert json.loads(body)["errors"][0]["extensions"] == {"code": "BAD_REQUEST"}


@pytest.mark.parametrize("hosts", [b"", b"host: x\r\nHost: y\r\n"])
async def test_a_request_names_one_host(hosts: bytes) -> None:
    async with serving() as port:
        found = await ask(port, b"GET /echo HTTP/1.1\r\n" + hosts + b"\r\n", last_closes=False)
    assert found.startswith(b"HTTP/1.1 400 Bad Request\r\n")


@pytest.mark.parametrize("lines", [b"x-a: 1\r\n" * 20_000, b"x-a: " + b"1" * 140_000])
async def test_a_head_that_does_not_end_is_not_kept(lines: bytes) -> None:
    head = b"GET /echo HTTP/1.1\r\nhost: x\r\n" + lines
    async with serving() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        async with asyncio.timeout(PATIENCE):
            writer.write(request("/echo", b"before"))
            await reader.readuntil(b"before")
            writer.write(head[:MOST_HEAD])
            await writer.drain()
            writer.write(head[MOST_HEAD : MOST_HEAD + 1])
            found = await reader.read()
        writer.close()
    assert found.startswith(b"HTTP/1.1 431 Request Header Fields Too Large\r\n")
    assert b'"code":"REQUEST_HEADERS_TOO_LARGE"' in found


async def test_what_follows_a_body_and_does_not_end_is_not_kept() -> None:
    lines = b"POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\nx-a: "
    async with serving() as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(lines)
        async with asyncio.timeout(PATIENCE):
            with contextlib.suppress(ConnectionError):
                while True:  # until the server closes the connection
                    writer.write(b"1" * 10_000)
                    await writer.drain()
        writer.close()


async def test_a_refusal_does_not_pass_for_the_answer_to_an_earlier_request() -> None:
    async with serving() as port:
        found = await ask(port, request("/slow"), b"no HTTP\r\n\r\n", last_closes=False)
    assert found.startswith(b"HTTP/1.1 200 OK\r\n")
    assert found.endswith(b"\r\n\r\nslow")


async def test_what_follows_the_body_is_no_header() -> None:
    lines = b"host: x\r\ntransfer-encoding: chunked\r\nx-who: me\r\n"
    chunked = b"POST /headers HTTP/1.1\r\n" + lines + b"\r\n4\r\nbody\r\n0\r\nx-who: you\r\n\r\n"
    async with serving() as port:
        found = await ask(port, chunked)
    assert b"x-who: me\n" in found
    assert b"x-who: you" not in found


async def test_a_very_long_target_is_the_apps_to_refuse() -> None:
    query = b"x" * 70_000
    async with serving() as port:
        found = await ask(port, b"GET /a%20b?" + query + b" HTTP/1.1\r\nhost: x\r\n\r\n")
    assert query in found


async def test_a_header_with_a_line_break_is_never_sent() -> None:
    async with serving() as port:
        found = await ask(port, request("/injected"), last_closes=False)
    assert b"set-cookie" not in found
    assert found.startswith(b"HTTP/1.1 500")


async def test_an_app_that_sends_no_body_or_breaks_is_answered_for() -> None:
    async with serving() as port:
        for path in ("/forgotten", "/unknown"):
            found = await ask(port, request(path), last_closes=False)
            assert found.startswith(b"HTTP/1.1 500"), path


async def test_an_idle_connection_is_closed_and_a_busy_one_is_not() -> None:
    time = asyncio.get_running_loop().time
    async with serving(keep_alive=0.3) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        asked = until = time() + 1.0
        while asked <= until:  # without a pause, which a busy machine would stretch
            asked = time()
            writer.write(request("/echo", b"here"))
            await asyncio.wait_for(reader.readuntil(b"here"), PATIENCE)
        assert await asyncio.wait_for(reader.read(), PATIENCE) == b""
        assert time() - asked > 0.25
        writer.close()


async def test_a_stream_hears_that_its_client_has_gone_though_another_request_waits_behind_it() -> (
    None
):
    gone.clear()
    async with serving() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request("/watched") + request("/echo", b"behind"))
        await asyncio.wait_for(reader.readuntil(b"on"), PATIENCE)
        writer.transport.abort()
        await asyncio.wait_for(gone.wait(), PATIENCE)


@pytest.mark.parametrize("sent", [b"", b"POST /echo HTTP/1.1\r\nhost"])
async def test_a_connection_on_which_no_whole_head_comes_is_closed(sent: bytes) -> None:
    async with serving(head_within=0.5) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()


async def test_a_head_may_wait_for_the_response_before_it_and_a_body_for_its_reader() -> None:
    async with serving(head_within=0.5) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        held.clear()
        writer.write(request("/held") + b"POST /echo HTTP/1.1\r\nhost: x\r\ncontent-")
        await asyncio.sleep(0.7)
        held.set()
        writer.write(b"length: 4\r\n\r\n")
        await asyncio.wait_for(reader.readuntil(b"slow"), PATIENCE)
        await asyncio.sleep(0.7)
        writer.write(b"body")
        await asyncio.wait_for(reader.readuntil(b"body"), PATIENCE)
        writer.close()
