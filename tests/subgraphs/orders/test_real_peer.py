"""EHR in, order to result, prescription to dispense, with a server that nobody here wrote."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from drassist.adapters.fhir import FhirClient, FhirServer, import_from_server
from drassist.clinical import Subject, imported_id
from drassist.events import MemoryBus
from drassist.graph import Subgraph
from drassist.runtime.identity import Identity, Role
from drassist.runtime.settings import AdapterSettings, PeerSettings, Settings
from scripts.peers import PeerMissing, Sekmet, sekmet
from subgraphs.orders.app import create_app
from subgraphs.orders.services.importing import OrdersImport
from tests.patience import PATIENCE

DOCTOR = Identity.of(Role.DOCTOR, practitioner_id="Practitioner:1", name="Dr. Rao")


@pytest.fixture
def peer() -> Iterator[Sekmet]:
    try:
        with sekmet() as server:
            yield server
    except PeerMissing as missing:
        if os.environ.get("DRASSIST_REQUIRE_SERVICES"):
            pytest.fail(str(missing))
        pytest.skip(f"PEER ABSENT: {missing}")


class ByMrn:
    """Names patients to the peer as the EHR does, so that it finds the chart it has."""

    def __init__(self, mrn: str) -> None:
        self._mrn = mrn

    async def identify(self, patient_id: str) -> Subject:
        return Subject(patient_id, (("http://hospital.smarthealthit.org", self._mrn),))


@pytest.fixture
def chart(shared_data: Path) -> Path:
    return sorted((shared_data / "fhir" / "synthea").glob("*.json"))[0]


@pytest.fixture
async def graph(settings: Settings, peer: Sekmet, chart: Path) -> AsyncIterator[Subgraph[Any]]:
    reached = PeerSettings(url=peer.url)
    connected = settings.model_copy(
        update={"adapters": AdapterSettings(lab=reached, pharmacy=reached)}
    )
    mrn = chart.stem.rpartition("_")[2]
    subgraph = create_app(connected, bus=MemoryBus(), patients=ByMrn(mrn), sweep_every=0.1)
    async with subgraph.lifespan():
        yield subgraph


async def until(
    graph: Subgraph[Any], text: str, check: Callable[[Any], Any], **variables: Any
) -> Any:
    async with asyncio.timeout(PATIENCE):
        while True:
            answer = await graph.execute(text, variables, identity=DOCTOR)
            assert "errors" not in answer, answer["errors"]
            if check(answer["data"]):
                return answer["data"]
            await asyncio.sleep(0.1)


async def test_one_consultation_against_a_real_server(
    graph: Subgraph[Any], peer: Sekmet, chart: Path
) -> None:
    async with FhirClient(FhirServer(peer.url)) as client:
        peer.load(chart)
        sink = OrdersImport(graph.services.database)
        await import_from_server(client, sink)
        mrn = chart.stem.rpartition("_")[2]
        query = {"identifier": f"http://hospital.smarthealthit.org|{mrn}"}
        (source,) = [x["id"] async for x in client.search("Patient", query)]
        assert sink.mapped["DiagnosticReport"] >= 3
    patient = imported_id("Patient", source)

    history = await until(
        graph,
        """query($reps: [_Any!]!) { _entities(representations: $reps) { ... on Patient {
          labResults(first: 50) { edges { node { display source: fillerNumber
            observations { display value { value unit } text } } } }
          medicationHistory { edges { node { medicine status } } } } } }""",
        lambda data: data["_entities"][0]["labResults"]["edges"],
        reps=[{"__typename": "Patient", "id": patient}],
    )
    reports = [e["node"] for e in history["_entities"][0]["labResults"]["edges"]]
    assert len(reports) == 3
    assert all(report["observations"] for report in reports)
    assert history["_entities"][0]["medicationHistory"]["edges"]

    placed = await graph.execute(
        """mutation($input: PlaceOrdersInput!) { placeOrders(input: $input) {
          orders { id } errors { message } } }""",
        {
            "input": {
                "patientId": patient,
                "items": [{"code": "58410-2", "priority": "URGENT", "reason": "fever"}],
                "clientKey": str(uuid4()),
            }
        },
        identity=DOCTOR,
    )
    (order,) = placed["data"]["placeOrders"]["orders"]
    prescribed = await graph.execute(
        """mutation($input: PrescribeInput!) { prescribe(input: $input) {
          prescription { items { id } } errors { message } } }""",
        {
            "input": {
                "patientId": patient,
                "medicines": [
                    {
                        "medicineId": "paracetamol-650-mg-tablet",
                        "dosages": [{"text": "1 tablet when needed", "asNeeded": True}],
                        "quantity": "15",
                    }
                ],
                "clientKey": str(uuid4()),
            }
        },
        identity=DOCTOR,
    )
    (item,) = prescribed["data"]["prescribe"]["prescription"]["items"]

    resulted = await until(
        graph,
        """query($id: ID!) { serviceRequest(id: $id) { status reports { status
          observations { code value { value code } referenceRange { low high } } } } }""",
        # an answer reads the order and its reports one after the other, so wait for both
        lambda data: (
            data["serviceRequest"]["reports"] and data["serviceRequest"]["status"] == "COMPLETED"
        ),
        id=order["id"],
    )
    (report,) = resulted["serviceRequest"]["reports"]
    assert report["status"] == "FINAL"
    assert {o["code"] for o in report["observations"]} == {"718-7", "6690-2", "777-3", "4544-3"}
    dispensed = await until(
        graph,
        """query($id: ID!) { medicationRequest(id: $id) { remaining { value }
          dispenses { status quantity { value } } } }""",
        lambda data: data["medicationRequest"]["dispenses"],
        id=item["id"],
    )
    assert dispensed["medicationRequest"] == {
        "remaining": {"value": "0"},
        "dispenses": [{"status": "COMPLETED", "quantity": {"value": "15"}}],
    }
