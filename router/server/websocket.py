"""graphql-transport-ws over an ASGI WebSocket: moves messages between socket and pipeline.

The rules of the protocol are :mod:`router.server.ws_protocol`'s. Here each operation of a socket
has its task, all sends go through one bounded queue, and a client that does not read is closed
with 1013 instead of filling memory. Credentials come with the upgrade's headers or in
``connection_init``; the socket is closed when they expire.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Mapping
from typing import Any, Final, assert_never
from urllib.parse import urlsplit

from router.errors import RequestError
from router.planning.plan import OperationKind
from router.server.asgi import Receive, Scope, Send
from router.server.http import request_headers
from router.server.identity import ANONYMOUS, Identity
from router.server.messages import request_from_mapping
from router.server.pipeline import Pipeline
from router.server.refusals import Refused, errors_of, status_of
from router.server.streaming import StreamFailed
from router.server.subscriptions import Subscriptions
from router.server.ws_protocol import (
    SUBPROTOCOL,
    Close,
    Complete,
    Init,
    Pinged,
    Session,
    Start,
    complete_message,
    error_message,
    next_message,
    short_reason,
)
from router.settings import SubscriptionSettings

__all__ = ["GraphQLOverWebSocket"]

_LOG: Final = logging.getLogger("router.websocket")
_GRACE: Final = 5.0
"""Seconds in which a socket that we close must take what is queued."""
_TRUSTED: Final = ("x-forwarded-", "x-real-ip", "forwarded", "x-peer", "cookie", "host")
"""Headers that ``connection_init`` may not set: a proxy or the browser speaks for them."""


class GraphQLOverWebSocket:
    """The WebSocket endpoint."""

    def __init__(self, pipeline: Pipeline, subscriptions: Subscriptions) -> None:
        self.pipeline = pipeline
        self.subscriptions = subscriptions
        self.sockets: set[Socket] = set()
        self._gone = asyncio.Event()

    @property
    def settings(self) -> SubscriptionSettings:
        """The pipeline's settings, which a reload may exchange."""
        return self.pipeline.settings.subscriptions

    async def handle(self, scope: Scope, receive: Receive, send: Send, path: str) -> None:
        """Serve one socket until either side closes it."""
        await receive()  # websocket.connect
        headers = request_headers(scope)
        if not self._origin_allowed(headers):
            await send({"type": "websocket.close", "code": 4403, "reason": "Forbidden"})
            return
        offered = scope.get("subprotocols") or []
        if SUBPROTOCOL not in offered:
            await send({"type": "websocket.accept"})
            await send(_close(4406, "Subprotocol not acceptable"))
            return
        await send({"type": "websocket.accept", "subprotocol": SUBPROTOCOL})
        if len(self.sockets) >= self.settings.sockets:
            await send(_close(1013, "Too many connections"))
            return
        socket = Socket(self, headers, path, send)
        self.sockets.add(socket)
        try:
            await socket.serve(receive)
        finally:
            self.sockets.discard(socket)
            if not self.sockets:
                self._gone.set()

    async def close(
        self, code: int = 1001, reason: str = "Going away", seconds: float = 2.0
    ) -> None:
        """Close every socket; clients reconnect after 1001 and 1012.

        Operations that end within ``seconds`` say their last word before; so long, too, sockets
        may take to be gone.
        """
        operations = [task for socket in self.sockets for task in socket.tasks.values()]
        if operations:
            await asyncio.wait(operations, timeout=seconds)
        for socket in list(self.sockets):
            socket.close(code, reason)
        if self.sockets:
            self._gone.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._gone.wait(), seconds)

    def _origin_allowed(self, headers: Mapping[str, str]) -> bool:
        """Browsers do not ask before they open sockets, so the Origin is checked here."""
        origin = headers.get("origin")
        if origin is None:
            return True
        allowed = {*self.settings.origins, *self.pipeline.settings.http.cors.origins}
        if "*" in allowed or origin in allowed:
            return True
        return origin != "null" and urlsplit(origin).netloc == headers.get("host")


