"""Drafts: the fetches of a plan while it is being built and improved."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeAlias

from msgspec import Struct, field

from router.planning.graph import Node
from router.planning.plan import ContextArgument, OnTypes, OperationKind, Path, When
from router.planning.selection import Defer
from router.planning.tree import Tree
from router.supergraph import SubgraphView

__all__ = ["Draft", "DraftInput", "InputPart", "Narrowed", "Spot", "depths", "plan_path"]


class Narrowed(Struct, frozen=True):
    """Only objects of ``types`` out of the ``possible`` ones, at one place of a path."""

    types: frozenset[str]
    possible: frozenset[str]


Spot: TypeAlias = tuple[str | Narrowed, ...]
"""A place in the answer: response keys, EACH, and narrowings."""


class InputPart(Struct, eq=False):
    """A property of a representation, or (``name`` None) what objects of type ``on`` add.

    It is needed where one of ``alternatives`` holds: all conditions, from the root.
    """

    name: str | None
    key: str
    on: str | None
    required: bool
    alternatives: set[frozenset[When]]
    arguments: str = ""
    inner: dict[tuple[str | None, str], InputPart] = field(default_factory=dict)


class DraftInput(Struct, eq=False):
    """How objects of a type are sent, where one of ``alternatives`` holds."""

    on: str
    typename: str | None
    alternatives: set[frozenset[When]]
    parts: dict[tuple[str | None, str], InputPart]

    def merge(self, other: DraftInput) -> None:
        """Send what both send; what only one needs is needed under its conditions only."""
        self.alternatives |= other.alternatives
        _merge_parts(self.parts, other.parts)

    def clashes(self, other: DraftInput) -> bool:
        """Whether one property would have two values (other arguments, other data)."""
        return _parts_clash(self.parts, other.parts)


def _merge_parts(
    parts: dict[tuple[str | None, str], InputPart], others: dict[tuple[str | None, str], InputPart]
) -> None:
    for place, other in others.items():
        own = parts.get(place)
        if own is None:
            parts[place] = other
        else:
            own.alternatives |= other.alternatives
            own.required = own.required and other.required
            _merge_parts(own.inner, other.inner)


def _parts_clash(
    parts: dict[tuple[str | None, str], InputPart], others: dict[tuple[str | None, str], InputPart]
) -> bool:
    for place, other in others.items():
        own = parts.get(place)
        if own is not None and (own.key != other.key or _parts_clash(own.inner, other.inner)):
            return True
    return False


class Draft(Struct, eq=False):
    """A fetch under construction.

    Entity drafts have ``inputs``; a root draft has none and lies at ``spot`` ``()``, or where the
    query root is asked again. ``group`` orders mutations. ``telling``: the conditions under which
    the objects' types are wanted for themselves; None where they only come along. ``wait`` is the
    least depth at which it is made, though its parents may be in before. ``beside``: the selection
    of another fetch that brings the same objects in any case. ``supplies``: it brings nothing but
    what other fetches send.
    """

    id: int
    subgraph: SubgraphView
    kind: OperationKind
    node: Node
    spot: Spot
    tree: Tree
    is_entity: bool
    group: int = 0
    defer: Defer | None = None
    inputs: dict[str, DraftInput] = field(default_factory=dict)
    contexts: list[ContextArgument] = field(default_factory=list)
    parents: list[Draft] = field(default_factory=list)
    telling: frozenset[When] | None = None
    wait: int = 1
    beside: Tree | None = None
    supplies: bool = True

    def want_types(self, when: Iterable[When]) -> None:
        """The client, a representation or a later fetch wants to know the types, if ``when``."""
        wanted = frozenset(when)
        self.telling = wanted if self.telling is None else self.telling & wanted

    def depend_on(self, parents: Iterable[Draft]) -> None:
        """Start only after these."""
        new = dict.fromkeys(p for p in parents if p is not self and p not in self.parents)
        self.parents = [*self.parents, *new]

    @property
    def sent_types(self) -> frozenset[str]:
        """The runtime types that the objects sent can have."""
        runtime_types = self.node.graph.supergraph.runtime_types
        return frozenset().union(*map(runtime_types, self.inputs))

    @property
    def condition(self) -> frozenset[When]:
        """What must hold for anything of this fetch to be wanted."""
        found: frozenset[When] | None = None
        for when in self._wanted():
            found = when if found is None else found & when
            if not found:
                break
        return found or frozenset()

    def alternatives(self) -> set[frozenset[When]]:
        """Sets of conditions of which one must hold for anything of this fetch to be wanted."""
        return set(self._wanted()) or {frozenset()}

    def _wanted(self) -> Iterator[frozenset[When]]:
        if self.telling is not None:
            yield self.telling
        for entry, when in self.tree.outermost(beside=self.beside):
            # a name of a type is selected on the way, for the sake of the others
            if entry.name != "__typename" or not (self.is_entity or self.beside):
                yield when


def depths(drafts: Iterable[Draft]) -> dict[int, int]:
    """The depth at which each draft is made, by id; roots have depth 1."""
    found: dict[int, int] = {}

    def depth(draft: Draft) -> int:
        deepest = draft.wait
        for parent in draft.parents:
            above = found.get(parent.id) or depth(parent)
            if above >= deepest:
                deepest = above + 1
        found[draft.id] = deepest
        return deepest

    for draft in drafts:
        if draft.id not in found:
            depth(draft)
    return found


def plan_path(spot: Spot) -> Path:
    """The path as plans write it: narrowings to everything possible say nothing."""
    items: list[str | OnTypes] = []
    for item in spot:
        if isinstance(item, str):
            items.append(item)
        elif not item.types >= item.possible:
            items.append(OnTypes(tuple(sorted(item.types))))
    return tuple(items)
