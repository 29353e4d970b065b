"""The tables of orders. Patients, encounters and practitioners are ids of other subgraphs here.

Decimals are stored with the digits that they came with. A report keeps every version of itself;
observations belong to the current one. What came in and could not be matched or read is a stray:
kept, with the reason, until a person has looked.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Column, Index, String, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from drassist.events import Outbox
from drassist.runtime.database import JSON, ExactDecimal, UtcDateTime, naming, new_id, now

__all__ = [
    "Cursor",
    "Dispense",
    "HistoricMedication",
    "Observation",
    "Order",
    "Prescription",
    "PrescriptionItem",
    "Report",
    "ReportVersion",
    "Stray",
    "metadata",
    "outbox",
]

metadata = naming()
outbox = Outbox(metadata)


class _Table(SQLModel):
    metadata = metadata


def _id(kind: str) -> Any:
    return Field(default_factory=lambda: new_id(kind), primary_key=True, max_length=80)


def _moment(**options: Any) -> Any:
    nullable = options.pop("nullable", False)
    return Field(sa_column=Column(UtcDateTime(), nullable=nullable), **options)


def _decimal() -> Any:
    return Field(default=None, sa_column=Column(ExactDecimal(), nullable=True))


def _text(**options: Any) -> Any:
    return Field(default=None, sa_column=Column(Text(), nullable=True), **options)


class Order(_Table, table=True):
    """One test or study that was ordered; ``placer_number`` names it at the peer."""

    __tablename__ = "orders"
    __table_args__ = (
        UniqueConstraint("client_key", "client_index", name="uq_orders_client_key"),
        Index("ix_orders_patient", "patient_id", "authored", "id"),
        Index("ix_orders_encounter", "encounter_id", "authored", "id"),
    )

    id: str = _id("ServiceRequest")
    version: int = 1
    updated_at: datetime = _moment(default_factory=now)
    patient_id: str = Field(max_length=80)
    encounter_id: str | None = Field(default=None, max_length=80)
    placer_number: str = Field(max_length=64, unique=True)
    requisition: str = Field(max_length=64, index=True)
    category: str = Field(max_length=16)
    code: str = Field(max_length=32)
    display: str = Field(max_length=200)
    priority: str = Field(max_length=16)
    status: str = Field(max_length=24)
    reason: str | None = _text()
    note: str | None = _text()
    status_reason: str | None = _text()
    requester_id: str | None = Field(default=None, max_length=80)
    requester_name: str | None = Field(default=None, max_length=200)
    authored: datetime = _moment(default_factory=now)
    sent_at: datetime | None = _moment(default=None, nullable=True)
    peer_reference: str | None = Field(default=None, max_length=200)
    client_key: str = Field(max_length=80)
    client_index: int = 0
    client_digest: str = Field(max_length=64)


class Report(_Table, table=True):
    """The current version of a report, from a laboratory of ours or from an EHR."""

    __tablename__ = "reports"
    __table_args__ = (Index("ix_reports_patient", "patient_id", "sorted_at", "id"),)

    id: str = _id("DiagnosticReport")
    version: int = 1
    updated_at: datetime = _moment(default_factory=now)
    order_id: str | None = Field(default=None, max_length=80, index=True)
    patient_id: str = Field(max_length=80)
    encounter_id: str | None = Field(default=None, max_length=80, index=True)
    source: str = Field(max_length=16)
    source_id: str = Field(max_length=200, unique=True)
    source_version: str = Field(max_length=80)
    filler_number: str | None = Field(default=None, max_length=200)
    status: str = Field(max_length=24)
    category: str = Field(max_length=16)
    code: str | None = Field(default=None, max_length=32)
    display: str = Field(max_length=400)
    effective: datetime | None = _moment(default=None, nullable=True)
    issued: datetime | None = _moment(default=None, nullable=True)
    sorted_at: datetime = _moment(default_factory=now)
    conclusion: str | None = _text()
    received_at: datetime = _moment(default_factory=now)


class ReportVersion(_Table, table=True):
    """A version of a report as it was received, current or not; ``accepted`` false came too late."""

    __tablename__ = "report_versions"
    __table_args__ = (UniqueConstraint("report_id", "source_version"),)

    id: str = _id("ReportVersion")
    report_id: str = Field(max_length=80, index=True)
    source_version: str = Field(max_length=80)
    number: int
    status: str = Field(max_length=24)
    accepted: bool = True
    content: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    digest: str = Field(max_length=64)
    received_at: datetime = _moment(default_factory=now)


class Observation(_Table, table=True):
    """One value, of a report's current version or from an EHR on its own."""

    __tablename__ = "observations"
    __table_args__ = (
        Index("ix_observations_patient", "patient_id", "code", "sorted_at", "id"),
        UniqueConstraint("source_id", name="uq_observations_source"),
    )

    id: str = _id("Observation")
    report_id: str | None = Field(default=None, max_length=80, index=True)
    patient_id: str = Field(max_length=80)
    encounter_id: str | None = Field(default=None, max_length=80)
    source_id: str = Field(max_length=200)
    position: int = 0
    status: str = Field(max_length=24)
    code: str | None = Field(default=None, max_length=32)
    display: str = Field(max_length=400)
    effective: datetime | None = _moment(default=None, nullable=True)
    sorted_at: datetime = _moment(default_factory=now)
    value: Decimal | None = _decimal()
    comparator: str | None = Field(default=None, max_length=4)
    unit: str | None = Field(default=None, max_length=80)
    ucum: str | None = Field(default=None, max_length=80)
    text: str | None = _text()
    absent_reason: str | None = Field(default=None, max_length=40)
    interpretation: str | None = Field(default=None, max_length=16)
    low: Decimal | None = _decimal()
    high: Decimal | None = _decimal()
    range_text: str | None = _text()
    note: str | None = _text()


