"""Batches: what many objects of one answer need is read by one statement each.

A page of a list is batched too: the first pages of twenty patients are one statement with a row
number per patient. A page behind a cursor belongs to one list, so it is read on its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import sqlalchemy as sa

from drassist.graph.relay import Key, Page, Slice, encode_cursor, paginate
from drassist.runtime.database import Database
from subgraphs.orders.models import (
    Dispense,
    HistoricMedication,
    Observation,
    Order,
    Prescription,
    PrescriptionItem,
    Report,
    ReportVersion,
)
from subgraphs.orders.services import Services
from subgraphs.orders.services.delivering import Delivery, deliveries_of
from subgraphs.orders.services.results import ENDED, RELEASED

__all__ = [
    "active_items_of_patient",
    "deliveries",
    "dispenses_of_item",
    "historic_of_patient",
    "history_of_patient",
    "item_by_id",
    "items_of_patient",
    "items_of_prescription",
    "observation_by_id",
    "observations_of_patient",
    "observations_of_report",
    "order_by_id",
    "orders_of_encounter",
    "orders_of_patient",
    "prescription_by_id",
    "prescriptions_of_encounter",
    "prescriptions_of_patient",
    "report_by_id",
    "reports_of_encounter",
    "reports_of_order",
    "reports_of_patient",
    "versions_of_report",
]

M = TypeVar("M")
Many = Callable[[Services, Sequence[str]], Awaitable[Mapping[str, list[M]]]]
One = Callable[[Services, Sequence[str]], Awaitable[Mapping[str, M]]]
Pages = Callable[
    [Services, Sequence[tuple[str, Page, str | None]]],
    Awaitable[Mapping[tuple[str, Page, str | None], Slice[M]]],
]


def _by_id(model: type[M]) -> One[M]:
    async def load(services: Services, ids: Sequence[str]) -> Mapping[str, M]:
        column: Any = model.id  # type: ignore[attr-defined]
        async with services.database.session() as session:
            rows = await session.scalars(sa.select(model).where(column.in_(ids)))
            return {row.id: row for row in rows}  # type: ignore[attr-defined]

    return load


def _children(model: type[M], owner: Any, *order: Any, where: Any = None) -> Many[M]:
    async def load(services: Services, ids: Sequence[str]) -> Mapping[str, list[M]]:
        found: dict[str, list[M]] = {id: [] for id in ids}
        statement = sa.select(model).where(owner.in_(ids)).order_by(*order)
        if where is not None:
            statement = statement.where(where)
        async with services.database.session() as session:
            for row in await session.scalars(statement):
                found[getattr(row, owner.key)].append(row)
        return found

    return load


def _pages(
    model: type[M],
    owner: Any,
    moment: Any,
    narrow: Callable[[str], Any] | None = None,
) -> Pages[M]:
    """Pages of a list that belongs to ``owner``, newest first; ``narrow`` reads the third key."""
    order = (Key(moment, descending=True), Key(model.id, descending=True))  # type: ignore[attr-defined]

    async def load(
        services: Services, keys: Sequence[tuple[str, Page, str | None]]
    ) -> Mapping[tuple[str, Page, str | None], Slice[M]]:
        alike: dict[tuple[Page, str | None], list[str]] = defaultdict(list)
        for id, page, word in keys:
            alike[page, word].append(id)
        found: dict[tuple[str, Page, str | None], Slice[M]] = {}
        for (page, word), ids in alike.items():
            where = narrow(word) if narrow is not None and word is not None else sa.true()
            if len(ids) == 1 or page.after is not None or page.before is not None or page.backward:
                for id in ids:
                    statement: Any = sa.select(model).where(owner == id, where)
                    async with services.database.session() as session:
                        found[id, page, word] = await paginate(session, statement, order, page)
            else:
                slices = await _first_pages(
                    services.database, model, owner, where, order, ids, page
                )
                found.update({(id, page, word): part for id, part in slices.items()})
        return found

    return load


async def _first_pages(
    database: Database,
    model: type[M],
    owner: Any,
    where: Any,
    order: Sequence[Key],
    ids: Sequence[str],
    page: Page,
) -> dict[str, Slice[M]]:
    """The first page of each owner's list, all in one statement."""
    ordering = [key.column.desc() if key.descending else key.column for key in order]
    place = sa.func.row_number().over(partition_by=owner, order_by=ordering).label("place")
    inner = sa.select(model.id, place).where(owner.in_(ids), where).subquery()  # type: ignore[attr-defined]
    statement = (
        sa.select(model)
        .join(inner, inner.c.id == model.id)  # type: ignore[attr-defined]
        .where(inner.c.place <= page.size + 1)
        .order_by(owner, inner.c.place)
    )
    rows: dict[str, list[M]] = {id: [] for id in ids}
    async with database.session() as session:
        for row in await session.scalars(statement):
            rows[getattr(row, owner.key)].append(row)
    return {
        id: Slice(
            tuple(found[: page.size]),
            tuple(
                encode_cursor([getattr(row, key.column.key) for key in order])
                for row in found[: page.size]
            ),
            more_after=len(found) > page.size,
            more_before=False,
        )
        for id, found in rows.items()
    }


