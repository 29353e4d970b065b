"""What an earlier part of the answer brings is not asked for again by a later one (``@defer``).

A leaf that both parts want is left out of the later one; of an entity that both want the later
part takes what is its own from the object at hand::

    {p{n{a} ... @defer{n{a b}}}}   ->   {p{n{a ... @defer{b}}}}

Only what is asked changes: each block is still delivered as the client wrote it. It may be quicker to
ask for the object again than to wait for it; so there are several forms, of which the planner takes
the cheapest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias

from msgspec import Struct, field
from msgspec.structs import replace

from router.planning.alternatives import ordered
from router.planning.plan import When
from router.planning.selection import (
    Defer,
    Field,
    Fragment,
    Selection,
    Selections,
    conjunction,
)
from router.supergraph import Supergraph

__all__ = ["forms"]

_Types: TypeAlias = frozenset[str]
_Conditions: TypeAlias = frozenset[When]
_Name: TypeAlias = tuple[str, str, str, str]


_EVERYWHERE: Final = 1_000
"""More levels than an operation has."""


def forms(selections: Selections, root: str, supergraph: Supergraph) -> tuple[Selections, ...]:
    """The ways to ask for the selections of the root type.

    Deferred parts ask again for no object that an earlier part has, for those of the root's fields,
    or for all.
    """
    types = frozenset((root,))
    found = [_Walk(supergraph, level).whole(selections, types) for level in (0, 1, _EVERYWHERE)]
    return tuple(dict.fromkeys(found))


class _Had(Struct, frozen=True):
    """A field that a part asks of objects of these types where these conditions hold."""

    field: Field
    types: _Types
    when: _Conditions

    @property
    def name(self) -> _Name:
        """What two fields have in common that bring the same."""
        asked = self.field
        return asked.key, asked.name, asked.arguments, asked.directives

    def covers(self, other: _Had) -> bool:
        """Whether the same field asks here for nothing else, or for more of the same objects."""
        if not self.when <= other.when:
            return False
        # objects of other types are not asked for what a fragment wants of some
        return self.types == other.types if other.field.selections else self.types >= other.types


_Layer: TypeAlias = dict[_Name, list[_Had]]
"""What one part of the answer asks of an object."""


class _Walk(Struct):
    supergraph: Supergraph
    apart: int
    """Levels, from the root, on which later parts ask for objects of their own."""
    level: int = 0
    later: dict[int, list[Fragment]] = field(default_factory=dict)
    """By field (its id): what later parts want of the objects that it brings."""
    entities: dict[str, bool] = field(default_factory=dict)

    def whole(self, selections: Selections, types: _Types) -> Selections:
        kept = self._part(selections, types, frozenset(), None, ())
        self.level += 1
        whole = self._below(kept)
        self.level -= 1
        return whole

    def _part(
        self,
        selections: Selections,
        types: _Types,
        when: _Conditions,
        defer: Defer | None,
        earlier: Sequence[_Layer],
    ) -> Selections:
        """One part of the answer to an object, and the parts inside it."""
        own: _Layer = {}
        kept = self._own(selections, types, when, defer, earlier, own)
        return self._inner(kept, types, when, (*earlier, own))

    def _own(
        self,
        selections: Selections,
        types: _Types,
        when: _Conditions,
        defer: Defer | None,
        earlier: Sequence[_Layer],
        own: _Layer,
    ) -> Selections:
        kept: list[Selection] = []
        for each in selections:
            if isinstance(each, Fragment):
                if each.defer is None and not each.directives:
                    inside, full = self._at(each, types), when.union(each.when)
                    inner = self._own(each.selections, inside, full, defer, earlier, own)
                    if inner:
                        kept.append(replace(each, selections=inner))
                else:
                    kept.append(each)
                continue
            wanted = _Had(each, types, when.union(each.when))
            known = _known(wanted, earlier)
            if known is not None and not each.selections:
                continue
            if known is not None and self._is_offered(known):
                more = ordered(wanted.when - known.when)
                rest = Fragment(None, each.selections, when=more, defer=defer)
                self.later.setdefault(id(known.field), []).append(rest)
                continue
            if known is not None:
                wanted = self._again(wanted, known, defer)
            elif not each.composite:
                wanted = _where_not(wanted, earlier)
            if known is None or wanted.field.selections:
                own.setdefault(wanted.name, []).append(wanted)
                kept.append(wanted.field)
        return tuple(kept)

    def _again(self, wanted: _Had, known: _Had, defer: Defer | None) -> _Had:
        """A field that is asked again, without what lies below it already."""
        types = self.supergraph.runtime_types(wanted.field.type_name)
        below: _Layer = {}
        self.level += 1
        self._own(known.field.selections, types, known.when, None, (), below)
        rest = self._own(wanted.field.selections, types, wanted.when, defer, (below,), {})
        self.level -= 1
        return _Had(replace(wanted.field, selections=rest), wanted.types, wanted.when)

    def _inner(
        self, selections: Selections, types: _Types, when: _Conditions, earlier: Sequence[_Layer]
    ) -> Selections:
        kept: list[Selection] = []
        for each in selections:
            if isinstance(each, Fragment) and not each.directives:
                inside, full = self._at(each, types), when.union(each.when)
                if each.defer is None:
                    inner = self._inner(each.selections, inside, full, earlier)
                else:
                    inner = self._part(each.selections, inside, full, each.defer, earlier)
                kept.append(replace(each, selections=inner))
            else:
                kept.append(each)
        return tuple(kept)

    def _below(self, selections: Selections) -> Selections:
        """The same for the objects of all fields."""
        kept: list[Selection] = []
        for each in selections:
            if isinstance(each, Fragment):
                kept.append(replace(each, selections=self._below(each.selections)))
                continue
            inner = (*each.selections, *self.later.pop(id(each), ()))
            if inner:
                inner = self.whole(inner, self.supergraph.runtime_types(each.type_name))
            kept.append(replace(each, selections=inner))
        return tuple(kept)

    def _at(self, fragment: Fragment, types: _Types) -> _Types:
        return types if fragment.on is None else types & self.supergraph.runtime_types(fragment.on)

    def _is_offered(self, had: _Had) -> bool:
        """Whether later parts take an object from where it is; what no key leads to would come too early."""
        return self.level >= self.apart and self._is_entity(had.field.type_name)

    def _is_entity(self, type_name: str) -> bool:
        known = self.entities.get(type_name)
        if known is None:
            names = self.supergraph.runtime_types(type_name)
            views = (
                s.types[n]
                for s in self.supergraph.subgraphs.values()
                for n in names & s.types.keys()
            )
            known = all(any(key.resolvable for key in view.keys) for view in views)
            self.entities[type_name] = known
        return known


def _known(wanted: _Had, earlier: Sequence[_Layer]) -> _Had | None:
    """Where an earlier part has a field."""
    for layer in earlier:
        for had in layer.get(wanted.name, ()):
            if had.covers(wanted):
                return had
    return None


def _where_not(wanted: _Had, earlier: Sequence[_Layer]) -> _Had:
    """A leaf that an earlier part has under one more condition is asked where that does not hold."""
    for layer in earlier:
        for had in layer.get(wanted.name, ()):
            more = had.when - wanted.when
            if len(more) == 1 and had.types >= wanted.types:
                (one,) = more
                left = When(one.variable, not one.value)
                when = conjunction(wanted.field.when, (left,))
                if when is not None and left not in wanted.when:
                    return _Had(
                        replace(wanted.field, when=when), wanted.types, wanted.when | {left}
                    )
    return wanted
