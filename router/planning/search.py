"""The cheapest combination: one option per leaf.

What a plan costs, most important first: the longest chain of fetches, the number of requests
(fetches to one subgraph at one depth travel together), the number of fetches, the sum of their
depths, and how late the leaves come (what is provided on the way need not be asked for again).
With ``@defer`` the first answer's chain and requests come before all of these. With ``@skip`` and
``@include`` some fetches are not always made: what variables leave of the operation is a world. The
chains of all worlds, together, count right after the longest chain, their requests right after the
requests.
All grow as leaves are decided, so a half-decided plan is a lower bound of every plan it can
become, and branch and bound is exact. It ends early when its budget does; the greedy plan it
starts from is always valid.

Before searching, options that need everything another option needs and more are dropped, and
leaves with equal choices become one decision; that leaves few decisions, often none.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from operator import add
from time import thread_time
from typing import Final, TypeAlias, TypeVar

from msgspec import Struct

from router.planning.alternatives import worlds_of
from router.planning.closure import Step, Steps
from router.planning.options import APART, Become, Branch, Carry, Go, Option, Path, Rejoin
from router.planning.plan import When

__all__ = ["Budget", "Choice", "choose"]

K = TypeVar("K")

Cost: TypeAlias = tuple[int, ...]

Worlds: TypeAlias = tuple[int, ...]
"""Which of the sets of conditions include those of a leaf."""

MAX_DEPTH: Final = 400
"""Decisions beyond which the greedy plan stands: the search is recursive."""


class Budget(Struct, frozen=True):
    """Limits of one search: evaluations (deterministic), seconds of processor time (a safety net)."""

    evaluations: int = 5_000
    seconds: float = 1.0


class Choice(Struct, frozen=True):
    """An option for each branch, in the branches' order."""

    options: tuple[Option, ...]
    cost: Cost
    optimal: bool


class _Decision(Struct):
    """Equal choices of one or more leaves: alternatives as sets of steps, best first.

    ``late``: by alternative, how much later than by the earliest one the leaves come in all.
    ``worlds``: those in which the leaves are wanted.
    """

    alternatives: list[Steps]
    late: list[int]
    worlds: Worlds


_Key: TypeAlias = tuple[tuple[Steps, ...], Worlds]

_Added: TypeAlias = tuple[Steps, int, Worlds]
"""What is chosen for a decision, how late it is, and where it is wanted."""


def choose(
    branches: Sequence[Branch], budget: Budget, *, deferring: bool = False, optional: bool = False
) -> Choice:
    """Pick an option for each branch so that the whole costs least.

    ``deferring``: some of them may come after the first answer, ``optional``: some may be left out.
    """
    tally = _DetailedTally() if deferring or optional else _Tally()
    worlds = worlds_of(map(_conditions, branches)) if optional else []
    decisions: dict[_Key, _Decision] = {}
    weighed: list[tuple[_Key, dict[Steps, Option]]] = []
    known: dict[_Ways, list[Steps]] = {}
    for branch in branches:
        ways = tuple(map(_way, branch.options))
        alternatives = known.get(ways)
        if alternatives is None:
            alternatives = known[ways] = _undominated(ways)
        by_steps = _by_steps(branch)
        own = _conditions(branch)
        within = tuple(number for number, world in enumerate(worlds) if own <= world)
        key = (tuple(alternatives), within)
        weighed.append((key, by_steps))
        if len(alternatives) == 1:
            tally.add(alternatives[0], 0, within)
        else:
            decision = decisions.setdefault(
                key, _Decision(alternatives, [0] * len(alternatives), within)
            )
            decision.late = list(map(add, decision.late, _lateness(by_steps, alternatives)))
    ordered = sorted(decisions.items(), key=lambda item: len(item[1].alternatives))
    search = _Search([decision for _, decision in ordered], tally, budget)
    picked = search.run()
    chosen = {key: steps for (key, _), steps in zip(ordered, picked, strict=True)}
    for (_, decision), steps in zip(ordered, picked, strict=True):
        tally.add(steps, 0, decision.worlds)
    options = (
        by_steps[key[0][0] if len(key[0]) == 1 else chosen[key]] for key, by_steps in weighed
    )
    return Choice(tuple(options), tally.cost(), search.optimal)


