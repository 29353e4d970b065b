"""Batches: each look-up of many at once is one query."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import col, select

from drassist.graph.batches import by_id
from subgraphs.patients.models import Allergy, Condition, Patient, SearchTerm
from subgraphs.patients.services.wiring import Services

__all__ = [
    "allergies_of",
    "allergy_by_id",
    "condition_by_id",
    "conditions_of",
    "patient_by_id",
    "patient_by_mrn",
    "patient_id_by_identifier",
]

_IN_ERROR = "entered-in-error"


async def patient_by_id(services: Services, ids: Sequence[str]) -> dict[str, Patient]:
    """Patients by id. An id that was merged away gives the survivor."""
    found: dict[str, Patient] = {}
    asked = {id: id for id in ids}
    async with services.database.session() as session:
        for _ in range(8):  # a chain of merges is short; a cycle cannot be made
            rows = await session.scalars(
                select(Patient).where(col(Patient.id).in_(set(asked.values())))
            )
            by_id = {row.id: row for row in rows}
            merged: dict[str, str] = {}
            for original, present in asked.items():
                row = by_id.get(present)
                if row is not None and row.replaced_by is not None:
                    merged[original] = row.replaced_by
                elif row is not None:
                    found[original] = row
            if not merged:
                break
            asked = merged
    return found


async def allergies_of(services: Services, ids: Sequence[str]) -> dict[str, list[Allergy]]:
    """Allergies of patients, the most dangerous first; without those entered in error."""
    async with services.database.session() as session:
        rows = await session.scalars(
            select(Allergy)
            .where(col(Allergy.patient_id).in_(ids), Allergy.verification != _IN_ERROR)
            .order_by(col(Allergy.created_at), col(Allergy.id))
        )
        grouped: dict[str, list[Allergy]] = {id: [] for id in ids}
        for row in rows:
            grouped[row.patient_id].append(row)
    for allergies in grouped.values():
        allergies.sort(key=lambda a: (a.clinical_status != "active", a.criticality != "high"))
    return grouped


async def conditions_of(services: Services, ids: Sequence[str]) -> dict[str, list[Condition]]:
    """Conditions of patients, active ones first; without those entered in error."""
    async with services.database.session() as session:
        rows = await session.scalars(
            select(Condition)
            .where(col(Condition.patient_id).in_(ids), Condition.verification != _IN_ERROR)
            .order_by(col(Condition.created_at), col(Condition.id))
        )
        grouped: dict[str, list[Condition]] = {id: [] for id in ids}
        for row in rows:
            grouped[row.patient_id].append(row)
    for conditions in grouped.values():
        conditions.sort(key=lambda c: c.clinical_status not in ("active", "recurrence", "relapse"))
    return grouped


allergy_by_id = by_id(Allergy)
condition_by_id = by_id(Condition)


async def patient_by_mrn(services: Services, mrns: Sequence[str]) -> dict[str, Patient]:
    """Patients by hospital number; the number of a merged one gives the survivor."""
    async with services.database.session() as session:
        rows = list(await session.scalars(select(Patient).where(col(Patient.mrn).in_(mrns))))
    survivors = await patient_by_id(services, [row.id for row in rows])
    return {row.mrn: survivors[row.id] for row in rows if row.id in survivors}


async def patient_id_by_identifier(
    services: Services, keys: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], str]:
    """Ids of patients by (system, value); a pair that two charts have is nobody's."""
    terms = {value.casefold()[:80] for _, value in keys}
    async with services.database.session() as session:
        rows = await session.scalars(
            select(Patient)
            .join(SearchTerm, col(SearchTerm.patient_id) == col(Patient.id))
            .where(SearchTerm.kind == "exact", col(SearchTerm.term).in_(terms))
            .where(col(Patient.replaced_by).is_(None))
        )
        wanted, found = set(keys), dict[tuple[str, str], set[str]]()
        for row in rows:
            for identifier in row.identifiers:
                key = (identifier["system"] or "", identifier["value"])
                if key in wanted:
                    found.setdefault(key, set()).add(row.id)
    return {key: ids.pop() for key, ids in found.items() if len(ids) == 1}
