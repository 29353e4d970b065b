"""When each fetch is made: a request that can wait joins a later one to the same subgraph.

Entity fetches of one depth and subgraph travel together. A fetch at the beginning of a chain that
is not the longest has time: it is made later where that saves a request, and where no chain, and
no deferred part of the answer, ends later than before::

    a ── b(p) ── c(p)                  a ── b(p) ── c(p)
     └─ d(q) ── e(q) ── c(q)   ->       └─ d(q) ── e(q) ── c(p, q)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Final, TypeAlias

from router.planning.alternatives import implies
from router.planning.drafts import Draft, depths, latest
from router.planning.plan import When

__all__ = ["save_requests"]

MAX_ATTEMPTS: Final = 200
"""Pairs of requests tried; large plans keep the rest as they are."""

_Place: TypeAlias = tuple[object, ...]


def save_requests(drafts: Sequence[Draft]) -> None:
    """Let drafts wait (``Draft.wait``) for others with which they can travel."""
    attempts = 0
    places: dict[_Place, None] = dict.fromkeys(
        place for draft in drafts if (place := _place(draft)) is not None
    )
    level = depths(drafts)
    limits, requests = latest(drafts, level), _requests(drafts, level)
    for place in places:
        members = [draft for draft in drafts if _place(draft) == place]
        if len(members) < 2:
            continue
        for early, late in combinations(_levels(members, depths(drafts)), 2):
            attempts += 1
            if attempts > MAX_ATTEMPTS:
                return
            moving, staying = _at(drafts, members, early), _at(drafts, members, late)
            if not moving or not staying or not _wanted_whenever(staying, moving):
                continue
            before = [(draft, draft.wait) for draft in moving]
            for draft in moving:
                draft.wait = late
            level = depths(drafts)
            fewer = _requests(drafts, level)
            if fewer < requests and all(level[id] <= limit for id, limit in limits.items()):
                requests = fewer
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
    """Whether the later request is made in all cases in which the earlier one would be."""
    wanted = frozenset[frozenset[When]]().union(*(draft.alternatives() for draft in late))
    return all(implies(draft.alternatives(), wanted) for draft in early)


def _requests(drafts: Sequence[Draft], level: Mapping[int, int]) -> int:
    places = ((draft, _place(draft)) for draft in drafts)
    return len({d.id if place is None else (*place, level[d.id]) for d, place in places})
