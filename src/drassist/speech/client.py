"""Stream a recording to the audio WebSocket, and lose nothing when the connection does.

What is not acknowledged stays in memory; after a broken connection the client asks where the server is and sends on
from there. Used by the demonstration and by tests; a browser does the same (`docs/audio.md`).
"""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterable, Callable
from dataclasses import dataclass
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from drassist.speech.protocol import pack_chunk

__all__ = ["AudioRefused", "Finished", "stream_audio"]


class AudioRefused(Exception):
    """The server refused the recording; `code` is its error code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


@dataclass(frozen=True, slots=True)
class Finished:
    """The server has everything: the last sequence number and the length in seconds."""

    through: int
    seconds: float


async def stream_audio(
    url: str,
    recording_id: str,
    token: str,
    audio: AsyncIterable[bytes],
    *,
    on_ack: Callable[[int], None] = lambda through: None,
    patience: float = 60.0,
) -> Finished:
    """Send every chunk that `audio` yields (PCM16, at most the server's chunk size), then finish.

    Reconnects for as long as `patience` seconds without an answer. Raises `AudioRefused` when the server says no, and
    OSError or TimeoutError when it can't be reached.
    """
    sender = _Sender(recording_id, token, on_ack)
    filling = asyncio.create_task(sender.fill(audio))
    try:
        while True:
            try:
                async with connect(url, max_size=65_536, open_timeout=patience) as socket:
                    async with asyncio.timeout(patience):
                        await sender.begin(socket)
                    if (finished := await sender.converse(socket)) is not None:
                        return finished
            except (ConnectionClosed, OSError):
                await sender.pause(patience)
    finally:
        filling.cancel()
        await asyncio.gather(filling, return_exceptions=True)


class _Sender:
    """The chunks that the server does not have yet, and where they are in the stream."""

    def __init__(self, recording_id: str, token: str, on_ack: Callable[[int], None]) -> None:
        self._start = json.dumps({"type": "start", "recordingId": recording_id, "token": token})
        self._on_ack = on_ack
        self._waiting: deque[tuple[int, bytes]] = deque()
        self._last = 0  # the newest sequence number made
        self._complete = False
        self._next = 1  # the sequence number to send next on this connection
        self._window = 1
        self._acknowledged = 0
        self._changed = asyncio.Event()
        self._lost_since: float | None = None

    async def fill(self, audio: AsyncIterable[bytes]) -> None:
        async for pcm in audio:
            self._last += 1
            self._waiting.append((self._last, pcm))
            self._changed.set()
        self._complete = True
        self._changed.set()

    async def begin(self, socket: ClientConnection) -> None:
        await socket.send(self._start)
        ready = _read(await socket.recv())
        self._window = ready["window"]
        self._acknowledge(ready["through"])
        self._next = ready["through"] + 1
        self._lost_since = None

    async def converse(self, socket: ClientConnection) -> Finished | None:
        sending = asyncio.create_task(self._send(socket))
        try:
            async for frame in socket:
                match (message := _read(frame))["type"]:
                    case "ack":
                        self._acknowledge(message["through"])
                    case "resend":
                        self._next = message["from"]
                        self._changed.set()
                    case "finished":
                        return Finished(message["through"], message["seconds"])
            return None
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    async def pause(self, patience: float) -> None:
        """Wait before the next attempt, or give up."""
        now = asyncio.get_running_loop().time()
        self._lost_since = self._lost_since or now
        if now - self._lost_since > patience:
            raise TimeoutError(f"the audio server was away for {patience:.0f} s")
        await asyncio.sleep(0.2)

    async def _send(self, socket: ClientConnection) -> None:
        told = -1
        while True:
            self._changed.clear()
            while self._next <= min(self._last, self._acknowledged + self._window):
                sequence, pcm = self._waiting[self._next - self._waiting[0][0]]
                self._next += 1
                await socket.send(pack_chunk(sequence, pcm))
            if self._complete and self._acknowledged == self._last != told:
                told = self._last
                await socket.send(json.dumps({"type": "finish", "through": self._last}))
            await self._changed.wait()

    def _acknowledge(self, through: int) -> None:
        while self._waiting and self._waiting[0][0] <= through:
            self._waiting.popleft()
        if through > self._last:
            raise AudioRefused("AUDIO_AHEAD", "the server has audio that this client never sent")
        self._acknowledged = max(self._acknowledged, through)
        self._changed.set()
        self._on_ack(through)


def _read(frame: str | bytes) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(frame)
    if message["type"] == "error":
        raise AudioRefused(message["code"], message["message"])
    return message
