"""uvicorn's HTTP protocol with one write per response.

uvicorn writes the head when a response starts and the body when it comes: two system calls where
one would do, and for small answers they are the dearest part of serving. Here the head waits for
the body, at most until the event loop turns.
"""

from __future__ import annotations

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

__all__ = ["JoinedHttpProtocol", "JoinedWrites"]


class JoinedWrites:
    """A transport that writes what is written in one turn of the loop with one system call."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._held: bytes | None = None
        self._scheduled = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Hold the first piece back; the second takes it along."""
        held = self._held
        if held is not None:
            self._held = None
            self._transport.writelines((held, data) if data else (held,))
        elif data:
            self._held = data
            if not self._scheduled:
                self._scheduled = True
                self._loop.call_soon(self._turn)

    def is_closing(self) -> bool:
        """Whether the transport is closing."""
        return self._transport.is_closing()

    def close(self) -> None:
        """Write what is held, then close."""
        self._flush()
        self._transport.close()

    def _turn(self) -> None:
        self._scheduled = False
        self._flush()

    def _flush(self) -> None:
        held, self._held = self._held, None
        if held is not None and not self._transport.is_closing():
            self._transport.write(held)


class JoinedHttpProtocol(HttpToolsProtocol):
    """uvicorn's httptools protocol on joined writes."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Put the joining transport in between."""
        joined = JoinedWrites(transport, self.loop)
        super().connection_made(cast("asyncio.Transport", joined))
