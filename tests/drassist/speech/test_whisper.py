"""The real engine on the shipped consultation: synthetic speech, so the bound on words is generous."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import jiwer
import numpy as np
import pytest
import pytest_asyncio
from faster_whisper.vad import get_vad_model

from drassist.speech.engine import EngineBusy, SessionOptions
from drassist.speech.events import SAMPLE_RATE, SpeechEvent
from drassist.speech.pcm import chunks, floats, read_audio
from drassist.speech.vad import WINDOW, StreamingVad
from drassist.speech.whisper import WhisperEngine, WhisperOptions
from drassist.testing import consultation

CACHE = Path("var/models")
HOTWORDS = ("metformin", "azithromycin", "paracetamol")


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine() -> AsyncIterator[WhisperEngine]:
    engine = WhisperEngine(WhisperOptions(cache_dir=CACHE, max_sessions=1))
    yield engine
    await engine.aclose()


async def hear(engine: WhisperEngine, pcm: bytes, options: SessionOptions) -> list[SpeechEvent]:
    session = await engine.open(options)
    events = [event for chunk in chunks(pcm) for event in await session.feed(chunk)]
    return events + list(await session.finish())


def words(text: str) -> str:
    """Lower case, no punctuation, numbers as they were read: what a word error rate compares."""
    spelled = {
        "five hundred": "500",
        "six hundred and fifty": "650",
        "one hundred and thirty": "130",
        "one hundred and one": "101",
        "milligrams": "mg",
        "doctor": "dr",
    }
    text = re.sub(r"[^\w\s]", "", text.lower())
    for said, written in spelled.items():
        text = text.replace(said, written)
    numbers = {"three": "3", "two": "2", "five": "5", "sixty": "60", "eighty": "80", "one": "1"}
    return " ".join(numbers.get(word, word) for word in text.split())


@pytest.mark.slow
async def test_the_consultation_is_heard_with_few_wrong_words(engine: WhisperEngine) -> None:
    events = await hear(engine, read_audio(consultation.AUDIO), SessionOptions(hotwords=HOTWORDS))
    finals = [event for event in events if event.kind == "final"]
    assert [event.segment for event in finals] == list(range(len(finals)))
    said = " ".join(turn.text for turn in consultation.turns())
    heard = " ".join(event.text for event in finals)
    assert jiwer.wer(words(said), words(heard)) < 0.15
    for medicine in HOTWORDS:
        assert medicine in heard.lower()
    first_partial = next(event for event in events if event.kind == "partial")
    assert first_partial.end < 2.0


@pytest.mark.slow
async def test_a_recording_taken_up_again_goes_on_where_its_segments_end(
    engine: WhisperEngine,
) -> None:
    pcm = read_audio(consultation.AUDIO)[: 15 * SAMPLE_RATE * 2]
    whole = [e for e in await hear(engine, pcm, SessionOptions()) if e.kind == "final"]
    stored = whole[0]
    rest = pcm[int(stored.end * SAMPLE_RATE) * 2 :]
    options = SessionOptions(offset=stored.end, first_segment=stored.segment + 1)
    again = [e for e in await hear(engine, rest, options) if e.kind == "final"]
    assert [event.segment for event in again] == [event.segment for event in whole[1:]]
    assert abs(again[0].start - whole[1].start) < 0.2
    assert "dry cough" in again[0].text


@pytest.mark.slow
async def test_silence_says_nothing(engine: WhisperEngine) -> None:
    assert await hear(engine, bytes(3 * SAMPLE_RATE * 2), SessionOptions()) == []


@pytest.mark.slow
async def test_an_engine_takes_as_many_sessions_as_it_was_told(engine: WhisperEngine) -> None:
    session = await engine.open(SessionOptions())
    with pytest.raises(EngineBusy):
        await engine.open(SessionOptions())
    session.close()
    (await engine.open(SessionOptions())).close()


async def test_voice_activity_of_a_stream_equals_that_of_the_file() -> None:
    samples = floats(read_audio(consultation.AUDIO))[: 6 * SAMPLE_RATE // WINDOW * WINDOW]
    vad = StreamingVad()
    streamed = [p for part in np.array_split(samples, 37) for p in vad.feed(part)]
    whole = np.ravel(get_vad_model()(samples))
    # the whole-file reading blanks the end of its last window
    assert np.allclose(streamed[:-1], whole[:-1], atol=1e-3)
    assert max(streamed) > 0.9
