"""Sets of conjunctions of which one must hold, and what of them is left to say."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TypeAlias

from router.planning.plan import When

__all__ = ["Alternatives", "joined", "least", "ordered", "remaining", "within"]

Alternatives: TypeAlias = frozenset[frozenset[When]]


def least(alternatives: Iterable[frozenset[When]]) -> Alternatives:
    """The weakest conjunctions: what implies another one adds nothing."""
    return joined(frozenset(), alternatives)


def joined(alternatives: Alternatives, others: Iterable[frozenset[When]]) -> Alternatives:
    """Where one of ``alternatives`` or of ``others`` holds."""
    for other in others:
        if not any(each <= other for each in alternatives):
            kept = [each for each in alternatives if not other < each]
            alternatives = frozenset((*kept, other))
    return alternatives


def remaining(
    alternatives: Collection[frozenset[When]], given: Collection[frozenset[When]]
) -> tuple[tuple[When, ...], tuple[tuple[When, ...], ...]]:
    """What must hold beside one of ``given``: a conjunction, and one of several others.

    Empty where each of ``given`` implies one of ``alternatives``.
    """
    if all(any(each <= one for each in alternatives) for one in given):
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
