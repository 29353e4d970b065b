"""Which URLs stay on this machine (RFC 8252, section 7.3)."""

from __future__ import annotations

from urllib.parse import urlsplit

__all__ = ["is_loopback"]

_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})


def is_loopback(url: str) -> bool:
    """Tell whether ``url`` is plain HTTP to a loopback host, on any port."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme == "http" and parts.hostname in _HOSTS
