"""Clinical days: a calendar day is a day on the hospital's wall, not in UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from drassist.clinical.values import Period

__all__ = ["HospitalCalendar"]

_INDIA: Final = ZoneInfo("Asia/Kolkata")


@dataclass(frozen=True, slots=True)
class HospitalCalendar:
    """Which local day an instant belongs to, and which instants a local day has.

    Between 00:00 and 05:30 in India it is still yesterday in UTC: queue numbers and day lists that
    forget it are wrong every night.
    """

    zone: ZoneInfo = _INDIA

    def day_of(self, moment: datetime) -> date:
        """The local day of an aware instant."""
        return moment.astimezone(self.zone).date()

    def today(self) -> date:
        return self.day_of(datetime.now(UTC))

    def span(self, day: date) -> Period:
        """The instants of a local day, ``[midnight, next midnight)`` in UTC."""
        start = datetime.combine(day, time.min, self.zone)
        end = datetime.combine(day + timedelta(days=1), time.min, self.zone)
        return Period(start.astimezone(UTC), end.astimezone(UTC))
