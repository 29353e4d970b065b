"""The query graph: what an object of a type offers in a subgraph.

A :class:`Node` is a (type, subgraph) pair, or a private copy of one behind a ``@provides``: its
``provides`` selection makes external fields resolvable on exactly that path. Nodes and edges are
made on demand and kept, so a graph costs nothing for the parts that no operation visits. Moving
between subgraphs (keys) is the business of :mod:`router.planning.closure`.

A graph belongs to one set of active override labels.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from router.supergraph import (
    FieldSet,
    FieldView,
    KeyView,
    SetField,
    SetFragment,
    SubgraphView,
    Supergraph,
    TypeView,
)
from router.supergraph.fieldset import top_level_fields

__all__ = ["Edge", "Entry", "Node", "QueryGraph"]


class Edge(Struct, frozen=True, eq=False):
    """A field that a node resolves itself, once ``requires`` is given to it.

    ``tail`` is None for leaves. ``requires`` is empty where everything required is at hand.
    """

    name: str
    view: FieldView
    tail: Node | None
    requires: FieldSet = ()


class Entry(Struct, frozen=True):
    """A way into a subgraph for objects of some type: its ``_entities`` takes this key.

    ``target`` is the type there: the object's own, or an interface object that stands for it.
    """

    subgraph: SubgraphView
    target: str
    key: KeyView


class Node:
    """A composite type as a subgraph sees it; compared by identity, made by the graph."""

    __slots__ = (
        "_downcasts",
        "_edges",
        "graph",
        "id",
        "is_abstract",
        "is_interface_object",
        "name",
        "possible",
        "provides",
        "subgraph",
        "type",
    )

    def __init__(
        self, graph: QueryGraph, id: int, subgraph: SubgraphView, type: TypeView, provides: FieldSet
    ) -> None:
        self.graph = graph
        self.id = id
        self.subgraph = subgraph
        self.type = type
        self.name = type.name
        self.provides = provides
        self.is_abstract = type.is_abstract
        self.is_interface_object = type.is_interface_object
        self.possible = frozenset(type.possible)
        self._edges: dict[str, Edge | None] = {}
        self._downcasts: dict[str, Node | None] = {}

    def __repr__(self) -> str:
        provided = " (provided)" if self.provides else ""
        return f"{self.name}/{self.subgraph.name}{provided}"

    def edge(self, name: str) -> Edge | None:
        """The edge for a field, or None where this node cannot resolve it."""
        try:
            return self._edges[name]
        except KeyError:
            self._edges[name] = None  # two fields of one subgraph that require each other
            found = self._edges[name] = self.graph._edge(self, name)
            return found

    def downcast(self, type_name: str) -> Node | None:
        """This object known to be of a type; None where it cannot be, or is unknown here."""
        try:
            return self._downcasts[type_name]
        except KeyError:
            found = self._downcasts[type_name] = self.graph._downcast(self, type_name)
            return found

    def holds(self, selection: FieldSet) -> bool:
        """Whether every field of a field set is resolvable here, without requirements."""
        for item in selection:
            if isinstance(item, SetFragment):
                if not self._holds_fragment(item):
                    return False
                continue
            if item.name == "__typename":
                if self.is_interface_object:
                    return False
                continue
            edge = self.edge(item.name)
            if edge is None or edge.requires or edge.view.context:
                if not self._holds_exploded(item):
                    return False
                continue
            if item.selections and (edge.tail is None or not edge.tail.holds(item.selections)):
                return False
        return True

    def _holds_fragment(self, item: SetFragment) -> bool:
        matching = self.possible & self.graph.supergraph.runtime_types(item.on)
        if self.is_interface_object:
            return matching == self.possible and self.holds(item.selections)
        if not self.is_abstract:
            return not matching or self.holds(item.selections)
        narrowed = [self.downcast(name) for name in sorted(matching)]
        return all(node is not None and node.holds(item.selections) for node in narrowed)

    def _holds_exploded(self, item: SetField) -> bool:
        if not self.is_abstract or not self.possible:
            return False
        narrowed = [self.downcast(name) for name in sorted(self.possible)]
        return all(node is not None and node.holds((item,)) for node in narrowed)


class QueryGraph:
    """All nodes of a supergraph under one set of active override labels."""

    def __init__(self, supergraph: Supergraph, labels: frozenset[str] = frozenset()) -> None:
        self.supergraph: Final = supergraph
        self.labels: Final = labels
        self.subgraphs: Final = tuple(supergraph.subgraphs.values())
        self._nodes: dict[tuple[int, str, FieldSet], Node] = {}
        self._entries: dict[str, tuple[Entry, ...]] = {}
        self._likeness: dict[tuple[str, str], int] = {}
        self._kinds: dict[object, int] = {}
        self._interface_objects = self._interface_objects_by_type()

    def node(self, subgraph: SubgraphView, type_name: str, provides: FieldSet = ()) -> Node | None:
        """The node of a type in a subgraph; None where the subgraph does not know the type."""
        key = (subgraph.index, type_name, provides)
        node = self._nodes.get(key)
        if node is None:
            view = subgraph.types.get(type_name)
            if view is None:
                return None
            node = self._nodes[key] = Node(self, len(self._nodes), subgraph, view, provides)
        return node

    def entries(self, type_name: str) -> tuple[Entry, ...]:
        """Every resolvable key by which an object of this type can be asked for, by subgraph."""
        found = self._entries.get(type_name)
        if found is None:
            found = self._entries[type_name] = tuple(self._find_entries(type_name))
        return found

    def _find_entries(self, type_name: str) -> Iterator[Entry]:
        standing_for = self._interface_objects.get(type_name, {})
        for subgraph in self.subgraphs:
            for name in (type_name, *standing_for.get(subgraph.index, ())):
                view = subgraph.types.get(name)
                if view is not None:
                    for key in view.keys:
                        if key.resolvable:
                            yield Entry(subgraph, name, key)

    def likeness(self, type_name: str, field: str) -> int:
        """A number that types share if their objects offer a field in the same ways.

        They do if all that can play a part is the same in each subgraph: the field, the keys, and
        what either of them requires.
        """
        place = (type_name, field)
        found = self._likeness.get(place)
        if found is None:
            kind = self._kind(type_name, field)
            found = self._likeness[place] = self._kinds.setdefault(kind, len(self._kinds))
        return found

    def _kind(self, type_name: str, field: str) -> object:
        entries = self.entries(type_name)
        views = [
            (subgraph.index, view)
            for subgraph in self.subgraphs
            if (view := subgraph.types.get(type_name)) is not None
        ]
        names = {field}
        for entry in entries:
            names.update(top_level_fields(entry.key.selection))
        pending = list(names)
        while pending:
            name = pending.pop()
            for _, view in views:
                if (there := view.fields.get(name)) is not None:
                    new = top_level_fields(there.requires) - names
                    names |= new
                    pending += new
        offered = tuple(
            (index, view.contexts, *(_offer(view.fields.get(name)) for name in sorted(names)))
            for index, view in views
        )
        ways_in = tuple(
            (e.subgraph.index, e.target if e.target != type_name else None, e.key.selection)
            for e in entries
        )
        return tuple(sorted(names)), offered, ways_in

    def _interface_objects_by_type(self) -> dict[str, dict[int, tuple[str, ...]]]:
        """Object type -> subgraph index -> interface objects that stand for it there."""
        found: dict[str, dict[int, tuple[str, ...]]] = {}
        for subgraph in self.subgraphs:
            for view in subgraph.types.values():
                if view.is_interface_object:
                    for name in view.possible:
                        by_graph = found.setdefault(name, {})
                        by_graph[subgraph.index] = (*by_graph.get(subgraph.index, ()), view.name)
        return found

    def live(self, view: FieldView) -> bool:
        """Whether a field's override label lets this subgraph answer it."""
        return view.label is None or (view.label in self.labels) is view.label_active

    def _edge(self, node: Node, name: str) -> Edge | None:
        view = node.type.fields.get(name)
        if view is None or not self.live(view):
            return None
        provided = _provided(node, name)
        if view.external and provided is None:
            return None
        requires = () if provided is not None else view.requires
        if requires and node.holds(requires):
            requires = ()
        if node.is_abstract and provided is None and not self._direct_on_interface(node, name):
            return None
        tail = self.node(node.subgraph, view.type.named, _joined(view.provides, provided or ()))
        return Edge(name, view, tail if tail and tail.type.is_composite else None, requires)

    def _direct_on_interface(self, node: Node, name: str) -> bool:
        """A field may be asked on an interface if every object that can stand here resolves it."""
        for type_name in sorted(self.supergraph.runtime_types(node.name)):
            if type_name not in node.subgraph.types:
                continue
            implementation = self.node(node.subgraph, type_name)
            edge = implementation.edge(name) if implementation else None
            if edge is None or edge.requires or edge.view.context:
                return False
        return True

    def _downcast(self, node: Node, type_name: str) -> Node | None:
        if node.name == type_name:
            return node
        view = node.subgraph.types.get(type_name)
        if view is None or node.possible.isdisjoint(view.possible):
            return None
        return self.node(node.subgraph, type_name, _narrowed(node.provides, view, self.supergraph))


