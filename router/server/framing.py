"""How a stream of GraphQL responses looks in bytes: SSE and multipart, no I/O.

Every rule here is one that some client needs (what it does otherwise in brackets): SSE with LF
only and one ``data:`` line [urql], ``complete`` with an empty data line [EventSource], no named
events but ``next`` and ``complete`` [graphql-sse]; multipart with CRLF, the closing delimiter of
a part written with the part [all readers], the final delimiter always [Apollo Client].
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Protocol

import orjson

from router.server.negotiation import Stream

__all__ = [
    "Framing",
    "IncrementalFraming",
    "MultipartFraming",
    "NumberedSse",
    "SseFraming",
    "framing",
]

_BOUNDARY: Final = b"graphql"


class Framing(Protocol):
    """One way to write a stream.

    ``opening`` comes first, ``part`` once per response (whole JSON), ``beat`` when nothing
    happened for a while (empty: none), ``fatal`` when the stream breaks, ``closing`` last.
    """

    content_type: str
    opening: bytes
    beat: bytes
    closing: bytes

    def part(self, body: bytes) -> bytes: ...

    def fatal(self, errors: Sequence[dict[str, Any]]) -> bytes: ...


class SseFraming:
    """Server-sent events, distinct connections mode."""

    content_type = "text/event-stream; charset=utf-8"
    opening = b":\n\n"
    beat = b":\n\n"
    closing = b"event: complete\ndata:\n\n"

    def part(self, body: bytes) -> bytes:
        """One ``next`` event."""
        return b"event: next\ndata: %b\n\n" % body

    def fatal(self, errors: Sequence[dict[str, Any]]) -> bytes:
        """A last ``next`` event with errors alone."""
        return self.part(orjson.dumps({"errors": list(errors)}))


class NumberedSse(SseFraming):
    """Parts are whole events already: each carries an id of its own."""

    def part(self, body: bytes) -> bytes:
        """The event as it is."""
        return body

    def fatal(self, errors: Sequence[dict[str, Any]]) -> bytes:
        """A last event with errors alone; it has no id, so nobody resumes after it."""
        return super().part(orjson.dumps({"errors": list(errors)}))


class MultipartFraming:
    """Apollo's multipart subscription protocol 1.0: responses wrapped in ``payload``."""

    content_type = 'multipart/mixed;boundary="graphql";subscriptionSpec=1.0'
    opening = b"\r\n--" + _BOUNDARY
    beat = b"\r\nContent-Type: application/json\r\n\r\n{}\r\n--" + _BOUNDARY
    closing = b"--\r\n"

    def part(self, body: bytes) -> bytes:
        """One event."""
        return _part(b'{"payload":%b}' % body)

    def fatal(self, errors: Sequence[dict[str, Any]]) -> bytes:
        """A transport error; the client ends the stream."""
        stripped = [
            {key: value for key, value in error.items() if key not in ("path", "locations")}
            for error in errors
        ]
        return _part(orjson.dumps({"payload": None, "errors": stripped}))


class IncrementalFraming:
    """Bare multipart: deferred answers, and events for clients that name no protocol (urql).

    No heartbeats: such clients take an empty object for an answer.
    """

    opening = b"\r\n--" + _BOUNDARY
    beat = b""
    closing = b"--\r\n"

    def __init__(self, spec: str = "") -> None:
        self.content_type = 'multipart/mixed;boundary="graphql"' + spec

    def part(self, body: bytes) -> bytes:
        """One payload as it is."""
        return _part(body)

    def fatal(self, errors: Sequence[dict[str, Any]]) -> bytes:
        """A last payload with errors alone."""
        return _part(orjson.dumps({"errors": list(errors), "hasNext": False}))


def framing(stream: Stream) -> Framing:
    """The framing that a negotiated stream type asks for."""
    match stream:
        case Stream.SSE:
            return SseFraming()
        case Stream.MULTIPART:
            return MultipartFraming()
        case Stream.DEFER_2022:
            return IncrementalFraming(";deferSpec=20220824")
        case Stream.DEFER_IDS:
            return IncrementalFraming(";incrementalSpec=v0.2")
        case Stream.DEFER_BOTH:
            return IncrementalFraming()


def _part(body: bytes) -> bytes:
    return b"\r\nContent-Type: application/json\r\n\r\n%b\r\n--%b" % (body, _BOUNDARY)
