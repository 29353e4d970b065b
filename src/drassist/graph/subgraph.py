"""A subgraph that runs: one object with three doors.

It is an ASGI application (GraphQL over HTTP and graphql-transport-ws on ``/graphql``, health on
``/health``), it executes operations in process for a router beside it, and it has a lifespan that
opens what it needs and closes it again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any, Generic, TypeVar, cast

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.exceptions import ConnectionRejectionError, MissingQueryError
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.types.unset import UNSET, UnsetType

from drassist.graph.context import Context
from drassist.graph.schema import GraphSchema
from drassist.runtime.identity import ANONYMOUS, Authenticator, Identity, InvalidCredentials
from drassist.runtime.logs import get_logger
from drassist.runtime.settings import LimitSettings

__all__ = ["Subgraph"]

log = get_logger(__name__)

S = TypeVar("S")

Lifespan = Callable[[], AbstractAsyncContextManager[S]]
"""Opens what the resolvers need (their ``services``) and closes it at the end."""


class Subgraph(Generic[S]):
    """One subgraph: ``Subgraph("patients", schema, open_services, authenticator)``.

    Enter :meth:`lifespan` before use (an ASGI server does). ``health`` raises when a peer that the
    subgraph cannot do without is away. ``routes`` are doors beside GraphQL, such as a socket.
    """

    def __init__(
        self,
        name: str,
        schema: GraphSchema,
        services: Lifespan[S],
        authenticate: Authenticator,
        *,
        health: Callable[[S], Any] | None = None,
        limits: LimitSettings | None = None,
        routes: Sequence[BaseRoute] = (),
    ) -> None:
        self.name = name
        self.schema = schema
        self._open = services
        self._authenticate = authenticate
        self._health = health
        self._services: S | None = None
        self._limits = limits or LimitSettings()
        self.app = self._make_app(routes)

    def sdl(self) -> str:
        return self.schema.sdl()

    @property
    def services(self) -> S:
        assert self._services is not None, f"{self.name} is not running: enter its lifespan"
        return self._services

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[Subgraph[S]]:
        """Run the subgraph for the length of the block."""
        async with AsyncExitStack() as stack:
            self._services = await stack.enter_async_context(self._open())
            try:
                yield self
            finally:
                self._services = None

    async def context(
        self, headers: Mapping[str, str], identity: Identity | None = None, *, live: bool = False
    ) -> Context[S]:
        """The context of one operation; raises ``InvalidCredentials``."""
        caller = identity or await self._authenticate(headers)
        return Context(self.services, caller, headers, live=live)

    async def execute(
        self,
        operation: str,
        variables: Mapping[str, Any] | None = None,
        operation_name: str | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        identity: Identity | None = None,
    ) -> dict[str, Any]:
        """Execute a query or mutation in process; returns the GraphQL response as JSON values.

        ``identity`` is for callers in this process that know who asks. Wrong credentials give a
        response with the error UNAUTHENTICATED; nothing is raised.
        """
        try:
            context = await self.context(headers or {}, identity)
        except InvalidCredentials as error:
            return _refused(error)
        try:
            result = await self.schema.execute(
                operation,
                variable_values=dict(variables or {}),
                context_value=context,
                operation_name=operation_name,
            )
        except _NO_OPERATION:
            return _error("BAD_REQUEST", "There is no operation of that name to execute.")
        return _response(result)

    async def subscribe(
        self,
        operation: str,
        variables: Mapping[str, Any] | None = None,
        operation_name: str | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        identity: Identity | None = None,
    ) -> AsyncIterator[dict[str, Any]]:
        """Run a subscription in process: one response per event; closing it ends it."""
        try:
            context = await self.context(headers or {}, identity, live=True)
        except InvalidCredentials as error:
            yield _refused(error)
            return
        answer = await self.schema.subscribe(
            operation,
            variable_values=dict(variables or {}),
            context_value=context,
            operation_name=operation_name,
        )
        if not hasattr(answer, "__aiter__"):
            yield _response(answer)
            return
        try:
            async for result in answer:
                yield _response(result)
        finally:
            await answer.aclose()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)

    def _make_app(self, more: Sequence[BaseRoute]) -> ASGIApp:
        @asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncIterator[None]:
            async with self.lifespan():
                yield

        graphql = _Limited(_Graph(self), self._limits.body_bytes)
        return Starlette(
            routes=[
                Route("/health/live", self._live),
                Route("/health/ready", self._ready),
                Route("/schema.graphql", self._sdl),
                # with and without the slash: a redirect would make clients drop the body
                *(Route(path, graphql) for path in ("/graphql", "/graphql/")),
                *(WebSocketRoute(path, graphql) for path in ("/graphql", "/graphql/")),
                *more,
            ],
            lifespan=lifespan,
        )

    async def _live(self, _: Request) -> Response:
        return JSONResponse({"subgraph": self.name, "status": "live"})

    async def _ready(self, _: Request) -> Response:
        try:
            if self._health is not None:
                async with asyncio.timeout(5):
                    await self._health(self.services)
        except Exception as error:  # noqa: BLE001  whatever is wrong: not ready
            log.warning("health.not_ready", subgraph=self.name, error_class=type(error).__name__)
            return JSONResponse({"subgraph": self.name, "status": "not ready"}, status_code=503)
        return JSONResponse({"subgraph": self.name, "status": "ready"})

    async def _sdl(self, _: Request) -> Response:
        return Response(self.sdl(), media_type="text/plain")


def _response(result: Any) -> dict[str, Any]:
    response: dict[str, Any] = {"data": result.data}
    if result.errors:
        response["errors"] = [error.formatted for error in result.errors]
    if result.extensions:
        response["extensions"] = result.extensions
    return response


_NO_OPERATION = (MissingQueryError, CannotGetOperationTypeError, InvalidOperationTypeError)


def _refused(error: InvalidCredentials) -> dict[str, Any]:
    return _error("UNAUTHENTICATED", str(error))


def _error(code: str, message: str) -> dict[str, Any]:
    return {"data": None, "errors": [{"message": message, "extensions": {"code": code}}]}


class _Graph(GraphQL[Context[Any], None]):
    """Strawberry's ASGI view, with our context, our JSON and no IDE from a CDN."""

    def __init__(self, subgraph: Subgraph[Any]) -> None:
        super().__init__(
            subgraph.schema,
            graphql_ide=None,
            allow_queries_via_get=False,  # query strings end up in logs of proxies
            subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL,),
        )
        self._subgraph = subgraph

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            request = Request(scope, receive)
            try:
                scope["drassist.identity"] = await self._subgraph._authenticate(request.headers)
            except InvalidCredentials as error:
                await JSONResponse(_refused(error), status_code=401)(scope, receive, send)
                return
        await super().__call__(scope, receive, send)

    async def get_context(
        self, request: Request | WebSocket, response: Response | WebSocket
    ) -> Context[Any]:
        if isinstance(request, Request):
            identity = request.scope["drassist.identity"]
            return await self._subgraph.context(request.headers, identity)
        # who it is comes with the upgrade or with connection_init; until then nobody
        return await self._subgraph.context(request.headers, ANONYMOUS, live=True)

    async def on_ws_connect(self, context: Context[Any]) -> UnsetType | dict[str, object] | None:
        given = context.connection_params
        params = given if isinstance(given, Mapping) else {}
        nested = params.get("headers")
        sent = {**params, **(nested if isinstance(nested, Mapping) else {})}
        texts = {k.lower(): v for k, v in sent.items() if isinstance(v, str)}
        headers = {**context.headers, **texts}
        try:
            context.identity = await self._subgraph._authenticate(headers)
        except InvalidCredentials:
            raise ConnectionRejectionError from None
        context.headers = headers
        return cast("UnsetType", UNSET)

    def decode_json(self, data: str | bytes) -> object:
        return orjson.loads(data)

    def encode_json(self, data: object) -> bytes | str:
        if isinstance(data, dict) and data.get("type"):
            return orjson.dumps(data, default=_plain).decode()  # WebSocket frames are text
        return orjson.dumps(data, default=_plain)


def _plain(value: Any) -> Any:
    formatted = getattr(value, "formatted", None)
    if formatted is not None:
        return formatted
    raise TypeError(type(value).__name__)


class _Limited:
    """Refuses a request body that is too large before it is in memory."""

    def __init__(self, app: ASGIApp, most: int) -> None:
        self._app = app
        self._most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        length = dict(scope["headers"]).get(b"content-length", b"0")
        if length.isdigit() and int(length) > self._most:
            await self._refuse(scope, receive, send)
            return
        seen = 0

        async def limited() -> Message:
            nonlocal seen
            message = await receive()
            if message["type"] == "http.request":
                seen += len(message.get("body", b""))
                if seen > self._most:
                    raise _TooLarge
            return message

        try:
            await self._app(scope, limited, send)
        except _TooLarge:
            await self._refuse(scope, receive, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        error = {
            "message": f"A request may have at most {self._most} bytes.",
            "extensions": {"code": "REQUEST_TOO_LARGE"},
        }
        answer = JSONResponse({"errors": [error]}, status_code=413)
        await answer(scope, receive, send)


class _TooLarge(Exception):
    pass
