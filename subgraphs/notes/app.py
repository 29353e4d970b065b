"""Wiring: settings -> a running notes subgraph, with its audio socket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from starlette.routing import WebSocketRoute

from drassist import graph
from drassist.adapters.fhir import FhirClient, FhirServer
from drassist.adapters.fhir.documents import FhirDocuments
from drassist.adapters.patients import patients_of
from drassist.events import BUS, Bus, Relay, open_bus
from drassist.language import ClinicalNlp, RulesEngine
from drassist.runtime.database import Database
from drassist.runtime.identity import Authenticator, authenticator
from drassist.runtime.migrations import migrate
from drassist.runtime.settings import Settings
from drassist.speech.engine import SpeechEngine
from drassist.speech.opening import open_engine
from subgraphs.notes.audio import SILENT_AFTER_S, audio_socket
from subgraphs.notes.models import outbox
from subgraphs.notes.ports import NoteArchive, Patients, SignedNote
from subgraphs.notes.schema import make_schema
from subgraphs.notes.services import Services
from subgraphs.notes.services.delivering import EHR, Deliveries
from subgraphs.notes.services.hearing import IDLE_S, Hearing

__all__ = ["create_app"]

NAME = "notes"


def create_app(
    settings: Settings,
    *,
    bus: Bus | None = None,
    authenticate: Authenticator | None = None,
    engine: SpeechEngine | None = None,
    nlp: ClinicalNlp | None = None,
    archive: NoteArchive | None = None,
    patients: Patients | None = None,
    idle_after: float = IDLE_S,
    silent_after: float = SILENT_AFTER_S,
) -> graph.Subgraph[Services]:
    """Make the subgraph; nothing is opened before its lifespan.

    Without an archive the settings decide: the EHR's FHIR server where there is a URL, else notes
    stay here; likewise who tells who a patient is. A bus that is handed in stays the caller's to
    close. After ``idle_after`` seconds without audio a recording gives its place in the speech
    engine back; after ``silent_after`` the audio socket is closed.
    """

    @asynccontextmanager
    async def services() -> AsyncIterator[Services]:
        async with AsyncExitStack() as stack:
            database = Database.open(settings, NAME)
            stack.push_async_callback(database.aclose)
            await migrate(database, f"subgraphs.{NAME}")
            spread = bus or await open_bus(settings.bus)
            if bus is None:
                stack.push_async_callback(spread.aclose)
            where = archive or await _archive(settings, stack)
            deliveries = Deliveries(database, where, patients or patients_of(settings))
            destinations = {BUS: spread.publish, EHR: deliveries.deliver}
            await stack.enter_async_context(Relay(database, outbox, destinations, settings.relay))
            hearing = Hearing(
                database,
                spread,
                engine or open_engine(settings.speech),
                language=settings.speech.language,
                idle_after=idle_after,
            )
            await stack.enter_async_context(hearing)
            yield Services(database, spread, settings, hearing, nlp or RulesEngine())

    who = authenticate or authenticator(settings.identity)
    listen = audio_socket(lambda: subgraph.services, who, silent_after)
    subgraph = graph.Subgraph(
        NAME,
        make_schema(settings.limits),
        services,
        who,
        health=_health,
        limits=settings.limits,
        routes=[WebSocketRoute("/audio", listen)],
    )
    return subgraph


async def _health(services: Services) -> None:
    await services.database.ping()
    await services.bus.ping()


async def _archive(settings: Settings, stack: AsyncExitStack) -> NoteArchive:
    peer = settings.adapters.fhir
    if peer.url is None:
        return _NoArchive()
    token = peer.token.get_secret_value() if peer.token else None
    server = FhirServer(peer.url, token=token, timeout=peer.timeout, attempts=2)
    client = await stack.enter_async_context(FhirClient(server))
    return FhirDocuments(client, settings.facility_id)


class _NoArchive:
    """There is no EHR: a signed note is kept here, and nowhere else."""

    async def publish(self, note: SignedNote) -> None:
        return None
