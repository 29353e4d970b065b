"""From what an application hands over to a generation: SDLs gathered, composed, connected.

A subgraph is a URL, an in-process schema, or a :class:`Subgraph` that says more. What is not
known is asked for: a running subgraph answers ``_service { sdl }``.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from msgspec import Struct

from router.errors import SettingsInvalid, SubgraphError
from router.execution.client import SubgraphClient, SubgraphRequest

if TYPE_CHECKING:
    from router.settings import SubgraphSettings
    from router.supergraph import Supergraph

__all__ = [
    "LoadedGraph",
    "Subgraph",
    "SubgraphLike",
    "close_all",
    "load_subgraphs",
    "load_supergraph",
    "printed_sdl",
]

SubgraphLike: TypeAlias = Any
"""A URL, a ``GraphQLSchema``, a Strawberry schema, an ASGI app, or a :class:`Subgraph`."""

_ASK: Final = "{ _service { sdl } }"


class Subgraph(Struct, frozen=True):
    """A subgraph described in full; give at least one of ``url``, ``schema`` and ``client``.

    ``schema`` runs in this process: a Strawberry, Ariadne or graphql-core schema, or any ASGI app
    that serves GraphQL over HTTP. ``sdl`` is asked of the running subgraph when it is absent;
    ``headers`` are sent with every request to it. ``context`` makes the resolvers' context out of
    each request to a ``schema`` (its forwarded headers say who asks); it may be a coroutine.
    """

    url: str | None = None
    sdl: str | None = None
    schema: Any = None
    client: SubgraphClient | None = None
    headers: Mapping[str, str] | None = None
    context: Callable[[SubgraphRequest], Any] | None = None


class LoadedGraph(Struct, frozen=True):
    """A supergraph and a client for each of its subgraphs."""

    supergraph: Supergraph
    clients: Mapping[str, SubgraphClient]


async def load_subgraphs(
    subgraphs: Mapping[str, SubgraphLike], settings: SubgraphSettings | None = None
) -> LoadedGraph:
    """Gather the SDLs, compose them, and connect every subgraph.

    The work is done in a thread, so that a router that reloads answers meanwhile.
    Raises :class:`~router.composition.CompositionFailed` with every error, or
    :class:`~router.errors.SettingsInvalid` where a subgraph cannot be reached.
    """
    from router.composition.compose import compose
    from router.composition.sources import SubgraphSource
    from router.supergraph import Supergraph

    described = {name: _described(name, given) for name, given in subgraphs.items()}
    clients = {name: _connect(name, subgraph, settings) for name, subgraph in described.items()}
    try:
        sdls = await asyncio.gather(*(_sdl(n, described[n], clients[n]) for n in described))
        sources = [
            SubgraphSource(name, subgraph.url or "", sdl)
            for (name, subgraph), sdl in zip(described.items(), sdls, strict=True)
        ]
        composition = await asyncio.to_thread(compose, sources)
        supergraph = await asyncio.to_thread(Supergraph.load, composition.supergraph_sdl)
    except BaseException:  # one that is cancelled has clients too
        await close_all(clients)
        raise
    return LoadedGraph(supergraph, clients)


async def close_all(clients: Mapping[str, SubgraphClient]) -> None:
    """Close the clients of a graph that is not to be served."""
    for client in clients.values():
        with contextlib.suppress(Exception):
            await client.aclose()


async def load_supergraph(
    supergraph: Supergraph,
    subgraphs: Mapping[str, SubgraphLike] | None = None,
    settings: SubgraphSettings | None = None,
) -> LoadedGraph:
    """Connect the subgraphs of a supergraph; ``subgraphs`` replace the URLs that it names."""
    given = dict(subgraphs or {})
    for name in given:
        if name not in supergraph.subgraphs:
            known = ", ".join(supergraph.subgraphs)
            raise SettingsInvalid(
                f"The supergraph has no subgraph {name!r}; it has {known}. Correct the name."
            )
    clients: dict[str, SubgraphClient] = {}
    for name, view in supergraph.subgraphs.items():
        if name not in given and not view.url:
            raise SettingsInvalid(
                f"The supergraph gives no URL for the subgraph {name!r}: add it to join__Graph "
                "or pass the subgraph to the router."
            )
        clients[name] = _connect(name, _described(name, given.get(name, view.url)), settings)
    return LoadedGraph(supergraph, clients)


def _described(name: str, given: SubgraphLike) -> Subgraph:
    if isinstance(given, Subgraph):
        if given.url is None and given.schema is None and given.client is None:
            raise SettingsInvalid(f"The subgraph {name!r} has neither url, schema nor client.")
        return given
    if isinstance(given, str):
        if not given.startswith(("http://", "https://", "ws://", "wss://")):
            raise SettingsInvalid(
                f"The subgraph {name!r} has the URL {given!r}; it must begin with http:// or https://."
            )
        return Subgraph(url=given)
    return Subgraph(schema=given)


async def _sdl(name: str, subgraph: Subgraph, client: SubgraphClient) -> str:
    if subgraph.sdl is not None:
        return subgraph.sdl
    if subgraph.schema is not None and not _asgi(subgraph.schema):
        return printed_sdl(subgraph.schema)
    place = subgraph.url or "in process"
    try:
        answer = await client.fetch(SubgraphRequest(_ASK, {}))
    except SubgraphError as error:
        raise SettingsInvalid(
            f"The subgraph {name!r} ({place}) cannot be asked for its SDL: {error.message} "
            "Start it, or give its SDL."
        ) from error
    service = (answer.data or {}).get("_service") if isinstance(answer.data, dict) else None
    sdl = service.get("sdl") if isinstance(service, dict) else None
    if not isinstance(sdl, str) or not sdl.strip():
        raise SettingsInvalid(
            f"The subgraph {name!r} ({place}) does not answer _service {{ sdl }}: make it a "
            "federation subgraph, or give its SDL."
        )
    return sdl


def printed_sdl(schema: Any) -> str:
    """The SDL of an in-process schema, with its federation directives.

    A Strawberry schema prints itself, a schema with ``_service`` (Ariadne's federation among them)
    is asked, any other is printed as it is.
    """
    from graphql import GraphQLSchema, graphql_sync, print_schema

    as_text = getattr(schema, "as_str", None)
    if callable(as_text):
        return str(as_text())
    if not isinstance(schema, GraphQLSchema):
        raise SettingsInvalid(
            f"{type(schema).__name__} is no schema: pass a Strawberry, Ariadne or graphql-core "
            "schema, an ASGI app, or a URL."
        )
    if schema.query_type is not None and "_service" in schema.query_type.fields:
        result = graphql_sync(schema, _ASK)
        if result.data is not None:
            return str(result.data["_service"]["sdl"])
    return print_schema(schema)


def _asgi(schema: Any) -> bool:
    """Whether this is an ASGI app rather than a schema."""
    from graphql import GraphQLSchema

    return callable(schema) and not isinstance(schema, GraphQLSchema)


def _connect(
    name: str, subgraph: Subgraph, settings: SubgraphSettings | None = None
) -> SubgraphClient:
    from graphql import GraphQLSchema

    from router.execution import InFlight
    from router.settings import SubgraphSettings
    from router.transport import InProcessClient, connect, options_of

    known = settings or SubgraphSettings()
    if subgraph.context is None or subgraph.schema is None or _asgi(subgraph.schema):
        return connect(name, subgraph, options=options_of(known), deduplicate=known.deduplicate)
    if isinstance(subgraph.schema, GraphQLSchema):
        client = InProcessClient.from_graphql(subgraph.schema, context=subgraph.context)
    else:
        client = InProcessClient.from_strawberry(subgraph.schema, context=subgraph.context)
    return InFlight(client) if known.deduplicate else client
