"""Is somebody speaking? Silero VAD, window by window, with its state carried from chunk to chunk.

The network and its weights come from faster-whisper's wheel, which runs it over whole files; here the same network
hears a stream. A window is 512 samples (32 ms) with the 64 samples before it as context.
"""

from typing import Any

import numpy as np
from faster_whisper.vad import get_vad_model
from numpy.typing import NDArray

__all__ = ["WINDOW", "StreamingVad"]

WINDOW = 512
_CONTEXT = 64


class StreamingVad:
    """Speech probabilities of a stream of samples (float32, -1..1, 16 kHz)."""

    def __init__(self) -> None:
        self._session: Any = get_vad_model().session  # one network, shared; the state is ours
        self._h = np.zeros((1, 1, 128), dtype=np.float32)
        self._c = np.zeros((1, 1, 128), dtype=np.float32)
        self._context = np.zeros(_CONTEXT, dtype=np.float32)
        self._rest = np.zeros(0, dtype=np.float32)

    def feed(self, samples: NDArray[np.float32]) -> list[float]:
        """The probabilities of the windows that `samples` completed, in order."""
        samples = np.concatenate((self._rest, samples))
        count = len(samples) // WINDOW
        self._rest = samples[count * WINDOW :]
        if count == 0:
            return []
        windows = samples[: count * WINDOW].reshape(count, WINDOW)
        tails = windows[:, -_CONTEXT:]
        contexts = np.concatenate((self._context[None, :], tails[:-1]))
        self._context = tails[-1].copy()
        output, self._h, self._c = self._session.run(
            None,
            {"input": np.concatenate((contexts, windows), axis=1), "h": self._h, "c": self._c},
        )
        return [float(p) for p in np.ravel(output)]
