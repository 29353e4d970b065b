"""The default speech engine: faster-whisper with a small model for partial text and a larger one for final text.

An utterance (see `utterances`) is transcribed over and over while it grows, by the small model, and once when it is
complete, by the larger one. Whisper's encoder always reads 30 s; CTranslate2 accepts less, and the text stays the same
down to 10 s of (padded) input, at a sixth of the work: that makes live text on one CPU core possible. Where the short
window makes the decoder repeat itself, the utterance is read again through the full window.

Both models are shared by all sessions and run in a small pool of threads. A session has at most one piece of audio in
the pool: a caller that awaits `feed` is slowed to the speed of the model, and `max_sessions` bounds the pool's queue.
"""

import asyncio
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from drassist.speech.engine import EngineBusy, SessionOptions, SpeechError
from drassist.speech.events import SAMPLE_RATE, EventKind, SpeechEvent
from drassist.speech.models import model_path
from drassist.speech.pcm import floats
from drassist.speech.utterances import Segmenter, Span, UtteranceOptions
from drassist.speech.vad import StreamingVad

__all__ = ["WhisperEngine", "WhisperOptions"]

Samples = NDArray[np.float32]
T = TypeVar("T")

_SHORT_FRAMES, _FULL_FRAMES = 1000, 3000  # mel frames of 10 ms
_REPEATS = 2.4  # text that compresses better than this repeats itself
_TOKENS_PER_SECOND = 8  # fast speech is about 5
_LONGEST_PROMPT = 200  # characters of earlier text


@dataclass(frozen=True, slots=True)
class WhisperOptions:
    """How the models are run. `step` is the new audio (seconds) that is worth another partial text."""

    partial_model: str = "tiny.en"
    final_model: str = "base"
    model_dir: Path | None = None
    cache_dir: Path = Path("var/models")
    cpu_threads: int = 2
    workers: int = 1
    max_sessions: int = 16
    compute_type: str = "int8"
    beam_size: int = 1
    step: float = 0.7
    utterances: UtteranceOptions = field(default_factory=UtteranceOptions)


@dataclass(frozen=True, slots=True)
class Heard:
    """What a model made of one piece of audio."""

    text: str
    confidence: float
    silence: float
    repeats: float
    until: float | None = None  # seconds: where the last word of the text ends, if it was asked for


class WhisperEngine:
    """A `SpeechEngine` over faster-whisper."""

    def __init__(self, options: WhisperOptions | None = None) -> None:
        self.options = options or WhisperOptions()
        self._pool = ThreadPoolExecutor(self.options.workers, thread_name_prefix="speech")
        self._sessions = 0
        self._loading: asyncio.Future[None] | None = None
        self._partial: Listener | None = None
        self._final: Listener | None = None

    async def open(self, options: SessionOptions) -> "WhisperSession":
        if self._sessions >= self.options.max_sessions:
            raise EngineBusy(f"{self._sessions} recordings are being transcribed already")
        self._sessions += 1
        try:
            await self.warm()
        except BaseException:
            self._sessions -= 1
            raise
        assert self._partial is not None
        assert self._final is not None
        hearing = Hearing(self.options, options, self._partial, self._final)
        return WhisperSession(hearing, self)

    async def warm(self) -> None:
        # many sessions may want the models at once; they are loaded once, and a failure is tried again
        if self._loading is None or (self._loading.done() and self._loading.exception()):
            self._loading = asyncio.ensure_future(self.run(self._load))
        await asyncio.shield(self._loading)

    async def aclose(self) -> None:
        await asyncio.to_thread(self._pool.shutdown, wait=True, cancel_futures=True)

    async def run(self, work: Callable[..., T], *args: object) -> T:
        """Run `work` in the engine's threads."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work, *args)

    def release(self) -> None:
        """A session gives its place back."""
        self._sessions -= 1

    def _load(self) -> None:
        options = self.options
        partial = Listener(options.partial_model, options)
        same = options.final_model == options.partial_model
        self._final = partial if same else Listener(options.final_model, options)
        self._partial = partial


class WhisperSession:
    """A `SpeechSession`: runs its `Hearing` in the engine's threads."""

    def __init__(self, hearing: "Hearing", engine: WhisperEngine) -> None:
        self._hearing = hearing
        self._engine = engine
        self._open = True

    async def feed(self, pcm: bytes) -> tuple[SpeechEvent, ...]:
        if not self._open:
            raise SpeechError("the session is closed")
        return await self._engine.run(self._hearing.feed, pcm)

    async def finish(self) -> tuple[SpeechEvent, ...]:
        if not self._open:
            return ()
        try:
            return await self._engine.run(self._hearing.finish)
        finally:
            self.close()

    def close(self) -> None:
        if self._open:
            self._open = False
            self._engine.release()


