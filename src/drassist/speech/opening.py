"""Settings -> the speech engine they name; the model's libraries are imported only then."""

from __future__ import annotations

from drassist.runtime.settings import SpeechSettings
from drassist.speech.engine import SpeechEngine
from drassist.speech.scripted import Line, ScriptedEngine

__all__ = ["open_engine"]


def open_engine(settings: SpeechSettings) -> SpeechEngine:
    """The engine; nothing is loaded before the first session."""
    if settings.engine == "scripted":
        from drassist.testing.consultation import turns

        return ScriptedEngine(Line(t.start, t.end, t.text, t.speaker) for t in turns())
    from drassist.speech.whisper import WhisperEngine, WhisperOptions

    return WhisperEngine(
        WhisperOptions(
            partial_model=settings.partial_model,
            final_model=settings.final_model,
            model_dir=settings.model_dir,
            max_sessions=settings.max_sessions,
            cpu_threads=settings.threads,
        )
    )
