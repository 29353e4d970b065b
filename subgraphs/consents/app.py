"""The consents subgraph, wired: database, outbox relay, gateway, sweeps, clock, schema."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from drassist import graph
from drassist.adapters.watching import watching
from drassist.events import BUS, Bus, Relay, open_bus
from drassist.runtime.database import Database
from drassist.runtime.identity import Authenticator, authenticator
from drassist.runtime.migrations import migrate
from drassist.runtime.settings import Settings
from drassist.testing.abdm import AbdmCounterpart
from drassist.testing.journal import journal_of
from subgraphs.consents.models import outbox
from subgraphs.consents.ports import ConsentGateway
from subgraphs.consents.schema import make_schema
from subgraphs.consents.services import Services
from subgraphs.consents.services.delivering import Deliveries
from subgraphs.consents.services.receiving import expire, sweep_notices, sweep_transfers

__all__ = ["create_app"]


def create_app(
    settings: Settings,
    *,
    bus: Bus | None = None,
    authenticate: Authenticator | None = None,
    gateway: ConsentGateway | None = None,
    sweep_every: float = 1.0,
) -> graph.Subgraph[Services]:
    """Make the subgraph; nothing is opened before its lifespan.

    Without a gateway the counterpart of ``drassist.testing`` answers. A bus that is handed in
    stays the caller's to close.
    """
    consents: ConsentGateway = gateway or AbdmCounterpart(
        journal=journal_of(settings.database_url("consents"), "abdm")
    )

    @asynccontextmanager
    async def services() -> AsyncIterator[Services]:
        async with AsyncExitStack() as stack:
            database = Database.open(settings, "consents")
            stack.push_async_callback(database.aclose)
            await migrate(database, "subgraphs.consents")
            spread = bus or await open_bus(settings.bus)
            if bus is None:
                stack.push_async_callback(spread.aclose)
            destinations = {
                BUS: spread.publish,
                **Deliveries(database, consents).destinations(),
            }
            await stack.enter_async_context(Relay(database, outbox, destinations, settings.relay))
            await stack.enter_async_context(
                watching(
                    sweep_every,
                    notices=lambda: sweep_notices(database, consents),
                    transfers=lambda: sweep_transfers(database, consents),
                    clock=lambda: expire(database),
                )
            )
            yield Services(database, spread, settings)

    return graph.Subgraph(
        "consents",
        make_schema(settings.limits),
        services,
        authenticate or authenticator(settings.identity),
        health=_health,
        limits=settings.limits,
    )


async def _health(services: Services) -> None:
    """A gateway that is away delays requests and loses none, so it does not make us unready."""
    await services.database.ping()
    await services.bus.ping()
