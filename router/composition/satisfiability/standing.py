"""Where the paths of a group are, and where they can move to, found once for all that is asked.

Many paths at the same place in the supergraph mostly reach the same subgraphs. What matters for a
field is the vertices that have it, not which path brings one there, unless a context is set on
the way: paths with different surroundings stand apart.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from msgspec import Struct

from router.composition.satisfiability.graph import Edge, Vertex
from router.composition.satisfiability.resolution import Resolver
from router.composition.satisfiability.states import Enclosing, Group, Path
from router.composition.satisfiability.views import Landscape

__all__ = ["Offer", "Standing", "standings"]


class Offer(Struct, frozen=True, eq=False):
    """A vertex that has a field; ``moved`` tells whether one can come to it by a key."""

    vertex: Vertex
    edge: Edge
    moved: bool


class Standing:
    """The vertices that paths with the same surroundings are at or can move to."""

    def __init__(
        self,
        contexts: tuple[Enclosing, ...],
        setter: Vertex | None,
        sets_context_at: Vertex | None,
    ) -> None:
        self.contexts = contexts
        self.setter = setter
        self._sets_context_at = sets_context_at
        self._vertices: dict[Vertex, bool] = {}
        self._own: set[Vertex] = set()
        self._offers: dict[str, Mapping[str, list[Offer]]] = {}

    @property
    def vertices(self) -> tuple[Vertex, ...]:
        """The vertices, those where a path is first."""
        return tuple(self._vertices)

    def add(self, vertex: Vertex, *, moved: bool) -> None:
        """Take in a vertex: one that a path is at, or one that can be moved to."""
        if not moved:
            self._own.add(vertex)
        self._vertices[vertex] = self._vertices.get(vertex, False) or moved

    def home_of(self, vertex: Vertex) -> frozenset[str]:
        """Return the subgraphs from which one moves to a vertex; none if a path is there."""
        if vertex in self._own:
            return frozenset()
        return frozenset(each.type.graph for each in self._own)

    def offers(self, owner: str, field: str) -> list[Offer]:
        """Return who has a field of an object type, conditions aside."""
        known = self._offers.get(owner)
        if known is None:
            known = self._offers[owner] = self._offers_on(owner)
        return known.get(field, [])

    def _offers_on(self, owner: str) -> Mapping[str, list[Offer]]:
        found: dict[str, list[Offer]] = defaultdict(list)
        for vertex, moved in self._vertices.items():
            here = vertex.cast(owner) if vertex.type.is_abstract else vertex
            if here is not None:
                for name in here.type.fields:
                    edge = here.edge(name)
                    if edge is not None:
                        found[name].append(Offer(here, edge, moved))
        return found

    @property
    def setter_within(self) -> Vertex | None:
        """Where the nearest object that sets a context was met, for what this one encloses."""
        return self._sets_context_at or self.setter

    def contexts_from(self, left_at: Vertex, landscape: Landscape) -> tuple[Enclosing, ...]:
        """Return what encloses the target of a field that is taken at a vertex."""
        met_at = self._sets_context_at
        if met_at is None:
            return self.contexts
        around = {each.context: each for each in self.contexts}
        for name, types in landscape.contexts.items():
            if met_at.type.name in types:
                around[name] = Enclosing(name, met_at, left_at)
        return tuple(sorted(around.values(), key=lambda each: each.context))


def standings(
    group: Group, resolver: Resolver, landscape: Landscape, *, moves: bool
) -> tuple[Standing, ...]:
    """Return where a group stands; without ``moves`` only where its paths are."""
    setters = frozenset().union(*landscape.contexts.values())
    apart: dict[tuple[tuple[Enclosing, ...], Vertex | None, Vertex | None], Standing] = {}
    placed: list[tuple[Standing, Path]] = []
    for path in group.paths:
        sets = path.vertex if path.vertex.type.name in setters else None
        key = (path.contexts, path.setter, sets)
        standing = apart.get(key)
        if standing is None:
            standing = apart[key] = Standing(*key)
        standing.add(path.vertex, moved=False)
        placed.append((standing, path))
    if moves:
        for standing, path in placed:
            for vertex in resolver.reached(path.vertex):
                if vertex.type.graph not in path.home:
                    standing.add(vertex, moved=True)
    return tuple(apart.values())
