"""The orders subgraph, wired: database, outbox relay, laboratory, pharmacy, sweeps, schema."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from drassist.adapters.fhir import FhirClient, FhirServer
from drassist.adapters.lab import FhirLab
from drassist.adapters.patients import patients_of
from drassist.adapters.pharmacy import FhirPharmacy
from drassist.adapters.watching import watching
from drassist.events import BUS, Bus, Relay, open_bus
from drassist.graph.subgraph import Subgraph
from drassist.runtime.database import Database
from drassist.runtime.identity import Authenticator, authenticator
from drassist.runtime.migrations import migrate
from drassist.runtime.settings import PeerSettings, Settings
from drassist.testing.journal import journal_of
from drassist.testing.lab import SimulatedLab
from drassist.testing.pharmacy import SimulatedPharmacy
from subgraphs.orders.models import outbox
from subgraphs.orders.ports import Laboratory, Patients, Pharmacy
from subgraphs.orders.schema import make_schema
from subgraphs.orders.services import Services
from subgraphs.orders.services.delivering import Deliveries
from subgraphs.orders.services.receiving import sweep_laboratory, sweep_pharmacy

__all__ = ["create_app"]


def create_app(
    settings: Settings,
    *,
    bus: Bus | None = None,
    authenticate: Authenticator | None = None,
    laboratory: Laboratory | None = None,
    pharmacy: Pharmacy | None = None,
    patients: Patients | None = None,
    sweep_every: float = 1.0,
) -> Subgraph[Services]:
    """Make the subgraph; nothing is opened before its lifespan.

    Without a laboratory or pharmacy the settings decide: a FHIR server where a URL is set, else
    the simulators of ``drassist.testing``; likewise who tells who a patient is. A bus that is
    handed in stays the caller's to close.
    """

    @asynccontextmanager
    async def services() -> AsyncIterator[Services]:
        async with AsyncExitStack() as stack:
            database = Database.open(settings, "orders")
            stack.push_async_callback(database.aclose)
            await migrate(database, "subgraphs.orders")
            spread = bus or await open_bus(settings.bus)
            if bus is None:
                stack.push_async_callback(spread.aclose)
            lab = laboratory or await _laboratory(settings, stack)
            chemist = pharmacy or await _pharmacy(settings, stack)
            deliveries = Deliveries(database, lab, chemist, patients or patients_of(settings))
            destinations = {BUS: spread.publish, **deliveries.destinations()}
            await stack.enter_async_context(Relay(database, outbox, destinations, settings.relay))
            await stack.enter_async_context(
                watching(
                    sweep_every,
                    lab=lambda: sweep_laboratory(database, lab),
                    pharmacy=lambda: sweep_pharmacy(database, chemist),
                )
            )
            yield Services(database, spread, settings)

    return Subgraph(
        "orders",
        make_schema(settings.limits),
        services,
        authenticate or authenticator(settings.identity),
        health=_health,
        limits=settings.limits,
    )


async def _health(services: Services) -> None:
    """Peers that are away delay orders and lose none, so they do not make us unready."""
    await services.database.ping()
    await services.bus.ping()


async def _laboratory(settings: Settings, stack: AsyncExitStack) -> Laboratory:
    if settings.adapters.lab.url is None:
        return SimulatedLab(journal=journal_of(settings.database_url("orders"), "lab"))
    client = await stack.enter_async_context(_client(settings.adapters.lab))
    return FhirLab(client, settings.facility_id)


async def _pharmacy(settings: Settings, stack: AsyncExitStack) -> Pharmacy:
    if settings.adapters.pharmacy.url is None:
        return SimulatedPharmacy(journal=journal_of(settings.database_url("orders"), "pharmacy"))
    client = await stack.enter_async_context(_client(settings.adapters.pharmacy))
    return FhirPharmacy(client, settings.facility_id)


def _client(peer: PeerSettings) -> FhirClient:
    assert peer.url is not None
    token = peer.token.get_secret_value() if peer.token else None
    # the outbox relay is who retries: here only what a moment later would mend
    return FhirClient(FhirServer(peer.url, token=token, timeout=peer.timeout, attempts=2))
