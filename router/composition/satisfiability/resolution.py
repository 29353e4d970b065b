"""Conditions: can what a key or a ``@requires`` selects be had, starting from a vertex?

The selection is followed like a client's: directly, or after moves to other subgraphs, whose own
keys are conditions again, and so on in circles. So the answers are a least fixpoint: every
question starts at "no", and is asked again when an answer that it used has grown. What can only
be had with itself in hand cannot be had.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import islice
from typing import Final, TypeAlias

from msgspec import Struct, field

from router.composition.fieldsets import SelectedField, SelectedFragment, Selection
from router.composition.satisfiability.graph import Edge, Graph, Move, Vertex
from router.composition.satisfiability.views import Kind

__all__ = ["Resolver"]

_TYPENAME: Final = Selection((SelectedField("__typename"),))

Way: TypeAlias = tuple[frozenset[Vertex], ...]
"""One way of taking a field: for each object type in play, the vertices one may end at."""

Question: TypeAlias = tuple[Vertex, Selection | None]
"""Can this selection be had from this vertex? None: which vertices can be moved to?"""

Answer: TypeAlias = tuple[Vertex, ...]
"""The vertices moved to; for a selection empty for "no", and the vertex itself for "yes"."""


class _Inquiry(Struct):
    """Questions that are open together, what each has been answered so far, and who asked."""

    answers: dict[Question, Answer] = field(default_factory=dict)
    askers: dict[Question, set[Question]] = field(default_factory=lambda: defaultdict(set))
    waiting: dict[Question, None] = field(default_factory=dict)
    """To be answered (again), the last one first."""
    current: Question | None = None


class Resolver:
    """Answers about one graph; final answers are remembered."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._final: dict[Question, Answer] = {}
        self._inquiry: _Inquiry | None = None
        self._taken_apart: set[tuple[Vertex, str]] = set()
        self._local_keys: dict[Vertex, bool] = {}
        self._open_targets: dict[Vertex, tuple[Vertex, ...]] = {}

    def holds(self, start: Vertex, selection: Selection) -> bool:
        """Tell whether every part of a selection can be had from a vertex."""
        return bool(self._ask((start, selection)))

    def reached(self, start: Vertex) -> tuple[Vertex, ...]:
        """Return where moves lead from a vertex, once per target."""
        return self._ask((start, None))

    def can_move(self, start: Vertex, move: Move) -> bool:
        """Tell whether the key of a move can be had where the move starts."""
        return move.key is None or self.holds(start, move.key.selection)

    def requires_hold(self, start: Vertex, edge: Edge, by_key: bool) -> bool:
        """Tell whether a field's ``@requires`` can be had, and brought to its subgraph."""
        requires = edge.field.requires
        if requires is None:
            return True
        return self.holds(start, requires) and (by_key or self.has_local_key(start))

    def has_local_key(self, vertex: Vertex) -> bool:
        """Tell whether a subgraph can name its own object, to come back to it."""
        known = self._local_keys.get(vertex)
        if known is None:
            known = self._local_keys[vertex] = any(
                self._is_local(vertex, key.selection) for key in vertex.type.keys
            )
        return known

    def can_learn_type(self, vertex: Vertex) -> bool:
        """Tell whether an interface object's real type can be had."""
        return self.holds(vertex, _TYPENAME)

    # questions ----------------------------------------------------------------------------

    def _ask(self, question: Question) -> Answer:
        final = self._final.get(question)
        if final is not None:
            return final
        inquiry = self._inquiry
        if inquiry is None:
            return self._inquire(question)
        if question not in inquiry.answers:
            inquiry.answers[question] = ()
            inquiry.waiting[question] = None
        if inquiry.current is not None:
            inquiry.askers[question].add(inquiry.current)
        return inquiry.answers[question]

    def _inquire(self, question: Question) -> Answer:
        """Answer a question and all that it leads to."""
        inquiry = self._inquiry = _Inquiry({question: ()}, waiting={question: None})
        try:
            while inquiry.waiting:
                inquiry.current = current = inquiry.waiting.popitem()[0]
                answer = self._answer(*current)
                if len(answer) > len(inquiry.answers[current]):
                    inquiry.answers[current] = answer
                    inquiry.waiting.update(dict.fromkeys(inquiry.askers[current]))
        finally:
            self._inquiry = None
        self._final.update(inquiry.answers)
        return inquiry.answers[question]

    def _answer(self, start: Vertex, selection: Selection | None) -> Answer:
        if selection is None:
            return self._reach(start)
        held = all(self._item_holds(start, item) for item in selection.items)
        return (start,) if held else ()

    def _reach(self, start: Vertex) -> Answer:
        """Follow moves to other subgraphs; those that ask nothing first, for they are most."""
        places, seen = [start], set[Vertex]()
        self._follow_open_moves(places, seen, 0)
        grown = True
        while grown:
            grown = False
            for here in tuple(places):
                if here.targets <= seen:
                    continue
                for move in here.moves:
                    target = move.target
                    if target in seen or target.type.graph == start.type.graph:
                        continue
                    if self.can_move(here, move):
                        seen.add(target)
                        places.append(target)
                        self._follow_open_moves(places, seen, len(places) - 1)
                        grown = True
        return tuple(places[1:])

    def _follow_open_moves(self, places: list[Vertex], seen: set[Vertex], first: int) -> None:
        """Go where open moves lead from the places at ``first`` and after, and from there on.

        Back in the subgraph where it all starts there is nothing that was not there before.
        """
        home = places[0].type.graph
        for here in islice(places, first, None):  # which grows meanwhile
            targets = self._open_from(here)
            if seen.issuperset(targets):  # mostly, where many subgraphs share a key
                continue
            for target in targets:
                if target not in seen:
                    seen.add(target)
                    if target.type.graph != home:
                        places.append(target)

    def _open_from(self, here: Vertex) -> tuple[Vertex, ...]:
        """Return where one can move from a vertex with what it has at hand."""
        known = self._open_targets.get(here)
        if known is None:
            known = self._open_targets[here] = tuple(
                dict.fromkeys(
                    move.target
                    for move in here.moves
                    if move.key is None or self._is_at_hand(here, move.key.selection)
                )
            )
        return known

    def _is_at_hand(self, vertex: Vertex, selection: Selection) -> bool:
        """Tell whether a vertex has a whole selection itself, on no condition."""
        for item in selection.items:
            if isinstance(item, SelectedFragment):
                return False
            if item.name == "__typename":
                if vertex.type.kind is Kind.INTERFACE_OBJECT:
                    return False
                continue
            edge = vertex.edge(item.name)
            if edge is None or not edge.is_unconditional:
                return False
            nested = item.selection
            if nested is not None and (
                edge.target is None or not self._is_at_hand(edge.target, nested)
            ):
                return False
        return True

    # selections ---------------------------------------------------------------------------

    def _item_holds(self, vertex: Vertex, item: SelectedField | SelectedFragment) -> bool:
        if isinstance(item, SelectedFragment):
            return self._fragment_holds(vertex, item)
        if item.name == "__typename":
            return vertex.type.kind is not Kind.INTERFACE_OBJECT or any(
                reached.type.kind is not Kind.INTERFACE_OBJECT for reached in self.reached(vertex)
            )
        nested = item.selection
        if nested is None or not nested.items:
            return bool(self._direct(vertex, item.name, False)) or any(
                self._direct(reached, item.name, True) for reached in self.reached(vertex)
            )
        ways = self._ways(vertex, item.name)
        return bool(ways) and all(
            any(
                all(any(self._item_holds(end, each) for end in ends) for ends in way)
                for way in ways
            )
            for each in nested.items
        )

    def _fragment_holds(self, vertex: Vertex, item: SelectedFragment) -> bool:
        view = vertex.type
        if item.on_type is None or item.on_type == view.name:
            return self.holds(vertex, item.selection)
        if not view.is_abstract:
            stands_for = self.graph.landscape.possible[view.name]
            applies = any(self.graph.covers(item.on_type, name) for name in stands_for)
            return (
                not applies
                or self.holds(vertex, item.selection)
                or any(
                    self._cast_holds(reached, item)
                    for reached in self.reached(vertex)
                    if view.kind is Kind.INTERFACE_OBJECT and reached.type.is_abstract
                )
            )
        return self._cast_holds(vertex, item)

    def _cast_holds(self, vertex: Vertex, item: SelectedFragment) -> bool:
        """Tell whether a selection can be had of each type that a fragment covers."""
        assert item.on_type is not None
        possible = vertex.type.possible
        covered = (name for name in possible if self.graph.covers(item.on_type, name))
        casts = (vertex.cast(name) for name in covered)
        return all(cast is None or self.holds(cast, item.selection) for cast in casts)

    def _ways(self, vertex: Vertex, name: str) -> list[Way]:
        ways = self._direct(vertex, name, False)
        for reached in self.reached(vertex):
            ways += self._direct(reached, name, True)
        return ways

    def _direct(self, vertex: Vertex, name: str, by_key: bool) -> list[Way]:
        """Return the ways of taking a field without another move (a leaf's way is empty)."""
        edge = vertex.edge(name)
        if edge is not None and self._is_usable(vertex, edge, by_key):
            return [(frozenset({edge.target}),) if edge.target is not None else ()]
        if not vertex.type.is_abstract or not vertex.type.possible:
            return []
        if (vertex, name) in self._taken_apart:
            return []  # a way that leads back to its own question is none
        self._taken_apart.add((vertex, name))
        try:
            return self._per_type(vertex, name)
        finally:
            self._taken_apart.discard((vertex, name))

    def _per_type(self, vertex: Vertex, name: str) -> list[Way]:
        """Return the way of taking a field from each runtime type, if there is one for all."""
        groups: list[frozenset[Vertex]] = []
        for type_name in vertex.type.possible:
            cast = vertex.cast(type_name)
            assert cast is not None
            ways = self._ways(cast, name)
            if not ways:
                return []
            groups.append(frozenset().union(*(ends for way in ways for ends in way)))
        return [tuple(group for group in groups if group)]

    def _is_usable(self, vertex: Vertex, edge: Edge, by_key: bool) -> bool:
        view = edge.field
        # conditions are the router's own: no label is set and no context is known there
        if view.label is not None or view.contexts:
            return False
        return edge.provided or self.requires_hold(vertex, edge, by_key)

    def _is_local(self, vertex: Vertex, selection: Selection) -> bool:
        """Tell whether a subgraph resolves a whole selection itself."""
        for item in selection.items:
            if isinstance(item, SelectedFragment) or item.name == "__typename":
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