def _conditions(branch: Branch) -> frozenset[When]:
    """All conditions before a leaf; they are the same whatever the option."""
    found: set[When] = set()
    path: Path | None = branch.options[0][0]
    while path is not None:
        move = path.move.members[0].move if isinstance(path.move, Rejoin) else path.move
        if isinstance(move, Go):
            found.update(move.field.when)
        elif isinstance(move, Become | Carry) and move.fragment is not None:
            found.update(move.fragment.when)
        path = path.parent
    return frozenset(found)


def _steps(option: Option) -> Steps:
    first = option[0].steps
    return first if len(option) == 1 else first.union(*(path.steps for path in option[1:]))


def _by_steps(branch: Branch) -> dict[Steps, Option]:
    """For each set of steps the option with fewest paths, and of those the earliest."""
    found: dict[Steps, Option] = {}
    for option in branch.options:
        steps = _steps(option)
        known = found.get(steps)
        if known is None or _rank(option) < _rank(known):
            found[steps] = option
    return found


def _rank(option: Option) -> tuple[int, int]:
    return len(option), _depth(option)


def _depth(option: Option) -> int:
    """The mean depth of an option's paths, in sixtieths."""
    return sum(path.depth for path in option) * 60 // len(option)


def _lateness(by_steps: dict[Steps, Option], alternatives: Sequence[Steps]) -> list[int]:
    depths = [_depth(by_steps[steps]) for steps in alternatives]
    earliest = min(depths)
    return [depth - earliest for depth in depths]


_Way: TypeAlias = tuple[int, Steps, int]
"""An option as it is compared with the others of its leaf: its depth, steps and paths."""

_Ways: TypeAlias = tuple[_Way, ...]


def _way(option: Option) -> _Way:
    return max(path.depth for path in option), _steps(option), len(option)


def _undominated(ways: _Ways) -> list[Steps]:
    """The sets of steps of the options worth considering, best first."""
    if len(ways) == 1:
        return [ways[0][1]]
    ranked = sorted(ways, key=lambda way: (way[0], len(way[1]), way[2], _height(way[1])))
    kept: list[Steps] = []
    for _, steps, _ in ranked:
        if not any(better <= steps for better in kept):
            kept.append(steps)
    return [s for s in kept if not any(other < s for other in kept)]


def _height(steps: Steps) -> int:
    """Prefer leaving late: a fetch deeper in the answer asks for less."""
    return -sum(len(keys) for _, keys, _ in steps)


class _Tally:
    """The cost of a set of steps, kept up as steps come and go."""

    def __init__(self) -> None:
        self.steps: dict[Step, int] = {}
        self.requests: dict[tuple[int, int], int] = {}
        self.depths: dict[int, int] = {}
        self.total = 0
        self.late = 0

    def add(self, steps: Steps, late: int, worlds: Worlds) -> None:
        self.late += late
        for step in steps:
            count = self.steps.get(step, 0)
            self.steps[step] = count + 1
            if not count:
                subgraph, _, depth = step
                self.requests[subgraph, depth] = self.requests.get((subgraph, depth), 0) + 1
                self.depths[depth] = self.depths.get(depth, 0) + 1
                self.total += depth

    def remove(self, steps: Steps, late: int, worlds: Worlds) -> None:
        self.late -= late
        for step in steps:
            count = self.steps[step] - 1
            if count:
                self.steps[step] = count
                continue
            del self.steps[step]
            subgraph, _, depth = step
            _decrement(self.requests, (subgraph, depth))
            _decrement(self.depths, depth)
            self.total -= depth

    def cost(self) -> Cost:
        deepest = max(self.depths, default=0)
        return deepest, len(self.requests), len(self.steps), self.total, self.late

    def with_added(self, steps: Steps, late: int, worlds: Worlds) -> Cost:
        self.add(steps, late, worlds)
        cost = self.cost()
        self.remove(steps, late, worlds)
        return cost