class Hearing:
    """One recording: buffers audio, finds utterances and has them transcribed. Synchronous; one thread at a time."""

    def __init__(
        self,
        engine: WhisperOptions,
        options: SessionOptions,
        partial: "Listener",
        final: "Listener",
    ) -> None:
        self._step = int(engine.step * SAMPLE_RATE)
        self._options = options
        self._partial, self._final = partial, final
        self._vad = StreamingVad()
        self._segmenter = Segmenter(engine.utterances)
        self._buffer: Samples = np.zeros(0, dtype=np.float32)
        self._buffer_start = 0  # the stream's sample at which the buffer begins
        self._segment = options.first_segment
        self._revision = 0
        self._heard_until = 0  # the end of the audio that the last partial text covers
        self._before = ""  # the last final text, as the next one's context

    def feed(self, pcm: bytes) -> tuple[SpeechEvent, ...]:
        samples = floats(pcm)
        self._buffer = np.concatenate((self._buffer, samples))
        events: list[SpeechEvent] = []
        for probability in self._vad.feed(samples):
            if (span := self._segmenter.hear(probability)) is not None:
                events += self._conclude(span)
        # one partial per feed at most, of the newest audio: whoever is behind catches up instead of falling back
        if (open_span := self._segmenter.open_span) is not None:
            events += self._guess(open_span)
        self._forget(self._segmenter.silent_since)
        return tuple(events)

    def finish(self) -> tuple[SpeechEvent, ...]:
        span = self._segmenter.finish()
        return () if span is None else tuple(self._conclude(span))

    def _guess(self, span: Span) -> list[SpeechEvent]:
        if span.end - max(self._heard_until, span.start) < self._step:
            return []
        self._heard_until = span.end
        heard = self._partial.transcribe(
            self._cut(span), self._options.language, self._before, self._options.hotwords
        )
        if not heard.text:
            return []
        self._revision += 1
        return [self._event(EventKind.PARTIAL, span, heard)]

    def _conclude(self, span: Span) -> list[SpeechEvent]:
        heard = self._final.transcribe(
            self._cut(span),
            self._options.language,
            self._before,
            self._options.hotwords,
            whole=span.complete,
        )
        if not span.complete:
            # the words that are surely whole are final; the rest opens the next utterance
            end = span.end if heard.until is None else span.start + int(heard.until * SAMPLE_RATE)
            self._segmenter.resume(end)
            span = Span(span.start, end)
        if not heard.text and self._revision == 0:
            return []
        self._revision += 1
        event = self._event(EventKind.FINAL, span, heard)
        self._segment += 1
        self._revision = 0
        self._before = heard.text or self._before
        self._heard_until = 0
        return [event]

    def _event(self, kind: EventKind, span: Span, heard: Heard) -> SpeechEvent:
        return SpeechEvent(
            kind=kind,
            segment=self._segment,
            revision=self._revision,
            start=round(self._options.offset + span.start / SAMPLE_RATE, 3),
            end=round(self._options.offset + span.end / SAMPLE_RATE, 3),
            text=heard.text,
            confidence=heard.confidence,
            speaker=self._options.speaker,
        )

    def _cut(self, span: Span) -> Samples:
        return self._buffer[span.start - self._buffer_start : span.end - self._buffer_start]

    def _forget(self, before: int) -> None:
        if before > self._buffer_start:
            self._buffer = self._buffer[before - self._buffer_start :]
            self._buffer_start = before


