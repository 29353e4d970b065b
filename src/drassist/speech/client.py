"""Stream a recording to the audio socket, and lose nothing when the connection breaks.

What is not acknowledged stays in memory; after a broken connection the server says where to go on.
The protocol is in ``docs/audio.md``; a browser does the same.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterable, Callable
from typing import Any, Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

__all__ = ["AudioRefused", "stream_audio"]

IN_FLIGHT: Final = 32
RETRY_S: Final = 0.3


class AudioRefused(Exception):
    """The server refused the recording; ``code`` is its error code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


async def stream_audio(
    url: str,
    recording_id: str,
    token: str,
    audio: AsyncIterable[bytes],
    *,
    on_ack: Callable[[int], None] = lambda through: None,
    patience: float = 60.0,
) -> int:
    """Send every chunk that ``audio`` yields (16 kHz mono PCM16), then finish.

    Returns the sequence number of the last chunk. Reconnects for ``patience`` seconds; raises
    :class:`AudioRefused` when the server says no, OSError when it stays away.
    """
    sender = _Sender(recording_id, token, on_ack)
    filling = asyncio.create_task(sender.fill(audio))
    loop = asyncio.get_running_loop()
    lost_since: float | None = None
    try:
        while True:
            try:
                async with connect(url, open_timeout=10) as socket:
                    await sender.begin(socket)
                    lost_since = None
                    return await sender.converse(socket)
            except (ConnectionClosed, OSError):
                lost_since = lost_since or loop.time()
                if loop.time() - lost_since > patience:
                    raise
                await asyncio.sleep(RETRY_S)
    finally:
        filling.cancel()
        await asyncio.gather(filling, return_exceptions=True)


class _Sender:
    """The chunks that the server does not have yet, by sequence number."""

    def __init__(self, recording_id: str, token: str, on_ack: Callable[[int], None]) -> None:
        self._start = json.dumps({"type": "start", "recordingId": recording_id, "token": token})
        self._on_ack = on_ack
        self._chunks: dict[int, bytes] = {}
        self._made = 0
        self._complete = False
        self._next = 0
        self._acknowledged = -1
        self._changed = asyncio.Event()

    async def fill(self, audio: AsyncIterable[bytes]) -> None:
        async for pcm in audio:
            self._chunks[self._made] = pcm
            self._made += 1
            self._changed.set()
        self._complete = True
        self._changed.set()

    async def begin(self, socket: ClientConnection) -> None:
        await socket.send(self._start)
        started = _read(await socket.recv())
        self._next = int(started["next"])
        self._acknowledge(self._next - 1)

    async def converse(self, socket: ClientConnection) -> int:
        sending = asyncio.create_task(self._send(socket))
        try:
            async for frame in socket:
                message = _read(frame, gap_is_error=False)
                match message["type"]:
                    case "ack":
                        self._acknowledge(message["through"])
                    case "error":  # a gap: the server names the chunk that it waits for
                        self._next = message["next"]
                        self._changed.set()
                    case "finished":
                        return int(message["through"])
            raise ConnectionResetError("the audio socket closed before it was finished")
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    async def _send(self, socket: ClientConnection) -> None:
        while True:
            self._changed.clear()
            while self._next < self._made and self._next - self._acknowledged <= IN_FLIGHT:
                sequence, self._next = self._next, self._next + 1
                await socket.send(sequence.to_bytes(8, "big") + self._chunks[sequence])
            if self._complete and self._acknowledged == self._made - 1:
                await socket.send('{"type":"finish"}')
                return
            await self._changed.wait()

    def _acknowledge(self, through: int) -> None:
        for sequence in range(self._acknowledged + 1, through + 1):
            self._chunks.pop(sequence, None)
        self._acknowledged = max(self._acknowledged, through)
        self._changed.set()
        self._on_ack(through)


def _read(frame: str | bytes, *, gap_is_error: bool = True) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(frame)
    if message["type"] == "error" and (gap_is_error or message["code"] != "AUDIO_GAP"):
        raise AudioRefused(message["code"], message["message"])
    return message
