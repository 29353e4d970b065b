"""The EHR comes in: records of patients, allergies and conditions become rows; nothing is dropped.

An imported row has an id derived from its source, so importing again changes it instead of doubling
it. A record that cannot be a row (a patient without a name, an allergy of nobody) is kept as
``unmapped`` with the reason, and so are the resources that the reader itself had no place for.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson
from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from drassist.clinical import (
    AbhaAddress,
    AbhaNumber,
    ContactPoint,
    HumanName,
    InvalidValue,
    Mrn,
    PartialDate,
    imported_id,
)
from drassist.events import Event
from drassist.fhir.records import (
    AllergyRecord,
    Concept,
    ConditionRecord,
    Leftover,
    Moment,
    PatientRecord,
    Record,
    Source,
)
from drassist.runtime.database import now
from subgraphs.patients.models import Allergy, Condition, Patient, Unmapped, outbox
from subgraphs.patients.services.registering import GENDERS, as_json, index, mint_mrn
from subgraphs.patients.services.wiring import Services

__all__ = ["ImportCounts", "PatientImport", "unmapped_counts"]

_NO_ALLERGY = {"716186003", "409137002", "429625007"}  # SNOMED: no known (drug, food) allergy


@dataclass(slots=True)
class ImportCounts:
    """What an import did here: rows made or changed by kind, and what was kept unmapped and why."""

    mapped: Counter[str] = field(default_factory=Counter)
    unmapped: Counter[tuple[str, str]] = field(default_factory=Counter)


class PatientImport:
    """A sink for records (:class:`subgraphs.patients.ports.RecordSink`); kinds of others pass by."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._origin = services.origin
        self.counts = ImportCounts()

    async def take(self, records: Sequence[Record]) -> None:
        patients = [r for r in records if isinstance(r, PatientRecord)]
        allergies = [r for r in records if isinstance(r, AllergyRecord)]
        conditions = [r for r in records if isinstance(r, ConditionRecord)]
        if not (patients or allergies or conditions):
            return
        async with self._services.database.transaction() as session:
            await self._patients(session, patients)
            known = await self._known(session, [*allergies, *conditions])
            for allergy in allergies:
                await self._allergy(session, allergy, known)
            for condition in conditions:
                await self._condition(session, condition, known)

    async def keep(self, leftovers: Sequence[Leftover]) -> None:
        async with self._services.database.transaction() as session:
            for leftover in leftovers:
                await self._unmapped(session, leftover.source, leftover.reason, leftover.raw)

    async def _patients(self, session: AsyncSession, records: Sequence[PatientRecord]) -> None:
        changed: list[Patient] = []
        for record in records:
            try:
                names = _names(record)
            except InvalidValue as error:
                await self._unmapped(session, record.source, str(error), _raw(record))
                continue
            id = imported_id("Patient", record.source.id, self._origin)
            patient = await session.get(Patient, id)
            if patient is None:
                mrn = await self._free_mrn(session, record)
                patient = Patient(id=id, mrn=mrn, name=names[0].text, source=str(record.source))
                session.add(patient)
                topic = "patients.patient.registered"
            else:
                patient.version += 1
                patient.updated_at = now()
                topic = "patients.patient.updated"
            await self._fill(session, patient, record, names)
            await session.flush()
            changed.append(patient)
            self.counts.mapped["Patient"] += 1
            await outbox.add(
                session,
                Event(topic, id, {"patient_id": id, "version": patient.version, "actor": "import"}),
            )
        await index(session, [p for p in changed if p.replaced_by is None])

    async def _fill(
        self,
        session: AsyncSession,
        patient: Patient,
        record: PatientRecord,
        names: tuple[HumanName, ...],
    ) -> None:
        patient.names, patient.name = as_json(names), names[0].text
        patient.contacts = [
            c for t in record.telecoms if (c := _contact(t.system, t.value, t.use)) is not None
        ]
        patient.addresses = as_json(record.addresses)
        patient.identifiers = as_json(record.identifiers)
        patient.gender = record.gender if record.gender in GENDERS else "unknown"
        patient.birth_date, patient.birth_low = _birth(record.birth_date)
        patient.deceased = bool(record.deceased or record.deceased_at)
        patient.deceased_at = record.deceased_at.at if record.deceased_at else None
        patient.active = record.active
        patient.language = next((_language(c) for c in record.languages), None)
        patient.remainder = _json(record.remainder)
        for identifier in record.identifiers:
            if identifier.system and "ndhm.gov.in" in identifier.system:
                await self._link_abha(session, patient, identifier.value)

    async def _link_abha(self, session: AsyncSession, patient: Patient, value: str) -> None:
        """By system and shape: published examples carry the ABHA number under other types."""
        if "@" in value:
            try:
                patient.abha_address = AbhaAddress(value).value
            except InvalidValue:
                return
            return
        try:
            number = AbhaNumber(value).value
        except InvalidValue:
            return
        taken = await session.scalar(
            select(Patient.id).where(Patient.abha_number == number, Patient.id != patient.id)
        )
        if taken is None:  # else it stays among the identifiers, and the search shows both
            patient.abha_number = number

    async def _free_mrn(self, session: AsyncSession, record: PatientRecord) -> str:
        for identifier in record.identifiers:
            if identifier.type != "MR":
                continue
            try:
                mrn = str(Mrn(identifier.value))
            except InvalidValue:
                continue
            if await session.scalar(select(Patient.id).where(Patient.mrn == mrn)) is None:
                return mrn
        return await mint_mrn(session)

    async def _known(
        self, session: AsyncSession, records: Sequence[AllergyRecord | ConditionRecord]
    ) -> dict[str, Patient]:
        ids = {self._patient_id(record) for record in records} - {None}
        rows = await session.scalars(select(Patient).where(col(Patient.id).in_(ids)))
        return {row.id: row for row in rows}

    def _patient_id(self, record: AllergyRecord | ConditionRecord) -> str | None:
        if record.patient.id is None:
            return None
        return imported_id("Patient", record.patient.id, self._origin)

    async def _allergy(
        self, session: AsyncSession, record: AllergyRecord, known: Mapping[str, Patient]
    ) -> None:
        patient = known.get(self._patient_id(record) or "")
        if patient is None:
            await self._orphan(session, record)
            return
        codes = {c.code for c in record.code.codings}
        if codes & _NO_ALLERGY:
            patient.no_known_allergies = True
            self.counts.mapped["AllergyIntolerance"] += 1
            return
        id = imported_id("AllergyIntolerance", record.source.id, self._origin)
        row = await session.get(Allergy, id) or Allergy(id=id, patient_id=patient.id)
        row.code = _concept(record.code)
        row.kind, row.categories = record.type, list(record.categories)
        row.criticality = record.criticality
        row.clinical_status = record.clinical_status or "active"
        row.verification = record.verification_status or "unconfirmed"
        row.reactions = [
            {
                "manifestation": ", ".join(m.label or "" for m in reaction.manifestations)
                or reaction.description
                or "not described",
                "severity": reaction.severity,
            }
            for reaction in record.reactions
        ]
        row.note = "\n".join(record.notes) or None
        row.recorded_at = record.recorded.at if record.recorded else None
        row.source, row.remainder = str(record.source), _json(record.remainder)
        session.add(row)
        if row.clinical_status == "active":
            patient.no_known_allergies = False
        self.counts.mapped["AllergyIntolerance"] += 1

    async def _condition(
        self, session: AsyncSession, record: ConditionRecord, known: Mapping[str, Patient]
    ) -> None:
        patient = known.get(self._patient_id(record) or "")
        if patient is None:
            await self._orphan(session, record)
            return
        id = imported_id("Condition", record.source.id, self._origin)
        row = await session.get(Condition, id) or Condition(id=id, patient_id=patient.id)
        if record.encounter is not None and record.encounter.id is not None:
            row.encounter_id = imported_id("Encounter", record.encounter.id, self._origin)
        row.code = _concept(record.code)
        row.category = next(
            (c.code for concept in record.categories for c in concept.codings if c.code),
            "problem-list-item",
        )[:32]
        row.clinical_status = record.clinical_status
        row.verification = record.verification_status or "unconfirmed"
        row.severity = (record.severity.label or "")[:64] if record.severity else None
        row.onset = record.onset.text if record.onset else (record.onset_text or "")[:64] or None
        row.abatement = record.abatement.text if record.abatement else None
        row.note = "\n".join(record.notes) or None
        row.recorded_at = record.recorded.at if record.recorded else None
        row.source, row.remainder = str(record.source), _json(record.remainder)
        session.add(row)
        self.counts.mapped["Condition"] += 1

    async def _orphan(self, session: AsyncSession, record: AllergyRecord | ConditionRecord) -> None:
        await self._unmapped(session, record.source, "its patient is not known", _raw(record))

    async def _unmapped(
        self, session: AsyncSession, source: Source, reason: str, raw: Mapping[str, Any]
    ) -> None:
        self.counts.unmapped[source.kind, reason] += 1
        row = await session.get(Unmapped, str(source)) or Unmapped(
            source=str(source), kind=source.kind, reason=reason
        )
        row.reason, row.raw, row.imported_at = reason[:300], _json(raw), now()
        session.add(row)


