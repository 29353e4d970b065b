"""Subscriptions over WebSocket, SSE and multipart, as servers really write them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from websockets.asyncio.server import ServerConnection, serve

from router.errors import SubgraphError
from router.execution.client import SubgraphAnswer, SubgraphRequest
from router.transport import HttpClient, HttpOptions
from router.transport.event_streams import MultipartReader, SseReader, boundary_of
from router.transport.streaming import multipart_answers, sse_answers
from tests.patience import PATIENCE
from tests.router.transport.wire import Wire, wire

ASK = SubgraphRequest("subscription{n}", {"a": 1}, "Op", {"authorization": "t"})


def event(number: int) -> bytes:
    return b'{"data":{"n":%d}}' % number


def pieces(data: bytes, step: int) -> list[bytes]:
    return [data[i : i + step] for i in range(0, len(data), step)]


async def listed(chunks: list[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


SSE = (
    b": hello\n\nevent: next\ndata: %b\n\n:\n\nevent: next\ndata: %b\n\nevent: complete\ndata:\n\n"
    % (
        event(1),
        event(2),
    )
)


@pytest.mark.parametrize("step", [1, 2, 3, 5, 1000])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
async def test_sse_is_read_however_it_is_cut_and_whatever_ends_its_lines(
    step: int, end: bytes, bom: bytes
) -> None:
    data = bom + SSE.replace(b"\n", end)
    found = [answer.data async for answer in sse_answers(listed(pieces(data, step)), 1000)]
    assert found == [{"n": 1}, {"n": 2}]


def test_sse_data_may_have_several_lines_and_no_name() -> None:
    reader = SseReader(1000)
    (found,) = reader.feed(b'id: 1\nretry: 5\ndata: {"data":\ndata:{"n":1}}\n\n')
    assert (found.name, found.data) == ("message", b'{"data":\n{"n":1}}')
    (found,) = reader.feed(b"event: complete\n\n")
    assert (found.name, found.data) == ("complete", b"")


async def test_a_stream_that_ends_without_complete_broke_off() -> None:
    with pytest.raises(SubgraphError, match="broke off"):
        async for _ in sse_answers(listed([SSE[:60]]), 1000):
            pass


async def test_an_endless_event_is_refused() -> None:
    for data in (b"data: " + b"x" * 2000, b"data: xxxxxxxx\n" * 300):
        with pytest.raises(SubgraphError) as caught:
            async for _ in sse_answers(listed([data]), 1000):
                pass
        assert caught.value.error_code == "SUBREQUEST_TOO_LARGE"


def parts(*bodies: bytes, end: bytes = b"--\r\n") -> bytes:
    made = b"\r\n--graphql"
    for body in bodies:
        made += b"\r\nContent-Type: application/json\r\n\r\n" + body + b"\r\n--graphql"
    return made + end


@pytest.mark.parametrize("step", [1, 2, 3, 7, 1000])
async def test_multipart_is_read_however_it_is_cut(step: int) -> None:
    data = parts(b"{}", b'{"payload":%b}' % event(1), b"{}", event(2))
    found = [
        answer.data
        async for answer in multipart_answers(listed(pieces(data, step)), "graphql", 999)
    ]
    assert found == [{"n": 1}, {"n": 2}]


def test_a_part_is_released_with_its_delimiter() -> None:
    reader = MultipartReader("graphql", 1000)
    assert reader.feed(parts(event(1), end=b"")) == [event(1)]
    assert reader.feed(b"\r\n\r\n" + event(2) + b"\r\n--graphql") == [event(2)]
    assert not reader.ended
    assert reader.feed(b"-") == []
    assert reader.feed(b"-\r\n") == []
    assert reader.ended


async def test_a_fatal_part_ends_with_its_errors_and_a_lost_delimiter_keeps_its_event() -> None:
    data = parts(b'{"payload":null,"errors":[{"message":"m"}]}')
    (found,) = [answer async for answer in multipart_answers(listed([data]), "graphql", 999)]
    assert found.errors == ({"message": "m"},)
    data = parts(event(1), end=b"")[: -len(b"\r\n--graphql")]
    answers = aiter(multipart_answers(listed([data]), "graphql", 999))
    assert (await anext(answers)).data == {"n": 1}
    with pytest.raises(SubgraphError, match="broke off"):
        await anext(answers)


@pytest.mark.parametrize(
    ("header", "boundary"),
    [
        ('multipart/mixed;boundary="graphql";subscriptionSpec=1.0', "graphql"),
        ("multipart/mixed; boundary=-; x=y", "-"),
        ("multipart/mixed", "-"),
        ("multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/json", "graphql"),
    ],
)
def test_the_boundary_is_read_as_servers_write_it(header: str, boundary: str) -> None:
    assert boundary_of(header) == boundary


async def collect(url: str, **options: Any) -> list[Any]:
    client = HttpClient(url, HttpOptions(**{"timeout": PATIENCE, **options}))
    found: list[Any] = []
    try:
        async for answer in client.subscribe(ASK):
            found.append(answer.data if isinstance(answer, SubgraphAnswer) else answer)
    except SubgraphError as error:
        found.append(error.error_code)
    finally:
        await client.aclose()
    return found


def stream(kind: str, body: bytes) -> Any:
    async def serve_stream(_: Wire, writer: asyncio.StreamWriter, __: bytes) -> None:
        head = f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ntransfer-encoding: chunked\r\n\r\n"
        writer.write(head.encode())
        for piece in pieces(body, 9):
            writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            await writer.drain()
        writer.write(b"0\r\n\r\n")

    return serve_stream


@pytest.mark.parametrize(
    ("kind", "body", "wanted"),
    [
        ("text/event-stream; charset=utf-8", SSE, [{"n": 1}, {"n": 2}]),
        ("multipart/mixed;boundary=graphql", parts(event(1), event(2)), [{"n": 1}, {"n": 2}]),
        ("application/json", event(3), [{"n": 3}]),
        ("text/html", b"<html>", ["SUBREQUEST_MALFORMED_RESPONSE"]),
        ("text/event-stream", SSE[:70], [{"n": 1}, "SUBREQUEST_HTTP_ERROR"]),
    ],
)
async def test_over_http_the_content_type_says_how_to_read(
    kind: str, body: bytes, wanted: list[Any]
) -> None:
    async with wire(stream(kind, body)) as server:
        assert await collect(server.url, subscriptions="http") == wanted
        head, sent = server.requests[0]
        assert b"text/event-stream, multipart/mixed" in head
        assert orjson.loads(sent)["operationName"] == "Op"


async def test_a_stream_is_not_asked_for_in_an_encoding() -> None:
    async with wire(stream("text/event-stream", SSE)) as server:
        await collect(server.url, subscriptions="http", encodings=("gzip",))
        assert b"accept-encoding" not in server.requests[0][0].lower()


async def test_a_silent_stream_counts_as_broken_where_that_is_asked() -> None:
    async def silent(_: Wire, writer: asyncio.StreamWriter, __: bytes) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n")

    async with wire(silent) as server:
        found = await collect(server.url, subscriptions="http", event_timeout=0.05)
        assert found == ["SUBREQUEST_TIMEOUT"]


Script = list[Any]


@asynccontextmanager
async def websocket(
    script: Script, protocols: list[str] | None
) -> AsyncIterator[tuple[str, list[Any]]]:
    """A server that acknowledges, awaits the subscription and plays ``script``."""
    received: list[Any] = []

    async def handle(socket: ServerConnection) -> None:
        received.append(dict(socket.request.headers) if socket.request else {})
        received.append(orjson.loads(await socket.recv()))
        await socket.send(
            '{"type":"ka"}' if socket.subprotocol == "graphql-ws" else '{"type":"ping"}'
        )
        await socket.send('{"type":"connection_ack"}')
        while (message := orjson.loads(await socket.recv()))["type"] == "pong":
            pass
        received.append(message)
        for item in script:
            if isinstance(item, int):
                await socket.close(item, "why")
                return
            await socket.send(item if isinstance(item, str) else orjson.dumps(item).decode())
        await socket.wait_closed()
        received.append("closed")

    async with serve(handle, "127.0.0.1", 0, subprotocols=protocols) as server:  # type: ignore[arg-type]
        port = next(iter(server.sockets)).getsockname()[1]
        yield f"http://127.0.0.1:{port}/graphql", received


def message(kind: str, payload: Any = None) -> dict[str, Any]:
    return {"type": kind, "id": "1", "payload": payload}


@pytest.mark.parametrize("protocol", ["graphql-transport-ws", "graphql-ws"])
async def test_both_protocols_are_spoken_and_the_current_one_is_preferred(protocol: str) -> None:
    legacy = protocol == "graphql-ws"
    kind = "data" if legacy else "next"
    script = [
        message(kind, {"data": {"n": 1}}),
        {"type": "ka" if legacy else "ping"},
        message(kind, {"data": {"n": 2}}),
        message("complete"),
    ]
    offered = [protocol] if legacy else ["graphql-ws", "graphql-transport-ws"]
    if not legacy:
        offered = ["graphql-transport-ws"]
    async with websocket(script, offered) as (url, received):
        assert await collect(url) == [{"n": 1}, {"n": 2}]
    headers, init, start = received[:3]
    assert headers["authorization"] == "t"
    assert init["payload"] == {"authorization": "t"}
    assert start["type"] == ("start" if legacy else "subscribe")
    assert start["payload"] == {
        "query": "subscription{n}",
        "variables": {"a": 1},
        "operationName": "Op",
    }


@pytest.mark.parametrize(
    ("script", "wanted"),
    [
        ([message("error", [{"message": "m"}])], [None]),
        ([message("error", {"message": "m"})], [None]),
        (["[1]"], ["SUBREQUEST_MALFORMED_RESPONSE"]),
        (["nonsense"], ["SUBREQUEST_MALFORMED_RESPONSE"]),
        ([message("next", "x")], ["SUBREQUEST_MALFORMED_RESPONSE"]),
        ([message("next", {"data": {"n": 1}}), 1011], [{"n": 1}, "SUBREQUEST_HTTP_ERROR"]),
        ([4403], ["SUBREQUEST_HTTP_ERROR"]),
    ],
)
async def test_what_a_websocket_does_wrong_ends_the_subscription(
    script: Script, wanted: list[Any]
) -> None:
    async with websocket(script, ["graphql-transport-ws"]) as (url, _):
        assert await collect(url, subscriptions="websocket") == wanted


async def test_leaving_closes_the_socket() -> None:
    async with websocket([message("next", {"data": {"n": 1}})], ["graphql-transport-ws"]) as (
        url,
        received,
    ):
        client = HttpClient(url)
        events = client.subscribe(ASK)
        assert (await anext(events)).data == {"n": 1}
        await events.aclose()  # type: ignore[attr-defined]
        await client.aclose()
        async with asyncio.timeout(PATIENCE):
            while received[-1] != "closed":
                await asyncio.sleep(0.01)


async def test_a_subgraph_without_websocket_is_asked_over_http_from_then_on() -> None:
    kinds: list[bytes] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        kinds.append(head[:4].strip())
        if head.startswith(b"GET"):
            writer.write(
                b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            )
        else:
            kind = b"content-type: text/event-stream\r\nconnection: close\r\n\r\n"
            writer.write(b"HTTP/1.1 200 OK\r\n" + kind + SSE)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    client = HttpClient(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/graphql")
    for _ in range(2):
        assert [a.data async for a in client.subscribe(ASK)] == [{"n": 1}, {"n": 2}]
    assert kinds == [b"GET", b"POST", b"POST"]
    await client.aclose()
    server.close()
    await asyncio.sleep(0.01)
