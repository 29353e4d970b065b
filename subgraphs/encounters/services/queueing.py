"""The queue of a practitioner on one local day.

    waiting -> called -> serving -> done        called -> skipped -> waiting
    waiting | called <-> on-hold                * -> cancelled

Who is next: urgent before all, then those who come back from a test, then by number. Numbers count
from 1 each local day. Calls and numbers are decided under the practitioner's row, so two rooms
that press together call two different people.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import select

from drassist.graph import DomainError, ErrorCode
from drassist.runtime.database import claim_version, now
from drassist.runtime.identity import Identity
from subgraphs.encounters.models import Appointment, Encounter, Token
from subgraphs.encounters.services.booking import present_appointment
from subgraphs.encounters.services.people import locked_practitioner
from subgraphs.encounters.services.wiring import Services, tell

__all__ = [
    "OPEN",
    "call_next",
    "check_in",
    "hold",
    "order",
    "resume",
    "settle_token",
    "skip",
    "walk_in",
]

OPEN = ("waiting", "called", "serving", "skipped", "on-hold")
"""Statuses of a token that is still in the queue."""


def order(token: Token) -> tuple[bool, bool, int]:
    """The place of a waiting token: smaller is earlier."""
    return (not token.urgent, not token.recalled, token.number)


async def check_in(
    services: Services, appointment_id: str, expected_version: int, by: Identity
) -> tuple[Appointment, Encounter, Token]:
    """The patient is here: appointment checked in, encounter arrived, a token in today's queue."""
    async with services.database.transaction() as session:
        row = await present_appointment(session, appointment_id, "appointmentId")
        late = row.status == "noshow"
        if row.status not in ("booked", "arrived", "noshow"):
            raise DomainError(
                ErrorCode.WRONG_STATE, f"The appointment is {row.status}.", "appointmentId"
            )
        today = services.calendar.today()
        if services.calendar.day_of(row.start_at) != today:
            raise DomainError(
                ErrorCode.WRONG_STATE,
                "The appointment is not today: move it first.",
                "appointmentId",
            )
        await locked_practitioner(session, row.practitioner_id)
        await claim_version(session, row, expected_version)
        row.status = "checked-in"
        if late:
            row.ended_reason = "came late"
        encounter, token = await _arrive(
            services,
            session,
            by,
            patient_id=row.patient_id,
            practitioner_id=row.practitioner_id,
            location_id=row.location_id,
            appointment_id=row.id,
            class_code="VR" if row.kind == "TELECONSULT" else "AMB",
            reason=row.reason,
            urgent=row.kind == "EMERGENCY",
        )
        await tell(
            session,
            "appointment.checked_in",
            row.id,
            {
                "appointment_id": row.id,
                "patient_id": row.patient_id,
                "practitioner_id": row.practitioner_id,
                "encounter_id": encounter.id,
                "version": row.version,
                "actor": by.subject,
            },
        )
    return row, encounter, token


async def walk_in(
    services: Services,
    patient_id: str,
    practitioner_id: str,
    by: Identity,
    *,
    reason: str | None = None,
    emergency: bool = False,
    location_id: str | None = None,
) -> tuple[Encounter, Token]:
    """Somebody came without an appointment: an encounter and a token, urgent for an emergency."""
    async with services.database.transaction() as session:
        await locked_practitioner(session, practitioner_id)
        return await _arrive(
            services,
            session,
            by,
            patient_id=patient_id,
            practitioner_id=practitioner_id,
            location_id=location_id,
            appointment_id=None,
            class_code="EMER" if emergency else "AMB",
            reason=reason,
            urgent=emergency,
        )


async def call_next(services: Services, practitioner_id: str, by: Identity) -> Token:
    """Call the next who waits; NOT_FOUND when nobody does."""
    async with services.database.transaction() as session:
        await locked_practitioner(session, practitioner_id)
        waiting = list(
            await session.scalars(
                select(Token).where(
                    Token.practitioner_id == practitioner_id,
                    Token.day == services.calendar.today(),
                    Token.status == "waiting",
                )
            )
        )
        if not waiting:
            raise DomainError(ErrorCode.NOT_FOUND, "Nobody is waiting.", "practitionerId")
        token = min(waiting, key=order)
        await claim_version(session, token)
        token.status, token.called_at = "called", now()
        await _changed(session, token, "called", by)
    return token


