"""The tables of notes: recordings with their audio, segments, notes and their signed versions.

Patient, encounter and practitioner are ids of other subgraphs here. A signed version is never
changed: an amendment is another row.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Column, Index, LargeBinary, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from drassist.events import Outbox
from drassist.runtime.database import JSON, UtcDateTime, naming, new_id, now

__all__ = ["AudioChunk", "Note", "NoteVersion", "Recording", "Segment", "metadata", "outbox"]

metadata = naming()
outbox = Outbox(metadata)


class _Table(SQLModel):
    metadata = metadata


def _id(kind: str) -> Any:
    return Field(default_factory=lambda: new_id(kind), primary_key=True, max_length=80)


def _moment(**options: Any) -> Any:
    nullable = options.pop("nullable", False)
    return Field(sa_column=Column(UtcDateTime(), nullable=nullable), **options)


def _json(**options: Any) -> Any:
    return Field(sa_column=Column(JSON, nullable=False), **options)


class Recording(_Table, table=True):
    """A recording session. ``next_sequence`` is the chunk that is expected, ``samples`` what is stored.

    ``heard_samples`` is where the last final segment ends: hearing is taken up again from there.
    """

    __tablename__ = "recordings"
    __table_args__ = (Index("ix_recordings_encounter", "encounter_id", "started_at"),)

    id: str = _id("RecordingSession")
    version: int = 1
    updated_at: datetime = _moment(default_factory=now)
    encounter_id: str = Field(max_length=80)
    patient_id: str = Field(max_length=80)
    practitioner_id: str | None = Field(default=None, max_length=80)
    status: str = Field(default="recording", max_length=16)
    hotwords: list[str] = _json(default_factory=list)
    next_sequence: int = 0
    samples: int = 0
    heard_samples: int = 0
    next_segment: int = 0
    started_at: datetime = _moment(default_factory=now)
    finished_at: datetime | None = _moment(default=None, nullable=True)


class AudioChunk(_Table, table=True):
    """A piece of audio as it came: 16 kHz mono PCM16 from ``start`` (samples) on."""

    __tablename__ = "audio_chunks"

    recording_id: str = Field(primary_key=True, max_length=80, foreign_key="recordings.id")
    sequence: int = Field(primary_key=True)
    start: int
    samples: int
    pcm: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class Segment(_Table, table=True):
    """One utterance; a partial one is overwritten until it is final. Times in milliseconds.

    ``began_at`` is when its recording began. A visit's segments are in the order of recordings,
    and within one in the order of speaking: audio may come faster than it was spoken, so the
    times of two recordings cannot be compared.
    """

    __tablename__ = "segments"
    __table_args__ = (
        UniqueConstraint("recording_id", "number"),
        Index("ix_segments_encounter", "encounter_id", "began_at", "number"),
    )

    id: str = _id("Segment")
    recording_id: str = Field(max_length=80, foreign_key="recordings.id")
    encounter_id: str = Field(max_length=80)
    patient_id: str = Field(max_length=80)
    began_at: datetime = _moment()
    number: int
    revision: int
    final: bool
    start_ms: int
    end_ms: int
    speaker: str | None = Field(default=None, max_length=16)
    confidence: int = 0
    text: str = Field(sa_column=Column(Text(), nullable=False))


class Note(_Table, table=True):
    """A clinical note: the draft, or what the newest signed version says."""

    __tablename__ = "notes"
    __table_args__ = (
        Index("ix_notes_patient", "patient_id", "created_at", "id"),
        Index("ix_notes_encounter", "encounter_id", "created_at"),
    )

    id: str = _id("ClinicalNote")
    version: int = 1
    updated_at: datetime = _moment(default_factory=now)
    created_at: datetime = _moment(default_factory=now)
    encounter_id: str = Field(max_length=80)
    patient_id: str = Field(max_length=80)
    author_id: str | None = Field(default=None, max_length=80)
    author_name: str = Field(max_length=200)
    status: str = Field(default="draft", max_length=16)
    sections: list[dict[str, Any]] = _json(default_factory=list)
    entities: list[dict[str, Any]] = _json(default_factory=list)
    suggestions: list[dict[str, Any]] = _json(default_factory=list)


class NoteVersion(_Table, table=True):
    """What was signed, as it was signed; ``document`` is its name in the EHR once it is there."""

    __tablename__ = "note_versions"
    __table_args__ = (UniqueConstraint("note_id", "number"),)

    id: str = _id("NoteVersion")
    note_id: str = Field(max_length=80, foreign_key="notes.id")
    number: int
    sections: list[dict[str, Any]] = _json()
    signed_at: datetime = _moment(default_factory=now)
    signed_by: str = Field(max_length=200)
    reason: str | None = Field(default=None, sa_column=Column(Text(), nullable=True))
    document: str | None = Field(default=None, max_length=200)
