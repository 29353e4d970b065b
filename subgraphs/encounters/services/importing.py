"""The EHR comes in: practitioners, encounters and vital signs become rows; the rest passes by.

Ids are derived from the source (:func:`drassist.clinical.imported_id`), so an encounter points at its
patient whatever was imported first, and importing again changes rows instead of doubling them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from drassist.clinical import imported_id
from drassist.fhir.records import (
    Amount,
    Component,
    EncounterRecord,
    Leftover,
    ObservationRecord,
    PractitionerRecord,
    Record,
    Reference,
)
from drassist.runtime.database import now
from subgraphs.encounters.models import Encounter, Practitioner, Vital
from subgraphs.encounters.services.signs import BLOOD_PRESSURE, by_code, signs
from subgraphs.encounters.services.visits import MOVES
from subgraphs.encounters.services.wiring import Services

__all__ = ["EncounterImport", "ImportCounts", "is_vital"]

LOINC = "http://loinc.org"
_PRESSURE = {BLOOD_PRESSURE, "55284-4"}  # the second is an older code that generators still use

_SAME = {"59408-5": "2708-6"}  # saturation by pulse oximeter is sent with either code


@dataclass(slots=True)
class ImportCounts:
    """Rows made or changed by kind, and records that could not be rows, with the reason."""

    mapped: Counter[str] = field(default_factory=Counter)
    unmapped: Counter[tuple[str, str]] = field(default_factory=Counter)


def is_vital(record: ObservationRecord) -> bool:
    """Whether an observation is a vital sign; ``vital-sign`` without an s is seen in the wild."""
    return bool({"vital-signs", "vital-sign"} & set(record.categories))


class EncounterImport:
    """A sink for records (:class:`subgraphs.encounters.ports.RecordSink`)."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._origin = services.origin
        self.counts = ImportCounts()

    async def take(self, records: Sequence[Record]) -> None:
        mine = [
            r
            for r in records
            if isinstance(r, PractitionerRecord | EncounterRecord)
            or (isinstance(r, ObservationRecord) and is_vital(r))
        ]
        if not mine:
            return
        async with self._services.database.transaction() as session:
            for record in mine:
                if isinstance(record, PractitionerRecord):
                    await self._practitioner(session, record)
            await session.flush()
            for record in mine:
                if isinstance(record, EncounterRecord):
                    await self._encounter(session, record)
            await session.flush()
            for record in mine:
                if isinstance(record, ObservationRecord):
                    await self._vital(session, record)

    async def keep(self, leftovers: Sequence[Leftover]) -> None:
        """Leftovers are kept once, by patients."""

    async def _practitioner(self, session: AsyncSession, record: PractitionerRecord) -> None:
        id = imported_id("Practitioner", record.source.id, self._origin)
        name = next((n.full for n in record.names if n.full.strip()), "Name not known")
        row = await session.get(Practitioner, id) or Practitioner(id=id, name=name[:200])
        row.name, row.active = name[:200], record.active
        row.specialty = next((q.label for q in record.qualifications if q.label), None)
        row.specialty = row.specialty[:120] if row.specialty else None
        number = next((i for i in record.identifiers if i.type in ("MD", "RN", "LN")), None)
        if number is not None:
            row.registration_number = number.value[:64]
            row.council = (number.system or "")[:120] or None
        row.source, row.remainder = str(record.source), _json(record.remainder)
        session.add(row)
        self.counts.mapped["Practitioner"] += 1

    async def _encounter(self, session: AsyncSession, record: EncounterRecord) -> None:
        patient = self._id(record.patient, "Patient")
        if patient is None:
            self.counts.unmapped["Encounter", "without a patient"] += 1
            return
        id = imported_id("Encounter", record.source.id, self._origin)
        row = await session.get(Encounter, id) or Encounter(id=id, patient_id=patient)
        row.patient_id = patient
        row.status = record.status if record.status in MOVES else "finished"
        row.class_code = (record.class_code or "AMB")[:8]
        doctors = [self._id(reference, "Practitioner") for reference in record.practitioners]
        for doctor in doctors:
            if doctor is not None and await session.get(Practitioner, doctor) is not None:
                row.practitioner_id = doctor
                break
        labels = [c.label for c in (*record.reasons, *record.types) if c.label]
        row.reason = labels[0] if labels else None
        start = record.period.start if record.period else None
        end = record.period.end if record.period else None
        if start is not None:
            row.arrived_at = row.started_at = start.at
        row.ended_at = end.at if end is not None else None
        row.history = [{"status": row.status, "at": now().isoformat(), "by": "import"}]
        row.source, row.remainder = str(record.source), _json(record.remainder)
        session.add(row)
        self.counts.mapped["Encounter"] += 1

    async def _vital(self, session: AsyncSession, record: ObservationRecord) -> None:
        patient = self._id(record.patient, "Patient")
        code = record.code.code_in(LOINC)
        code = _SAME.get(code or "", code)
        if patient is None or code is None:
            reason = "without a patient" if patient is None else "without a LOINC code"
            self.counts.unmapped["Observation", reason] += 1
            return
        id = imported_id("Observation", record.source.id, self._origin)
        row = await session.get(Vital, id) or Vital(id=id, patient_id=patient, code="", display="")
        row.patient_id = patient
        row.code = BLOOD_PRESSURE if code in _PRESSURE else code[:16]
        sign = by_code().get(code)
        row.display = (sign.name if sign else record.code.label or code)[:120]
        if row.code == BLOOD_PRESSURE:
            row.display = "Blood pressure"
        row.status = record.status[:24]
        moment = record.effective or record.issued
        if moment is not None:
            row.effective_at = moment.at
        encounter = self._id(record.encounter, "Encounter")
        if encounter is not None and await session.get(Encounter, encounter) is not None:
            row.encounter_id = encounter
        if record.quantity is not None:
            row.value, row.unit = _amount(record.quantity, sign.decimals if sign else None)
            row.original = {"value": str(record.quantity.value), "unit": record.quantity.unit}
        row.components = [
            {
                "code": c.code.code_in(LOINC),
                "display": c.code.label,
                "value": str(_amount(c.quantity, _decimals(c.code.code_in(LOINC)))[0]),
                "unit": _amount(c.quantity, None)[1],
                "interpretation": next(iter(c.interpretations), None),
                "absent_reason": c.absent_reason,
            }
            for c in sorted(record.components, key=_systolic_first)
            if c.quantity is not None
        ]
        row.absent_reason = (record.absent_reason or "")[:24] or None
        row.interpretation = next((i[:4] for i in record.interpretations), None)
        row.source, row.remainder = str(record.source), _json(record.remainder)
        session.add(row)
        self.counts.mapped["Observation"] += 1

    def _id(self, reference: Reference | None, kind: str) -> str | None:
        if reference is None or reference.id is None:
            return None
        return imported_id(kind, reference.id, self._origin)


def _systolic_first(component: Component) -> bool:
    return component.code.code_in(LOINC) == signs()["DIASTOLIC"].code


def _decimals(code: str | None) -> int | None:
    sign = by_code().get(code or "")
    return sign.decimals if sign else None


def _amount(amount: Amount, decimals: int | None) -> tuple[Decimal, str | None]:
    """The number as a screen shows it (what was written stays in ``original``), and its unit."""
    value = amount.value
    exponent = value.as_tuple().exponent
    if decimals is not None and isinstance(exponent, int) and -exponent > decimals:
        value = value.quantize(Decimal(1).scaleb(-decimals))
    unit = amount.code or amount.unit
    return value, unit[:24] if unit else None


def _json(value: Any) -> Any:
    def plain(inner: Any) -> Any:
        if isinstance(inner, Decimal):
            return str(inner)
        if isinstance(inner, datetime):
            return inner.isoformat()
        if isinstance(inner, Mapping):
            return dict(inner)
        return list(inner)

    return orjson.loads(orjson.dumps(value, default=plain))