async def skip(services: Services, id: str, expected_version: int, by: Identity) -> Token:
    """Nobody answered the call: out of the line until resumed; the second time, too."""
    return await _turn(services, id, expected_version, by, ("called",), "skipped")


async def hold(services: Services, id: str, expected_version: int, by: Identity) -> Token:
    """Sent for a test, blood pressure or payment."""
    return await _turn(services, id, expected_version, by, ("waiting", "called"), "on-hold")


async def resume(services: Services, id: str, expected_version: int, by: Identity) -> Token:
    """Back in the line: those who were on hold come before the others."""
    return await _turn(services, id, expected_version, by, ("skipped", "on-hold"), "waiting")


async def settle_token(
    session: AsyncSession, encounter_id: str, status: str, by: Identity
) -> Token | None:
    """Move the token of an encounter along with it (serving, done); None if it has none."""
    token = await session.scalar(
        select(Token).where(Token.encounter_id == encounter_id, Token.status != "cancelled")
    )
    if token is None:
        return None
    await claim_version(session, token)
    token.status = status
    await _changed(session, token, status, by)
    return token


async def _turn(
    services: Services,
    id: str,
    expected_version: int,
    by: Identity,
    allowed: tuple[str, ...],
    status: str,
) -> Token:
    async with services.database.transaction() as session:
        token = await session.get(Token, id)
        if token is None:
            raise DomainError(ErrorCode.NOT_FOUND, "There is no such token.", "id")
        if token.status not in allowed:
            raise DomainError(ErrorCode.WRONG_STATE, f"The token is {token.status}.", "id")
        await claim_version(session, token, expected_version)
        if status == "skipped":
            token.skips += 1
        token.recalled = token.status == "on-hold" and status == "waiting"
        token.status = status
        await _changed(session, token, status, by)
    return token


async def _arrive(
    services: Services,
    session: AsyncSession,
    by: Identity,
    *,
    patient_id: str,
    practitioner_id: str,
    location_id: str | None,
    appointment_id: str | None,
    class_code: str,
    reason: str | None,
    urgent: bool,
) -> tuple[Encounter, Token]:
    moment = now()
    encounter = Encounter(
        patient_id=patient_id,
        practitioner_id=practitioner_id,
        location_id=location_id,
        appointment_id=appointment_id,
        class_code=class_code,
        reason=reason,
        arrived_at=moment,
        history=[{"status": "arrived", "at": moment.isoformat(), "by": by.subject}],
    )
    session.add(encounter)
    await session.flush()
    today = services.calendar.day_of(moment)
    token = Token(
        practitioner_id=practitioner_id,
        day=today,
        number=await _next_number(session, practitioner_id, today),
        urgent=urgent,
        patient_id=patient_id,
        appointment_id=appointment_id,
        encounter_id=encounter.id,
    )
    session.add(token)
    await session.flush()
    await tell(
        session,
        "encounter.arrived",
        encounter.id,
        {
            "encounter_id": encounter.id,
            "patient_id": patient_id,
            "practitioner_id": practitioner_id,
            "version": 1,
            "actor": by.subject,
        },
    )
    await _changed(session, token, "issued", by)
    return encounter, token


async def _next_number(session: AsyncSession, practitioner_id: str, day: date) -> int:
    highest = await session.scalar(
        select(func.max(Token.number)).where(
            Token.practitioner_id == practitioner_id, Token.day == day
        )
    )
    return (highest or 0) + 1


async def _changed(session: AsyncSession, token: Token, reason: str, by: Identity) -> None:
    await tell(
        session,
        "queue.changed",
        token.practitioner_id,
        {
            "practitioner_id": token.practitioner_id,
            "token_id": token.id,
            "encounter_id": token.encounter_id,
            "day": token.day.isoformat(),
            "reason": reason,
            "actor": by.subject,
        },
    )
