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
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

__all__ = ["AudioRefused", "stream_audio"]

IN_FLIGHT: Final = 32
RETRY_S: Final = 0.3
ANSWER_WITHIN_S: Final = 10.0


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

    Returns the sequence number of the last chunk. Reconnects for ``patience`` seconds. What the
    server has already is not sent again, so a sender that died may start over with the same audio.
    Raises :class:`AudioRefused` when the server says no, OSError, ConnectionClosed or
    InvalidHandshake when it stays away, and whatever ``audio`` raises.
    """
    sender = _Sender(recording_id, token, on_ack)
    filling = asyncio.create_task(sender.fill(audio))
    loop = asyncio.get_running_loop()
    lost_since: float | None = None
    try:
        while True:
            try:
                async with connect(url, open_timeout=ANSWER_WITHIN_S) as socket:
                    await sender.begin(socket)
                    lost_since = None
                    return await sender.converse(socket)
            except (ConnectionClosed, OSError, InvalidHandshake) as error:
                if sender.failure is not None:
                    raise sender.failure from None
                if _final(error):
                    raise
                lost_since = loop.time() if lost_since is None else lost_since
                if loop.time() - lost_since > patience:
                    raise
                await asyncio.sleep(RETRY_S)
    finally:
        filling.cancel()
        await asyncio.gather(filling, return_exceptions=True)


def _final(error: Exception) -> bool:
    """Whether the server, or a proxy before it, answered no rather than not now."""
    return isinstance(error, InvalidStatus) and error.response.status_code < 500


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
        self.failure: Exception | None = None

    async def fill(self, audio: AsyncIterable[bytes]) -> None:
        """Take what ``audio`` yields; when it fails, what came before is still sent."""
        try:
            async for pcm in audio:
                if self._made > self._acknowledged:
                    self._chunks[self._made] = pcm
                self._made += 1
                self._changed.set()
        except Exception as error:  # noqa: BLE001  raised where the caller waits
            self.failure = error
        self._complete = True
        self._changed.set()

    async def begin(self, socket: ClientConnection) -> None:
        """Ask where to go on."""
        await socket.send(self._start)
        async with asyncio.timeout(ANSWER_WITHIN_S):
            started = _read(await socket.recv())
        self._next = int(started["next"])
        if self._next <= self._acknowledged:  # a server that forgot: nobody has that audio now
            raise AudioRefused("AUDIO_LOST", f"the server has lost audio from {self._next} on")
        self._acknowledge(self._next - 1)

    async def converse(self, socket: ClientConnection) -> int:
        """Send and listen until the server has everything; the number of its last chunk."""
        sending = asyncio.create_task(self._send(socket))
        try:
            async for frame in socket:
                message = _read(frame)
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
            if self._complete and self._acknowledged >= self._made - 1:
                if self.failure is not None:
                    await socket.close()
                else:
                    await socket.send('{"type":"finish"}')
                return
            await self._changed.wait()

    def _acknowledge(self, through: int) -> None:
        for sequence in range(self._acknowledged + 1, through + 1):
            self._chunks.pop(sequence, None)
        self._acknowledged = max(self._acknowledged, through)
        self._changed.set()
        self._on_ack(through)


def _read(frame: str | bytes) -> dict[str, Any]:
    """A message; raises for an error that going back to another chunk does not mend."""
    message: dict[str, Any] = json.loads(frame)
    match message:
        case {"type": "error", "code": "SILENT"}:  # nobody spoke for long: connect again
            raise ConnectionResetError("the audio socket closed after a long silence")
        case {"type": "error", "code": code} if code != "AUDIO_GAP":
            raise AudioRefused(code, message["message"])
    return message
