"""Practitioners, places, and the hours in which a practitioner can be booked."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from drassist.clinical import InvalidValue, Period
from drassist.graph import DomainError, ErrorCode
from subgraphs.encounters.models import Appointment, Location, Practitioner, Session
from subgraphs.encounters.services.wiring import Services, tell

__all__ = [
    "add_location",
    "add_practitioner",
    "free_slots",
    "locked_practitioner",
    "open_session",
]

BUSY = ("booked", "arrived", "checked-in", "fulfilled")
"""Statuses of an appointment that take the practitioner's time."""


async def add_practitioner(
    services: Services,
    name: str,
    *,
    id: str | None = None,
    specialty: str | None = None,
    registration_number: str | None = None,
    council: str | None = None,
) -> Practitioner:
    """Add somebody who sees patients; adding the same ``id`` again changes nothing."""
    if not name.strip() or len(name) > 200:
        raise InvalidValue("A name has 1 to 200 characters", "name")
    async with services.database.transaction() as session:
        if id and (there := await session.get(Practitioner, id)):
            return there
        row = Practitioner(
            name=name.strip(),
            specialty=specialty,
            registration_number=registration_number,
            council=council,
        )
        if id:
            row.id = id
        session.add(row)
    return row


async def add_location(
    services: Services,
    name: str,
    *,
    id: str | None = None,
    kind: str = "ro",
    time_zone: str | None = None,
    part_of: str | None = None,
) -> Location:
    """Add a place; ``kind`` is an R4 physical type (si, bu, wi, wa, ro, bd)."""
    if not name.strip() or len(name) > 200:
        raise InvalidValue("A name has 1 to 200 characters", "name")
    if kind not in ("si", "bu", "wi", "wa", "ro", "bd"):
        raise InvalidValue("A kind of place is si, bu, wi, wa, ro or bd", "kind")
    zone = time_zone or services.time_zone
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidValue("A time zone is an IANA name such as Asia/Kolkata", "timeZone") from None
    async with services.database.transaction() as session:
        if id and (there := await session.get(Location, id)):
            return there
        if part_of is not None and await session.get(Location, part_of) is None:
            raise DomainError(ErrorCode.NOT_FOUND, "There is no such place.", "partOf")
        row = Location(name=name.strip(), kind=kind, time_zone=zone, part_of=part_of)
        if id:
            row.id = id
        session.add(row)
    return row


async def open_session(
    services: Services,
    practitioner_id: str,
    start: datetime,
    end: datetime,
    *,
    slot_minutes: int = 15,
    location_id: str | None = None,
) -> Session:
    """Open hours for booking; sessions of one practitioner may not overlap."""
    if not 5 <= slot_minutes <= 480:
        raise InvalidValue("A slot has 5 to 480 minutes", "slotMinutes")
    if not timedelta(minutes=slot_minutes) <= end - start <= timedelta(hours=24):
        raise InvalidValue("A session holds at least one slot and at most a day", "end")
    async with services.database.transaction() as session:
        await locked_practitioner(session, practitioner_id)
        await _known_location(session, location_id)
        clash = await session.scalar(
            select(Session.id).where(
                Session.practitioner_id == practitioner_id,
                col(Session.closed).is_(False),
                Session.start_at < end,
                Session.end_at > start,
            )
        )
        if clash is not None:
            raise DomainError(ErrorCode.CONFLICT, "There is a session at that time.", "start")
        row = Session(
            practitioner_id=practitioner_id,
            location_id=location_id,
            start_at=start,
            end_at=end,
            slot_minutes=slot_minutes,
        )
        session.add(row)
        await session.flush()
        await tell(
            session,
            "session.opened",
            practitioner_id,
            {"practitioner_id": practitioner_id, "session_id": row.id},
        )
    return row


async def free_slots(
    services: Services, practitioner_id: str, day: date, *, after: datetime | None = None
) -> list[Period]:
    """The slots of a local day that nobody has booked, in order."""
    span = services.calendar.span(day)
    assert span.start is not None
    assert span.end is not None
    async with services.database.session() as session:
        sessions = list(
            await session.scalars(
                select(Session)
                .where(
                    Session.practitioner_id == practitioner_id,
                    col(Session.closed).is_(False),
                    Session.start_at < span.end,
                    Session.end_at > span.start,
                )
                .order_by(col(Session.start_at))
            )
        )
        taken = [
            Period(row.start_at, row.end_at)
            for row in await session.scalars(
                select(Appointment).where(
                    Appointment.practitioner_id == practitioner_id,
                    col(Appointment.status).in_(BUSY),
                    Appointment.start_at < span.end,
                    Appointment.end_at > span.start,
                )
            )
        ]
    free: list[Period] = []
    for row in sessions:
        length = timedelta(minutes=row.slot_minutes)
        start = row.start_at
        while start + length <= row.end_at:
            slot = Period(start, start + length)
            late = after is not None and start < after
            if span.contains(start) and not late and not any(slot.overlaps(t) for t in taken):
                free.append(slot)
            start += length
    return free


async def locked_practitioner(session: AsyncSession, id: str) -> Practitioner:
    """The practitioner, locked until the transaction ends: bookings and calls go one by one."""
    row = await session.scalar(select(Practitioner).where(Practitioner.id == id).with_for_update())
    if row is None:
        raise DomainError(ErrorCode.NOT_FOUND, "There is no such practitioner.", "practitionerId")
    return row


async def _known_location(session: AsyncSession, id: str | None) -> None:
    if id is not None and await session.get(Location, id) is None:
        raise DomainError(ErrorCode.NOT_FOUND, "There is no such place.", "locationId")
