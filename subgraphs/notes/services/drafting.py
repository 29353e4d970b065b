"""Segments -> a draft note, through the language engine; the doctor decides what stands."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

import sqlalchemy as sa

from drassist.events import Event
from drassist.graph import DomainError, ErrorCode
from drassist.language import ClinicalNlp, Context, Document, Speaker, Utterance
from drassist.runtime.database import Database
from subgraphs.notes.models import Note, Segment, outbox

__all__ = ["draft_note", "note_event", "segments_of"]

_SPEAKERS: Final[dict[str | None, Speaker]] = {"doctor": "doctor", "patient": "patient"}


async def segments_of(database: Database, encounter_id: str) -> Sequence[Segment]:
    """The final segments of an encounter in the order they were spoken."""
    statement = (
        sa.select(Segment)
        .where(
            Segment.encounter_id == encounter_id,  # type: ignore[arg-type]
            Segment.final,  # type: ignore[arg-type]
            Segment.text != "",  # type: ignore[arg-type]
        )
        .order_by(Segment.began_at, Segment.recording_id, Segment.number)  # type: ignore[arg-type]
    )
    async with database.session() as session:
        return (await session.scalars(statement)).all()


async def draft_note(
    database: Database,
    nlp: ClinicalNlp,
    *,
    encounter_id: str,
    author_id: str | None,
    author_name: str,
    context: Context,
) -> Note:
    """Draft a note from what was said so far; each call makes a new draft.

    Every medicine in it is a suggestion, undecided. Raises WRONG_STATE when nothing was said (or
    heard) yet.
    """
    segments = await segments_of(database, encounter_id)
    if not segments:
        raise DomainError(
            ErrorCode.WRONG_STATE, "There is no transcript yet: record the consultation first."
        )
    utterances = tuple(
        Utterance(
            segment.id,
            segment.text,
            _SPEAKERS.get(segment.speaker),
            segment.start_ms / 1000,
            segment.end_ms / 1000,
        )
        for segment in segments
    )
    document = await asyncio.to_thread(nlp.analyze, utterances, context)
    note = Note(
        encounter_id=encounter_id,
        patient_id=segments[0].patient_id,
        author_id=author_id,
        author_name=author_name[:200],
        sections=sections(document),
        entities=entities(document),
        suggestions=suggestions(document, {s.id: s.confidence / 1000 for s in segments}),
    )
    async with database.transaction() as session:
        session.add(note)
        await outbox.add(session, note_event("drafted", note))
    return note


def sections(document: Document) -> list[dict[str, Any]]:
    """The draft's sections as the note keeps them."""
    return [
        {
            "code": section.code,
            "title": section.title,
            "sentences": [
                {
                    "text": sentence.text,
                    "segments": list(sentence.segment_ids),
                    "entities": list(sentence.entity_ids),
                }
                for sentence in section.sentences
            ],
        }
        for section in document.note.sections
    ]


def suggestions(document: Document, sure: Mapping[str, float]) -> list[dict[str, Any]]:
    """Medicines to confirm as the note keeps them.

    The confidence is how alike the words are to the name, times how ``sure`` the speech engine is
    of the segment where they were heard best.
    """
    return [
        {
            "heard": each.heard,
            "medicine": each.medicine,
            "clear": each.clear,
            "confidence": round(each.confidence * max(sure[id] for id in each.utterance_ids), 2),
            "utterance_ids": list(each.utterance_ids),
            "decision": None,
        }
        for each in document.suggestions
    ]


def entities(document: Document) -> list[dict[str, Any]]:
    """Entities as the note keeps them; a medicine carries how it is taken."""
    taken: dict[tuple[str, str], dict[str, Any]] = {}
    for each in document.medications:
        values = asdict(each)
        numbers = {"dose", "period", "duration"}
        kept = {k: str(v) if k in numbers and v is not None else v for k, v in values.items()}
        kept["when"] = list(each.when)
        taken[each.utterance_id, each.medicine.lower()] = kept
    found = []
    for entity in document.entities:
        values = asdict(entity)
        if entity.kind == "medicine":
            values["dosage"] = taken.get((entity.utterance_id, entity.label.lower()))
        found.append(values)
    return found


def note_event(what: str, note: Note, **data: str | int) -> Event:
    """An event about a note; ids only."""
    ids: dict[str, str | int] = {"encounter_id": note.encounter_id, "patient_id": note.patient_id}
    return Event(f"notes.note.{what}", note.id, {**ids, **data})
