"""kill -9 between an order and its delivery loses nothing and orders nothing twice.

The subgraph is a process of its own; the laboratory listens here, so that we decide when it is
away and when its answer is lost.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from uuid import uuid4

from drassist.runtime.identity import TrustedIdentity
from drassist.testing.fhir_server import FhirServerStandIn
from tests.patience import PATIENCE
from tests.subgraphs.killable import Killable

SERVE = """
import sys, uvicorn
from drassist.runtime.settings import Settings
from subgraphs.orders.app import create_app
uvicorn.run(create_app(Settings.load(), sweep_every=0.1), host="127.0.0.1", port=int(sys.argv[1]),
            log_level="warning")
"""

HEADERS = TrustedIdentity.header({"sub": "dr", "roles": ["doctor"], "name": "Dr. Rao"})

PLACE = """
mutation($input: PlaceOrdersInput!) { placeOrders(input: $input) {
  orders { id placerNumber } errors { code } } }"""

READ = """
query($id: ID!) { serviceRequest(id: $id) { status sentAt
  reports { status observations { display value { value } } } } }"""


def orders(folder: Path, lab: str) -> Killable:
    return Killable(
        SERVE,
        folder,
        HEADERS,
        IDENTITY__MODE="trusted",
        ADAPTERS__LAB__URL=lab,
        ADAPTERS__LAB__TIMEOUT="3",
        RELAY__BACKOFF="0.1",
        RELAY__BACKOFF_MAX="0.3",
        RELAY__LEASE="1",
    )


async def order(process: Killable) -> dict[str, str]:
    item = {
        "patientId": "Patient:1",
        "items": [{"code": "2823-3"}],
        "clientKey": str(uuid4()),
    }
    data = await process.ask(PLACE, input=item)
    assert data["placeOrders"]["errors"] == []
    (placed,) = data["placeOrders"]["orders"]
    return dict(placed)


def answer(lab: FhirServerStandIn, request: dict[str, Any]) -> None:
    """What a laboratory writes when it is done: the value first, then the report."""
    based_on = [{"reference": f"ServiceRequest/{request['id']}"}]
    value = lab.put(
        {
            "resourceType": "Observation",
            "status": "final",
            "code": {"coding": [{"system": "http://loinc.org", "code": "2823-3"}]},
            "subject": request["subject"],
            "valueQuantity": {"value": 4, "unit": "mmol/L"},
        }
    )
    lab.put(
        {
            "resourceType": "DiagnosticReport",
            "status": "final",
            "code": {"text": "Potassium"},
            "subject": request["subject"],
            "basedOn": based_on,
            "result": [{"reference": f"Observation/{value['id']}"}],
        }
    )


async def arrived(lab: FhirServerStandIn) -> dict[str, Any]:
    async with asyncio.timeout(PATIENCE):
        while not lab.all("ServiceRequest"):
            await asyncio.sleep(0.05)
    (request,) = lab.all("ServiceRequest")
    return request


async def answered(process: Killable, id: str) -> Any:
    async with asyncio.timeout(PATIENCE):
        while True:
            found = (await process.ask(READ, id=id))["serviceRequest"]
            if found["reports"]:
                return found
            await asyncio.sleep(0.05)


async def test_an_order_placed_before_the_kill_is_delivered_after_it(tmp_path: Path) -> None:
    async with FhirServerStandIn() as lab:
        await lab.stop()  # the laboratory is away while the order is placed
        async with orders(tmp_path, lab.url) as process:
            placed = await order(process)
            await process.kill()
            async with lab:
                await process.start()
                request = await arrived(lab)
                assert request["identifier"][0]["value"] == placed["placerNumber"]
                answer(lab, request)
                found = await answered(process, placed["id"])
    assert found["status"] == "COMPLETED"
    assert found["reports"][0]["observations"][0]["value"] == {"value": "4"}


async def test_a_kill_after_the_laboratory_took_the_order_does_not_order_twice(
    tmp_path: Path,
) -> None:
    async with FhirServerStandIn() as lab, orders(tmp_path, lab.url) as process:
        lab.stall_after_next("ServiceRequest", 5)  # taken there, and not known here
        placed = await order(process)
        request = await arrived(lab)
        await process.kill()
        await process.start()
        answer(lab, request)
        found = await answered(process, placed["id"])
        assert found["sentAt"] is not None
        assert len(lab.all("ServiceRequest")) == 1
