"""The subgraphs of a federation behind every transport: the answers must not tell which."""

from __future__ import annotations

from asyncio import StreamWriter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from enum import Enum
from typing import TYPE_CHECKING

import orjson

from router.execution import SubgraphAnswer, SubgraphClient, SubgraphRequest
from router.transport import HttpClient, HttpOptions
from router.transport.inprocess import InProcessClient
from tests.router.transport.wire import Wire, http, wire

if TYPE_CHECKING:
    from .federation import Federation

__all__ = ["Stream", "in_process", "over_http"]


class Stream(Enum):
    """How the subgraphs of over_http write the events of a subscription."""

    SSE = "text/event-stream"
    MULTIPART = 'multipart/mixed; boundary="graphql"; subscriptionSpec=1.0'


def in_process(federation: Federation) -> Mapping[str, SubgraphClient]:
    """Return clients that execute the subgraphs' schemas themselves."""
    return {
        name: InProcessClient.from_graphql(client.schema)
        for name, client in federation.clients.items()
    }


@asynccontextmanager
async def over_http(
    federation: Federation, stream: Stream = Stream.SSE
) -> AsyncIterator[Mapping[str, SubgraphClient]]:
    """Serve all subgraphs on one socket, a path each."""

    async def serve(seen: Wire, writer: StreamWriter, body: bytes) -> None:
        head = seen.requests[-1][0]
        name = head.split(b" ", 2)[1].decode().rsplit("/", 1)[-1]
        sent = orjson.loads(body)
        request = SubgraphRequest(sent["query"], sent.get("variables") or {})
        client = federation.clients[name]
        if request.operation.startswith("subscription"):
            events = [_json(each) async for each in client.subscribe(request)]
            writer.write(_chunked(stream, _written(stream, events)))
        else:
            writer.write(http(_json(client.answer(request)), "content-type: application/json"))
        await writer.drain()

    options = HttpOptions(subscriptions="http")
    async with wire(serve) as seen:
        clients = {name: HttpClient(f"{seen.url}/{name}", options) for name in federation.clients}
        try:
            yield dict(clients)
        finally:
            for client in clients.values():
                await client.aclose()


def _json(answer: SubgraphAnswer) -> bytes:
    errors = {"errors": answer.errors} if answer.errors else {}
    return orjson.dumps({"data": answer.data, **errors})


def _written(stream: Stream, events: Sequence[bytes]) -> bytes:
    if stream is Stream.SSE:
        return b"".join(b"event: next\ndata: %b\n\n" % each for each in events) + (
            b"event: complete\ndata:\n\n"
        )
    head = b"\r\n--graphql\r\ncontent-type: application/json\r\n\r\n"
    parts = b"".join(b'%b{"payload":%b}' % (head, each) for each in events)
    return b"%b\r\n--graphql--\r\n" % parts


def _chunked(stream: Stream, body: bytes) -> bytes:
    head = f"HTTP/1.1 200 OK\r\ncontent-type: {stream.value}\r\ntransfer-encoding: chunked\r\n\r\n"
    return head.encode() + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
