"""Vital signs: measured together, checked, interpreted; corrected by a new value, never over it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from drassist.clinical import InvalidValue
from drassist.graph import DomainError, ErrorCode
from drassist.runtime.database import claim_version, now
from drassist.runtime.identity import Identity
from subgraphs.encounters.models import Encounter, Vital
from subgraphs.encounters.services.signs import BLOOD_PRESSURE, Sign, normalised, signs, usual
from subgraphs.encounters.services.visits import present_encounter
from subgraphs.encounters.services.wiring import Services, tell

__all__ = ["ABSENT_REASONS", "Reading", "correct", "record"]

ABSENT_REASONS: Final = ("unknown", "asked-declined", "not-performed", "not-applicable", "error")


@dataclass(frozen=True, slots=True)
class Reading:
    """One value as it was read off: ``key`` as in :func:`signs.signs`, or a reason for none."""

    key: str
    value: Decimal | None
    unit: str | None = None
    absent_reason: str | None = None


async def record(
    services: Services,
    encounter_id: str,
    readings: tuple[Reading, ...],
    by: Identity,
    *,
    patient_id: str | None = None,
    age: int | None = None,
    effective: datetime | None = None,
) -> list[Vital]:
    """Record readings of one moment at an open encounter; BMI is derived from weight and height.

    ``patient_id`` is whom the caller believes to measure: another one is refused. ``age`` in years
    chooses the usual ranges. All are recorded, or none.
    """
    if not readings:
        raise InvalidValue("There is nothing to record", "input", "readings")
    moment = effective or now()
    if moment > now() + timedelta(minutes=5):
        raise InvalidValue("A measurement is not in the future", "input", "effectiveAt")
    rows = _rows(readings, age)
    async with services.database.transaction() as session:
        encounter = await present_encounter(session, encounter_id)
        _check_context(encounter, patient_id)
        for row in rows:
            row.patient_id, row.encounter_id = encounter.patient_id, encounter.id
            row.effective_at, row.performer = moment, by.subject
            session.add(row)
        await session.flush()
        await _tell(session, "vitals.recorded", encounter.patient_id, encounter.id, rows, by)
    return rows


async def correct(
    services: Services,
    id: str,
    expected_version: int,
    reading: Reading,
    reason: str,
    by: Identity,
    *,
    age: int | None = None,
) -> Vital:
    """Replace a wrong value: the old row says by which, the new one that it corrects."""
    if not reason.strip():
        raise InvalidValue("A correction needs a reason", "reason")
    async with services.database.transaction() as session:
        old = await session.get(Vital, id)
        if old is None:
            raise DomainError(ErrorCode.NOT_FOUND, "There is no such measurement.", "id")
        if old.corrected_by is not None:
            raise DomainError(ErrorCode.WRONG_STATE, "It has been corrected already.", "id")
        sign = signs().get(reading.key)
        if sign is None or sign.code != old.code:
            raise InvalidValue("A correction is of the same sign", "reading", "sign")
        await claim_version(session, old, expected_version)
        [new] = _rows((reading,), age)
        new.patient_id, new.encounter_id = old.patient_id, old.encounter_id
        new.effective_at, new.performer = old.effective_at, by.subject
        new.status, new.corrects, new.reason = "corrected", old.id, reason.strip()[:500]
        old.corrected_by = new.id
        session.add(new)
        await session.flush()
        await _tell(session, "vitals.corrected", old.patient_id, old.encounter_id, [new], by)
    return new


def _check_context(encounter: Encounter, patient_id: str | None) -> None:
    if patient_id is not None and patient_id != encounter.patient_id:
        raise DomainError(
            ErrorCode.STALE_CONTEXT, "This encounter is another patient's.", "input", "patientId"
        )
    if encounter.status in ("finished", "cancelled"):
        raise DomainError(ErrorCode.WRONG_STATE, f"The encounter is {encounter.status}.")


def _rows(readings: tuple[Reading, ...], age: int | None) -> list[Vital]:
    found = {reading.key: reading for reading in readings}
    if len(found) != len(readings):
        raise InvalidValue("Each sign is measured once", "input", "readings")
    rows = [
        _row(_sign(key), reading, age)
        for key, reading in found.items()
        if key not in ("SYSTOLIC", "DIASTOLIC")
    ]
    if "SYSTOLIC" in found or "DIASTOLIC" in found:
        rows.append(_pressure(found, age))
    if "BODY_WEIGHT" in found and "BODY_HEIGHT" in found and "BMI" not in found:
        rows += _body_mass_index(rows, age)
    return rows


def _sign(key: str) -> Sign:
    sign = signs().get(key)
    if sign is None:
        raise InvalidValue("There is no such sign", "input", "readings")
    return sign


def _row(sign: Sign, reading: Reading, age: int | None) -> Vital:
    row = Vital(patient_id="", code=sign.code, display=sign.name)
    if reading.value is None:
        if reading.absent_reason not in ABSENT_REASONS:
            raise InvalidValue(
                f"Without a value there is a reason: {', '.join(ABSENT_REASONS)}",
                "input",
                "readings",
            )
        row.absent_reason = reading.absent_reason
        return row
    quantity = normalised(sign, reading.value, reading.unit)
    row.value, row.unit = quantity.value, sign.unit
    if reading.unit not in (None, sign.unit):
        row.original = {"value": str(reading.value), "unit": reading.unit}
    row.interpretation = _interpretation(quantity.value, usual(sign, age))
    return row


def _pressure(found: dict[str, Reading], age: int | None) -> Vital:
    """One row with two components; systolic exceeds diastolic."""
    components: list[dict[str, Any]] = []
    marks: list[str | None] = []
    for key in ("SYSTOLIC", "DIASTOLIC"):
        reading = found.get(key)
        if reading is None:
            raise InvalidValue("A blood pressure has two values", "input", "readings")
        part = _row(_sign(key), reading, age)
        components.append(
            {
                "code": part.code,
                "display": part.display,
                "value": None if part.value is None else str(part.value),
                "unit": part.unit,
                "interpretation": part.interpretation,
                "absent_reason": part.absent_reason,
            }
        )
        marks.append(part.interpretation)
    high, low = (found[key].value for key in ("SYSTOLIC", "DIASTOLIC"))
    if high is not None and low is not None and low >= high:
        raise InvalidValue("Diastolic is below systolic pressure", "input", "readings")
    worst = next((m for m in ("H", "L", "N") if m in marks), None)
    return Vital(
        patient_id="",
        code=BLOOD_PRESSURE,
        display="Blood pressure",
        components=components,
        interpretation=worst,
    )


def _body_mass_index(rows: list[Vital], age: int | None) -> list[Vital]:
    values = {row.code: row.value for row in rows}
    weight, height = (values[signs()[key].code] for key in ("BODY_WEIGHT", "BODY_HEIGHT"))
    if weight is None or height is None:
        return []
    index = (weight / (height / 100) ** 2).quantize(Decimal("0.1"), ROUND_HALF_UP)
    low, high = signs()["BMI"].accept
    if not low <= index <= high:
        raise InvalidValue("Weight and height do not fit each other", "input", "readings")
    return [_row(signs()["BMI"], Reading("BMI", index), age)]


def _interpretation(value: Decimal, range_: tuple[Decimal, Decimal] | None) -> str | None:
    if range_ is None:
        return None
    return "L" if value < range_[0] else "H" if value > range_[1] else "N"


async def _tell(
    session: AsyncSession,
    topic: str,
    patient_id: str,
    encounter_id: str | None,
    rows: list[Vital],
    by: Identity,
) -> None:
    await tell(
        session,
        topic,
        patient_id,
        {
            "patient_id": patient_id,
            "encounter_id": encounter_id,
            "count": len(rows),
            "abnormal": any(row.interpretation in ("H", "L") for row in rows),
            "actor": by.subject,
        },
    )
