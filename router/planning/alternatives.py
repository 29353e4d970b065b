"""Sets of conjunctions of which one must hold, and what of them is left to say."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import combinations, product
from math import comb
from typing import Final, TypeAlias

from router.planning.plan import When

__all__ = ["Alternatives", "Weakest", "least", "ordered", "remaining", "within", "worlds_of"]

Alternatives: TypeAlias = frozenset[frozenset[When]]

MAX_WORLDS: Final = 8
"""Worlds that are weighed; what is in none of them counts as part of the whole only."""


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


def worlds_of(sets: Iterable[frozenset[When]]) -> list[frozenset[When]]:
    """All values of the variables that conditions ask.

    Where that is too many: the sets of conditions themselves, as if no others held, the empty one
    first.
    """
    found = dict.fromkeys([frozenset[When](), *sets])
    names = sorted({when.variable for conditions in found for when in conditions})
    if 1 << len(names) <= MAX_WORLDS:
        either = ((When(name, True), When(name, False)) for name in names)
        return [frozenset(values) for values in product(*either)]
    return list(found)[:MAX_WORLDS]


def remaining(
    alternatives: Collection[frozenset[When]], given: Collection[frozenset[When]]
) -> tuple[tuple[When, ...], tuple[tuple[When, ...], ...]]:
    """What must hold beside one of ``given``: a conjunction, and one of several others.

    Empty where each of ``given`` implies one of ``alternatives``.
    """
    if all(map(Weakest(alternatives).covers, given)):
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
