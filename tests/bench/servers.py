"""What runs beside the router in a benchmark: quick subgraphs, and a bare ASGI echo.

The subgraphs remember their answers by request body, so that they cost next to nothing; the echo
answers a fixed body of a given size and is the least that any ASGI app costs; ``own``: on the
protocol that ``router serve`` gives uvicorn, else on uvicorn's.

    python -m tests.bench.servers subgraphs PORT
    python -m tests.bench.servers echo PORT FILE [own]
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any, cast

import httptools
import orjson
import uvicorn
import uvloop
from graphql import GraphQLSchema, graphql_sync

from router.server.http_protocol import JoinedHttpProtocol
from tests.bench.library import SDL, executable


class _Subgraph(asyncio.Protocol):
    """One connection to a subgraph; the path names which."""

    def __init__(self, schemas: dict[str, GraphQLSchema], known: dict[Any, bytes]) -> None:
        self._schemas = schemas
        self._known = known
        self._parser = httptools.HttpRequestParser(self)
        self._body = b""
        self._url = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        self._body = self._url = b""

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_body(self, chunk: bytes) -> None:
        self._body += chunk

    def on_message_complete(self) -> None:
        key = (self._url, self._body)
        answer = self._known.get(key)
        if answer is None:
            answer = self._known[key] = self._compute()
        self._transport.write(answer)

    def _compute(self) -> bytes:
        if not self._body:
            return b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"
        request = orjson.loads(self._body)
        result = graphql_sync(
            self._schemas[self._url.decode().strip("/")],
            request["query"],
            variable_values=request.get("variables"),
            operation_name=request.get("operationName"),
        )
        body = orjson.dumps(result.formatted)
        return (
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
            % len(body)
        ) + body


async def _subgraphs(port: int) -> None:
    schemas = {name: executable(name) for name in SDL}
    known: dict[Any, bytes] = {}
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Subgraph(schemas, known), "127.0.0.1", port)
    await server.serve_forever()


def _echo(port: int, body: bytes, *, own: bool) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]

    async def app(scope: Any, receive: Any, send: Any) -> None:
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    protocol: Any = JoinedHttpProtocol if own else "httptools"
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="error", lifespan="off", http=protocol)


if __name__ == "__main__":
    if sys.argv[1] == "subgraphs":
        uvloop.run(_subgraphs(int(sys.argv[2])))
    else:
        _echo(int(sys.argv[2]), Path(sys.argv[3]).read_bytes(), own=sys.argv[4:] == ["own"])
