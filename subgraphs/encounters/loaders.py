"""Batches: each look-up of many at once is one query."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import sqlalchemy as sa
from sqlmodel import col, select

from drassist.graph.batches import by_id, children
from subgraphs.encounters.models import (
    Appointment,
    Encounter,
    Location,
    Practitioner,
    Task,
    Token,
    Vital,
)
from subgraphs.encounters.services.queueing import OPEN
from subgraphs.encounters.services.wiring import Services

__all__ = [
    "appointment_by_id",
    "encounter_by_id",
    "latest_vitals_of",
    "location_by_id",
    "practitioner_by_id",
    "queue_of",
    "task_by_id",
    "token_by_id",
    "token_of_encounter",
    "vital_by_id",
    "vitals_of_encounter",
]

practitioner_by_id = by_id(Practitioner)
location_by_id = by_id(Location)
appointment_by_id = by_id(Appointment)
encounter_by_id = by_id(Encounter)
token_by_id = by_id(Token)
vital_by_id = by_id(Vital)
task_by_id = by_id(Task)

vitals_of_encounter = children(
    Vital,
    Vital.encounter_id,
    col(Vital.effective_at).desc(),
    Vital.code,
    Vital.id,
    where=col(Vital.corrected_by).is_(None),
)
"""The present values measured at encounters, the newest first."""


async def token_of_encounter(services: Services, ids: Sequence[str]) -> dict[str, Token]:
    """The token of each encounter, the newest if it was given several."""
    async with services.database.session() as session:
        rows = await session.scalars(
            select(Token).where(col(Token.encounter_id).in_(ids)).order_by(col(Token.issued_at))
        )
        return {row.encounter_id: row for row in rows}


async def queue_of(
    services: Services, keys: Sequence[tuple[str, date]]
) -> dict[tuple[str, date], list[Token]]:
    """The open tokens of (practitioner, local day), unsorted."""
    pairs = [(col(Token.practitioner_id) == id) & (col(Token.day) == day) for id, day in keys]
    queues: dict[tuple[str, date], list[Token]] = {key: [] for key in keys}
    async with services.database.session() as session:
        rows = await session.scalars(
            select(Token).where(sa.or_(*pairs), col(Token.status).in_(OPEN))
        )
        for row in rows:
            queues[row.practitioner_id, row.day].append(row)
    return queues


async def latest_vitals_of(services: Services, ids: Sequence[str]) -> dict[str, list[Vital]]:
    """The newest value of each sign of patients, chosen by the database."""
    place = (
        sa.func.row_number()
        .over(
            partition_by=(col(Vital.patient_id), col(Vital.code)),
            order_by=(col(Vital.effective_at).desc(), col(Vital.id).desc()),
        )
        .label("place")
    )
    ranked = (
        select(col(Vital.id).label("id"), place)
        .where(
            col(Vital.patient_id).in_(ids),
            col(Vital.corrected_by).is_(None),
            Vital.status != "entered-in-error",
        )
        .subquery()
    )
    grouped: dict[str, list[Vital]] = {id: [] for id in ids}
    async with services.database.session() as session:
        rows = await session.scalars(
            select(Vital)
            .join(ranked, sa.and_(ranked.c.id == col(Vital.id), ranked.c.place == 1))
            .order_by(col(Vital.code))
        )
        for row in rows:
            grouped[row.patient_id].append(row)
    return grouped
