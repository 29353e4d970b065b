"""The subgraphs of a federation behind every transport: the answers must not tell which."""

from __future__ import annotations

from asyncio import StreamWriter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import orjson

from router.execution import SubgraphClient, SubgraphRequest
from router.transport.http import HttpClient
from router.transport.inprocess import InProcessClient
from tests.router.transport.wire import Wire, http, wire

if TYPE_CHECKING:
    from .federation import Federation

__all__ = ["in_process", "over_http"]


def in_process(federation: Federation) -> Mapping[str, SubgraphClient]:
    """Return clients that execute the subgraphs' schemas themselves."""
    return {
        name: InProcessClient.from_graphql(client.schema)
        for name, client in federation.clients.items()
    }


@asynccontextmanager
async def over_http(federation: Federation) -> AsyncIterator[Mapping[str, SubgraphClient]]:
    """Serve all subgraphs on one socket, a path each."""

    async def serve(seen: Wire, writer: StreamWriter, body: bytes) -> None:
        head = seen.requests[-1][0]
        name = head.split(b" ", 2)[1].decode().rsplit("/", 1)[-1]
        sent = orjson.loads(body)
        request = SubgraphRequest(sent["query"], sent.get("variables") or {})
        answer = federation.clients[name].answer(request)
        found = {"data": answer.data, **({"errors": answer.errors} if answer.errors else {})}
        writer.write(http(orjson.dumps(found), "content-type: application/json"))
        await writer.drain()

    async with wire(serve) as seen:
        clients = {name: HttpClient(f"{seen.url}/{name}") for name in federation.clients}
        try:
            yield dict(clients)
        finally:
            for client in clients.values():
                await client.aclose()