async def unmapped_counts(services: Services) -> list[tuple[str, str, int]]:
    """What imports kept without a place: (kind, reason, count), by kind."""
    async with services.database.session() as session:
        rows = await session.execute(
            select(Unmapped.kind, Unmapped.reason, func.count())
            .group_by(col(Unmapped.kind), col(Unmapped.reason))
            .order_by(col(Unmapped.kind), col(Unmapped.reason))
        )
        return [(kind, reason, count) for kind, reason, count in rows]


def _names(record: PatientRecord) -> tuple[HumanName, ...]:
    names = tuple(
        HumanName(name.full, name.family, name.given, name.prefix, name.use)
        for name in record.names
        if name.full.strip()
    )
    if not names:
        raise InvalidValue("a patient without a name")
    return tuple(sorted(names, key=lambda name: name.use != "official"))


def _contact(system: str | None, value: str, use: str | None) -> dict[str, Any] | None:
    try:
        return dataclasses.asdict(ContactPoint(system or "other", value, use))
    except InvalidValue:  # kept as written: somebody may still read a number in it
        return {"system": "other", "value": value, "use": use}


def _birth(moment: Moment | None) -> tuple[str | None, Any]:
    if moment is None:
        return None, None
    try:
        date = PartialDate(moment.text[:10])
    except InvalidValue:
        return None, None
    return str(date), date.low


def _language(concept: Concept) -> str | None:
    code = next((c.code for c in concept.codings if c.code), None)
    return (code or concept.text or "")[:35] or None


def _concept(concept: Concept) -> dict[str, Any]:
    return {
        "text": concept.text,
        "codings": [
            {"system": c.system or "", "code": c.code, "display": c.display}
            for c in concept.codings
            if c.code
        ],
    }


def _raw(record: Record) -> dict[str, Any]:
    raw: dict[str, Any] = _json(dataclasses.asdict(record))
    return raw


def _json(value: Any) -> Any:
    """JSON values of whatever records hold; numbers keep their digits as text."""

    def plain(inner: Any) -> Any:
        if isinstance(inner, Decimal):
            return str(inner)
        if isinstance(inner, datetime):
            return inner.isoformat()
        if isinstance(inner, Mapping):
            return dict(inner)
        if isinstance(inner, tuple | set | frozenset):
            return list(inner)
        raise TypeError(type(inner).__name__)

    return orjson.loads(orjson.dumps(value, default=plain))
