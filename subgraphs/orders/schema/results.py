"""Orders and what comes back: ServiceRequest, DiagnosticReport and its values."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

import strawberry
from strawberry import ID

from drassist.graph import fields as graph
from drassist.graph.entity import Entity, entity, reference
from drassist.graph.values import Quantity
from drassist.runtime.identity import reads
from subgraphs.orders import loaders, models
from subgraphs.orders.schema.access import Info
from subgraphs.orders.schema.owners import (
    AnEncounter,
    APatient,
    APractitioner,
    encounter,
    patient,
    practitioner,
)
from subgraphs.orders.schema.values import (
    OrderCategory,
    OrderPriority,
    OrderStatus,
    ReferenceRange,
    ResultFlag,
    ResultStatus,
    known,
    quantity,
)
from subgraphs.orders.services.delivering import Delivery as Sent
from subgraphs.orders.services.results import ENDED, RELEASED

__all__ = ["Delivery", "DiagnosticReport", "LabObservation", "ReportVersion", "ServiceRequest"]

_CRITICAL = frozenset({"LL", "HH", "AA"})


@graph.enum("Whether a message arrived.")
class DeliveryState(Enum):
    PENDING = graph.value("pending", "On its way; it is tried until it arrives or is refused.")
    DELIVERED = graph.value("delivered", "The peer took it.")
    DEAD = graph.value("dead", "Refused, or given up; resendDelivery tries it again.")


@graph.enum("Whom a message is for.")
class DeliveryPeer(Enum):
    LABORATORY = graph.value("lab", "The laboratory or imaging department.")
    PHARMACY = graph.value("pharmacy", "The pharmacy.")


@graph.type("One message to a laboratory or pharmacy, and whether it arrived.")
class Delivery:
    number: int = graph.field("Its number, for resendDelivery.")
    subject: ID = graph.field("Id of the order or medicine that it is about.")
    peer: DeliveryPeer = graph.field("Whom it is for.")
    state: DeliveryState = graph.field("Whether it arrived.")
    attempts: int = graph.field("How often it was tried.")
    next_attempt_at: datetime | None = graph.field("When it is tried next, while pending.")
    settled_at: datetime | None = graph.field("When it was delivered or given up.")
    reason: str | None = graph.field("Why the last attempt failed.")

    @classmethod
    def of(cls, row: Sent) -> Delivery:
        return cls(
            number=row.sequence,
            subject=ID(row.subject),
            peer=DeliveryPeer(row.destination),
            state=DeliveryState(row.state),
            attempts=row.attempts,
            next_attempt_at=row.next_attempt_at,
            settled_at=row.settled_at,
            reason=row.reason,
        )


@entity("An order of one laboratory test or imaging study (FHIR ServiceRequest).")
class ServiceRequest(Entity):
    row: strawberry.Private[models.Order]

    @graph.resolver("Opaque id.")
    def id(self) -> ID:
        return ID(self.row.id)

    @graph.resolver("Number of changes so far; give it back as expectedVersion.")
    def version(self) -> int:
        return self.row.version

    @graph.resolver("When it was last changed.")
    def updated_at(self) -> datetime:
        return self.row.updated_at

    @graph.resolver("Where it stands.", phi=True)
    def status(self) -> OrderStatus:
        return known(OrderStatus, self.row.status) or OrderStatus.UNKNOWN

    @graph.resolver("Laboratory or imaging.", phi=True)
    def category(self) -> OrderCategory:
        return OrderCategory(self.row.category)

    @graph.resolver("LOINC code of what is ordered.", phi=True)
    def code(self) -> str:
        return self.row.code

    @graph.resolver("Name of what is ordered.", phi=True)
    def display(self) -> str:
        return self.row.display

    @graph.resolver("How soon it is wanted.", phi=True)
    def priority(self) -> OrderPriority:
        return OrderPriority(self.row.priority)

    @graph.resolver("Why it is ordered, for who performs it.", phi=True)
    def reason(self) -> str | None:
        return self.row.reason

    @graph.resolver("A remark for who performs it.", phi=True)
    def note(self) -> str | None:
        return self.row.note

    @graph.resolver("Why it was revoked.", phi=True)
    def status_reason(self) -> str | None:
        return self.row.status_reason

    @graph.resolver("Our number of the order, by which the laboratory knows it.")
    def placer_number(self) -> str:
        return self.row.placer_number

    @graph.resolver("Number of the group of orders that were placed together.")
    def requisition(self) -> str:
        return self.row.requisition

    @graph.resolver("When it was ordered.", phi=True)
    def authored(self) -> datetime:
        return self.row.authored

    @graph.resolver("When the laboratory took it; null while it is on its way.", phi=True)
    def sent_at(self) -> datetime | None:
        return self.row.sent_at

    @graph.resolver("Whose order it is.")
    def patient(self) -> APatient:
        return patient(self.row.patient_id)

    @graph.resolver("The visit in which it was ordered.")
    def encounter(self) -> AnEncounter | None:
        return encounter(self.row.encounter_id)

    @graph.resolver("Who ordered it.")
    def requester(self) -> APractitioner | None:
        return practitioner(self.row.requester_id)

    @graph.resolver(
        "Its reports, oldest first.", phi=True, scopes=reads("DiagnosticReport"), list_size=2
    )
    async def reports(self, info: Info) -> list[DiagnosticReport]:
        rows = await info.context.load(loaders.reports_of_order, self.row.id)
        return [DiagnosticReport(row=row) for row in rows or () if _released_to(info, row)]

    @graph.resolver(
        "What was told to the laboratory, and whether it arrived.", tags=["staff"], list_size=2
    )
    async def deliveries(self, info: Info) -> list[Delivery]:
        rows = await info.context.load(loaders.deliveries, self.row.id)
        return [Delivery.of(row) for row in rows or ()]

    @classmethod
    @reference("id")
    async def by_id(cls, info: Info, id: ID) -> ServiceRequest | None:
        row = info.context.visible(await info.context.load(loaders.order_by_id, str(id)))
        return cls(row=row) if row else None


@entity("What a laboratory or imaging department found (FHIR DiagnosticReport).")
class DiagnosticReport(Entity):
    row: strawberry.Private[models.Report]

    @graph.resolver("Opaque id.")
    def id(self) -> ID:
        return ID(self.row.id)

    @graph.resolver("Number of the current version, from 1.")
    def version(self) -> int:
        return self.row.version

    @graph.resolver("When it last changed here.")
    def updated_at(self) -> datetime:
        return self.row.updated_at

    @graph.resolver("Where it stands.", phi=True)
    def status(self) -> ResultStatus:
        return known(ResultStatus, self.row.status) or ResultStatus.UNKNOWN

    @graph.resolver("Laboratory or imaging.", phi=True)
    def category(self) -> OrderCategory:
        return OrderCategory(self.row.category)

    @graph.resolver("LOINC code of what was examined, if the report has one.", phi=True)
    def code(self) -> str | None:
        return self.row.code

    @graph.resolver("Name of what was examined.", phi=True)
    def display(self) -> str:
        return self.row.display

    @graph.resolver("When the specimen was taken or the study made: trends go by it.", phi=True)
    def effective(self) -> datetime | None:
        return self.row.effective

    @graph.resolver("When it was issued: alerts go by it.", phi=True)
    def issued(self) -> datetime | None:
        return self.row.issued

    @graph.resolver("When it first arrived here.", phi=True)
    def received_at(self) -> datetime:
        return self.row.received_at

    @graph.resolver("The conclusion in words.", phi=True)
    def conclusion(self) -> str | None:
        return self.row.conclusion

    @graph.resolver("The laboratory's own number of it.")
    def filler_number(self) -> str | None:
        return self.row.filler_number

    @graph.resolver("Whose report it is.")
    def patient(self) -> APatient:
        return patient(self.row.patient_id)

    @graph.resolver("The visit that it belongs to.")
    def encounter(self) -> AnEncounter | None:
        return encounter(self.row.encounter_id)

    @graph.resolver("The order that it answers; null for reports of other houses.")
    async def order(self, info: Info) -> ServiceRequest | None:
        if self.row.order_id is None:
            return None
        row = await info.context.load(loaders.order_by_id, self.row.order_id)
        return ServiceRequest(row=row) if row else None

    @graph.resolver(
        "Its values, in the report's order.",
        phi=True,
        scopes=reads("Observation"),
        list_size=10,
    )
    async def observations(self, info: Info) -> list[LabObservation]:
        rows = await info.context.load(loaders.observations_of_report, self.row.id)
        return [LabObservation(row=row) for row in rows or ()]

    @graph.resolver("Whether one of its values asks for somebody to act.", phi=True)
    async def critical(self, info: Info) -> bool:
        rows = await info.context.load(loaders.observations_of_report, self.row.id)
        return any(row.interpretation in _CRITICAL for row in rows or ())

    @graph.resolver("Every version that was received, oldest first.", phi=True, list_size=2)
    async def versions(self, info: Info) -> list[ReportVersion]:
        rows = await info.context.load(loaders.versions_of_report, self.row.id)
        return [
            ReportVersion(
                number=row.number,
                status=known(ResultStatus, row.status) or ResultStatus.UNKNOWN,
                accepted=row.accepted,
                received_at=row.received_at,
                values=[_old_value(value) for value in row.content.get("observations", ())],
            )
            for row in rows or ()
        ]

    @classmethod
    @reference("id")
    async def by_id(cls, info: Info, id: ID) -> DiagnosticReport | None:
        row = info.context.visible(await info.context.load(loaders.report_by_id, str(id)))
        return cls(row=row) if row and _released_to(info, row) else None


@entity("One value of a laboratory: a number with its unit, a text, or a reason for having none.")
class LabObservation(Entity):
    row: strawberry.Private[models.Observation]

    @graph.resolver("Opaque id.")
    def id(self) -> ID:
        return ID(self.row.id)

    @graph.resolver("Where it stands.", phi=True)
    def status(self) -> ResultStatus:
        return known(ResultStatus, self.row.status) or ResultStatus.UNKNOWN

    @graph.resolver("LOINC code of what was measured, where there is one.", phi=True)
    def code(self) -> str | None:
        return self.row.code

    @graph.resolver("Name of what was measured.", phi=True)
    def display(self) -> str:
        return self.row.display

    @graph.resolver("When the specimen was taken.", phi=True)
    def effective(self) -> datetime | None:
        return self.row.effective

    @graph.resolver("The number, exact.", phi=True)
    def value(self) -> Quantity | None:
        return quantity(self.row.value, self.row.unit, self.row.ucum, self.row.comparator)

    @graph.resolver("The value in words, when it is no number.", phi=True)
    def text(self) -> str | None:
        return self.row.text

    @graph.resolver("Why there is no value (FHIR data-absent-reason).", phi=True)
    def absent_reason(self) -> str | None:
        return self.row.absent_reason

    @graph.resolver("How it lies against what is usual.", phi=True)
    def interpretation(self) -> ResultFlag | None:
        return known(ResultFlag, self.row.interpretation)

    @graph.resolver("What is usual, by the laboratory.", phi=True)
    def reference_range(self) -> ReferenceRange | None:
        row = self.row
        if row.low is None and row.high is None and row.range_text is None:
            return None
        return ReferenceRange(low=row.low, high=row.high, text=row.range_text)

    @graph.resolver("A remark of the laboratory.", phi=True)
    def note(self) -> str | None:
        return self.row.note

    @graph.resolver("The report that it is part of.")
    async def report(self, info: Info) -> DiagnosticReport | None:
        if self.row.report_id is None:
            return None
        row = await info.context.load(loaders.report_by_id, self.row.report_id)
        return DiagnosticReport(row=row) if row else None

    @graph.resolver("Whose value it is.")
    def patient(self) -> APatient:
        return patient(self.row.patient_id)

    @classmethod
    @reference("id")
    async def by_id(cls, info: Info, id: ID) -> LabObservation | None:
        row = info.context.visible(await info.context.load(loaders.observation_by_id, str(id)))
        return cls(row=row) if row else None


@graph.type("One value as a former version of a report had it.")
class OldValue:
    display: str = graph.field("Name of what was measured.", phi=True)
    text: str | None = graph.field("The value with its unit, as it was reported.", phi=True)


@graph.type("A version of a report as it was received.")
class ReportVersion:
    number: int = graph.field("From 1, in the order of arrival.")
    status: ResultStatus = graph.field("Where the report stood.", phi=True)
    accepted: bool = graph.field(
        "False for one that came too late, such as a preliminary after the final.", phi=True
    )
    received_at: datetime = graph.field("When it arrived.", phi=True)
    values: list[OldValue] = graph.field("Its values.", phi=True)


def _old_value(value: dict[str, str | None]) -> OldValue:
    number = value.get("value")
    shown = f"{value.get('comparator') or ''}{number} {value.get('unit') or ''}".strip()
    return OldValue(
        display=value.get("display") or "", text=value.get("text") if number is None else shown
    )


def _released_to(info: Info, row: models.Report) -> bool:
    """Patients see what is released, or withdrawn; staff see also what is on its way."""
    return not info.context.identity.is_patient or row.status in RELEASED | ENDED
