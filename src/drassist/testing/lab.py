"""A laboratory that lives in this process: takes orders and reports plausible values after a while.

Stands in for ``drassist.adapters.lab.FhirLab`` when no laboratory is configured. The values come
from the code tables (units, decimals, ranges) and a generator seeded with the placer number, so
the same order always gets the same result; one in five is out of range. It can be told to be
away, to refuse, and to correct what it said.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from drassist.adapters.errors import PeerRefused, PeerUnavailable
from drassist.adapters.lab import LabObservation, LabReport, LabSweep
from drassist.codes import LabTest, Range, lab_tests
from drassist.fhir.writing import LabOrder
from drassist.testing.journal import Journal

__all__ = ["SimulatedLab"]


class SimulatedLab:
    """Reports ``delay`` seconds after an order; ``journal`` survives the process, if given."""

    def __init__(self, *, delay: float = 3.0, seed: int = 7, journal: Path | None = None) -> None:
        self.away = False
        self._delay = timedelta(seconds=delay)
        self._seed = seed
        self._journal = Journal(journal)

    async def place(self, order: LabOrder) -> str:
        """Accept an order, once however often it comes; refuses a code that it does not know."""
        self._be_there()
        if order.code not in lab_tests():
            raise PeerRefused("the laboratory does not offer this test", issues=("not-supported",))
        if order.placer_number not in self._orders():
            self._journal.append(
                {
                    "event": "placed",
                    "placer": order.placer_number,
                    "code": order.code,
                    "gender": order.subject.gender,
                    "at": _now().isoformat(),
                }
            )
        return f"simulated-lab/{order.placer_number}"

    async def cancel(self, placer_number: str, reason: str) -> None:
        """Drop an order that has no report yet."""
        self._be_there()
        self._journal.append(
            {"event": "cancelled", "placer": placer_number, "at": _now().isoformat()}
        )

    async def sweep(self, cursor: str | None) -> LabSweep:
        """Return the reports that became due after ``cursor``."""
        self._be_there()
        since = datetime.fromisoformat(cursor) if cursor else datetime.min.replace(tzinfo=UTC)
        until = _now()
        found = [
            (due, self._report(order, due, status, version))
            for order in self._orders().values()
            for due, status, version in self._versions(order)
            if since < due <= until
        ]
        found.sort(key=lambda pair: pair[0])
        return LabSweep(tuple(report for _, report in found), (), until.isoformat())

    def correct(self, placer_number: str) -> None:
        """Report again, with other values, as corrected."""
        self._journal.append(
            {"event": "corrected", "placer": placer_number, "at": _now().isoformat()}
        )

    def _be_there(self) -> None:
        if self.away:
            raise PeerUnavailable("the laboratory does not answer")

    def _orders(self) -> Mapping[str, dict[str, Any]]:
        return {line["placer"]: line for line in self._journal.lines if line["event"] == "placed"}

    def _versions(self, order: Mapping[str, Any]) -> list[tuple[datetime, str, int]]:
        """When each version of the order's report is due: its one final one, then corrections."""
        due = datetime.fromisoformat(order["at"]) + self._delay
        own = [line for line in self._journal.lines if line["placer"] == order["placer"]]
        cancelled = [x for x in own if x["event"] == "cancelled"]
        if any(datetime.fromisoformat(x["at"]) < due for x in cancelled):
            return []
        corrections = [
            (max(due, datetime.fromisoformat(x["at"])), "corrected", number)
            for number, x in enumerate((x for x in own if x["event"] == "corrected"), 2)
        ]
        return [(due, "final", 1), *corrections]

    def _report(
        self, order: Mapping[str, Any], due: datetime, status: str, version: int
    ) -> LabReport:
        placer, test = order["placer"], lab_tests()[order["code"]]
        dice = random.Random(f"{self._seed}:{placer}:{version}")  # noqa: S311  values, not secrets
        tests = [lab_tests()[code] for code in test.members] or [test]
        imaging = test.kind == "imaging"
        return LabReport(
            source_id=f"simulated-report/{placer}",
            source_version=str(version),
            placer_number=placer,
            filler_number=f"LAB-{dice.randrange(10**6):06}",
            status=status,
            code=test.code,
            display=test.name,
            effective=datetime.fromisoformat(order["at"]),
            issued=due,
            conclusion="No acute abnormality seen." if imaging else None,
            observations=()
            if imaging
            else tuple(
                _observation(t, placer, status, due, order.get("gender"), dice) for t in tests
            ),
        )


def _observation(
    test: LabTest,
    placer: str,
    status: str,
    at: datetime,
    gender: str | None,
    dice: random.Random,
) -> LabObservation:
    usual = test.range_for(gender)
    value = _value(test, usual, dice) if test.kind == "quantity" else None
    said = None if value is not None else (test.usual or "not detected")
    return LabObservation(
        source_id=f"simulated-observation/{placer}/{test.code}",
        status=status,
        code=test.code,
        display=test.name,
        effective=at,
        value=value,
        comparator=None,
        unit=test.ucum,
        ucum=test.ucum,
        text=said,
        absent_reason=None,
        interpretation=_interpretation(value, usual, test.critical),
        low=usual.low,
        high=usual.high,
        range_text=None if value is not None else test.usual,
        note=None,
    )


def _value(test: LabTest, usual: Range, dice: random.Random) -> Decimal:
    low = usual.low if usual.low is not None else (usual.high or Decimal(1)) / 3
    high = usual.high if usual.high is not None else (usual.low or Decimal(1)) * 2
    place = Decimal(str(round(dice.random(), 4)))
    if dice.random() < 0.2:
        place = dice.choice([Decimal("-0.3"), Decimal("1.3")]) + place / 10
    value = max(low + (high - low) * place, Decimal(0))
    return value.quantize(Decimal(1).scaleb(-test.decimals))


def _interpretation(value: Decimal | None, usual: Range, critical: Range) -> str | None:
    """Return R4's flag: N, L, H, or LL, HH beyond the critical limits."""
    if value is None:
        return None
    if critical.low is not None and value < critical.low:
        return "LL"
    if critical.high is not None and value > critical.high:
        return "HH"
    if usual.low is not None and value < usual.low:
        return "L"
    if usual.high is not None and value > usual.high:
        return "H"
    return "N"


def _now() -> datetime:
    return datetime.now(UTC)
