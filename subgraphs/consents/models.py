"""The tables of consents. A patient and an encounter are ids of other subgraphs here.

The document of an external record is the only clinical content; it is erased when its artefact
ends, and the row stays to say that there was one. Each change of a request's state is logged.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Column, Index, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from drassist.events import Outbox
from drassist.runtime.database import JSON, UtcDateTime, naming, new_id, now

__all__ = [
    "ConsentArtefact",
    "ConsentRequest",
    "Cursor",
    "EarlyNotice",
    "ExternalRecord",
    "StateChange",
    "Transfer",
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


def _json() -> Any:
    return Field(sa_column=Column(JSON, nullable=False))


class ConsentRequest(_Table, table=True):
    """A request to a patient; ``gateway_id`` is what the gateway calls it."""

    __tablename__ = "consent_requests"
    __table_args__ = (Index("ix_consent_requests_patient", "patient_id", "requested_at", "id"),)

    id: str = _id("ConsentRequest")
    version: int = 1
    updated_at: datetime = _moment(default_factory=now)
    patient_id: str = Field(max_length=80)
    encounter_id: str | None = Field(default=None, max_length=80)
    abha_address: str = Field(max_length=80)
    purpose: str = Field(max_length=16)
    hi_types: list[str] = _json()
    start: datetime = _moment()
    end: datetime = _moment()
    erase_at: datetime = _moment()
    expires_at: datetime = _moment()
    status: str = Field(max_length=16)
    reason: str | None = Field(default=None, sa_column=Column(Text(), nullable=True))
    requester_id: str | None = Field(default=None, max_length=80)
    requester_name: str | None = Field(default=None, max_length=200)
    requested_at: datetime = _moment(default_factory=now)
    sent_at: datetime | None = _moment(default=None, nullable=True)
    decided_at: datetime | None = _moment(default=None, nullable=True)
    gateway_id: str | None = Field(default=None, max_length=120, unique=True)
    client_key: str = Field(max_length=80, unique=True)
    client_digest: str = Field(max_length=64)


class StateChange(_Table, table=True):
    """One step of a request through its states."""

    __tablename__ = "state_changes"

    id: str = _id("ConsentStateChange")
    request_id: str = Field(max_length=80, index=True)
    state: str = Field(max_length=16)
    reason: str | None = Field(default=None, max_length=400)
    at: datetime = _moment(default_factory=now)
    place: int


class ConsentArtefact(_Table, table=True):
    """What a patient granted, for one facility; this and not the request is the law."""

    __tablename__ = "consent_artefacts"

    id: str = _id("ConsentArtefact")
    version: int = 1
    updated_at: datetime = _moment(default_factory=now)
    request_id: str = Field(max_length=80, index=True)
    patient_id: str = Field(max_length=80, index=True)
    gateway_id: str = Field(max_length=120, unique=True)
    facility_id: str = Field(max_length=120)
    facility: str = Field(max_length=300)
    abha_address: str = Field(max_length=80)
    hi_types: list[str] = _json()
    care_contexts: list[str] = _json()
    start: datetime = _moment()
    end: datetime = _moment()
    erase_at: datetime = _moment()
    access_mode: str = Field(max_length=16)
    narrowed: bool = False
    status: str = Field(max_length=16)
    granted_at: datetime = _moment(default_factory=now)
    ended_at: datetime | None = _moment(default=None, nullable=True)


class Transfer(_Table, table=True):
    """A facility was asked for its records, and they come in pages."""

    __tablename__ = "transfers"

    id: str = _id("Transfer")
    version: int = 1
    updated_at: datetime = _moment(default_factory=now)
    artefact_id: str = Field(max_length=80, index=True)
    patient_id: str = Field(max_length=80, index=True)
    transaction_id: str | None = Field(default=None, max_length=120, unique=True)
    status: str = Field(max_length=16, index=True)
    pages_expected: int | None = None
    pages_received: int = 0
    records: int = 0
    refused: int = 0
    failure: str | None = Field(default=None, max_length=400)
    requested_at: datetime = _moment(default_factory=now)
    completed_at: datetime | None = _moment(default=None, nullable=True)


class ExternalRecord(_Table, table=True):
    """A document of another hospital; ``document`` is gone once it had to be erased."""

    __tablename__ = "external_records"
    __table_args__ = (
        UniqueConstraint("artefact_id", "digest", name="uq_external_records_content"),
        Index("ix_external_records_patient", "patient_id", "sorted_at", "id"),
    )

    id: str = _id("ExternalRecord")
    patient_id: str = Field(max_length=80)
    artefact_id: str = Field(max_length=80, index=True)
    transfer_id: str = Field(max_length=80)
    facility: str = Field(max_length=300)
    care_context: str = Field(max_length=200)
    hi_type: str = Field(max_length=32)
    title: str = Field(max_length=400)
    author: str | None = Field(default=None, max_length=300)
    authored: datetime | None = _moment(default=None, nullable=True)
    sorted_at: datetime = _moment(default_factory=now)
    sections: list[list[str]] | None = Field(default=None, sa_column=Column(JSON, nullable=True))
    document: str | None = Field(default=None, sa_column=Column(Text(), nullable=True))
    digest: str = Field(max_length=64)
    received_at: datetime = _moment(default_factory=now)
    erased_at: datetime | None = _moment(default=None, nullable=True)


class EarlyNotice(_Table, table=True):
    """A notice about a request that the gateway has not named to us yet: kept until it has."""

    __tablename__ = "early_notices"

    id: str = _id("EarlyNotice")
    gateway_id: str = Field(max_length=120, index=True)
    status: str = Field(max_length=16)
    artefacts: list[str] = _json()
    reason: str | None = Field(default=None, max_length=400)
    at: datetime = _moment()


class Cursor(_Table, table=True):
    """How far the gateway's notices were read."""

    __tablename__ = "cursors"

    peer: str = Field(primary_key=True, max_length=16)
    position: str = Field(max_length=200)
