"""Drafts -> fewer drafts: what asks the same subgraph about the same objects becomes one.

``PASSES`` run in order over all drafts of an operation. None lengthens the longest chain: drafts
of one depth cannot depend on each other, and a draft that moves to a later one does so only where
what hangs off it has time.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, TypeAlias

from router.planning.drafts import Draft, depths, plan_path
from router.planning.overlap import Joint
from router.planning.plan import OperationKind
from router.planning.selection import Defer
from router.planning.timing import Ends, Timing, is_later

__all__ = ["PASSES", "improve", "order_mutation"]

Pass: TypeAlias = Callable[[list[Draft]], list[Draft]]


def improve(drafts: list[Draft]) -> list[Draft]:
    """Run all passes."""
    for step in PASSES:
        drafts = step(drafts)
    return drafts


def drop_empty(drafts: list[Draft]) -> list[Draft]:
    """A root that only deferred parts ask is not asked for the first answer."""
    return [d for d in drafts if d.is_entity or d.parents or not d.tree.is_empty]


def supply_early(drafts: list[Draft]) -> list[Draft]:
    """Take keys for a deferred part along with what is asked of the same objects before it."""
    gone: dict[int, Draft] = {}
    late = [d for d in drafts if d.defer is not None and d.supplies and d.is_entity]
    if not late:
        return drafts
    places = _by_place(drafts, any_part=True)
    for draft in late:
        for other in places[_place(draft, any_part=True)]:
            if (
                _precedes(other.defer, draft.defer)
                and other.id not in gone
                and other.condition <= draft.condition
                and not _comes_after(other, draft)
                and _compatible(other, draft)
                and all(parent in other.parents for parent in draft.parents)
            ):
                _absorb(other, draft)
                gone[draft.id] = other
                break
    return _without(drafts, gone)


def _precedes(one: Defer | None, other: Defer | None) -> bool:
    """Whether a part of the answer is always there before another one."""
    while other is not None:
        other = other.parent
        if other is one:
            return True
    return False


def merge_level(drafts: list[Draft]) -> list[Draft]:
    """Merge drafts of one depth, subgraph and place."""
    level = depths(drafts)
    groups: dict[tuple[object, ...], list[Draft]] = {}
    joints: dict[int, Joint] = {}
    gone: dict[int, Draft] = {}
    for draft in sorted(drafts, key=lambda d: (level[d.id], d.id)):
        place = (*_place(draft), level[draft.id])
        peers = groups.setdefault(place, [])
        for peer in peers:
            joint = joints.get(peer.id)
            if joint is None:
                joint = joints[peer.id] = Joint(peer.subgraph, peer.tree)
            if _compatible(peer, draft, joint):
                joint.add(draft.tree)
                _absorb(peer, draft)
                gone[draft.id] = peer
                break
        else:
            peers.append(draft)
    return _without(drafts, gone)


def merge_later(drafts: list[Draft]) -> list[Draft]:
    """Let a fetch wait for a later one of its kind where nothing that counts waits longer."""
    places = _by_place([draft for draft in drafts if draft.is_entity])
    if all(len(peers) < 2 for peers in places.values()):
        return drafts
    timetable = _Timetable(drafts)
    gone: dict[int, Draft] = {}
    for peers in places.values():
        peers.sort(key=lambda d: (timetable.level[d.id], d.id))
        for index, early in enumerate(peers):
            for late in peers[index + 1 :]:
                if (
                    early.condition == late.condition
                    and not _comes_after(late, early)
                    and not _comes_after(early, late)
                    and _compatible(late, early)
                    and timetable.postpone(early, late)
                ):
                    _absorb(late, early)
                    gone[early.id] = late
                    break
    return _without(drafts, gone)


class _Timetable:
    """At which depth each draft is made, what hangs off it, and the requests that this makes."""

    def __init__(self, drafts: Sequence[Draft]) -> None:
        self.level = depths(drafts)
        self._longest = max(self.level.values())
        self._drafts = {draft.id: draft for draft in drafts}
        self._timing = Timing(drafts)
        self._ends = self._timing.ends([draft] for draft in self._in_order({}))
        self._below: defaultdict[int, dict[int, Draft]] = defaultdict(dict)
        for draft in drafts:
            for parent in draft.parents:
                self._below[parent.id][draft.id] = draft
        self._requests = Counter(map(self._request, drafts))

    def postpone(self, early: Draft, late: Draft) -> bool:
        """Let what hangs off an early draft hang off a late one, which waits for the same.

        False, and nothing done, where a part of the answer would end later or the requests be more.
        """
        moved = self._moved(early, late)
        if moved is None:
            return False
        change = Counter({self._request(early): -1})
        for draft, level in moved.values():
            change[self._request(draft)] -= 1
            change[self._request(draft, level)] += 1
        known = self._requests
        if sum((known[each] + more > 0) - (known[each] > 0) for each, more in change.items()) > 0:
            return False
        levels = {id: level for id, (_, level) in moved.items()}
        if self._timing.varies:
            if self._timing.is_spent:
                return False
            ends = self._ends_with(early, late, levels)
            if is_later(ends, self._ends):
                return False
            self._ends = ends
        known.update(change)
        self.level.update(levels)
        self._hang(early, late)
        self._timing.join(early, late)
        del self._drafts[early.id]
        return True

    def _ends_with(self, early: Draft, late: Draft, moved: Mapping[int, int]) -> Ends:
        """When the parts of the answer end where the first draft travels with the second."""
        others = (draft for draft in self._in_order(moved) if draft is not early)
        return self._timing.ends([early, late] if draft is late else [draft] for draft in others)

    def _in_order(self, moved: Mapping[int, int]) -> list[Draft]:
        level = {**self.level, **moved}
        return sorted(self._drafts.values(), key=lambda draft: level[draft.id])

    def _moved(self, early: Draft, late: Draft) -> dict[int, tuple[Draft, int]] | None:
        """The drafts that would be made deeper, and where; None where that is too deep."""
        least = max((self.level[parent.id] for parent in early.parents), default=0) + 1
        below = max(least, self.level[late.id]) + 1
        moved: dict[int, tuple[Draft, int]] = {}
        pending = deque([(late, least), *((d, below) for d in self._below[early.id].values())])
        while pending:
            draft, level = pending.popleft()
            known = moved[draft.id][1] if draft.id in moved else self.level[draft.id]
            if level > self._longest:
                return None
            if level > known:
                moved[draft.id] = draft, level
                pending.extend((d, level + 1) for d in self._below[draft.id].values())
        return moved

    def _hang(self, early: Draft, late: Draft) -> None:
        below = self._below.pop(early.id, {})
        for draft in below.values():
            draft.parents = [parent for parent in draft.parents if parent is not early]
            draft.depend_on([late])
        self._below[late.id].update(below)
        for parent in early.parents:
            del self._below[parent.id][early.id]
            self._below[parent.id][late.id] = late

    def _request(self, draft: Draft, level: int | None = None) -> tuple[object, ...]:
        """What those drafts have in common that travel together."""
        at = self.level[draft.id] if level is None else level
        return draft.subgraph.index, at, draft.group, draft.defer, draft.is_entity


def _comes_after(draft: Draft, other: Draft) -> bool:
    seen: set[int] = set()
    pending = [draft]
    while pending:
        for parent in pending.pop().parents:
            if parent is other:
                return True
            if parent.id not in seen:
                seen.add(parent.id)
                pending.append(parent)
    return False


def _by_place(drafts: Iterable[Draft], *, any_part: bool = False) -> dict[object, list[Draft]]:
    places: dict[object, list[Draft]] = {}
    for draft in drafts:
        places.setdefault(_place(draft, any_part=any_part), []).append(draft)
    return places


def _place(draft: Draft, *, any_part: bool = False) -> tuple[object, ...]:
    """What drafts have in common that could be one; ``any_part`` of a deferred answer."""
    return (
        draft.subgraph.index,
        draft.kind,
        draft.group,
        None if any_part else draft.defer,
        draft.is_entity,
        plan_path(draft.spot),
    )


def _compatible(one: Draft, other: Draft, joint: Joint | None = None) -> bool:
    """Whether one request can stand for both, asking for nothing that neither wants.

    ``joint`` is what the first one asks for, where that is known.
    """
    if one.kind is not OperationKind.QUERY or one.contexts or other.contexts:
        return False
    if not one.is_entity and not one.parents:
        return False  # root drafts of a group exist once per subgraph
    for on, sent in other.inputs.items():
        known = one.inputs.get(on)
        if known is not None and (known.typename != sent.typename or known.clashes(sent)):
            return False
    if not (joint or Joint(one.subgraph, one.tree)).admits(other.tree):
        return False
    if one.inputs.keys() == other.inputs.keys():
        return True
    # An interface object or interface answers for all types at once: what is asked for films
    # would be asked for songs too. And an object travels under one name in one list.
    sent_by = (*one.inputs.items(), *other.inputs.items())
    stands_for_many = any(sent.typename not in {None, on} for on, sent in sent_by)
    return not stands_for_many or one.tree.signature() == other.tree.signature()


def _absorb(kept: Draft, merged: Draft) -> None:
    kept.tree.merge(merged.tree)
    if merged.telling is not None:
        kept.want_types(merged.telling)
    for on, sent in merged.inputs.items():
        known = kept.inputs.get(on)
        if known is None:
            kept.inputs[on] = sent
        else:
            known.merge(sent)
    kept.depend_on(merged.parents)


def _without(drafts: list[Draft], gone: dict[int, Draft]) -> list[Draft]:
    if not gone:
        return drafts
    for draft in drafts:
        if any(parent.id in gone for parent in draft.parents):
            parents = draft.parents
            draft.parents = []
            draft.depend_on(_survivor(parent, gone) for parent in parents)
    return [draft for draft in drafts if draft.id not in gone]


def _survivor(draft: Draft, gone: dict[int, Draft]) -> Draft:
    while draft.id in gone:
        draft = gone[draft.id]
    return draft


PASSES: Final[tuple[Pass, ...]] = (drop_empty, supply_early, merge_level, merge_later, merge_level)


def order_mutation(drafts: list[Draft]) -> None:
    """Everything of one group of root fields is done before the next group starts.

    But what is deferred: the first answer does not wait for it.
    """
    groups: dict[int, list[Draft]] = {}
    for draft in drafts:
        groups.setdefault(draft.group, []).append(draft)
    earlier: list[Draft] = []
    for _, members in sorted(groups.items()):
        ids = {member.id for member in members}
        for member in members:
            if not any(parent.id in ids for parent in member.parents):
                member.depend_on(earlier)
        earlier = [member for member in members if member.defer is None]
