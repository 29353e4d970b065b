"""Deferred payloads for clients that name no version of the incremental protocol.

The executor writes the current specification (ids: ``pending``, ``incremental``, ``completed``)
and that of 2022. For a bare ``multipart/mixed`` the entries of the former get the latter's
``path`` and ``label`` as well, which every reader of either takes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["Placed"]


class Placed:
    """Adds places to the payloads of one response; keeps what is pending."""

    def __init__(self) -> None:
        self._pending: dict[str, Mapping[str, Any]] = {}

    def payload(self, payload: dict[str, Any]) -> dict[str, Any]:
        """The payload with ``path`` and ``label`` in each incremental entry."""
        for entry in payload.get("pending", ()):
            self._pending[entry["id"]] = entry
        if "incremental" not in payload:
            return payload
        return {**payload, "incremental": [self._placed(e) for e in payload["incremental"]]}

    def _placed(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        place = self._pending.get(entry["id"], {})
        placed = {**entry, "path": [*place.get("path", ()), *entry.get("subPath", ())]}
        if place.get("label") is not None:
            placed["label"] = place["label"]
        return placed
