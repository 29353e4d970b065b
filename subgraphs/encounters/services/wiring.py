"""What the services need, made once by ``app.py``."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from drassist.clinical import HospitalCalendar
from drassist.events import Bus, Event
from drassist.events.event import EventData
from drassist.runtime.database import Database
from subgraphs.encounters.models import outbox

__all__ = ["Services", "tell"]


@dataclass(frozen=True, slots=True)
class Services:
    """The encounters subgraph's surroundings; ``time_zone`` is the hospital's, an IANA name."""

    database: Database
    bus: Bus
    calendar: HospitalCalendar
    time_zone: str
    origin: str
    page_limit: int = 100


async def tell(session: AsyncSession, topic: str, subject: str, data: EventData) -> None:
    """Write an event into the outbox, in the caller's transaction."""
    await outbox.add(session, Event(f"encounters.{topic}", subject, data))
