"""What an EHR has on record: reports, laboratory values, medicines.

Importing the same source again changes what changed and adds nothing twice: rows go by their
source, and ids of patients and encounters are derived from theirs. Vital signs belong to
encounters and are left alone; what names no patient is a stray, with the reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeGuard, assert_never

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from drassist.clinical import EHR, imported_id
from drassist.fhir import records as r
from drassist.runtime.database import Database, now
from subgraphs.orders.models import HistoricMedication, Observation, Report, Stray

__all__ = ["OrdersImport"]

_LOINC = "http://loinc.org"
_UNDATED = datetime(1900, 1, 1, tzinfo=UTC)
_NOT_OURS = frozenset({"vital-signs", "social-history", "survey", "activity", "exam"})


class OrdersImport:
    """A sink for an import (:class:`drassist.adapters.fhir.Sink`); kinds of others pass by.

    Give the observations of a report before it, or with it: importers do.
    """

    def __init__(self, database: Database, origin: str = EHR) -> None:
        self._database = database
        self._origin = origin
        self.mapped: Counter[str] = Counter()

    async def take(self, records: Sequence[r.Record]) -> None:
        """Store what is ours of these, in one transaction."""
        ours = [record for record in records if _is_ours(record)]
        if not ours:
            return
        async with self._database.transaction() as session:
            held = await _held(session, ours)
            for record in sorted(ours, key=lambda record: isinstance(record, r.ReportRecord)):
                await self._take(session, held, record)

    async def keep(self, leftovers: Sequence[r.Leftover]) -> None:
        """Resources that have no place are kept by the patients' sink, once for all."""

    async def _take(self, session: AsyncSession, held: _Held, record: _Ours) -> None:
        if record.patient.id is None:
            await _stray(session, record.source)
            return
        patient = imported_id("Patient", record.patient.id, self._origin)
        visit = record.encounter.id if record.encounter else None
        encounter = imported_id("Encounter", visit, self._origin) if visit else None
        match record:
            case r.ObservationRecord():
                _observation(session, held, record, patient, encounter)
            case r.ReportRecord():
                _report(session, held, record, patient, encounter)
            case r.MedicationRecord():
                _medication(session, held, record, patient, encounter)
            case _:
                assert_never(record)
        self.mapped[record.source.kind] += 1


_Ours = r.ObservationRecord | r.ReportRecord | r.MedicationRecord


def _is_ours(record: r.Record) -> TypeGuard[_Ours]:
    if isinstance(record, r.ObservationRecord):
        return not set(record.categories) & _NOT_OURS
    return isinstance(record, r.ReportRecord | r.MedicationRecord)


@dataclass(frozen=True, slots=True)
class _Held:
    """The rows that an import may meet again, by their source."""

    observations: dict[str, Observation]
    reports: dict[str, Report]
    medications: dict[str, HistoricMedication]


