"""A subgraph on a real socket that sends exactly the bytes it is told to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

Serve: TypeAlias = Callable[["Wire", asyncio.StreamWriter, bytes], Awaitable[None]]


@dataclass
class Wire:
    """What the server saw: connections, and requests as (head, body)."""

    url: str = ""
    connections: int = 0
    requests: list[tuple[bytes, bytes]] = field(default_factory=list)


@asynccontextmanager
async def wire(serve: Serve) -> AsyncIterator[Wire]:
    """Run a server; ``serve`` is called for each request."""
    seen = Wire()
    writers: set[asyncio.StreamWriter] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.connections += 1
        writers.add(writer)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    int(line.split(b":")[1])
                    for line in head.lower().split(b"\r\n")
                    if line.startswith(b"content-length")
                )
                body = await reader.readexactly(length)
                seen.requests.append((head, body))
                await serve(seen, writer, body)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    seen.url = f"http://127.0.0.1:{port}/graphql"
    try:
        yield seen
    finally:
        server.close()
        for writer in writers:
            writer.close()
        await asyncio.sleep(0.01)


def http(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    """Return a response with a content length."""
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def always(*chunks: bytes, close: bool = False, pause: float = 0.0) -> Serve:
    """Send these bytes for every request."""

    async def serve(_: Wire, writer: asyncio.StreamWriter, __: bytes) -> None:
        for chunk in chunks:
            writer.write(chunk)
            await writer.drain()
            if pause:
                await asyncio.sleep(pause)
        if close:
            writer.close()

    return serve
