"""Which version of a report wins: never an older one, never a weaker one.

    registered < partial, preliminary < final, amended, corrected, appended
    cancelled and entered-in-error end a report, from wherever it was

Laboratories do not agree on the order among final, amended, corrected and appended, so any may
follow any; between equals the later issue time decides. A preliminary that arrives after a final
is kept as a version and changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

__all__ = ["ENDED", "RELEASED", "supersedes"]

_RANK: Mapping[str, int] = {
    "unknown": 0,
    "registered": 1,
    "partial": 2,
    "preliminary": 2,
    "final": 3,
    "amended": 3,
    "corrected": 3,
    "appended": 3,
    "cancelled": 4,
    "entered-in-error": 5,
}

RELEASED = frozenset({"final", "amended", "corrected", "appended"})
"""Statuses at which an order is answered."""

ENDED = frozenset({"cancelled", "entered-in-error"})
"""Statuses that say that there is no result after all."""


def supersedes(
    status: str,
    issued: datetime | None,
    *,
    over: str,
    issued_before: datetime | None,
) -> bool:
    """Whether a version with ``status`` replaces the one with status ``over``."""
    new, old = _RANK.get(status, 0), _RANK.get(over, 0)
    if new != old:
        return new > old
    return issued is None or issued_before is None or issued >= issued_before
