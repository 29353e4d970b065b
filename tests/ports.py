"""Ports for processes that tests start."""

from __future__ import annotations

import random
import socket
from typing import Final

__all__ = ["free_port"]

_PORTS: Final = range(20_000, 32_000)
"""Below those that the kernel gives away itself, to connections too: what is free now is still free
when the process has started, or starts again after it was killed."""


def free_port() -> int:
    """Return a port of this machine on which nobody listens now.

    It is drawn, so that two who ask at one moment get two. A server that looks for the first free
    one itself (Valkey's wheel does) takes the same as its twin in the other process of the tests.
    """
    drawing = random.SystemRandom()  # Hypothesis seeds the other one, alike in every process
    while True:
        port = drawing.choice(_PORTS)
        with socket.socket() as listener:
            try:
                listener.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
