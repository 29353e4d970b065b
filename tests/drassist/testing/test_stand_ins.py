"""The laboratory and the pharmacy that live in this process behave like ones that do not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from drassist.adapters.errors import PeerRefused, PeerUnavailable
from drassist.codes import lab_tests, medicines
from drassist.testing.lab import SimulatedLab
from drassist.testing.pharmacy import SimulatedPharmacy


@dataclass(frozen=True)
class Subject:
    id: str = "Patient:1"
    identifiers: tuple[tuple[str, str], ...] = ()
    name: str | None = None
    birth_date: str | None = None
    gender: str | None = "male"


@dataclass(frozen=True)
class Order:
    placer_number: str = "LO-1"
    requisition: str = "RQ-1"
    category: str = "laboratory"
    code: str = "58410-2"
    code_verified: bool = True
    display: str = "CBC"
    priority: str = "routine"
    reason: str | None = None
    note: str | None = None
    requester: str | None = None
    authored: datetime = datetime(2026, 11, 24, tzinfo=UTC)
    subject: Subject = Subject()


@dataclass(frozen=True)
class Item:
    placer_number: str = "RI-1"
    prescription_number: str = "RX-1"
    medicine: str = "Paracetamol 650 mg tablet"
    medicine_code: str | None = None
    dosages: tuple[()] = ()
    quantity: Decimal | None = Decimal("30")
    quantity_unit: str | None = "tablet"
    repeats: int = 0
    substitution_allowed: bool = True
    note: str | None = None
    requester: str | None = None
    authored: datetime = datetime(2026, 11, 24, tzinfo=UTC)
    subject: Subject = Subject()


@pytest.mark.parametrize("code", sorted(lab_tests()))
async def test_every_test_of_the_catalogue_gets_a_plausible_report(code: str) -> None:
    lab = SimulatedLab(delay=0)
    await lab.place(replace(Order(), code=code))
    (report,) = (await lab.sweep(None)).reports
    test = lab_tests()[code]
    assert report.status == "final"
    if test.kind == "imaging":
        assert report.conclusion
        return
    assert len(report.observations) == max(len(test.members), 1)
    for value in report.observations:
        if value.value is None:
            assert value.text
            continue
        assert value.ucum
        assert -value.value.as_tuple().exponent == lab_tests()[value.code or ""].decimals
        outside = (value.low is not None and value.value < value.low) or (
            value.high is not None and value.value > value.high
        )
        assert outside == (value.interpretation != "N")


async def test_the_same_order_gets_the_same_result_also_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "lab.jsonl"
    first = SimulatedLab(delay=0, journal=path)
    assert await first.place(Order()) == await first.place(Order())
    (report,) = (await first.sweep(None)).reports
    (again,) = (await SimulatedLab(delay=0, journal=path).sweep(None)).reports
    assert again == report


async def test_a_half_written_line_is_forgotten_and_the_rest_is_not(tmp_path: Path) -> None:
    path = tmp_path / "lab.jsonl"
    await SimulatedLab(delay=0, journal=path).place(Order())
    with path.open("ab") as file:
        file.write(b'{"event": "placed", "placer": "LO-')
    again = SimulatedLab(delay=0, journal=path)
    assert len((await again.sweep(None)).reports) == 1
    await again.place(replace(Order(), placer_number="LO-2"))
    assert len((await SimulatedLab(delay=0, journal=path).sweep(None)).reports) == 2


async def test_two_processes_share_one_memory(tmp_path: Path) -> None:
    path = tmp_path / "lab.jsonl"
    one, other = (SimulatedLab(delay=0, journal=path) for _ in range(2))
    await one.place(Order())
    await other.place(Order())
    await other.place(replace(Order(), placer_number="LO-2"))
    assert len((await one.sweep(None)).reports) == 2


async def test_a_correction_is_another_version() -> None:
    lab = SimulatedLab(delay=0)
    await lab.place(Order())
    cursor = (await lab.sweep(None)).cursor
    lab.correct("LO-1")
    (report,) = (await lab.sweep(cursor)).reports
    assert (report.status, report.source_version) == ("corrected", "2")


async def test_a_laboratory_can_be_away_and_can_refuse() -> None:
    lab = SimulatedLab(delay=0)
    with pytest.raises(PeerRefused):
        await lab.place(replace(Order(), code="1-8"))
    lab.away = True
    with pytest.raises(PeerUnavailable):
        await lab.sweep(None)


async def test_a_pharmacy_runs_short_declines_and_can_be_stopped() -> None:
    short = SimulatedPharmacy(delay=0)
    short.in_stock = Decimal(12)
    await short.send(Item())
    (dispense,) = (await short.sweep(None)).dispenses
    assert (dispense.status, dispense.quantity) == ("completed", Decimal(12))
    unwilling = SimulatedPharmacy(delay=0)
    unwilling.declines = "dose unclear"
    await unwilling.send(Item())
    (dispense,) = (await unwilling.sweep(None)).dispenses
    assert (dispense.status, dispense.reason) == ("declined", "dose unclear")
    slow = SimulatedPharmacy(delay=60)
    await slow.send(Item())
    await slow.cancel("RI-1", "allergy")
    assert (await slow.sweep(None)).dispenses == ()


def test_every_code_has_the_check_digit_of_loinc() -> None:
    for code in lab_tests():
        digits, _, check = code.partition("-")
        total = 0
        for place, digit in enumerate(reversed(digits)):
            value = int(digit) * (2 if place % 2 == 0 else 1)
            total += value - 9 if value > 9 else value
        assert (10 - total % 10) % 10 == int(check), code


def test_panels_lead_to_tests_and_brands_to_one_combination() -> None:
    tests = lab_tests()
    assert all(member in tests for test in tests.values() for member in test.members)
    holders: dict[str, set[str]] = {}
    for medicine in medicines().values():
        for brand in medicine.brands:
            holders.setdefault(brand, set()).add(medicine.generic)
    # "Pan-D" must never lead to pantoprazole alone
    assert {brand for brand, generics in holders.items() if len(generics) > 1} == set()
