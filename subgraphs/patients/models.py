"""The tables of patients.

A person's names, contacts and identifiers live in one row as the person has them; what they can be
found by lives in ``search_term``, one small row per trigram, sound, number or address, which works
alike on SQLite and PostgreSQL. Nothing is deleted: a merged patient points at the survivor, what was
entered in error says so.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import Column, Date, ForeignKey, Index, String, Text
from sqlmodel import Field, SQLModel

from drassist.events import Outbox
from drassist.runtime.database import JSON, UtcDateTime, naming, new_id, now

__all__ = [
    "Allergy",
    "Condition",
    "Counter",
    "Idempotency",
    "Merge",
    "Patient",
    "SearchTerm",
    "Unmapped",
    "metadata",
    "outbox",
]

metadata = naming()
outbox = Outbox(metadata)


class _Table(SQLModel):
    metadata = metadata


def _id(kind: str) -> Any:
    return Field(default_factory=lambda: new_id(kind), primary_key=True, max_length=80)


def _moment(*, nullable: bool = False) -> Any:
    if nullable:
        return Field(default=None, sa_column=Column(UtcDateTime(), nullable=True))
    return Field(default_factory=now, sa_column=Column(UtcDateTime(), nullable=False))


def _json(default: Any = list) -> Any:
    return Field(default_factory=default, sa_column=Column(JSON, nullable=False))


def _patient() -> Any:
    return Field(sa_column=Column(String(80), ForeignKey("patient.id"), nullable=False, index=True))


class Patient(_Table, table=True):
    """A person with a chart. ``birth_date`` is text as far as known; ``birth_low`` its first day."""

    __tablename__ = "patient"

    id: str = _id("Patient")
    version: int = 1
    created_at: datetime = _moment()
    updated_at: datetime = _moment()
    mrn: str = Field(max_length=64, unique=True, index=True)
    abha_number: str | None = Field(default=None, max_length=14, index=True)
    abha_address: str | None = Field(default=None, max_length=80, index=True)
    name: str = Field(max_length=200)
    names: list[dict[str, Any]] = _json()
    contacts: list[dict[str, Any]] = _json()
    addresses: list[dict[str, Any]] = _json()
    identifiers: list[dict[str, Any]] = _json()
    gender: str = Field(default="unknown", max_length=16)
    gender_identity: str | None = Field(default=None, max_length=64)
    birth_date: str | None = Field(default=None, max_length=10)
    birth_low: date | None = Field(default=None, sa_column=Column(Date, nullable=True))
    birth_date_estimated: bool = False
    deceased: bool = False
    deceased_at: datetime | None = _moment(nullable=True)
    active: bool = True
    language: str | None = Field(default=None, max_length=35)
    no_known_allergies: bool = False
    replaced_by: str | None = Field(default=None, max_length=80, index=True)
    source: str | None = Field(default=None, max_length=200, index=True)
    remainder: dict[str, Any] = _json(dict)


class SearchTerm(_Table, table=True):
    """One thing that a patient can be found by; ``kind`` as in :mod:`services.terms`."""

    __tablename__ = "search_term"
    __table_args__ = (Index("ix_search_term_term", "kind", "term", "patient_id"),)

    patient_id: str = Field(
        sa_column=Column(String(80), ForeignKey("patient.id"), primary_key=True)
    )
    kind: str = Field(primary_key=True, max_length=8)
    term: str = Field(primary_key=True, max_length=80)


class Allergy(_Table, table=True):
    """An allergy or intolerance; ``withdrawn_reason`` when it was entered in error."""

    __tablename__ = "allergy"

    id: str = _id("AllergyIntolerance")
    version: int = 1
    patient_id: str = _patient()
    created_at: datetime = _moment()
    updated_at: datetime = _moment()
    code: dict[str, Any] = _json(dict)
    kind: str | None = Field(default=None, max_length=16)
    categories: list[str] = _json()
    criticality: str | None = Field(default=None, max_length=24)
    clinical_status: str = Field(default="active", max_length=16)
    verification: str = Field(default="unconfirmed", max_length=24)
    reactions: list[dict[str, Any]] = _json()
    note: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    recorded_at: datetime | None = _moment(nullable=True)
    recorded_by: str | None = Field(default=None, max_length=120)
    withdrawn_reason: str | None = Field(default=None, max_length=500)
    merged_from: str | None = Field(default=None, max_length=80)
    source: str | None = Field(default=None, max_length=200, index=True)
    remainder: dict[str, Any] = _json(dict)


class Condition(_Table, table=True):
    """A problem or diagnosis."""

    __tablename__ = "condition"

    id: str = _id("Condition")
    version: int = 1
    patient_id: str = _patient()
    encounter_id: str | None = Field(default=None, max_length=80, index=True)
    created_at: datetime = _moment()
    updated_at: datetime = _moment()
    code: dict[str, Any] = _json(dict)
    category: str = Field(default="problem-list-item", max_length=32)
    clinical_status: str | None = Field(default="active", max_length=16)
    verification: str = Field(default="confirmed", max_length=24)
    severity: str | None = Field(default=None, max_length=64)
    onset: str | None = Field(default=None, max_length=64)
    abatement: str | None = Field(default=None, max_length=64)
    note: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    recorded_at: datetime | None = _moment(nullable=True)
    recorded_by: str | None = Field(default=None, max_length=120)
    withdrawn_reason: str | None = Field(default=None, max_length=500)
    merged_from: str | None = Field(default=None, max_length=80)
    source: str | None = Field(default=None, max_length=200, index=True)
    remainder: dict[str, Any] = _json(dict)


class Merge(_Table, table=True):
    """The ledger of merges: who was merged into whom, by whom, why, and what moved."""

    __tablename__ = "merge"

    id: str = _id("Merge")
    survivor_id: str = Field(max_length=80, index=True)
    duplicate_id: str = Field(max_length=80, index=True)
    reason: str = Field(max_length=500)
    merged_at: datetime = _moment()
    merged_by: str | None = Field(default=None, max_length=120)
    survivor_before: dict[str, Any] = _json(dict)


class Counter(_Table, table=True):
    """Numbers that are given out once, such as the next MRN."""

    __tablename__ = "counter"

    name: str = Field(primary_key=True, max_length=32)
    value: int = 0


class Idempotency(_Table, table=True):
    """What a client's key has already done: the same key gives the same patient."""

    __tablename__ = "idempotency"

    key: str = Field(primary_key=True, max_length=200)
    result: str = Field(max_length=80)
    created_at: datetime = _moment()


class Unmapped(_Table, table=True):
    """A resource of an import that found no place: kept whole, with the reason."""

    __tablename__ = "unmapped"

    source: str = Field(primary_key=True, max_length=200)
    kind: str = Field(max_length=64, index=True)
    reason: str = Field(max_length=300)
    raw: dict[str, Any] = _json(dict)
    imported_at: datetime = _moment()
