"""Allergies and conditions: recorded, changed by commands, never deleted."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from drassist.clinical import CodedConcept, InvalidValue, PartialDate
from drassist.events import Event
from drassist.graph import DomainError, ErrorCode
from drassist.runtime.database import claim_version, now
from drassist.runtime.identity import Identity
from subgraphs.patients.models import Allergy, Condition, Patient, outbox
from subgraphs.patients.services.registering import present
from subgraphs.patients.services.wiring import Services

__all__ = [
    "ALLERGY_MOVES",
    "CONDITION_MOVES",
    "Reaction",
    "change_allergy",
    "change_condition",
    "declare_no_known_allergies",
    "record_allergy",
    "record_condition",
    "withdraw_allergy",
    "withdraw_condition",
]

ALLERGY_MOVES: Final = {
    "active": {"inactive", "resolved"},
    "inactive": {"active", "resolved"},
    "resolved": {"active"},
}
"""From which clinical status of an allergy which may follow (R4; a resolved one may come back)."""

CONDITION_MOVES: Final = {
    "active": {"remission", "inactive", "resolved"},
    "recurrence": {"remission", "inactive", "resolved"},
    "relapse": {"remission", "inactive", "resolved"},
    "remission": {"relapse", "resolved", "active"},
    "inactive": {"active", "resolved", "recurrence"},
    "resolved": {"recurrence"},
}
"""From which clinical status of a condition which may follow."""

IN_ERROR: Final = "entered-in-error"


@dataclass(frozen=True, slots=True)
class Reaction:
    """What happened, and how badly: mild, moderate or severe."""

    manifestation: str
    severity: str | None = None


async def record_allergy(
    services: Services,
    patient_id: str,
    code: CodedConcept,
    by: Identity,
    *,
    kind: str | None = None,
    category: str | None = None,
    criticality: str | None = None,
    verification: str = "unconfirmed",
    reactions: tuple[Reaction, ...] = (),
    note: str | None = None,
) -> Allergy:
    """Add an allergy; "no known allergies" no longer holds then."""
    async with services.database.transaction() as session:
        patient = await present(session, patient_id)
        allergy = Allergy(
            patient_id=patient.id,
            code=asdict(code),
            kind=kind,
            categories=[category] if category else [],
            criticality=criticality,
            verification=verification,
            reactions=[asdict(reaction) for reaction in reactions],
            note=note,
            recorded_at=now(),
            recorded_by=by.subject,
        )
        session.add(allergy)
        if patient.no_known_allergies:
            await claim_version(session, patient)
            patient.no_known_allergies = False
        await session.flush()
        await _tell(session, "patients.allergy.recorded", allergy, by)
    return allergy


async def declare_no_known_allergies(services: Services, patient_id: str, by: Identity) -> Patient:
    """Say that the patient was asked and knows of none; refused while an allergy is active."""
    async with services.database.transaction() as session:
        patient = await present(session, patient_id)
        active = await session.scalar(
            select(Allergy.id).where(
                Allergy.patient_id == patient_id,
                Allergy.clinical_status == "active",
                col(Allergy.verification).not_in((IN_ERROR, "refuted")),
            )
        )
        if active is not None:
            raise DomainError(
                ErrorCode.CONFLICT, "An active allergy is on record: refute it first."
            )
        await claim_version(session, patient)
        patient.no_known_allergies = True
        await outbox.add(
            session,
            Event(
                "patients.allergy.none_known",
                patient.id,
                {"patient_id": patient.id, "version": patient.version, "actor": by.subject},
            ),
        )
    return patient


async def change_allergy(
    services: Services,
    id: str,
    expected_version: int,
    by: Identity,
    *,
    clinical_status: str | None = None,
    verification: str | None = None,
    criticality: str | None = None,
) -> Allergy:
    """Change the status of an allergy as R4 allows."""
    async with services.database.transaction() as session:
        allergy = await _allergy(session, id)
        await claim_version(session, allergy, expected_version)
        if clinical_status is not None and clinical_status != allergy.clinical_status:
            _check_move(ALLERGY_MOVES, allergy.clinical_status, clinical_status)
            allergy.clinical_status = clinical_status
        if verification is not None:
            allergy.verification = verification
        if criticality is not None:
            allergy.criticality = criticality
        await _tell(session, "patients.allergy.changed", allergy, by)
    return allergy


async def withdraw_allergy(
    services: Services, id: str, expected_version: int, reason: str, by: Identity
) -> Allergy:
    """Mark an allergy as entered in error; it is hidden, and stays."""
    async with services.database.transaction() as session:
        allergy = await _allergy(session, id)
        await claim_version(session, allergy, expected_version)
        allergy.verification, allergy.withdrawn_reason = IN_ERROR, _reason(reason)
        await _tell(session, "patients.allergy.withdrawn", allergy, by)
    return allergy


async def record_condition(
    services: Services,
    patient_id: str,
    code: CodedConcept,
    by: Identity,
    *,
    encounter_id: str | None = None,
    category: str = "problem-list-item",
    verification: str = "confirmed",
    severity: str | None = None,
    onset: PartialDate | None = None,
    note: str | None = None,
) -> Condition:
    """Add a problem or a diagnosis of an encounter."""
    async with services.database.transaction() as session:
        patient = await present(session, patient_id)
        condition = Condition(
            patient_id=patient.id,
            encounter_id=encounter_id,
            code=asdict(code),
            category=category,
            verification=verification,
            severity=severity,
            onset=str(onset) if onset else None,
            note=note,
            recorded_at=now(),
            recorded_by=by.subject,
        )
        session.add(condition)
        await session.flush()
        await _tell(session, "patients.condition.recorded", condition, by)
    return condition


async def change_condition(
    services: Services,
    id: str,
    expected_version: int,
    by: Identity,
    *,
    clinical_status: str | None = None,
    verification: str | None = None,
    abatement: PartialDate | None = None,
) -> Condition:
    """Change the status of a condition as R4 allows; an abatement needs one that has ended."""
    async with services.database.transaction() as session:
        condition = await _condition(session, id)
        await claim_version(session, condition, expected_version)
        if clinical_status is not None and clinical_status != condition.clinical_status:
            _check_move(CONDITION_MOVES, condition.clinical_status, clinical_status)
            condition.clinical_status = clinical_status
        if verification is not None:
            condition.verification = verification
        if abatement is not None:
            if condition.clinical_status not in ("inactive", "resolved", "remission"):
                raise InvalidValue("Only what is over has an end", "abatement")
            condition.abatement = str(abatement)
        await _tell(session, "patients.condition.changed", condition, by)
    return condition


async def withdraw_condition(
    services: Services, id: str, expected_version: int, reason: str, by: Identity
) -> Condition:
    """Mark a condition as entered in error (R4 con-5: it has no clinical status then)."""
    async with services.database.transaction() as session:
        condition = await _condition(session, id)
        await claim_version(session, condition, expected_version)
        condition.verification, condition.clinical_status = IN_ERROR, None
        condition.withdrawn_reason = _reason(reason)
        await _tell(session, "patients.condition.withdrawn", condition, by)
    return condition


def _check_move(moves: dict[str, set[str]], present: str | None, wanted: str) -> None:
    if wanted not in moves.get(present or "", set()):
        raise DomainError(
            ErrorCode.WRONG_STATE, f"It cannot go from {present} to {wanted}.", "clinicalStatus"
        )


def _reason(reason: str) -> str:
    if not reason.strip():
        raise InvalidValue("A reason is needed", "reason")
    return reason.strip()[:500]


async def _allergy(session: AsyncSession, id: str) -> Allergy:
    allergy = await session.get(Allergy, id)
    if allergy is None:
        raise DomainError(ErrorCode.NOT_FOUND, "There is no such allergy.", "id")
    if allergy.verification == IN_ERROR:
        raise DomainError(ErrorCode.WRONG_STATE, "It was entered in error.", "id")
    return allergy


async def _condition(session: AsyncSession, id: str) -> Condition:
    condition = await session.get(Condition, id)
    if condition is None:
        raise DomainError(ErrorCode.NOT_FOUND, "There is no such condition.", "id")
    if condition.verification == IN_ERROR:
        raise DomainError(ErrorCode.WRONG_STATE, "It was entered in error.", "id")
    return condition


async def _tell(session: AsyncSession, topic: str, row: Allergy | Condition, by: Identity) -> None:
    await outbox.add(
        session,
        Event(
            topic,
            row.patient_id,
            {
                "id": row.id,
                "patient_id": row.patient_id,
                "version": row.version,
                "actor": by.subject,
            },
        ),
    )
