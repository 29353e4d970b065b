"""uvicorn's HTTP protocol with one write per whole response, and a way past ASGI.

uvicorn writes the head when a response starts and the body when it comes: two system calls where
one would do, and for small answers they are the dearest part of serving. Here the head waits for
the first piece of the body, as ASGI asks ("http.response.start" is not sent before it), header
lines are checked once and remembered, and a connection has one idle timer instead of one per
request. What is not a whole response with a length goes uvicorn's own way. A connection on which
no whole head comes is closed: uvicorn would keep it for ever.

A ``POST`` that came in one piece is first offered to the app directly (``begin``), without a task;
while a client repeats the same header bytes, they are compared and not parsed. What the app
declines goes uvicorn's way, as everything does where nothing is offered.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from urllib.parse import unquote

import httptools
import uvicorn.protocols.http.httptools_impl as uvicorns
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from router.server.asgi import Response
from router.server.direct import Head, Respond

if TYPE_CHECKING:
    from uvicorn._types import ASGIReceiveEvent, ASGISendEvent

__all__ = ["Begin", "JoinedHttpProtocol", "protocol_for"]

Begin: TypeAlias = Callable[[Head, bytes, Respond], bool]

MOST_HEAD: Final = 131_072
"""So many bytes may come of a head that is not whole yet, or after a body: they are kept, and cost
up to ten times that."""
_COPIED: Final = 16_384
"""Bodies of fewer bytes are joined with their head; larger ones are not copied for it."""


class _JoinedCycle(RequestResponseCycle):
    """One request and its response; ``_start`` is what waits for the body."""

    _start: ASGISendEvent | None = None
    _ends_with_connection = False

    async def send(self, message: ASGISendEvent) -> None:
        """Hold the start back; write it with the body, or let uvicorn write both."""
        if message["type"] == "http.response.start" and not self.response_started:
            self._start = message  # an error before the body may still replace it
            return
        start, self._start = self._start, None
        if start is None:
            await self._send_piece(message)
            return
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            body = message.get("body", b"")
            head = self._whole_head(start, len(body))
            if head is not None:
                self._answer(head, body)
                return
        if self.scope["http_version"] == "1.0" and not _has_length(start):
            self._ends_with_connection = True
            self.chunked_encoding = False  # HTTP/1.0 knows none (RFC 9112, 6.1)
        await super().send(start)
        await self._send_piece(message)

    async def _send_piece(self, message: ASGISendEvent) -> None:
        if self._ends_with_connection and message["type"] == "http.response.body":
            self.expected_content_length = len(message.get("body", b""))
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
        parts = [uvicorns.STATUS_LINE[start["status"]]]
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
        _write(self.transport, head, body)
        self.message_event.set()
        self.on_response()


def _has_length(start: Any) -> bool:
    return any(name.lower() == b"content-length" for name, _ in start.get("headers", ()))


def _write(transport: asyncio.Transport, head: bytes, body: bytes) -> None:
    if len(body) < _COPIED:
        transport.write(head + body)
    else:
        transport.writelines((head, body))


_FRAMING: Final = frozenset({b"transfer-encoding", b"connection"})


@lru_cache(maxsize=256)
def _response_lines(
    status: int, content_type: str | None, headers: tuple[tuple[str, str], ...]
) -> bytes:
    """The status line and the headers of a response, without its length."""
    named = headers if content_type is None else (("content-type", content_type), *headers)
    lines = [_line(name.encode("latin-1"), value.encode("latin-1")) for name, value in named]
    return uvicorns.STATUS_LINE[status] + b"".join(lines)


@lru_cache(maxsize=1024)
def _line(name: bytes, value: bytes) -> bytes:
    """A header line; raises RuntimeError for what HTTP does not allow."""
    if uvicorns.HEADER_RE.search(name):
        raise RuntimeError("Invalid HTTP header name.")
    if uvicorns.HEADER_VALUE_RE.search(value):
        raise RuntimeError("Invalid HTTP header value.")
    return b"%b: %b\r\n" % (name.lower(), value)


class JoinedHttpProtocol(HttpToolsProtocol):
    """uvicorn's httptools protocol with joined writes, one idle timer, and whole requests offered.

    ``begin`` is asked first about a ``POST`` that came in one piece: True, and the response comes
    by the callback; False, and the request goes uvicorn's way. A head may take ``head_within``
    seconds to come.
    """

    _idle_since: float | None = None

    def __init__(
        self,
        *arguments: Any,
        begin: Begin | None = None,
        head_within: float = 60.0,
        **options: Any,
    ) -> None:
        super().__init__(*arguments, **options)
        self._head_within = head_within
        self._head_timer: asyncio.TimerHandle | None = None
        self._in_head = False
        self._no_body = 0
        self._answering: RequestResponseCycle | None = None
        offered = not self.access_log and not self.root_path and self.limit_concurrency is None
        self._begin = begin if offered else None
        self._plain: _PlainHead | None = None
        self._reading = False
        self._under_way = False
        self._last = False
        self._defaults: tuple[object, bytes] = (None, b"")

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._await_head()

    def data_received(self, data: bytes) -> None:
        """Offer a whole request, or parse what came."""
        self._idle_since = None
        if self._begin is None or not self._offer(data, self._begin):
            self._no_body += len(data)
            super().data_received(data if self._reading else _without_upgrade(data))
            if self._no_body > MOST_HEAD:
                message = "The request's headers are too large."
                self._refuse(431, "REQUEST_HEADERS_TOO_LARGE", message)
        if self._in_head and self._head_timer is None:
            self._await_head()
        elif self._head_timer is not None and not self._in_head:
            self._head_timer.cancel()
            self._head_timer = None

    def _await_head(self) -> None:
        self._head_timer = self.loop.call_later(self._head_within, self._head_is_late)

    def _head_is_late(self) -> None:
        self._head_timer = None
        if self._answers_another():
            self._await_head()  # a pipelined one may wait for the response before it
        elif not self.transport.is_closing():
            self.transport.close()

    def send_400_response(self, msg: str) -> None:
        """Say what is no HTTP as everything is said that is no GraphQL request."""
        self._refuse(400, "BAD_REQUEST", msg)

    def _refuse(self, status: int, code: str, message: str) -> None:
        """Say why this is not read any further, and close the connection.

        Nothing is said where it would pass for the answer to an earlier request: that comes, and then
        the end.
        """
        if self._answers_another():
            self.flow.pause_reading()
            self.shutdown()
            return
        body = b'{"errors":[{"message":"%b","extensions":{"code":"%b"}}]}' % (
            message.encode(),
            code.encode(),
        )
        head = b"%b%bconnection: close\r\ncontent-length: %d\r\n\r\n" % (
            _response_lines(status, "application/json; charset=utf-8", ()),
            self._default_lines(),
            len(body),
        )
        self.transport.write(head + body)
        self.transport.close()

    def _answers_another(self) -> bool:
        """Whether a response is under way to another request than the one that is being read."""
        answering = self._answering
        if answering is None or answering.response_complete:
            return self._under_way
        in_body = self._reading and not self._in_head
        return not in_body or answering is not self.cycle or answering.response_started

    def _offer(self, data: bytes, begin: Begin) -> bool:
        cycle = self.cycle
        if (
            self._under_way
            or self._reading
            or self.flow.write_paused
            or not (cycle is None or cycle.response_complete)  # type: ignore[redundant-expr]
        ):
            return False
        plain = self._plain
        if plain is None or len(data) != plain.total or not data.startswith(plain.raw):
            plain = self._plain = _plain_head(data, self.client)
            if plain is None:
                return False
        self._under_way = True
        if begin(plain.head, data[plain.size :], self._respond):
            return True
        self._under_way = False
        return False

    def _respond(self, response: Response) -> None:
        """Write the response to the request under way."""
        self._under_way = False
        if self.transport.is_closing():
            return
        body = response.body
        head = b"%b%b%bcontent-length: %d\r\n\r\n" % (
            _response_lines(response.status, response.content_type, response.headers),
            self._default_lines(),
            b"connection: close\r\n" if self._last else b"",
            len(body),
        )
        _write(self.transport, head, body)
        self.on_response_complete()
        if self._last:
            self.transport.close()

    def _default_lines(self) -> bytes:
        """The lines that uvicorn sends with every response; it makes them anew every second."""
        made_of, lines = self._defaults
        defaults = self.server_state.default_headers
        if made_of is not defaults:
            lines = b"".join([_line(name, value) for name, value in defaults])
            self._defaults = (defaults, lines)
        return lines

    def shutdown(self) -> None:
        """Close the connection now, or after the response under way."""
        if self._under_way:
            self._last = True
        else:
            super().shutdown()

    def on_message_begin(self) -> None:
        """Note that a request is being read."""
        self._reading = self._in_head = True
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header line; one that follows the body is none (RFC 9110, 6.5.1)."""
        if self._in_head:
            super().on_header(name, value)

    def on_body(self, body: bytes) -> None:
        """Hand over a piece of the body."""
        self._no_body = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Note that it was read."""
        self._reading = False
        self._no_body = 0
        super().on_message_complete()

    def on_headers_complete(self) -> None:
        """Start the request as uvicorn does, as a cycle that joins its writes."""
        self._in_head = False
        parser, scope = self.parser, self.scope
        version = parser.get_http_version()
        if version == "1.1" and [name for name, _ in self.headers].count(b"host") != 1:
            raise httptools.HttpParserError("One host is named (RFC 9112, 3.2).")
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
        free = before is None or before.response_complete  # type: ignore[redundant-expr]
        if free and not self._under_way:
            self._start_asgi_task(cycle, self.app)
        else:  # pipelined: its turn comes after the response to the one before
            self.flow.pause_reading()
            self.pipeline.appendleft((cycle, self.app))

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._answering = cycle
        super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        """Go on with the next pipelined request, or wait for one."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self._head_timer is not None:  # the next head had to wait for this response
            self._head_timer.cancel()
            self._await_head()
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
        """Let the timers go with the connection, and tell the request that is being answered.

        uvicorn tells the last that was read, which may still wait for its turn.
        """
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
            self.timeout_keep_alive_task = None
        if self._head_timer is not None:
            self._head_timer.cancel()
        answering = self._answering
        if answering is not None and not answering.response_complete:
            answering.disconnected = True
            answering.message_event.set()
        super().connection_lost(exc)

    def _unset_keepalive_if_required(self) -> None:
        self._idle_since = None

    def _wait(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(
            seconds, self.timeout_keep_alive_handler
        )


_UPGRADE: Final = re.compile(rb"\r\nupgrade:(?![^\r\n]*websocket)[^\r\n]*", re.IGNORECASE)


def _without_upgrade(data: bytes) -> bytes:
    """A request without its offer of a protocol that nobody speaks here (RFC 9110, 7.8).

    Clients that would rather speak HTTP/2 (Java's, curl's) send ``Upgrade: h2c`` with a body, and
    httptools reads no body after an upgrade.
    """
    size = data.find(b"\r\n\r\n")
    size = len(data) if size < 0 else size
    if _UPGRADE.search(data, 0, size) is None:
        return data
    return _UPGRADE.sub(b"", data[:size]) + data[size:]


_LONGEST_URL: Final = 65_535
"""What httptools takes apart; what is longer is left to the app to refuse."""


@lru_cache(maxsize=256)
def _target(url: bytes) -> tuple[bytes, bytes]:
    """Path and query of a request's target."""
    if len(url) > _LONGEST_URL:
        path, _, query = url.partition(b"?")
        return path, query
    parsed = httptools.parse_url(url)
    return parsed.path, parsed.query or b""


def protocol_for(begin: Begin, head_within: float = 60.0) -> Callable[..., JoinedHttpProtocol]:
    """What uvicorn makes its connections with: such that ``begin`` is asked first."""
    return partial(JoinedHttpProtocol, begin=begin, head_within=head_within)


class _PlainHead:
    """The bytes of a head that was parsed, and of the whole request that it began."""

    __slots__ = ("head", "raw", "size", "total")

    def __init__(self, raw: bytes, total: int, head: Head) -> None:
        self.raw = raw
        self.size = len(raw)
        self.total = total
        self.head = head


class _Headers:
    """Collects what httptools finds."""

    def __init__(self) -> None:
        self.url = b""
        self.found: list[tuple[bytes, bytes]] = []

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.found.append((name.lower(), value))


_NOT_PLAIN: Final = frozenset(
    {"transfer-encoding", "expect", "x-forwarded-for", "x-forwarded-proto"}
)
"""Headers that uvicorn has to look at: they change how a request is read, or whose it is."""
_LARGEST_HEAD: Final = 16_384


def _plain_head(data: bytes, peer: tuple[str, int] | None) -> _PlainHead | None:
    """The head of ``data`` where that is one whole ``POST`` with a length, else None."""
    size = data.find(b"\r\n\r\n", 0, _LARGEST_HEAD) + 4
    if size < 5 or not data.startswith(b"POST /"):
        return None
    raw, collected = data[:size], _Headers()
    parser = httptools.HttpRequestParser(collected)
    try:
        parser.feed_data(raw)
    except (httptools.HttpParserError, httptools.HttpParserUpgrade):
        return None
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in collected.found}
    length = headers.get("content-length", "")
    if (
        parser.get_http_version() != "1.1"
        or parser.should_upgrade()
        or not parser.should_keep_alive()
        or len(headers) != len(collected.found)
        or "host" not in headers
        or not _NOT_PLAIN.isdisjoint(headers)
        or not (length.isascii() and length.isdigit())
        or not 0 < int(length) == len(data) - size
        or b"?" in collected.url
        or b"%" in collected.url
    ):
        return None
    headers["x-peer"] = peer[0] if peer else ""
    return _PlainHead(raw, len(data), Head(collected.url.decode("ascii"), headers))
