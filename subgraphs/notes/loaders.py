"""Batches: what many objects of one answer need is read by one statement each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import sqlalchemy as sa

from drassist.graph import Key, Page, Slice, paginate
from subgraphs.notes.models import Note, NoteVersion, Recording, Segment
from subgraphs.notes.services import Services

__all__ = [
    "note_by_id",
    "notes_of_encounter",
    "notes_of_patient",
    "recording_by_id",
    "recordings_of_encounter",
    "segment_by_id",
    "segments_of_encounter",
    "versions_of_note",
]

PageKey: TypeAlias = tuple[str, Page, bool]
"""A patient's id, a page, and whether drafts are among the notes."""


async def _by_id(services: Services, model: Any, ids: Sequence[str]) -> dict[str, Any]:
    async with services.database.session() as session:
        rows = await session.scalars(sa.select(model).where(model.id.in_(ids)))
        return {row.id: row for row in rows}


async def recording_by_id(services: Services, ids: Sequence[str]) -> Mapping[str, Recording]:
    return await _by_id(services, Recording, ids)


async def segment_by_id(services: Services, ids: Sequence[str]) -> Mapping[str, Segment]:
    return await _by_id(services, Segment, ids)


async def note_by_id(services: Services, ids: Sequence[str]) -> Mapping[str, Note]:
    return await _by_id(services, Note, ids)


async def _children(
    services: Services, statement: Any, owner: str, ids: Sequence[str]
) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = defaultdict(list)
    async with services.database.session() as session:
        for row in await session.scalars(statement):
            found[getattr(row, owner)].append(row)
    return {id: found[id] for id in ids}


async def recordings_of_encounter(
    services: Services, ids: Sequence[str]
) -> Mapping[str, list[Recording]]:
    model: Any = Recording
    chosen = sa.select(model).where(model.encounter_id.in_(ids)).order_by(model.started_at)
    return await _children(services, chosen, "encounter_id", ids)


async def segments_of_encounter(
    services: Services, ids: Sequence[str]
) -> Mapping[str, list[Segment]]:
    """Final segments with words in them, in the order they were spoken."""
    model: Any = Segment
    chosen = (
        sa.select(model)
        .where(model.encounter_id.in_(ids), model.final, model.text != "")
        .order_by(model.began_at, model.recording_id, model.number)
    )
    return await _children(services, chosen, "encounter_id", ids)


async def notes_of_encounter(services: Services, ids: Sequence[str]) -> Mapping[str, list[Note]]:
    model: Any = Note
    chosen = sa.select(model).where(model.encounter_id.in_(ids)).order_by(model.created_at.desc())
    return await _children(services, chosen, "encounter_id", ids)


async def versions_of_note(
    services: Services, ids: Sequence[str]
) -> Mapping[str, list[NoteVersion]]:
    model: Any = NoteVersion
    chosen = sa.select(model).where(model.note_id.in_(ids)).order_by(model.number)
    return await _children(services, chosen, "note_id", ids)


async def notes_of_patient(
    services: Services, keys: Sequence[PageKey]
) -> Mapping[PageKey, Slice[Note]]:
    """Pages of a patient's notes, newest first."""
    model: Any = Note
    order = (Key(model.created_at, descending=True), Key(model.id, descending=True))
    found: dict[PageKey, Slice[Note]] = {}
    async with services.database.session() as session:
        for id, page, drafts in keys:
            statement: Any = sa.select(model).where(model.patient_id == id)
            if not drafts:
                statement = statement.where(model.status != "draft")
            found[id, page, drafts] = await paginate(session, statement, order, page)
    return found
