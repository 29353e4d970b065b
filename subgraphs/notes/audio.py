"""The audio socket: PCM in, acknowledgements out. The protocol is in ``docs/audio.md``.

    -> {"type":"start","recordingId":"...","token":"..."}    <- {"type":"started","next":0}
    -> 8 bytes sequence number (big-endian), then PCM16       <- {"type":"ack","through":0}
    -> {"type":"finish"}                                      <- {"type":"finished","through":41}

An acknowledged chunk is on disk. After a broken connection ``started.next`` says where to go on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final, NoReturn

import orjson
from starlette.websockets import WebSocket, WebSocketDisconnect

from drassist.runtime.identity import Authenticator, Identity, InvalidCredentials, writes
from subgraphs.notes.services import Services
from subgraphs.notes.services.recording import (
    AudioRefused,
    finish_recording,
    recording_of,
    store_chunk,
)

__all__ = ["SILENT_AFTER_S", "audio_socket"]

START_WITHIN_S: Final = 10.0
SILENT_AFTER_S: Final = 120.0
HEADER: Final = 8

_UNAUTHORIZED, _FORBIDDEN, _BAD, _IDLE = 4401, 4403, 4400, 4408


class _Closed(Exception):
    """The conversation is over; the client was told why."""


def audio_socket(
    services: Callable[[], Services],
    authenticate: Authenticator,
    silent_after: float = SILENT_AFTER_S,
) -> Callable[[WebSocket], Any]:
    """The endpoint; ``services`` are asked at each connection, when the subgraph runs."""

    async def endpoint(socket: WebSocket) -> None:
        await socket.accept()
        try:
            await _Conversation(socket, services(), authenticate, silent_after).run()
        except (_Closed, WebSocketDisconnect):
            return

    return endpoint


class _Conversation:
    def __init__(
        self,
        socket: WebSocket,
        services: Services,
        authenticate: Authenticator,
        silent_after: float,
    ) -> None:
        self._socket = socket
        self._services = services
        self._authenticate = authenticate
        self._silent_after = silent_after

    async def run(self) -> None:
        id = await self._start()
        while True:
            message = await self._receive(self._silent_after)
            if isinstance(message, bytes):
                await self._chunk(id, message)
            elif message.get("type") == "finish":
                await self._finish(id)
                return
            else:
                await self._refuse("BAD_MESSAGE", "Send audio, or finish.", _BAD)

    async def _start(self) -> str:
        message = await self._receive(START_WITHIN_S)
        if isinstance(message, bytes) or message.get("type") != "start":
            await self._refuse("BAD_MESSAGE", "The first message is start.", _BAD)
        identity = await self._identity(str(message.get("token") or ""))
        if not identity.authenticated:
            await self._refuse("UNAUTHENTICATED", "Log in first.", _UNAUTHORIZED)
        if not identity.may(writes("Recording")):
            await self._refuse("FORBIDDEN", "Your role does not record consultations.", _FORBIDDEN)
        id = str(message.get("recordingId") or "")
        row = await recording_of(self._services.database, id)
        if row is None:
            await self._refuse("RECORDING_NOT_FOUND", "Start a recording in the graph first.", _BAD)
        if row.practitioner_id is not None and row.practitioner_id != identity.practitioner_id:
            await self._refuse("FORBIDDEN", "Somebody else makes this recording.", _FORBIDDEN)
        await self._send(type="started", recordingId=row.id, next=row.next_sequence)
        return row.id

    async def _identity(self, token: str) -> Identity:
        given = self._socket.headers.get("authorization") or (f"Bearer {token}" if token else "")
        try:
            return await self._authenticate({**self._socket.headers, "authorization": given})
        except InvalidCredentials as error:
            await self._refuse("UNAUTHENTICATED", str(error), _UNAUTHORIZED)

    async def _chunk(self, id: str, message: bytes) -> None:
        if len(message) < HEADER:
            await self._refuse("AUDIO_CHUNK_MALFORMED", "A chunk begins with its number.", _BAD)
        sequence = int.from_bytes(message[:HEADER], "big")
        try:
            through = await store_chunk(
                self._services.database,
                id,
                sequence,
                message[HEADER:],
                self._services.settings.speech,
            )
        except AudioRefused as error:
            await self._send(
                type="error",
                code=error.code,
                message=error.message,
                sequence=sequence,
                next=error.expected,
            )
            return
        self._services.hearing.wake(id)
        await self._send(type="ack", through=through)

    async def _finish(self, id: str) -> None:
        row = await finish_recording(self._services.database, id)
        self._services.hearing.wake(id)
        through = row.next_sequence - 1 if row else -1
        await self._send(type="finished", through=through)
        await self._socket.close(1000)

    async def _receive(self, within: float) -> dict[str, Any] | bytes:
        try:
            async with asyncio.timeout(within):
                message = await self._socket.receive()
        except TimeoutError:
            await self._refuse("SILENT", "Nothing came for too long; reconnect to go on.", _IDLE)
        if message["type"] == "websocket.disconnect":
            raise _Closed
        if message.get("bytes") is not None:
            return bytes(message["bytes"])
        try:
            read = orjson.loads(message.get("text") or "")
        except orjson.JSONDecodeError:
            read = None
        if not isinstance(read, dict):
            await self._refuse("BAD_MESSAGE", "Messages are JSON objects or audio.", _BAD)
        return read

    async def _send(self, **message: Any) -> None:
        known = {name: value for name, value in message.items() if value is not None}
        await self._socket.send_text(orjson.dumps(known).decode())

    async def _refuse(self, code: str, message: str, close: int) -> NoReturn:
        await self._send(type="error", code=code, message=message)
        await self._socket.close(close, code)
        raise _Closed
