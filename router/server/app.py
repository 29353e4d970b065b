"""The server as one ASGI app: which path goes where, and the life of the process.

``/graphql`` and each client's path speak GraphQL, ``<path>/<id>`` runs a persisted operation,
``/health/live`` says that the process runs and ``/health/ready`` that it can answer. Works alone
and mounted: paths are taken below ``root_path``.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

import orjson

from router.server.asgi import Receive, Response, Scope, Send, send_response
from router.server.direct import Direct
from router.server.generation import Generation
from router.server.http import GraphQLOverHTTP
from router.server.identity import Authenticator
from router.server.pipeline import Pipeline
from router.server.refusals import errors_body
from router.server.running import Running
from router.server.subscriptions import Subscriptions
from router.server.websocket import GraphQLOverWebSocket
from router.settings import Settings

__all__ = ["Page", "Server"]

Page: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
"""An ASGI app for what is not GraphQL: the GraphiQL page."""

_LOG: Final = logging.getLogger("router.server")


class Server:
    """Routes requests to the endpoints; ``page`` answers other paths where there is one."""

    def __init__(self, pipeline: Pipeline, *, page: Page | None = None) -> None:
        self.pipeline = pipeline
        self.page = page
        self.subscriptions = Subscriptions(pipeline)
        self.http = GraphQLOverHTTP(pipeline, self.subscriptions)
        self.websocket = GraphQLOverWebSocket(pipeline, self.subscriptions)
        self.ready = True
        self._running = Running()
        self.direct = Direct(self.http, self._running)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request or WebSocket."""
        path = path_of(scope)
        if scope["type"] == "websocket":
            await self._websocket(scope, receive, send, path)
            return
        self._running.enter()
        try:
            await self._http(scope, receive, send, path)
        finally:
            self._running.leave()

    async def configure(self, settings: Settings, authenticate: Authenticator | None) -> None:
        """Go over to other settings."""
        await self.pipeline.configure(settings, authenticate)
        await self.http.configure(settings)

    async def use(self, generation: Generation) -> None:
        """Serve from ``generation`` from now on; subscriptions go over to it or are ended."""
        before = self.pipeline.use(generation)
        await self.subscriptions.reload()
        if before is not None:
            await before.retire()

    async def drain(self, seconds: float = 10.0) -> None:
        """Stop being ready, end every stream with a code, and wait for requests under way."""
        await self.end_streams()
        if not await self._running.end(seconds):
            _LOG.warning("%d requests were cut off by the shutdown", self._running.count)

    async def end_streams(self) -> None:
        """Stop being ready and end every stream with a code; requests are still served."""
        self.ready = False
        await self.subscriptions.close()
        await self.websocket.close(1001, "The router is shutting down")

    async def aclose(self) -> None:
        """Close what is shared with other routers: stores and counters."""
        await self.subscriptions.aclose()
        await self.http.idempotency.aclose()
        await self.pipeline.aclose()

    async def _http(self, scope: Scope, receive: Receive, send: Send, path: str) -> None:
        by_path = self.pipeline.generation.by_path
        if path in by_path:
            await self.http.handle(scope, receive, send, path)
            return
        parent, _, name = path.rpartition("/")
        if name and parent in by_path:
            await self.http.handle(scope, receive, send, parent, name)
            return
        if path.startswith("/health"):
            await send_response(send, self._health(path))
            return
        if self.page is not None:
            await self.page(scope, receive, send)
            return
        await send_response(send, self._nothing_here(path))

    async def _websocket(self, scope: Scope, receive: Receive, send: Send, path: str) -> None:
        if (
            path in self.pipeline.generation.by_path
            and self.pipeline.settings.subscriptions.enabled
        ):
            await self.websocket.handle(scope, receive, send, path)
            return
        await receive()
        await send({"type": "websocket.close", "code": 4404, "reason": "Not found"})

    def _health(self, path: str) -> Response:
        generation = self.pipeline.generation
        if path in ("/health", "/health/live"):
            return Response(200, orjson.dumps({"status": "ok"}), "application/json")
        if path == "/health/ready":
            state = {
                "status": "ready" if self.ready else "draining",
                "generation": generation.number,
                "subgraphs": sorted(generation.subgraphs),
                "clients": sorted(generation.clients),
            }
            return Response(200 if self.ready else 503, orjson.dumps(state), "application/json")
        return self._nothing_here(path)

    def _nothing_here(self, path: str) -> Response:
        client = path.strip("/").split("/")[0]
        message = (
            f"There is no client {client[:64]!r}."
            if path.endswith(self.pipeline.settings.http.path) and self.pipeline.generation.clients
            else "There is nothing at this path; GraphQL is served at "
            f"{self.pipeline.settings.http.path}."
        )
        code = "UNKNOWN_CLIENT" if message.startswith("There is no client") else "NOT_FOUND"
        body = errors_body([{"message": message, "extensions": {"code": code}}])
        return Response(404, body, "application/json")


def path_of(scope: Scope) -> str:
    """The path below the mount point."""
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    if root and path.startswith(root) and path[len(root) : len(root) + 1] in ("", "/"):
        path = path[len(root) :]
    return (path.rstrip("/") or "/") if path.endswith("/") else path or "/"
