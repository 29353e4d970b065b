"""How a subgraph is reached: in this process, over HTTP, over WebSocket, SSE or multipart.

:func:`connect` makes a client out of a description; identical queries in flight are sent once
unless ``deduplicate`` is off.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from graphql import GraphQLSchema
from msgspec.structs import replace

from router.errors import SettingsInvalid
from router.execution.client import SubgraphClient
from router.execution.inflight import InFlight
from router.settings import SubgraphSettings
from router.transport.endpoint import HttpOptions
from router.transport.http import HttpClient
from router.transport.inprocess import InProcessClient

__all__ = ["Described", "HttpClient", "HttpOptions", "InProcessClient", "connect", "options_of"]


class Described(Protocol):
    """What :func:`connect` needs to know of a subgraph."""

    @property
    def url(self) -> str | None: ...

    @property
    def schema(self) -> Any: ...

    @property
    def client(self) -> SubgraphClient | None: ...

    @property
    def headers(self) -> Mapping[str, str] | None: ...


def options_of(settings: SubgraphSettings) -> HttpOptions:
    """Return the HTTP options that the router's settings ask for."""
    return HttpOptions(
        timeout=settings.timeout,
        max_bytes=settings.max_bytes,
        connections=settings.connections,
        keep_alive=settings.keep_alive,
        encodings=settings.encodings,
        subscriptions=settings.subscriptions,
        event_timeout=settings.event_timeout,
    )


def connect(
    name: str,
    subgraph: Described,
    *,
    options: HttpOptions | None = None,
    deduplicate: bool = True,
) -> SubgraphClient:
    """Return a client for a subgraph: the given one, else by its schema or app, else by its URL.

    Raises SettingsInvalid where there is none of the three or the URL is no URL.
    """
    if subgraph.client is not None:
        return subgraph.client
    client: SubgraphClient
    headers = dict(subgraph.headers or {})
    if subgraph.schema is not None:
        client = _in_process(name, subgraph.schema, headers)
    elif subgraph.url:
        options = options or HttpOptions()
        asking = replace(options, headers={**options.headers, **headers})
        try:
            client = HttpClient(subgraph.url, asking)
        except SettingsInvalid as error:
            raise SettingsInvalid(f"The subgraph '{name}': {error.message}") from error
    else:
        raise SettingsInvalid(f"The subgraph '{name}' has neither a URL nor a schema.")
    return InFlight(client) if deduplicate else client


def _in_process(name: str, schema: Any, headers: Mapping[str, str]) -> InProcessClient:
    if isinstance(schema, GraphQLSchema):
        return InProcessClient.from_graphql(schema)
    if hasattr(schema, "execute") and hasattr(schema, "as_str"):
        return InProcessClient.from_strawberry(schema)
    if callable(schema):
        return InProcessClient.from_asgi(schema, headers=headers)
    raise SettingsInvalid(
        f"The subgraph '{name}' is neither a schema nor an ASGI app ({type(schema).__name__})."
    )