def _shown_to(word: str) -> Any:
    """Patients see reports once they are released; what was withdrawn says so."""
    return Report.status.in_([*RELEASED, *ENDED])  # type: ignore[attr-defined]


def _with_code(code: str) -> Any:
    return Observation.code == code


order_by_id = _by_id(Order)
report_by_id = _by_id(Report)
observation_by_id = _by_id(Observation)
prescription_by_id = _by_id(Prescription)
item_by_id = _by_id(PrescriptionItem)

reports_of_order = _children(Report, Report.order_id, Report.sorted_at, Report.id)
versions_of_report = _children(ReportVersion, ReportVersion.report_id, ReportVersion.number)
observations_of_report = _children(Observation, Observation.report_id, Observation.position)
items_of_prescription = _children(
    PrescriptionItem, PrescriptionItem.prescription_id, PrescriptionItem.position
)
active_items_of_patient = _children(
    PrescriptionItem,
    PrescriptionItem.patient_id,
    PrescriptionItem.authored,
    PrescriptionItem.id,
    where=PrescriptionItem.status == "active",
)
dispenses_of_item = _children(Dispense, Dispense.item_id, Dispense.received_at, Dispense.id)

orders_of_patient = _pages(Order, Order.patient_id, Order.authored)
orders_of_encounter = _pages(Order, Order.encounter_id, Order.authored)
reports_of_patient = _pages(Report, Report.patient_id, Report.sorted_at, _shown_to)
reports_of_encounter = _pages(Report, Report.encounter_id, Report.sorted_at, _shown_to)
observations_of_patient = _pages(
    Observation, Observation.patient_id, Observation.sorted_at, _with_code
)
prescriptions_of_patient = _pages(Prescription, Prescription.patient_id, Prescription.authored)
prescriptions_of_encounter = _pages(Prescription, Prescription.encounter_id, Prescription.authored)
items_of_patient = _pages(PrescriptionItem, PrescriptionItem.patient_id, PrescriptionItem.authored)
historic_of_patient = _pages(
    HistoricMedication, HistoricMedication.patient_id, HistoricMedication.sorted_at
)


_History = PrescriptionItem | HistoricMedication
_HistoryKey = tuple[str, Page, str | None]


async def history_of_patient(
    services: Services, keys: Sequence[_HistoryKey]
) -> Mapping[_HistoryKey, Slice[_History]]:
    """Two lists as one: each gives a page by the same cursor, and the newest of both are kept."""
    here = await items_of_patient(services, keys)
    elsewhere = await historic_of_patient(services, keys)
    return {key: _merged(here[key], elsewhere[key], key[1]) for key in keys}


def _merged(
    here: Slice[PrescriptionItem], elsewhere: Slice[HistoricMedication], page: Page
) -> Slice[_History]:
    rows: list[tuple[_History, str]] = [
        *zip(here.rows, here.cursors, strict=True),
        *zip(elsewhere.rows, elsewhere.cursors, strict=True),
    ]
    rows.sort(key=lambda pair: (_moment(pair[0]), pair[0].id), reverse=True)
    cut = len(rows) > page.size
    kept = rows[len(rows) - page.size :] if page.backward else rows[: page.size]
    return Slice(
        tuple(row for row, _ in kept),
        tuple(cursor for _, cursor in kept),
        more_after=here.more_after or elsewhere.more_after or (cut and not page.backward),
        more_before=here.more_before or elsewhere.more_before or (cut and page.backward),
    )


def _moment(row: _History) -> datetime:
    return row.authored if isinstance(row, PrescriptionItem) else row.sorted_at


async def deliveries(services: Services, subjects: Sequence[str]) -> dict[str, list[Delivery]]:
    """The deliveries of orders and prescribed medicines, by their ids."""
    return await deliveries_of(services.database, subjects)
