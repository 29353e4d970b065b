"""Wiring: settings -> a running encounters subgraph."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from zoneinfo import ZoneInfo

from drassist import graph
from drassist.clinical import EHR, HospitalCalendar
from drassist.events import BUS, Bus, Relay, open_bus
from drassist.runtime.database import Database
from drassist.runtime.identity import Authenticator, authenticator
from drassist.runtime.migrations import migrate
from drassist.runtime.settings import Settings
from subgraphs.encounters import schema
from subgraphs.encounters.models import outbox
from subgraphs.encounters.services.following import follow_merges
from subgraphs.encounters.services.wiring import Services

__all__ = ["create_app"]

NAME = "encounters"


def create_app(
    settings: Settings, *, bus: Bus | None = None, authenticate: Authenticator | None = None
) -> graph.Subgraph[Services]:
    """The subgraph: ASGI application and in-process door. ``bus`` is shared within one process."""

    @asynccontextmanager
    async def services() -> AsyncIterator[Services]:
        database = Database.open(settings, NAME)
        carrier = bus or await open_bus(settings.bus)
        try:
            await migrate(database, f"subgraphs.{NAME}")
            await carrier.consume(NAME, follow_merges(database), "patients.patient.merged")
            async with Relay(database, outbox, {BUS: carrier.publish}, settings.relay):
                yield Services(
                    database,
                    carrier,
                    HospitalCalendar(ZoneInfo(settings.time_zone)),
                    settings.time_zone,
                    EHR,
                    settings.limits.page_size,
                )
        finally:
            if bus is None:
                await carrier.aclose()
            await database.aclose()

    return graph.Subgraph(
        NAME,
        schema.build(settings.limits),
        services,
        authenticate or authenticator(settings.identity),
        health=_health,
        limits=settings.limits,
    )


async def _health(services: Services) -> None:
    await services.database.ping()
    await services.bus.ping()
