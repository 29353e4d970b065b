"""Sending a stream of responses over one HTTP answer: heartbeats, disconnects, clean ends."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import Any, Final

import orjson
from msgspec import Struct

from router.execution import Increment, execute_incrementally
from router.server.asgi import Receive, Send
from router.server.denials import denied_errors
from router.server.exchange import Exchange
from router.server.framing import Framing, framing
from router.server.incremental import Placed
from router.server.negotiation import Stream
from router.server.pipeline import Pipeline, too_long

__all__ = ["StreamFailed", "Streamed", "deferred", "one"]

_BEAT: Final = 8.0
"""Seconds of silence after which a heartbeat keeps proxies awake."""


class StreamFailed(Exception):
    """The stream ends with errors of its own; ``code`` names the kind."""

    def __init__(self, errors: Sequence[dict[str, Any]]) -> None:
        super().__init__(str(errors[0]["message"]))
        self.errors = tuple(errors)


class Streamed(Struct):
    """A response whose body is a stream of GraphQL responses; ``events`` yields whole JSON."""

    framing: Framing
    events: AsyncGenerator[bytes, None]
    beat: float = _BEAT

    async def send(
        self, receive: Receive, send: Send, headers: Sequence[tuple[str, str]] = ()
    ) -> None:
        """Send everything; ends early, and closes ``events``, when the client goes away."""
        await send(self._start(headers))
        await send(_body(self.framing.opening))
        gone = asyncio.ensure_future(_disconnected(receive))
        waiting: asyncio.Future[bytes] | None = None
        try:
            while True:
                waiting = waiting or asyncio.ensure_future(anext(self.events))
                both: set[asyncio.Future[Any]] = {waiting, gone}
                done, _ = await asyncio.wait(
                    both, timeout=self.beat, return_when=asyncio.FIRST_COMPLETED
                )
                if gone in done:
                    return
                if waiting not in done:
                    if self.framing.beat:
                        await send(_body(self.framing.beat))
                    continue
                event, waiting = waiting, None
                try:
                    body = event.result()
                except StopAsyncIteration:
                    break
                except StreamFailed as failure:
                    await send(_body(self.framing.fatal(failure.errors)))
                    break
                await send(_body(self.framing.part(body)))
            await send({"type": "http.response.body", "body": self.framing.closing})
        finally:
            gone.cancel()
            if waiting is not None:
                waiting.cancel()
                with contextlib.suppress(asyncio.CancelledError, StopAsyncIteration, StreamFailed):
                    await waiting
            await self.events.aclose()

    def _start(self, headers: Sequence[tuple[str, str]]) -> dict[str, Any]:
        lines = [
            ("content-type", self.framing.content_type),
            ("cache-control", "no-cache, no-transform"),
            ("x-accel-buffering", "no"),
            ("vary", "Accept, Accept-Encoding, Authorization, Origin"),
            *headers,
        ]
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in lines]
        return {"type": "http.response.start", "status": 200, "headers": raw}


def one(stream: Stream, body: bytes) -> Streamed:
    """A stream of one response, for clients that accept streams alone."""

    async def events() -> AsyncGenerator[bytes, None]:
        yield body

    return Streamed(framing(stream), events())


def deferred(pipeline: Pipeline, exchange: Exchange, stream: Stream) -> Streamed:
    """The answer of an operation with ``@defer``, in the payload form the client asked for."""
    increments = execute_incrementally(
        exchange.runnable,
        exchange.variables,
        exchange.generation.subgraphs,
        headers=exchange.forward,
        legacy=stream is Stream.DEFER_2022,
    )
    placed = Placed() if stream is Stream.DEFER_BOTH else None
    return Streamed(framing(stream), _payloads(pipeline, exchange, increments, placed))


async def _payloads(
    pipeline: Pipeline,
    exchange: Exchange,
    increments: AsyncIterator[Increment],
    placed: Placed | None,
) -> AsyncGenerator[bytes, None]:
    denied = denied_errors(exchange.denied)
    most, size = exchange.client.contract.limits.answer_bytes, 0
    async for increment in increments:
        size += len(increment.body)
        if most is not None and size > most:
            raise StreamFailed([too_long(size, most).to_graphql()])
        masks = increment.errors and pipeline.masks(exchange)
        if not denied and not masks and placed is None:
            yield increment.body
            continue
        payload = orjson.loads(increment.body)
        if denied:
            payload["errors"] = [*denied, *payload.get("errors", ())]
            denied = []
        if masks:
            payload = pipeline.masking.payload(
                payload, pipeline.private(exchange), mask=pipeline.masked(exchange)
            )
        yield orjson.dumps(placed.payload(payload) if placed is not None else payload)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _body(data: bytes) -> dict[str, Any]:
    return {"type": "http.response.body", "body": data, "more_body": True}
