"""Batches: what many objects of one answer need is read by one statement each."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlmodel import col

from drassist.graph.batches import by_id, children, narrowed_pages
from subgraphs.notes.models import Note, NoteVersion, Recording, Segment

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

recording_by_id = by_id(Recording)
segment_by_id = by_id(Segment)
note_by_id = by_id(Note)

recordings_of_encounter = children(Recording, Recording.encounter_id, Recording.started_at)
segments_of_encounter = children(
    Segment,
    Segment.encounter_id,
    Segment.began_at,
    Segment.number,
    where=sa.and_(col(Segment.final), col(Segment.text) != ""),
)
"""Final segments with words in them, in the order they were spoken."""

notes_of_encounter = children(Note, Note.encounter_id, col(Note.created_at).desc())
versions_of_note = children(NoteVersion, NoteVersion.note_id, NoteVersion.number)


def _drafts_too(drafts: bool) -> Any:
    return sa.true() if drafts else col(Note.status) != "draft"


notes_of_patient = narrowed_pages(Note, Note.patient_id, Note.created_at, _drafts_too)
"""Pages of a patient's notes, newest first; the third of the key: whether drafts are among them."""
