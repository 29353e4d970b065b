"""A sender loses nothing, whatever the connection or the server does."""

from __future__ import annotations

import asyncio
import contextlib
import http
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import InvalidStatus

from drassist.speech.client import AudioRefused, stream_audio
from tests.patience import PATIENCE

CHUNKS = [bytes([number, 0]) * 50 for number in range(40)]


@dataclass
class Socket:
    """The audio socket as the protocol says, with faults: what is stored is ``chunks``."""

    chunks: list[bytes] = field(default_factory=list)
    connections: int = 0
    received: int = 0
    finished: bool = False
    cut_at: set[int] = field(default_factory=set)
    swallow: set[int] = field(default_factory=set)
    refuse_at: int | None = None
    silent_at: set[int] = field(default_factory=set)
    unavailable: list[http.HTTPStatus] = field(default_factory=list)
    forget: bool = False
    cut_at_finish: bool = False

    async def __call__(self, connection: ServerConnection) -> None:
        self.connections += 1
        start = json.loads(await connection.recv())
        assert start == {"type": "start", "recordingId": "R:1", "token": "t"}
        if self.forget and self.connections == 2:
            self.chunks.clear()
        await self._say(connection, type="started", recordingId="R:1", next=len(self.chunks))
        async for message in connection:
            if isinstance(message, str):
                if self.cut_at_finish:
                    self.cut_at_finish = False
                    connection.transport.abort()
                    return
                self.finished = True
                await self._say(connection, type="finished", through=len(self.chunks) - 1)
                return
            await self._chunk(connection, message)

    async def _chunk(self, connection: ServerConnection, message: bytes) -> None:
        self.received += 1
        number = int.from_bytes(message[:8], "big")
        if number in self.cut_at:
            self.cut_at.discard(number)
            self.chunks.append(message[8:])  # stored, and its acknowledgement is lost
            connection.transport.abort()
        elif number in self.silent_at:
            self.silent_at.discard(number)
            await self._say(connection, type="error", code="SILENT", message="x")
            await connection.close(4408)
        elif number == self.refuse_at:
            await self._say(connection, type="error", code="RECORDING_CLOSED", message="x")
        elif number in self.swallow:
            self.swallow.discard(number)
        elif number > len(self.chunks):
            next_one = len(self.chunks)
            await self._say(connection, type="error", code="AUDIO_GAP", message="x", next=next_one)
        else:
            if number == len(self.chunks):
                self.chunks.append(message[8:])
            await self._say(connection, type="ack", through=len(self.chunks) - 1)

    def before(self, connection: ServerConnection, request: Any) -> Any:
        if self.unavailable:
            return connection.respond(self.unavailable.pop(0), "no")
        return None

    async def _say(self, connection: ServerConnection, **message: Any) -> None:
        await connection.send(json.dumps(message))


@contextlib.asynccontextmanager
async def listening(socket: Socket) -> AsyncIterator[str]:
    server: Server
    async with serve(socket, "127.0.0.1", 0, process_request=socket.before) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield f"ws://127.0.0.1:{port}/audio"


async def spoken(chunks: list[bytes] = CHUNKS) -> AsyncIterator[bytes]:
    for number, chunk in enumerate(chunks):
        if number % 8 == 0:
            await asyncio.sleep(0.005)
        yield chunk


async def send(
    socket: Socket,
    audio: AsyncIterator[bytes] | None = None,
    on_ack: Callable[[int], None] = lambda _: None,
    patience: float = 10,
) -> int:
    async with listening(socket) as url, asyncio.timeout(PATIENCE):
        return await stream_audio(
            url, "R:1", "t", audio or spoken(), on_ack=on_ack, patience=patience
        )


async def test_everything_arrives_once_and_in_order() -> None:
    socket = Socket()
    acknowledged: list[int] = []
    assert await send(socket, on_ack=acknowledged.append) == 39
    assert socket.chunks == CHUNKS
    assert socket.finished
    assert acknowledged == sorted(acknowledged)
    assert acknowledged[-1] == 39


async def test_a_broken_connection_is_taken_up_where_the_server_says() -> None:
    socket = Socket(cut_at={5, 20, 39})
    assert await send(socket) == 39
    assert socket.chunks == CHUNKS
    assert socket.connections == 4


async def test_an_end_that_was_not_confirmed_is_said_again() -> None:
    socket = Socket(cut_at_finish=True)
    assert await send(socket) == 39
    assert (socket.chunks, socket.finished, socket.connections) == (CHUNKS, True, 2)


async def test_a_gap_is_filled() -> None:
    socket = Socket(swallow={7})
    assert await send(socket) == 39
    assert socket.chunks == CHUNKS


async def test_a_connection_closed_for_silence_is_opened_again() -> None:
    socket = Socket(silent_at={10})
    assert await send(socket) == 39
    assert socket.chunks == CHUNKS


async def test_a_sender_that_begins_again_sends_the_rest_only() -> None:
    socket = Socket(chunks=CHUNKS[:30])
    assert await send(socket) == 39
    assert (socket.chunks, socket.received) == (CHUNKS, 10)
    longer = Socket(chunks=[*CHUNKS, b"more"])
    assert await send(longer) == 40


async def test_a_refusal_is_raised_with_its_code() -> None:
    with pytest.raises(AudioRefused) as refused:
        await send(Socket(refuse_at=3))
    assert refused.value.code == "RECORDING_CLOSED"


async def test_a_server_that_lost_what_it_acknowledged_is_not_believed_again() -> None:
    with pytest.raises(AudioRefused) as refused:
        await send(Socket(cut_at={20}, forget=True))
    assert refused.value.code == "AUDIO_LOST"


async def test_a_proxy_that_says_later_is_asked_again_and_one_that_says_no_is_not() -> None:
    later = Socket(unavailable=[http.HTTPStatus.BAD_GATEWAY, http.HTTPStatus.SERVICE_UNAVAILABLE])
    assert await send(later) == 39
    with pytest.raises(InvalidStatus):
        await send(Socket(unavailable=[http.HTTPStatus.FORBIDDEN]))


async def test_a_server_that_stays_away_is_given_up() -> None:
    async with listening(Socket()) as url:
        pass
    with pytest.raises(OSError):
        await stream_audio(url, "R:1", "t", spoken(), patience=0.1)


async def test_audio_that_fails_is_reported_and_what_came_before_it_is_sent() -> None:
    async def failing() -> AsyncIterator[bytes]:
        for chunk in CHUNKS[:10]:
            yield chunk
        raise OSError("the microphone is gone")

    socket = Socket()
    with pytest.raises(OSError, match="microphone"):
        await send(socket, failing())
    assert socket.chunks == CHUNKS[:10]
    assert not socket.finished
