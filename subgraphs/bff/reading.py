"""Reading the connections that ``@requires`` brings along."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["nodes"]


def nodes(connection: Mapping[str, Any] | None) -> list[Any]:
    """The nodes of a Relay connection; none where the connection could not be read."""
    if connection is None:
        return []
    return [edge["node"] for edge in connection.get("edges") or () if edge and edge["node"]]
