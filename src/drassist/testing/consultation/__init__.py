"""A short synthetic consultation (two flite voices, 78 s), for demonstrations and tests.

Made by `scripts/make_consultation.py`; nobody real is heard in it.
"""

import json
from dataclasses import dataclass
from pathlib import Path

__all__ = ["AUDIO", "Turn", "turns"]

AUDIO = Path(__file__).with_name("consultation.opus")
"""16 kHz mono Opus; `drassist.speech.pcm.read_audio` reads it."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What one speaker ("doctor" or "patient") says in one go; times are seconds of the audio."""

    speaker: str
    start: float
    end: float
    text: str


def turns() -> tuple[Turn, ...]:
    """The words of the consultation in the order they are spoken."""
    words = json.loads(AUDIO.with_suffix(".json").read_text(encoding="utf-8"))
    return tuple(Turn(**turn) for turn in words["turns"])