def _offer(view: FieldView | None) -> object:
    if view is None:
        return None
    return (
        id(view) if view.context else None,
        view.type,
        view.external,
        view.requires,
        view.provides,
        (view.label, view.label_active),
        tuple(view.arguments.items()),
    )


def _provided(node: Node, name: str) -> FieldSet | None:
    """What ``@provides`` on the way here says of a field: its sub-selection, or None."""
    found: FieldSet | None = None
    for item in node.provides:
        if isinstance(item, SetField):
            if item.name == name:
                found = (found or ()) + item.selections
        elif not node.is_abstract:
            matching = _narrowed((item,), node.type, node.graph.supergraph)
            for inner in matching:
                if isinstance(inner, SetField) and inner.name == name:
                    found = (found or ()) + inner.selections
    return found


def _narrowed(provides: FieldSet, view: TypeView, supergraph: Supergraph) -> FieldSet:
    """The part of a provided selection that holds for a narrower type."""
    if not provides:
        return ()
    possible = frozenset(view.possible)
    kept: list[SetField | SetFragment] = []
    for item in provides:
        if isinstance(item, SetField):
            kept.append(item)
        else:
            matching = possible & supergraph.runtime_types(item.on)
            if matching == possible:
                kept.extend(_narrowed(item.selections, view, supergraph))
            elif matching:
                kept.append(item)
    return tuple(kept)


def _joined(one: FieldSet, other: FieldSet) -> FieldSet:
    if not one or not other or one == other:
        return one or other
    return (*one, *(item for item in other if item not in one))
