"""graphql-transport-ws without sockets: frames in, events out, and the close codes.

:class:`Session` keeps the protocol's state (was ``connection_init`` sent, which ids are live) and
tells the shell what a frame means. It never awaits; see
https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md for the rules.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, Final, TypeAlias

import orjson
from msgspec import Struct

__all__ = [
    "SUBPROTOCOL",
    "Close",
    "Complete",
    "Event",
    "Init",
    "Pinged",
    "Session",
    "Start",
    "complete_message",
    "error_message",
    "next_message",
    "short_reason",
]

SUBPROTOCOL: Final = "graphql-transport-ws"


class State(Enum):
    """Before the first ``connection_init``, while it is judged, and after the ack."""

    OPENED = "opened"
    INITIALISING = "initialising"
    ACKED = "acked"


class Init(Struct, frozen=True):
    """``connection_init`` with its payload; answer with :meth:`Session.acked`."""

    payload: Mapping[str, Any]


class Start(Struct, frozen=True):
    """``subscribe``: run this request under ``id``."""

    id: str
    payload: Mapping[str, Any]


class Complete(Struct, frozen=True):
    """The client is done with ``id``: stop silently."""

    id: str


class Pinged(Struct, frozen=True):
    """Send ``reply``."""

    reply: str


class Close(Struct, frozen=True):
    """Close the socket with this code and reason."""

    code: int
    reason: str


Event: TypeAlias = Init | Start | Complete | Pinged | Close


class Session:
    """One connection's protocol state."""

    def __init__(self) -> None:
        self.state = State.OPENED
        self.live: set[str] = set()

    def acked(self) -> str:
        """The connection is accepted; the message to send."""
        self.state = State.ACKED
        return '{"type":"connection_ack"}'

    def ended(self, id_: str) -> bool:
        """The server ends ``id``; False when the client ended it before."""
        if id_ not in self.live:
            return False
        self.live.discard(id_)
        return True

    def receive(self, text: str | None) -> Event | None:
        """Read one text frame (None: a binary one); None when there is nothing to do."""
        message = _message(text)
        if message is None:
            return Close(4400, "Invalid message received")
        match message.get("type"):
            case "connection_init":
                return self._init(message)
            case "ping":
                return _ping(message)
            case "pong":
                return None if _payload_fits(message) else Close(4400, "Invalid message received")
            case "subscribe":
                return self._subscribe(message)
            case "complete":
                return self._complete(message)
            case _:
                return Close(4400, "Invalid message received")

    def _init(self, message: Mapping[str, Any]) -> Event:
        if not _payload_fits(message):
            return Close(4400, "Invalid message received")
        if self.state is not State.OPENED:
            return Close(4429, "Too many initialisation requests")
        self.state = State.INITIALISING
        return Init(message.get("payload") or {})

    def _subscribe(self, message: Mapping[str, Any]) -> Event:
        id_, payload = message.get("id"), message.get("payload")
        if not isinstance(id_, str) or not id_ or not isinstance(payload, dict):
            return Close(4400, "Invalid message received")
        if self.state is not State.ACKED:
            return Close(4401, "Unauthorized")
        if id_ in self.live:
            return Close(4409, f"Subscriber for {id_} already exists")
        self.live.add(id_)
        return Start(id_, payload)

    def _complete(self, message: Mapping[str, Any]) -> Event | None:
        id_ = message.get("id")
        if not isinstance(id_, str) or not id_:
            return Close(4400, "Invalid message received")
        if id_ not in self.live:
            return None
        self.live.discard(id_)
        return Complete(id_)


def next_message(id_: str, body: bytes) -> str:
    """``next`` with a whole GraphQL response as payload."""
    return (b'{"id":%b,"type":"next","payload":%b}' % (orjson.dumps(id_), body)).decode()


def error_message(id_: str, errors: Sequence[Mapping[str, Any]]) -> str:
    """``error``: the operation did not run, or its stream died; ends ``id``."""
    return orjson.dumps({"id": id_, "type": "error", "payload": list(errors)}).decode()


def complete_message(id_: str) -> str:
    """``complete``: nothing more comes for ``id``."""
    return orjson.dumps({"id": id_, "type": "complete"}).decode()


def short_reason(reason: str) -> str:
    """At most 123 bytes of UTF-8: a longer reason breaks the close frame (RFC 6455, 5.5)."""
    return reason.encode()[:123].decode("utf-8", "ignore")


def _message(text: str | None) -> Mapping[str, Any] | None:
    if text is None:
        return None
    try:
        message = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return message if isinstance(message, dict) else None


def _payload_fits(message: Mapping[str, Any]) -> bool:
    return message.get("payload") is None or isinstance(message["payload"], dict)


def _ping(message: Mapping[str, Any]) -> Event:
    if not _payload_fits(message):
        return Close(4400, "Invalid message received")
    reply: dict[str, Any] = {"type": "pong"}
    if message.get("payload") is not None:
        reply["payload"] = message["payload"]
    return Pinged(orjson.dumps(reply).decode())
