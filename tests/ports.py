"""Ports for processes that tests start."""

from __future__ import annotations

import socket

__all__ = ["free_port"]


def free_port() -> int:
    """Return a port of this machine on which nobody listens now.

    The kernel's choice is another one for each who asks. A server that looks for the first free one
    itself (Valkey's wheel does) takes the same as its twin in the other process of the tests.
    """
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