async def _held(session: AsyncSession, records: Sequence[_Ours]) -> _Held:
    """Read them with one statement for each table."""
    results = [
        f"{EHR}/{link}"
        for record in records
        if isinstance(record, r.ReportRecord)
        for link in record.results
    ]
    names = [_name(record.source) for record in records]

    async def of(model: Any, wanted: Sequence[str]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for start in range(0, len(wanted), 5_000):
            part = wanted[start : start + 5_000]
            rows = await session.scalars(sa.select(model).where(model.source_id.in_(part)))
            found.update({row.source_id: row for row in rows})
        return found

    return _Held(
        await of(Observation, [*names, *results]),
        await of(Report, names),
        await of(HistoricMedication, names),
    )


def _observation(
    session: AsyncSession,
    held: _Held,
    record: r.ObservationRecord,
    patient: str,
    encounter: str | None,
) -> None:
    name, values = _name(record.source), _values(record)
    row = held.observations.get(name)
    if row is None:
        row = Observation(patient_id=patient, source_id=name, **values)
        held.observations[name] = row
    for column, value in {**values, "encounter_id": encounter}.items():
        setattr(row, column, value)
    session.add(row)


def _values(record: r.ObservationRecord) -> dict[str, Any]:
    usual = record.ranges[0] if record.ranges else None
    amount = record.quantity
    return {
        "status": record.status,
        "code": record.code.code_in(_LOINC),
        "display": (record.code.label or "Observation")[:400],
        "effective": record.effective.at if record.effective else None,
        "sorted_at": _sorted_at(record.effective, record.issued),
        "value": amount.value if amount else None,
        "comparator": amount.comparator if amount else None,
        "unit": (amount.unit or "")[:80] or None if amount else None,
        "ucum": (amount.code or "")[:80] or None if amount else None,
        "text": _said(record),
        "absent_reason": record.absent_reason,
        "interpretation": next(iter(record.interpretations), None),
        "low": usual.low.value if usual and usual.low else None,
        "high": usual.high.value if usual and usual.high else None,
        "range_text": usual.text if usual else None,
        "note": "\n".join(record.notes) or None,
    }


def _said(record: r.ObservationRecord) -> str | None:
    if record.concept is not None:
        return record.concept.label
    if record.boolean is not None:
        return "yes" if record.boolean else "no"
    if record.components and record.text is None:
        return "; ".join(_component(part) for part in record.components)
    return record.text


def _component(part: r.Component) -> str:
    shown = f"{part.quantity.value} {part.quantity.unit or ''}".strip() if part.quantity else None
    said = shown or (part.concept.label if part.concept else part.text)
    return f"{part.code.label}: {said or part.absent_reason or 'absent'}"


def _report(
    session: AsyncSession,
    held: _Held,
    record: r.ReportRecord,
    patient: str,
    encounter: str | None,
) -> None:
    report = held.reports.get(_name(record.source))
    if report is None:
        report = Report(
            patient_id=patient,
            source=EHR,
            source_id=_name(record.source),
            source_version="",
            status=record.status,
            category="imaging" if {"RAD", "imaging"} & set(record.categories) else "laboratory",
            display="",
        )
    version = record.source.version or record.source.updated or "1"
    if report.source_version not in ("", version):
        report.version += 1
        report.updated_at = now()
    report.source_version, report.status = version, record.status
    report.encounter_id = encounter
    report.code = record.code.code_in(_LOINC)
    report.display = (record.code.label or "Report")[:400]
    report.effective = record.effective.at if record.effective else None
    report.issued = record.issued.at if record.issued else None
    report.sorted_at = _sorted_at(record.effective, record.issued)
    report.conclusion = record.conclusion
    session.add(report)
    held.reports[report.source_id] = report
    for position, link in enumerate(record.results):
        if (value := held.observations.get(f"{EHR}/{link}")) is not None:
            value.report_id, value.position = report.id, position


def _medication(
    session: AsyncSession,
    held: _Held,
    record: r.MedicationRecord,
    patient: str,
    encounter: str | None,
) -> None:
    row = held.medications.get(_name(record.source))
    coding = next((c for c in record.medication.codings if c.code), None)
    texts = [dosage.text for dosage in record.dosages if dosage.text]
    medicine = record.medication.label or "unnamed medicine"
    if record.do_not_perform:
        medicine = f"NOT to be given: {medicine}"  # a modifier: to ignore it inverts the order
    values: dict[str, Any] = {
        "encounter_id": encounter,
        "medicine": medicine[:400],
        "code": coding.code if coding else None,
        "code_system": coding.system if coding else None,
        "status": record.status,
        "dosage": "; ".join(texts) or None,
        "authored": record.authored.at if record.authored else None,
        "sorted_at": _sorted_at(record.authored),
        "prescriber": record.requester.display if record.requester else None,
    }
    if row is None:
        row = HistoricMedication(patient_id=patient, source_id=_name(record.source), **values)
        held.medications[row.source_id] = row
    for name, value in values.items():
        setattr(row, name, value)
    session.add(row)


def _name(source: r.Source) -> str:
    return f"{EHR}/{source}"[:200]


async def _stray(session: AsyncSession, source: r.Source) -> None:
    reason = "names no patient"
    known = await session.scalar(
        sa.select(Stray.id).where(  # type: ignore[call-overload]
            Stray.peer == EHR, Stray.source_id == _name(source), Stray.reason == reason
        )
    )
    if known is None:
        session.add(Stray(peer=EHR, source_id=_name(source), reason=reason))


def _sorted_at(*moments: r.Moment | None) -> datetime:
    return next((moment.at for moment in moments if moment is not None), _UNDATED)
