"""Where utterances begin and end, told from speech probabilities alone.

An utterance opens at the first window of speech and closes after a pause. Speech without a pause is handed out when it
reaches `longest`, so that final text never waits for a breath: whoever transcribes it knows where the words are, and
says by `resume` where the next utterance begins. Positions are samples of the stream. No audio and no clock in here:
probabilities in, spans out.
"""

from dataclasses import dataclass

from drassist.speech.events import SAMPLE_RATE
from drassist.speech.vad import WINDOW

__all__ = ["Segmenter", "Span", "UtteranceOptions"]


@dataclass(frozen=True, slots=True)
class UtteranceOptions:
    """Thresholds are probabilities of speech, the rest seconds."""

    opens_at: float = 0.5
    closes_below: float = 0.35
    pause: float = 0.6
    shortest: float = 0.2
    padding: float = 0.2
    longest: float = 8.0


@dataclass(frozen=True, slots=True)
class Span:
    """Samples `start` to `end` of the stream, padding included; `complete` when a pause ended it."""

    start: int
    end: int
    complete: bool = True


class Segmenter:
    """Turns the probabilities of consecutive windows into utterances."""

    def __init__(self, options: UtteranceOptions) -> None:
        self._options = options
        self._window = 0  # windows heard so far
        self._opened: int | None = None  # first window of the open utterance
        self._last_speech = 0  # the window after the last one that was speech
        self._spent = 0  # samples that closed utterances own

    def hear(self, probability: float) -> Span | None:
        """Take the next window; the utterance that it closed, if it closed one.

        After a span that is not `complete`, `resume` must be called before the next window.
        """
        options, at = self._options, self._window
        self._window += 1
        if self._opened is None:
            if probability < options.opens_at:
                return None
            self._opened = at
        if probability >= options.closes_below:
            self._last_speech = at + 1
        if (self._window - self._last_speech) * WINDOW >= options.pause * SAMPLE_RATE:
            return self._close(self._last_speech)
        if (self._window - self._opened) * WINDOW >= options.longest * SAMPLE_RATE:
            return Span(self._padded_start(self._opened), self._window * WINDOW, complete=False)
        return None

    def resume(self, sample: int) -> None:
        """The incomplete utterance ends at `sample`; what was heard after it begins the next one."""
        assert self._opened is not None
        # an utterance that gives nothing away would be handed out again at every window
        self._spent = max(sample, self._padded_start(self._opened) + WINDOW)
        self._opened = max(self._opened, self._spent // WINDOW)

    @property
    def open_span(self) -> Span | None:
        """The utterance being spoken, as far as it is heard."""
        if self._opened is None:
            return None
        return Span(self._padded_start(self._opened), self._window * WINDOW)

    @property
    def silent_since(self) -> int:
        """Samples before this one no utterance will ever need."""
        if self._opened is not None:
            return self._padded_start(self._opened)
        return max(self._spent, self._window * WINDOW - self._padding())

    def finish(self) -> Span | None:
        """Close the open utterance at the end of the stream."""
        return None if self._opened is None else self._close(self._last_speech)

    def _close(self, end_window: int) -> Span | None:
        assert self._opened is not None
        opened, self._opened = self._opened, None
        if (end_window - opened) * WINDOW < self._options.shortest * SAMPLE_RATE:
            return None
        end = min(end_window * WINDOW + self._padding(), self._window * WINDOW)
        span = Span(self._padded_start(opened), end)
        self._spent = end
        return span

    def _padded_start(self, window: int) -> int:
        return max(self._spent, window * WINDOW - self._padding())

    def _padding(self) -> int:
        return int(self._options.padding * SAMPLE_RATE)
