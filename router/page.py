"""GraphiQL for the clients whose contracts allow it, following every reload."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from router.contracts.persisted import PersistedOperations
from router.graphiql import ClientEntry, GraphiQLConfig, Operation, create_graphiql
from router.graphiql.app import BUILD
from router.server.app import Page
from router.server.generation import Client, Generation

__all__ = ["graphiql_config", "graphiql_page"]


def graphiql_page(generation: Callable[[], Generation], build: Path | None = None) -> Page:
    """The page as an ASGI app; ``build`` is where its files lie, by default the package's own."""

    return create_graphiql(lambda: graphiql_config(generation()), build=build or BUILD)


def graphiql_config(generation: Generation) -> GraphiQLConfig:
    """What the page may know of the clients that ``generation`` serves."""
    shown = [client for client in generation.clients.values() if client.contract.graphiql]
    if generation.default.contract.graphiql and generation.default not in shown:
        shown.insert(0, generation.default)
    return GraphiQLConfig(clients=tuple(_entry(client) for client in shown))


def _entry(client: Client) -> ClientEntry:
    contract = client.contract
    return ClientEntry(
        name=client.name,
        label=contract.title or client.name,
        url=contract.url_path.lstrip("/"),  # relative: the router may be mounted below a path
        operations=_saved(client.persisted),
        introspects=contract.introspection and contract.persisted.mode != "required",
    )


def _saved(persisted: PersistedOperations) -> tuple[Operation, ...]:
    return tuple(
        Operation(
            operation.ids[0] if operation.ids else operation.name or "",
            operation.name or "",
            operation.text,
        )
        for operation in persisted
    )
