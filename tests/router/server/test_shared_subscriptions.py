"""Several routers, one Redis: one upstream for all of them, and clients that resume at any."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from router.server import shared_log
from router.server.event_log import EventId, SourceOver
from router.server.shared_log import SharedLog, SharedLogs
from router.settings import HeaderSettings, Settings, SubscriptionSettings
from tests.patience import PATIENCE
from tests.router.server.test_streams import opened
from tests.valkey import start_valkey


def arrivals() -> dict[str, str]:
    """A subscription that no other test asks for: they share a Redis."""
    return {"query": f"subscription A{secrets.token_hex(4)} {{ arrivals {{ title author }} }}"}


def sharing(url: str, **more: Any) -> Settings:
    subscriptions = SubscriptionSettings(redis_url=url, resume=PATIENCE, **more)
    return Settings(subscriptions=subscriptions, headers=HeaderSettings(forward=("authorization",)))


@pytest.fixture
async def two(started: Any, serving: Any, redis_url: str) -> list[Any]:
    """Two routers and their addresses, over the same library."""
    pairs = []
    for _ in range(2):
        router = await started(settings=sharing(redis_url))
        pairs.append((router, await serving(router)))
    return pairs


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


async def listen(stack: AsyncExitStack, address: str, body: Any, **headers: str) -> Any:
    stream = await stack.enter_async_context(opened(address, body, "text/event-stream", **headers))
    assert await stream.chunk() == b":\n\n"
    return stream


async def event(stream: Any) -> tuple[str, str]:
    """Id and data of the next event."""
    while (chunk := await stream.chunk()) == b":\n\n":
        pass
    lines = chunk.decode().split("\n")
    assert lines[0].startswith("id: "), chunk
    return lines[0].removeprefix("id: "), lines[2]


async def following(router: Any) -> None:
    """Wait until the router reads along with another."""
    async with asyncio.timeout(PATIENCE):
        while not (logs := router.server.subscriptions._logs) or not logs._followed:
            await asyncio.sleep(0.005)


async def test_one_upstream_serves_the_clients_of_all_routers(
    two: Any, library: Any, stack: AsyncExitStack
) -> None:
    (_, one), (other, address) = two
    body = arrivals()
    first = await listen(stack, one, body)
    await library.published_to(1)
    second = await listen(stack, address, body)
    await following(other)
    for title in ("Emma", "Walden"):
        library.publish(title)
    heard = [[await event(stream) for _ in range(2)] for stream in (first, second)]
    assert heard[0] == heard[1]
    assert ["Emma" in data for _, data in heard[0]] == [True, False]
    assert len({id_ for id_, _ in heard[0]}) == 2
    await library.published_to(1)
    library.publish(None)  # the source is complete, and everybody hears that too
    for stream in (first, second):
        assert (await stream.rest()).endswith(b"event: complete\ndata:\n\n")


async def test_a_client_resumes_at_another_router(
    two: Any, library: Any, stack: AsyncExitStack
) -> None:
    (_, one), (_, other) = two
    body = arrivals()
    async with AsyncExitStack() as connection:
        stream = await listen(connection, one, body)
        await library.published_to(1)
        library.publish("Emma")
        seen, _ = await event(stream)
    for title in ("Walden", "Ulysses"):  # while it is nowhere
        library.publish(title)
    back = await listen(stack, other, body, **{"last-event-id": seen})
    assert ["Walden" in (await event(back))[1], "Ulysses" in (await event(back))[1]] == [True] * 2
    library.publish("Dubliners")
    last, data = await event(back)
    assert "Dubliners" in data
    await library.published_to(1)
    # and back again, with an id that it was given there
    again = await listen(stack, one, body, **{"last-event-id": seen})
    assert [(await event(again))[0] for _ in range(3)][-1] == last


async def test_others_read_on_when_the_router_that_read_the_source_ends(
    two: Any, library: Any, stack: AsyncExitStack
) -> None:
    (first, one), (other, address) = two
    body = arrivals()
    ending = await listen(stack, one, body)
    await library.published_to(1)
    staying = await listen(stack, address, body)
    await following(other)
    library.publish("Emma")
    seen, _ = await event(staying)
    [feed] = other.server.subscriptions.feeds.values()
    await other.reload()  # who reads along goes over to the new schema when its turn comes
    await first.drain(PATIENCE)
    assert b"SUBSCRIPTION_SERVER_SHUTDOWN" in await ending.rest()
    async with asyncio.timeout(PATIENCE):
        while not feed._leads:
            await asyncio.sleep(0.005)
    await library.published_to(1)
    library.publish("Walden")
    later, data = await event(staying)
    assert "Walden" in data
    assert feed.exchange.generation is other.generation
    assert [int(part) for part in later.split("-")[1:]] > [int(n) for n in seen.split("-")[1:]]


async def test_the_upstream_closes_when_nobody_reads_at_any_router(
    started: Any, serving: Any, redis_url: str, library: Any
) -> None:
    settings = Settings(subscriptions=SubscriptionSettings(redis_url=redis_url, resume=0.1))
    routers = [await started(settings=settings) for _ in range(2)]
    addresses = [await serving(router) for router in routers]
    body = arrivals()
    async with AsyncExitStack() as stack:
        async with AsyncExitStack() as first:
            await listen(first, addresses[0], body)
            await library.published_to(1)
            second = await listen(stack, addresses[1], body)
            await following(routers[1])
        await asyncio.sleep(1.5)  # longer than it lingers: it still reads, for the other router
        library.publish("Emma")
        assert "Emma" in (await event(second))[1]
        await library.published_to(1)
    await library.published_to(0)


async def test_other_rights_are_not_shared_between_routers(
    two: Any, library: Any, stack: AsyncExitStack
) -> None:
    (_, one), (_, other) = two
    body = arrivals()
    streams = [
        await listen(stack, address, body, authorization=f"Bearer {user}")
        for address, user in ((one, "a"), (other, "b"))
    ]
    await library.published_to(2)
    library.publish("Emma")
    ids = {(await event(stream))[0].split("-")[0] for stream in streams}
    assert len(ids) == 2


async def test_with_redis_away_every_router_reads_for_itself(
    started: Any, serving: Any, library: Any, stack: AsyncExitStack
) -> None:
    server = start_valkey()
    settings = sharing(f"redis://127.0.0.1:{server.port}/0")
    first, other = [await started(settings=settings) for _ in range(2)]
    body = arrivals()
    streams = [await listen(stack, await serving(first), body)]
    await library.published_to(1)
    address = await serving(other)
    streams.append(await listen(stack, address, body))
    await following(other)
    library.publish("Emma")
    assert all(["Emma" in (await event(stream))[1] for stream in streams])
    server.stop()
    await library.published_to(2)  # the one that read along noticed
    library.publish("Walden")
    assert all(["Walden" in (await event(stream))[1] for stream in streams])
    library.publish("Ulysses")
    seen = [await event(stream) for stream in streams]
    assert all("Ulysses" in data for _, data in seen)
    # and a client that comes back to the same router still misses nothing
    library.publish("Dubliners")
    await event(streams[1])
    back = await listen(stack, address, body, **{"last-event-id": seen[1][0]})
    assert "Dubliners" in (await event(back))[1]


async def log_of(redis_url: str, name: str, stack: AsyncExitStack) -> SharedLog:
    logs = SharedLogs(redis_url, 4, 10)
    stack.push_async_callback(logs.aclose)
    return logs.log(name)


async def test_a_router_that_slept_adds_nothing_once_another_reads(
    redis_url: str, stack: AsyncExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_log, "ALIVE", 1.0)
    name = secrets.token_hex(8)
    asleep, awake = [await log_of(redis_url, name, stack) for _ in range(2)]
    assert await asleep.open()
    assert await asleep.append(b"1") is not None
    assert not await awake.open()
    for task in asleep.logs._tasks:  # it says nothing any more
        task.cancel()
    assert [event.body async for event in awake.follow()] == []  # ends: nobody reads the source
    assert await awake.open()
    first = await awake.append(b"2")
    assert first is not None
    assert await asleep.append(b"late") is None
    assert [event.body for event in await awake.since(EventId(0, 0))] == [b"1", b"2"]


async def test_what_breaks_the_source_is_told_to_all(redis_url: str, stack: AsyncExitStack) -> None:
    name = secrets.token_hex(8)
    leads, follows = [await log_of(redis_url, name, stack) for _ in range(2)]
    assert await leads.open()
    assert not await follows.open()
    for number in range(6):
        await leads.append(b"%d" % number)
    await leads.over([{"message": "broken"}])
    heard = []

    async def hear() -> None:
        async for each in follows.follow():
            heard.append(each)

    with pytest.raises(SourceOver) as over:
        await hear()
    assert over.value.errors == [{"message": "broken"}]
    assert [each.body for each in heard][-3:] == [b"3", b"4", b"5"]
    # the last four entries are kept, one of which is the end
    kept = await follows.since(EventId(0, 0))
    assert [each.body for each in kept] == [b"3", b"4", b"5"]
