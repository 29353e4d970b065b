"""Encounters: the visit itself.

    planned -> arrived -> (triaged) -> in-progress -> finished       in-progress <-> onleave
    planned | arrived | triaged -> cancelled                         finished -> in-progress: reopen

Starting fulfils the appointment and serves the token; finishing ends the token; reopening, with a
reason and within a day, puts both back.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from drassist.clinical import InvalidValue
from drassist.graph import DomainError, ErrorCode
from drassist.runtime.database import claim_version, now
from drassist.runtime.identity import Identity
from subgraphs.encounters.models import Appointment, Encounter
from subgraphs.encounters.services.queueing import settle_token
from subgraphs.encounters.services.wiring import Services, tell

__all__ = ["MOVES", "cancel", "finish", "present_encounter", "reopen", "start"]

MOVES: Final = {
    "planned": {"arrived", "cancelled"},
    "arrived": {"triaged", "in-progress", "cancelled"},
    "triaged": {"in-progress", "cancelled"},
    "in-progress": {"onleave", "finished"},
    "onleave": {"in-progress", "finished"},
    "finished": {"in-progress"},
    "cancelled": set(),
}
"""From which status which may follow (R4); finished to in-progress only by :func:`reopen`."""

_REOPEN_WITHIN: Final = timedelta(hours=24)


async def start(
    services: Services, id: str, expected_version: int | None, by: Identity
) -> Encounter:
    """Start the consultation; starting one that is in progress changes nothing."""
    async with services.database.transaction() as session:
        encounter = await present_encounter(session, id)
        if encounter.status == "in-progress":
            return encounter
        if encounter.status == "finished":
            raise DomainError(ErrorCode.WRONG_STATE, "It is finished: reopen it instead.", "id")
        await _turn(session, encounter, expected_version, "in-progress", by)
        encounter.started_at = encounter.started_at or now()
        if encounter.practitioner_id is None:
            encounter.practitioner_id = by.practitioner_id
        if encounter.appointment_id is not None:
            await _appointment(session, encounter.appointment_id, "fulfilled")
        await settle_token(session, encounter.id, "serving", by)
        await _tell(session, "encounter.started", encounter, by)
    return encounter


async def finish(
    services: Services, id: str, expected_version: int | None, by: Identity
) -> Encounter:
    """Finish the visit."""
    async with services.database.transaction() as session:
        encounter = await present_encounter(session, id)
        await _turn(session, encounter, expected_version, "finished", by)
        encounter.ended_at = now()
        await settle_token(session, encounter.id, "done", by)
        await _tell(session, "encounter.finished", encounter, by)
    return encounter


async def cancel(
    services: Services, id: str, expected_version: int | None, reason: str, by: Identity
) -> Encounter:
    """The patient left before being seen."""
    if not reason.strip():
        raise InvalidValue("A cancellation needs a reason", "reason")
    async with services.database.transaction() as session:
        encounter = await present_encounter(session, id)
        await _turn(session, encounter, expected_version, "cancelled", by, reason)
        encounter.ended_at = now()
        await settle_token(session, encounter.id, "cancelled", by)
        if encounter.appointment_id is not None:
            await _appointment(session, encounter.appointment_id, "cancelled")
        await _tell(session, "encounter.cancelled", encounter, by)
    return encounter


async def reopen(
    services: Services, id: str, expected_version: int | None, reason: str, by: Identity
) -> Encounter:
    """Continue a finished visit, within a day and with a reason."""
    if not reason.strip():
        raise InvalidValue("Reopening needs a reason", "reason")
    async with services.database.transaction() as session:
        encounter = await present_encounter(session, id)
        if encounter.status != "finished":
            raise DomainError(ErrorCode.WRONG_STATE, f"The encounter is {encounter.status}.", "id")
        if encounter.ended_at is not None and now() - encounter.ended_at > _REOPEN_WITHIN:
            raise DomainError(
                ErrorCode.WRONG_STATE, "It was finished more than a day ago: add to it instead."
            )
        await _turn(session, encounter, expected_version, "in-progress", by, reason)
        encounter.ended_at = None
        await settle_token(session, encounter.id, "serving", by)
        await _tell(session, "encounter.reopened", encounter, by)
    return encounter


async def present_encounter(session: AsyncSession, id: str) -> Encounter:
    encounter = await session.get(Encounter, id)
    if encounter is None:
        raise DomainError(ErrorCode.NOT_FOUND, "There is no such encounter.", "id")
    return encounter


async def _turn(
    session: AsyncSession,
    encounter: Encounter,
    expected_version: int | None,
    status: str,
    by: Identity,
    reason: str | None = None,
) -> None:
    if status not in MOVES.get(encounter.status, set()):
        raise DomainError(
            ErrorCode.WRONG_STATE, f"It cannot go from {encounter.status} to {status}.", "id"
        )
    await claim_version(session, encounter, expected_version)
    encounter.status = status
    entry = {"status": status, "at": now().isoformat(), "by": by.subject}
    if reason:
        entry["reason"] = reason.strip()[:500]
    encounter.history = [*encounter.history, entry]


async def _appointment(session: AsyncSession, id: str, status: str) -> None:
    appointment = await session.get(Appointment, id)
    if appointment is not None and appointment.status != status:
        await claim_version(session, appointment)
        appointment.status = status


async def _tell(session: AsyncSession, topic: str, encounter: Encounter, by: Identity) -> None:
    await tell(
        session,
        topic,
        encounter.id,
        {
            "encounter_id": encounter.id,
            "patient_id": encounter.patient_id,
            "practitioner_id": encounter.practitioner_id,
            "version": encounter.version,
            "actor": by.subject,
        },
    )
