"""The tables of encounters.

An appointment is a promise, a token is a place in today's queue, an encounter is the visit itself:
three states of their own, moved by commands. Instants are UTC; ``day`` columns are days on the
hospital's wall.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Column, Date, ForeignKey, Index, String, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from drassist.events import Outbox
from drassist.runtime.database import JSON, ExactDecimal, UtcDateTime, naming, new_id, now

__all__ = [
    "Appointment",
    "Encounter",
    "Location",
    "Practitioner",
    "Session",
    "Task",
    "Token",
    "Vital",
    "metadata",
    "outbox",
]

metadata = naming()
outbox = Outbox(metadata)


class _Table(SQLModel):
    metadata = metadata


def _id(kind: str) -> Any:
    return Field(default_factory=lambda: new_id(kind), primary_key=True, max_length=80)


def _moment(*, nullable: bool = False, index: bool = False) -> Any:
    if nullable:
        return Field(default=None, sa_column=Column(UtcDateTime(), nullable=True, index=index))
    return Field(default_factory=now, sa_column=Column(UtcDateTime(), nullable=False, index=index))


def _json(default: Any = list) -> Any:
    return Field(default_factory=default, sa_column=Column(JSON, nullable=False))


def _of(table: str, *, nullable: bool = False) -> Any:
    column = Column(String(80), ForeignKey(f"{table}.id"), nullable=nullable, index=True)
    return Field(default=None, sa_column=column) if nullable else Field(sa_column=column)


class Practitioner(_Table, table=True):
    """Somebody who sees patients. Their row is the lock under which they are booked."""

    __tablename__ = "practitioner"

    id: str = _id("Practitioner")
    version: int = 1
    updated_at: datetime = _moment()
    name: str = Field(max_length=200)
    specialty: str | None = Field(default=None, max_length=120)
    registration_number: str | None = Field(default=None, max_length=64)
    council: str | None = Field(default=None, max_length=120)
    active: bool = True
    source: str | None = Field(default=None, max_length=200)
    remainder: dict[str, Any] = _json(dict)


class Location(_Table, table=True):
    """A place: hospital, ward, room or bed."""

    __tablename__ = "location"

    id: str = _id("Location")
    version: int = 1
    updated_at: datetime = _moment()
    name: str = Field(max_length=200)
    kind: str = Field(default="ro", max_length=8)
    time_zone: str = Field(max_length=64)
    part_of: str | None = _of("location", nullable=True)
    active: bool = True


class Session(_Table, table=True):
    """Hours in which a practitioner can be booked, cut into slots."""

    __tablename__ = "session"

    id: str = _id("Session")
    version: int = 1
    updated_at: datetime = _moment()
    practitioner_id: str = _of("practitioner")
    location_id: str | None = _of("location", nullable=True)
    start_at: datetime = _moment(index=True)
    end_at: datetime = _moment()
    slot_minutes: int = 15
    closed: bool = False


class Appointment(_Table, table=True):
    """A booking."""

    __tablename__ = "appointment"
    __table_args__ = (Index("ix_appointment_booked", "practitioner_id", "start_at"),)

    id: str = _id("Appointment")
    version: int = 1
    created_at: datetime = _moment()
    updated_at: datetime = _moment()
    patient_id: str = Field(max_length=80, index=True)
    practitioner_id: str = _of("practitioner")
    location_id: str | None = _of("location", nullable=True)
    start_at: datetime = _moment()
    end_at: datetime = _moment()
    status: str = Field(default="booked", max_length=16)
    kind: str = Field(default="ROUTINE", max_length=16)
    reason: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    ended_reason: str | None = Field(default=None, max_length=500)
    replaces: str | None = Field(default=None, max_length=80)
    replaced_by: str | None = Field(default=None, max_length=80)
    booked_by: str | None = Field(default=None, max_length=120)


class Encounter(_Table, table=True):
    """A visit; ``history`` is every status it had, with when and by whom."""

    __tablename__ = "encounter"
    __table_args__ = (Index("ix_encounter_patient", "patient_id", "arrived_at", "id"),)

    id: str = _id("Encounter")
    version: int = 1
    created_at: datetime = _moment()
    updated_at: datetime = _moment()
    patient_id: str = Field(max_length=80)
    practitioner_id: str | None = _of("practitioner", nullable=True)
    location_id: str | None = _of("location", nullable=True)
    appointment_id: str | None = _of("appointment", nullable=True)
    class_code: str = Field(default="AMB", max_length=8)
    status: str = Field(default="arrived", max_length=16)
    reason: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    arrived_at: datetime = _moment()
    started_at: datetime | None = _moment(nullable=True)
    ended_at: datetime | None = _moment(nullable=True)
    history: list[dict[str, Any]] = _json()
    source: str | None = Field(default=None, max_length=200)
    remainder: dict[str, Any] = _json(dict)


class Token(_Table, table=True):
    """A place in a practitioner's queue of one local day."""

    __tablename__ = "token"
    __table_args__ = (UniqueConstraint("practitioner_id", "day", "number"),)

    id: str = _id("QueueToken")
    version: int = 1
    updated_at: datetime = _moment()
    practitioner_id: str = _of("practitioner")
    day: date = Field(sa_column=Column(Date, nullable=False))
    number: int
    urgent: bool = False
    recalled: bool = False
    status: str = Field(default="waiting", max_length=16)
    patient_id: str = Field(max_length=80, index=True)
    appointment_id: str | None = _of("appointment", nullable=True)
    encounter_id: str = _of("encounter")
    issued_at: datetime = _moment()
    called_at: datetime | None = _moment(nullable=True)
    skips: int = 0


