"""Merging two charts of one person: the duplicate points at the survivor, and says so for ever.

What the duplicate knew and the survivor did not is copied; its allergies and conditions move, each
remembering where it came from; other subgraphs hear of it and re-point. Two different ABHA numbers
are two people: refused.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from drassist.events import Event
from drassist.graph import DomainError, ErrorCode
from drassist.runtime.database import claim_version
from drassist.runtime.identity import Identity
from subgraphs.patients.models import Allergy, Condition, Merge, Patient, outbox
from subgraphs.patients.services.registering import index, present
from subgraphs.patients.services.wiring import Services

__all__ = ["merge"]


async def merge(
    services: Services,
    survivor_id: str,
    survivor_version: int,
    duplicate_id: str,
    duplicate_version: int,
    reason: str,
    by: Identity,
) -> Patient:
    """Merge ``duplicate`` into ``survivor``, if neither changed since the caller looked."""
    if survivor_id == duplicate_id:
        raise DomainError(
            ErrorCode.VALIDATION_FAILED, "A patient cannot be merged with itself.", "duplicateId"
        )
    if not reason.strip():
        raise DomainError(ErrorCode.VALIDATION_FAILED, "A merge needs a reason.", "reason")
    async with services.database.transaction() as session:
        survivor, duplicate = [await present(session, id) for id in (survivor_id, duplicate_id)]
        # lock in one order, so that two merges crossing each other cannot wait for each other
        for patient, seen in sorted(
            ((survivor, survivor_version), (duplicate, duplicate_version)),
            key=lambda pair: pair[0].id,
        ):
            await claim_version(session, patient, seen)
        _refuse_two_people(survivor, duplicate)
        ledger = Merge(
            survivor_id=survivor.id,
            duplicate_id=duplicate.id,
            reason=reason.strip()[:500],
            merged_by=by.subject,
            survivor_before=_snapshot(survivor),
        )
        session.add(ledger)
        _combine(survivor, duplicate)
        duplicate.replaced_by = survivor.id
        duplicate.active = False
        await _move(session, survivor, duplicate)
        await session.flush()
        await index(session, [survivor])
        await outbox.add(
            session,
            Event(
                "patients.patient.merged",
                survivor.id,
                {
                    "patient_id": survivor.id,
                    "duplicate_id": duplicate.id,
                    "merge_id": ledger.id,
                    "version": survivor.version,
                    "actor": by.subject,
                },
            ),
        )
    return survivor


def _refuse_two_people(survivor: Patient, duplicate: Patient) -> None:
    if (
        survivor.abha_number
        and duplicate.abha_number
        and survivor.abha_number != duplicate.abha_number
    ):
        raise DomainError(
            ErrorCode.CONFLICT, "They have different ABHA numbers, so they are two people."
        )


def _combine(survivor: Patient, duplicate: Patient) -> None:
    """What the survivor lacks; what both have stays as the survivor has it."""
    for name in ("names", "contacts", "addresses", "identifiers"):
        own: list[Any] = getattr(survivor, name)
        setattr(
            survivor, name, own + [value for value in getattr(duplicate, name) if value not in own]
        )
    survivor.identifiers = [
        *survivor.identifiers,
        {"system": None, "value": duplicate.mrn, "type": "MR", "use": "old"},
    ]
    for name in ("abha_number", "abha_address", "birth_date", "birth_low", "language"):
        if getattr(survivor, name) is None:
            setattr(survivor, name, getattr(duplicate, name))
    if survivor.gender == "unknown":
        survivor.gender = duplicate.gender


async def _move(session: AsyncSession, survivor: Patient, duplicate: Patient) -> None:
    for table in (Allergy, Condition):
        await session.execute(
            update(table)
            .where(col(table.patient_id) == duplicate.id)
            .values(patient_id=survivor.id, merged_from=duplicate.id)
        )


def _snapshot(patient: Patient) -> dict[str, Any]:
    return patient.model_dump(mode="json", exclude={"remainder"})
