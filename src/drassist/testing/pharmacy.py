"""A pharmacy that lives in this process: takes prescriptions and hands out after a while.

Stands in for ``drassist.adapters.pharmacy.FhirPharmacy`` when no pharmacy is configured. It hands
out what was prescribed, whole, unless told to be away, to decline, or to run short.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from drassist.adapters.errors import PeerUnavailable
from drassist.adapters.pharmacy import Dispensed, DispenseSweep
from drassist.fhir.writing import PrescriptionItem
from drassist.testing.journal import Journal

__all__ = ["SimulatedPharmacy"]


class SimulatedPharmacy:
    """Hands out ``delay`` seconds after a prescription; ``journal`` survives the process."""

    def __init__(self, *, delay: float = 3.0, journal: Path | None = None) -> None:
        self.away = False
        self.in_stock: Decimal | None = None
        self.declines: str | None = None
        self._delay = timedelta(seconds=delay)
        self._journal = Journal(journal)

    async def send(self, item: PrescriptionItem) -> str:
        """Accept one medicine, once however often it comes."""
        self._be_there()
        if item.placer_number not in self._items():
            self._journal.append(
                {
                    "event": "sent",
                    "placer": item.placer_number,
                    "medicine": item.medicine,
                    "quantity": None if item.quantity is None else str(item.quantity),
                    "unit": item.quantity_unit,
                    "declined": self.declines,
                    "stock": None if self.in_stock is None else str(self.in_stock),
                    "at": _now().isoformat(),
                }
            )
        return f"simulated-pharmacy/{item.placer_number}"

    async def cancel(self, placer_number: str, reason: str) -> None:
        """Stop a medicine that was not handed out yet."""
        self._be_there()
        self._journal.append(
            {"event": "cancelled", "placer": placer_number, "at": _now().isoformat()}
        )

    async def sweep(self, cursor: str | None) -> DispenseSweep:
        """Return the dispenses that became due after ``cursor``."""
        self._be_there()
        since = datetime.fromisoformat(cursor) if cursor else datetime.min.replace(tzinfo=UTC)
        until = _now()
        found = [
            (due, _dispensed(item, due))
            for item in self._items().values()
            if (due := self._due(item)) is not None and since < due <= until
        ]
        found.sort(key=lambda pair: pair[0])
        return DispenseSweep(tuple(dispensed for _, dispensed in found), (), until.isoformat())

    def _be_there(self) -> None:
        if self.away:
            raise PeerUnavailable("the pharmacy does not answer")

    def _items(self) -> Mapping[str, dict[str, Any]]:
        return {line["placer"]: line for line in self._journal.lines if line["event"] == "sent"}

    def _due(self, item: Mapping[str, Any]) -> datetime | None:
        due = datetime.fromisoformat(item["at"]) + self._delay
        stopped = any(
            line["event"] == "cancelled"
            and line["placer"] == item["placer"]
            and datetime.fromisoformat(line["at"]) < due
            for line in self._journal.lines
        )
        return None if stopped else due


def _dispensed(item: Mapping[str, Any], due: datetime) -> Dispensed:
    declined = item["declined"]
    ordered = Decimal(item["quantity"]) if item["quantity"] else None
    stock = Decimal(item["stock"]) if item["stock"] else None
    handed = ordered if stock is None or ordered is None else min(ordered, stock)
    return Dispensed(
        source_id=f"simulated-dispense/{item['placer']}",
        source_version="1",
        placer_number=item["placer"],
        status="declined" if declined else "completed",
        medicine=item["medicine"],
        quantity=None if declined else handed,
        unit=item["unit"],
        days_supply=None,
        prepared=due,
        handed_over=None if declined else due,
        substituted=False,
        reason=declined,
    )


def _now() -> datetime:
    return datetime.now(UTC)
