"""Options: the alternatives between which a plan is chosen, and how they are kept few.

An option is one :class:`Path`, or several that must be taken together where an abstract type was
taken apart by its runtime types. Paths are persistent linked nodes: leaves share their prefixes,
and extending one costs one object.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import prod
from typing import Final, TypeAlias

from msgspec import Struct

from router.planning.closure import Reach, Solution, Steps, Way
from router.planning.graph import Node
from router.planning.selection import Defer, Field, Fragment
from router.supergraph import ContextSource, SubgraphView

__all__ = [
    "APART",
    "Become",
    "Branch",
    "Carry",
    "Context",
    "Enter",
    "Go",
    "Option",
    "Path",
    "Rejoin",
    "combined",
    "end_of",
    "extended",
    "pruned",
    "rejoined",
]

MAX_COMBINATIONS: Final = 16
"""Full products of simultaneous paths up to this size; beyond it, one per preferred subgraph."""

MAX_ALIKE: Final = 8
"""Options kept of those that end alike: a dearer prefix may be one that others need anyway."""

MANY_ENDS: Final = 16
"""Where options end in more places than these, only the cheapest of each is kept."""

MAX_OPTIONS: Final = 128
"""Options kept for one selection; the dearest are dropped."""

MAX_PATHS: Final = 1_000
"""Paths that they have in all: each is gone further for every field below."""


APART: Final = 1 << 20
"""Added to a step's subgraph, times the number of the deferred part: its fetches join no others."""


class Enter(Struct, frozen=True, eq=False):
    """The operation's root, asked in a subgraph."""

    subgraph: SubgraphView


class Context(Struct, frozen=True, eq=False):
    """The value of a context argument: a solution at an enclosing object."""

    source: ContextSource
    at: Path
    solution: Solution


class Go(Struct, frozen=True, eq=False):
    """A field, taken in the subgraph of ``way.reach``."""

    field: Field
    way: Way
    contexts: tuple[Context, ...] = ()


class Become(Struct, frozen=True, eq=False):
    """From here on only objects of some types; ``reach`` is where their types are known.

    ``members`` are types that are treated alike: the path's node stands for all of them.
    """

    reach: Reach
    fragment: Fragment | None
    members: tuple[str, ...]


class Carry(Struct, frozen=True, eq=False):
    """Conditions, directives or a ``@defer`` that hold from here on."""

    fragment: Fragment


class Rejoin(Struct, frozen=True, eq=False):
    """The same field of several runtime types, taken in one fetch: one place again."""

    members: tuple[Path, ...]


Move: TypeAlias = Enter | Go | Become | Carry | Rejoin


class Path(Struct, eq=False):
    """A place in the answer and how it is reached.

    ``types``: the runtime types an object here can have. ``depth`` and ``steps`` count fetches
    from the root; ``keys`` are the response keys down to here. ``defer`` is the ``@defer`` in
    force, ``entered`` the one whose own fetch holds the object already. ``onward``: the steps to
    what is further on, by those that are added; the fields of an object share them.
    """

    parent: Path | None
    move: Move
    node: Node
    types: frozenset[str]
    depth: int
    steps: Steps
    keys: tuple[str, ...]
    defer: Defer | None = None
    entered: Defer | None = None
    onward: dict[Steps, Steps] | None = None


Option: TypeAlias = tuple[Path, ...]


class Branch(Struct, eq=False):
    """A leaf, or a part of the operation that one subgraph answers whole, with its options.

    ``rest``: the selection below the last field goes along unchanged.
    ``anywhere``: only the object is wanted, nothing below it.
    """

    options: list[Option]
    rest: bool = False
    anywhere: bool = False


def extended(
    path: Path, reach: Reach, contexts: tuple[Context, ...] = (), entered: Defer | None = None
) -> Steps:
    """The steps to a place further on; ``entered``: the deferred part whose fetches hold it."""
    if reach.stays and not contexts and (entered is None or path.keys):
        return path.steps
    if not contexts and entered is None:
        return _onward(path, reach.steps)
    steps = path.steps | _shifted(path, reach.steps)
    for context in contexts:
        steps |= _shifted(context.at, context.solution.steps)
    if entered is None:
        return steps
    known: Steps = path.steps if path.keys else frozenset()  # a root field has its own fetch
    return known | {(s + entered.number * APART, keys, depth) for s, keys, depth in steps - known}


