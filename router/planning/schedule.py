"""When each fetch is made: a request that can wait joins a later one to the same subgraph.

Entity fetches of one depth and subgraph travel together. A fetch at the beginning of a chain that
is not the longest has time: it is made later where that saves a request, and where no chain, and
no deferred part of the answer, ends later than before::

    a ── b(p) ── c(p)                  a ── b(p) ── c(p)
     └─ d(q) ── e(q) ── c(q)   ->       └─ d(q) ── e(q) ── c(p, q)
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Final, TypeAlias

from router.planning.drafts import Draft, depths
from router.planning.timing import Timing, is_later

__all__ = ["save_requests"]

MAX_ATTEMPTS: Final = 200
"""Pairs of requests tried; large plans keep the rest as they are."""

_Place: TypeAlias = tuple[object, ...]


def save_requests(drafts: Sequence[Draft]) -> None:
    """Let drafts wait (``Draft.wait``) for others with which they can travel."""
    attempts = 0
    places: dict[_Place, list[Draft]] = {}
    for draft in drafts:
        if (place := _place(draft)) is not None:
            places.setdefault(place, []).append(draft)
    if all(len(members) < 2 for members in places.values()):
        return
    timing = Timing(drafts)
    requests = _requests(drafts)
    ends = timing.ends(requests)
    for members in places.values():
        for early, late in combinations(_levels(members, depths(drafts)), 2):
            attempts += 1
            if attempts > MAX_ATTEMPTS or timing.is_spent:
                return
            moving, staying = _at(drafts, members, early), _at(drafts, members, late)
            if not moving or not staying or not _wanted_whenever(staying, moving):
                continue
            before = [(draft, draft.wait) for draft in moving]
            for draft in moving:
                draft.wait = late
            fewer = _requests(drafts)
            if len(fewer) < len(requests) and not is_later(after := timing.ends(fewer), ends):
                requests, ends = fewer, after
            else:
                for draft, wait in before:
                    draft.wait = wait


def _place(draft: Draft) -> _Place | None:
    """What drafts of one request have in common besides their depth."""
    if not draft.is_entity:
        return None
    return draft.subgraph.index, draft.group, draft.defer


def _levels(members: Sequence[Draft], level: dict[int, int]) -> list[int]:
    return sorted({level[draft.id] for draft in members})


def _at(drafts: Sequence[Draft], members: Sequence[Draft], depth: int) -> list[Draft]:
    level = depths(drafts)
    return [draft for draft in members if level[draft.id] == depth]


def _wanted_whenever(late: Sequence[Draft], early: Sequence[Draft]) -> bool:
    """Whether no conditions of the later request leave it out in cases of the earlier one."""
    needed = frozenset.intersection(*(draft.condition for draft in late))
    return all(needed <= draft.condition for draft in early)


def _requests(drafts: Sequence[Draft]) -> list[list[Draft]]:
    """What travels together, in the order in which it is made."""
    level = depths(drafts)
    found: dict[object, list[Draft]] = {}
    for draft in sorted(drafts, key=lambda each: level[each.id]):
        place = _place(draft)
        key = draft.id if place is None else (*place, level[draft.id])
        found.setdefault(key, []).append(draft)
    return list(found.values())
