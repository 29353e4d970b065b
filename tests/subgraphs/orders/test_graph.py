"""The orders subgraph through its doors: in process, over HTTP, and watched."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from drassist.clinical import imported_id
from drassist.events import Event, MemoryBus
from drassist.fhir import records as r
from drassist.graph.schema import undescribed
from drassist.graph.subgraph import Subgraph
from drassist.runtime.identity import Identity, Role
from drassist.runtime.settings import Settings
from drassist.testing.lab import SimulatedLab
from drassist.testing.pharmacy import SimulatedPharmacy
from subgraphs.orders.app import create_app
from subgraphs.orders.schema import make_schema
from subgraphs.orders.services.importing import OrdersImport
from tests.patience import PATIENCE
from tests.watching import watchers

DOCTOR = Identity.of(Role.DOCTOR, practitioner_id="Practitioner:1", name="Dr. Rao")
NURSE = Identity.of(Role.NURSE)
DESK = Identity.of(Role.FRONT_DESK)
ASHA = Identity.of(Role.PATIENT, patient_id="Patient:asha")
OTHER = Identity.of(Role.PATIENT, patient_id="Patient:other")

PLACE = """
mutation Place($input: PlaceOrdersInput!) {
  placeOrders(input: $input) {
    orders { id version status display patient { id } encounter { id } requester { id } }
    warnings { code field about }
    errors { code message field }
  }
}"""

PRESCRIBE = """
mutation Prescribe($input: PrescribeInput!) {
  prescribe(input: $input) {
    prescription { id number items { id version status medicine quantity { value unit } } }
    warnings { code }
    errors { code message field }
  }
}"""


def orders(key: str | None = None, **more: Any) -> dict[str, Any]:
    return {
        "input": {
            "patientId": "Patient:asha",
            "encounterId": "Encounter:1",
            "items": [{"code": "58410-2"}],
            "clientKey": key or str(uuid4()),
            **more,
        }
    }


def prescription(**more: Any) -> dict[str, Any]:
    dosage = {
        "text": "1-0-1 x 5 days after food",
        "dose": "1",
        "doseUnit": "tablet",
        "frequency": 2,
        "period": "1",
        "periodUnit": "d",
        "duration": "5",
        "durationUnit": "d",
    }
    return {
        "input": {
            "patientId": "Patient:asha",
            "encounterId": "Encounter:1",
            "medicines": [{"medicineId": "paracetamol-650-mg-tablet", "dosages": [dosage]}],
            "clientKey": str(uuid4()),
            **more,
        }
    }


@pytest.fixture
async def graph(settings: Settings) -> AsyncIterator[Subgraph[Any]]:
    subgraph = create_app(
        settings,
        bus=MemoryBus(),
        laboratory=SimulatedLab(delay=0),
        pharmacy=SimulatedPharmacy(delay=0),
        sweep_every=0.05,
    )
    async with subgraph.lifespan():
        yield subgraph


async def ask(graph: Subgraph[Any], text: str, who: Identity, **variables: Any) -> Any:
    answer = await graph.execute(text, variables, identity=who)
    assert "errors" not in answer, answer["errors"]
    return answer["data"]


async def place(graph: Subgraph[Any], **more: Any) -> dict[str, Any]:
    data = await ask(graph, PLACE, DOCTOR, **orders(**more))
    assert data["placeOrders"]["errors"] == []
    (order,) = data["placeOrders"]["orders"]
    return dict(order)


def test_every_type_field_and_argument_is_described() -> None:
    assert undescribed(make_schema()) == []


async def test_a_doctor_orders_and_the_patient_sees_the_result(graph: Subgraph[Any]) -> None:
    order = await place(graph)
    assert order["requester"] == {"id": "Practitioner:1"}
    question = """
    query($reps: [_Any!]!) { _entities(representations: $reps) { ... on Patient {
      labResults(first: 5) { edges { node {
        status display critical order { id }
        observations { display value { value code display } interpretation
                       referenceRange { low high } }
      } } } } } }"""
    reps = [{"__typename": "Patient", "id": "Patient:asha"}]
    async with asyncio.timeout(PATIENCE):
        while True:
            data = await ask(graph, question, ASHA, reps=reps)
            edges = data["_entities"][0]["labResults"]["edges"]
            if edges:
                break
            await asyncio.sleep(0.05)
    (report,) = [edge["node"] for edge in edges]
    assert report["status"] == "FINAL"
    assert report["order"] == {"id": order["id"]}
    assert len(report["observations"]) == 10
    assert all(value["value"]["code"] for value in report["observations"])


async def test_a_stranger_sees_nothing_of_the_chart(graph: Subgraph[Any]) -> None:
    order = await place(graph)
    text = "query($id: ID!) { serviceRequest(id: $id) { id } }"
    assert (await ask(graph, text, ASHA, id=order["id"]))["serviceRequest"] == {"id": order["id"]}
    assert (await ask(graph, text, OTHER, id=order["id"]))["serviceRequest"] is None
    chart = (
        'query { _entities(representations: [{__typename: "Patient", id: "Patient:asha"}])'
        " { ... on Patient { orders { edges { node { id } } } } } }"
    )
    answer = await graph.execute(chart, identity=OTHER)
    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    visit = chart.replace("Patient", "Encounter").replace("Encounter:asha", "Encounter:1")
    answer = await graph.execute(visit, identity=OTHER)
    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"


@pytest.mark.parametrize("who", [NURSE, DESK, ASHA, Identity()])
async def test_only_a_doctor_orders_and_prescribes(graph: Subgraph[Any], who: Identity) -> None:
    for text, variables in ((PLACE, orders()), (PRESCRIBE, prescription())):
        answer = await graph.execute(text, variables, identity=who)
        code = answer["errors"][0]["extensions"]["code"]
        assert code == ("FORBIDDEN" if who.authenticated else "UNAUTHENTICATED")


async def test_a_refused_command_names_the_field(graph: Subgraph[Any]) -> None:
    variables = orders(items=[{"code": "718-7"}, {"code": "1-8"}])
    data = await ask(graph, PLACE, DOCTOR, **variables)
    (error,) = data["placeOrders"]["errors"]
    assert (error["code"], error["field"]) == ("VALIDATION_FAILED", ["items", "1", "code"])


async def test_a_visit_of_one_patient_takes_no_order_for_another(graph: Subgraph[Any]) -> None:
    await place(graph)
    data = await ask(graph, PLACE, DOCTOR, **orders(patientId="Patient:other"))
    (error,) = data["placeOrders"]["errors"]
    assert (error["code"], error["field"]) == ("STALE_CONTEXT", ["encounterId"])
    data = await ask(graph, PRESCRIBE, DOCTOR, **prescription(patientId="Patient:other"))
    assert [e["code"] for e in data["prescribe"]["errors"]] == ["STALE_CONTEXT"]


async def test_cancelling_with_a_stale_version_is_a_conflict(graph: Subgraph[Any]) -> None:
    order = await place(graph)
    text = (
        "mutation($input: CancelOrderInput!) { cancelOrder(input: $input)"
        " { order { status } errors { code } } }"
    )
    stale = {"id": order["id"], "reason": "wrong patient", "expectedVersion": 99}
    data = await ask(graph, text, DOCTOR, input=stale)
    assert data["cancelOrder"] == {"order": None, "errors": [{"code": "VERSION_CONFLICT"}]}


async def test_a_prescription_is_handed_out_and_counted_down(graph: Subgraph[Any]) -> None:
    data = await ask(graph, PRESCRIBE, DOCTOR, **prescription())
    (item,) = data["prescribe"]["prescription"]["items"]
    assert item["quantity"] == {"value": "10", "unit": "tablet"}
    question = (
        "query($id: ID!) { medicationRequest(id: $id) { sentAt remaining { value }"
        " dispenses { status quantity { value } } deliveries { state attempts } } }"
    )
    async with asyncio.timeout(PATIENCE):
        while True:
            found = (await ask(graph, question, DOCTOR, id=item["id"]))["medicationRequest"]
            delivered = found["deliveries"] and found["deliveries"][0]["state"] == "DELIVERED"
            if found["dispenses"] and delivered:  # the pharmacy may answer before we note it
                break
            await asyncio.sleep(0.05)
    assert found["dispenses"] == [{"status": "COMPLETED", "quantity": {"value": "10"}}]
    assert found["remaining"] == {"value": "0"}
    assert found["deliveries"] == [{"state": "DELIVERED", "attempts": 1}]


async def test_results_are_watched_and_a_patient_watches_only_her_own(
    graph: Subgraph[Any],
) -> None:
    text = "subscription { resultReceived { status patient { id } } }"
    watched = [graph.subscribe(text, identity=who) for who in (DOCTOR, ASHA)]
    watching = watchers(graph.services.bus)
    waiting = [asyncio.ensure_future(anext(stream)) for stream in watched]
    await watching(2)
    await place(graph, patientId="Patient:other", encounterId="Encounter:2")
    await place(graph)
    async with asyncio.timeout(PATIENCE):
        doctors, ashas = [(await answer)["data"]["resultReceived"] for answer in waiting]
    assert doctors["patient"]["id"] in ("Patient:other", "Patient:asha")
    assert ashas["patient"] == {"id": "Patient:asha"}
    for stream in watched:
        await stream.aclose()
    refused = graph.subscribe(
        'subscription { resultReceived(patientId: "Patient:asha") { id } }', identity=OTHER
    )
    answer = await anext(refused)
    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_who_watches_too_slowly_is_told_to_begin_anew(graph: Subgraph[Any]) -> None:
    bus, watching = graph.services.bus, watchers(graph.services.bus)
    text = 'subscription { resultReceived(patientId: "Patient:asha") { id } }'
    stream = graph.subscribe(text, identity=DOCTOR)
    waiting = asyncio.ensure_future(anext(stream))
    await watching(1)
    for number in range(1_001):
        await bus.publish(Event("orders.result.received", str(number)))
    answer = await asyncio.wait_for(waiting, PATIENCE)
    assert answer["errors"][0]["extensions"]["code"] == "LAGGED"


async def test_the_first_pages_of_many_patients_are_one_statement(graph: Subgraph[Any]) -> None:
    ids = [f"Patient:{n}" for n in range(6)]
    for id in ids:
        for _ in range(3):
            await place(graph, patientId=id, encounterId=None)
    statements: list[str] = []

    @sa.event.listens_for(graph.services.database.engine.sync_engine, "before_cursor_execute")
    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        if "FROM orders" in statement and "row_number" in statement:
            statements.append(statement)

    question = """
    query($reps: [_Any!]!) { _entities(representations: $reps) { ... on Patient { id
      orders(first: 2) { edges { cursor node { id } } pageInfo { hasNextPage } } } } }"""
    reps = [{"__typename": "Patient", "id": id} for id in ids]
    data = await ask(graph, question, DOCTOR, reps=reps)
    assert len(statements) == 1
    for found in data["_entities"]:
        assert len(found["orders"]["edges"]) == 2
        assert found["orders"]["pageInfo"]["hasNextPage"]
    # the cursor of a batched page is good for the next page of one
    cursor = data["_entities"][0]["orders"]["edges"][-1]["cursor"]
    text = question.replace("first: 2", "first: 2, after: $after").replace(
        "(", "($after: String, ", 1
    )
    data = await ask(graph, text, DOCTOR, reps=reps[:1], after=cursor)
    assert len(data["_entities"][0]["orders"]["edges"]) == 1


async def test_the_catalogue_forgives_typing(graph: Subgraph[Any]) -> None:
    text = (
        "query($t: String!, $m: String!) { labTests(search: $t, first: 1) { edges { node"
        " { code name panel members { code } } } } medicines(search: $m, first: 3)"
        " { edges { node { id generic } } } }"
    )
    data = await ask(graph, text, NURSE, t="cbc", m="paracetemol")
    (test,) = [edge["node"] for edge in data["labTests"]["edges"]]
    assert (test["code"], test["panel"], len(test["members"])) == ("58410-2", True, 10)
    assert {e["node"]["generic"] for e in data["medicines"]["edges"]} == {"Paracetamol"}
    assert (await ask(graph, text, NURSE, t="SGPT", m="Dolo"))["medicines"]["edges"][0]["node"][
        "id"
    ] == "paracetamol-650-mg-tablet"


async def test_the_history_joins_what_was_prescribed_here_and_elsewhere(
    graph: Subgraph[Any],
) -> None:
    records = [_metformin(year) for year in range(2015, 2020)]
    sink = OrdersImport(graph.services.database)
    for _ in range(2):  # importing twice adds nothing twice
        await sink.take(records)
    imported = imported_id("Patient", "1")
    who = Identity.of(Role.PATIENT, patient_id=imported)
    await ask(graph, PRESCRIBE, DOCTOR, **prescription(patientId=imported, encounterId=None))
    question = """
    query($n: Int, $a: String, $reps: [_Any!]!) { _entities(representations: $reps) {
      ... on Patient { medicationHistory(first: $n, after: $a) {
        edges { cursor node { medicine request { id } } } pageInfo { hasNextPage } } } } }"""
    reps = [{"__typename": "Patient", "id": imported}]
    read: list[str] = []
    cursor, more = None, True
    while more:
        data = await ask(graph, question, who, n=2, a=cursor, reps=reps)
        found = data["_entities"][0]["medicationHistory"]
        read += [edge["node"]["medicine"] for edge in found["edges"]]
        cursor, more = found["edges"][-1]["cursor"], found["pageInfo"]["hasNextPage"]
    assert read == [
        "Paracetamol 650 mg tablet",
        *(f"Metformin {year}" for year in range(2019, 2014, -1)),
    ]


def _metformin(year: int) -> r.MedicationRecord:
    moment = r.Moment(str(year), datetime(year, 1, 1, tzinfo=UTC), "year")
    return r.MedicationRecord(
        source=r.Source("MedicationRequest", str(year)),
        identifiers=(),
        patient=r.Reference("Patient", "1"),
        encounter=None,
        status="completed",
        intent="order",
        do_not_perform=False,
        medication=r.Concept(f"Metformin {year}"),
        dosages=(),
        requester=None,
        authored=moment,
        reasons=(),
        quantity=None,
    )


async def test_a_wrong_page_or_cursor_is_a_clear_error(graph: Subgraph[Any]) -> None:
    for arguments, code in (("first: 100000", "BAD_PAGE"), ('after: "nonsense"', "BAD_CURSOR")):
        answer = await graph.execute(f"{{ labTests({arguments}) {{ edges {{ cursor }} }} }}")
        assert answer["errors"][0]["extensions"]["code"] == code
