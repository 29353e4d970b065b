"""Where reading starts."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import sqlalchemy as sa
import strawberry
from strawberry import ID

from drassist.graph import fields as graph
from drassist.graph.relay import (
    After,
    Before,
    Connection,
    First,
    Key,
    Last,
    Page,
    connect,
    paginate,
    slice_list,
)
from drassist.runtime.identity import reads
from subgraphs.orders import models
from subgraphs.orders.schema.access import Info
from subgraphs.orders.schema.catalogue import LabTest, Medicine
from subgraphs.orders.schema.medications import MedicationRequest, Prescription
from subgraphs.orders.schema.results import Delivery, DiagnosticReport, ServiceRequest
from subgraphs.orders.schema.values import OrderCategory
from subgraphs.orders.services.catalogue import find_medicines, find_tests
from subgraphs.orders.services.delivering import given_up

__all__ = ["Query", "UnmatchedResult"]

_Id = Annotated[ID, graph.arg("Which one.")]
_Search = Annotated[str, graph.arg("The beginning of a name, brand or code; typing may be wrong.")]


@graph.type("Something that a peer sent and that found no place; kept until a person looked.")
class UnmatchedResult:
    id: ID = graph.field("Opaque id.")
    peer: str = graph.field("lab or pharmacy.")
    source_id: str = graph.field("The peer's name for it.")
    reason: str = graph.field("Why it found no place.")
    received_at: datetime = graph.field("When it arrived.")


@strawberry.type
class Query:
    @graph.resolver("An order by its id.", scopes=reads("ServiceRequest"))
    async def service_request(self, info: Info, id: _Id) -> ServiceRequest | None:
        return await ServiceRequest.by_id(info, id)

    @graph.resolver("A report by its id.", scopes=reads("DiagnosticReport"))
    async def diagnostic_report(self, info: Info, id: _Id) -> DiagnosticReport | None:
        return await DiagnosticReport.by_id(info, id)

    @graph.resolver("A prescription by its id.", scopes=reads("MedicationRequest"))
    async def prescription(self, info: Info, id: _Id) -> Prescription | None:
        return await Prescription.by_id(info, id)

    @graph.resolver("A prescribed medicine by its id.", scopes=reads("MedicationRequest"))
    async def medication_request(self, info: Info, id: _Id) -> MedicationRequest | None:
        return await MedicationRequest.by_id(info, id)

    @graph.resolver("Tests and studies that can be ordered, the likeliest first.", list_size=20)
    async def lab_tests(
        self,
        info: Info,
        search: _Search = "",
        category: Annotated[OrderCategory | None, graph.arg("Only these.")] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[LabTest]:
        found = list(enumerate(find_tests(search, category.value if category else None)))
        page = Page.of(first, after, last, before, limit=_limit(info))
        part = slice_list(found, lambda item: (item[0],), page)
        return connect(part, lambda item: LabTest(test=item[1]))

    @graph.resolver("Medicines that can be prescribed, the likeliest first.", list_size=20)
    async def medicines(
        self,
        info: Info,
        search: _Search = "",
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Medicine]:
        found = list(enumerate(find_medicines(search)))
        page = Page.of(first, after, last, before, limit=_limit(info))
        part = slice_list(found, lambda item: (item[0],), page)
        return connect(part, lambda item: Medicine(product=item[1]))

    @graph.resolver(
        "Messages to laboratory and pharmacy that were given up, newest first; at most 100.",
        scopes=(("user/ServiceRequest.cu",), ("user/MedicationDispense.cu",)),
        tags=["staff"],
        list_size=20,
    )
    async def failed_deliveries(self, info: Info) -> list[Delivery]:
        return [Delivery.of(row) for row in await given_up(info.context.services.database, 100)]

    @graph.resolver(
        "What peers sent and nobody could match, newest first.",
        scopes=(("user/DiagnosticReport.cu",), ("user/ServiceRequest.cu",)),
        tags=["staff"],
        list_size=20,
    )
    async def unmatched_results(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[UnmatchedResult]:
        page = Page.of(first, after, last, before, limit=_limit(info))
        order = (Key(models.Stray.received_at, descending=True), Key(models.Stray.id))
        statement: Any = sa.select(models.Stray)
        async with info.context.services.database.session() as session:
            part = await paginate(session, statement, order, page)
        return connect(part, _unmatched)


def _unmatched(row: models.Stray) -> UnmatchedResult:
    return UnmatchedResult(
        id=ID(row.id),
        peer=row.peer,
        source_id=row.source_id,
        reason=row.reason,
        received_at=row.received_at,
    )


def _limit(info: Info) -> int:
    return info.context.services.settings.limits.page_size
