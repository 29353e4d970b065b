"""A subgraph over HTTP/1.1: keep-alive connections, no task per request.

The router's most frequent act is to send some hundred bytes and read some thousand, so the
client is a protocol on httptools, written for that: a request is one write, an answer one
callback, deadlines are one sweep. While a subgraph repeats the bytes of a head, they are compared
and not parsed. Connections are used last in, first out; a request that died with a connection the
subgraph had just closed is sent once more, unless it is a mutation.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Final, NamedTuple, cast

import httptools

from router.errors import SubgraphError
from router.execution.client import Cancel, Outcome, SubgraphAnswer, SubgraphRequest
from router.execution.starting import wait_for
from router.execution.upload import UploadBroken
from router.transport.endpoint import Endpoint, HttpOptions
from router.transport.form import Form
from router.transport.responses import read_response
from router.transport.subscribing import Subscriber

__all__ = ["HttpClient"]

FRESH: Final = 2.0
"""A mutation is only sent on a connection that was used so recently, or on a new one."""
MAX_HEADER_BYTES: Final = 65_536
REMEMBERED: Final = 256
"""So many heads of responses are remembered, each of at most so many bytes as the next figure."""
MAX_REMEMBERED_BYTES: Final = 2_048


class _Head(NamedTuple):
    """What the head of a response said: 200, a length, and that the connection goes on."""

    length: int
    encoding: str


class HttpClient:
    """A :class:`SubgraphClient` for one URL; belongs to the event loop that first uses it."""

    reads: Final = True

    def __init__(self, url: str, options: HttpOptions | None = None) -> None:
        self.options = options or HttpOptions()
        self.heads: dict[bytes, _Head] = {}
        self.endpoint = Endpoint(url, self.options)
        self._subscriber = Subscriber(self.endpoint, self.options)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._idle: list[_Connection] = []
        self._open: set[_Connection] = set()
        self._opening: set[asyncio.Task[None]] = set()
        self._queue: deque[_Call] = deque()
        self._calls: set[_Call] = set()
        self._sweep: asyncio.TimerHandle | None = None
        self._closed = False

    def begin(self, request: SubgraphRequest, done: Callable[[Outcome], None]) -> Cancel:
        """Send a request; ``done`` gets the outcome once."""
        loop = self._loop
        if loop is None or loop.is_closed():
            loop = self._attach()
        now = loop.time()
        call = _Call(self, request, done, now + self.options.timeout)
        if self._closed:
            call.fail(SubgraphError("The client is closed."))
            return call.cancel
        self._calls.add(call)
        if self._sweep is None:
            self._sweep = loop.call_later(self._interval, self._expire)
        self.dispatch(call, now)
        return call.cancel

    def deadline(self) -> float:
        """When a request that waits for the subgraph from now on has waited too long."""
        return self.now() + self.options.timeout

    def now(self) -> float:
        """The loop's time."""
        return self._running.time()

    async def fetch(self, request: SubgraphRequest) -> SubgraphAnswer:
        """Send a request and await its answer."""
        return await wait_for(self, request)

    def subscribe(self, request: SubgraphRequest) -> AsyncIterator[SubgraphAnswer]:
        """Subscribe over WebSocket, SSE or multipart, as the options say."""
        return self._subscriber.subscribe(request)

    async def aclose(self) -> None:
        """Close all connections; requests under way fail."""
        self._closed = True
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None
        for call in list(self._calls):
            call.fail(SubgraphError("The client is closed."))
        for task in list(self._opening):
            task.cancel()
        await asyncio.gather(*self._opening, return_exceptions=True)
        for connection in list(self._open):
            connection.close()
        self._idle.clear()
        # one turn of the loop lets the transports go
        await asyncio.sleep(0)

    def dispatch(self, call: _Call, now: float, *, fresh: bool = False) -> None:
        """Give the call a connection: an idle one, a new one, or the next that is free."""
        oldest = now - (FRESH if call.request.mutation else self.options.keep_alive)
        idle = self._idle
        while idle and not fresh:
            connection = idle.pop()
            if connection.since >= oldest:
                connection.send(call)
                return
            connection.close()
        if len(self._open) + len(self._opening) < self.options.connections:
            task = self._running.create_task(self._connect(call))
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)
        else:
            self._queue.append(call)

    def release(self, connection: _Connection) -> None:
        """Take back a connection whose answer is complete."""
        while self._queue:
            call = self._queue.popleft()
            if not call.over:
                connection.send(call)
                return
        connection.since = self.now()
        self._idle.append(connection)

    def lost(self, connection: _Connection) -> None:
        """Forget a connection that is gone; somebody may be waiting for its place."""
        self._open.discard(connection)
        with contextlib.suppress(ValueError):
            self._idle.remove(connection)
        while self._queue and not self._closed:
            call = self._queue.popleft()
            if not call.over:
                self.dispatch(call, self.now())
                return

    def finished(self, call: _Call) -> None:
        """Forget a call that is over."""
        self._calls.discard(call)

    async def _connect(self, call: _Call) -> None:
        endpoint = self.endpoint
        try:
            _, connection = await self._running.create_connection(
                lambda: _Connection(self),
                endpoint.host,
                endpoint.port,
                ssl=endpoint.ssl,
                server_hostname=endpoint.host if endpoint.ssl else None,
            )
        except OSError as error:
            call.fail(SubgraphError(f"The subgraph cannot be reached ({type(error).__name__})."))
            self._let_next_try()
            return
        self._open.add(connection)
        if call.over:
            self.release(connection)
        else:
            connection.send(call)

    def _let_next_try(self) -> None:
        while self._queue:
            call = self._queue.popleft()
            if not call.over:
                self._running.call_soon(self.dispatch, call, self.now())
                return

    def _expire(self) -> None:
        self._sweep = None
        if not self._calls:
            return
        now = self._running.time()
        for call in [call for call in self._calls if call.deadline <= now]:
            seconds = self.options.timeout
            message = f"The subgraph did not answer within {seconds:g} seconds."
            call.fail(SubgraphError(message, code="SUBREQUEST_TIMEOUT"))
        if self._calls:
            self._sweep = self._running.call_later(self._interval, self._expire)

    @property
    def _interval(self) -> float:
        return min(0.25, self.options.timeout / 4)

    @property
    def _running(self) -> asyncio.AbstractEventLoop:
        assert self._loop is not None
        return self._loop

    def _attach(self) -> asyncio.AbstractEventLoop:
        """Belong to the running loop; what belonged to a closed one is forgotten."""
        self._loop = asyncio.get_running_loop()
        self._idle.clear()
        self._open.clear()
        self._opening.clear()
        self._queue.clear()
        self._calls.clear()
        self._sweep = None
        return self._loop


