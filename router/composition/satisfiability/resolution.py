"""Conditions: can what a key or a ``@requires`` selects be had, starting from a vertex?

The selection is followed like a client's: directly, or after moves to other subgraphs, whose own
keys are conditions again. Three guards keep this finite: no move back to where a search began,
none into a subgraph while the way there is being cleared, and no condition within itself.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TypeAlias

from router.composition.fieldsets import SelectedField, SelectedFragment, Selection
from router.composition.satisfiability.graph import Edge, Graph, Move, Vertex
from router.composition.satisfiability.views import Condition, Kind

__all__ = ["FREE", "Guard", "Resolver"]

_TYPENAME = Selection((SelectedField("__typename"),))

Way: TypeAlias = tuple[frozenset[Vertex], ...]
"""One way of taking a field: for each object type in play, the vertices one may end at."""


@dataclass(frozen=True, slots=True)
class Guard:
    """What may not be used now: subgraphs on the way, and conditions being resolved."""

    graphs: frozenset[str] = frozenset()
    busy: frozenset[tuple[str, str]] = frozenset()

    def clearing(self, condition: Condition, graph: str | None = None) -> Guard:
        """Return the guard inside a condition, of a move into ``graph`` if given."""
        graphs = self.graphs | {graph} if graph is not None else self.graphs
        return Guard(graphs, self.busy | {condition.at})


FREE = Guard()


class Resolver:
    """Answers about one graph; answers are remembered."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._held: dict[tuple[Vertex, Selection, Guard], bool] = {}
        self._reached: dict[tuple[Vertex, Guard], tuple[Vertex, ...]] = {}
        self._local_keys: dict[Vertex, bool] = {}

    def holds(self, start: Vertex, selection: Selection, guard: Guard = FREE) -> bool:
        """Tell whether every part of a selection can be had from a vertex."""
        at = (start, selection, guard)
        known = self._held.get(at)
        if known is None:
            known = all(self._item_holds(start, item, guard) for item in selection.items)
            self._held[at] = known
        return known

    def reached(self, start: Vertex, guard: Guard = FREE) -> tuple[Vertex, ...]:
        """Return where moves lead from a vertex, the shortest way first, once per target."""
        at = (start, guard)
        known = self._reached.get(at)
        if known is None:
            known = self._reached[at] = self._reach(start, guard)
        return known

    def can_move(self, start: Vertex, move: Move, guard: Guard = FREE) -> bool:
        """Tell whether the key of a move can be had where the move starts."""
        if move.key is None:
            return True
        condition = move.key.condition
        if condition.at in guard.busy:
            return False
        within = guard.clearing(condition, move.target.type.graph)
        return self.holds(start, condition.selection, within)

    def requires_hold(self, start: Vertex, edge: Edge, by_key: bool, guard: Guard = FREE) -> bool:
        """Tell whether a field's ``@requires`` can be had, and brought to its subgraph."""
        requires = edge.field.requires
        if requires is None:
            return True
        if requires.at in guard.busy:
            return False
        if not self.holds(start, requires.selection, guard.clearing(requires)):
            return False
        return by_key or self.has_local_key(start)

    def has_local_key(self, vertex: Vertex) -> bool:
        """Tell whether a subgraph can name its own object, to come back to it."""
        known = self._local_keys.get(vertex)
        if known is None:
            known = self._local_keys[vertex] = any(
                self._is_local(vertex, key.condition.selection) for key in vertex.type.keys
            )
        return known

    def can_learn_type(self, vertex: Vertex, guard: Guard = FREE) -> bool:
        """Tell whether an interface object's real type can be had."""
        return self.holds(vertex, _TYPENAME, guard)

    # moves --------------------------------------------------------------------------------

    def _reach(self, start: Vertex, guard: Guard) -> tuple[Vertex, ...]:
        found: dict[tuple[str, str], Vertex] = {}
        queue = deque([start])
        while queue:
            here = queue.popleft()
            for move in here.moves:
                target = move.target
                at = (target.type.graph, target.type.name)
                if (
                    at in found
                    or target.type.graph == start.type.graph
                    or target.type.graph in guard.graphs
                    or not self.can_move(here, move, guard)
                ):
                    continue
                found[at] = target
                queue.append(target)
        return tuple(found.values())

    # selections ---------------------------------------------------------------------------

    def _item_holds(
        self, vertex: Vertex, item: SelectedField | SelectedFragment, guard: Guard
    ) -> bool:
        if isinstance(item, SelectedFragment):
            return self._fragment_holds(vertex, item, guard)
        if item.name == "__typename":
            if vertex.type.kind is not Kind.INTERFACE_OBJECT:
                return True
            return any(
                reached.type.kind is not Kind.INTERFACE_OBJECT
                for reached in self.reached(vertex, guard)
            )
        nested = item.selection
        if nested is None or not nested.items:
            return bool(self._direct(vertex, item.name, False, guard)) or any(
                self._direct(reached, item.name, True, guard)
                for reached in self.reached(vertex, guard)
            )
        ways = self._ways(vertex, item.name, guard)
        return bool(ways) and all(
            any(
                all(any(self._item_holds(end, each, guard) for end in ends) for ends in way)
                for way in ways
            )
            for each in nested.items
        )

    def _fragment_holds(self, vertex: Vertex, item: SelectedFragment, guard: Guard) -> bool:
        view = vertex.type
        if item.on_type is None or item.on_type == view.name:
            return self.holds(vertex, item.selection, guard)
        covered = [name for name in view.possible if self.graph.covers(item.on_type, name)]
        if not view.is_abstract:
            stands_for = self.graph.landscape.possible[view.name]
            applies = any(self.graph.covers(item.on_type, name) for name in stands_for)
            return not applies or self.holds(vertex, item.selection, guard)
        casts = (vertex.cast(name) for name in covered)
        return all(cast is None or self.holds(cast, item.selection, guard) for cast in casts)

    def _ways(self, vertex: Vertex, name: str, guard: Guard) -> list[Way]:
        ways = self._direct(vertex, name, False, guard)
        for reached in self.reached(vertex, guard):
            ways += self._direct(reached, name, True, guard)
        return ways

    def _direct(self, vertex: Vertex, name: str, by_key: bool, guard: Guard) -> list[Way]:
        """Return the ways of taking a field without another move (a leaf's way is empty)."""
        edge = vertex.edge(name)
        if edge is not None and self._is_usable(vertex, edge, by_key, guard):
            return [(frozenset({edge.target}),) if edge.target is not None else ()]
        if not vertex.type.is_abstract or not vertex.type.possible:
            return []
        groups: list[frozenset[Vertex]] = []
        for type_name in vertex.type.possible:
            cast = vertex.cast(type_name)
            assert cast is not None
            ways = self._ways(cast, name, guard)
            if not ways:
                return []
            groups += [frozenset().union(*(ends for way in ways for ends in way))]
        return [tuple(group for group in groups if group)]

    def _is_usable(self, vertex: Vertex, edge: Edge, by_key: bool, guard: Guard) -> bool:
        field = edge.field
        # conditions are the router's own: no label is set and no context is known there
        if field.label is not None or field.contexts:
            return False
        return edge.provided or self.requires_hold(vertex, edge, by_key, guard)

    def _is_local(self, vertex: Vertex, selection: Selection) -> bool:
        """Tell whether a subgraph resolves a whole selection itself."""
        for item in selection.items:
            if isinstance(item, SelectedFragment):
                continue
            if item.name == "__typename":
                continue
            edge = vertex.edge(item.name)
            if edge is None or edge.field.external:
                return False
            nested = item.selection
            if nested is not None and (
                edge.target is None or not self._is_local(edge.target, nested)
            ):
                return False
        return True
