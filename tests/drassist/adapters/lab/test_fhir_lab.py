"""Orders out once, results back matched by placer number, against a stand-in and a real peer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from drassist.adapters.fhir import FhirClient, FhirServer
from drassist.adapters.lab import FhirLab, LabReport
from drassist.codes import lab_tests
from drassist.fhir.validation import faults
from drassist.fhir.writing import Systems, service_request
from drassist.testing.fhir_server import FhirServerStandIn
from scripts.peers import Sekmet
from tests.patience import PATIENCE

FACILITY = "http://hospital.example/facility"


@dataclass(frozen=True)
class Subject:
    id: str = "Patient:1"
    identifiers: tuple[tuple[str, str], ...] = (("urn:mrn", "7"),)
    name: str | None = "Asha Test"
    birth_date: str | None = "1979"
    gender: str | None = "female"


@dataclass(frozen=True)
class Order:
    placer_number: str = field(default_factory=lambda: f"LO-{uuid4()}")
    requisition: str = "RQ-1"
    category: str = "laboratory"
    code: str = "58410-2"
    code_verified: bool = True
    display: str = "CBC panel"
    priority: str = "routine"
    reason: str | None = "fever"
    note: str | None = None
    requester: str | None = "Dr. Rao"
    authored: datetime = datetime(2026, 11, 24, 5, tzinfo=UTC)
    subject: Subject = Subject()


async def eventually(ask: Callable[[], Any]) -> Any:
    async with asyncio.timeout(PATIENCE):
        while not (answer := await ask()):
            await asyncio.sleep(0.05)
    return answer


@pytest.mark.parametrize("code", lab_tests())
def test_a_code_that_was_not_checked_is_no_loinc_code_to_others(code: str) -> None:
    test = lab_tests()[code]
    order = Order(code=code, code_verified=test.verified, display=test.name)
    written = service_request(order, Systems(FACILITY), "Patient/1")
    assert faults(written) == ()
    (coding,) = written["code"]["coding"]
    assert coding["code"] == code
    assert coding["system"] == ("http://loinc.org" if test.verified else f"{FACILITY}/test")
    assert written["code"]["text"] == test.name


async def test_an_order_placed_twice_is_one_order(stand_in: FhirServerStandIn) -> None:
    async with FhirClient(FhirServer(stand_in.url)) as client:
        lab, order = FhirLab(client, FACILITY), Order()
        stand_in.forget_next_answer()
        first = await lab.place(order)
        stand_in.forget_next_answer(times=2)
        assert await lab.place(order) == first
    (request,) = stand_in.all("ServiceRequest")
    (patient,) = stand_in.all("Patient")
    assert request["subject"] == {"reference": f"Patient/{patient['id']}"}
    assert request["identifier"][0]["value"] == order.placer_number


async def test_a_cancelled_order_is_revoked_unless_it_is_done(stand_in: FhirServerStandIn) -> None:
    async with FhirClient(FhirServer(stand_in.url)) as client:
        lab, open_order, done = FhirLab(client, FACILITY), Order(), Order()
        await lab.place(open_order)
        await lab.place(done)
        request = stand_in.all("ServiceRequest")[1]
        stand_in.put({**request, "status": "completed"})
        for order in (open_order, done):
            await lab.cancel(order.placer_number, "wrong patient")
        await lab.cancel("unknown", "never sent")
    assert [x["status"] for x in stand_in.all("ServiceRequest")] == ["revoked", "completed"]


async def test_a_report_that_cannot_be_read_is_told_and_the_others_come(
    stand_in: FhirServerStandIn,
) -> None:
    report = {
        "resourceType": "DiagnosticReport",
        "status": "final",
        "code": {"text": "CBC"},
        "subject": {"reference": "Patient/1"},
        "identifier": [{"system": f"{FACILITY}/order", "value": "LO-9"}],
    }
    broken = stand_in.put({**report, "status": "finished"})
    stand_in.put(report)
    async with FhirClient(FhirServer(stand_in.url)) as client:
        sweep = await FhirLab(client, FACILITY).sweep(None)
    assert [r.placer_number for r in sweep.reports] == ["LO-9"]
    assert sweep.unreadable == (
        ("DiagnosticReport", broken["id"], "DiagnosticReport.status: no code of R4"),
    )


async def test_a_sweep_goes_on_where_the_last_one_ended(stand_in: FhirServerStandIn) -> None:
    async with FhirClient(FhirServer(stand_in.url)) as client:
        lab = FhirLab(client, FACILITY)
        nothing = await lab.sweep(None)
        assert nothing.reports == ()
        assert (await lab.sweep(nothing.cursor)).cursor == nothing.cursor


async def test_components_and_texts_come_as_values_of_their_own(
    stand_in: FhirServerStandIn,
) -> None:
    subject = {"reference": "Patient/1"}
    pressure = stand_in.put(
        {
            "resourceType": "Observation",
            "status": "final",
            "code": {"text": "Two glucose values"},
            "subject": subject,
            "component": [
                {
                    "code": {"text": "fasting"},
                    "valueQuantity": {"value": Decimal("98.0"), "unit": "mg/dl"},
                },
                {"code": {"text": "post meal"}, "dataAbsentReason": {"text": "vomited"}},
            ],
        }
    )
    culture = stand_in.put(
        {
            "resourceType": "Observation",
            "status": "final",
            "code": {"text": "Culture"},
            "subject": subject,
            "valueCodeableConcept": {"text": "No growth"},
        }
    )
    stand_in.put(
        {
            "resourceType": "DiagnosticReport",
            "status": "final",
            "code": {"text": "mixed"},
            "subject": subject,
            "result": [
                {"reference": f"Observation/{pressure['id']}"},
                {"reference": f"Observation/{culture['id']}"},
                {"reference": "Observation/gone"},
            ],
        }
    )
    async with FhirClient(FhirServer(stand_in.url)) as client:
        (report,) = (await FhirLab(client, FACILITY).sweep(None)).reports
    shown = [(o.display, str(o.value), o.ucum, o.text) for o in report.observations]
    assert shown == [
        ("fasting", "98.0", "mg/dL", None),
        ("post meal", "None", None, None),
        ("Culture", "None", None, "No growth"),
    ]


async def test_a_laboratory_that_nobody_here_wrote_answers_an_order(sekmet_server: Sekmet) -> None:
    async with FhirClient(FhirServer(sekmet_server.url)) as client:
        lab = FhirLab(client, FACILITY)
        order = replace(Order(), subject=Subject(identifiers=(("urn:mrn", str(uuid4())),)))
        assert await lab.place(order) == await lab.place(order)

        async def reported() -> list[LabReport]:
            sweep = await lab.sweep(None)
            return [r for r in sweep.reports if r.placer_number == order.placer_number]

        (report,) = await eventually(reported)
    assert report.status == "final"
    assert {o.code for o in report.observations} == {"718-7", "6690-2", "777-3", "4544-3"}
    assert all(isinstance(o.value, Decimal) and o.ucum for o in report.observations)
    assert all(o.low is not None and o.high is not None for o in report.observations)
