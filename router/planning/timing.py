"""When the parts of an answer end, for all values of the conditions that leave fetches out.

A fetch that is left out keeps nobody waiting. So one may wait for another that is not always made,
if what is waited for is made only where the answer takes as long anyway.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeAlias

from router.planning.alternatives import worlds_of
from router.planning.drafts import Draft
from router.planning.selection import Defer

__all__ = ["Ends", "Timing", "is_later"]

MAX_WORK: Final = 200_000
"""Requests looked at, in all worlds and tries together: some 0.2 s. Then the rest stays as it is."""

Ends: TypeAlias = Mapping[tuple[int, Defer | None], int]
"""World and part of the answer -> the depth of the last request for it."""


class Timing:
    """Tells when the parts of an answer end, however its fetches are put into requests."""

    def __init__(self, drafts: Sequence[Draft]) -> None:
        wanted = {draft.id: draft.alternatives() for draft in drafts}
        found = worlds_of(when for sets in wanted.values() for when in sets)
        self._worlds = range(len(found))
        self._made = {
            id: [any(when <= world for when in sets) for world in found]
            for id, sets in wanted.items()
        }
        self.varies = len(found) > 1 or len({draft.defer for draft in drafts}) > 1
        """Else the longest chain tells all."""
        self._work = 0

    @property
    def is_spent(self) -> bool:
        """Whether nothing more should be tried."""
        return self._work > MAX_WORK

    def ends(self, requests: Iterable[Sequence[Draft]]) -> Ends:
        """When each part ends in each world.

        ``requests``: what travels together, in an order in which none comes after a later one.
        """
        groups = list(requests)
        self._work += len(groups) * len(self._worlds)
        group_of = {draft.id: index for index, group in enumerate(groups) for draft in group}
        above = [
            {group_of[parent.id] for draft in group for parent in draft.parents} for group in groups
        ]
        found: dict[tuple[int, Defer | None], int] = {}
        for world in self._worlds:
            depth = [0] * len(groups)
            for index, group in enumerate(groups):
                made = [draft for draft in group if self._made[draft.id][world]]
                if made:  # what is not made counts as there from the beginning
                    depth[index] = 1 + max((depth[each] for each in above[index]), default=0)
                for draft in made:
                    part = world, draft.defer
                    found[part] = max(found.get(part, 0), depth[index])
        return found

    def join(self, one: Draft, other: Draft) -> None:
        """From now on the second is made wherever the first would be."""
        made = zip(self._made[one.id], self._made[other.id], strict=True)
        self._made[other.id] = [either or both for either, both in made]


def is_later(ends: Ends, before: Ends) -> bool:
    """Whether a part ends later than before, in some world."""
    return any(end > before[part] for part, end in ends.items())
