"""Prescriptions, their medicines, what was handed over, and the history of both."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import strawberry
from strawberry import ID

from drassist.graph import fields as graph
from drassist.graph.entity import Entity, entity, reference
from drassist.graph.values import Quantity
from drassist.runtime.identity import reads
from subgraphs.orders import loaders, models
from subgraphs.orders.ports import DosageInstruction
from subgraphs.orders.schema.access import Info
from subgraphs.orders.schema.owners import (
    AnEncounter,
    APatient,
    APractitioner,
    encounter,
    patient,
    practitioner,
)
from subgraphs.orders.schema.results import Delivery
from subgraphs.orders.schema.values import (
    DispenseStatus,
    MedicationRequestStatus,
    known,
    quantity,
)
from subgraphs.orders.services.dosage import dosages_from_json

__all__ = [
    "Dosage",
    "MedicationDispense",
    "MedicationHistoryEntry",
    "MedicationRequest",
    "Prescription",
]


@graph.type("How a medicine is taken: the text as written, and what of it is structured.")
class Dosage:
    text: str = graph.field("As it was written.", phi=True)
    dose: Quantity | None = graph.field("How much at a time.", phi=True)
    frequency: int | None = graph.field("How many times per period.", phi=True)
    period: Decimal | None = graph.field("Length of the period.", phi=True)
    period_unit: str | None = graph.field("Unit of the period: h, d, wk or mo.", phi=True)
    when: list[str] = graph.field("Times of day or meal (FHIR event-timing codes).", phi=True)
    as_needed: bool = graph.field("Only when it is needed.", phi=True)
    route: str | None = graph.field("SNOMED CT code of the route.", phi=True)
    duration: Decimal | None = graph.field("For how long.", phi=True)
    duration_unit: str | None = graph.field("Unit of the duration: h, d, wk or mo.", phi=True)

    @classmethod
    def of(cls, dosage: DosageInstruction) -> Dosage:
        return cls(
            text=dosage.text,
            dose=quantity(dosage.dose, dosage.dose_unit),
            frequency=dosage.frequency,
            period=dosage.period,
            period_unit=dosage.period_unit,
            when=list(dosage.when),
            as_needed=dosage.as_needed,
            route=dosage.route,
            duration=dosage.duration,
            duration_unit=dosage.duration_unit,
        )


@entity("What a doctor prescribed at once.")
class Prescription(Entity):
    row: strawberry.Private[models.Prescription]

    @graph.resolver("Opaque id.")
    def id(self) -> ID:
        return ID(self.row.id)

    @graph.resolver("Number that is printed on it.")
    def number(self) -> str:
        return self.row.number

    @graph.resolver("When it was signed.", phi=True)
    def authored(self) -> datetime:
        return self.row.authored

    @graph.resolver("A remark for the pharmacist.", phi=True)
    def note(self) -> str | None:
        return self.row.note

    @graph.resolver(
        "Its medicines, in the order in which they were written.", phi=True, list_size=5
    )
    async def items(self, info: Info) -> list[MedicationRequest]:
        rows = await info.context.load(loaders.items_of_prescription, self.row.id)
        return [MedicationRequest(row=row) for row in rows or ()]

    @graph.resolver("Whose prescription it is.")
    def patient(self) -> APatient:
        return patient(self.row.patient_id)

    @graph.resolver("The visit in which it was written.")
    def encounter(self) -> AnEncounter | None:
        return encounter(self.row.encounter_id)

    @graph.resolver("Who signed it.")
    def requester(self) -> APractitioner | None:
        return practitioner(self.row.requester_id)

    @classmethod
    @reference("id")
    async def by_id(cls, info: Info, id: ID) -> Prescription | None:
        row = info.context.visible(await info.context.load(loaders.prescription_by_id, str(id)))
        return cls(row=row) if row else None


@entity("One prescribed medicine (FHIR MedicationRequest).")
class MedicationRequest(Entity):
    row: strawberry.Private[models.PrescriptionItem]

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
    def status(self) -> MedicationRequestStatus:
        found = known(MedicationRequestStatus, self.row.status)
        return found or MedicationRequestStatus.UNKNOWN

    @graph.resolver("Why it was stopped.", phi=True)
    def status_reason(self) -> str | None:
        return self.row.status_reason

    @graph.resolver("Generic, strength and form, or the text that was prescribed.", phi=True)
    def medicine(self) -> str:
        return self.row.medicine

    @graph.resolver("Id of the product in the catalogue, if it is from there.", phi=True)
    def medicine_id(self) -> ID | None:
        return ID(self.row.medicine_id) if self.row.medicine_id else None

    @graph.resolver("How it is taken; several follow each other.", phi=True, list_size=1)
    def dosages(self) -> list[Dosage]:
        return [Dosage.of(dosage) for dosage in dosages_from_json(self.row.dosages)]

    @graph.resolver("How much is to be handed out in all.", phi=True)
    def quantity(self) -> Quantity | None:
        return quantity(self.row.quantity, self.row.quantity_unit)

    @graph.resolver("How often it may be handed out again.", phi=True)
    def repeats(self) -> int:
        return self.row.repeats

    @graph.resolver("Whether another brand may be handed out.", phi=True)
    def substitution_allowed(self) -> bool:
        return self.row.substitution_allowed

    @graph.resolver("A remark for the pharmacist.", phi=True)
    def note(self) -> str | None:
        return self.row.note

    @graph.resolver("Our number of it, by which the pharmacy knows it.")
    def placer_number(self) -> str:
        return self.row.placer_number

    @graph.resolver("When it was prescribed.", phi=True)
    def authored(self) -> datetime:
        return self.row.authored

    @graph.resolver("When the pharmacy took it; null while it is on its way.", phi=True)
    def sent_at(self) -> datetime | None:
        return self.row.sent_at

    @graph.resolver("The prescription that it is part of.")
    async def prescription(self, info: Info) -> Prescription | None:
        row = await info.context.load(loaders.prescription_by_id, self.row.prescription_id)
        return Prescription(row=row) if row else None

    @graph.resolver("Whose medicine it is.")
    def patient(self) -> APatient:
        return patient(self.row.patient_id)

    @graph.resolver(
        "What was handed over of it, oldest first.",
        phi=True,
        scopes=reads("MedicationDispense"),
        list_size=2,
    )
    async def dispenses(self, info: Info) -> list[MedicationDispense]:
        rows = await info.context.load(loaders.dispenses_of_item, self.row.id)
        return [MedicationDispense(row=row) for row in rows or ()]

    @graph.resolver(
        "What is still to be handed over; null when no quantity was prescribed.",
        phi=True,
        scopes=reads("MedicationDispense"),
    )
    async def remaining(self, info: Info) -> Quantity | None:
        if self.row.quantity is None:
            return None
        rows = await info.context.load(loaders.dispenses_of_item, self.row.id)
        handed = [row.quantity or Decimal(0) for row in rows or () if row.status == "completed"]
        left = self.row.quantity - sum(handed, Decimal(0))
        return quantity(max(left, Decimal(0)), self.row.quantity_unit)

    @graph.resolver(
        "What was told to the pharmacy, and whether it arrived.", tags=["staff"], list_size=2
    )
    async def deliveries(self, info: Info) -> list[Delivery]:
        rows = await info.context.load(loaders.deliveries, self.row.id)
        return [Delivery.of(row) for row in rows or ()]

    @classmethod
    @reference("id")
    async def by_id(cls, info: Info, id: ID) -> MedicationRequest | None:
        row = info.context.visible(await info.context.load(loaders.item_by_id, str(id)))
        return cls(row=row) if row else None


@graph.type("A hand-over of a medicine by a pharmacy (FHIR MedicationDispense).")
class MedicationDispense:
    row: strawberry.Private[models.Dispense]

    @graph.resolver("Opaque id.")
    def id(self) -> ID:
        return ID(self.row.id)

    @graph.resolver("Where it stands.", phi=True)
    def status(self) -> DispenseStatus:
        return known(DispenseStatus, self.row.status) or DispenseStatus.UNKNOWN

    @graph.resolver("What was handed over.", phi=True)
    def medicine(self) -> str:
        return self.row.medicine

    @graph.resolver("How much was handed over.", phi=True)
    def quantity(self) -> Quantity | None:
        return quantity(self.row.quantity, self.row.unit)

    @graph.resolver("For how many days it lasts.", phi=True)
    def days_supply(self) -> Decimal | None:
        return self.row.days_supply

    @graph.resolver("When it was handed over.", phi=True)
    def handed_over(self) -> datetime | None:
        return self.row.handed_over

    @graph.resolver("Whether something else was handed over than was prescribed.", phi=True)
    def substituted(self) -> bool:
        return self.row.substituted

    @graph.resolver("Why it was declined or stopped.", phi=True)
    def reason(self) -> str | None:
        return self.row.reason


@graph.type("One medicine in a patient's history: prescribed here, or on record elsewhere.")
class MedicationHistoryEntry:
    id: ID = graph.field("Opaque id.")
    medicine: str = graph.field("The medicine in words.", phi=True)
    status: MedicationRequestStatus = graph.field("Where it stands, or stood.", phi=True)
    dosage: str | None = graph.field("How it is taken, in words.", phi=True)
    authored: datetime | None = graph.field("When it was prescribed.", phi=True)
    prescriber: str | None = graph.field("Who prescribed it, where it was elsewhere.", phi=True)
    request: MedicationRequest | None = graph.field(
        "The prescribed medicine; null when it is on record elsewhere only.", phi=True
    )

    @classmethod
    def of(cls, row: models.PrescriptionItem | models.HistoricMedication) -> MedicationHistoryEntry:
        status = known(MedicationRequestStatus, row.status) or MedicationRequestStatus.UNKNOWN
        if isinstance(row, models.PrescriptionItem):
            texts = [dosage.text for dosage in dosages_from_json(row.dosages)]
            return cls(
                id=ID(row.id),
                medicine=row.medicine,
                status=status,
                dosage="; ".join(texts) or None,
                authored=row.authored,
                prescriber=None,
                request=MedicationRequest(row=row),
            )
        return cls(
            id=ID(row.id),
            medicine=row.medicine,
            status=status,
            dosage=row.dosage,
            authored=row.authored,
            prescriber=row.prescriber,
            request=None,
        )
