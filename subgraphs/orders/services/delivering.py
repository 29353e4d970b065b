"""From the outbox to the laboratory and the pharmacy.

The relay calls a destination until it returns; a peer that does not answer delays an order and
loses none. Peers know placer numbers, so a delivery that is repeated after an unknown outcome has
one effect. A refusal ends the delivery as a dead letter with its reason, and says so on the bus.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from drassist.adapters.errors import AdapterError
from drassist.codes import lab_tests
from drassist.events import Destination, Event, Undeliverable
from drassist.graph.errors import DomainError, ErrorCode
from drassist.runtime.database import Database, now
from subgraphs.orders.models import Order, Prescription, PrescriptionItem, outbox
from subgraphs.orders.ports import Laboratory, OutgoingMedicine, OutgoingOrder, Patients, Pharmacy
from subgraphs.orders.services.commands import LAB, PHARMACY
from subgraphs.orders.services.dosage import dosages_from_json
from subgraphs.orders.services.ordering import order_event
from subgraphs.orders.services.prescribing import item_event

__all__ = ["Deliveries", "Delivery", "deliveries_of", "resend"]


class Deliveries:
    """The destinations of the outbox, for the relay."""

    def __init__(
        self, database: Database, laboratory: Laboratory, pharmacy: Pharmacy, patients: Patients
    ) -> None:
        self._database = database
        self._laboratory = laboratory
        self._pharmacy = pharmacy
        self._patients = patients

    def destinations(self) -> Mapping[str, Destination]:
        return {LAB: self.to_lab, PHARMACY: self.to_pharmacy}

    async def to_lab(self, event: Event) -> None:
        """Deliver one event about an order."""
        async with self._database.session() as session:
            order = await session.get(Order, event.subject)
        if order is None:
            raise Undeliverable("the order does not exist")
        if event.topic == "orders.order.cancelled":
            reason = order.status_reason or "cancelled"
            cancelled = self._laboratory.cancel(order.placer_number, reason)
            await self._tell(cancelled, order_event("orders.order.refused", order))
            return
        if order.sent_at is not None or order.status == "revoked":
            return  # sent before, or withdrawn before it was ever sent
        outgoing = await self._outgoing_order(order)
        placed = self._laboratory.place(outgoing)
        reference = await self._tell(placed, order_event("orders.order.refused", order))
        async with self._database.transaction() as session:
            await _mark_sent(session, Order, order.id, reference)
            await outbox.add(session, order_event("orders.order.sent", order))

    async def to_pharmacy(self, event: Event) -> None:
        """Deliver one event about a prescribed medicine."""
        async with self._database.session() as session:
            item = await session.get(PrescriptionItem, event.subject)
            if item is None:
                raise Undeliverable("the medicine does not exist")
            prescription = await session.get(Prescription, item.prescription_id)
        assert prescription is not None  # written together with its items
        refused = item_event("orders.medication.refused", item)
        if event.topic == "orders.medication.stopped":
            reason = item.status_reason or "stopped"
            await self._tell(self._pharmacy.cancel(item.placer_number, reason), refused)
            return
        if item.sent_at is not None or item.status == "stopped":
            return
        outgoing = await self._outgoing_medicine(item, prescription)
        reference = await self._tell(self._pharmacy.send(outgoing), refused)
        async with self._database.transaction() as session:
            await _mark_sent(session, PrescriptionItem, item.id, reference)
            await outbox.add(session, item_event("orders.medication.sent", item))

    async def _tell(self, call: Awaitable[str | None], refused: Event) -> str:
        """Await the peer; a refusal becomes an event and a dead letter, the rest is retried."""
        try:
            return await call or ""
        except AdapterError as error:
            if error.retryable:
                raise
            async with self._database.transaction() as session:
                await outbox.add(session, refused)
            raise Undeliverable(f"{error.code}: {error.message}") from None

    async def _outgoing_order(self, order: Order) -> OutgoingOrder:
        return OutgoingOrder(
            placer_number=order.placer_number,
            requisition=order.requisition,
            category=order.category,
            code=order.code,
            code_verified=(test := lab_tests().get(order.code)) is not None and test.verified,
            display=order.display,
            priority=order.priority,
            reason=order.reason,
            note=order.note,
            requester=order.requester_name,
            authored=order.authored,
            subject=await self._patients.identify(order.patient_id),
        )

    async def _outgoing_medicine(
        self, item: PrescriptionItem, prescription: Prescription
    ) -> OutgoingMedicine:
        return OutgoingMedicine(
            placer_number=item.placer_number,
            prescription_number=prescription.number,
            medicine=item.medicine,
            medicine_code=item.medicine_id,
            dosages=dosages_from_json(item.dosages),
            quantity=item.quantity,
            quantity_unit=item.quantity_unit,
            repeats=item.repeats,
            substitution_allowed=item.substitution_allowed,
            note=item.note,
            requester=prescription.requester_name,
            authored=item.authored,
            subject=await self._patients.identify(item.patient_id),
        )


async def _mark_sent(
    session: AsyncSession, model: type[Order] | type[PrescriptionItem], id: str, reference: str
) -> None:
    """Note the peer's name for it; no new version, since nobody decided anything."""
    await session.execute(
        sa.update(model)
        .where(model.id == id)  # type: ignore[arg-type]
        .values(sent_at=now(), peer_reference=reference[:200])
    )


# What people see of it.


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message to a peer: ``pending``, ``delivered`` or ``dead`` with the reason."""

    sequence: int
    subject: str
    destination: str
    topic: str
    state: str
    attempts: int
    next_attempt_at: datetime | None
    settled_at: datetime | None
    reason: str | None


async def deliveries_of(database: Database, subjects: Sequence[str]) -> dict[str, list[Delivery]]:
    """Return the deliveries of orders and medicines by id, oldest first."""
    table = outbox.table
    statement = (
        sa.select(table)
        .where(table.c.subject.in_(subjects), table.c.destination.in_([LAB, PHARMACY]))
        .order_by(table.c.sequence)
    )
    found: dict[str, list[Delivery]] = {subject: [] for subject in subjects}
    async with database.session() as session:
        for row in await session.execute(statement):
            found[row.subject].append(_delivery(row))
    return found


async def given_up(database: Database, limit: int) -> list[Delivery]:
    """Return the deliveries that ended as dead letters, newest first."""
    table = outbox.table
    statement = (
        sa.select(table)
        .where(table.c.state == "dead", table.c.destination.in_([LAB, PHARMACY]))
        .order_by(table.c.sequence.desc())
        .limit(limit)
    )
    async with database.session() as session:
        return [_delivery(row) for row in await session.execute(statement)]


async def resend(database: Database, sequence: int) -> Delivery:
    """Try a dead letter again; raises :class:`DomainError` when there is none of that number."""
    async with database.transaction() as session:
        if not await outbox.revive(session, sequence):
            raise DomainError(
                ErrorCode.NOT_FOUND, "There is no such delivery that was given up.", "number"
            )
        table = outbox.table
        row = (await session.execute(sa.select(table).where(table.c.sequence == sequence))).one()
        return _delivery(row)


def _delivery(row: sa.Row[tuple[object, ...]]) -> Delivery:
    return Delivery(
        sequence=row.sequence,
        subject=row.subject,
        destination=row.destination,
        topic=row.topic,
        state=row.state,
        attempts=row.attempts,
        next_attempt_at=row.available_at if row.state == "pending" else None,
        settled_at=row.settled_at,
        reason=row.reason,
    )
