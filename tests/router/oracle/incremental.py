"""The payloads of an incremental answer, put together again as a client does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = ["assembled"]


def assembled(payloads: Sequence[dict[str, Any]]) -> Any:
    """Return the data of all payloads, in either form of the protocol."""
    data = payloads[0]["data"]
    pending: dict[str, list[str | int]] = {}
    for number, payload in enumerate(payloads):
        assert payload.get("hasNext", False) is (number < len(payloads) - 1)
        for each in payload.get("pending", ()):
            pending[each["id"]] = each["path"]
        for each in payload.get("incremental", ()):
            path = (
                [*pending[each["id"]], *each.get("subPath", ())] if "id" in each else each["path"]
            )
            place = data
            for step in path:
                place = place[step]
            _join(place, each["data"])
        for each in payload.get("completed", ()):
            assert not each.get("errors"), each
            del pending[each["id"]]
    assert not pending, "announced and never delivered"
    return data


def _join(target: Any, source: Any) -> Any:
    """Merge a part into what is there, lists item by item."""
    match target, source:
        case dict(), dict():
            for name, value in source.items():
                target[name] = _join(target[name], value) if name in target else value
            return target
        case list(), list():
            return [_join(mine, theirs) for mine, theirs in zip(target, source, strict=True)]
    return source
