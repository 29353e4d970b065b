"""A Redis for the stores that share what they know."""

from __future__ import annotations

import os
import socket

import pytest


@pytest.fixture(scope="session")
def redis_url() -> str:
    """A Redis on this machine; skips loudly without one, and fails where services are required."""
    try:
        socket.create_connection(("127.0.0.1", 6379), 1).close()
    except OSError:
        if os.environ.get("DRASSIST_REQUIRE_SERVICES"):
            raise
        pytest.skip("no Redis at 127.0.0.1:6379")
    return "redis://127.0.0.1:6379/9"
