"""What can be watched. An event carries ids; what is shown is read when it happens."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

import strawberry
from strawberry import ID

from drassist.events import Event
from drassist.graph import fields as graph
from drassist.runtime.identity import reads
from subgraphs.orders.schema.access import Info
from subgraphs.orders.schema.medications import MedicationRequest
from subgraphs.orders.schema.results import DiagnosticReport, ServiceRequest

__all__ = ["Subscription"]

_Patient = Annotated[ID | None, graph.arg("Only of this patient; required for patients.")]
_Encounter = Annotated[ID | None, graph.arg("Only of this visit.")]


@strawberry.type
class Subscription:
    @graph.subscription(
        "An order was placed, sent, refused, cancelled or answered.", scopes=reads("ServiceRequest")
    )
    async def order_changed(
        self, info: Info, patient_id: _Patient = None, encounter_id: _Encounter = None
    ) -> AsyncIterator[ServiceRequest]:
        topics = ("orders.order.*", "orders.result.*")
        async for event in _watch(info, patient_id, encounter_id, *topics):
            if found := await ServiceRequest.by_id(info, ID(event.subject)):
                yield found

    @graph.subscription(
        "A report arrived, or changed.",
        scopes=reads("DiagnosticReport"),
    )
    async def result_received(
        self, info: Info, patient_id: _Patient = None, encounter_id: _Encounter = None
    ) -> AsyncIterator[DiagnosticReport]:
        async for event in _watch(info, patient_id, encounter_id, "orders.result.*"):
            if found := await DiagnosticReport.by_id(info, ID(str(event.data["report_id"]))):
                yield found

    @graph.subscription(
        "A medicine was prescribed, sent, refused, stopped or handed over.",
        scopes=reads("MedicationRequest"),
    )
    async def medication_changed(
        self, info: Info, patient_id: _Patient = None, encounter_id: _Encounter = None
    ) -> AsyncIterator[MedicationRequest]:
        topics = ("orders.medication.*", "orders.dispense.*")
        async for event in _watch(info, patient_id, encounter_id, *topics):
            if found := await MedicationRequest.by_id(info, ID(event.subject)):
                yield found


async def _watch(
    info: Info, patient_id: str | None, encounter_id: str | None, *topics: str
) -> AsyncIterator[Event]:
    """Events of these topics that the caller asked for and may see."""
    identity = info.context.identity
    wanted = patient_id or (identity.patient_id if identity.is_patient else None)
    if wanted is not None or identity.is_patient:
        info.context.open_chart(wanted or "")
    async with await info.context.services.bus.subscribe(*topics) as events:
        async for event in events:
            if wanted is not None and event.data.get("patient_id") != wanted:
                continue
            if encounter_id is not None and event.data.get("encounter_id") != encounter_id:
                continue
            yield event
