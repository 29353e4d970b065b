"""The selection of a fetch while it grows: a mutable tree of fields and fragments.

Types are those of the fetch's subgraph. Fields are told apart by everything that is printed, so
``id`` and ``id @include(if: $x)`` are two fields; fragments by their condition. A fragment may
stand for several types that are asked alike: it is one tree until it is printed. A tree left empty
is printed as ``__typename``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from msgspec import Struct, field

from router.planning.plan import When
from router.planning.selection import Conditions

__all__ = ["On", "SelectedField", "Tree"]

On: TypeAlias = tuple[str, ...]
"""The types that a fragment is for: none where it only carries conditions or directives."""

_FieldKey: TypeAlias = tuple[str, str, str, str, Conditions]
_FragmentKey: TypeAlias = tuple[On, Conditions, str]


class SelectedField(Struct, eq=False):
    """A field of a tree, under its response key; ``directives`` as they are printed.

    ``wanted``: the conditions under which it is needed at all, if it is no field of the client; it is
    selected without them, for other conditions may need it too.
    """

    key: str
    name: str
    arguments: str
    directives: str
    when: Conditions
    variables: tuple[str, ...]
    child: Tree | None = None
    wanted: frozenset[When] | None = None

    def copy(self) -> SelectedField:
        """A copy whose child is independent."""
        child = self.child.copy() if self.child is not None else None
        return SelectedField(
            self.key,
            self.name,
            self.arguments,
            self.directives,
            self.when,
            self.variables,
            child,
            self.wanted,
        )

    def want(self, wanted: frozenset[When] | None) -> None:
        """Select it for another one too, who wants it under these conditions."""
        self.wanted = None if self.wanted is None or wanted is None else self.wanted & wanted


class Tree(Struct, eq=False):
    """A selection set on a type of the subgraph; ``variables`` are those of its directives."""

    type_name: str
    fields: dict[_FieldKey, SelectedField] = field(default_factory=dict)
    fragments: dict[_FragmentKey, Tree] = field(default_factory=dict)
    variables: tuple[str, ...] = ()

    def add(
        self,
        key: str,
        name: str,
        *,
        arguments: str = "",
        directives: str = "",
        when: Conditions = (),
        variables: tuple[str, ...] = (),
        child_type: str | None = None,
        wanted: frozenset[When] | None = None,
    ) -> SelectedField:
        """Select a field, or return it if it is selected already.

        ``wanted``: it is no field of the client, and needed under these conditions only.
        """
        place = (key, name, arguments, directives, when)
        picked = self.fields.get(place)
        if picked is None:
            child = Tree(child_type) if child_type is not None else None
            picked = SelectedField(key, name, arguments, directives, when, variables, child, wanted)
            self.fields[place] = picked
        else:
            picked.want(wanted)
        return picked

    def add_typename(self) -> None:
        """Select ``__typename``."""
        place: _FieldKey = ("__typename", "__typename", "", "", ())
        if place not in self.fields:
            self.fields[place] = SelectedField("__typename", "__typename", "", "", (), ())

    def fragment(
        self,
        on: On,
        when: Conditions = (),
        directives: str = "",
        variables: tuple[str, ...] = (),
    ) -> Tree:
        """The tree of a fragment; the tree itself where the fragment would say nothing."""
        if on == (self.type_name,):
            on = ()
        if not on and not when and not directives:
            return self
        place = (on, when, directives)
        found = self.fragments.get(place)
        if found is None:
            type_name = on[0] if on else self.type_name
            found = self.fragments[place] = Tree(type_name, variables=variables)
        return found

    @property
    def is_empty(self) -> bool:
        """Whether nothing is selected."""
        return not self.fields and all(inner.is_empty for inner in self.fragments.values())

    def copy(self) -> Tree:
        """A copy that shares nothing mutable."""
        return Tree(
            self.type_name,
            {place: picked.copy() for place, picked in self.fields.items()},
            {place: inner.copy() for place, inner in self.fragments.items()},
            self.variables,
        )

    def merge(self, other: Tree) -> None:
        """Select everything that another tree selects."""
        for place, picked in other.fields.items():
            own = self.fields.get(place)
            if own is None:
                self.fields[place] = picked
                continue
            own.want(picked.wanted)
            if own.child is not None and picked.child is not None:
                own.child.merge(picked.child)
        for fragment, inner in other.fragments.items():
            known = self.fragments.get(fragment)
            if known is None:
                self.fragments[fragment] = inner
            else:
                known.merge(inner)

    def outermost(
        self, enclosing: Conditions = (), beside: Tree | None = None
    ) -> Iterator[tuple[SelectedField, frozenset[When]]]:
        """The outermost fields with all conditions on the way to them.

        Objects that ``beside`` selects too are none of them, but what is selected below.
        """
        for place, picked in self.fields.items():
            other = beside.fields.get(place) if beside is not None else None
            if other is not None and picked.child is not None and other.child is not None:
                yield from picked.child.outermost((*enclosing, *picked.when), other.child)
            else:
                yield picked, frozenset(enclosing).union(picked.when, picked.wanted or ())
        for place_, inner in self.fragments.items():
            known = beside.fragments.get(place_) if beside is not None else None
            yield from inner.outermost((*enclosing, *place_[1]), known)

    def by_key(self, types: On = ()) -> Iterator[tuple[On, SelectedField]]:
        """The outermost fields with the types they are selected on."""
        types = types or (self.type_name,)
        for picked in self.fields.values():
            yield types, picked
        for (on, _, _), inner in self.fragments.items():
            yield from inner.by_key(on or types)

    def signature(self) -> object:
        """A value that is equal for trees that select the same, in whatever order."""
        return (
            frozenset(
                (place, picked.child and (picked.child.type_name, picked.child.signature()))
                for place, picked in self.fields.items()
            ),
            frozenset((place, inner.signature()) for place, inner in self.fragments.items()),
        )

    def count(self) -> int:
        """How many fields are selected."""
        own = sum(
            1 + (picked.child.count() if picked.child is not None else 0)
            for picked in self.fields.values()
        )
        return own + sum(inner.count() for inner in self.fragments.values())
