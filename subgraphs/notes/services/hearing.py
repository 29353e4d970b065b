"""Stored audio -> segments.

One task per open recording reads its chunks in order and feeds the speech engine. The engine's
state lives in memory only; what is in the database is enough to start again: final segments, and
where the last one ends. After a crash the audio from there on is heard again, so nothing is lost
and nothing is written twice. A recording that gets no audio for a while gives its place in the
engine back, and is taken up again in the same way.

Partial segments go straight to the bus: the next one mends a loss. What stands, a final segment
or the end of a recording, goes through the outbox.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from types import TracebackType
from typing import Final, Self

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from drassist.events import Bus, Event
from drassist.runtime.database import Database, now
from drassist.runtime.logs import get_logger
from drassist.speech.engine import EngineBusy, SessionOptions, SpeechEngine, SpeechSession
from drassist.speech.events import SAMPLE_RATE, EventKind, SpeechEvent
from subgraphs.notes.models import AudioChunk, Recording, Segment, outbox

__all__ = ["Hearing"]

log = get_logger(__name__)

BATCH: Final = 16
RETRY_S: Final = 2.0
IDLE_S: Final = 30.0


class Hearing:
    """All recordings that are being heard; enter it while the subgraph runs.

    ``wake`` says that a recording has more audio, or that it was finished.
    """

    def __init__(
        self,
        database: Database,
        bus: Bus,
        engine: SpeechEngine,
        *,
        language: str = "en",
        idle_after: float = IDLE_S,
    ) -> None:
        self._database = database
        self._bus = bus
        self._engine = engine
        self._language = language
        self._idle_after = idle_after
        self._news: dict[str, asyncio.Event] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def __aenter__(self) -> Self:
        """Take up again whatever a former process left unheard."""
        async with self._database.session() as session:
            open_ones = await session.scalars(
                sa.select(Recording.id).where(Recording.status.in_(["recording", "finishing"]))  # type: ignore[call-overload, attr-defined]
            )
            for id in open_ones.all():
                self.wake(id)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._engine.aclose()

    def wake(self, id: str) -> None:
        """There is more to hear of recording ``id``."""
        self._news.setdefault(id, asyncio.Event()).set()
        if id not in self._tasks:
            self._tasks[id] = asyncio.create_task(self._hear(id), name=f"hear {id}")

    async def _hear(self, id: str) -> None:
        """Hear a recording until it is finished or idle; a failing engine is tried again."""
        news = self._news[id]
        try:
            while news.is_set():
                try:
                    await self._listener(id).run(news)
                except EngineBusy:
                    news.set()
                    await asyncio.sleep(RETRY_S)
                except Exception as error:  # noqa: BLE001  whatever broke: the audio is still there
                    log.warning("hearing.failed", subject=id, error_class=type(error).__name__)
                    news.set()
                    await asyncio.sleep(RETRY_S)
        finally:
            # in one step with the last look at the news, so that no call to wake falls between
            del self._tasks[id], self._news[id]

    def _listener(self, id: str) -> _Listener:
        return _Listener(
            self._database, self._bus, self._engine, id, self._language, self._idle_after
        )


class _Listener:
    """One pass over a recording, from where its final segments end."""

    def __init__(
        self,
        database: Database,
        bus: Bus,
        engine: SpeechEngine,
        id: str,
        language: str,
        idle_after: float,
    ) -> None:
        self._database = database
        self._bus = bus
        self._engine = engine
        self._id = id
        self._language = language
        self._idle_after = idle_after
        self._fed = 0

    async def run(self, news: asyncio.Event) -> None:
        """Return when the recording is transcribed, or when nothing came for a while."""
        news.clear()
        recording = await self._recording()
        if recording is None or recording.status == "transcribed":
            return
        self._fed = recording.heard_samples
        session = await self._engine.open(
            SessionOptions(
                language=self._language,
                hotwords=tuple(recording.hotwords),
                offset=recording.heard_samples / SAMPLE_RATE,
                first_segment=recording.next_segment,
            )
        )
        try:
            await self._follow(session, news)
        finally:
            session.close()

    async def _follow(self, session: SpeechSession, news: asyncio.Event) -> None:
        while True:
            news.clear()
            while pieces := await self._unheard():
                for pcm in pieces:
                    self._fed += len(pcm) // 2
                    await self._write(await session.feed(pcm))
            recording = await self._recording()
            assert recording is not None
            if recording.status == "finishing" and self._fed >= recording.samples:
                await self._write(await session.finish())
                await self._close()
                return
            if self._fed >= recording.samples and not await self._more(news):
                return

    async def _more(self, news: asyncio.Event) -> bool:
        """Wait for news; False when there were none for too long."""
        try:
            async with asyncio.timeout(self._idle_after):
                await news.wait()
        except TimeoutError:
            return False
        return True

    async def _recording(self) -> Recording | None:
        async with self._database.session() as session:
            return await session.get(Recording, self._id)

    async def _unheard(self) -> list[bytes]:
        """The next chunks from where we are; the first may begin in the middle of one."""
        statement = (
            sa.select(AudioChunk)
            .where(
                AudioChunk.recording_id == self._id,  # type: ignore[arg-type]
                AudioChunk.start + AudioChunk.samples > self._fed,  # type: ignore[arg-type]
            )
            .order_by(AudioChunk.sequence)  # type: ignore[arg-type]
            .limit(BATCH)
        )
        async with self._database.session() as session:
            chunks = (await session.scalars(statement)).all()
        return [chunk.pcm[max(0, self._fed - chunk.start) * 2 :] for chunk in chunks]

    async def _write(self, events: Iterable[SpeechEvent]) -> None:
        for event in events:
            row = await self._store(event)
            if row is None or row.final:
                continue
            try:
                await self._bus.publish(_changed(row))
            except Exception as error:  # noqa: BLE001  a bus that is away must not stop hearing
                log.warning("hearing.untold", subject=self._id, error_class=type(error).__name__)

    async def _store(self, event: SpeechEvent) -> Segment | None:
        """Write one segment's state; a final one moves the place to resume from.

        None when it stands already: somebody else hears the same recording, and was faster.
        """
        final = event.kind is not EventKind.PARTIAL
        async with self._database.transaction() as session:
            recording = await _locked(session, self._id)
            row = await session.scalar(
                sa.select(Segment).where(
                    Segment.recording_id == self._id,  # type: ignore[arg-type]
                    Segment.number == event.segment,  # type: ignore[arg-type]
                )
            )
            if row is not None and row.final and event.kind is not EventKind.REVISED:
                return None
            if row is None:
                row = _new_segment(recording, event.segment)
            row.revision += 1
            row.final = final
            row.start_ms, row.end_ms = round(event.start * 1000), round(event.end * 1000)
            row.speaker, row.text = event.speaker, event.text
            row.confidence = round(max(0.0, min(1.0, event.confidence)) * 1000)
            session.add(row)
            if final:
                heard = round(event.end * SAMPLE_RATE)
                recording.heard_samples = max(recording.heard_samples, heard)
                recording.next_segment = max(recording.next_segment, event.segment + 1)
                recording.updated_at = now()
                session.add(recording)
                await outbox.add(session, _changed(row))
        return row

    async def _close(self) -> None:
        """The recording is heard: what never became final was noise, and is taken back."""
        async with self._database.transaction() as session:
            recording = await _locked(session, self._id)
            if recording.status == "transcribed":
                return
            noise = sa.select(Segment).where(
                Segment.recording_id == self._id,  # type: ignore[arg-type]
                Segment.final.is_(False),  # type: ignore[attr-defined]
            )
            for row in await session.scalars(noise):
                row.text, row.final, row.revision = "", True, row.revision + 1
                session.add(row)
                await outbox.add(session, _changed(row))
            recording.status = "transcribed"
            recording.version += 1
            recording.updated_at = now()
            session.add(recording)
            ids = {"encounter_id": recording.encounter_id, "patient_id": recording.patient_id}
            await outbox.add(
                session, Event("notes.recording.transcribed", recording.encounter_id, ids)
            )


async def _locked(session: AsyncSession, id: str) -> Recording:
    """The recording, held until the transaction ends: chunks come in beside us."""
    statement = sa.select(Recording).where(Recording.id == id).with_for_update()  # type: ignore[arg-type]
    found: Recording = (await session.scalars(statement)).one()
    return found


def _new_segment(recording: Recording, number: int) -> Segment:
    return Segment(
        recording_id=recording.id,
        encounter_id=recording.encounter_id,
        patient_id=recording.patient_id,
        began_at=recording.started_at,
        number=number,
        revision=0,
        final=False,
        start_ms=0,
        end_ms=0,
        text="",
    )


def _changed(row: Segment) -> Event:
    return Event(
        "notes.segment.changed",
        row.encounter_id,
        {
            "encounter_id": row.encounter_id,
            "patient_id": row.patient_id,
            "segment_id": row.id,
            "revision": row.revision,
            "final": row.final,
        },
    )
