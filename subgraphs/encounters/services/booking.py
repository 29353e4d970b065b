"""Appointments: booked, moved, cancelled, missed.

    booked -> arrived/checked-in -> fulfilled        (fulfilled: the consultation has started)
    booked | checked-in -> cancelled                 booked -> noshow -> checked-in (same day)

A move is a cancellation and a new appointment that ``replaces`` it, so that the history reads as
one story. Two bookings that race for one slot are decided by the practitioner's row.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, or_, select

from drassist.clinical import InvalidValue
from drassist.graph import DomainError, ErrorCode
from drassist.runtime.database import claim_version, now
from drassist.runtime.identity import Identity
from subgraphs.encounters.models import Appointment, Token
from subgraphs.encounters.services.people import BUSY, _known_location, locked_practitioner
from subgraphs.encounters.services.wiring import Services, tell

__all__ = ["KINDS", "book", "cancel", "mark_no_show", "move", "present_appointment"]

KINDS = ("CHECKUP", "EMERGENCY", "FOLLOWUP", "ROUTINE", "WALKIN", "TELECONSULT")


async def book(
    services: Services,
    patient_id: str,
    practitioner_id: str,
    start: datetime,
    by: Identity,
    *,
    minutes: int = 15,
    kind: str = "ROUTINE",
    reason: str | None = None,
    location_id: str | None = None,
) -> Appointment:
    """Book a time. CONFLICT when the practitioner or the patient is taken then."""
    _check(kind, minutes)
    if start < now() - timedelta(minutes=minutes):
        raise InvalidValue("A booking is not in the past", "input", "start")
    async with services.database.transaction() as session:
        row = Appointment(
            patient_id=patient_id,
            practitioner_id=practitioner_id,
            location_id=location_id,
            start_at=start,
            end_at=start + timedelta(minutes=minutes),
            kind=kind,
            reason=reason,
            booked_by=by.subject,
        )
        await _place(session, row)
        await _tell(session, "appointment.booked", row, by)
    return row


async def move(
    services: Services,
    id: str,
    expected_version: int,
    start: datetime,
    by: Identity,
    *,
    reason: str | None = None,
    practitioner_id: str | None = None,
) -> Appointment:
    """Move a booking to another time (or practitioner); gives the new appointment."""
    if start < now() - timedelta(minutes=15):
        raise InvalidValue("A booking is not in the past", "start")
    async with services.database.transaction() as session:
        old = await present_appointment(session, id)
        if old.status not in ("booked", "noshow"):
            raise DomainError(
                ErrorCode.WRONG_STATE, f"An appointment that is {old.status} cannot be moved.", "id"
            )
        await claim_version(session, old, expected_version)
        old.status, old.ended_reason = "cancelled", reason or "moved"
        await session.flush()  # its own time is free for the new one
        new = Appointment(
            patient_id=old.patient_id,
            practitioner_id=practitioner_id or old.practitioner_id,
            location_id=old.location_id,
            start_at=start,
            end_at=start + (old.end_at - old.start_at),
            kind=old.kind,
            reason=old.reason,
            replaces=old.id,
            booked_by=by.subject,
        )
        await _place(session, new)
        old.replaced_by = new.id
        await _tell(session, "appointment.moved", new, by, replaces=old.id)
    return new


async def cancel(
    services: Services, id: str, expected_version: int, reason: str, by: Identity
) -> Appointment:
    """Cancel a booking; its token in the queue goes with it."""
    if not reason.strip():
        raise InvalidValue("A cancellation needs a reason", "reason")
    async with services.database.transaction() as session:
        row = await present_appointment(session, id)
        if row.status not in ("booked", "arrived", "checked-in"):
            raise DomainError(
                ErrorCode.WRONG_STATE, f"An appointment that is {row.status} stays so.", "id"
            )
        await locked_practitioner(session, row.practitioner_id)
        await claim_version(session, row, expected_version)
        row.status, row.ended_reason = "cancelled", reason.strip()[:500]
        for token in await session.scalars(
            select(Token).where(
                Token.appointment_id == row.id,
                col(Token.status).in_(("waiting", "called", "skipped", "on-hold")),
            )
        ):
            await claim_version(session, token)
            token.status = "cancelled"
            await tell(
                session,
                "queue.changed",
                row.practitioner_id,
                {
                    "practitioner_id": row.practitioner_id,
                    "token_id": token.id,
                    "reason": "cancelled",
                },
            )
        await _tell(session, "appointment.cancelled", row, by)
    return row


async def mark_no_show(
    services: Services, id: str, expected_version: int, by: Identity
) -> Appointment:
    """The patient did not come; a check-in on the same day undoes it."""
    async with services.database.transaction() as session:
        row = await present_appointment(session, id)
        if row.status != "booked":
            raise DomainError(ErrorCode.WRONG_STATE, f"The appointment is {row.status}.", "id")
        if now() < row.start_at:
            raise DomainError(ErrorCode.WRONG_STATE, "It has not begun yet.", "id")
        await claim_version(session, row, expected_version)
        row.status = "noshow"
        await _tell(session, "appointment.missed", row, by)
    return row


async def present_appointment(session: AsyncSession, id: str, field: str = "id") -> Appointment:
    """The appointment; NOT_FOUND at the argument ``field`` when there is none."""
    row = await session.get(Appointment, id)
    if row is None:
        raise DomainError(ErrorCode.NOT_FOUND, "There is no such appointment.", field)
    return row


def _check(kind: str, minutes: int) -> None:
    if kind not in KINDS:
        raise InvalidValue(f"A kind of appointment is {', '.join(KINDS)}", "input", "kind")
    if not 5 <= minutes <= 480:
        raise InvalidValue("An appointment has 5 to 480 minutes", "input", "minutes")


async def _place(session: AsyncSession, new: Appointment) -> None:
    """Insert the appointment if its time is free for both sides."""
    practitioner = await locked_practitioner(session, new.practitioner_id)
    if not practitioner.active:
        raise DomainError(ErrorCode.WRONG_STATE, "This practitioner is not active.")
    await _known_location(session, new.location_id)
    clash = await session.scalar(
        select(Appointment).where(
            or_(
                col(Appointment.practitioner_id) == new.practitioner_id,
                col(Appointment.patient_id) == new.patient_id,
            ),
            col(Appointment.status).in_(BUSY),
            col(Appointment.status) != "fulfilled",
            Appointment.start_at < new.end_at,
            Appointment.end_at > new.start_at,
        )
    )
    if clash is not None:
        whose = (
            "This slot is taken."
            if clash.practitioner_id == new.practitioner_id
            else "The patient has another appointment then."
        )
        raise DomainError(ErrorCode.CONFLICT, whose, "input", "start")
    session.add(new)
    await session.flush()


async def _tell(
    session: AsyncSession, topic: str, row: Appointment, by: Identity, **more: str
) -> None:
    await tell(
        session,
        topic,
        row.id,
        {
            "appointment_id": row.id,
            "patient_id": row.patient_id,
            "practitioner_id": row.practitioner_id,
            "version": row.version,
            "actor": by.subject,
            **more,
        },
    )