class Socket:
    """One connection: its protocol state, its running operations, its send queue."""

    def __init__(
        self, owner: GraphQLOverWebSocket, headers: dict[str, str], path: str, send: Send
    ) -> None:
        self.owner = owner
        self.headers = headers
        self.path = path
        self.identity: Identity = ANONYMOUS
        self.session = Session()
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self._send = send
        self._queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue(owner.settings.queue * 4)
        self._closing = False
        self._init_timer: asyncio.TimerHandle | None = None
        self._expiry_timer: asyncio.TimerHandle | None = None
        self._grace_timer: asyncio.TimerHandle | None = None
        self._abandoned = asyncio.Event()

    async def serve(self, receive: Receive) -> None:
        """Read frames until the socket closes; stops every operation then."""
        settings = self.owner.settings
        loop = asyncio.get_running_loop()
        self._init_timer = loop.call_later(
            settings.init_timeout, self.close, 4408, "Connection initialisation timeout"
        )
        writer = loop.create_task(self._write())
        reader = loop.create_task(self._read(receive))
        gone = loop.create_task(self._abandoned.wait())
        try:
            await asyncio.wait({writer, reader, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for timer in (self._init_timer, self._expiry_timer, self._grace_timer):
                if timer is not None:
                    timer.cancel()
            running = [*self.tasks.values(), reader, writer, gone]
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    def close(self, code: int, reason: str) -> None:
        """Close after what is queued; a full queue is thrown away."""
        if self._closing:
            return
        self._closing = True
        if self._queue.full():
            while not self._queue.empty():
                self._queue.get_nowait()
        self._queue.put_nowait(_close(code, reason))
        # a client that does not read does not take a close frame either
        self._grace_timer = asyncio.get_running_loop().call_later(_GRACE, self._abandoned.set)

    def post(self, text: str) -> None:
        """Queue a message; a client that lets the queue fill up is dropped."""
        if self._closing:
            return
        try:
            self._queue.put_nowait({"type": "websocket.send", "text": text})
        except asyncio.QueueFull:
            self.close(1013, "Messages came faster than they were read")

    async def _write(self) -> None:
        while True:
            message = await self._queue.get()
            try:
                await self._send(message)
            except (OSError, RuntimeError):  # the peer is gone; the reader hears of it too
                return
            if message["type"] == "websocket.close":
                return

    async def _read(self, receive: Receive) -> None:
        while True:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                return
            text: str | None = message.get("text")
            if text is not None and len(text) > self.owner.settings.message_bytes:
                self.close(1009, "Message too big")
                continue
            await self._on_frame(text)

    async def _on_frame(self, text: str | None) -> None:
        event = self.session.receive(text)
        match event:
            case None:
                pass
            case Init():
                await self._init(event.payload)
            case Start():
                self._start(event)
            case Complete():
                task = self.tasks.pop(event.id, None)
                if task is not None:
                    task.cancel()
            case Pinged():
                self.post(event.reply)
            case Close():
                self.close(event.code, event.reason)
            case _:
                assert_never(event)

    async def _init(self, payload: Mapping[str, Any]) -> None:
        self.headers.update(_credentials(payload))
        try:
            self.identity = await self.owner.pipeline.authenticate(self.headers)
            client = self.owner.pipeline.client_of(self.path, self.headers, self.identity)
            if "websocket" not in client.contract.transports:
                raise Refused("This client is not served over WebSocket.", 403)
        except RequestError as error:
            code = 4401 if status_of(error) == 401 else 4403
            self.close(code, error.message)
            return
        if self._init_timer is not None:
            self._init_timer.cancel()
        if self.identity.expires is not None:
            left = max(0.0, self.identity.expires - time.time())
            self._expiry_timer = asyncio.get_running_loop().call_later(
                left, self.close, 4403, "Forbidden: the credentials expired"
            )
        self.post(self.session.acked())

    def _start(self, event: Start) -> None:
        if len(self.session.live) > self.owner.settings.operations_per_socket:
            self._fail(
                event.id,
                [
                    {
                        "message": "Too many operations on one connection.",
                        "extensions": {"code": "REQUEST_LIMIT_EXCEEDED"},
                    }
                ],
            )
            return
        task = asyncio.get_running_loop().create_task(self._operate(event))
        self.tasks[event.id] = task
        task.add_done_callback(lambda _: self._done(event.id, task))

    def _done(self, id_: str, task: asyncio.Task[None]) -> None:
        if self.tasks.get(id_) is task:
            del self.tasks[id_]

    async def _operate(self, event: Start) -> None:
        generation = self.owner.pipeline.generation
        generation.hold()
        try:
            await self._run(event)
        except RequestError as error:
            self._fail(event.id, errors_of(error))
        except StreamFailed as failure:
            self._fail(event.id, failure.errors)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001  # one operation's fault stays with it
            # the class alone: a message may hold what the client sent
            _LOG.error("An operation over WebSocket failed: %s", type(error).__name__)
            message = {"message": "Internal server error.", "extensions": {"code": _INTERNAL}}
            self._fail(event.id, [message])
        finally:
            generation.release()

    async def _run(self, event: Start) -> None:
        pipeline = self.owner.pipeline
        request = request_from_mapping(event.payload)
        client = pipeline.client_of(self.path, self.headers, self.identity)
        exchange = pipeline.exchange(client, request, self.headers, "websocket")
        exchange.identity = self.identity
        await pipeline.prepare(exchange)
        if exchange.kind is OperationKind.SUBSCRIPTION:
            events = self.owner.subscriptions.events(exchange)
            async with contextlib.aclosing(events):
                async for body in events:
                    self.post(next_message(event.id, body))
        else:
            answer = await pipeline.run(exchange)
            self.post(next_message(event.id, pipeline.shown(exchange, answer).body))
        if self.session.ended(event.id):
            self.post(complete_message(event.id))

    def _fail(self, id_: str, errors: Any) -> None:
        if self.session.ended(id_):
            self.post(error_message(id_, errors))


_INTERNAL: Final = "INTERNAL_SERVER_ERROR"


def _credentials(payload: Mapping[str, Any]) -> dict[str, str]:
    """Headers from ``connection_init``: its texts, and those in its ``headers`` object."""
    nested = payload.get("headers")
    given = {**payload, **(nested if isinstance(nested, dict) else {})}
    return {
        str(name).lower(): value
        for name, value in given.items()
        if isinstance(value, str) and not str(name).lower().startswith(_TRUSTED)
    }


def _close(code: int, reason: str) -> dict[str, Any]:
    return {"type": "websocket.close", "code": code, "reason": short_reason(reason)}