class _Call:
    """A request under way."""

    __slots__ = ("client", "connection", "deadline", "done", "over", "request", "retried")

    def __init__(
        self,
        client: HttpClient,
        request: SubgraphRequest,
        done: Callable[[Outcome], None],
        deadline: float,
    ) -> None:
        self.client = client
        self.request = request
        self.done = done
        self.deadline = deadline
        self.connection: _Connection | None = None
        self.over = False
        self.retried = False

    def succeed(self, outcome: Outcome) -> None:
        """Hand over the outcome."""
        if self.over:
            return
        self.over = True
        self.connection = None
        self.client.finished(self)
        self.done(outcome)

    def fail(self, error: SubgraphError) -> None:
        """Give up with an error; the connection cannot be used any more."""
        connection = self.connection
        if connection is not None:
            connection.abandon()
        self.succeed(error)

    def cancel(self) -> None:
        """Give up silently."""
        if self.over:
            return
        self.over = True
        self.client.finished(self)
        if self.connection is not None:
            self.connection.abandon()
            self.connection = None


class _Connection(asyncio.Protocol):
    """One connection; one call at a time."""

    __slots__ = (
        "_begun",
        "_body",
        "_call",
        "_client",
        "_complete",
        "_encoding",
        "_extra",
        "_framed",
        "_head",
        "_headed",
        "_left",
        "_length",
        "_parser",
        "_reusable",
        "_sending",
        "_size",
        "_started",
        "_status",
        "_transport",
        "_used",
        "_writable",
        "since",
    )

    def __init__(self, client: HttpClient) -> None:
        self._client = client
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._call: _Call | None = None
        self._body: list[bytes] = []
        self._size = 0
        self._head = 0
        self._headed = False
        self._begun = b""
        self._length = -1
        self._left = 0
        self._encoding = ""
        self._framed = False
        self._complete = False
        self._extra = False
        self._started = False
        self._used = False
        self._sending: asyncio.Future[None] | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self.since = 0.0

    def send(self, call: _Call) -> None:
        """Write the call's request."""
        assert self._transport is not None
        self._call = call
        call.connection = self
        self._size = self._head = self._left = 0
        self._begun = b""
        self._length = -1
        self._encoding = ""
        self._framed = self._headed = self._started = False
        try:
            request = self._client.endpoint.request(call.request)
        except TypeError:  # files are no JSON
            self._sending = asyncio.ensure_future(self._send_form(call))
        else:
            self._transport.write(request)

    async def _send_form(self, call: _Call) -> None:
        """Write a request with files, as fast as they arrive and the subgraph reads it.

        The subgraph's time runs while it is to read or to answer, not while the client sends.
        """
        assert self._transport is not None
        call.retried = True  # what has been read of a file cannot be sent again
        try:
            form = Form(call.request)
            self._transport.write(self._client.endpoint.form_head(call.request, form))
            call.deadline = math.inf
            async for piece in form.pieces():
                if not self._writable.is_set():
                    call.deadline = self._client.deadline()
                    await self._writable.wait()
                    call.deadline = math.inf
                if self._call is not call:
                    return
                self._transport.write(piece if form.length is not None else _chunk(piece))
            if form.length is None:
                self._transport.write(_chunk(b""))
            call.deadline = self._client.deadline()
        except UploadBroken as error:
            if self._call is call:
                self._break(str(error), error.code)
        except (TypeError, ValueError) as error:  # no JSON all the same, or a file is closed
            if self._call is call:
                message = f"The request cannot be written ({type(error).__name__})."
                self._break(message, "SUBREQUEST_HTTP_ERROR")
        finally:
            self._sending = None

    def abandon(self) -> None:
        """Drop the call and the connection with it."""
        self._call = None
        self.close()

    def close(self) -> None:
        """Close at once."""
        if self._sending is not None:
            self._sending.cancel()
        if self._transport is not None:
            self._transport.abort()
        self._client.lost(self)

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Feed the parser; hand over what it completed."""
        if self._call is None:
            self.close()  # nobody asked
            return
        if self._left:
            self._take(data)
            return
        if not self._started:
            self._started = True
            if self._sending is None and self._take_known(data):
                return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._break("The subgraph wants another protocol.")
        except httptools.HttpParserError:
            if self._complete:
                self._extra = True  # an answer counts, whatever follows it
            else:
                self._break("The subgraph's response is not HTTP.")
        if self._complete:
            self._hand_over()

    def _take_known(self, data: bytes) -> bool:
        """Take what begins with a head that was seen before; False leaves it to the parser."""
        end = data.find(b"\r\n\r\n", 0, MAX_REMEMBERED_BYTES)
        if end < 0:
            return False
        size = end + 4
        begun = data[:size]
        known = self._client.heads.get(begun)
        if known is None:
            self._begun = begun
            return False
        self._status = 200
        self._encoding = known.encoding
        self._framed = self._reusable = True
        self._left = known.length
        self._take(data[size:])
        return True

    def _take(self, data: bytes) -> None:
        """Take a piece of a body of which so many bytes are left; hand it over with the last."""
        if len(data) > self._left:
            data, self._extra = data[: self._left], True
        self._body.append(data)
        self._left -= len(data)
        if not self._left:
            self._hand_over()

    def pause_writing(self) -> None:
        """Hold files back: the subgraph does not read them so fast."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """Let files flow again."""
        self._writable.set()

    def eof_received(self) -> None:
        """Let the transport close; :meth:`connection_lost` decides what that means."""

    def connection_lost(self, exc: Exception | None) -> None:
        """End the call: complete where the end of the connection ends the body, else failed."""
        call, self._call = self._call, None
        if self._sending is not None:
            self._sending.cancel()
        self._client.lost(self)
        if call is None or call.over:
            return
        call.connection = None
        stale = self._used and not self._started
        if stale and not call.retried and not call.request.mutation:
            call.retried = True
            self._client.dispatch(call, self._client.now(), fresh=True)
        elif self._headed and not self._framed and exc is None:
            status = int(self._parser.get_status_code())
            self._read(call, status, b"".join(self._body), self._encoding)
        else:
            call.succeed(SubgraphError("The subgraph closed the connection."))

    # httptools

    def on_header(self, name: bytes, value: bytes) -> None:
        """Note what matters and count the rest."""
        if self._complete:
            return
        self._head += len(name) + len(value)
        if self._head > MAX_HEADER_BYTES:
            self._break("The subgraph's headers are too large.", "SUBREQUEST_TOO_LARGE")
            return
        size = len(name)
        if size == 16 and name.lower() == b"content-encoding":
            more = value.decode("latin-1")
            self._encoding = f"{self._encoding}, {more}" if self._encoding else more
        elif size == 14 and name.lower() == b"content-length":
            self._framed = True
            self._length = int(value)
        elif size == 17 and name.lower() == b"transfer-encoding":
            self._framed = True
            self._begun = b""

    def on_headers_complete(self) -> None:
        """Note that the head is whole."""
        self._headed = True

    def on_body(self, chunk: bytes) -> None:
        """Collect the body, within its limit."""
        if self._complete:
            return
        self._body.append(chunk)
        self._size += len(chunk)
        limit = self._client.options.max_bytes
        if self._size > limit:
            message = f"The subgraph's response is larger than {limit} bytes."
            self._break(message, "SUBREQUEST_TOO_LARGE")

    def on_message_begin(self) -> None:
        """Notice bytes after the answer: whose they are nobody knows."""
        self._extra = self._extra or self._complete

    def on_message_complete(self) -> None:
        """Note that the answer is complete; interim responses are passed over."""
        if self._complete:
            return
        self._status = int(self._parser.get_status_code())
        if self._status < 200:
            self._head = 0
            self._headed = False
            self._begun = b""
            return
        self._complete = True
        # asked here: once the message is over the parser has forgotten its framing
        self._reusable = self._parser.should_keep_alive()
        if self._begun and self._status == 200 and self._length > 0 and self._reusable:
            heads = self._client.heads
            if len(heads) >= REMEMBERED:
                heads.clear()
            heads[self._begun] = _Head(self._length, self._encoding)

    def _hand_over(self) -> None:
        """Free the connection, then hand over the answer: what follows may need it."""
        call, self._call = self._call, None
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        status, encoding = self._status, self._encoding
        self._body.clear()
        self._complete = False
        self._used = True
        if call is None:
            return
        call.connection = None
        if self._reusable and not self._extra and self._sending is None:
            self._client.release(self)
        else:
            self.close()
        self._read(call, status, body, encoding)

    def _read(self, call: _Call, status: int, body: bytes, encoding: str) -> None:
        outcome: Outcome
        try:
            limit = self._client.options.max_bytes
            outcome = read_response(body, status, call.request, encoding=encoding, limit=limit)
        except SubgraphError as error:
            outcome = error
        call.succeed(outcome)

    def _break(self, message: str, code: str = "SUBREQUEST_MALFORMED_RESPONSE") -> None:
        if self._call is not None:
            self._call.fail(SubgraphError(message, code=code))


def _chunk(piece: bytes) -> bytes:
    """One chunk of a body without a length (RFC 9112, section 7.1); the empty one ends it."""
    return b"%x\r\n%b\r\n" % (len(piece), piece)
