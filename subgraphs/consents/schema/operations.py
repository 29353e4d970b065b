"""Where reading starts, what can be asked, what can be watched."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Annotated

import strawberry

from drassist import graph
from drassist.events import Event
from drassist.graph import ID
from drassist.runtime.database import now
from drassist.runtime.identity import command, reads
from subgraphs.consents.schema.types import (
    ConsentArtefact,
    ConsentRequest,
    ExternalRecord,
    HealthInformationType,
    Info,
    PurposeOfUse,
    Transfer,
)
from subgraphs.consents.services.asking import AskConsent, Author, ask_consent, fetch_again

__all__ = ["Mutation", "Query", "Subscription"]

_Id = Annotated[ID, graph.arg("Which one.")]
_Patient = Annotated[ID | None, graph.arg("Only of this patient; required for patients.")]


@strawberry.type
class Query:
    @graph.resolver("A consent request by its id.", scopes=reads("Consent"))
    async def consent_request(self, info: Info, id: _Id) -> ConsentRequest | None:
        return await ConsentRequest.by_id(info, id)

    @graph.resolver("A consent artefact by its id.", scopes=reads("Consent"))
    async def consent_artefact(self, info: Info, id: _Id) -> ConsentArtefact | None:
        return await ConsentArtefact.by_id(info, id)

    @graph.resolver("A record of another hospital by its id.", scopes=reads("DocumentReference"))
    async def external_record(self, info: Info, id: _Id) -> ExternalRecord | None:
        return await ExternalRecord.by_id(info, id)


@graph.input("What to ask a patient for.")
class RequestConsentInput:
    patient_id: ID = graph.field("Whom.")
    encounter_id: ID | None = graph.field("In which visit.", default=None)
    abha_address: str = graph.field("Her ABHA address, at which her phone is asked.")
    purpose: PurposeOfUse = graph.field("What for.", default=PurposeOfUse.CARE_MANAGEMENT)
    hi_types: list[HealthInformationType] = graph.field("Which kinds of records.")
    start: datetime = graph.field("Records from this instant on.")
    end: datetime | None = graph.field(
        "Records up to this instant; now, if left out.", default=None
    )
    erase_at: datetime | None = graph.field(
        "Until when they may be kept; 30 days from now, if left out.", default=None
    )
    client_key: str = graph.field(
        "Key of this command, made by the client: the same key never asks twice."
    )

    def command(self) -> AskConsent:
        # what is left out follows from the day, so that the same command stays the same
        today = now().replace(hour=0, minute=0, second=0, microsecond=0)
        return AskConsent(
            patient_id=self.patient_id,
            encounter_id=self.encounter_id,
            abha_address=self.abha_address,
            purpose=self.purpose.value,
            hi_types=tuple(dict.fromkeys(kind.value for kind in self.hi_types)),
            start=self.start,
            end=self.end or today + timedelta(days=1),
            erase_at=self.erase_at or today + timedelta(days=31),
            client_key=self.client_key,
        )


@graph.type("What became of asking.")
class RequestConsentPayload(graph.Payload):
    request: ConsentRequest | None = graph.field("The request.", default=None)


@graph.type("What became of fetching again.")
class FetchRecordsPayload(graph.Payload):
    transfer: Transfer | None = graph.field("The fetch, or the one that runs.", default=None)


@strawberry.type
class Mutation:
    @graph.mutation(
        "Ask a patient for her records of other hospitals.",
        scopes=command("consent.request"),
        tags=["staff"],
    )
    async def request_consent(
        self, info: Info, input: Annotated[RequestConsentInput, graph.arg("What to ask.")]
    ) -> RequestConsentPayload:
        who = info.context.identity
        author = Author(who.practitioner_id, who.name[:200] if who.name else None)
        row = await ask_consent(info.context.services.database, author, input.command())
        return RequestConsentPayload(request=ConsentRequest(row=row))

    @graph.mutation(
        "Fetch the records of a facility again, under a consent in force.",
        scopes=command("consent.request"),
        tags=["staff"],
    )
    async def fetch_external_records(
        self, info: Info, artefact_id: Annotated[ID, graph.arg("Under which artefact.")]
    ) -> FetchRecordsPayload:
        row = await fetch_again(info.context.services.database, artefact_id)
        return FetchRecordsPayload(transfer=Transfer(row=row))


@strawberry.type
class Subscription:
    @graph.subscription("A consent request changed its state.", scopes=reads("Consent"))
    async def consent_changed(
        self, info: Info, patient_id: _Patient = None
    ) -> AsyncIterator[ConsentRequest]:
        async for event in _watch(info, patient_id, "consents.request.*", "consents.artefact.*"):
            if found := await ConsentRequest.by_id(info, ID(str(event.data["request_id"]))):
                yield found

    @graph.subscription("The fetching of records went on.", scopes=reads("Consent"))
    async def transfer_changed(
        self, info: Info, patient_id: _Patient = None
    ) -> AsyncIterator[Transfer]:
        async for event in _watch(info, patient_id, "consents.transfer.*"):
            if found := await Transfer.by_id(info, ID(event.subject)):
                yield found


async def _watch(info: Info, patient_id: str | None, *topics: str) -> AsyncIterator[Event]:
    """Events of these topics that the caller asked for and may see."""
    identity = info.context.identity
    wanted = patient_id or (identity.patient_id if identity.is_patient else None)
    if wanted is not None or identity.is_patient:
        info.context.open_chart(wanted or "")
    async with await info.context.services.bus.subscribe(*topics) as events:
        async for event in events:
            if wanted is None or event.data.get("patient_id") == wanted:
                yield event
