"""Server-sent events and multipart/mixed, read from bytes without any socket.

Both readers take chunks cut anywhere and return what has become complete. SSE follows the WHATWG
rules (any line end, comments, several ``data`` lines, a leading BOM); multipart follows RFC 2046
as subscription servers write it.
"""

from __future__ import annotations

import re
from typing import Final

from msgspec import Struct

from router.errors import SubgraphError

__all__ = ["MultipartReader", "SseEvent", "SseReader", "boundary_of"]

_BOM: Final = b"\xef\xbb\xbf"


class SseEvent(Struct, frozen=True):
    """One event; ``name`` is ``message`` where the server gave none."""

    name: str
    data: bytes


class SseReader:
    """Reads ``text/event-stream``."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._rest = b""
        self._started = False
        self._after_return = False
        self._name = ""
        self._data: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> list[SseEvent]:
        """Return the events that are complete now."""
        if self._after_return and chunk:
            chunk = chunk.removeprefix(b"\n")
            self._after_return = False
        data = self._rest + chunk
        if not self._started:
            if len(data) < 3 and _BOM.startswith(data):
                self._rest = data
                return []
            self._started = True
            data = data.removeprefix(_BOM)
        events: list[SseEvent] = []
        lines = re.split(rb"\r\n|\n|\r", data)
        # a CR ends the line at once; if an LF follows it belongs to it
        self._after_return = data.endswith(b"\r")
        self._rest = lines.pop()
        if len(self._rest) > self._limit:
            raise _too_large(self._limit)
        for line in lines:
            event = self._line(line)
            if event is not None:
                events.append(event)
        return events

    def _line(self, line: bytes) -> SseEvent | None:
        if not line:
            return self._dispatch()
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._size += len(value)
            if self._size > self._limit:
                raise _too_large(self._limit)
            self._data.append(value)
        elif name == b"event":
            self._name = value.decode("utf-8", "replace")
        return None

    def _dispatch(self) -> SseEvent | None:
        # an event without data is no event to a browser, but "complete" may well have none
        if not self._data and not self._name:
            return None
        event = SseEvent(self._name or "message", b"\n".join(self._data))
        self._name, self._data, self._size = "", [], 0
        return event


class MultipartReader:
    """Reads the parts of ``multipart/mixed``; ``ended`` after the closing delimiter."""

    def __init__(self, boundary: str, limit: int) -> None:
        self._delimiter = b"--" + boundary.encode("latin-1", "replace")
        self._limit = limit
        self._buffer = b"\r\n"
        self._inside = False
        self._fresh = False
        self.ended = False

    def feed(self, chunk: bytes) -> list[bytes]:
        """Return the bodies of the parts that are complete now."""
        self._buffer += chunk
        parts: list[bytes] = []
        mark = b"\r\n" + self._delimiter
        while not self.ended:
            if self._inside and self._fresh:
                # a part is released at its delimiter; what follows says whether it was the last
                if self._buffer.startswith(b"--"):
                    self.ended = True
                    break
                if len(self._buffer) < 2:
                    break
                self._fresh = False
            start = self._buffer.find(mark)
            if start < 0:
                break
            if self._inside:
                parts.append(_body(self._buffer[:start]))
            self._buffer = self._buffer[start + len(mark) :]
            self._inside = self._fresh = True
        if len(self._buffer) > self._limit:
            raise _too_large(self._limit)
        return parts

    def rest(self) -> list[bytes]:
        """Return a last part whose delimiter never came, where there is one."""
        if not self._inside or self.ended:
            return []
        body = _body(self._buffer)
        return [body] if body.strip() else []


def boundary_of(content_type: str) -> str:
    """Return the boundary of a multipart content type; readers default to ``-``."""
    found = re.search(r'boundary="([^"]*)"|boundary=([^;\s]+)', content_type, re.IGNORECASE)
    return (found.group(1) or found.group(2)) if found else "-"


def _body(part: bytes) -> bytes:
    _, found, body = part.partition(b"\r\n\r\n")
    return body if found else b""


def _too_large(limit: int) -> SubgraphError:
    return SubgraphError(
        f"The subgraph's event is larger than {limit} bytes.", code="SUBREQUEST_TOO_LARGE"
    )
