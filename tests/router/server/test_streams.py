"""Subscriptions and deferred answers over HTTP, byte by byte."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from router.contracts.contract import Contract, ContractLimits
from router.server.event_log import EventId, MemoryLog
from router.server.feeds import Feed, Subscriber, ended
from router.server.streaming import StreamFailed
from router.settings import Settings, SubscriptionSettings
from tests.patience import PATIENCE

ARRIVALS = {"query": "subscription { arrivals { title author } }"}


class Raw:
    """An HTTP/1.1 answer read as it arrives."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.head = ""

    async def chunk(self, seconds: float = PATIENCE) -> bytes:
        """The next chunk of the body; empty at its end."""
        async with asyncio.timeout(seconds):
            size = int((await self.reader.readline()).strip(), 16)
            data = await self.reader.readexactly(size)
            await self.reader.readexactly(2)
            return data

    async def rest(self) -> bytes:
        parts = []
        while part := await self.chunk():
            parts.append(part)
        return b"".join(parts)


@asynccontextmanager
async def opened(
    address: str, body: Any, accept: str, *, path: str = "/graphql", **headers: str
) -> AsyncIterator[Raw]:
    host, port = address.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    raw = json.dumps(body).encode()
    lines = [
        f"POST {path} HTTP/1.1",
        f"host: {address}",
        "content-type: application/json",
        f"accept: {accept}",
        f"content-length: {len(raw)}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + raw)
    answer = Raw(reader, writer)
    answer.head = (await reader.readuntil(b"\r\n\r\n")).decode()
    try:
        yield answer
    finally:
        writer.close()


def event(title: str) -> bytes:
    return json.dumps(
        {"data": {"arrivals": {"title": title, "author": "author of 9"}}}, separators=(",", ":")
    ).encode()


NO_IDS = Settings(subscriptions=SubscriptionSettings(resume=0))


async def test_sse_sends_each_event_at_once_and_ends_with_complete(
    served: Any, library: Any
) -> None:
    async with opened(await served(settings=NO_IDS), ARRIVALS, "text/event-stream") as stream:
        assert "text/event-stream" in stream.head
        assert await stream.chunk() == b":\n\n"
        await library.published_to(1)
        for title in ("Emma", "Walden"):
            library.publish(title)
            assert await stream.chunk() == b"event: next\ndata: " + event(title) + b"\n\n"
        library.publish(None)
        assert await stream.rest() == b"event: complete\ndata:\n\n"


async def test_multipart_closes_each_part_with_the_part(served: Any, library: Any) -> None:
    accept = "multipart/mixed;subscriptionSpec=1.0, application/json"
    async with opened(await served(), ARRIVALS, accept) as stream:
        assert 'multipart/mixed;boundary="graphql";subscriptionSpec=1.0' in stream.head
        assert await stream.chunk() == b"\r\n--graphql"
        await library.published_to(1)
        library.publish("Emma")
        assert await stream.chunk() == (
            b'\r\nContent-Type: application/json\r\n\r\n{"payload":'
            + event("Emma")
            + b"}\r\n--graphql"
        )
        library.publish(None)
        assert await stream.rest() == b"--\r\n"


async def test_a_quiet_stream_has_heartbeats(served: Any, library: Any) -> None:
    settings = Settings(subscriptions=SubscriptionSettings(keep_alive=0.05))
    async with opened(await served(settings=settings), ARRIVALS, "text/event-stream") as stream:
        assert await stream.chunk() == b":\n\n"
        assert await stream.chunk() == b":\n\n"


async def test_an_event_or_a_deferred_part_may_be_too_large(
    served: Any, client: Any, library: Any
) -> None:
    small = Contract(name="phone", limits=ContractLimits(answer_bytes=120))
    address = await served(settings=NO_IDS, contracts=(small,))
    path = "/phone/graphql"
    async with opened(address, ARRIVALS, "text/event-stream", path=path) as stream:
        await stream.chunk()
        await library.published_to(1)
        library.publish("x" * 200)
        assert b"MAX_ANSWER_BYTES_LIMIT" in await stream.chunk()
        library.publish("Emma")  # it was that event alone
        assert b"Emma" in await stream.chunk()
    deferred = {"query": "{ books { id title ... @defer { author } } }"}
    accept = "multipart/mixed;deferSpec=20220824"
    async with opened(address, deferred, accept, path=path) as stream:
        parts = (await stream.rest()).decode().split("--graphql")
    assert "Emma" in parts[1]
    assert "MAX_ANSWER_BYTES_LIMIT" in parts[2]
    assert "author of" not in "".join(parts)


async def test_an_invalid_subscription_is_one_event_where_only_streams_are_taken(
    served: Any,
) -> None:
    body = {"query": "subscription { nothing }"}
    async with opened(await served(), body, "text/event-stream") as stream:
        text = (await stream.rest()).decode()
    assert text.startswith(":\n\nevent: next\ndata: {")
    assert "GRAPHQL_VALIDATION_FAILED" in text
    assert text.endswith("event: complete\ndata:\n\n")


async def test_a_subscription_over_plain_json_is_refused(client: Any) -> None:
    http = await client()
    answer = await http.post("/graphql", json=ARRIVALS)
    assert answer.status_code == 406
    assert answer.json()["errors"][0]["extensions"]["code"] == "SUBSCRIPTIONS_NOT_SUPPORTED"


async def test_equal_subscriptions_share_one_upstream(served: Any, library: Any) -> None:
    address = await served()
    async with (
        opened(address, ARRIVALS, "text/event-stream") as one,
        opened(address, ARRIVALS, "text/event-stream") as two,
        opened(address, ARRIVALS, "text/event-stream", authorization="Bearer x") as other,
    ):
        for stream in (one, two, other):
            await stream.chunk()
        await library.published_to(2)  # other rights, other upstream
        library.publish("Emma")
        for stream in (one, two, other):
            assert b"Emma" in await stream.chunk()


async def test_the_upstream_closes_with_its_last_reader(
    started: Any, serving: Any, library: Any
) -> None:
    router = await started(settings=NO_IDS)
    address = await serving(router)
    async with opened(address, ARRIVALS, "text/event-stream") as one:
        await one.chunk()
        async with opened(address, ARRIVALS, "text/event-stream") as two:
            await two.chunk()
            await library.published_to(1)
            [feed] = router.server.subscriptions.feeds.values()
            assert len(feed.subscribers) == 2
        async with asyncio.timeout(PATIENCE):
            while len(feed.subscribers) != 1:
                await asyncio.sleep(0.005)
        library.publish("Emma")
        assert b"Emma" in await one.chunk()
    await library.published_to(0)


async def test_a_client_that_comes_back_misses_nothing(served: Any, library: Any) -> None:
    settings = Settings(subscriptions=SubscriptionSettings(resume=PATIENCE))
    address = await served(settings=settings)
    async with opened(address, ARRIVALS, "text/event-stream") as stream:
        await stream.chunk()
        await library.published_to(1)
        library.publish("Emma")
        first = (await stream.chunk()).decode()
    seen = first.split("\n")[0].removeprefix("id: ")
    for title in ("Walden", "Ulysses"):  # while nobody listens
        library.publish(title)
    await asyncio.sleep(0.1)
    headers = {"last-event-id": seen}
    async with opened(address, ARRIVALS, "text/event-stream", **headers) as stream:
        await stream.chunk()
        missed = (await stream.chunk()).decode() + (await stream.chunk()).decode()
        assert "Emma" not in missed
        assert missed.index("Walden") < missed.index("Ulysses")
        library.publish("Dubliners")
        assert "Dubliners" in (await stream.chunk()).decode()
    async with opened(address, ARRIVALS, "text/event-stream", **{"last-event-id": "x-1"}) as fresh:
        await fresh.chunk()
        library.publish("Exiles")
        assert "Exiles" in (await fresh.chunk()).decode()


async def test_an_upstream_that_nobody_comes_back_to_is_closed(served: Any, library: Any) -> None:
    settings = Settings(subscriptions=SubscriptionSettings(resume=0.1))
    address = await served(settings=settings)
    async with opened(address, ARRIVALS, "text/event-stream") as stream:
        await stream.chunk()
        await library.published_to(1)
    await library.published_to(0)


async def test_a_reader_that_does_not_read_is_dropped_alone(started: Any, library: Any) -> None:
    """In process, so that no socket buffer hides the slow reader."""
    from router.server.messages import GraphQLRequest
    from router.server.streaming import StreamFailed

    router = await started(settings=Settings(subscriptions=SubscriptionSettings(queue=3)))
    pipeline, subscriptions = router.server.pipeline, router.server.subscriptions
    streams = []
    for _ in range(2):
        request = GraphQLRequest(query=ARRIVALS["query"])
        exchange = pipeline.exchange(pipeline.generation.default, request, {})
        await pipeline.prepare(exchange)
        streams.append(subscriptions.events(exchange))
    slow, quick = streams
    firsts = [asyncio.ensure_future(anext(stream)) for stream in streams]
    await library.published_to(1)
    for number in range(10):
        library.publish(f"Book {number}")
        body = await firsts[1] if number == 0 else await anext(quick)
        assert f"Book {number}".encode() in body
    await firsts[0]
    with pytest.raises(StreamFailed) as failure:
        async for _ in slow:
            pass
    assert failure.value.errors[0]["extensions"]["code"] == "SUBSCRIPTION_SLOW_CONSUMER"
    await slow.aclose()
    await quick.aclose()


@pytest.mark.parametrize(
    ("accept", "members"),
    [
        ("multipart/mixed;deferSpec=20220824, application/json", {"data", "path", "label"}),
        ("multipart/mixed;incrementalSpec=v0.2, application/json", {"id", "data"}),
        ("application/json, multipart/mixed", {"id", "data", "path", "label"}),
    ],
)
async def test_a_deferred_part_comes_in_the_form_asked_for(
    served: Any, accept: str, members: set[str]
) -> None:
    query = '{ book(id: "1") { title ... @defer(label: "late") { author } } }'
    async with opened(await served(), {"query": query}, accept) as stream:
        assert "multipart/mixed" in stream.head
        parts = (await stream.rest()).decode().split("\r\n--graphql")
    payloads = [json.loads(part.split("\r\n\r\n")[1]) for part in parts if "\r\n\r\n" in part]
    assert payloads[0]["data"] == {"book": {"title": "Emma"}}
    entries = [entry for payload in payloads for entry in payload.get("incremental", ())]
    assert [entry["data"] for entry in entries] == [{"author": "author of 1"}]
    assert set(entries[0]) == members
    assert [payload["hasNext"] for payload in payloads][-1] is False


async def test_a_deferred_part_comes_at_once_where_no_stream_is_taken(client: Any) -> None:
    http = await client()
    query = '{ book(id: "1") { title ... @defer { author } } }'
    answer = await http.post("/graphql", json={"query": query})
    assert answer.json() == {"data": {"book": {"title": "Emma", "author": "author of 1"}}}


@pytest.mark.parametrize(
    ("accept", "late", "asked"),
    [
        ("multipart/mixed;deferSpec=20220824, application/json", True, ["book by key"]),
        ("multipart/mixed;deferSpec=20220824, application/json", False, []),
        ("application/json", True, []),
    ],
)
async def test_what_is_not_delivered_apart_is_not_asked_for_apart(
    client: Any, library: Any, accept: str, late: bool, asked: list[str]
) -> None:
    http = await client()
    query = 'query($late: Boolean!) { book(id: "1") { title ... @defer(if: $late) { shelfCode } } }'
    body = {"query": query, "variables": {"late": late}}
    answer = await http.post("/graphql", json=body, headers={"Accept": accept})
    assert "shelfCode" in answer.text
    assert library.calls == asked


async def test_of_several_parts_those_that_are_not_delivered_apart_are_not_asked_for_apart(
    client: Any, library: Any
) -> None:
    http = await client()
    query = """query($late: Boolean!) { book(id: "1") {
      title ... @defer { author } ... @defer(if: $late) { shelfCode }
    } }"""
    accept = "multipart/mixed;deferSpec=20220824, application/json"
    for late, asked in ((True, ["book by key"]), (False, [])):
        library.calls.clear()
        body = {"query": query, "variables": {"late": late}}
        answer = await http.post("/graphql", json=body, headers={"Accept": accept})
        first, *_ = answer.text.split('"hasNext"')
        assert ("shelfCode" in first) is not late
        assert "author of 1" in answer.text
        assert library.calls == asked


async def test_who_comes_back_while_a_feed_opens_hears_that_it_ends() -> None:
    """Opening asks Redis, which may take its time; the router may go meanwhile."""

    class Opening(MemoryLog):
        async def open(self) -> bool:
            return await asyncio.Future[bool]()

    nothing: Any = None
    feed = Feed(nothing, nothing, Opening(1), name="f", linger=0, forget=lambda _: None)
    reader = Subscriber(1)
    joining = asyncio.create_task(feed.join(reader, EventId(0, 1)))
    async with asyncio.timeout(PATIENCE):
        while reader not in feed.subscribers:
            await asyncio.sleep(0)
        await feed.end([ended("The router goes.", "SUBSCRIPTION_SERVER_SHUTDOWN")])
        await joining
        with pytest.raises(StreamFailed):
            await anext(reader)
