"""Consent requests, artefacts, transfers, external records."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Any, TypeAlias, TypeVar

import strawberry

from drassist import graph
from drassist.graph import ID, After, Before, Connection, First, Last, Page, Slice
from drassist.runtime.identity import reads
from subgraphs.consents import loaders, models
from subgraphs.consents.services import Services

__all__ = [
    "ConsentArtefact",
    "ConsentRequest",
    "ConsentState",
    "Encounter",
    "ExternalRecord",
    "HealthInformationType",
    "Info",
    "Patient",
    "Practitioner",
    "PurposeOfUse",
    "Transfer",
    "TransferState",
]

Info: TypeAlias = strawberry.Info[graph.Context[Services], Any]
R = TypeVar("R", bound=Any)


@graph.enum("Where a request or an artefact stands; the last three never change again.")
class ConsentState(Enum):
    REQUESTED = graph.value("requested", "The patient was asked.")
    GRANTED = graph.value("granted", "She said yes, perhaps to less than was asked.")
    DENIED = graph.value("denied", "She said no.")
    REVOKED = graph.value("revoked", "She took it back.")
    EXPIRED = graph.value("expired", "Its time is over, or nobody answered.")


@graph.enum("Where the fetching of records stands.")
class TransferState(Enum):
    REQUESTED = graph.value("requested", "The facility was asked.")
    RECEIVING = graph.value("receiving", "Some pages are here.")
    COMPLETED = graph.value("completed", "All pages are here.")
    FAILED = graph.value("failed", "Nothing usable came.")
    CANCELLED = graph.value("cancelled", "The consent ended before the records came.")


@graph.enum("Kinds of records that a consent can name (ABDM health information types).")
class HealthInformationType(Enum):
    OP_CONSULTATION = graph.value("OPConsultation", "A consultation.")
    PRESCRIPTION = graph.value("Prescription", "A prescription.")
    DIAGNOSTIC_REPORT = graph.value("DiagnosticReport", "A laboratory or imaging report.")
    DISCHARGE_SUMMARY = graph.value("DischargeSummary", "A discharge summary.")
    IMMUNIZATION_RECORD = graph.value("ImmunizationRecord", "Immunizations.")
    HEALTH_DOCUMENT_RECORD = graph.value("HealthDocumentRecord", "A document, often scanned.")
    WELLNESS_RECORD = graph.value("WellnessRecord", "Vital signs and activity.")
    INVOICE = graph.value("Invoice", "An invoice.")


@graph.enum("What the records are wanted for (v3 PurposeOfUse, as ABDM has it).")
class PurposeOfUse(Enum):
    CARE_MANAGEMENT = graph.value("CAREMGT", "Care of this patient.")
    BREAK_THE_GLASS = graph.value("BTG", "An emergency in which she cannot be asked.")
    PUBLIC_HEALTH = graph.value("PUBHLTH", "Public health.")
    PAYMENT = graph.value("HPAYMT", "Payment for care.")
    RESEARCH = graph.value("DSRCH", "Research into a disease.")
    SELF_REQUESTED = graph.value("PATRQT", "The patient asked for it herself.")


@graph.type("One step of a request through its states.")
class ConsentStateChange:
    state: ConsentState = graph.field("The state that was reached.")
    at: datetime = graph.field("When.")
    reason: str | None = graph.field("Why, where somebody said so.", phi=True)


@graph.entity("A request to a patient for her records of other hospitals.")
class ConsentRequest(graph.Entity):
    row: strawberry.Private[models.ConsentRequest]

    @graph.resolver("Opaque id.")
    def id(self) -> ID:
        return ID(self.row.id)

    @graph.resolver("Number of changes so far.")
    def version(self) -> int:
        return self.row.version

    @graph.resolver("When it was last changed.")
    def updated_at(self) -> datetime:
        return self.row.updated_at

    @graph.resolver("Where it stands.")
    def state(self) -> ConsentState:
        return ConsentState(self.row.status)

    @graph.resolver("Why it was denied, ended, or could not be sent.", phi=True)
    def reason(self) -> str | None:
        return self.row.reason

    @graph.resolver("What the records are wanted for.")
    def purpose(self) -> PurposeOfUse:
        return PurposeOfUse(self.row.purpose)

    @graph.resolver("The kinds of records that were asked for.", list_size=4)
    def hi_types(self) -> list[HealthInformationType]:
        return [HealthInformationType(kind) for kind in self.row.hi_types]

    @graph.resolver("Records from this instant on.")
    def start(self) -> datetime:
        return self.row.start

    @graph.resolver("Records up to this instant.")
    def end(self) -> datetime:
        return self.row.end

    @graph.resolver("Until when they may be kept, as it was asked.")
    def erase_at(self) -> datetime:
        return self.row.erase_at

    @graph.resolver("When it was asked.")
    def requested_at(self) -> datetime:
        return self.row.requested_at

    @graph.resolver("When the gateway took it; null while it is on its way.")
    def sent_at(self) -> datetime | None:
        return self.row.sent_at

    @graph.resolver("When the patient decided.")
    def decided_at(self) -> datetime | None:
        return self.row.decided_at

    @graph.resolver("When it lapses unanswered.")
    def expires_at(self) -> datetime:
        return self.row.expires_at

    @graph.resolver("Who is asked.")
    def patient(self) -> Patient:
        return Patient(id=ID(self.row.patient_id))

    @graph.resolver("The visit in which it was asked.")
    def encounter(self) -> Encounter | None:
        return Encounter(id=ID(self.row.encounter_id)) if self.row.encounter_id else None

    @graph.resolver("Who asks.")
    def requester(self) -> Practitioner | None:
        return Practitioner(id=ID(self.row.requester_id)) if self.row.requester_id else None

    @graph.resolver("Its states so far, oldest first.", list_size=3)
    async def history(self, info: Info) -> list[ConsentStateChange]:
        rows = await info.context.load(loaders.changes_of_request, self.row.id)
        return [
            ConsentStateChange(state=ConsentState(row.state), at=row.at, reason=row.reason)
            for row in rows or ()
        ]

    @graph.resolver("What was granted: one artefact for each facility.", list_size=3)
    async def artefacts(self, info: Info) -> list[ConsentArtefact]:
        rows = await info.context.load(loaders.artefacts_of_request, self.row.id)
        return [ConsentArtefact(row=row) for row in rows or ()]

    @classmethod
    @graph.reference("id")
    async def by_id(cls, info: Info, id: ID) -> ConsentRequest | None:
        row = info.context.visible(await info.context.load(loaders.request_by_id, str(id)))
        return cls(row=row) if row else None


@graph.entity("What a patient granted, for one facility. This, not the request, is what counts.")
class ConsentArtefact(graph.Entity):
    row: strawberry.Private[models.ConsentArtefact]

    @graph.resolver("Opaque id.")
    def id(self) -> ID:
        return ID(self.row.id)

    @graph.resolver("Number of changes so far.")
    def version(self) -> int:
        return self.row.version

    @graph.resolver("Where it stands: granted, revoked or expired.")
    def state(self) -> ConsentState:
        return ConsentState(self.row.status)

    @graph.resolver("The facility that holds the records.", phi=True)
    def facility(self) -> str:
        return self.row.facility

    @graph.resolver("The kinds of records that were granted.", list_size=4)
    def hi_types(self) -> list[HealthInformationType]:
        known = {kind.value for kind in HealthInformationType}
        return [HealthInformationType(kind) for kind in self.row.hi_types if kind in known]

    @graph.resolver("Records from this instant on.")
    def start(self) -> datetime:
        return self.row.start

    @graph.resolver("Records up to this instant.")
    def end(self) -> datetime:
        return self.row.end

    @graph.resolver("When what was fetched under it is erased.")
    def erase_at(self) -> datetime:
        return self.row.erase_at

    @graph.resolver("Whether less was granted than was asked: limited by the patient.")
    def narrowed(self) -> bool:
        return self.row.narrowed

    @graph.resolver("When it was granted.")
    def granted_at(self) -> datetime:
        return self.row.granted_at

    @graph.resolver("When it was revoked or expired.")
    def ended_at(self) -> datetime | None:
        return self.row.ended_at

    @graph.resolver("The request that it answers.")
    async def request(self, info: Info) -> ConsentRequest | None:
        row = await info.context.load(loaders.request_by_id, self.row.request_id)
        return ConsentRequest(row=row) if row else None

    @graph.resolver("The fetches under it, oldest first.", list_size=2)
    async def transfers(self, info: Info) -> list[Transfer]:
        rows = await info.context.load(loaders.transfers_of_artefact, self.row.id)
        return [Transfer(row=row) for row in rows or ()]

    @graph.resolver("What came under it.", phi=True, scopes=reads("DocumentReference"), list_size=5)
    async def records(self, info: Info) -> list[ExternalRecord]:
        rows = await info.context.load(loaders.records_of_artefact, self.row.id)
        return [ExternalRecord(row=row) for row in rows or ()]

    @classmethod
    @graph.reference("id")
    async def by_id(cls, info: Info, id: ID) -> ConsentArtefact | None:
        row = info.context.visible(await info.context.load(loaders.artefact_by_id, str(id)))
        return cls(row=row) if row else None


@graph.entity("The fetching of a facility's records under an artefact.")
class Transfer(graph.Entity):
    row: strawberry.Private[models.Transfer]

    @graph.resolver("Opaque id.")
    def id(self) -> ID:
        return ID(self.row.id)

    @graph.resolver("Where it stands.")
    def state(self) -> TransferState:
        return TransferState(self.row.status)

    @graph.resolver("How many pages were announced; null until the first one came.")
    def pages_expected(self) -> int | None:
        return self.row.pages_expected

    @graph.resolver("How many pages are here.")
    def pages_received(self) -> int:
        return self.row.pages_received

    @graph.resolver("How many records were stored.")
    def records(self) -> int:
        return self.row.records

    @graph.resolver("How many were refused: broken, or outside of what was granted.")
    def refused(self) -> int:
        return self.row.refused

    @graph.resolver("Why it failed or was cancelled.")
    def failure(self) -> str | None:
        return self.row.failure

    @graph.resolver("When the records were asked for.")
    def requested_at(self) -> datetime:
        return self.row.requested_at

    @graph.resolver("When it ended.")
    def completed_at(self) -> datetime | None:
        return self.row.completed_at

    @graph.resolver("The artefact under which it runs.")
    async def artefact(self, info: Info) -> ConsentArtefact | None:
        row = await info.context.load(loaders.artefact_by_id, self.row.artefact_id)
        return ConsentArtefact(row=row) if row else None

    @classmethod
    @graph.reference("id")
    async def by_id(cls, info: Info, id: ID) -> Transfer | None:
        row = info.context.visible(await info.context.load(loaders.transfer_by_id, str(id)))
        return cls(row=row) if row else None


@graph.type("A section of a document, as text.")
class RecordSection:
    title: str = graph.field("Its title.", phi=True)
    text: str = graph.field("What it says, as plain text.", phi=True)


@graph.entity("A document of another hospital, kept for as long as the patient allows.")
class ExternalRecord(graph.Entity):
    row: strawberry.Private[models.ExternalRecord]

    @graph.resolver("Opaque id.")
    def id(self) -> ID:
        return ID(self.row.id)

    @graph.resolver("What kind of record it is.", phi=True)
    def hi_type(self) -> HealthInformationType:
        return HealthInformationType(self.row.hi_type)

    @graph.resolver("Its title.", phi=True)
    def title(self) -> str:
        return self.row.title

    @graph.resolver("Who wrote it; null once it was erased.", phi=True)
    def author(self) -> str | None:
        return self.row.author

    @graph.resolver("The facility that it came from.", phi=True)
    def facility(self) -> str:
        return self.row.facility

    @graph.resolver("When it was written.", phi=True)
    def authored(self) -> datetime | None:
        return self.row.authored

    @graph.resolver("When it came.")
    def received_at(self) -> datetime:
        return self.row.received_at

    @graph.resolver("When its content was erased, because the consent ended.")
    def erased_at(self) -> datetime | None:
        return self.row.erased_at

    @graph.resolver("What it says, section by section; empty once it was erased.", phi=True)
    def sections(self) -> list[RecordSection]:
        return [RecordSection(title=s[0], text=s[1]) for s in self.row.sections or ()]

    @graph.resolver("The FHIR document as it came, as JSON; null once it was erased.", phi=True)
    def document(self) -> str | None:
        return self.row.document

    @graph.resolver("Whose record it is.")
    def patient(self) -> Patient:
        return Patient(id=ID(self.row.patient_id))

    @graph.resolver("The artefact under which it came.")
    async def artefact(self, info: Info) -> ConsentArtefact | None:
        row = await info.context.load(loaders.artefact_by_id, self.row.artefact_id)
        return ConsentArtefact(row=row) if row else None

    @classmethod
    @graph.reference("id")
    async def by_id(cls, info: Info, id: ID) -> ExternalRecord | None:
        row = info.context.visible(await info.context.load(loaders.record_by_id, str(id)))
        return cls(row=row) if row else None


@graph.entity("A person with a chart in this hospital.")
class Patient(graph.Entity):
    id: ID = graph.field("Opaque id; never the hospital number.")

    @graph.resolver(
        "Requests for her outside records, newest first.", scopes=reads("Consent"), list_size=20
    )
    async def consents(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[ConsentRequest]:
        info.context.open_chart(self.id)
        page = _page(info, first, after, last, before)
        found = await info.context.load(loaders.requests_of_patient, (str(self.id), page))
        return graph.connect(_found(found), lambda row: ConsentRequest(row=row))

    @graph.resolver(
        "Records of other hospitals, newest first.",
        phi=True,
        scopes=reads("DocumentReference"),
        list_size=20,
    )
    async def external_records(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[ExternalRecord]:
        info.context.open_chart(self.id)
        page = _page(info, first, after, last, before)
        found = await info.context.load(loaders.records_of_patient, (str(self.id), page))
        return graph.connect(_found(found), lambda row: ExternalRecord(row=row))


@graph.entity("A visit.", resolvable=False)
class Encounter(graph.Entity):
    id: ID = graph.field("Opaque id.")


@graph.entity("Somebody who sees patients.", resolvable=False)
class Practitioner(graph.Entity):
    id: ID = graph.field("Opaque id.")


def _page(
    info: Info, first: int | None, after: str | None, last: int | None, before: str | None
) -> Page:
    limit = info.context.services.settings.limits.page_size
    return Page.of(first, after, last, before, limit=limit)


def _found(found: Slice[R] | None) -> Slice[R]:
    return found or Slice((), (), more_after=False, more_before=False)
