"""What the services need, made once by ``app.py``."""

from __future__ import annotations

from dataclasses import dataclass

from drassist.clinical import HospitalCalendar
from drassist.events import Bus
from drassist.runtime.database import Database

__all__ = ["Services"]


@dataclass(frozen=True, slots=True)
class Services:
    """The patients subgraph's surroundings. ``origin`` names the EHR in ids of imported records."""

    database: Database
    bus: Bus
    calendar: HospitalCalendar
    origin: str
    page_limit: int = 100
