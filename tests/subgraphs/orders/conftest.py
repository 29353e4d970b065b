"""The orders' database on SQLite and on PostgreSQL, with a laboratory and a pharmacy to talk to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from drassist.clinical import Subject
from drassist.events import Relay
from drassist.runtime.database import Database
from drassist.runtime.migrations import migrate
from drassist.runtime.settings import Settings
from drassist.testing.lab import SimulatedLab
from drassist.testing.pharmacy import SimulatedPharmacy
from subgraphs.orders.models import outbox
from subgraphs.orders.services.delivering import Deliveries


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    database = Database.open(settings, "orders")
    await migrate(database, "subgraphs.orders")
    yield database
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
