"""Commands: order tests, cancel one; prescribe, stop a medicine; send again what was given up.

Each command that creates carries the client's key: the same key gives the first result again,
and another command under the same key is refused. What goes out is written to the outbox in the
transaction that makes it true.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import orjson
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from drassist.codes import lab_tests, medicines
from drassist.events import BUS, Event
from drassist.runtime.database import Database, claim_version, now
from subgraphs.orders.models import Order, Prescription, PrescriptionItem, outbox
from subgraphs.orders.ports import DosageInstruction
from subgraphs.orders.services.prescribing import check_dosages, dosages_to_json, quantity_of
from subgraphs.orders.services.problems import Problem, Warn

__all__ = [
    "LAB",
    "PHARMACY",
    "Author",
    "MedicineRequest",
    "PlaceOrders",
    "Placed",
    "Prescribe",
    "Prescribed",
    "TestRequest",
    "cancel_order",
    "place_orders",
    "prescribe",
    "stop_medicine",
]

LAB, PHARMACY = "lab", "pharmacy"
PRIORITIES = frozenset({"routine", "urgent", "asap", "stat"})
_OPEN = frozenset({"active", "on-hold"})
_MOST_AT_ONCE = 50
_LONGEST_TEXT = 2_000


@dataclass(frozen=True, slots=True)
class Author:
    """Who gives the command."""

    id: str | None
    name: str | None


@dataclass(frozen=True, slots=True)
class TestRequest:
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
    tests: tuple[TestRequest, ...]
    client_key: str


@dataclass(frozen=True, slots=True)
class Placed:
    orders: Sequence[Order]
    warnings: Sequence[Warn]


@dataclass(frozen=True, slots=True)
class MedicineRequest:
    """One medicine: from the catalogue by id, or as free text that a doctor stands for."""

    medicine_id: str | None
    text: str | None
    dosages: tuple[DosageInstruction, ...]
    quantity: Decimal | None = None
    quantity_unit: str | None = None
    repeats: int = 0
    substitution_allowed: bool = True
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Prescribe:
    """Medicines that are prescribed together."""

    patient_id: str
    encounter_id: str | None
    medicines: tuple[MedicineRequest, ...]
    note: str | None
    client_key: str


@dataclass(frozen=True, slots=True)
class Prescribed:
    prescription: Prescription
    items: Sequence[PrescriptionItem]
    warnings: Sequence[Warn]


# Tests.


async def place_orders(database: Database, author: Author, command: PlaceOrders) -> Placed:
    """Order tests; raises :class:`Problem`. The same client key gives the same orders."""
    _check_tests(command)
    digest = _digest(command)
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
    requisition, moment = _number("RQ"), now()
    warnings = await _ordered_lately(session, command)
    orders = [
        Order(
            patient_id=command.patient_id,
            encounter_id=command.encounter_id,
            placer_number=_number("LO"),
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
        await outbox.add(session, _order_event("orders.order.placed", order), to=(BUS, LAB))
    return Placed(orders, warnings)


async def cancel_order(
    database: Database, id: str, reason: str, expected_version: int | None
) -> Order:
    """Revoke an order that is not done; raises :class:`Problem` or ``VersionConflict``."""
    text = _required(reason, "reason")
    async with database.transaction() as session:
        order = await session.get(Order, id)
        if order is None:
            raise Problem("NOT_FOUND", "There is no such order.", "id")
        if order.status == "revoked":
            return order
        if order.status not in _OPEN:
            raise Problem("INVALID_STATE", f"An order that is {order.status} stays so.", "id")
        await claim_version(session, order, expected_version)
        order.status, order.status_reason = "revoked", text
        await outbox.add(session, _order_event("orders.order.cancelled", order), to=(BUS, LAB))
        return order


def _check_tests(command: PlaceOrders) -> None:
    _check_command(command.patient_id, command.client_key, len(command.tests), "tests")
    for number, test in enumerate(command.tests):
        path = ("tests", str(number))
        if test.code not in lab_tests():
            raise Problem("UNKNOWN_TEST", "The catalogue has no such test.", *path, "code")
        if test.priority not in PRIORITIES:
            raise Problem("INVALID_PRIORITY", "No such priority.", *path, "priority")
        _limit(test.reason, *path, "reason")
        _limit(test.note, *path, "note")
    codes = [test.code for test in command.tests]
    if len(set(codes)) < len(codes):
        raise Problem("DUPLICATE_TEST", "One test stands here twice.", "tests")


async def _placed_before(session: AsyncSession, key: str, digest: str) -> list[Order]:
    rows = await session.scalars(
        sa.select(Order).where(Order.client_key == key).order_by(Order.client_index)  # type: ignore[arg-type]
    )
    found = list(rows)
    if found and found[0].client_digest != digest:
        raise Problem("IDEMPOTENCY_KEY_REUSED", "This key belongs to another command.", "clientKey")
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
            ("tests", str([test.code for test in command.tests].index(order.code))),
            order.id,
        )
        for order in rows
    ]


def _order_event(topic: str, order: Order) -> Event:
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


# Medicines.


async def prescribe(database: Database, author: Author, command: Prescribe) -> Prescribed:
    """Sign a prescription; raises :class:`Problem`. The same client key gives the same one."""
    _check_medicines(command)
    digest = _digest(command)
    try:
        async with database.transaction() as session:
            if found := await _prescribed_before(session, command.client_key, digest):
                return found
            return await _prescribe(session, author, command, digest)
    except IntegrityError:
        async with database.session() as session:
            if found := await _prescribed_before(session, command.client_key, digest):
                return found
        raise


async def _prescribe(
    session: AsyncSession, author: Author, command: Prescribe, digest: str
) -> Prescribed:
    moment = now()
    prescription = Prescription(
        patient_id=command.patient_id,
        encounter_id=command.encounter_id,
        number=_number("RX"),
        note=command.note,
        requester_id=author.id,
        requester_name=author.name,
        authored=moment,
        client_key=command.client_key,
        client_digest=digest,
    )
    items = [
        _item(prescription, number, request) for number, request in enumerate(command.medicines)
    ]
    warnings = await _taken_already(session, command.patient_id, items)
    session.add_all([prescription, *items])
    await session.flush()
    signed = Event(
        "orders.prescription.signed",
        prescription.id,
        {
            "patient_id": prescription.patient_id,
            "encounter_id": prescription.encounter_id,
            "prescription_id": prescription.id,
        },
    )
    await outbox.add(session, signed)
    for item in items:
        event = item_event("orders.medication.prescribed", item)
        await outbox.add(session, event, to=(BUS, PHARMACY))
    return Prescribed(prescription, items, warnings)


async def stop_medicine(
    database: Database, id: str, reason: str, expected_version: int | None
) -> PrescriptionItem:
    """Stop a medicine; raises :class:`Problem` or ``VersionConflict``."""
    text = _required(reason, "reason")
    async with database.transaction() as session:
        item = await session.get(PrescriptionItem, id)
        if item is None:
            raise Problem("NOT_FOUND", "There is no such prescribed medicine.", "id")
        if item.status == "stopped":
            return item
        if item.status not in _OPEN:
            raise Problem("INVALID_STATE", f"A medicine that is {item.status} stays so.", "id")
        await claim_version(session, item, expected_version)
        item.status, item.status_reason = "stopped", text
        event = item_event("orders.medication.stopped", item)
        await outbox.add(session, event, to=(BUS, PHARMACY))
        return item


def _item(prescription: Prescription, number: int, request: MedicineRequest) -> PrescriptionItem:
    product = medicines().get(request.medicine_id or "")
    quantity = request.quantity or quantity_of(request.dosages)
    return PrescriptionItem(
        prescription_id=prescription.id,
        position=number,
        patient_id=prescription.patient_id,
        encounter_id=prescription.encounter_id,
        placer_number=_number("RI"),
        medicine_id=product.id if product else None,
        medicine=product.name if product else (request.text or "").strip(),
        status="active",
        dosages=dosages_to_json(request.dosages),
        quantity=quantity,
        quantity_unit=request.quantity_unit or (product.dose_unit if product else None),
        repeats=request.repeats,
        substitution_allowed=request.substitution_allowed,
        note=request.note,
        authored=prescription.authored,
    )


def _check_medicines(command: Prescribe) -> None:
    _check_command(command.patient_id, command.client_key, len(command.medicines), "medicines")
    _limit(command.note, "note")
    for number, request in enumerate(command.medicines):
        path = ("medicines", str(number))
        product = medicines().get(request.medicine_id or "")
        if request.medicine_id and product is None:
            raise Problem(
                "UNKNOWN_MEDICINE", "The catalogue has no such medicine.", *path, "medicineId"
            )
        if product is None and not (request.text or "").strip():
            raise Problem("MEDICINE_MISSING", "Name the medicine.", *path, "text")
        if request.text and len(request.text) > 300:
            raise Problem("TOO_LONG", "At most 300 characters.", *path, "text")
        if not 0 <= request.repeats <= 12:
            raise Problem("INVALID_REPEATS", "Between 0 and 12 repeats.", *path, "repeats")
        if request.quantity is not None and not 0 < request.quantity < 1_000_000:
            raise Problem("INVALID_QUANTITY", "More than nothing.", *path, "quantity")
        _limit(request.note, *path, "note")
        check_dosages(request.dosages, product, *path, "dosages")


async def _prescribed_before(session: AsyncSession, key: str, digest: str) -> Prescribed | None:
    found = await session.scalar(
        sa.select(Prescription).where(Prescription.client_key == key)  # type: ignore[arg-type]
    )
    if found is None:
        return None
    if found.client_digest != digest:
        raise Problem("IDEMPOTENCY_KEY_REUSED", "This key belongs to another command.", "clientKey")
    items = await session.scalars(
        sa.select(PrescriptionItem)
        .where(PrescriptionItem.prescription_id == found.id)  # type: ignore[arg-type]
        .order_by(PrescriptionItem.position)  # type: ignore[arg-type]
    )
    return Prescribed(found, list(items), ())


async def _taken_already(
    session: AsyncSession, patient_id: str, items: Sequence[PrescriptionItem]
) -> list[Warn]:
    """Warn of an active medicine with the same generic: two strengths are sometimes meant."""
    rows = await session.scalars(
        sa.select(PrescriptionItem).where(
            PrescriptionItem.patient_id == patient_id,  # type: ignore[arg-type]
            PrescriptionItem.status == "active",  # type: ignore[arg-type]
        )
    )
    taken = {_generic(item): item for item in rows}
    return [
        Warn(
            "TAKEN_ALREADY",
            f"{taken[_generic(item)].medicine} is active already.",
            ("medicines", str(item.position)),
            taken[_generic(item)].id,
        )
        for item in items
        if _generic(item) in taken
    ]


def _generic(item: PrescriptionItem) -> str:
    product = medicines().get(item.medicine_id or "")
    return (product.generic if product else item.medicine).casefold()


def item_event(topic: str, item: PrescriptionItem) -> Event:
    """An event about one prescribed medicine."""
    return Event(
        topic,
        item.id,
        {
            "patient_id": item.patient_id,
            "encounter_id": item.encounter_id,
            "prescription_id": item.prescription_id,
            "medication_id": item.id,
            "status": item.status,
            "version": item.version,
        },
    )


# Both.


def _check_command(patient_id: str, key: str, count: int, name: str) -> None:
    if not patient_id.startswith("Patient:") or len(patient_id) > 80:
        raise Problem("UNKNOWN_PATIENT", "This is no patient's id.", "patientId")
    if not 8 <= len(key) <= 80:
        raise Problem("INVALID_KEY", "A client key has 8 to 80 characters.", "clientKey")
    if not 1 <= count <= _MOST_AT_ONCE:
        raise Problem("INVALID_COUNT", f"Between 1 and {_MOST_AT_ONCE} at once.", name)


def _required(text: str, name: str) -> str:
    if not text.strip():
        raise Problem("REASON_MISSING", "Say why.", name)
    _limit(text, name)
    return text.strip()


def _limit(text: str | None, *path: str) -> None:
    if text is not None and len(text) > _LONGEST_TEXT:
        raise Problem("TOO_LONG", f"At most {_LONGEST_TEXT} characters.", *path)


def _digest(command: PlaceOrders | Prescribe) -> str:
    text = orjson.dumps(asdict(command), default=str, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(text).hexdigest()


def _number(prefix: str) -> str:
    """Return a number that people can read out and that no other system mints."""
    return f"{prefix}-{uuid4().hex[:12].upper()}"
