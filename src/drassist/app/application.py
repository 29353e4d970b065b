"""The whole system in one process: identity provider, subgraphs, bus, router, audio.

The embedded default. Everything is opened in order and closed in the opposite one.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, cast

from sqlmodel import select
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount, WebSocketRoute

from drassist.app.gateway import create_gateway
from drassist.app.identity import create_provider, issuer_path, local_authenticator
from drassist.app.imports import import_records, load_samples, sinks_of
from drassist.app.subgraphs import SUBGRAPHS, create_subgraph, peers_of
from drassist.events import Bus, open_bus
from drassist.runtime.logs import get_logger
from drassist.runtime.settings import Settings

__all__ = ["create_application"]

log = get_logger(__name__)


class _SharedBus:
    """The one bus of the process: subgraphs are made before it can be opened."""

    def __init__(self) -> None:
        self.bus: Bus | None = None

    def __getattr__(self, name: str) -> object:
        return getattr(self.bus, name)


def create_application(settings: Settings) -> Starlette:
    """Return the ASGI application; its lifespan opens and closes everything.

    ``state.router`` is the router at its root.
    """
    shared = _SharedBus()
    authenticate = local_authenticator(settings)
    subgraphs: dict[str, Any] = {}
    for name in SUBGRAPHS:
        subgraphs[name] = create_subgraph(
            name,
            settings,
            bus=cast("Bus", shared),
            authenticate=authenticate,
            **peers_of(name, subgraphs, settings),
        )
    router = create_gateway(settings, subgraphs)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            shared.bus = await open_bus(settings.bus)
            stack.push_async_callback(shared.bus.aclose)
            for subgraph in subgraphs.values():
                await stack.enter_async_context(subgraph.lifespan())
            await _fill(settings, subgraphs)
            await stack.enter_async_context(router)
            yield

    routes: list[BaseRoute] = [WebSocketRoute("/audio", subgraphs["notes"].app)]
    if settings.identity.development:
        routes.append(Mount(issuer_path(settings), create_provider(settings)))
    routes.append(Mount("/", router))
    app = Starlette(routes=routes, lifespan=lifespan)
    app.state.router = router
    return app


async def _fill(settings: Settings, subgraphs: dict[str, Any]) -> None:
    """Give an empty system patients: a folder of bundles, or made-up ones."""
    folder = settings.adapters.fhir.bundle_folder
    wanted = folder is not None or settings.gateway.samples
    if not wanted or settings.environment == "production" or await _filled(subgraphs["patients"]):
        return
    if folder is not None:
        sinks = sinks_of(subgraphs)
        report = await import_records(settings.adapters.fhir, sinks, folder=folder)
    else:
        report = await load_samples(subgraphs)
    log.info("import.done", count=report.total)


async def _filled(patients: Any) -> bool:
    from subgraphs.patients.models import Patient

    async with patients.services.database.session() as session:
        return (await session.scalar(select(Patient.id).limit(1))) is not None
