"""What a listener hears from a speech engine: segments that grow, then stand.

A segment is one utterance. While it is spoken its text comes as `partial` events of rising revision; when the speaker
pauses one `final` event closes it. A later, better pass may replace a final text by a `revised` event. Segments are
numbered from the session's first number without holes; a final with empty text takes back partials that were noise.
"""

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["SAMPLE_RATE", "EventKind", "SpeechEvent"]

SAMPLE_RATE = 16_000
"""Samples per second of all audio inside the system: mono, signed 16-bit, little-endian."""


class EventKind(StrEnum):
    PARTIAL = "partial"
    FINAL = "final"
    REVISED = "revised"


@dataclass(frozen=True, slots=True)
class SpeechEvent:
    """The state of one segment.

    `start` and `end` are seconds from the beginning of the recording, `confidence` lies in 0..1, `speaker` is who the
    audio's channel belongs to ("doctor", "patient") or None where one microphone hears everybody.
    """

    kind: EventKind
    segment: int
    revision: int
    start: float
    end: float
    text: str
    confidence: float
    speaker: str | None = None
