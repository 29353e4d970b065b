"""Subscriptions over WebSocket: graphql-transport-ws, and graphql-ws for old subgraphs.

Both protocols are offered, the current one first; what the subgraph echoes decides. One socket
carries one subscription, so closing the iterator closes the socket.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any, Final, NoReturn

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI
from websockets.typing import Subprotocol

from router.errors import SubgraphError
from router.execution.client import SubgraphAnswer, SubgraphRequest
from router.transport.endpoint import Endpoint, HttpOptions
from router.transport.responses import answer_of

__all__ = ["Refused", "subscribe"]

CURRENT: Final = Subprotocol("graphql-transport-ws")
LEGACY: Final = Subprotocol("graphql-ws")
_ID: Final = "1"


class Refused(Exception):
    """The subgraph does not speak GraphQL over WebSocket at this address."""


async def subscribe(
    endpoint: Endpoint, options: HttpOptions, request: SubgraphRequest
) -> AsyncIterator[SubgraphAnswer]:
    """Yield one answer per event; raises Refused before anything was subscribed.

    Forwarded headers travel with the handshake and again as the payload of ``connection_init``,
    where servers that cannot read handshake headers expect them.
    """
    headers = {**endpoint.headers, **request.headers}
    socket = await _open(endpoint, options, headers)
    try:
        session = _Session(socket, options)
        await session.init(headers)
        await session.start(request)
        async for answer in session.answers():
            yield answer
    except ConnectionClosed as error:
        reason = error.rcvd.reason if error.rcvd else ""
        code = error.rcvd.code if error.rcvd else 1006
        if code == 4406:
            raise Refused from None
        _fail(f"The subgraph closed the subscription ({code}{f' {reason}' if reason else ''}).")
    finally:
        with contextlib.suppress(Exception):
            await socket.close()


async def _open(
    endpoint: Endpoint, options: HttpOptions, headers: dict[str, str]
) -> ClientConnection:
    try:
        return await connect(
            endpoint.websocket_url,
            subprotocols=[CURRENT, LEGACY],
            additional_headers=headers,
            open_timeout=options.timeout,
            close_timeout=1,
            max_size=options.max_bytes,
            ssl=endpoint.ssl,
            proxy=None,
            user_agent_header=None,
        )
    except (InvalidHandshake, InvalidURI):
        raise Refused from None
    except TimeoutError:
        message = f"The subgraph did not answer within {options.timeout:g} seconds."
        raise SubgraphError(message, code="SUBREQUEST_TIMEOUT") from None
    except OSError as error:
        raise SubgraphError(f"The subgraph cannot be reached ({type(error).__name__}).") from None


class _Session:
    """One subscription on one socket."""

    def __init__(self, socket: ClientConnection, options: HttpOptions) -> None:
        self._socket = socket
        self._options = options
        # a server that names no protocol speaks the legacy one
        self._legacy = socket.subprotocol != CURRENT

    async def init(self, headers: dict[str, str]) -> None:
        """Introduce ourselves and wait for the acknowledgement."""
        message: dict[str, Any] = {"type": "connection_init"}
        if headers:
            message["payload"] = headers
        await self._send(message)
        try:
            async with asyncio.timeout(self._options.timeout):
                while True:
                    found = await self._receive()
                    match found.get("type"):
                        case "connection_ack":
                            return
                        case "ping":
                            await self._send({"type": "pong"})
                        case "ka" | "pong":
                            continue
                        case "connection_error":
                            _fail("The subgraph refused the connection.")
                        case _:
                            _fail("The subgraph did not acknowledge the connection.")
        except TimeoutError:
            message_ = "The subgraph did not acknowledge the connection in time."
            raise SubgraphError(message_, code="SUBREQUEST_TIMEOUT") from None

    async def start(self, request: SubgraphRequest) -> None:
        """Subscribe."""
        payload: dict[str, Any] = {"query": request.operation}
        if request.variables:
            payload["variables"] = request.variables
        if request.operation_name is not None:
            payload["operationName"] = request.operation_name
        kind = "start" if self._legacy else "subscribe"
        await self._send({"id": _ID, "type": kind, "payload": payload})

    async def answers(self) -> AsyncIterator[SubgraphAnswer]:
        """Yield events until the subgraph completes."""
        while True:
            found = await self._receive()
            match found.get("type"):
                case "next" | "data":
                    yield answer_of(found.get("payload"))
                case "error":
                    errors = found.get("payload")
                    listed = errors if isinstance(errors, list) else [errors]
                    yield answer_of({"data": None, "errors": listed})
                    return
                case "complete":
                    return
                case "ping":
                    await self._send({"type": "pong"})
                case _:
                    continue

    async def _send(self, message: dict[str, Any]) -> None:
        await self._socket.send(orjson.dumps(message).decode())

    async def _receive(self) -> dict[str, Any]:
        timeout = self._options.event_timeout or None
        try:
            async with asyncio.timeout(timeout):
                text = await self._socket.recv()
        except TimeoutError:
            message = "The subgraph's subscription fell silent."
            raise SubgraphError(message, code="SUBREQUEST_TIMEOUT") from None
        try:
            found = orjson.loads(text)
        except orjson.JSONDecodeError:
            found = None
        if not isinstance(found, dict):
            raise SubgraphError(
                "The subgraph's message is not what the protocol says.",
                code="SUBREQUEST_MALFORMED_RESPONSE",
            )
        return found


def _fail(message: str) -> NoReturn:
    raise SubgraphError(message)
