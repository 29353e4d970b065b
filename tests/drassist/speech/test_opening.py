"""Settings name the engine; nothing is loaded before it is asked to hear."""

from __future__ import annotations

from pathlib import Path

from drassist.runtime.settings import SpeechSettings
from drassist.speech.engine import SessionOptions
from drassist.speech.events import SAMPLE_RATE
from drassist.speech.opening import open_engine
from drassist.speech.whisper import WhisperEngine
from drassist.testing.consultation import turns


async def test_the_scripted_engine_says_the_shipped_consultation() -> None:
    engine = open_engine(SpeechSettings(engine="scripted"))
    session = await engine.open(SessionOptions())
    second = bytes(SAMPLE_RATE * 2)
    events = [event for _ in range(80) for event in await session.feed(second)]
    finals = [(event.speaker, event.text) for event in events if event.kind == "final"]
    assert finals == [(turn.speaker, turn.text) for turn in turns()]
    await engine.aclose()


async def test_whisper_is_opened_with_the_models_of_the_settings() -> None:
    settings = SpeechSettings(
        partial_model="base",
        final_model="small",
        threads=3,
        model_dir=Path("models"),
        max_sessions=2,
    )
    engine = open_engine(settings)
    assert isinstance(engine, WhisperEngine)
    options = engine.options
    assert (options.partial_model, options.final_model) == ("base", "small")
    assert (options.cpu_threads, options.model_dir, options.max_sessions) == (3, Path("models"), 2)
    await engine.aclose()
