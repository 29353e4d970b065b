"""Recording sessions: a chunk is stored before anybody is told that it arrived.

Chunks are numbered from 0. A number that was stored already is acknowledged again and changes
nothing; a number that leaves a gap is refused with the one that is expected, so that the sender
goes back to it. After a broken connection the sender asks where to go on, and resumes there.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from drassist.events import Event
from drassist.graph import DomainError, ErrorCode
from drassist.runtime.database import Database, now
from drassist.runtime.settings import SpeechSettings
from drassist.speech.events import SAMPLE_RATE
from subgraphs.notes.models import AudioChunk, Recording, outbox

__all__ = ["AudioRefused", "finish_recording", "recording_of", "start_recording", "store_chunk"]

MAX_HOTWORDS = 40


class AudioRefused(Exception):
    """A chunk that is not taken; ``expected`` is the sequence number to go on with."""

    def __init__(self, code: str, message: str, expected: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.expected = expected


async def start_recording(
    database: Database,
    *,
    encounter_id: str,
    patient_id: str,
    practitioner_id: str | None,
    hotwords: tuple[str, ...] = (),
) -> Recording:
    """Open a session for an encounter.

    Raises STALE_CONTEXT when the encounter was recorded for another patient before.
    """
    if len(hotwords) > MAX_HOTWORDS:
        raise DomainError(
            ErrorCode.VALIDATION_FAILED,
            f"At most {MAX_HOTWORDS} expected words: longer lists make everything else worse.",
            "input",
            "expectedWords",
        )
    row = Recording(
        encounter_id=encounter_id,
        patient_id=patient_id,
        practitioner_id=practitioner_id,
        hotwords=[word.strip()[:60] for word in hotwords if word.strip()],
    )
    async with database.transaction() as session:
        await _demand_same_patient(session, database, row)
        session.add(row)
        await outbox.add(session, _event("started", row))
    return row


async def _demand_same_patient(session: AsyncSession, database: Database, row: Recording) -> None:
    if not database.is_sqlite:  # there, a transaction that writes is alone already
        lock = sa.text("SELECT pg_advisory_xact_lock(hashtext(:encounter))")
        await session.execute(lock, {"encounter": row.encounter_id})
    other = sa.select(Recording.id).where(  # type: ignore[call-overload]
        Recording.encounter_id == row.encounter_id, Recording.patient_id != row.patient_id
    )
    if await session.scalar(other.limit(1)) is not None:
        raise DomainError(
            ErrorCode.STALE_CONTEXT,
            "This visit was recorded for another patient: open it again.",
            "input",
            "patientId",
        )


async def recording_of(database: Database, id: str) -> Recording | None:
    """The session of this id; None also for what cannot be an id."""
    if not 0 < len(id) <= 80 or not id.isprintable():
        return None
    async with database.session() as session:
        return await session.get(Recording, id)


async def store_chunk(
    database: Database, id: str, sequence: int, pcm: bytes, limits: SpeechSettings
) -> int:
    """Store a chunk; returns the number of the last chunk that is safe.

    Raises :class:`AudioRefused`: AUDIO_CHUNK_TOO_LARGE, AUDIO_CHUNK_MALFORMED (an odd number of
    bytes, or none), AUDIO_GAP, RECORDING_TOO_LONG, RECORDING_CLOSED, RECORDING_NOT_FOUND.
    """
    if len(pcm) > limits.max_chunk_bytes:
        raise AudioRefused(
            "AUDIO_CHUNK_TOO_LARGE",
            f"A chunk has at most {limits.max_chunk_bytes} bytes; this one has {len(pcm)}.",
        )
    if not pcm or len(pcm) % 2:
        raise AudioRefused(
            "AUDIO_CHUNK_MALFORMED", "A chunk is 16-bit samples: an even number of bytes, not 0."
        )
    async with database.transaction() as session:
        row = await _locked(session, id)
        if row is None:
            raise AudioRefused("RECORDING_NOT_FOUND", "There is no such recording.")
        if sequence < row.next_sequence:
            return row.next_sequence - 1
        if row.status != "recording":
            raise AudioRefused("RECORDING_CLOSED", "The recording is finished.")
        if sequence > row.next_sequence:
            raise AudioRefused(
                "AUDIO_GAP", f"Chunk {row.next_sequence} is missing.", row.next_sequence
            )
        samples = len(pcm) // 2
        if row.samples + samples > limits.max_recording_minutes * 60 * SAMPLE_RATE:
            raise AudioRefused("RECORDING_TOO_LONG", "The recording is at its longest.")
        session.add(
            AudioChunk(
                recording_id=id, sequence=sequence, start=row.samples, samples=samples, pcm=pcm
            )
        )
        row.next_sequence += 1
        row.samples += samples
        row.updated_at = now()
        session.add(row)
        return sequence


async def finish_recording(database: Database, id: str) -> Recording | None:
    """Close the session: what is stored is heard to its end, more is refused. Repeatable."""
    async with database.transaction() as session:
        row = await _locked(session, id)
        if row is None or row.status != "recording":
            return row
        row.status = "finishing"
        row.finished_at = row.updated_at = now()
        row.version += 1
        session.add(row)
        await outbox.add(session, _event("finished", row))
    return row


async def _locked(session: AsyncSession, id: str) -> Recording | None:
    """The row, held until the transaction ends: two senders of one recording take turns."""
    statement = sa.select(Recording).where(Recording.id == id).with_for_update()  # type: ignore[arg-type]
    found: Recording | None = await session.scalar(statement)
    return found


def _event(what: str, row: Recording) -> Event:
    return Event(
        f"notes.recording.{what}",
        row.id,
        {"encounter_id": row.encounter_id, "patient_id": row.patient_id},
    )
