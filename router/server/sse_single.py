"""GraphQL over SSE in single connection mode: one stream, many operations (graphql-sse).

``PUT`` reserves a stream and gives its token, ``GET`` with the token opens it, ``POST`` starts an
operation whose results come over the stream, ``DELETE`` stops one. The token is unguessable,
bound to the caller that reserved it, and forgotten when its stream closes or is never opened.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import AsyncGenerator, Mapping
from typing import Any, Final
from urllib.parse import parse_qs

import orjson

from router.errors import RequestError
from router.planning.plan import OperationKind
from router.server.asgi import Response
from router.server.exchange import Exchange
from router.server.framing import NumberedSse
from router.server.identity import Identity
from router.server.pipeline import Pipeline
from router.server.refusals import Refused, errors_of
from router.server.streaming import Streamed, StreamFailed
from router.server.subscriptions import Subscriptions
from router.settings import SubscriptionSettings

__all__ = ["TOKEN_HEADER", "SingleConnections"]

_LOG: Final = logging.getLogger("router.sse")

TOKEN_HEADER: Final = "x-graphql-event-stream-token"  # noqa: S105  # a header's name
_UNOPENED: Final = 60.0
"""Seconds for which a reservation waits for its stream."""


class Reservation:
    """One reserved stream: who may use it, what runs on it, what waits to be sent."""

    def __init__(self, identity: Identity, size: int) -> None:
        self.identity = identity
        self.made = time.monotonic()
        self.opened = False
        self.queue: asyncio.Queue[bytes | None] = asyncio.Queue(size)
        self.tasks: dict[str, asyncio.Task[None]] = {}

    async def events(self) -> AsyncGenerator[bytes, None]:
        """Everything to be sent until the stream is given up."""
        while (event := await self.queue.get()) is not None:
            yield event

    def stop(self) -> None:
        """End every operation."""
        for task in self.tasks.values():
            task.cancel()
        self.tasks.clear()


class SingleConnections:
    """All reservations of a router; they live in this process alone."""

    def __init__(self, pipeline: Pipeline, subscriptions: Subscriptions) -> None:
        self.pipeline = pipeline
        self.subscriptions = subscriptions
        self.known: dict[str, Reservation] = {}

    @property
    def settings(self) -> SubscriptionSettings:
        """The pipeline's settings, which a reload may exchange."""
        return self.pipeline.settings.subscriptions

    def token_of(self, headers: Mapping[str, str], query_string: bytes) -> str | None:
        """The token of a request, from its header or its URL."""
        token = headers.get(TOKEN_HEADER)
        if token is None and b"token=" in query_string:
            token = parse_qs(query_string.decode("latin-1")).get("token", [None])[0]
        return token

    def reserve(self, identity: Identity) -> Response:
        """``PUT``: reserve a stream."""
        self._forget_unopened()
        if len(self.known) >= self.settings.sockets:
            raise Refused("Too many streams.", 503, "REQUEST_LIMIT_EXCEEDED")
        token = secrets.token_urlsafe(24)
        self.known[token] = Reservation(identity, self.settings.queue * 4)
        return Response(201, token.encode(), "text/plain; charset=utf-8")

    def open(self, token: str, identity: Identity) -> Streamed:
        """``GET``: open the reserved stream, once."""
        reservation = self._find(token, identity)
        if reservation.opened:
            raise Refused("The stream is already open.", 409, "STREAM_ALREADY_OPEN")
        reservation.opened = True

        async def events() -> AsyncGenerator[bytes, None]:
            try:
                async for event in reservation.events():
                    yield event
            finally:
                self.known.pop(token, None)
                reservation.stop()

        return Streamed(NumberedSse(), events(), self.settings.keep_alive)

    async def start(self, token: str, exchange: Exchange) -> Response:
        """``POST``: run an operation over the stream; refused ones are answered here."""
        reservation = self._find(token, exchange.identity)
        id_ = exchange.request.extensions.get("operationId")
        if not isinstance(id_, str) or not id_:
            raise Refused("extensions.operationId is missing.", 400, "BAD_REQUEST")
        if id_ in reservation.tasks:
            raise Refused("The operationId is in use.", 409, "OPERATION_ID_IN_USE")
        if len(reservation.tasks) >= self.settings.operations_per_socket:
            raise Refused("Too many operations.", 429, "REQUEST_LIMIT_EXCEEDED")
        try:
            await self.pipeline.prepare(exchange)
        except Refused:
            raise
        except RequestError as error:
            body = orjson.dumps({"errors": errors_of(error)})
            return Response(400, body)
        if exchange.files is not None:
            await exchange.files.whole()
        exchange.transport = "sse"
        task = asyncio.get_running_loop().create_task(self._run(reservation, id_, exchange))
        reservation.tasks[id_] = task
        return Response(202, b"", None)

    def stop(self, token: str, identity: Identity, query_string: bytes) -> Response:
        """``DELETE``: stop an operation; an unknown one is already stopped."""
        reservation = self._find(token, identity)
        id_ = parse_qs(query_string.decode("latin-1")).get("operationId", [""])[0]
        if not id_:
            raise Refused("operationId is missing.", 400, "BAD_REQUEST")
        task = reservation.tasks.pop(id_, None)
        if task is not None:
            task.cancel()
        return Response(200, b"", None)

    async def _run(self, reservation: Reservation, id_: str, exchange: Exchange) -> None:
        exchange.generation.hold()
        try:
            if exchange.kind is OperationKind.SUBSCRIPTION:
                events = self.subscriptions.events(exchange)
                async with contextlib.aclosing(events):
                    async for body in events:
                        self._post(reservation, _event("next", id_, body))
            else:
                answer = self.pipeline.shown(exchange, await self.pipeline.run(exchange))
                self._post(reservation, _event("next", id_, answer.body))
        except StreamFailed as failure:
            self._post(
                reservation, _event("next", id_, orjson.dumps({"errors": list(failure.errors)}))
            )
        except RequestError as error:
            self._post(reservation, _event("next", id_, orjson.dumps({"errors": errors_of(error)})))
        finally:
            exchange.generation.release()
        if reservation.tasks.pop(id_, None) is not None:
            self._post(reservation, _event("complete", id_, None))

    def _post(self, reservation: Reservation, event: bytes) -> None:
        """Queue an event; a reader that falls behind loses its stream."""
        try:
            reservation.queue.put_nowait(event)
        except asyncio.QueueFull:
            _LOG.warning("a single-connection stream was dropped: its client does not read")
            while not reservation.queue.empty():
                reservation.queue.get_nowait()
            reservation.queue.put_nowait(None)
            reservation.stop()

    def _find(self, token: str, identity: Identity) -> Reservation:
        reservation = self.known.get(token)
        if reservation is None or reservation.identity.key != identity.key:
            raise Refused("There is no stream with this token.", 404, "STREAM_NOT_FOUND")
        return reservation

    def _forget_unopened(self) -> None:
        old = time.monotonic() - _UNOPENED
        for token in [t for t, r in self.known.items() if not r.opened and r.made < old]:
            self.known.pop(token).stop()


def _event(kind: str, id_: str, body: bytes | None) -> bytes:
    name: Any = orjson.dumps(id_)
    data = b'{"id":%b}' % name if body is None else b'{"id":%b,"payload":%b}' % (name, body)
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), data)
