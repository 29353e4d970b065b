"""The values of ``enum join__Graph``: an enum name for each subgraph name."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

__all__ = ["graph_names"]

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_]")
_ENDS_LIKE_A_COUNTER = re.compile(r"_[0-9]+\Z")


def graph_names(subgraphs: Sequence[str]) -> dict[str, str]:
    """Return the enum value of each subgraph; the names are given sorted and are unique.

    ``reviews`` gives ``REVIEWS``, ``a-1`` gives ``A_1_`` (an ending like ``_1`` is kept for names
    that collide: ``x.y`` and ``X-Y`` give ``X_Y_2`` and ``X_Y_1``).
    """
    takers: defaultdict[str, list[str]] = defaultdict(list)
    for name in subgraphs:
        takers[_enum_value(name)].append(name)
    values: dict[str, str] = {}
    for value, names in takers.items():
        for number, name in enumerate(names, start=1):
            values[name] = value if len(names) == 1 else f"{value}_{number}"
    return {name: values[name] for name in subgraphs}


def _enum_value(name: str) -> str:
    # counted in the units of UTF-16, as names are sorted
    value = _NOT_IN_NAMES.sub(lambda found: "_" * (1 + (found[0] > "\uffff")), name)
    if value[:1].isdigit():
        value = "_" + value
    if _ENDS_LIKE_A_COUNTER.search(value):
        value += "_"
    return value.upper()
