from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from redis.exceptions import RedisError

from drassist.events import Bus, Event, Lagged, MemoryBus, open_bus, redis_bus
from drassist.events.redis_bus import RedisBus
from drassist.runtime.settings import BusSettings
from tests.patience import PATIENCE
from tests.valkey import start_valkey


@pytest.fixture(params=["memory", "redis"])
async def bus(request: pytest.FixtureRequest) -> AsyncIterator[Bus]:
    url = "memory://" if request.param == "memory" else request.getfixturevalue("redis_url")
    bus = await open_bus(BusSettings(url=url))
    yield bus
    await bus.aclose()


def topic(name: str = "") -> str:
    """A topic of this test only: the Redis is shared."""
    return f"test-{uuid4().hex}.{name or 'happened'}"


async def test_who_watches_hears_what_happens_from_then_on_in_order(bus: Bus) -> None:
    watched = topic()
    await bus.publish(Event(watched, "s", {"number": 0}))
    async with await bus.subscribe(watched) as events:
        for number in (1, 2, 3):
            await bus.publish(Event(watched, "s", {"number": number}))
        await bus.publish(Event(topic(), "s"))
        got = [(await asyncio.wait_for(anext(events), PATIENCE)).data["number"] for _ in range(3)]
    assert got == [1, 2, 3]


async def test_a_star_hears_a_family_of_topics(bus: Bus) -> None:
    family = topic("x").rpartition(".")[0]
    async with await bus.subscribe(f"{family}.*") as events:
        await bus.publish(Event(f"{family}.a", "s"))
        await bus.publish(Event(f"{family}.b", "s"))
        heard = {(await asyncio.wait_for(anext(events), PATIENCE)).topic for _ in range(2)}
    assert heard == {f"{family}.a", f"{family}.b"}


async def test_work_is_done_by_each_group(bus: Bus) -> None:
    wanted, done = topic(), asyncio.Queue[tuple[str, str]]()
    for group in ("one", "two"):

        async def work(event: Event, group: str = group) -> None:
            await done.put((group, event.id))

        await bus.consume(f"{group}-{uuid4().hex}", work, wanted)
    event = Event(wanted, "s")
    await bus.publish(event)
    got = {await asyncio.wait_for(done.get(), PATIENCE) for _ in range(2)}
    assert got == {("one", event.id), ("two", event.id)}


async def test_closing_the_bus_ends_those_who_watch() -> None:
    bus = MemoryBus()
    events = await bus.subscribe("a.b")
    waiting = asyncio.ensure_future(anext(events))
    await asyncio.sleep(0)
    await bus.aclose()
    with pytest.raises(StopAsyncIteration):
        await waiting


async def test_who_is_too_slow_is_told_so() -> None:
    bus = MemoryBus()
    async with await bus.subscribe("a.b") as events:
        for _ in range(1_001):
            await bus.publish(Event("a.b", "s"))
        with pytest.raises(Lagged):
            async for _ in events:
                pass


async def test_nothing_is_told_that_came_after_an_event_that_was_dropped() -> None:
    bus = MemoryBus()
    async with await bus.subscribe("a.b") as events:
        for number in range(1_001):
            await bus.publish(Event("a.b", "s", {"number": number}))
        heard = [await anext(events)]  # there is room again
        await bus.publish(Event("a.b", "s", {"number": 1_001}))
        heard += [await anext(events) for _ in range(999)]
        with pytest.raises(Lagged):
            await anext(events)
    assert [event.data["number"] for event in heard] == list(range(1_000))


async def test_in_one_process_work_that_fails_makes_the_publish_fail_and_is_offered_again() -> None:
    bus, tried = MemoryBus(), 0
    watching = await bus.subscribe("a.b")

    async def work(event: Event) -> None:
        nonlocal tried
        tried += 1
        if tried == 1:
            raise OSError

    await bus.consume("g", work, "a.b")
    event = Event("a.b", "s")
    with pytest.raises(OSError):
        await bus.publish(event)
    await bus.publish(event)
    assert tried == 2
    assert await anext(watching) == event
    assert not watching._events  # those who watch hear it once


