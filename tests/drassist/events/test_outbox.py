from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import sqlalchemy as sa

from drassist.events import BUS, Event, MemoryBus, Outbox, Relay, Undeliverable
from drassist.runtime.database import Database, naming, now
from drassist.runtime.settings import RelaySettings, Settings
from tests.patience import PATIENCE

metadata = naming()
outbox = Outbox(metadata)
QUICK = RelaySettings(poll=0.02, backoff=0.01, backoff_max=0.02, timeout=0.2, lease=0.3)


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    database = Database.open(settings, "events")
    await create(database)
    yield database
    await database.aclose()


async def create(database: Database) -> None:
    async with database.engine.execution_options(drassist_write=True).begin() as connection:
        if not database.is_sqlite:
            await connection.execute(sa.text("CREATE SCHEMA events"))
        await connection.run_sync(metadata.create_all)


async def put(database: Database, subject: str, number: int, *to: str) -> Event:
    event = Event("things.thing.changed", subject, {"number": number})
    async with database.transaction() as session:
        await outbox.add(session, event, to=to or (BUS,))
    return event


async def settled(database: Database) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            async with database.session() as session:
                if not await outbox.waiting(session):
                    return
            await asyncio.sleep(0.02)


async def test_events_of_a_subject_arrive_in_order_though_deliveries_fail(
    database: Database,
) -> None:
    got: list[tuple[str, object]] = []
    calls = 0

    async def flaky(event: Event) -> None:
        nonlocal calls
        calls += 1
        if calls % 3 == 0:
            raise OSError
        got.append((event.subject, event.data["number"]))

    for number in range(6):
        await put(database, "a" if number % 2 else "b", number)
    async with Relay(database, outbox, {BUS: flaky}, QUICK):
        await settled(database)
    assert [n for s, n in got if s == "a"] == [1, 3, 5]
    assert [n for s, n in got if s == "b"] == [0, 2, 4]


async def test_what_was_rolled_back_is_never_published(database: Database) -> None:
    async def fail() -> None:
        async with database.transaction() as session:
            await outbox.add(session, Event("a.b", "x"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    async with database.session() as session:
        assert await outbox.waiting(session) == {}


async def test_a_dead_peer_delays_its_own_events_only(database: Database) -> None:
    heard: list[Event] = []
    alive = asyncio.Event()

    async def lab(event: Event) -> None:
        if not alive.is_set():
            await asyncio.sleep(PATIENCE)  # hangs until the relay gives up
        heard.append(event)

    bus = MemoryBus()
    async with await bus.subscribe("things.*") as watching:
        await put(database, "a", 1, BUS, "lab")
        async with Relay(database, outbox, {BUS: bus.publish, "lab": lab}, QUICK):
            assert (await asyncio.wait_for(anext(watching), PATIENCE)).data["number"] == 1
            assert heard == []
            alive.set()
            await settled(database)
    assert len(heard) == 1


async def test_what_nobody_will_take_becomes_a_dead_letter_that_can_be_revived(
    database: Database,
) -> None:
    refusing = True

    async def lab(event: Event) -> None:
        if refusing:
            raise Undeliverable("no such test")

    await put(database, "a", 1, "lab")
    async with Relay(database, outbox, {"lab": lab}, QUICK):
        await settled(database)
        async with database.session() as session:
            [letter] = await outbox.dead_letters(session)
        assert letter.reason == "no such test"
        refusing = False
        async with database.transaction() as session:
            assert await outbox.revive(session, letter.sequence)
        await settled(database)
        async with database.session() as session:
            assert await outbox.dead_letters(session) == []


async def test_retries_end_after_the_last_attempt_with_the_reason(database: Database) -> None:
    async def broken(event: Event) -> None:
        raise ConnectionError("secret words")

    await put(database, "a", 1)
    limited = QUICK.model_copy(update={"max_attempts": 2})
    async with Relay(database, outbox, {BUS: broken}, limited):
        await settled(database)
    async with database.session() as session:
        [letter] = await outbox.dead_letters(session)
    assert letter.attempts == 2
    assert letter.reason == "given up after 2 attempts: ConnectionError"


async def test_a_row_held_by_a_relay_that_died_is_delivered_by_another(
    database: Database,
) -> None:
    await put(database, "a", 1)
    table = outbox.table
    async with database.transaction() as session:  # as a relay that was killed leaves it
        await session.execute(
            sa.update(table).values(attempts=1, available_at=now() + timedelta(seconds=0.2))
        )
    got: list[Event] = []

    async def take(event: Event) -> None:
        got.append(event)

    async with Relay(database, outbox, {BUS: take}, QUICK):
        await settled(database)
    assert len(got) == 1


async def test_two_relays_deliver_each_event_once(database: Database) -> None:
    got: list[object] = []

    async def take(event: Event) -> None:
        await asyncio.sleep(0.001)
        got.append(event.data["number"])

    for number in range(12):
        await put(database, f"s{number % 4}", number)
    calm = QUICK.model_copy(update={"lease": 30})
    async with (
        Relay(database, outbox, {BUS: take}, calm),
        Relay(database, outbox, {BUS: take}, calm),
    ):
        await settled(database)
    assert sorted(map(str, got)) == sorted(map(str, range(12)))


async def test_a_relay_that_starts_before_its_database_can_answer_delivers_when_it_can(
    settings: Settings,
) -> None:
    database, refused = Database.open(settings, "events"), asyncio.Event()
    sa.event.listen(database.engine.sync_engine, "handle_error", lambda _: refused.set())
    bus = MemoryBus()
    async with (
        await bus.subscribe("things.*") as watching,
        Relay(database, outbox, {BUS: bus.publish}, QUICK),
    ):
        await asyncio.wait_for(refused.wait(), PATIENCE)
        await create(database)
        event = await put(database, "a", 1)
        assert await asyncio.wait_for(anext(watching), PATIENCE) == event
    await database.aclose()


async def test_a_relay_outlives_what_its_driver_raises(sqlite_settings: Settings) -> None:
    """A server that goes while it is asked is told by asyncpg's own errors, not by SQL ones."""
    asked, twice = 0, asyncio.Event()

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        if asked > 1:
            twice.set()
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        url = f"postgresql+asyncpg://nobody@127.0.0.1:{port}/none"
        away = sqlite_settings.database.model_copy(update={"url": url})
        database = Database.open(sqlite_settings.model_copy(update={"database": away}), "events")
        async with Relay(database, outbox, {}, QUICK):
            await asyncio.wait_for(twice.wait(), PATIENCE)
        await database.aclose()
