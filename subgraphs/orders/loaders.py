"""Batches: what many objects of one answer need is read by one statement each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from drassist.graph import Page, Slice
from drassist.graph.batches import by_id, children, narrowed_pages
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

_Key = tuple[str, Page, str | None]
"""A patient's or a visit's id, a page, and what narrows the list; None: all of it."""


def _all(_: str | None) -> Any:
    return sa.true()


def _shown_to(word: str | None) -> Any:
    """Patients see reports once they are released; what was withdrawn says so."""
    return sa.true() if word is None else Report.status.in_([*RELEASED, *ENDED])  # type: ignore[attr-defined]


def _with_code(code: str | None) -> Any:
    return sa.true() if code is None else Observation.code == code


order_by_id = by_id(Order)
report_by_id = by_id(Report)
observation_by_id = by_id(Observation)
prescription_by_id = by_id(Prescription)
item_by_id = by_id(PrescriptionItem)

reports_of_order = children(Report, Report.order_id, Report.sorted_at, Report.id)
versions_of_report = children(ReportVersion, ReportVersion.report_id, ReportVersion.number)
observations_of_report = children(Observation, Observation.report_id, Observation.position)
items_of_prescription = children(
    PrescriptionItem, PrescriptionItem.prescription_id, PrescriptionItem.position
)
active_items_of_patient = children(
    PrescriptionItem,
    PrescriptionItem.patient_id,
    PrescriptionItem.authored,
    PrescriptionItem.id,
    where=PrescriptionItem.status == "active",
)
dispenses_of_item = children(Dispense, Dispense.item_id, Dispense.received_at, Dispense.id)

orders_of_patient = narrowed_pages(Order, Order.patient_id, Order.authored, _all)
orders_of_encounter = narrowed_pages(Order, Order.encounter_id, Order.authored, _all)
reports_of_patient = narrowed_pages(Report, Report.patient_id, Report.sorted_at, _shown_to)
reports_of_encounter = narrowed_pages(Report, Report.encounter_id, Report.sorted_at, _shown_to)
observations_of_patient = narrowed_pages(
    Observation, Observation.patient_id, Observation.sorted_at, _with_code
)
prescriptions_of_patient = narrowed_pages(
    Prescription, Prescription.patient_id, Prescription.authored, _all
)
prescriptions_of_encounter = narrowed_pages(
    Prescription, Prescription.encounter_id, Prescription.authored, _all
)
items_of_patient = narrowed_pages(
    PrescriptionItem, PrescriptionItem.patient_id, PrescriptionItem.authored, _all
)
historic_of_patient = narrowed_pages(
    HistoricMedication, HistoricMedication.patient_id, HistoricMedication.sorted_at, _all
)


_History = PrescriptionItem | HistoricMedication


async def history_of_patient(
    services: Services, keys: Sequence[_Key]
) -> Mapping[_Key, Slice[_History]]:
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