async def test_an_event_of_another_process_arrives(redis_url: str) -> None:
    bus = await open_bus(BusSettings(url=redis_url))
    watched = topic()
    script = f"""
import asyncio
from drassist.events import Event, open_bus
from drassist.runtime.settings import BusSettings
async def main():
    bus = await open_bus(BusSettings(url={redis_url!r}))
    await bus.publish(Event({watched!r}, "s", {{"number": 7}}))
    await bus.aclose()
asyncio.run(main())
"""
    async with await bus.subscribe(watched) as events:
        await asyncio.to_thread(subprocess.run, [sys.executable, "-c", script], check=True)
        assert (await asyncio.wait_for(anext(events), PATIENCE)).data["number"] == 7
    await bus.aclose()


@pytest.mark.parametrize("data", [{"name": "x" * 300}, {"values": [1]}, {"amount": 1.5}])
def test_an_event_holds_ids_and_codes_and_nothing_longer(data: object) -> None:
    with pytest.raises(ValueError):
        Event("a.b", "s", data)  # type: ignore[arg-type]


def test_an_event_survives_its_journey() -> None:
    event = Event("a.b", "s", {"x": "y", "n": 1, "yes": True, "none": None})
    assert Event.from_json(event.to_json()) == event
    for broken in (b"", b"[]", b"{}", b'{"topic": 1}'):
        with pytest.raises(ValueError):
            Event.from_json(broken)


async def test_who_watches_is_told_where_the_connection_was_lost() -> None:
    server = start_valkey()
    bus = await open_bus(BusSettings(url=f"redis://127.0.0.1:{server.port}/0"))
    lost = await bus.subscribe("test.*")
    await bus.publish(Event("test.happened", "s", {"number": 1}))
    assert (await asyncio.wait_for(anext(lost), PATIENCE)).data["number"] == 1
    server.client().execute_command("CLIENT", "KILL", "TYPE", "pubsub")
    with pytest.raises(Lagged):
        await asyncio.wait_for(anext(lost), PATIENCE)
    await bus.aclose()
    server.stop()


async def test_who_begins_to_watch_while_redis_is_away_hears_all_once_it_is_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(redis_bus, "_LISTENING_WITHIN", PATIENCE)
    server = start_valkey()
    port = server.port
    bus = await RedisBus.connect(BusSettings(url=f"redis://127.0.0.1:{port}/0"))
    tries, pubsub = asyncio.Semaphore(0), bus._redis.pubsub
    lost = await bus.subscribe("test.*")
    server.stop()
    with pytest.raises(Lagged):
        await asyncio.wait_for(anext(lost), PATIENCE)

    def trying() -> Any:
        tries.release()
        return pubsub()

    monkeypatch.setattr(bus._redis, "pubsub", trying)
    subscribing = asyncio.create_task(bus.subscribe("test.*"))
    given_up = asyncio.create_task(bus.subscribe("test.*"))
    for _ in range(3):  # the second has failed when the third is made
        await asyncio.wait_for(tries.acquire(), PATIENCE)
    given_up.cancel()
    back = start_valkey(port)
    events = await asyncio.wait_for(subscribing, PATIENCE)
    assert bus._watching == {events}
    await bus.publish(Event("test.happened", "s", {"number": 1}))
    assert (await asyncio.wait_for(anext(events), PATIENCE)).data["number"] == 1
    await bus.aclose()
    back.stop()


async def test_work_goes_on_with_a_redis_that_came_back_empty() -> None:
    server = start_valkey()
    port = server.port
    bus = await open_bus(BusSettings(url=f"redis://127.0.0.1:{port}/0"))
    done = asyncio.Queue[str]()

    async def work(event: Event) -> None:
        await done.put(event.id)

    await bus.consume("one", work, "test.*")
    server.stop()
    back = start_valkey(port)
    try:
        event = Event("test.happened", "s")
        async with asyncio.timeout(PATIENCE):
            while True:
                with contextlib.suppress(RedisError, OSError):
                    await bus.publish(event)
                    break
            assert await done.get() == event.id
    finally:
        await bus.aclose()
        back.stop()
