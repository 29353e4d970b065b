"""Audio files and PCM: the one format that travels is 16 kHz mono, signed 16-bit, little-endian."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from drassist.speech.events import SAMPLE_RATE

__all__ = ["chunks", "floats", "read_audio", "seconds"]


def read_audio(path: Path) -> bytes:
    """Any audio file (WAV, FLAC, Opus, MP3, ...; any rate, any channels) as PCM16 at 16 kHz mono."""
    # PyAV inside faster-whisper resamples well and reads what soundfile does not; importing it is slow
    from faster_whisper.audio import decode_audio

    samples = decode_audio(str(path), sampling_rate=SAMPLE_RATE)
    return bytes(np.clip(samples * 32768.0, -32768, 32767).astype("<i2").tobytes())


def chunks(pcm: bytes, duration: float = 0.25) -> Iterator[bytes]:
    """The audio in pieces of `duration` seconds; the last may be shorter."""
    size = int(duration * SAMPLE_RATE) * 2
    for at in range(0, len(pcm), size):
        yield pcm[at : at + size]


def floats(pcm: bytes) -> NDArray[np.float32]:
    """PCM16 as float32 samples in -1..1."""
    return np.frombuffer(pcm, dtype="<i2").astype(np.float32) / np.float32(32768.0)


def seconds(pcm: bytes) -> float:
    """How long the audio is."""
    return len(pcm) / 2 / SAMPLE_RATE