class Listener:
    """One Whisper model: a piece of audio in, its text out."""

    def __init__(self, name: str, options: WhisperOptions) -> None:
        # slow to import (PyAV, onnxruntime, CTranslate2), and only needed where speech is heard
        from faster_whisper import WhisperModel

        path = model_path(name, model_dir=options.model_dir, cache_dir=options.cache_dir)
        self._model: Any = WhisperModel(
            str(path),
            device="cpu",
            compute_type=options.compute_type,
            cpu_threads=options.cpu_threads,
            num_workers=options.workers,
            local_files_only=True,
        )
        self._beam_size = options.beam_size

    def transcribe(
        self,
        samples: Samples,
        language: str,
        before: str,
        hotwords: tuple[str, ...],
        *,
        whole: bool = True,
    ) -> Heard:
        """The words in at most 30 s of audio; empty text where nobody speaks.

        When the audio is not `whole` its last words may be cut: they are left out, and `until` says where the text
        that is given ends.
        """
        features = self._model.feature_extractor(samples)
        frames = min(max(_SHORT_FRAMES, features.shape[1]), _FULL_FRAMES)
        heard = self._decode(features, frames, language, before, hotwords, whole=whole)
        if heard.repeats > _REPEATS:
            again = self._decode(features, _FULL_FRAMES, language, "", hotwords, whole=whole)
            heard = min(heard, again, key=lambda h: h.repeats)
        if heard.silence > 0.6 and heard.confidence < 0.37:  # e^-1, Whisper's own rule for silence
            return Heard("", 0.0, heard.silence, 0.0)
        return heard

    def _decode(
        self,
        features: NDArray[np.float32],
        frames: int,
        language: str,
        before: str,
        hotwords: tuple[str, ...],
        *,
        whole: bool,
    ) -> Heard:
        from faster_whisper.tokenizer import Tokenizer
        from faster_whisper.transcribe import get_compression_ratio, get_suppressed_tokens

        model = self._model
        tokenizer = Tokenizer(
            model.hf_tokenizer, model.model.is_multilingual, task="transcribe", language=language
        )
        prompt = model.get_prompt(
            tokenizer,
            tokenizer.encode(" " + before[-_LONGEST_PROMPT:]) if before else [],
            without_timestamps=True,
            hotwords=", ".join(hotwords) or None,
        )
        encoded = model.encode(_fit(features, frames))
        spoken = features.shape[1] / 100
        result = model.model.generate(
            encoded,
            [prompt],
            beam_size=self._beam_size,
            max_length=min(len(prompt) + int(spoken * _TOKENS_PER_SECOND) + 16, model.max_length),
            return_scores=True,
            return_no_speech_prob=True,
            suppress_blank=True,
            suppress_tokens=get_suppressed_tokens(tokenizer, [-1]),
        )[0]
        tokens = result.sequences_ids[0]
        text = tokenizer.decode(tokens).strip()
        until = None
        if not whole and text:
            words = model.find_alignment(tokenizer, [tokens], encoded, features.shape[1])[0]
            text, until = _whole_words(words, spoken)
        log_probability = result.scores[0] * len(tokens) / (len(tokens) + 1)
        return Heard(
            text=text,
            confidence=round(math.exp(log_probability), 3),
            silence=result.no_speech_prob,
            repeats=get_compression_ratio(text) if text else 0.0,
            until=until,
        )


def _whole_words(words: list[dict[str, Any]], spoken: float) -> tuple[str, float | None]:
    """The text up to the best place to cut, and the second at which it ends.

    Best is the end of a clause (punctuation) in the last half, else the widest gap between words in the last part; the
    last word may be half a word and is never kept.
    """
    ends = [i for i in range(len(words) - 1) if spoken / 2 < words[i]["end"] < spoken - 0.4]
    if not ends:
        return "".join(word["word"] for word in words).strip(), None
    clauses = [i for i in ends if words[i]["word"].rstrip().endswith((",", ".", "?", "!", ";"))]
    if clauses:
        last = clauses[-1]
    else:
        late = [i for i in ends if words[i]["end"] > spoken - 2.5] or ends
        last = max(late, key=lambda i: (words[i + 1]["start"] - words[i]["end"], i))
    middle = (words[last]["end"] + words[last + 1]["start"]) / 2
    return "".join(word["word"] for word in words[: last + 1]).strip(), float(middle)


def _fit(features: NDArray[np.float32], frames: int) -> NDArray[np.float32]:
    """The features, cut or filled with silence to `frames`."""
    features = features[:, :frames]
    missing = frames - features.shape[1]
    return np.pad(features, ((0, 0), (0, missing))) if missing else features
