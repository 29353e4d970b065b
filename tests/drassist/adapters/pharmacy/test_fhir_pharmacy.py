"""Prescriptions out once, hand-overs back, against a stand-in and a real peer."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from uuid import uuid4

from drassist.adapters.fhir import FhirClient, FhirServer
from drassist.adapters.pharmacy import Dispensed, FhirPharmacy
from drassist.fhir.validation import faults
from drassist.testing.fhir_server import FhirServerStandIn
from scripts.peers import Sekmet
from tests.patience import PATIENCE

FACILITY = "http://hospital.example/facility"


@dataclass(frozen=True)
class Subject:
    id: str = field(default_factory=lambda: f"Patient:{uuid4()}")
    identifiers: tuple[tuple[str, str], ...] = ()
    name: str | None = None
    birth_date: str | None = None
    gender: str | None = None


@dataclass(frozen=True)
class Dosage:
    text: str = "1 tablet morning and night after food for 5 days"
    dose: Decimal | None = Decimal("1")
    dose_unit: str | None = "tablet"
    frequency: int | None = 2
    period: Decimal | None = Decimal("1")
    period_unit: str | None = "d"
    when: tuple[str, ...] = ("PCM", "PCV")
    as_needed: bool = False
    route: str | None = "26643006"
    duration: Decimal | None = Decimal("5")
    duration_unit: str | None = "d"


@dataclass(frozen=True)
class Item:
    placer_number: str = field(default_factory=lambda: f"RX-{uuid4()}")
    prescription_number: str = "RX-1"
    medicine: str = "Paracetamol 650 mg tablet"
    medicine_code: str | None = "paracetamol-650-tablet"
    dosages: tuple[Dosage, ...] = (Dosage(),)
    quantity: Decimal | None = Decimal("10")
    quantity_unit: str | None = "tablet"
    repeats: int = 0
    substitution_allowed: bool = True
    note: str | None = None
    requester: str | None = "Dr. Rao"
    authored: datetime = datetime(2026, 11, 24, 5, tzinfo=UTC)
    subject: Subject = field(default_factory=Subject)


async def test_a_medicine_sent_twice_is_one_request(stand_in: FhirServerStandIn) -> None:
    async with FhirClient(FhirServer(stand_in.url)) as client:
        pharmacy, item = FhirPharmacy(client, FACILITY), Item()
        stand_in.forget_next_answer(times=2)
        assert await pharmacy.send(item) == await pharmacy.send(item)
    (request,) = stand_in.all("MedicationRequest")
    assert faults(request) == ()
    assert request["dosageInstruction"][0]["timing"]["repeat"]["when"] == ["PCM", "PCV"]


async def test_a_stopped_medicine_is_stopped_at_the_pharmacy(stand_in: FhirServerStandIn) -> None:
    async with FhirClient(FhirServer(stand_in.url)) as client:
        pharmacy, item = FhirPharmacy(client, FACILITY), Item()
        await pharmacy.send(item)
        await pharmacy.cancel(item.placer_number, "allergy")
    (request,) = stand_in.all("MedicationRequest")
    assert request["status"] == "stopped"
    assert request["statusReason"] == {"text": "allergy"}


async def test_a_dispense_that_is_no_r4_is_told_and_not_lost_sight_of(
    stand_in: FhirServerStandIn,
) -> None:
    odd = stand_in.put({"resourceType": "MedicationDispense", "status": "handed"})
    async with FhirClient(FhirServer(stand_in.url)) as client:
        sweep = await FhirPharmacy(client, FACILITY).sweep(None)
    assert sweep.dispenses == ()
    assert [(kind, id) for kind, id, _ in sweep.unreadable] == [("MedicationDispense", odd["id"])]


async def test_a_pharmacy_that_nobody_here_wrote_hands_out(sekmet_server: Sekmet) -> None:
    async with FhirClient(FhirServer(sekmet_server.url)) as client:
        pharmacy, item = FhirPharmacy(client, FACILITY), Item()
        assert await pharmacy.send(item) == await pharmacy.send(item)
        found: list[Dispensed] = []
        async with asyncio.timeout(PATIENCE):
            while not found:
                await asyncio.sleep(0.05)
                sweep = await pharmacy.sweep(None)
                found = [d for d in sweep.dispenses if d.placer_number == item.placer_number]
    (dispense,) = found
    assert dispense.status == "completed"
    assert dispense.quantity == Decimal(10)
    assert dispense.medicine == "Paracetamol 650 mg tablet"
    assert dispense.handed_over is not None
