"""The audio WebSocket, without the socket: frames in, what to do out. Described for clients in `docs/audio.md`.

    client                                    server
    {"type":"start","recordingId",...}   ->
                                         <-   {"type":"ready","through":n,...}
    <sequence number><PCM16 chunk>       ->   (persist)
                                         <-   {"type":"ack","through":n}
    <a chunk beyond n+1>                 ->
                                         <-   {"type":"resend","from":n+1}
    {"type":"finish","through":n}        ->
                                         <-   {"type":"finished","through":n,"seconds":s}

Sequence numbers begin at 1 and have no holes. `ack` means stored: whoever holds the socket must store a chunk before it
calls `AudioSession.stored`. Chunks that are known are acknowledged again and otherwise ignored; chunks from the future
are dropped and the missing one is asked for, once per hole.
"""

import json
import struct
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, assert_never

__all__ = [
    "AudioError",
    "AudioLimits",
    "AudioSession",
    "Begin",
    "End",
    "Keep",
    "Step",
    "Tell",
    "pack_chunk",
]

_HEADER = struct.Struct(">Q")


class AudioError(Exception):
    """The client broke the protocol or may not go on. `code` is stable, `close` the WebSocket close code."""

    def __init__(self, code: str, message: str, close: int = 4400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.close = close

    def to_message(self) -> str:
        """What the client is told before the socket closes."""
        return _dump({"type": "error", "code": self.code, "message": self.message})


@dataclass(frozen=True, slots=True)
class AudioLimits:
    """`chunk_bytes` bounds one chunk's audio (64 KiB are 2 s); `window` is how many chunks may be unacknowledged."""

    chunk_bytes: int = 65_536
    window: int = 64


@dataclass(frozen=True, slots=True)
class Begin:
    """Open this recording for whoever holds `token` (None: the token came with the handshake)."""

    recording_id: str
    token: str | None


@dataclass(frozen=True, slots=True)
class Keep:
    """Store this chunk, then call `AudioSession.stored`."""

    sequence: int
    pcm: bytes


@dataclass(frozen=True, slots=True)
class Tell:
    """Send this to the client."""

    message: str


@dataclass(frozen=True, slots=True)
class End:
    """Everything is stored: close the recording, then call `AudioSession.finished`."""

    through: int


Step = Begin | Keep | Tell | End | None


class _State(Enum):
    WAITING = auto()
    STREAMING = auto()
    ENDED = auto()


class AudioSession:
    """The server's side of one connection."""

    def __init__(self, limits: AudioLimits | None = None) -> None:
        self.limits = limits or AudioLimits()
        self.through = 0
        self._state = _State.WAITING
        self._asked_for = 0  # the hole that was last asked for

    def receive(self, frame: str | bytes) -> Step:
        """Read one frame; raise `AudioError` where the client may not send it."""
        match self._state:
            case _State.WAITING:
                return self._start(frame)
            case _State.STREAMING:
                return self._chunk(frame) if isinstance(frame, bytes) else self._finish(frame)
            case _State.ENDED:
                raise AudioError("AUDIO_FINISHED", "the recording is finished")
            case _:
                assert_never(self._state)

    def began(self, through: int) -> str:
        """The recording is open and stored up to `through`: the message for the client."""
        self.through = through
        self._state = _State.STREAMING
        return _dump(
            {
                "type": "ready",
                "through": through,
                "maxChunkBytes": self.limits.chunk_bytes,
                "window": self.limits.window,
            }
        )

    def stored(self, through: int) -> str:
        """The audio is stored up to `through`: the message for the client."""
        self.through = through
        return _dump({"type": "ack", "through": through})

    def finished(self, seconds: float) -> str:
        """The recording is closed: the message for the client."""
        self._state = _State.ENDED
        return _dump({"type": "finished", "through": self.through, "seconds": round(seconds, 3)})

    def _start(self, frame: str | bytes) -> Step:
        message = _parse(frame)
        if message.get("type") != "start":
            raise AudioError("AUDIO_NOT_STARTED", "the first message must be a start message")
        recording_id, token = message.get("recordingId"), message.get("token")
        if not isinstance(recording_id, str) or not 0 < len(recording_id) <= 200:
            raise AudioError("AUDIO_BAD_MESSAGE", "start needs a recordingId")
        if token is not None and not isinstance(token, str):
            raise AudioError("AUDIO_BAD_MESSAGE", "token must be a string")
        return Begin(recording_id, token)

    def _chunk(self, frame: bytes) -> Step:
        if len(frame) > _HEADER.size + self.limits.chunk_bytes:
            raise AudioError(
                "AUDIO_CHUNK_TOO_LARGE",
                f"a chunk may hold {self.limits.chunk_bytes} bytes of audio",
                close=1009,
            )
        if len(frame) <= _HEADER.size or len(frame) % 2:
            raise AudioError(
                "AUDIO_BAD_CHUNK", "a chunk is 8 bytes of sequence number and whole 16-bit samples"
            )
        (sequence,) = _HEADER.unpack_from(frame)
        if sequence == 0:
            raise AudioError("AUDIO_BAD_CHUNK", "sequence numbers begin at 1")
        if sequence <= self.through:
            return Tell(self.stored(self.through))
        if sequence > self.through + 1:
            return self._ask_again()
        return Keep(sequence, frame[_HEADER.size :])

    def _ask_again(self) -> Step:
        missing = self.through + 1
        if self._asked_for == missing:
            return None  # asked already: the chunks behind the hole are still arriving
        self._asked_for = missing
        return Tell(_dump({"type": "resend", "from": missing}))

    def _finish(self, frame: str) -> Step:
        message = _parse(frame)
        if message.get("type") != "finish":
            raise AudioError("AUDIO_BAD_MESSAGE", "only finish may be sent while audio streams")
        through = message.get("through")
        if not isinstance(through, int) or isinstance(through, bool) or through < 0:
            raise AudioError("AUDIO_BAD_MESSAGE", "finish needs the last sequence number")
        if through > self.through:
            self._asked_for = 0  # the client thinks that it is done: tell it again
            return self._ask_again()
        return End(self.through)


def pack_chunk(sequence: int, pcm: bytes) -> bytes:
    """The binary frame of one chunk."""
    return _HEADER.pack(sequence) + pcm


def _parse(frame: str | bytes) -> dict[str, Any]:
    if isinstance(frame, bytes):
        raise AudioError("AUDIO_NOT_STARTED", "audio came before the start message")
    if len(frame) > 16_384:
        raise AudioError("AUDIO_BAD_MESSAGE", "the message is too long")
    try:
        message = json.loads(frame)
    except ValueError as error:
        raise AudioError("AUDIO_BAD_MESSAGE", "the message is not JSON") from error
    if not isinstance(message, dict):
        raise AudioError("AUDIO_BAD_MESSAGE", "the message is not a JSON object")
    return message


def _dump(message: dict[str, Any]) -> str:
    return json.dumps(message, separators=(",", ":"))
