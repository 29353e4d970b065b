"""The three shapes of incremental payloads that clients read (``@defer``).

The executor speaks the current specification (ids: ``pending``, ``incremental``, ``completed``).
Clients of 2022 want ``path`` and ``label`` in each entry and no ids; clients that name no version
get both in one, which every reader takes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from router.server.negotiation import Stream

__all__ = ["Reshaper"]


class Reshaper:
    """Turns the payloads of one response into the form of ``stream``; keeps the pending ids."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self._pending: dict[str, Mapping[str, Any]] = {}

    def reshape(self, payload: dict[str, Any]) -> dict[str, Any]:
        """One payload in the client's form."""
        for entry in payload.get("pending", ()):
            self._pending[entry["id"]] = entry
        if self.stream is Stream.DEFER_IDS:
            return payload
        entries = [self._placed(entry) for entry in payload.get("incremental", ())]
        if self.stream is not Stream.DEFER_2022:
            return {**payload, "incremental": entries} if entries else payload
        for completed in payload.get("completed", ()):
            if completed.get("errors"):  # the block became null as a whole
                place = self._pending.get(completed["id"], {})
                entries.append(
                    {
                        "data": None,
                        "path": list(place.get("path", ())),
                        **_label(place),
                        "errors": completed["errors"],
                    }
                )
        reshaped = {
            key: value
            for key, value in payload.items()
            if key not in ("pending", "incremental", "completed")
        }
        if entries:
            reshaped["incremental"] = [
                {key: value for key, value in entry.items() if key not in ("id", "subPath")}
                for entry in entries
            ]
        return reshaped

    def _placed(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        place = self._pending.get(entry["id"], {})
        path = [*place.get("path", ()), *entry.get("subPath", ())]
        return {**entry, "path": path, **_label(place)}


def _label(place: Mapping[str, Any]) -> dict[str, Any]:
    return {"label": place["label"]} if place.get("label") is not None else {}