class Vital(_Table, table=True):
    """One measured sign. A corrected value is a new row; the old one says ``corrected_by``."""

    __tablename__ = "vital"
    __table_args__ = (Index("ix_vital_patient", "patient_id", "code", "effective_at"),)

    id: str = _id("Observation")
    version: int = 1
    updated_at: datetime = _moment()
    patient_id: str = Field(max_length=80)
    encounter_id: str | None = _of("encounter", nullable=True)
    code: str = Field(max_length=16)
    display: str = Field(max_length=120)
    status: str = Field(default="final", max_length=24)
    effective_at: datetime = _moment()
    value: Decimal | None = Field(default=None, sa_column=Column(ExactDecimal(), nullable=True))
    unit: str | None = Field(default=None, max_length=24)
    original: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON, nullable=True))
    components: list[dict[str, Any]] = _json()
    interpretation: str | None = Field(default=None, max_length=4)
    absent_reason: str | None = Field(default=None, max_length=24)
    performer: str | None = Field(default=None, max_length=120)
    reason: str | None = Field(default=None, max_length=500)
    corrects: str | None = Field(default=None, max_length=80)
    corrected_by: str | None = Field(default=None, max_length=80)
    source: str | None = Field(default=None, max_length=200)
    remainder: dict[str, Any] = _json(dict)


class Task(_Table, table=True):
    """Something to be done, owned by a role and claimed by a person."""

    __tablename__ = "task"
    __table_args__ = (Index("ix_task_open", "owner_role", "status"),)

    id: str = _id("Task")
    version: int = 1
    created_at: datetime = _moment()
    updated_at: datetime = _moment()
    description: str = Field(sa_column=Column(Text, nullable=False))
    status: str = Field(default="requested", max_length=16)
    priority: str = Field(default="routine", max_length=8)
    owner_role: str = Field(max_length=32)
    claimed_by: str | None = Field(default=None, max_length=120)
    requested_by: str | None = Field(default=None, max_length=120)
    patient_id: str | None = Field(default=None, max_length=80, index=True)
    encounter_id: str | None = _of("encounter", nullable=True)
    due_at: datetime | None = _moment(nullable=True)
    outcome: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
