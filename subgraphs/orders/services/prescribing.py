"""Prescribe medicines, and stop one.

A prescription is what a doctor signs at once; each of its medicines goes to the pharmacy under a
placer number of its own. What goes out is written to the outbox in the same transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from drassist.codes import medicines
from drassist.events import BUS, Event
from drassist.graph.errors import DomainError, ErrorCode
from drassist.runtime.database import Database, claim_version, now
from subgraphs.orders.models import Prescription, PrescriptionItem, outbox
from subgraphs.orders.ports import DosageInstruction
from subgraphs.orders.services.commands import (
    OPEN,
    PHARMACY,
    Author,
    check_command,
    digest_of,
    key_reused,
    limit_text,
    new_number,
    required_text,
)
from subgraphs.orders.services.context import check_context
from subgraphs.orders.services.dosage import check_dosages, dosages_to_json, quantity_of
from subgraphs.orders.services.warnings import Warn

__all__ = ["MedicineRequest", "Prescribe", "Prescribed", "item_event", "prescribe", "stop_medicine"]


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


async def prescribe(database: Database, author: Author, command: Prescribe) -> Prescribed:
    """Sign a prescription; raises :class:`DomainError`. The same client key gives the same one."""
    _check_medicines(command)
    digest = digest_of(command)
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
    await check_context(session, command.patient_id, command.encounter_id)
    moment = now()
    prescription = Prescription(
        patient_id=command.patient_id,
        encounter_id=command.encounter_id,
        number=new_number("RX"),
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
    """Stop a medicine; raises :class:`DomainError` or ``VersionConflict``."""
    text = required_text(reason, "reason")
    async with database.transaction() as session:
        item = await session.get(PrescriptionItem, id)
        if item is None:
            raise DomainError(ErrorCode.NOT_FOUND, "There is no such prescribed medicine.", "id")
        if item.status == "stopped":
            return item
        if item.status not in OPEN:
            raise DomainError(
                ErrorCode.WRONG_STATE, f"A medicine that is {item.status} stays so.", "id"
            )
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
        placer_number=new_number("RI"),
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
    check_command(
        command.patient_id,
        command.encounter_id,
        command.client_key,
        len(command.medicines),
        "medicines",
    )
    limit_text(command.note, "note")
    for number, request in enumerate(command.medicines):
        path = ("medicines", str(number))
        product = medicines().get(request.medicine_id or "")
        if request.medicine_id and product is None:
            raise DomainError(
                ErrorCode.VALIDATION_FAILED,
                "The catalogue has no such medicine.",
                *path,
                "medicineId",
            )
        if product is None and not (request.text or "").strip():
            raise DomainError(ErrorCode.VALIDATION_FAILED, "Name the medicine.", *path, "text")
        if request.text and len(request.text) > 300:
            raise DomainError(ErrorCode.VALIDATION_FAILED, "At most 300 characters.", *path, "text")
        if not 0 <= request.repeats <= 12:
            raise DomainError(
                ErrorCode.VALIDATION_FAILED, "Between 0 and 12 repeats.", *path, "repeats"
            )
        if request.quantity is not None and not 0 < request.quantity < 1_000_000:
            raise DomainError(ErrorCode.VALIDATION_FAILED, "More than nothing.", *path, "quantity")
        if request.quantity_unit and len(request.quantity_unit) > 80:
            raise DomainError(
                ErrorCode.VALIDATION_FAILED, "At most 80 characters.", *path, "quantityUnit"
            )
        limit_text(request.note, *path, "note")
        check_dosages(request.dosages, product, *path, "dosages")


async def _prescribed_before(session: AsyncSession, key: str, digest: str) -> Prescribed | None:
    found = await session.scalar(
        sa.select(Prescription).where(Prescription.client_key == key)  # type: ignore[arg-type]
    )
    if found is None:
        return None
    if found.client_digest != digest:
        raise key_reused()
    items = await session.scalars(
        sa.select(PrescriptionItem)
        .where(PrescriptionItem.prescription_id == found.id)
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
