"""Sets of conjunctions of which one must hold, and what of them is left to say."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import combinations
from math import comb
from typing import TypeAlias

from router.planning.plan import When

__all__ = ["Alternatives", "Weakest", "implies", "least", "ordered", "remaining", "within"]

Alternatives: TypeAlias = frozenset[frozenset[When]]


class Weakest:
    """Conjunctions that are told one by one, to say which of them add something.

    They are looked up, not compared with all others: conditions inside conditions make thousands.
    """

    def __init__(self, conjunctions: Iterable[frozenset[When]] = ()) -> None:
        self._by_size: dict[int, set[frozenset[When]]] = {}
        for each in conjunctions:
            self._by_size.setdefault(len(each), set()).add(each)

    def add(self, conjunction: frozenset[When]) -> bool:
        """Whether none before was as weak."""
        if self.covers(conjunction):
            return False
        self._by_size.setdefault(len(conjunction), set()).add(conjunction)
        return True

    def covers(self, conjunction: frozenset[When]) -> bool:
        """Whether one of them holds wherever this one does."""
        return any(
            _some_part(conjunction, size, known)
            for size, known in self._by_size.items()
            if size <= len(conjunction)
        )


def _some_part(whole: frozenset[When], size: int, known: set[frozenset[When]]) -> bool:
    """Whether some part of the conjunction, of this size, is known."""
    if comb(len(whole), size) < len(known):
        return any(frozenset(part) in known for part in combinations(whole, size))
    return any(part <= whole for part in known)


def least(alternatives: Iterable[frozenset[When]]) -> Alternatives:
    """The weakest conjunctions: what implies another one adds nothing."""
    weakest = Weakest()
    return frozenset(filter(weakest.add, sorted(set(alternatives), key=len)))


def implies(one: Iterable[frozenset[When]], other: Iterable[frozenset[When]]) -> bool:
    """Whether one of ``other`` holds wherever one of ``one`` does."""
    return all(map(Weakest(other).covers, one))


def remaining(
    alternatives: Collection[frozenset[When]], given: Collection[frozenset[When]]
) -> tuple[tuple[When, ...], tuple[tuple[When, ...], ...]]:
    """What must hold beside one of ``given``: a conjunction, and one of several others.

    Empty where each of ``given`` implies one of ``alternatives``.
    """
    if implies(given, alternatives):
        return (), ()
    known = frozenset.intersection(*given)
    wanted = least(each - known for each in alternatives)
    common = frozenset.intersection(*wanted)
    rest = {each - common for each in wanted}
    return ordered(common), tuple(sorted(map(ordered, rest), key=repr)) if len(rest) > 1 else ()


def within(alternatives: Collection[frozenset[When]], given: Alternatives) -> Alternatives:
    """What is known to hold where one of ``given`` and one of ``alternatives`` does."""
    if remaining(alternatives, given) == ((), ()):
        return given
    known = frozenset.intersection(*given)
    return least(each | known for each in alternatives)


def ordered(conditions: Iterable[When]) -> tuple[When, ...]:
    """A conjunction as plans write it."""
    return tuple(sorted(conditions, key=lambda w: (w.variable, w.value)))
