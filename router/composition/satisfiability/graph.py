"""The query graph of the subgraphs: what a type offers in each, and the moves between them.

A vertex is a type in a subgraph, or a private copy of one behind a ``@provides``, on which the
provided fields are there too. Vertices are made when first asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from router.composition.fieldsets import SelectedField, SelectedFragment, Selection
from router.composition.satisfiability.views import (
    FieldView,
    KeyView,
    Kind,
    Landscape,
    TypeView,
)

__all__ = ["Edge", "Graph", "Move", "Vertex"]


class Edge(Struct, frozen=True, eq=False):
    """A field that a vertex can resolve once its conditions hold; no target for a leaf."""

    field: FieldView
    target: Vertex | None
    provided: bool = False

    @property
    def is_unconditional(self) -> bool:
        """Whether the field can be taken whatever the labels, the context and other subgraphs."""
        field = self.field
        return (
            field.label is None and not field.contexts and (self.provided or field.requires is None)
        )


class Move(Struct, frozen=True, eq=False):
    """A way to the same object in another subgraph: by a key, or without one between roots."""

    target: Vertex
    key: KeyView | None


class Vertex:
    """A type in a subgraph; compared by identity."""

    __slots__ = ("_casts", "_edges", "_graph", "_moves", "_provided", "_targets", "type")

    def __init__(self, graph: Graph, type: TypeView, provided: Selection | None = None) -> None:
        self._graph = graph
        self.type = type
        self._provided = provided
        self._edges: dict[str, Edge | None] = {}
        self._casts: dict[str, Vertex | None] = {}
        self._moves: tuple[Move, ...] | None = None
        self._targets: frozenset[Vertex] | None = None

    def __repr__(self) -> str:
        return f"{self.type.name}({self.type.graph})"

    def edge(self, name: str) -> Edge | None:
        """Return the edge of a field, or None where this vertex does not resolve it."""
        try:
            return self._edges[name]
        except KeyError:
            found = self._edges[name] = self._find_edge(name)
            return found

    def cast(self, type_name: str) -> Vertex | None:
        """Return this vertex known to be of an object type that it can be here, or None."""
        try:
            return self._casts[type_name]
        except KeyError:
            found = self._casts[type_name] = self._find_cast(type_name)
            return found

    @property
    def moves(self) -> tuple[Move, ...]:
        """The moves from here, whether or not their keys can be had."""
        if self._moves is None:
            self._moves = self._graph.find_moves(self.type)
        return self._moves

    @property
    def targets(self) -> frozenset[Vertex]:
        """Where the moves lead."""
        if self._targets is None:
            self._targets = frozenset(move.target for move in self.moves)
        return self._targets

    def _find_edge(self, name: str) -> Edge | None:
        view = self.type.fields.get(name)
        if view is None:
            return None
        given = self._provided_field(name)
        if given is None and not self._graph.resolves(self.type, view):
            return None
        target = self._graph.target(self.type.graph, view, given)
        return Edge(view, target, provided=given is not None and view.external)

    def _find_cast(self, type_name: str) -> Vertex | None:
        if type_name not in self.type.possible:
            return None
        return self._graph.vertex(self.type.graph, type_name, self._provided_on(type_name))

    def _provided_field(self, name: str) -> SelectedField | None:
        if self._provided is None:
            return None
        nested: list[SelectedField | SelectedFragment] = []
        found = False
        for item in _flat(self._provided, self.type.name):
            if isinstance(item, SelectedField) and item.name == name:
                found = True
                nested += item.selection.items if item.selection is not None else ()
        return SelectedField(name, (), Selection(tuple(nested))) if found else None

    def _provided_on(self, type_name: str) -> Selection | None:
        """Return what a provided selection on this type says about one of its object types."""
        if self._provided is None:
            return None
        items: list[SelectedField | SelectedFragment] = []
        for item in self._provided.items:
            if isinstance(item, SelectedField):
                items.append(item)
            elif self._graph.covers(item.on_type, type_name):
                items += item.selection.items
        return Selection(tuple(items)) if items else None


def _flat(selection: Selection, type_name: str) -> list[SelectedField | SelectedFragment]:
    """Return the items of a selection, with those of fragments on the type itself."""
    items: list[SelectedField | SelectedFragment] = []
    for item in selection.items:
        if isinstance(item, SelectedFragment) and item.on_type in (None, type_name):
            items += _flat(item.selection, type_name)
        else:
            items.append(item)
    return items


class Graph:
    """All vertices of all subgraphs."""

    def __init__(self, landscape: Landscape) -> None:
        self.landscape = landscape
        self._vertices: dict[tuple[str, str, str], Vertex] = {}
        self._roots = frozenset(landscape.merged.roots.values())
        self._moves: dict[str, Mapping[str, Sequence[Move]]] = {}
        self._interface_objects = frozenset(
            view.name
            for types in landscape.types.values()
            for view in types.values()
            if view.kind is Kind.INTERFACE_OBJECT
        )

    def vertex(self, graph: str, type_name: str, provided: Selection | None = None) -> Vertex:
        """Return the vertex of a type in a subgraph, or its copy that has provided fields."""
        if provided is not None and not provided.items:
            provided = None
        at = (graph, type_name, str(provided) if provided is not None else "")
        found = self._vertices.get(at)
        if found is None:
            view = self.landscape.types[graph][type_name]
            found = self._vertices[at] = Vertex(self, view, provided)
        return found

    def target(
        self, graph: str, field: FieldView, given: SelectedField | None = None
    ) -> Vertex | None:
        """Return where a field leads, with what it provides and what is provided to it."""
        if field.type is None or field.type not in self.landscape.types[graph]:
            return None
        items: tuple[SelectedField | SelectedFragment, ...] = ()
        if field.provides is not None:
            items += field.provides.items
        if given is not None and given.selection is not None:
            items += given.selection.items
        return self.vertex(graph, field.type, Selection(items))

    def resolves(self, owner: TypeView, field: FieldView) -> bool:
        """Tell whether a subgraph resolves a field of its own.

        A field of an interface counts only when every object that can be there resolves it.
        """
        if field.external:
            return False
        if owner.kind is not Kind.INTERFACE:
            return True
        types = self.landscape.types[owner.graph]
        for name in self.landscape.possible[owner.name]:
            if name in types:
                own = types[name].fields.get(field.name)
                if own is None or own.external or own.requires is not None:
                    return False
        return True

    def covers(self, type_condition: str | None, type_name: str) -> bool:
        """Tell whether an object type is one of a type condition's."""
        return type_condition is None or type_name in self.landscape.possible.get(
            type_condition, ()
        )

    def find_moves(self, view: TypeView) -> tuple[Move, ...]:
        """Return the moves to other subgraphs from a type in a subgraph."""
        own = self._moves_by_graph(view.name)
        standing_in = [
            interface
            for interface in self.landscape.interfaces.get(view.name, ())
            if view.kind is Kind.OBJECT and interface in self._interface_objects
        ]
        if not standing_in:
            return tuple(
                move for graph, moves in own.items() if graph != view.graph for move in moves
            )
        moves: list[Move] = []
        for graph, types in self.landscape.types.items():
            if graph != view.graph:
                moves += own.get(graph, ())
                for interface in standing_in:
                    moves += self._moves_to_stand_in(types.get(interface), view)
        return tuple(moves)

    def _moves_by_graph(self, name: str) -> Mapping[str, Sequence[Move]]:
        """Return the moves to a type in each subgraph that has it, wherever one comes from."""
        known = self._moves.get(name)
        if known is None:
            known = self._moves[name] = {
                graph: self._moves_to(types[name])
                for graph, types in self.landscape.types.items()
                if name in types
            }
        return known

    def _moves_to(self, found: TypeView) -> Sequence[Move]:
        target = self.vertex(found.graph, found.name)
        if found.name in self._roots:
            return (Move(target, None),)
        return [Move(target, key) for key in found.keys if key.resolvable]

    def _moves_to_stand_in(self, found: TypeView | None, start: TypeView) -> Sequence[Move]:
        """Return the moves from an object to what stands for its interface in a subgraph."""
        if found is None or found.kind is not Kind.INTERFACE_OBJECT:
            return ()
        target = self.vertex(found.graph, found.name)
        return [
            Move(target, key)
            for key in found.keys
            if key.resolvable and _can_read(key.selection, start)
        ]


def _can_read(selection: Selection, start: TypeView) -> bool:
    """Tell whether the key of an interface object can be read on an implementation."""
    return all(
        not isinstance(item, SelectedField)
        or item.name in start.fields
        or item.name == "__typename"
        for item in selection.items
    )
