from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from drassist.runtime.database import (
    JSON,
    Database,
    ExactDecimal,
    UtcDateTime,
    VersionConflict,
    claim_version,
    naming,
    now,
)
from drassist.runtime.settings import Settings


class Thing(SQLModel, table=True):
    metadata = naming()
    __tablename__ = "thing"

    id: str = Field(primary_key=True)
    version: int = 1
    updated_at: datetime = Field(
        default_factory=now, sa_column=sa.Column(UtcDateTime(), nullable=False)
    )
    amount: Decimal | None = Field(default=None, sa_column=sa.Column(ExactDecimal()))
    words: dict[str, Any] | None = Field(default=None, sa_column=sa.Column(JSON))


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    database = Database.open(settings, "things")
    async with database.engine.execution_options(drassist_write=True).begin() as connection:
        if not database.is_sqlite:
            await connection.execute(sa.text("CREATE SCHEMA things"))
        await connection.run_sync(Thing.metadata.create_all)
    yield database
    await database.aclose()


async def test_instants_come_back_in_utc_and_decimals_with_their_digits(
    database: Database,
) -> None:
    india = timezone(timedelta(hours=5, minutes=30))
    moment = datetime(2026, 11, 24, 9, 30, 0, 123456, tzinfo=india)
    async with database.transaction() as session:
        session.add(
            Thing(id="a", updated_at=moment, amount=Decimal("7.00"), words={"name": "सुनीता"})
        )
    async with database.session() as session:
        thing = await session.get(Thing, "a")
        assert thing is not None
        assert thing.updated_at == moment
        assert thing.updated_at.tzinfo is UTC
        assert str(thing.amount) == "7.00"
        assert thing.words == {"name": "सुनीता"}


async def test_an_instant_without_an_offset_is_refused(database: Database) -> None:
    with pytest.raises(sa.exc.StatementError):
        async with database.transaction() as session:
            session.add(Thing(id="a", updated_at=datetime(2026, 1, 1)))  # noqa: DTZ001


async def test_of_many_writers_that_read_the_same_version_one_wins(database: Database) -> None:
    async with database.transaction() as session:
        session.add(Thing(id="a"))

    async def write(number: int) -> bool:
        try:
            async with database.transaction() as session:
                thing = await session.get(Thing, "a")
                assert thing is not None
                await claim_version(session, thing, 1)
                thing.amount = Decimal(number)
        except VersionConflict:
            return False
        return True

    assert sum(await asyncio.gather(*(write(n) for n in range(5)))) == 1


async def test_writers_wait_for_each_other_and_lose_nothing(database: Database) -> None:
    async with database.transaction() as session:
        session.add(Thing(id="a", amount=Decimal(0)))

    async def add_one() -> None:
        async with database.transaction() as session:
            thing = (
                await session.scalars(
                    sa.select(Thing).where(Thing.id == "a").with_for_update()  # type: ignore[arg-type]
                )
            ).one()
            assert thing.amount is not None
            thing.amount += 1

    await asyncio.gather(*(add_one() for _ in range(10)))
    async with database.session() as session:
        thing = await session.get(Thing, "a")
        assert thing is not None
        assert thing.amount == 10


async def test_an_error_rolls_back_and_a_read_session_changes_nothing(database: Database) -> None:
    async def fail() -> None:
        async with database.transaction() as session:
            session.add(Thing(id="a"))
            await session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    async with database.session() as session:
        assert await session.get(Thing, "a") is None
