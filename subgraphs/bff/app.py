"""Wiring: settings -> a running subgraph for devices, with the doors that the others have."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import orjson
from ariadne import graphql
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from drassist.events import Bus
from drassist.runtime.identity import Authenticator, InvalidCredentials, authenticator
from drassist.runtime.settings import LimitSettings, Settings
from subgraphs.bff.binding import make_schema, sdl
from subgraphs.bff.refusals import coded

__all__ = ["DeviceSubgraph", "create_app"]


def create_app(
    settings: Settings, *, bus: Bus | None = None, authenticate: Authenticator | None = None
) -> DeviceSubgraph:
    """The subgraph; it watches nothing, so it has no use for the bus."""
    return DeviceSubgraph(settings, authenticate or authenticator(settings.identity))


class DeviceSubgraph:
    """Web, mobile and tablet fields: an ASGI app and an in-process door."""

    name = "bff"

    def __init__(self, settings: Settings, authenticate: Authenticator) -> None:
        self._schema = make_schema(settings.features)
        self._limits: LimitSettings = settings.limits
        self._authenticate = authenticate
        self.app = Starlette(
            routes=[
                *(
                    Route(path, self._graphql, methods=["POST"])
                    for path in ("/graphql", "/graphql/")
                ),
                Route("/health/live", self._healthy),
                Route("/health/ready", self._healthy),
                Route("/schema.graphql", self._sdl),
            ]
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI app."""
        await self.app(scope, receive, send)

    def sdl(self) -> str:
        return sdl()

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[DeviceSubgraph]:
        """Nothing to open."""
        yield self

    async def execute(
        self,
        operation: str,
        variables: Mapping[str, Any] | None = None,
        operation_name: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """Execute one operation; wrong credentials give the error UNAUTHENTICATED."""
        try:
            identity = await self._authenticate(headers or {})
        except InvalidCredentials as error:
            message = {"message": str(error), "extensions": {"code": "UNAUTHENTICATED"}}
            return {"data": None, "errors": [message]}
        data = {
            "query": operation,
            "variables": dict(variables or {}),
            "operationName": operation_name,
        }
        _, response = await graphql(
            self._schema,
            data,
            context_value={"identity": identity},
            error_formatter=coded,
        )
        return dict(response)

    async def subscribe(self, *_: Any, **__: Any) -> AsyncIterator[dict[str, Any]]:
        """Devices subscribe to the domain subgraphs."""
        for response in ({"data": None, "errors": [{"message": "No subscriptions here."}]},):
            yield response

    async def _graphql(self, request: Request) -> Response:
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > self._limits.body_bytes:
                return _refused("The request is too large.", "REQUEST_TOO_LARGE", 413)
        try:
            asked = orjson.loads(body)
            operation = asked["query"]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            return _refused("Send JSON with a query.", "BAD_REQUEST", 400)
        response = await self.execute(
            operation, asked.get("variables"), asked.get("operationName"), request.headers
        )
        return Response(orjson.dumps(response), media_type="application/json")

    async def _healthy(self, _: Request) -> Response:
        return JSONResponse({"subgraph": self.name, "status": "ready"})

    async def _sdl(self, _: Request) -> Response:
        return Response(self.sdl(), media_type="text/plain")


def _refused(message: str, code: str, status: int) -> Response:
    error = {"message": message, "extensions": {"code": code}}
    return JSONResponse({"errors": [error]}, status_code=status)
