"""One HTTP response read as it comes: the connection under an SSE or multipart subscription."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final, cast

import httptools
import orjson

from router.errors import SubgraphError
from router.execution.client import SubgraphAnswer, SubgraphRequest
from router.transport.endpoint import Endpoint, HttpOptions
from router.transport.event_streams import MultipartReader, SseReader, boundary_of
from router.transport.responses import answer_of, read_answer, read_response

__all__ = ["events_of", "multipart_answers", "open_stream", "sse_answers", "stream"]

MAX_WAITING: Final = 16
"""Chunks that may wait unread before the subgraph is asked to pause."""


class _Stream(asyncio.Protocol):
    """Parses one response; chunks go into a queue, None ends it."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._paused = False
        self.chunks: asyncio.Queue[bytes | SubgraphError | None] = asyncio.Queue()
        self.head: asyncio.Future[int] = loop.create_future()
        self.content_type = ""
        self._over = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._end(SubgraphError("The subgraph's response is not HTTP."))

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.head.done():
            self.head.set_exception(SubgraphError("The subgraph closed the connection."))
        # the end of the connection may end the body; the readers know whether one is missing
        self._end(None)

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"content-type":
            self.content_type = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        status = int(self._parser.get_status_code())
        if status >= 200 and not self.head.done():
            self.head.set_result(status)

    def on_body(self, chunk: bytes) -> None:
        if self._over:
            return
        self.chunks.put_nowait(chunk)
        if self.chunks.qsize() > MAX_WAITING and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()

    def on_message_complete(self) -> None:
        if self.head.done():
            self._end(None)

    async def next(self, patience: float | None) -> bytes | None:
        """Return the next chunk, None at the end."""
        try:
            async with asyncio.timeout(patience):
                chunk = await self.chunks.get()
        except TimeoutError:
            raise SubgraphError(
                "The subgraph's subscription fell silent.", code="SUBREQUEST_TIMEOUT"
            ) from None
        if self._paused and self.chunks.empty() and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()
        if isinstance(chunk, SubgraphError):
            raise chunk
        return chunk

    def close(self) -> None:
        """Close at once."""
        if self.head.done() and not self.head.cancelled():
            self.head.exception()
        if self._transport is not None:
            self._transport.abort()

    def _end(self, error: SubgraphError | None) -> None:
        if not self._over:
            self._over = True
            self.chunks.put_nowait(error)


async def stream(
    endpoint: Endpoint, options: HttpOptions, request: SubgraphRequest
) -> AsyncIterator[SubgraphAnswer]:
    """Subscribe with one POST and yield what the response brings, whichever form it has."""
    source = await open_stream(endpoint, options, request)
    timeout = options.event_timeout or None
    try:
        status = await _head(source, options)
        async for answer in events_of(
            _chunks(source, timeout), status, source.content_type, options.max_bytes, request
        ):
            yield answer
    finally:
        source.close()


async def open_stream(
    endpoint: Endpoint, options: HttpOptions, request: SubgraphRequest
) -> _Stream:
    """Connect and send the request; raises SubgraphError."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(options.timeout):
            transport, source = await loop.create_connection(
                _Stream,
                endpoint.host,
                endpoint.port,
                ssl=endpoint.ssl,
                server_hostname=endpoint.host if endpoint.ssl else None,
            )
    except TimeoutError:
        message = f"The subgraph did not answer within {options.timeout:g} seconds."
        raise SubgraphError(message, code="SUBREQUEST_TIMEOUT") from None
    except OSError as error:
        message = f"The subgraph cannot be reached ({type(error).__name__})."
        raise SubgraphError(message) from None
    transport.write(endpoint.request(request, stream=True))
    return source


async def events_of(
    chunks: AsyncIterator[bytes],
    status: int,
    content_type: str,
    limit: int,
    request: SubgraphRequest,
) -> AsyncIterator[SubgraphAnswer]:
    """Yield the answers of a response by its content type; a single answer is one event."""
    kind = content_type.partition(";")[0].strip().lower()
    if status < 300 and kind == "text/event-stream":
        async for answer in sse_answers(chunks, limit):
            yield answer
    elif status < 300 and kind == "multipart/mixed":
        async for answer in multipart_answers(chunks, boundary_of(content_type), limit):
            yield answer
    else:
        body = b""
        async for chunk in chunks:
            body += chunk
            if len(body) > limit:
                message = f"The subgraph's response is larger than {limit} bytes."
                raise SubgraphError(message, code="SUBREQUEST_TOO_LARGE")
        yield read_response(body, status, request)


async def sse_answers(chunks: AsyncIterator[bytes], limit: int) -> AsyncIterator[SubgraphAnswer]:
    """Yield the ``next`` events; raises SubgraphError where the stream ends before ``complete``."""
    reader = SseReader(limit)
    async for chunk in chunks:
        for event in reader.feed(chunk):
            if event.name == "complete":
                return
            if event.name in ("next", "message") and event.data.strip():
                yield read_answer(event.data)
    raise SubgraphError("The subgraph's subscription broke off.")


async def multipart_answers(
    chunks: AsyncIterator[bytes], boundary: str, limit: int
) -> AsyncIterator[SubgraphAnswer]:
    """Yield the payloads; heartbeats are skipped, a null payload with errors ends the stream."""
    reader = MultipartReader(boundary, limit)
    async for chunk in chunks:
        for part in reader.feed(chunk):
            answer = _payload(part)
            if answer is not None:
                yield answer
        if reader.ended:
            return
    for part in reader.rest():
        answer = _payload(part)
        if answer is not None:
            yield answer
    raise SubgraphError("The subgraph's subscription broke off.")


def _payload(part: bytes) -> SubgraphAnswer | None:
    try:
        found = orjson.loads(part)
    except orjson.JSONDecodeError:
        message = "The subgraph's event is not JSON."
        raise SubgraphError(message, code="SUBREQUEST_MALFORMED_RESPONSE") from None
    if isinstance(found, dict) and "payload" in found:
        payload = found["payload"]
        if payload is None:
            if not found.get("errors"):
                return None
            return answer_of({"data": None, "errors": found["errors"]})
        return answer_of(payload)
    if isinstance(found, dict) and not ({"data", "errors"} & found.keys()):
        return None
    return answer_of(found)


async def _chunks(source: _Stream, patience: float | None) -> AsyncIterator[bytes]:
    while (chunk := await source.next(patience)) is not None:
        yield chunk


async def _head(source: _Stream, options: HttpOptions) -> int:
    try:
        async with asyncio.timeout(options.timeout):
            return await source.head
    except TimeoutError:
        message = f"The subgraph did not answer within {options.timeout:g} seconds."
        raise SubgraphError(message, code="SUBREQUEST_TIMEOUT") from None
