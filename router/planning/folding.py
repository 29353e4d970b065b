"""What several types are asked alike is printed once, where the subgraph's schema allows it.

Types are taken apart where a subgraph cannot answer a field for all of them; much of what is
then selected type by type is the same. At each place the types that can stand there are known: the
possible types of the field, or those that are sent to ``_entities``. So::

    ...on Cat{id name} ...on Dog{id}    is  id ...on Cat{name}    where Pet{id} is Cat or Dog
    ...on Cat{name} ...on Dog{name}     is  ...on Pet{name}       where no Bird is sent

Nothing is asked of a type that was not asked before. Types that remain together without a common
interface stay one fragment of several types; :mod:`router.planning.printing` writes it for each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct
from msgspec.structs import replace

from router.planning.selection import Conditions
from router.planning.tree import On, SelectedField, Tree
from router.supergraph import SubgraphView, TypeKind

__all__ = ["fold"]

_Types = frozenset[str]


def fold(tree: Tree, subgraph: SubgraphView, sent: Iterable[str], *, share: bool = True) -> Tree:
    """A tree that selects the same in fewer fragments; shares nothing with the one given.

    ``sent``: the types of the objects sent, for a tree on ``_Entity``. Without ``share`` types
    are only grouped, each keeps its own fragment.
    """
    folder = _Folder(subgraph, share=share)
    return folder.place(tree, frozenset(sent) or folder.possible(tree.type_name))


class _Group(Struct):
    """Types that are asked the same at one place, by fields of the same types."""

    names: list[str]
    tree: Tree


class _Folder(Struct, frozen=True):
    subgraph: SubgraphView
    share: bool

    def possible(self, type_name: str) -> _Types:
        view = self.subgraph.types.get(type_name)
        return frozenset(view.possible) if view is not None else frozenset()

    def place(self, tree: Tree, possible: _Types) -> Tree:
        """One place of the answer, at which objects of these types can stand."""
        kept = Tree(tree.type_name, variables=tree.variables)
        for place, picked in tree.fields.items():
            child = picked.child
            if child is not None:
                child = self.place(child, self.possible(child.type_name))
            kept.fields[place] = replace(picked, child=child)
        by_condition: dict[tuple[Conditions, str], dict[str, list[Tree]]] = {}
        for (on, when, directives), inner in tree.fragments.items():
            if on and not self._is_abstract(on[0]):
                by_type = by_condition.setdefault((when, directives), {})
                for name in on:
                    by_type.setdefault(name, []).append(inner)
                continue
            within = possible & self.possible(on[0]) if on else possible
            kept.fragments[on, when, directives] = self.place(inner, within)
        for (when, directives), by_type in by_condition.items():
            groups = list(self._groups(by_type))
            if self.share:
                groups = self._shared(kept, groups, possible, plain=not when and not directives)
            for group in groups:
                on = self._named(group, possible) if self.share else tuple(group.names)
                _put(kept, (on, when, directives), group.tree)
        return kept

    def _is_abstract(self, type_name: str) -> bool:
        view = self.subgraph.types.get(type_name)
        return view is not None and view.is_abstract

    def _groups(self, by_type: dict[str, list[Tree]]) -> Iterator[_Group]:
        """Types with the same selection of the same fields, in the order of their first."""
        trees: dict[tuple[int, ...], tuple[Tree, object]] = {}
        groups: dict[object, _Group] = {}
        for name, parts in by_type.items():
            key = tuple(map(id, parts))
            if key not in trees:
                merged = self.place(_merged(parts), frozenset((name,)))
                trees[key] = merged, merged.signature()
            tree, signature = trees[key]
            alike = (signature, tuple(self._field_types(tree, name)))
            group = groups.get(alike)
            if group is None:
                group = groups[alike] = _Group([], replace(tree.copy(), type_name=name))
            group.names.append(name)
        return iter(groups.values())

    def _field_types(self, tree: Tree, type_name: str) -> Iterator[object]:
        fields = self.subgraph.types[type_name].fields
        for name in _outermost(tree):
            view = fields.get(name)
            yield (view.type, tuple(view.arguments.items())) if view is not None else None

    # --- fields that all types have in common -------------------------------------------------

    def _shared(
        self, kept: Tree, groups: list[_Group], possible: _Types, *, plain: bool
    ) -> list[_Group]:
        """Select on the abstract type what all of its types are asked; returns the rest."""
        for group in groups:
            for place in [p for p, e in group.tree.fields.items() if e.child is None]:
                if place in kept.fields:
                    del group.tree.fields[place]
        covered = frozenset(name for group in groups for name in group.names)
        if plain and covered == possible and len(covered) > 1:
            on = self._interface(kept.type_name, possible)
            common = list(self._common(groups, on)) if on is not None else []
            if on is not None and common:
                target = kept.fragment((on,))
                for place in common:
                    picked, *_ = [group.tree.fields.pop(place) for group in groups]
                    known = target.fields.setdefault(place, picked)
                    if known is not picked and known.child is not None and picked.child is not None:
                        known.child.merge(picked.child)
        return [group for group in groups if group.tree.fields or group.tree.fragments]

    def _common(
        self, groups: list[_Group], on: str
    ) -> Iterator[tuple[str, str, str, str, Conditions]]:
        first, *others = (group.tree.fields for group in groups)
        names = [name for group in groups for name in group.names]
        for place, picked in first.items():
            same = all(_same(picked, fields.get(place)) for fields in others)
            if same and self._offers(on, picked.name, names):
                yield place

    def _interface(self, type_name: str, possible: _Types) -> str | None:
        """An interface that all of these types have here: that of the place, or another."""
        view = self.subgraph.types.get(type_name)
        if view is not None and view.kind is TypeKind.INTERFACE:
            return type_name
        return next((i for i in self._interfaces(possible) if possible <= self.possible(i)), None)

    def _interfaces(self, names: Iterable[str]) -> tuple[str, ...]:
        found = (i for i in self.subgraph.types[min(names)].interfaces if self._is_abstract(i))
        return tuple(sorted(found))

    # --- types that are asked alike -----------------------------------------------------------

    def _named(self, group: _Group, possible: _Types) -> On:
        """The interface that means just these types at this place, or the types."""
        names = frozenset(group.names)
        if len(names) > 1:
            for on in self._interfaces(names):
                if self.possible(on) & possible == names and all(
                    self._offers(on, field, group.names) for field in _outermost(group.tree)
                ):
                    group.tree.type_name = on
                    return (on,)
        return tuple(group.names)

    def _offers(self, on: str, field: str, names: Iterable[str]) -> bool:
        """Whether an interface has a field just as the types have it."""
        if field == "__typename":
            return True
        view = self.subgraph.types[on].fields.get(field)
        own = (self.subgraph.types[name].fields.get(field) for name in names)
        return view is not None and all(
            each is not None and each.type == view.type and each.arguments == view.arguments
            for each in own
        )


def _put(kept: Tree, place: tuple[On, Conditions, str], tree: Tree) -> None:
    known = kept.fragment(*place, tree.variables)
    if known is kept or known.fields or known.fragments:
        known.merge(tree)
    else:
        kept.fragments[place] = tree


def _merged(trees: list[Tree]) -> Tree:
    if len(trees) == 1:
        return trees[0]
    first = trees[0].copy()
    for tree in trees[1:]:
        first.merge(tree.copy())
    return first


def _outermost(tree: Tree) -> Iterator[str]:
    """The names of the outermost fields, whatever their conditions."""
    for picked in tree.fields.values():
        yield picked.name
    for inner in tree.fragments.values():
        yield from _outermost(inner)


def _same(picked: SelectedField, other: SelectedField | None) -> bool:
    if other is None:
        return False
    if picked.child is None or other.child is None:
        return picked.child is other.child
    return (
        picked.child.type_name == other.child.type_name
        and picked.child.signature() == other.child.signature()
    )