class Prescription(_Table, table=True):
    """What a doctor signed at once; its medicines are the items."""

    __tablename__ = "prescriptions"
    __table_args__ = (
        Index("ix_prescriptions_patient", "patient_id", "authored", "id"),
        Index("ix_prescriptions_encounter", "encounter_id", "authored", "id"),
    )

    id: str = _id("Prescription")
    version: int = 1
    updated_at: datetime = _moment(default_factory=now)
    patient_id: str = Field(max_length=80)
    encounter_id: str | None = Field(default=None, max_length=80)
    number: str = Field(max_length=64, unique=True)
    note: str | None = _text()
    requester_id: str | None = Field(default=None, max_length=80)
    requester_name: str | None = Field(default=None, max_length=200)
    authored: datetime = _moment(default_factory=now)
    client_key: str = Field(max_length=80, unique=True)
    client_digest: str = Field(max_length=64)


class PrescriptionItem(_Table, table=True):
    """One medicine of a prescription (FHIR's MedicationRequest)."""

    __tablename__ = "prescription_items"
    __table_args__ = (Index("ix_prescription_items_patient", "patient_id", "authored", "id"),)

    id: str = _id("MedicationRequest")
    version: int = 1
    updated_at: datetime = _moment(default_factory=now)
    prescription_id: str = Field(max_length=80, index=True)
    position: int
    patient_id: str = Field(max_length=80)
    encounter_id: str | None = Field(default=None, max_length=80)
    placer_number: str = Field(max_length=64, unique=True)
    medicine_id: str | None = Field(default=None, max_length=120)
    medicine: str = Field(max_length=300)
    status: str = Field(max_length=24)
    status_reason: str | None = _text()
    dosages: list[dict[str, Any]] = Field(sa_column=Column(JSON, nullable=False))
    quantity: Decimal | None = _decimal()
    quantity_unit: str | None = Field(default=None, max_length=80)
    repeats: int = 0
    substitution_allowed: bool = True
    note: str | None = _text()
    authored: datetime = _moment(default_factory=now)
    sent_at: datetime | None = _moment(default=None, nullable=True)
    peer_reference: str | None = Field(default=None, max_length=200)


class Dispense(_Table, table=True):
    """The current version of a hand-over; the request has no status for it, R4 derives it."""

    __tablename__ = "dispenses"

    id: str = _id("MedicationDispense")
    version: int = 1
    updated_at: datetime = _moment(default_factory=now)
    item_id: str = Field(max_length=80, index=True)
    patient_id: str = Field(max_length=80, index=True)
    source_id: str = Field(max_length=200, unique=True)
    source_version: str = Field(max_length=80)
    status: str = Field(max_length=24)
    medicine: str = Field(max_length=300)
    quantity: Decimal | None = _decimal()
    unit: str | None = Field(default=None, max_length=80)
    days_supply: Decimal | None = _decimal()
    prepared: datetime | None = _moment(default=None, nullable=True)
    handed_over: datetime | None = _moment(default=None, nullable=True)
    substituted: bool = False
    reason: str | None = _text()
    received_at: datetime = _moment(default_factory=now)


class HistoricMedication(_Table, table=True):
    """A medicine on record in another system."""

    __tablename__ = "historic_medications"
    __table_args__ = (Index("ix_historic_medications_patient", "patient_id", "sorted_at", "id"),)

    id: str = _id("MedicationStatement")
    source_id: str = Field(max_length=200, unique=True)
    patient_id: str = Field(max_length=80)
    encounter_id: str | None = Field(default=None, max_length=80)
    medicine: str = Field(max_length=400)
    code: str | None = Field(default=None, max_length=64)
    code_system: str | None = Field(default=None, max_length=200)
    status: str = Field(max_length=24)
    dosage: str | None = _text()
    authored: datetime | None = _moment(default=None, nullable=True)
    sorted_at: datetime = _moment(default_factory=now)
    prescriber: str | None = Field(default=None, max_length=200)


class Stray(_Table, table=True):
    """Something that a peer sent and that found no place: never dropped, shown with its reason."""

    __tablename__ = "strays"
    __table_args__ = (UniqueConstraint("peer", "source_id", "reason"),)

    id: str = _id("Stray")
    peer: str = Field(max_length=16)
    source_id: str = Field(max_length=200)
    reason: str = Field(sa_column=Column(String(500), nullable=False))
    content: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON, nullable=True))
    received_at: datetime = _moment(default_factory=now)


class Cursor(_Table, table=True):
    """How far a peer was swept."""

    __tablename__ = "cursors"

    peer: str = Field(primary_key=True, max_length=16)
    position: str = Field(max_length=200)
    swept_at: datetime = _moment(default_factory=now)
