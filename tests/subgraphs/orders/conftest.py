"""The orders' database on SQLite and on PostgreSQL, with a laboratory and a pharmacy to talk to."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from drassist.events import Relay
from drassist.runtime.database import Database
from drassist.runtime.migrations import migrate
from drassist.runtime.settings import DatabaseSettings, RelaySettings, Settings
from drassist.testing.lab import SimulatedLab
from drassist.testing.pharmacy import SimulatedPharmacy
from subgraphs.orders.models import metadata, outbox
from subgraphs.orders.ports import Subject
from subgraphs.orders.services.delivering import Deliveries

SERVER = "postgresql://postgres@127.0.0.1:5432"


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """A fresh PostgreSQL database for this run; its asyncpg URL."""
    name = f"drassist_orders_{uuid4().hex[:8]}"

    async def run(*statements: str) -> None:
        connection = await asyncpg.connect(f"{SERVER}/postgres", timeout=5)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    try:
        asyncio.run(run(f"CREATE DATABASE {name}"))
    except (OSError, asyncpg.PostgresError) as error:
        if os.environ.get("DRASSIST_REQUIRE_SERVICES"):
            pytest.fail(f"PostgreSQL does not answer: {type(error).__name__}")
        pytest.skip(f"POSTGRESQL ABSENT: {type(error).__name__}")
    yield f"postgresql+asyncpg://postgres@127.0.0.1:5432/{name}"
    asyncio.run(run(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    url = f"sqlite+aiosqlite:///{tmp_path}/{{schema}}.db"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql")
    return Settings(
        environment="test",
        database=DatabaseSettings(url=url),
        relay=RelaySettings(poll=0.05, backoff=0.02, backoff_max=0.05, lease=5, max_attempts=200),
    )


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    database = Database.open(settings, "orders")
    await migrate(database, "subgraphs.orders")
    yield database
    async with database.transaction() as session:
        for table in reversed(metadata.sorted_tables):
            await session.execute(table.delete())
    await database.aclose()


class KnownPatients:
    async def identify(self, patient_id: str) -> Subject:
        return Subject(patient_id, (("urn:mrn", patient_id),), gender="female")


@dataclass
class House:
    """A database with its relay and two peers that answer at once."""

    database: Database
    settings: Settings
    lab: SimulatedLab = field(default_factory=lambda: SimulatedLab(delay=0))
    pharmacy: SimulatedPharmacy = field(default_factory=lambda: SimulatedPharmacy(delay=0))

    def relay(self) -> Relay:
        deliveries = Deliveries(self.database, self.lab, self.pharmacy, KnownPatients())

        async def heard(event: object) -> None:
            return None

        return Relay(
            self.database,
            outbox,
            {"bus": heard, **deliveries.destinations()},
            self.settings.relay,
        )


@pytest.fixture
def house(database: Database, settings: Settings) -> House:
    return House(database, settings)