def _onward(path: Path, steps: Steps) -> Steps:
    if path.onward is None:
        path.onward = {}
    found = path.onward.get(steps)
    if found is None:
        found = path.onward[steps] = path.steps | _shifted(path, steps)
    return found


def _shifted(path: Path, steps: Steps) -> Steps:
    keys, depth = path.keys, path.depth
    return frozenset((s, keys + below, depth + d) for s, below, d in steps)


def end_of(path: Path) -> int:
    move = path.move
    return (move.way.reach.node if isinstance(move, Go) else path.node).subgraph.index


def _rank(option: Option) -> tuple[int, int, int]:
    depth = max(path.depth for path in option)
    steps = option[0].steps if len(option) == 1 else frozenset().union(*(p.steps for p in option))
    return depth, len(steps), len(option)


def combined(alternatives: list[list[Option]]) -> list[Option]:
    """Options that take one alternative of each: all, or one per preferred subgraph."""
    if len(alternatives) == 1:
        return alternatives[0]
    if prod(map(len, alternatives)) <= MAX_COMBINATIONS:
        return [tuple(p for part in parts for p in part) for parts in product(*alternatives)]
    ranked = [sorted(options, key=_rank) for options in alternatives]
    subgraphs = sorted({end_of(o[0]) for options in ranked for o in options})
    combined: dict[tuple[int, ...], Option] = {}
    for preferred in (-1, *subgraphs):
        chosen = [
            next((o for o in options if end_of(o[0]) == preferred), options[0])
            for options in ranked
        ]
        flat = tuple(path for part in chosen for path in part)
        combined.setdefault(tuple(map(id, flat)), flat)
    return list(combined.values())


def rejoined(option: Option) -> Option:
    """Join paths that went apart by type and arrived in one place of one fetch.

    Otherwise the paths of an interface with many implementations multiply with every level.
    """
    if len(option) < 2:
        return option
    groups: dict[tuple[object, ...], list[Path]] = {}
    for path in option:
        groups.setdefault(_arrival(path), []).append(path)
    if len(groups) == len(option):
        return option
    return tuple(
        members[0] if len(members) == 1 else _rejoin(members) for members in groups.values()
    )


def _arrival(path: Path) -> tuple[object, ...]:
    """What paths must have in common to be one place of one fetch."""
    apart = path.parent
    move = path.move
    if (
        not isinstance(move, Go)
        or move.contexts
        or move.way.reach.requires is not None
        or apart is None
        or not isinstance(apart.move, Become)
        or not apart.move.reach.stays
        or path.defer is not path.entered
    ):
        return (id(path),)
    reach = move.way.reach
    if not reach.stays and (reach.key is None or reach.node.name != apart.node.name):
        return (id(path),)
    return (
        id(apart.parent),
        id(apart.move.fragment),
        path.node.id,
        reach.node.subgraph.index,
        reach.depth,
    )


def _rejoin(members: Sequence[Path]) -> Path:
    first = members[0]
    return Path(
        parent=first.parent,
        move=Rejoin(tuple(members)),
        node=first.node,
        types=first.types,
        depth=max(member.depth for member in members),
        steps=first.steps.union(*(member.steps for member in members[1:])),
        keys=first.keys,
        defer=first.defer,
        entered=first.entered,
    )


def pruned(options: list[Option]) -> list[Option]:
    """Of the options that end alike only the cheapest; different ends are never weighed here.

    What can be answered below an option, and which fragments can match there, depends on where it
    ends; so this never changes the answer.
    """
    if len(options) < 2:
        return options
    groups: dict[tuple[object, ...], list[Option]] = {}
    for option in options:
        ends = tuple((p.node.id, p.types, end_of(p), p.defer is p.entered) for p in option)
        groups.setdefault(ends, []).append(option)
    kept: list[Option] = []
    width = MAX_ALIKE if len(groups) <= MANY_ENDS else 1
    for group in groups.values():
        if len(group) == 1 or width == 1:
            kept.append(min(group, key=_rank))
            continue
        chosen: dict[Steps, Option] = {}
        for option in sorted(group, key=_rank):
            steps = option[0].steps.union(*(p.steps for p in option[1:]))
            if not any(known <= steps for known in chosen):
                chosen[steps] = option
                if len(chosen) == width:
                    break
        kept += chosen.values()
    most = min(MAX_OPTIONS, MAX_PATHS // max(map(len, kept)) + 1)
    return sorted(kept, key=_rank)[:most] if len(kept) > most else kept
