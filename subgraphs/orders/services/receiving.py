"""From the laboratory and the pharmacy into the tables.

A sweep asks a peer what changed, takes each report or dispense in a transaction of its own, and
only then moves the cursor: a crash in between repeats work that is idempotent on (source id,
source version). What names no order of ours, or cannot be read, becomes a stray with its reason.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from drassist.events import Event
from drassist.runtime.database import Database, now
from drassist.runtime.logs import get_logger
from subgraphs.orders import ports
from subgraphs.orders.models import (
    Cursor,
    Dispense,
    Observation,
    Order,
    PrescriptionItem,
    Report,
    ReportVersion,
    Stray,
    outbox,
)
from subgraphs.orders.services.commands import LAB, PHARMACY
from subgraphs.orders.services.results import ENDED, RELEASED, supersedes

__all__ = ["sweep_laboratory", "sweep_pharmacy", "take_dispense", "take_report"]

log = get_logger(__name__)

_CRITICAL = frozenset({"LL", "HH", "AA"})
_VALUES = [
    "source_id",
    "status",
    "code",
    "display",
    "effective",
    "value",
    "comparator",
    "unit",
    "ucum",
    "text",
    "absent_reason",
    "interpretation",
    "low",
    "high",
    "range_text",
    "note",
]


async def sweep_laboratory(database: Database, laboratory: ports.Laboratory) -> int:
    """Take what the laboratory has for us; returns how many reports were new to us."""
    cursor = await _cursor(database, LAB, Order)
    if cursor is None:
        return 0  # nothing was ever sent, so there is nothing to ask for
    found = await laboratory.sweep(cursor)
    new = 0
    for report in found.reports:
        new += await _in_race(take_report, database, report)
    await _finish(database, LAB, found.unreadable, found.cursor)
    return new


async def sweep_pharmacy(database: Database, pharmacy: ports.Pharmacy) -> int:
    """Take what the pharmacy has for us; returns how many dispenses were new to us."""
    cursor = await _cursor(database, PHARMACY, PrescriptionItem)
    if cursor is None:
        return 0
    found = await pharmacy.sweep(cursor)
    new = 0
    for dispense in found.dispenses:
        new += await _in_race(take_dispense, database, dispense)
    await _finish(database, PHARMACY, found.unreadable, found.cursor)
    return new


# Reports.


async def take_report(database: Database, incoming: ports.IncomingReport) -> bool:
    """Store one version of a report; False when it was known, or is a stray."""
    async with database.transaction() as session:
        order = await _by_placer(session, Order, incoming.placer_number)
        if order is None:
            await _stray(session, LAB, incoming.source_id, "names no order of ours")
            return False
        report = await session.scalar(
            sa.select(Report).where(Report.source_id == incoming.source_id).with_for_update()  # type: ignore[arg-type]
        )
        if report is not None and await _known(session, report.id, incoming.source_version):
            return False
        accepted = report is None or supersedes(
            incoming.status, incoming.issued, over=report.status, issued_before=report.issued
        )
        report = report or _new_report(order, incoming)
        session.add(report)
        number = await _keep_version(session, report, incoming, accepted)
        if not accepted:
            log.info("orders.late_version_ignored", report_id=report.id, status=incoming.status)
            return True
        await _make_current(session, report, incoming, number)
        await _answer_order(session, order, incoming.status)
        await outbox.add(session, _result_event(order, report, incoming, number))
        return True


def _new_report(order: Order, incoming: ports.IncomingReport) -> Report:
    return Report(
        order_id=order.id,
        patient_id=order.patient_id,
        encounter_id=order.encounter_id,
        source=LAB,
        source_id=incoming.source_id,
        source_version=incoming.source_version,
        status="unknown",
        category=order.category,
        display=incoming.display[:400],
    )


async def _known(session: AsyncSession, report_id: str, version: str) -> bool:
    found = await session.scalar(
        sa.select(ReportVersion.id).where(  # type: ignore[call-overload]
            ReportVersion.report_id == report_id, ReportVersion.source_version == version
        )
    )
    return found is not None


async def _keep_version(
    session: AsyncSession, report: Report, incoming: ports.IncomingReport, accepted: bool
) -> int:
    content = _content(incoming)
    text = orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
    count = await session.scalar(
        sa.select(sa.func.count())
        .select_from(ReportVersion)
        .where(ReportVersion.report_id == report.id)  # type: ignore[arg-type]
    )
    number = (count or 0) + 1
    session.add(
        ReportVersion(
            report_id=report.id,
            source_version=incoming.source_version,
            number=number,
            status=incoming.status,
            accepted=accepted,
            content=content,
            digest=hashlib.sha256(text).hexdigest(),
        )
    )
    return number


async def _make_current(
    session: AsyncSession, report: Report, incoming: ports.IncomingReport, number: int
) -> None:
    moment = now()
    report.version, report.updated_at = number, moment
    report.source_version, report.status = incoming.source_version, incoming.status
    report.filler_number, report.conclusion = incoming.filler_number, incoming.conclusion
    report.code, report.display = incoming.code, incoming.display[:400]
    report.effective, report.issued = incoming.effective, incoming.issued
    report.sorted_at = incoming.effective or incoming.issued or moment
    await session.execute(
        sa.delete(Observation).where(Observation.report_id == report.id)  # type: ignore[arg-type]
    )
    await session.flush()
    for position, value in enumerate(incoming.observations):
        session.add(_observation(report, position, value))


def _observation(report: Report, position: int, value: ports.IncomingObservation) -> Observation:
    fields = {name: getattr(value, name) for name in _VALUES}
    fields["display"] = fields["display"][:400]
    # the same observation may stand in two reports, each of which is whole on its own
    fields["source_id"] = f"{report.id}/{value.source_id}"[:200]
    return Observation(
        report_id=report.id,
        patient_id=report.patient_id,
        encounter_id=report.encounter_id,
        position=position,
        sorted_at=value.effective or report.sorted_at,
        **fields,
    )


async def _answer_order(session: AsyncSession, order: Order, status: str) -> None:
    if status in RELEASED and order.status in ("active", "on-hold"):
        order.status = "completed"
        order.version += 1
        order.updated_at = now()
        session.add(order)


def _result_event(
    order: Order, report: Report, incoming: ports.IncomingReport, number: int
) -> Event:
    corrected = number > 1 and incoming.status in {"corrected", "amended", "appended", *ENDED}
    flags = {value.interpretation for value in incoming.observations}
    return Event(
        "orders.result.corrected" if corrected else "orders.result.received",
        order.id,
        {
            "patient_id": order.patient_id,
            "encounter_id": order.encounter_id,
            "order_id": order.id,
            "report_id": report.id,
            "status": incoming.status,
            "version": number,
            "critical": bool(flags & _CRITICAL),
        },
    )


def _content(incoming: ports.IncomingReport) -> dict[str, Any]:
    """The version as JSON: decimals and instants as text, so that no digit is lost."""
    names = "source_id placer_number filler_number status code display effective issued conclusion"
    return {
        **{name: _plain(getattr(incoming, name)) for name in names.split()},
        "observations": [
            {name: _plain(getattr(value, name)) for name in _VALUES}
            for value in incoming.observations
        ],
    }


# Dispenses.


async def take_dispense(database: Database, incoming: ports.Dispense) -> bool:
    """Store one version of a dispense; False when it was known, or is a stray."""
    async with database.transaction() as session:
        item = await _by_placer(session, PrescriptionItem, incoming.placer_number)
        if item is None:
            await _stray(session, PHARMACY, incoming.source_id, "names no prescription of ours")
            return False
        dispense = await session.scalar(
            sa.select(Dispense).where(Dispense.source_id == incoming.source_id).with_for_update()  # type: ignore[arg-type]
        )
        if dispense is not None and dispense.source_version == incoming.source_version:
            return False
        if dispense is None:
            dispense = Dispense(
                item_id=item.id,
                patient_id=item.patient_id,
                source_id=incoming.source_id,
                source_version=incoming.source_version,
                status=incoming.status,
                medicine=incoming.medicine[:300] or item.medicine,
            )
        else:
            dispense.version += 1
        _update_dispense(dispense, incoming)
        session.add(dispense)
        event = Event(
            "orders.dispense.recorded",
            item.id,
            {
                "patient_id": item.patient_id,
                "encounter_id": item.encounter_id,
                "prescription_id": item.prescription_id,
                "medication_id": item.id,
                "dispense_id": dispense.id,
                "status": incoming.status,
                "version": dispense.version,
            },
        )
        await outbox.add(session, event)
        return True


def _update_dispense(dispense: Dispense, incoming: ports.Dispense) -> None:
    dispense.updated_at = now()
    dispense.source_version, dispense.status = incoming.source_version, incoming.status
    dispense.quantity, dispense.unit = incoming.quantity, incoming.unit
    dispense.days_supply, dispense.reason = incoming.days_supply, incoming.reason
    dispense.prepared, dispense.handed_over = incoming.prepared, incoming.handed_over
    dispense.substituted = incoming.substituted


# Both.


async def _by_placer(session: AsyncSession, model: Any, number: str | None) -> Any:
    if number is None:
        return None
    return await session.scalar(sa.select(model).where(model.placer_number == number))


async def _stray(session: AsyncSession, peer: str, source_id: str, reason: str) -> None:
    known = await session.scalar(
        sa.select(Stray.id).where(  # type: ignore[call-overload]
            Stray.peer == peer, Stray.source_id == source_id[:200], Stray.reason == reason[:500]
        )
    )
    if known is None:
        session.add(Stray(peer=peer, source_id=source_id[:200], reason=reason[:500]))


async def _cursor(database: Database, peer: str, model: Any) -> str | None:
    """Where to go on; at first an hour before the first thing that was sent: clocks differ."""
    async with database.session() as session:
        if (held := await session.get(Cursor, peer)) is not None:
            return held.position
        first = await session.scalar(sa.select(sa.func.min(model.sent_at)))
    if first is None:
        return None
    start = first - timedelta(hours=1)
    return str(start.isoformat(timespec="milliseconds").replace("+00:00", "Z"))


async def _finish(
    database: Database, peer: str, unreadable: Sequence[tuple[str, str, str]], position: str
) -> None:
    async with database.transaction() as session:
        for kind, id, reason in unreadable:
            await _stray(session, peer, f"{kind}/{id}", reason)
        await session.merge(Cursor(peer=peer, position=position, swept_at=now()))


async def _in_race(take: Any, database: Database, incoming: Any) -> bool:
    """Another process may take the same version at the same time: one of both wins, once."""
    try:
        return bool(await take(database, incoming))
    except IntegrityError:
        return bool(await take(database, incoming))


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    return value.isoformat() if hasattr(value, "isoformat") else value
