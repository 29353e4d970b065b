"""The port behind which every speech engine sits.

One engine serves many sessions and owns the model; a session is one recording's state. A session is fed from one task
at a time; the engine keeps the model off the event loop and bounds how many sessions it takes.
"""

from dataclasses import dataclass
from typing import Protocol

from drassist.speech.events import SpeechEvent

__all__ = ["EngineBusy", "SessionOptions", "SpeechEngine", "SpeechError", "SpeechSession"]


class SpeechError(Exception):
    """A speech engine cannot do what was asked; `code` is stable, the text never holds a patient's words."""

    code = "SPEECH_FAILED"


class EngineBusy(SpeechError):
    """The engine already serves as many sessions as it was told to."""

    code = "SPEECH_ENGINE_BUSY"


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """How one recording is to be heard.

    `offset` is where in the recording (seconds) the first sample fed lies, and `first_segment` the number of the
    segment to come: both are non-zero when a recording is taken up again. `hotwords` are words to expect: this
    patient's medicines and the doctor's favourites, not a formulary (long lists hurt unrelated speech).
    """

    language: str = "en"
    hotwords: tuple[str, ...] = ()
    speaker: str | None = None
    offset: float = 0.0
    first_segment: int = 0


class SpeechSession(Protocol):
    """One recording as an engine hears it."""

    async def feed(self, pcm: bytes) -> tuple[SpeechEvent, ...]:
        """Hear more audio (16 kHz mono PCM16) and return what became known through it, in order."""
        ...

    async def finish(self) -> tuple[SpeechEvent, ...]:
        """Close the last segment; the session hears nothing more."""
        ...

    def close(self) -> None:
        """Give the session's place back without finishing; safe to call twice."""
        ...


class SpeechEngine(Protocol):
    """A model that opens sessions."""

    async def open(self, options: SessionOptions) -> SpeechSession:
        """Start to hear a recording, or raise `EngineBusy`."""
        ...

    async def warm(self) -> None:
        """Load what is slow to load, so that the first words are not late."""
        ...

    async def aclose(self) -> None:
        """Release the model; open sessions end."""
        ...
