"""uvicorn's HTTP protocol with one write per whole response.

uvicorn writes the head when a response starts and the body when it comes: two system calls where
one would do, and for small answers they are the dearest part of serving. Here the head waits for
the first piece of the body, as ASGI asks ("http.response.start" is not sent before it), header
lines are checked once and remembered, and a connection has one idle timer instead of one per
request. What is not a whole response with a length goes uvicorn's own way.
"""

from __future__ import annotations

import asyncio
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

import httptools
import uvicorn.protocols.http.httptools_impl as plain
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

if TYPE_CHECKING:
    from uvicorn._types import ASGIReceiveEvent, ASGISendEvent

__all__ = ["JoinedHttpProtocol"]

_COPIED: Final = 16_384
"""Bodies of fewer bytes are joined with their head; larger ones are not copied for it."""


class _JoinedCycle(RequestResponseCycle):
    """One request and its response; ``_start`` is what waits for the body."""

    _start: ASGISendEvent | None = None

    async def send(self, message: ASGISendEvent) -> None:
        """Hold the start back; write it with the body, or let uvicorn write both."""
        if message["type"] == "http.response.start" and not self.response_started:
            self._start = message  # an error before the body may still replace it
            return
        start, self._start = self._start, None
        if start is None:
            await super().send(message)
            return
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            body = message.get("body", b"")
            head = self._whole_head(start, len(body))
            if head is not None:
                self._answer(head, body)
                return
        await super().send(start)
        await super().send(message)

    async def receive(self) -> ASGIReceiveEvent:
        """Hand over a body that is there already without waiting for it."""
        ready = self.message_event.is_set() and not self.waiting_for_100_continue
        if not ready or self.disconnected or self.response_complete:
            return await super().receive()
        self.flow.resume_reading()
        self.message_event.clear()
        body, self.body = bytes(self.body), bytearray()
        return {"type": "http.request", "body": body, "more_body": self.more_body}

    def _whole_head(self, start: Any, length: int) -> bytes | None:
        """The response's head, or None where it is not the plain case."""
        if not self.keep_alive or self.access_log or self.disconnected or self.flow.write_paused:
            return None
        parts = [plain.STATUS_LINE[start["status"]]]
        announced = -1
        for name, value in self.default_headers:
            parts.append(_line(name, value))
        for name, value in start.get("headers", ()):
            if name == b"content-length":
                announced = int(value)
                parts.append(b"content-length: %d\r\n" % announced)
            elif name in _FRAMING:
                return None
            else:
                parts.append(_line(name, value))
        if announced != length or self.scope["method"] == "HEAD":
            return None
        parts.append(b"\r\n")
        return b"".join(parts)

    def _answer(self, head: bytes, body: bytes) -> None:
        self.response_started = self.response_complete = True
        self.waiting_for_100_continue = False
        if len(body) < _COPIED:
            self.transport.write(head + body)
        else:
            self.transport.writelines((head, body))
        self.message_event.set()
        self.on_response()


_FRAMING: Final = frozenset({b"transfer-encoding", b"connection"})


@lru_cache(maxsize=1024)
def _line(name: bytes, value: bytes) -> bytes:
    """A header line; raises RuntimeError for what HTTP does not allow."""
    if plain.HEADER_RE.search(name):
        raise RuntimeError("Invalid HTTP header name.")
    if plain.HEADER_VALUE_RE.search(value):
        raise RuntimeError("Invalid HTTP header value.")
    return b"%b: %b\r\n" % (name.lower(), value)


class JoinedHttpProtocol(HttpToolsProtocol):
    """uvicorn's httptools protocol with joined writes and one idle timer."""

    _idle_since: float | None = None

    def on_headers_complete(self) -> None:
        """Start the request as uvicorn does, as a cycle that joins its writes."""
        parser, scope = self.parser, self.scope
        version = parser.get_http_version()
        scope["method"] = parser.get_method().decode("ascii")
        if version != "1.1":
            scope["http_version"] = version
        if parser.should_upgrade() and self._should_upgrade():
            return
        raw_path, query = _target(self.url)
        path = raw_path.decode("ascii")
        if "%" in path:
            path = unquote(path)
        scope["path"] = self.root_path + path
        scope["raw_path"] = self.root_path.encode("ascii") + raw_path
        scope["query_string"] = query
        before = self.cycle
        cycle = self.cycle = _JoinedCycle(
            scope=scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=version != "1.0" and parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )
        if before is None or before.response_complete:  # type: ignore[redundant-expr]
            self._start_asgi_task(cycle, self.app)
        else:  # pipelined: its turn comes after the response to the one before
            self.flow.pause_reading()
            self.pipeline.appendleft((cycle, self.app))

    def on_response_complete(self) -> None:
        """Go on with the next pipelined request, or wait for one."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._start_asgi_task(cycle, app)
            return
        self._idle_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._wait(self.timeout_keep_alive)

    def timeout_keep_alive_handler(self) -> None:
        """Close the connection when it has been idle for long enough, else look again."""
        self.timeout_keep_alive_task = None
        if self._idle_since is None:
            return  # the response's end sets the timer again
        left = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self._wait(left)
        elif not self.transport.is_closing():
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let the timer go with the connection."""
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
            self.timeout_keep_alive_task = None
        super().connection_lost(exc)

    def _unset_keepalive_if_required(self) -> None:
        self._idle_since = None

    def _wait(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(
            seconds, self.timeout_keep_alive_handler
        )


@lru_cache(maxsize=256)
def _target(url: bytes) -> tuple[bytes, bytes]:
    """Path and query of a request's target."""
    parsed = httptools.parse_url(url)
    return parsed.path, parsed.query or b""
