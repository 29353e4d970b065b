"""An HTTP client of a router in this process."""

from __future__ import annotations

from typing import Any

import httpx2

__all__ = ["http_to"]


def http_to(router: Any, **options: Any) -> httpx2.AsyncClient:
    """Return a client of an ASGI app, with what ``options`` say of its requests."""
    transport = httpx2.ASGITransport(router)
    return httpx2.AsyncClient(transport=transport, base_url="http://router", **options)
