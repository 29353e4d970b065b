"""A speech engine that knows its lines: for tests, and for showing the system without a model.

Each line has times; hearing audio up to a line's end yields its final text, hearing the first part of it yields
partials, word by word. What it says depends only on the audio's position, so a session that is taken up again at an
offset goes on with the next line, as a real engine would.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from drassist.speech.engine import SessionOptions
from drassist.speech.events import SAMPLE_RATE, EventKind, SpeechEvent

__all__ = ["Line", "ScriptedEngine"]


@dataclass(frozen=True, slots=True)
class Line:
    """One utterance of the script; times are seconds of the recording."""

    start: float
    end: float
    text: str
    speaker: str | None = None
    confidence: float = 0.9


class ScriptedEngine:
    """A `SpeechEngine` that reads from a script."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self._lines = tuple(sorted(lines, key=lambda line: line.start))

    async def open(self, options: SessionOptions) -> "ScriptedSession":
        rest = tuple(line for line in self._lines if line.end > options.offset + 0.001)
        return ScriptedSession(rest, options)

    async def warm(self) -> None:
        return

    async def aclose(self) -> None:
        return


class ScriptedSession:
    """A `SpeechSession` over the lines that are still to come."""

    def __init__(self, lines: tuple[Line, ...], options: SessionOptions) -> None:
        self._lines = list(lines)
        self._options = options
        self._position = options.offset
        self._segment = options.first_segment
        self._revision = 0

    async def feed(self, pcm: bytes) -> tuple[SpeechEvent, ...]:
        self._position += len(pcm) / 2 / SAMPLE_RATE
        events: list[SpeechEvent] = []
        # a sample is the smallest thing that can be late by rounding
        while self._lines and self._lines[0].end <= self._position + 1 / SAMPLE_RATE:
            events.append(self._final(self._lines.pop(0)))
        if self._lines and self._lines[0].start < self._position:
            events.append(self._partial(self._lines[0]))
        return tuple(events)

    async def finish(self) -> tuple[SpeechEvent, ...]:
        if not self._lines or self._lines[0].start >= self._position:
            return ()
        return (self._final(self._lines.pop(0)),)

    def close(self) -> None:
        self._lines.clear()

    def _partial(self, line: Line) -> SpeechEvent:
        words = line.text.split()
        share = (self._position - line.start) / (line.end - line.start)
        heard = " ".join(words[: max(1, int(len(words) * share))])
        self._revision += 1
        return self._event(EventKind.PARTIAL, line, heard, self._position)

    def _final(self, line: Line) -> SpeechEvent:
        self._revision += 1
        event = self._event(EventKind.FINAL, line, line.text, min(line.end, self._position))
        self._segment += 1
        self._revision = 0
        return event

    def _event(self, kind: EventKind, line: Line, text: str, end: float) -> SpeechEvent:
        return SpeechEvent(
            kind=kind,
            segment=self._segment,
            revision=self._revision,
            start=line.start,
            end=end,
            text=text,
            confidence=line.confidence,
            speaker=line.speaker or self._options.speaker,
        )
