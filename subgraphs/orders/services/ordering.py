"""Order tests, and cancel one.

What goes out is written to the outbox in the transaction that makes it true.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from drassist.codes import lab_tests
from drassist.events import BUS, Event
from drassist.graph.errors import DomainError, ErrorCode
from drassist.runtime.database import Database, claim_version, now
from subgraphs.orders.models import Order, outbox
from subgraphs.orders.services.commands import (
    LAB,
    OPEN,
    Author,
    check_command,
    digest_of,
    key_reused,
    limit_text,
    new_number,
    required_text,
)
from subgraphs.orders.services.context import check_context
from subgraphs.orders.services.warnings import Warn

__all__ = ["OrderRequest", "PlaceOrders", "Placed", "cancel_order", "order_event", "place_orders"]

PRIORITIES = frozenset({"routine", "urgent", "asap", "stat"})


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """One test by its LOINC code in the catalogue."""

    code: str
    priority: str = "routine"
    reason: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class PlaceOrders:
    """Tests that are ordered together: one requisition."""

    patient_id: str
    encounter_id: str | None
    tests: tuple[OrderRequest, ...]
    client_key: str


@dataclass(frozen=True, slots=True)
class Placed:
    orders: Sequence[Order]
    warnings: Sequence[Warn]


async def place_orders(database: Database, author: Author, command: PlaceOrders) -> Placed:
    """Order tests; raises :class:`DomainError`. The same client key gives the same orders."""
    _check_tests(command)
    digest = digest_of(command)
    try:
        async with database.transaction() as session:
            if found := await _placed_before(session, command.client_key, digest):
                return Placed(found, ())
            return await _place(session, author, command, digest)
    except IntegrityError:
        # the same command ran beside this one and won: its orders are the answer
        async with database.session() as session:
            if found := await _placed_before(session, command.client_key, digest):
                return Placed(found, ())
        raise


async def _place(
    session: AsyncSession, author: Author, command: PlaceOrders, digest: str
) -> Placed:
    await check_context(session, command.patient_id, command.encounter_id)
    requisition, moment = new_number("RQ"), now()
    warnings = await _ordered_lately(session, command)
    orders = [
        Order(
            patient_id=command.patient_id,
            encounter_id=command.encounter_id,
            placer_number=new_number("LO"),
            requisition=requisition,
            category=lab_tests()[test.code].category,
            code=test.code,
            display=lab_tests()[test.code].name,
            priority=test.priority,
            status="active",
            reason=test.reason,
            note=test.note,
            requester_id=author.id,
            requester_name=author.name,
            authored=moment,
            client_key=command.client_key,
            client_index=index,
            client_digest=digest,
        )
        for index, test in enumerate(command.tests)
    ]
    session.add_all(orders)
    await session.flush()
    for order in orders:
        await outbox.add(session, order_event("orders.order.placed", order), to=(BUS, LAB))
    return Placed(orders, warnings)


async def cancel_order(
    database: Database, id: str, reason: str, expected_version: int | None
) -> Order:
    """Revoke an order that is not done; raises :class:`DomainError` or ``VersionConflict``."""
    text = required_text(reason, "reason")
    async with database.transaction() as session:
        order = await session.get(Order, id)
        if order is None:
            raise DomainError(ErrorCode.NOT_FOUND, "There is no such order.", "id")
        if order.status == "revoked":
            return order
        if order.status not in OPEN:
            raise DomainError(
                ErrorCode.WRONG_STATE, f"An order that is {order.status} stays so.", "id"
            )
        await claim_version(session, order, expected_version)
        order.status, order.status_reason = "revoked", text
        await outbox.add(session, order_event("orders.order.cancelled", order), to=(BUS, LAB))
        return order


def _check_tests(command: PlaceOrders) -> None:
    check_command(
        command.patient_id, command.encounter_id, command.client_key, len(command.tests), "items"
    )
    for number, test in enumerate(command.tests):
        path = ("items", str(number))
        if test.code not in lab_tests():
            raise DomainError(
                ErrorCode.VALIDATION_FAILED, "The catalogue has no such test.", *path, "code"
            )
        if test.priority not in PRIORITIES:
            raise DomainError(ErrorCode.VALIDATION_FAILED, "No such priority.", *path, "priority")
        limit_text(test.reason, *path, "reason")
        limit_text(test.note, *path, "note")
    codes = [test.code for test in command.tests]
    if len(set(codes)) < len(codes):
        raise DomainError(ErrorCode.VALIDATION_FAILED, "One test stands here twice.", "items")


async def _placed_before(session: AsyncSession, key: str, digest: str) -> list[Order]:
    rows = await session.scalars(
        sa.select(Order).where(Order.client_key == key).order_by(Order.client_index)  # type: ignore[arg-type]
    )
    found = list(rows)
    if found and found[0].client_digest != digest:
        raise key_reused()
    return found


async def _ordered_lately(session: AsyncSession, command: PlaceOrders) -> list[Warn]:
    """Warn of the same test within a day: a second one is sometimes right, so never refused."""
    rows = await session.scalars(
        sa.select(Order).where(
            Order.patient_id == command.patient_id,  # type: ignore[arg-type]
            Order.code.in_([test.code for test in command.tests]),  # type: ignore[attr-defined]
            Order.status.in_(["active", "on-hold", "completed"]),  # type: ignore[attr-defined]
            Order.authored > now() - timedelta(days=1),  # type: ignore[arg-type]
        )
    )
    return [
        Warn(
            "ORDERED_LATELY",
            f"{order.display} was ordered within the last day.",
            ("items", str([test.code for test in command.tests].index(order.code))),
            order.id,
        )
        for order in rows
    ]


def order_event(topic: str, order: Order) -> Event:
    return Event(
        topic,
        order.id,
        {
            "patient_id": order.patient_id,
            "encounter_id": order.encounter_id,
            "order_id": order.id,
            "status": order.status,
            "version": order.version,
        },
    )
