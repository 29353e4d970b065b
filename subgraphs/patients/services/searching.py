"""Finding patients: candidates by shared terms in one query, ranked by how well they fit.

The best :data:`MOST` are considered; a search that fits more people than that is too vague to be of
use at a counter, and says so by filling every page.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import func
from sqlmodel import col, select

from subgraphs.patients.models import Patient, SearchTerm
from subgraphs.patients.services.terms import Found, Wanted, score, wanted
from subgraphs.patients.services.wiring import Services

__all__ = ["MOST", "Match", "likely_duplicates", "search"]

MOST: Final = 300


@dataclass(frozen=True, slots=True)
class Match:
    """A patient that fits, how well (0 to 100) and by what."""

    patient: Patient
    score: float
    found: Found

    @property
    def key(self) -> tuple[float, str, str]:
        """The place in the ranking: better first, then by name and id."""
        return (-round(self.score, 2), self.patient.name.casefold(), self.patient.id)


async def search(
    services: Services, text: str, *, gender: str | None = None, birth_year: int | None = None
) -> list[Match]:
    """Patients that fit ``text``, best first; merged ones are left out for their survivors.

    Raises ``InvalidValue`` for a text too short to search.
    """
    sought = wanted(text)
    found: list[Match] = []
    for patient in await _candidates(services, sought):
        if gender is not None and patient.gender != gender:
            continue
        if birth_year is not None and not _born_about(patient, birth_year):
            continue
        if (fit := score(sought, patient)) is not None:
            found.append(Match(patient, *fit))
    return sorted(found, key=lambda match: match.key)


async def likely_duplicates(
    services: Services,
    *,
    name: str,
    phones: list[str],
    birth_year: int | None,
    gender: str | None,
    abha_number: str | None,
) -> list[Match]:
    """People who may be this one already, best first: facts that agree add up, a wrong gender or
    a year of birth more than two off takes away. Families share phones and twins share nearly
    everything, so it is a hint for a person and never a decision.
    """
    points: dict[str, tuple[float, Match]] = {}
    if abha_number:
        for match in await search(services, abha_number):
            if match.score == 100.0 and match.found is Found.ABHA:
                points[match.patient.id] = (100.0, match)
    for match in await search(services, name):
        score = 0.6 * match.score
        patient = match.patient
        theirs = {c["value"] for c in patient.contacts}
        if theirs & set(phones):
            score += 20
        if birth_year is not None and patient.birth_low is not None:
            score += 15 if abs(patient.birth_low.year - birth_year) <= 2 else -25
        if gender and patient.gender not in ("unknown", "other") and gender != "unknown":
            score += 5 if patient.gender == gender else -25
        best = points.get(patient.id)
        if score >= 70 and (best is None or best[0] < score):
            points[patient.id] = (score, Match(patient, min(score, 100.0), match.found))
    ranked = sorted(points.values(), key=lambda pair: (-pair[0], pair[1].patient.id))
    return [match for _, match in ranked[:10]]


async def _candidates(services: Services, sought: Wanted) -> list[Patient]:
    by_kind: dict[str, list[str]] = {}
    for kind, term in sought.terms:
        by_kind.setdefault(kind, []).append(term)
    conditions = [
        (col(SearchTerm.kind) == kind) & col(SearchTerm.term).in_(terms)
        for kind, terms in by_kind.items()
    ]
    matching = conditions[0]
    for condition in conditions[1:]:
        matching = matching | condition
    shared = func.count()
    ranked = (
        select(SearchTerm.patient_id, shared.label("shared"))
        .where(matching)
        .group_by(col(SearchTerm.patient_id))
        .order_by(shared.desc(), col(SearchTerm.patient_id))
        .limit(MOST)
        .subquery()
    )
    async with services.database.session() as session:
        rows = await session.scalars(
            select(Patient)
            .join(ranked, ranked.c.patient_id == Patient.id)
            .where(col(Patient.replaced_by).is_(None))
        )
        return list(rows)


def _born_about(patient: Patient, year: int) -> bool:
    return patient.birth_low is None or abs(patient.birth_low.year - year) <= 2