class _DetailedTally(_Tally):
    """Counts what the first answer waits for, and what is asked in each world, too."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: dict[tuple[int, int, int], int] = {}
        """By world, subgraph and depth."""

    def add(self, steps: Steps, late: int, worlds: Worlds) -> None:
        super().add(steps, late, worlds)
        for world, (subgraph, _, depth) in product(worlds, steps):
            place = (world, subgraph, depth)
            self.asked[place] = self.asked.get(place, 0) + 1

    def remove(self, steps: Steps, late: int, worlds: Worlds) -> None:
        super().remove(steps, late, worlds)
        for world, (subgraph, _, depth) in product(worlds, steps):
            _decrement(self.asked, (world, subgraph, depth))

    def cost(self) -> Cost:
        first = {(subgraph, depth) for subgraph, _, depth in self.steps if subgraph < APART}
        deepest = max((depth for _, depth in first), default=0)
        chains: dict[int, int] = {}
        for world, subgraph, depth in self.asked:
            if subgraph < APART and depth > chains.get(world, 0):
                chains[world] = depth
        longest, requests, *rest = super().cost()
        together = sum(chains.values())
        return deepest, together, len(first), longest, requests, len(self.asked), *rest


def _decrement(counts: dict[K, int], key: K) -> None:
    if counts[key] == 1:
        del counts[key]
    else:
        counts[key] -= 1


class _Search:
    def __init__(self, decisions: list[_Decision], tally: _Tally, budget: Budget) -> None:
        self.decisions = decisions
        self.tally = tally
        self.budget = budget
        self.evaluations = 0
        self.deadline = thread_time() + budget.seconds
        self.optimal = True
        self.best: list[Steps] = []
        self.best_cost: Cost | None = None

    def run(self) -> list[Steps]:
        if not self.decisions:
            return []
        # Whatever is chosen, what all alternatives of a decision share is needed.
        for decision in self.decisions:
            first, *others = decision.alternatives
            self.tally.add(first.intersection(*others), 0, decision.worlds)
        self._greedy()
        if len(self.decisions) <= MAX_DEPTH:
            self._improve(0, [])
        else:
            self.optimal = False
        return self.best

    def _greedy(self) -> None:
        """Take for each decision what costs least, then change single ones while that helps."""
        picked: list[_Added] = []
        for decision in self.decisions:
            added = self._cheapest(decision)
            self.tally.add(*added)
            picked.append(added)
        changed = True
        while changed and self.evaluations < self.budget.evaluations // 2:
            changed = False
            for index, decision in enumerate(self.decisions):
                self.tally.remove(*picked[index])
                added = self._cheapest(decision)
                before, after = self.tally.with_added(*picked[index]), self.tally.with_added(*added)
                if after < before:
                    picked[index] = added
                    changed = True
                self.tally.add(*picked[index])
        self.best = [steps for steps, _, _ in picked]
        self.best_cost = self.tally.cost()
        for added in picked:
            self.tally.remove(*added)

    def _cheapest(self, decision: _Decision) -> _Added:
        self.evaluations += len(decision.alternatives)
        return min(
            (
                (steps, late, decision.worlds)
                for steps, late in zip(decision.alternatives, decision.late, strict=True)
            ),
            key=lambda each: self.tally.with_added(*each),
        )

    def _improve(self, index: int, picked: list[Steps]) -> None:
        if index == len(self.decisions):
            cost = self.tally.cost()
            if self.best_cost is None or cost < self.best_cost:
                self.best, self.best_cost = list(picked), cost
            return
        decision = self.decisions[index]
        if self._exhausted(len(decision.alternatives)):
            return
        weighed = [
            (self.tally.with_added(steps, late, decision.worlds), place)
            for place, (steps, late) in enumerate(
                zip(decision.alternatives, decision.late, strict=True)
            )
        ]
        for cost, place in sorted(weighed):
            if self.best_cost is not None and cost >= self.best_cost:
                return
            steps, late = decision.alternatives[place], decision.late[place]
            self.tally.add(steps, late, decision.worlds)
            picked.append(steps)
            self._improve(index + 1, picked)
            picked.pop()
            self.tally.remove(steps, late, decision.worlds)

    def _exhausted(self, evaluations: int) -> bool:
        self.evaluations += evaluations
        if self.evaluations > self.budget.evaluations or thread_time() > self.deadline:
            self.optimal = False
            return True
        return False
