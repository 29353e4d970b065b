"""The library door: an ASGI app out of in-process schemas and subgraph URLs.

    from router import Router

    app = Router.from_subgraphs({
        "patients": strawberry_schema,               # a Strawberry, Ariadne or graphql-core schema
        "billing": "http://billing.internal/graphql",
    })

``app`` runs alone (``uvicorn module:app``) or mounted (``Starlette(routes=[Mount("/api", app)])``;
FastAPI: ``app.mount("/api", router)``). It starts with the server's lifespan, or, mounted, with
the first request; call ``await app.start()`` in your own lifespan to be ready before.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self, TypeAlias, TypedDict, Unpack

from router.contracts.contract import Contract, load_contracts
from router.errors import RouterError
from router.files import naming
from router.loading import LoadedGraph, SubgraphLike, close_all, load_subgraphs, load_supergraph
from router.server.app import Page, Server
from router.server.asgi import Receive, Response, Scope, Send, send_response
from router.server.direct import Head, Respond
from router.server.exchange import Stage
from router.server.generation import Generation, PlansOperations, build_generation
from router.server.identity import Authenticator
from router.server.pipeline import Pipeline
from router.server.refusals import errors_body
from router.server.rights import Decide
from router.settings import Settings, SubgraphSettings

if TYPE_CHECKING:
    from router.supergraph import Supergraph

__all__ = ["Router", "RouterOptions"]

_LOG: Final = logging.getLogger("router")

_PAUSE: Final = 2.0
"""Seconds after a failed start in which requests do not cause another try."""

ReadSettings: TypeAlias = Callable[[], Settings]
"""Settings that are read anew at each reload."""

Load: TypeAlias = Callable[[SubgraphSettings], Awaitable[LoadedGraph]]


class RouterOptions(TypedDict, total=False):
    """What every way of making a :class:`Router` takes, by keyword; it says what each means."""

    settings: Settings | ReadSettings | None
    contracts_dir: str | Path | None
    contracts: Sequence[Contract]
    plans: str | Path | None
    authenticate: Authenticator | None
    decide: Decide | None
    stages: Sequence[Stage]
    page: Page | None
    graphiql: bool | str | Path


class Router:
    """A federation router as an ASGI app.

    ``settings``: everything that can be tuned, JWT issuers among them (``settings.jwt``); or a
    function that reads them, called again at each reload.
    ``contracts_dir``: a folder of ``<client>/contract.toml``; each client gets its own schema at
    ``/<client>/graphql``. ``plans``: an artifact of ``router plan --manifest``, so that persisted
    operations need no planning. ``authenticate``: finds the caller in the headers instead of the JWT
    settings. ``decide``: decides ``@policy``, once per operation for all of them. ``stages`` wrap
    execution (audit, caches). ``page``: an ASGI app for every other path, such as GraphiQL;
    ``graphiql=True`` serves the built-in one, a path says where its build lies.

    Nothing is loaded before :meth:`start`, which raises what is wrong with schemas, contracts or
    settings. :meth:`reload` loads anew; when that fails the router keeps what it has.
    """

    def __init__(
        self,
        load: Load,
        *,
        settings: Settings | ReadSettings | None = None,
        contracts_dir: str | Path | None = None,
        contracts: Sequence[Contract] = (),
        plans: str | Path | None = None,
        authenticate: Authenticator | None = None,
        decide: Decide | None = None,
        stages: Sequence[Stage] = (),
        page: Page | None = None,
        graphiql: bool | str | Path = False,
    ) -> None:
        fixed = Settings() if settings is None or callable(settings) else settings
        if not isinstance(fixed, Settings):
            raise TypeError(
                f"settings are no {type(fixed).__name__}: pass a router.settings.Settings; "
                "read(mapping, Settings) makes one of a mapping, load(path, Settings) of a file."
            )
        self._read_settings: ReadSettings = settings if callable(settings) else lambda: fixed
        self.settings = fixed
        self._load = load
        self._contracts_dir = Path(contracts_dir) if contracts_dir is not None else None
        self._contracts = tuple(contracts)
        self._plans = Path(plans) if plans is not None else None
        self._authenticate = authenticate
        self._decide = decide
        self._stages = tuple(stages)
        self._page = page
        self._graphiql = graphiql
        self._server: Server | None = None
        self._starting = asyncio.Lock()
        self._generations = 0
        self._not_before = 0.0

    @classmethod
    def from_subgraphs(
        cls, subgraphs: Mapping[str, SubgraphLike], **options: Unpack[RouterOptions]
    ) -> Self:
        """A router that composes ``subgraphs`` itself.

        Each value is an in-process schema (Strawberry, Ariadne, graphql-core), the URL of a
        running subgraph, an ASGI app, or a :class:`~router.loading.Subgraph`.
        """
        given = dict(subgraphs)
        return cls(lambda asked: load_subgraphs(given, asked), **options)

    @classmethod
    def from_supergraph(
        cls,
        supergraph: str | Path,
        *,
        subgraphs: Mapping[str, SubgraphLike] | None = None,
        **options: Unpack[RouterOptions],
    ) -> Self:
        """A router for a composed supergraph: its SDL, or a file that is read at each (re)load.

        A text without a brace can be no SDL: it is the path of the file. ``subgraphs`` replace the
        URLs in it, by name: in-process schemas or other URLs.
        """
        given = dict(subgraphs or {})
        is_sdl = isinstance(supergraph, str) and "{" in supergraph

        async def load(asked: SubgraphSettings) -> LoadedGraph:
            from router.supergraph import Supergraph

            if is_sdl:
                loaded = await asyncio.to_thread(Supergraph.load, str(supergraph))
                return await load_supergraph(loaded, given, asked)
            file = Path(supergraph)
            loaded = await asyncio.to_thread(Supergraph.read, file)
            with naming(file):
                return await load_supergraph(loaded, given, asked)

        return cls(load, **options)

    @property
    def generation(self) -> Generation:
        """What is being served: supergraph, clients, planner. Only after :meth:`start`."""
        return self.server.pipeline.generation

    @property
    def server(self) -> Server:
        """The running server. Only after :meth:`start`."""
        if self._server is None:
            raise RuntimeError("The router is not started: await router.start() first.")
        return self._server

    async def start(self) -> None:
        """Load, compose and connect; does nothing when already started."""
        async with self._starting:
            if self._server is not None:
                return
            self.settings = self._read_settings()
            authenticate = self._authenticator(self.settings)
            generation = await self._build(self.settings)
            pipeline = Pipeline(
                generation,
                self.settings,
                authenticate=authenticate,
                decide=self._decide,
                stages=self._stages,
            )
            await pipeline.warm_up(generation)
            pipeline.use(generation)
            self._server = Server(pipeline, page=self._page or self._graphiql_page())

    async def reload(self) -> None:
        """Load anew and go over to it; raises what is wrong and keeps the old one then."""
        server = self.server
        async with self._starting:
            settings = self._read_settings()
            authenticate = self._authenticator(settings)
            generation = await self._build(settings)
            try:
                await self._go_over(server, generation, settings, authenticate)
            finally:
                if server.pipeline.generation is not generation:
                    await generation.retire()

    async def _go_over(
        self,
        server: Server,
        generation: Generation,
        settings: Settings,
        authenticate: Authenticator | None,
    ) -> None:
        """Serve from a generation, unless the router was stopped while it was built."""
        changed = settings != self.settings or any(each.jwks_file for each in settings.jwt.issuers)
        if self._server is server and changed:
            self.settings = settings
            await server.configure(settings, authenticate)
        if self._server is server:
            await server.pipeline.warm_up(generation)
        if self._server is server:
            await server.use(generation)
            _LOG.info("generation %d is served", generation.number)

    async def drain(self, seconds: float = 10.0) -> None:
        """Be no longer ready, close streams with a code, let requests under way finish."""
        if self._server is not None:
            await self._server.drain(seconds)

    async def end_streams(self) -> None:
        """Be no longer ready and close streams with a code; requests are still served."""
        if self._server is not None:
            await self._server.end_streams()

    async def stop(self, seconds: float = 10.0) -> None:
        """Drain, then close every connection to subgraphs and stores."""
        await self.drain(seconds)
        server, self._server = self._server, None
        if server is not None:
            await server.pipeline.generation.retire()
            await server.aclose()

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop."""
        await self.stop()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI app."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        if self._server is None and not await self._started_late(scope, receive, send):
            return
        await self.server(scope, receive, send)

    def begin(self, head: Head, body: bytes, respond: Respond) -> bool:
        """Answer a request without a task where that can be, as :meth:`Direct.begin` does."""
        server = self._server
        return server is not None and server.direct.begin(head, body, respond)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            await self.start()
        except Exception as error:
            message = error.message if isinstance(error, RouterError) else repr(error)
            await send({"type": "lifespan.startup.failed", "message": message})
            raise
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.stop()
        await send({"type": "lifespan.shutdown.complete"})

    async def _started_late(self, scope: Scope, receive: Receive, send: Send) -> bool:
        """Start with the first request of a mounted app; tell the client when that fails."""
        try:
            if time.monotonic() < self._not_before:
                raise RouterError("It could not start a moment ago.")
            await self.start()
        except RouterError as error:
            if time.monotonic() >= self._not_before:
                _LOG.error("The router cannot start: %s", error.message)
                self._not_before = time.monotonic() + _PAUSE
            if scope["type"] != "http":
                await receive()
                await send({"type": "websocket.close", "code": 1013, "reason": "Not ready"})
                return False
            body = errors_body(
                [
                    {
                        "message": "No schema is served yet.",
                        "extensions": {"code": "NO_SUPERGRAPH_AVAILABLE"},
                    }
                ]
            )
            await send_response(send, Response(503, body, "application/json"))
            return False
        return True

    async def _build(self, settings: Settings) -> Generation:
        loaded = await self._load(settings.subgraphs)
        self._generations += 1
        try:
            return await asyncio.to_thread(self._made, loaded, settings, self._generations)
        except BaseException:  # one that is cancelled has clients too
            await close_all(loaded.clients)
            raise

    def _made(self, loaded: LoadedGraph, settings: Settings, number: int) -> Generation:
        """The generation; made in a thread, so that a router that reloads answers meanwhile."""
        contracts = self._contracts
        if self._contracts_dir is not None:
            contracts = (*contracts, *load_contracts(self._contracts_dir))
        return build_generation(
            loaded.supergraph,
            self._planner(loaded.supergraph),
            loaded.clients,
            contracts,
            number=number,
            matching=settings.clients,
            plain_path=settings.http.path,
            private_tag=settings.private_tag,
            trusted=settings.subgraphs.trusted,
        )

    def _planner(self, supergraph: Supergraph) -> PlansOperations:
        from router.planning.planner import Planner, PlannerOptions

        planner = Planner(supergraph, PlannerOptions(defer=True))
        if self._plans is None:
            return planner
        from router.planned import PlannedAhead

        return PlannedAhead.load(self._plans, supergraph, planner)

    def _authenticator(self, settings: Settings) -> Authenticator | None:
        if self._authenticate is not None or not settings.jwt.issuers:
            return self._authenticate
        from router.server.jwt import JwtAuthenticator

        before = self._server.pipeline.authenticate if self._server is not None else None
        return JwtAuthenticator(
            settings.jwt, before if isinstance(before, JwtAuthenticator) else None
        )

    def _graphiql_page(self) -> Page | None:
        if not self._graphiql:
            return None
        from router.page import graphiql_page

        build = None if self._graphiql is True else Path(self._graphiql)
        return graphiql_page(lambda: self.generation, build)
