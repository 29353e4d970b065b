"""Orders and prescriptions: once, out through the outbox, and back without overwriting."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from drassist.adapters.errors import PeerRefused
from drassist.adapters.lab import LabObservation, LabReport
from drassist.clinical import imported_id
from drassist.fhir import records as r
from drassist.fhir.mappings import map_resource
from drassist.fhir.writing import LabOrder
from drassist.graph.errors import DomainError, ErrorCode
from drassist.runtime.database import Database, VersionConflict
from drassist.runtime.migrations import drift
from subgraphs.orders.models import Dispense as DispenseRow
from subgraphs.orders.models import (
    HistoricMedication,
    Observation,
    Order,
    PrescriptionItem,
    Report,
    ReportVersion,
    Stray,
    metadata,
)
from subgraphs.orders.ports import DosageInstruction
from subgraphs.orders.services.commands import Author
from subgraphs.orders.services.delivering import deliveries_of, given_up, resend
from subgraphs.orders.services.dosage import check_dosages, quantity_of
from subgraphs.orders.services.importing import OrdersImport
from subgraphs.orders.services.ordering import OrderRequest, PlaceOrders, cancel_order, place_orders
from subgraphs.orders.services.prescribing import (
    MedicineRequest,
    Prescribe,
    prescribe,
    stop_medicine,
)
from subgraphs.orders.services.receiving import sweep_laboratory, sweep_pharmacy, take_report
from subgraphs.orders.services.results import supersedes
from tests.patience import PATIENCE
from tests.subgraphs.orders.conftest import House

DOCTOR = Author("Practitioner:1", "Dr. Rao")
CBC = PlaceOrders("Patient:1", "Encounter:1", (OrderRequest("58410-2"),), "key-00001")
BD = DosageInstruction(
    "1-0-1 x 5 days",
    dose=Decimal("1"),
    dose_unit="tablet",
    frequency=2,
    period=Decimal("1"),
    period_unit="d",
    duration=Decimal("5"),
    duration_unit="d",
)
PARACETAMOL = Prescribe(
    "Patient:1",
    "Encounter:1",
    (MedicineRequest("paracetamol-650-mg-tablet", None, (BD,)),),
    None,
    "key-00002",
)


async def rows(database: Database, model: Any) -> list[Any]:
    async with database.session() as session:
        return list(await session.scalars(sa.select(model)))


async def until(check: Callable[[], Awaitable[Any]]) -> Any:
    async with asyncio.timeout(PATIENCE):
        while not (found := await check()):
            await asyncio.sleep(0.02)
    return found


async def test_the_migrations_say_what_the_models_say(database: Database) -> None:
    assert await drift(database, metadata) == []


async def test_the_same_key_gives_the_same_orders(house: House) -> None:
    first, second = [await place_orders(house.database, DOCTOR, CBC) for _ in range(2)]
    assert [order.id for order in first.orders] == [order.id for order in second.orders]
    assert len(await rows(house.database, Order)) == 1


async def test_a_command_given_twice_at_once_has_one_effect(house: House) -> None:
    placed = await asyncio.gather(*(place_orders(house.database, DOCTOR, CBC) for _ in range(5)))
    assert len({p.orders[0].id for p in placed}) == 1
    prescribed = await asyncio.gather(
        *(prescribe(house.database, DOCTOR, PARACETAMOL) for _ in range(5))
    )
    assert len({p.prescription.id for p in prescribed}) == 1


async def test_another_command_under_a_used_key_is_refused(house: House) -> None:
    await place_orders(house.database, DOCTOR, CBC)
    with pytest.raises(DomainError) as caught:
        await place_orders(house.database, DOCTOR, replace(CBC, patient_id="Patient:2"))
    assert caught.value.code is ErrorCode.CONFLICT


async def test_the_same_test_again_within_a_day_is_a_warning(house: House) -> None:
    first = await place_orders(house.database, DOCTOR, CBC)
    again = await place_orders(house.database, DOCTOR, replace(CBC, client_key="key-00009"))
    assert [w.about for w in again.warnings] == [first.orders[0].id]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"tests": (OrderRequest("1-8"),)}, ["items", "0", "code"]),
        ({"tests": (OrderRequest("718-7", priority="soon"),)}, ["items", "0", "priority"]),
        ({"tests": ()}, ["items"]),
        ({"tests": (OrderRequest("718-7"), OrderRequest("718-7"))}, ["items"]),
        ({"client_key": "x"}, ["clientKey"]),
        ({"patient_id": "somebody"}, ["patientId"]),
    ],
)
async def test_orders_that_make_no_sense_are_refused_by_field(
    house: House, change: dict[str, Any], field: list[str]
) -> None:
    with pytest.raises(DomainError) as caught:
        await place_orders(house.database, DOCTOR, replace(CBC, **change))
    assert caught.value.field == field


async def test_an_order_goes_out_and_its_result_comes_back(house: House) -> None:
    (order,) = (await place_orders(house.database, DOCTOR, CBC)).orders
    await house.relay().drain()
    assert await sweep_laboratory(house.database, house.lab) == 1
    assert await sweep_laboratory(house.database, house.lab) == 0
    (done,) = await rows(house.database, Order)
    assert (done.id, done.status) == (order.id, "completed")
    assert done.sent_at is not None
    (report,) = await rows(house.database, Report)
    observations = await rows(house.database, Observation)
    assert report.order_id == order.id
    assert len(observations) == 10
    assert all(isinstance(o.value, Decimal) and o.ucum for o in observations)


async def test_a_dead_laboratory_delays_an_order_and_loses_nothing(house: House) -> None:
    house.lab.away = True
    async with house.relay():
        (order,) = (await place_orders(house.database, DOCTOR, CBC)).orders

        async def tried() -> bool:
            (delivery,) = (await deliveries_of(house.database, [order.id]))[order.id]
            return delivery.attempts > 2 and delivery.reason == "PeerUnavailable"

        await until(tried)
        house.lab.away = False
        await until(lambda: sweep_laboratory(house.database, house.lab))


async def test_a_refused_order_is_a_dead_letter_with_its_reason_until_it_is_sent_again(
    house: House,
) -> None:
    class Refusing(type(house.lab)):  # type: ignore[misc]
        async def place(self, order: LabOrder) -> str:
            raise PeerRefused("the laboratory does not offer this test")

    able, house.lab = house.lab, Refusing(delay=0)
    (order,) = (await place_orders(house.database, DOCTOR, CBC)).orders
    await house.relay().drain()
    (letter,) = await given_up(house.database, 10)
    assert letter.subject == order.id
    assert letter.reason == "PEER_REFUSED: the laboratory does not offer this test"
    house.lab = able
    assert (await resend(house.database, letter.sequence)).state == "pending"
    await house.relay().drain()
    assert await given_up(house.database, 10) == []
    assert await sweep_laboratory(house.database, house.lab) == 1


async def test_resending_what_was_not_given_up_is_refused(house: House) -> None:
    with pytest.raises(DomainError):
        await resend(house.database, 4711)


async def test_a_cancelled_order_that_never_left_does_not_leave(house: House) -> None:
    (order,) = (await place_orders(house.database, DOCTOR, CBC)).orders
    await cancel_order(house.database, order.id, "wrong patient", 1)
    await house.relay().drain()
    assert (await house.lab.sweep(None)).reports == ()


async def test_cancelling_needs_a_reason_the_right_version_and_an_open_order(house: House) -> None:
    (order,) = (await place_orders(house.database, DOCTOR, CBC)).orders
    with pytest.raises(DomainError):
        await cancel_order(house.database, order.id, "  ", 1)
    with pytest.raises(VersionConflict):
        await cancel_order(house.database, order.id, "wrong", 7)
    with pytest.raises(DomainError) as caught:
        await cancel_order(house.database, "ServiceRequest:none", "wrong", 1)
    assert caught.value.code is ErrorCode.NOT_FOUND
    await house.relay().drain()
    await sweep_laboratory(house.database, house.lab)
    with pytest.raises(DomainError) as caught:
        await cancel_order(house.database, order.id, "wrong", None)
    assert caught.value.code is ErrorCode.WRONG_STATE


# Results.


def report(placer: str, status: str, version: str, value: str, hour: int = 1) -> LabReport:
    issued = datetime(2026, 11, 24, hour, tzinfo=UTC)
    potassium = LabObservation(
        source_id="Observation/k",
        status=status,
        code="2823-3",
        display="Potassium",
        effective=issued,
        value=Decimal(value),
        comparator=None,
        unit="mmol/L",
        ucum="mmol/L",
        text=None,
        absent_reason=None,
        interpretation="HH" if Decimal(value) > 6 else "N",
        low=Decimal("3.5"),
        high=Decimal("5.1"),
        range_text=None,
        note=None,
    )
    return LabReport(
        source_id="DiagnosticReport/1",
        source_version=version,
        placer_number=placer,
        filler_number="F1",
        status=status,
        code="2823-3",
        display="Potassium",
        effective=issued,
        issued=issued,
        conclusion=None,
        observations=(potassium,),
    )


async def test_a_late_preliminary_never_overwrites_a_final_and_is_kept(house: House) -> None:
    (order,) = (await place_orders(house.database, DOCTOR, CBC)).orders
    number = order.placer_number
    assert await take_report(house.database, report(number, "final", "2", "4.90"))
    assert await take_report(house.database, report(number, "preliminary", "1", "6.9", hour=2))
    (current,) = await rows(house.database, Report)
    (value,) = await rows(house.database, Observation)
    assert (current.status, str(value.value)) == ("final", "4.90")
    versions = sorted(await rows(house.database, ReportVersion), key=lambda v: v.number)
    assert [(v.status, v.accepted) for v in versions] == [("final", True), ("preliminary", False)]


async def test_a_correction_replaces_the_value_and_keeps_the_old_one(house: House) -> None:
    (order,) = (await place_orders(house.database, DOCTOR, CBC)).orders
    for version in (
        report(order.placer_number, "preliminary", "1", "6.9"),
        report(order.placer_number, "final", "2", "6.9", hour=2),
        report(order.placer_number, "corrected", "3", "4.90", hour=3),
    ):
        assert await take_report(house.database, version)
        assert not await take_report(house.database, version)
    (current,) = await rows(house.database, Report)
    (value,) = await rows(house.database, Observation)
    assert (current.status, current.version, str(value.value)) == ("corrected", 3, "4.90")
    kept = [
        v.content["observations"][0]["value"] for v in await rows(house.database, ReportVersion)
    ]
    assert sorted(kept) == ["4.90", "6.9", "6.9"]


async def test_a_report_taken_twice_at_once_is_one_report(house: House) -> None:
    await place_orders(house.database, DOCTOR, CBC)
    await house.relay().drain()
    taken = await asyncio.gather(*(sweep_laboratory(house.database, house.lab) for _ in range(4)))
    assert sum(taken) == 1
    assert len(await rows(house.database, Report)) == 1
    assert len(await rows(house.database, ReportVersion)) == 1


async def test_a_report_of_nobodys_order_is_a_stray_and_not_dropped(house: House) -> None:
    unknown = report("LO-UNKNOWN", "final", "1", "4.9")
    assert not await take_report(house.database, unknown)
    assert not await take_report(house.database, unknown)
    (stray,) = await rows(house.database, Stray)
    assert (stray.source_id, stray.reason) == ("DiagnosticReport/1", "names no order of ours")


statuses = st.sampled_from(
    ["registered", "partial", "preliminary", "final", "amended", "corrected"]
)


@given(st.lists(st.tuples(statuses, st.integers(0, 5)), min_size=1, max_size=8))
def test_whatever_arrives_in_whatever_order_no_weaker_or_older_version_wins(
    arrivals: list[tuple[str, int]],
) -> None:
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    released = {"final", "amended", "corrected"}
    current: tuple[str, datetime] | None = None
    for status, hours in arrivals:
        issued = begin + timedelta(hours=hours)
        if current is None or supersedes(status, issued, over=current[0], issued_before=current[1]):
            current = (status, issued)
    assert current is not None
    finals = [begin + timedelta(hours=h) for s, h in arrivals if s in released]
    if finals:
        assert current[0] in released
        assert current[1] == max(finals)


# Prescriptions.


async def test_a_prescription_goes_out_and_its_dispense_comes_back(house: House) -> None:
    prescribed = await prescribe(house.database, DOCTOR, PARACETAMOL)
    (item,) = prescribed.items
    assert (item.medicine, item.quantity) == ("Paracetamol 650 mg tablet", Decimal(10))
    await house.relay().drain()
    assert await sweep_pharmacy(house.database, house.pharmacy) == 1
    assert await sweep_pharmacy(house.database, house.pharmacy) == 0
    (dispense,) = await rows(house.database, DispenseRow)
    assert (dispense.item_id, dispense.quantity) == (item.id, Decimal(10))


async def test_a_stopped_medicine_is_not_handed_out(house: House) -> None:
    (item,) = (await prescribe(house.database, DOCTOR, PARACETAMOL)).items
    stopped = await stop_medicine(house.database, item.id, "rash", 1)
    assert (stopped.status, stopped.version) == ("stopped", 2)
    await house.relay().drain()
    assert await sweep_pharmacy(house.database, house.pharmacy) == 0
    (held,) = await rows(house.database, PrescriptionItem)
    assert held.status_reason == "rash"


async def test_the_same_generic_again_is_a_warning(house: House) -> None:
    await prescribe(house.database, DOCTOR, PARACETAMOL)
    other = MedicineRequest("paracetamol-500-mg-tablet", None, (BD,))
    again = await prescribe(
        house.database, DOCTOR, replace(PARACETAMOL, medicines=(other,), client_key="key-00003")
    )
    assert [w.code for w in again.warnings] == ["TAKEN_ALREADY"]


async def test_a_weekly_medicine_prescribed_daily_is_a_hard_stop(house: House) -> None:
    methotrexate = MedicineRequest("methotrexate-15-mg-tablet", None, (BD,))
    with pytest.raises(DomainError) as caught:
        await prescribe(house.database, DOCTOR, replace(PARACETAMOL, medicines=(methotrexate,)))
    assert caught.value.code is ErrorCode.SAFETY_STOP


@pytest.mark.parametrize(
    ("change", "quantity"),
    [
        ({}, "10"),
        ({"dose": Decimal("0.5")}, "5.0"),
        ({"duration": Decimal(2), "duration_unit": "wk"}, "28"),
        ({"frequency": 1, "period": Decimal(8), "period_unit": "h"}, "15"),
        ({"as_needed": True}, None),
        ({"duration": None, "duration_unit": None}, None),
    ],
)
def test_the_quantity_is_dose_by_times_by_days(
    change: dict[str, Any], quantity: str | None
) -> None:
    found = quantity_of([replace(BD, **change)])
    assert (None if found is None else str(found)) == quantity


@pytest.mark.parametrize(
    "change",
    [
        {"text": " "},
        {"dose": Decimal(0)},
        {"frequency": 0},
        {"period_unit": "moon"},
        {"duration_unit": None},
        {"when": ("SOMETIME",)},
        {"route": "oral"},
        {"route": "26643007"},
    ],
)
def test_a_dosage_that_can_never_be_right_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(DomainError):
        check_dosages([replace(BD, **change)], None)


def test_a_route_is_a_code_of_snomed_ct() -> None:
    check_dosages([replace(BD, route="26643006")], None)


# Imports.


async def test_an_import_leaves_vitals_alone_keeps_modifiers_and_names_what_has_no_patient(
    house: House,
) -> None:
    def observation(id: str, category: str, patient: str | None) -> r.ObservationRecord:
        made = map_resource(
            {
                "resourceType": "Observation",
                "id": id,
                "status": "final",
                "category": [{"coding": [{"code": category}]}],
                "code": {"text": id},
                "subject": {"reference": f"Patient/{patient}" if patient else "nowhere"},
            },
            lambda link: r.Reference("Patient", link[8:]) if link.startswith("Patient/") else None,
        )
        assert isinstance(made, r.ObservationRecord)
        return made

    forbidden = map_resource(
        {
            "resourceType": "MedicationRequest",
            "id": "m",
            "status": "active",
            "intent": "order",
            "doNotPerform": True,
            "medicationCodeableConcept": {"text": "Penicillin"},
            "subject": {"reference": "Patient/1"},
        },
        lambda link: r.Reference("Patient", "1"),
    )
    assert isinstance(forbidden, r.MedicationRecord)
    sink = OrdersImport(house.database)
    records = [
        observation("pulse", "vital-signs", "1"),
        observation("hb", "laboratory", "1"),
        observation("lost", "laboratory", None),
        forbidden,
    ]
    for _ in range(2):
        await sink.take(records)
    (value,) = await rows(house.database, Observation)
    (medicine,) = await rows(house.database, HistoricMedication)
    (stray,) = await rows(house.database, Stray)
    assert (value.display, value.patient_id) == ("hb", imported_id("Patient", "1"))
    assert medicine.medicine == "NOT to be given: Penicillin"
    assert (stray.source_id, stray.reason) == ("ehr/Observation/lost", "names no patient")
