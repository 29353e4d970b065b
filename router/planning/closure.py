"""Closures: from one place in one subgraph, what else can be had of the same object?

A closure starts at a node, where an object has arrived, and settles the other subgraphs nearest
first (Dijkstra by depth, the length of the chain of fetches): a subgraph is reached when some
resolvable key of it can be put together from what is settled already::

    start Bed/a ──id──> Bed/b {ward{code}} ──┐
        └──────id──> Bed/c {number} ─────────┴──number, ward{code}──> Bed/d

Chains of keys, composite keys assembled from several subgraphs, and requirements that need other
requirements all fall out of this. Closures depend on the graph alone, never on an operation, so
they are computed once; ``depth`` and ``steps`` are relative to the start.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeAlias

from msgspec import Struct, field

from router.planning.graph import Edge, Entry, Node, QueryGraph
from router.supergraph import (
    FieldSet,
    FieldView,
    SetField,
    SetFragment,
    SubgraphView,
    TypeRef,
)

__all__ = ["Closure", "Closures", "Narrow", "Reach", "Solution", "Step", "Steps", "Take", "Way"]

Step: TypeAlias = tuple[int, tuple[str, ...], int]
"""A fetch as the search counts it: subgraph index, response keys down to it, depth."""

Steps: TypeAlias = frozenset[Step]

_TYPENAME: Final = FieldView(name="__typename", type=TypeRef("String", 0, "String!"), arguments={})


class Reach(Struct, frozen=True, eq=False):
    """How the object at a closure's start is held in a subgraph.

    ``entry`` is None for the start itself and for the query root asked again; otherwise the object
    is sent there as a representation with ``key``, and with ``requires`` where a field needs it.
    """

    node: Node
    depth: int
    steps: Steps
    entry: Entry | None = None
    key: Solution | None = None
    requires: Solution | None = None

    @property
    def stays(self) -> bool:
        """Whether this is the start itself, without a fetch."""
        return self.depth == 0


class Way(Struct, frozen=True, eq=False):
    """A field taken from a reach."""

    reach: Reach
    edge: Edge


class Take(Struct, frozen=True, eq=False):
    """A field of a field set, the way to it, and what is taken below it."""

    way: Way
    name: str
    arguments: str
    inner: Solution | None = None


class Narrow(Struct, frozen=True, eq=False):
    """What objects of one type contribute to a field set; ``reach`` is where the type is known."""

    reach: Reach
    node: Node
    inner: Solution


class Solution(Struct, frozen=True, eq=False):
    """A field set with a way for each field; all values are in after ``depth`` more fetches."""

    items: tuple[Take | Narrow, ...]
    depth: int
    steps: Steps


class Closure(Struct, eq=False):
    """The subgraphs in which the object at ``node`` can be held, nearest first."""

    node: Node
    owner: Closures
    reaches: list[Reach]
    _ways: dict[str, tuple[Way, ...]] = field(default_factory=dict)
    _plain: tuple[int, dict[str, tuple[Way, ...]]] = (0, {})
    _keys: tuple[int, dict[FieldSet, Solution | None]] = (0, {})
    _open: dict[str, list[Way]] | None = None
    _waiting: list[tuple[str, Reach, Edge]] = field(default_factory=list)
    _self_entry: list[Reach | None] = field(default_factory=list)
    _variants: dict[tuple[int, int, FieldSet], tuple[Reach, ...]] = field(default_factory=dict)

    def ways(self, name: str) -> tuple[Way, ...]:
        """Every way to a field, nearest first; requirements are part of the reach."""
        found = self._ways.get(name)
        if found is None and self._plain[0] == len(self.reaches):
            found = self._plain[1].get(name)
        if found is not None:
            return found
        if self._open is not None:
            self.owner.note_unfinished(self)
            return _nearest_first(self._enrol(name, self._open))
        return self._find(name)

    def _find(self, name: str) -> tuple[Way, ...]:
        """The ways to a field, and to all fields that its requirements lead to.

        Requirements may lead in circles. So fields without any come first, then those whose
        requirements these meet, and so on until nothing new is met.
        """
        known: dict[str, list[Way]] = {}
        self._open, self._waiting = known, []
        try:
            with self.owner.working_on(self):
                self._enrol(name, known)
                plain = not self._waiting
                self._meet_requirements(known)
        finally:
            self._open = None
        found = {key: _nearest_first(ways) for key, ways in known.items()}
        if self.owner.settled(self):
            self._ways.update(found)
        elif plain:
            self._keep_plain(name, found[name])
        return found[name]

    def _keep_plain(self, name: str, ways: tuple[Way, ...]) -> None:
        """Ways without requirements are final until the next reach is settled."""
        if self._plain[0] != len(self.reaches):
            self._plain = (len(self.reaches), {})
        self._plain[1][name] = ways

    def _meet_requirements(self, known: dict[str, list[Way]]) -> None:
        waiting = -1
        while len(self._waiting) != waiting:
            waiting = len(self._waiting)
            for item in list(self._waiting):
                way = self._required_way(*item[1:])
                if way is not None:
                    self._waiting.remove(item)
                    known[item[0]].append(way)
                    waiting = -1

    def _enrol(self, name: str, known: dict[str, list[Way]]) -> list[Way]:
        """What is known of a field so far; ways that require something wait for it."""
        ways = known.get(name)
        if ways is None:
            ways = known[name] = []
            for reach in list(self.reaches):
                edge = reach.node.edge(name)
                if edge is not None and edge.requires:
                    self._waiting.append((name, reach, edge))
                elif edge is not None:
                    ways.append(Way(reach, edge))
        return ways

    def _required_way(self, reach: Reach, edge: Edge) -> Way | None:
        entered = reach if not reach.stays else self.self_entry()
        if entered is None or entered.key is None:
            return None
        requires = self.owner.solve(self, edge.requires)
        if requires is None:
            return None
        return Way(self._with_requires(reach.node, entered, requires), edge)

    def _with_requires(self, node: Node, entered: Reach, requires: Solution) -> Reach:
        assert entered.key is not None
        depth = 1 + max(entered.key.depth, requires.depth)
        own: Step = (node.subgraph.index, (), depth)
        steps = entered.key.steps | requires.steps | {own}
        return Reach(node, depth, steps, entered.entry, entered.key, requires)

    def key(self, selection: FieldSet) -> Solution | None:
        """The nearest way to a key, while reaches are settled; many subgraphs have the same."""
        if self._keys[0] != len(self.reaches):
            self._keys = (len(self.reaches), {})
        known = self._keys[1]
        if selection not in known:
            known[selection] = self.owner.solve(self, selection)
        return known[selection]

    def variants(self, way: Way) -> tuple[Way, ...]:
        """As near ways to the same field, on which other subgraphs supply what is sent."""
        reach = way.reach
        if reach.entry is None:
            return ()
        requires = way.edge.requires if reach.requires is not None else ()
        place = (reach.node.id, reach.depth, requires)
        known = self._variants.get(place)
        if known is None:
            known = self._variants[place] = tuple(self.owner.variants(self, reach, requires))
        return tuple(Way(each, way.edge) for each in known)

    def self_entry(self) -> Reach | None:
        """The object sent back to the subgraph it is in, by a key that can be resolved there."""
        if not self._self_entry:
            found = self.owner.enter(self, self.node.subgraph)
            if self._open is not None or not self.owner.settled(self):
                return found
            self._self_entry.append(found)
        return self._self_entry[0]


class Closures:
    """All closures of a query graph, each computed once."""

    def __init__(self, graph: QueryGraph) -> None:
        self.graph = graph
        self._closures: dict[int, Closure] = {}
        self._partial: dict[int, Closure] = {}
        self._stack: list[Closure] = []
        self._steps: dict[tuple[int, int], Steps] = {}
        self._unfinished: set[int] = set()

    def of(self, node: Node) -> Closure:
        """The closure of a node."""
        found = self._closures.get(node.id)
        if found is not None:
            return found
        if node.id in self._partial:
            self.note_unfinished(self._partial[node.id])
            return self._partial[node.id]
        return self._compute(node)

    def settled(self, closure: Closure) -> bool:
        """Whether what was just found is final: no unfinished computation took part in it."""
        return not self._unfinished and closure.node.id not in self._partial

    def note_unfinished(self, closure: Closure) -> None:
        """Something else is computed from a closure that is still being worked on."""
        if self._stack and self._stack[-1] is not closure:
            self._unfinished.add(closure.node.id)

    @contextmanager
    def working_on(self, closure: Closure) -> Iterator[None]:
        """What is asked of other closures meanwhile may come back to this one."""
        outermost = closure not in self._stack
        self._stack.append(closure)
        try:
            yield
        finally:
            self._stack.pop()
            if outermost:
                self._unfinished.discard(closure.node.id)

    def _compute(self, node: Node) -> Closure:
        closure = Closure(node, self, [Reach(node, 0, frozenset())])
        self._partial[node.id] = closure
        try:
            with self.working_on(closure):
                if node.name == self.graph.supergraph.roots["query"]:
                    self._reenter_root(closure)
                else:
                    self._settle(closure)
        finally:
            del self._partial[node.id]
        if not self._unfinished:
            self._closures[node.id] = closure
        return closure

    def _reenter_root(self, closure: Closure) -> None:
        """The query root needs no key: any subgraph can be asked again."""
        for subgraph in self.graph.subgraphs:
            node = self.graph.node(subgraph, closure.node.name)
            if node is not None and subgraph is not closure.node.subgraph:
                step: Step = (subgraph.index, (), 1)
                closure.reaches.append(Reach(node, 1, frozenset((step,))))

    def _settle(self, closure: Closure) -> None:
        waiting: dict[tuple[int, str], list[Entry]] = {}
        for entry in self.graph.entries(closure.node.name):
            if entry.subgraph is not closure.node.subgraph:
                waiting.setdefault((entry.subgraph.index, entry.target), []).append(entry)
        # Most keys are at hand from the start: nothing is nearer, whatever else is settled.
        at_hand = [(place, self._cheapest(found, closure.key)) for place, found in waiting.items()]
        for place, reach in at_hand:
            if reach is not None and len(reach.steps) == 1:
                del waiting[place]
                closure.reaches.append(reach)
        while waiting:
            nearest: tuple[tuple[int, int, int], tuple[int, str], Reach] | None = None
            for place, entries in waiting.items():
                reach = self._cheapest(entries, closure.key)
                if reach is not None:
                    rank = (reach.depth, len(reach.steps), place[0])
                    if nearest is None or rank < nearest[0]:
                        nearest = (rank, place, reach)
                        if rank[:2] == (1, 1):
                            break
            if nearest is None:
                return
            del waiting[nearest[1]]
            closure.reaches.append(nearest[2])

    def enter(self, closure: Closure, subgraph: SubgraphView) -> Reach | None:
        """The cheapest entry into a subgraph from everything that a closure has."""
        entries = [e for e in self.graph.entries(closure.node.name) if e.subgraph is subgraph]
        return self._cheapest(entries, lambda key: self.solve(closure, key))

    def _cheapest(
        self, entries: list[Entry], solve: Callable[[FieldSet], Solution | None]
    ) -> Reach | None:
        best: tuple[tuple[int, int, int], Entry, Solution, Node] | None = None
        for entry in entries:
            target = self.graph.node(entry.subgraph, entry.target)
            key = solve(entry.key.selection)
            if key is None or target is None:
                continue
            rank = (key.depth, len(key.steps), _size(entry.key.selection))
            if best is None or rank < best[0]:
                best = (rank, entry, key, target)
        if best is None:
            return None
        _, entry, key, target = best
        depth = 1 + key.depth
        own = self._step(entry.subgraph, depth)
        return Reach(target, depth, key.steps | own if key.steps else own, entry, key)

    def variants(self, closure: Closure, reach: Reach, requires: FieldSet) -> Iterator[Reach]:
        """Reaches as near as this one with other steps: each supplier is preferred once.

        Which of them is the cheapest depends on what an operation asks those subgraphs anyway.
        """
        assert reach.entry is not None
        place = (reach.entry.subgraph, reach.entry.target)
        entries = [
            entry
            for entry in self.graph.entries(closure.node.name)
            if (entry.subgraph, entry.target) == place
        ]
        seen = {reach.steps}
        for supplier in closure.reaches[1:]:
            index = supplier.node.subgraph.index
            required = self.solve(closure, requires, index) if requires else None
            for entry in entries:
                key = self.solve(closure, entry.key.selection, index)
                if key is None or (requires and required is None):
                    continue
                depth = 1 + max(key.depth, required.depth if required is not None else 0)
                steps = key.steps | self._step(entry.subgraph, depth)
                if required is not None:
                    steps |= required.steps
                if depth == reach.depth and not any(steps >= other for other in seen):
                    seen.add(steps)
                    yield Reach(reach.node, depth, steps, entry, key, required)

    def _step(self, subgraph: SubgraphView, depth: int) -> Steps:
        place = (subgraph.index, depth)
        found = self._steps.get(place)
        if found is None:
            found = self._steps[place] = frozenset(((subgraph.index, (), depth),))
        return found

    # --- field sets ---------------------------------------------------------------------------

    def solve(
        self, closure: Closure, selection: FieldSet, prefer: int | None = None
    ) -> Solution | None:
        """The nearest way to every field of a field set, or None where one has no way.

        Of equally near ones, that through the subgraph with index ``prefer``.
        """
        items: dict[int, tuple[Take | Narrow, ...]] = {}
        depth = 0
        steps: Steps = frozenset()
        # What can be had in one way only first: the others may come along.
        for place in sorted(
            range(len(selection)), key=lambda i: self._freedom(closure, selection[i])
        ):
            item = selection[place]
            found = (
                self._solve_field(closure, item, steps, prefer)
                if isinstance(item, SetField)
                else self._solve_fragment(closure, item)
            )
            if found is None:
                return None
            items[place] = found.items
            depth = max(depth, found.depth)
            steps |= found.steps
        ordered = tuple(part for place in sorted(items) for part in items[place])
        return Solution(ordered, depth, steps)

    def _freedom(self, closure: Closure, item: SetField | SetFragment) -> int:
        return len(closure.ways(item.name)) if isinstance(item, SetField) else 0

    def _solve_field(
        self, closure: Closure, item: SetField, taken: Steps, prefer: int | None
    ) -> Solution | None:
        if item.name == "__typename":
            return self._solve_typename(closure)
        best: tuple[tuple[int, bool, int], Solution] | None = None
        for way in closure.ways(item.name):
            if way.edge.view.context:
                continue
            if best is not None and way.reach.depth > best[0][0]:
                break
            found = self._take(way, item, prefer)
            if found is not None:
                elsewhere = prefer is not None and way.reach.node.subgraph.index != prefer
                rank = (found.depth, elsewhere, len(found.steps | taken))
                if best is None or rank < best[0]:
                    best = (rank, found)
        if best is not None:
            return best[1]
        return self._solve_exploded(closure, item)

    def _solve_typename(self, closure: Closure) -> Solution | None:
        for reach in closure.reaches:
            if not reach.node.is_interface_object:
                edge = Edge("__typename", _TYPENAME, None)
                take = Take(Way(reach, edge), "__typename", "")
                return Solution((take,), reach.depth, reach.steps)
        return None

    def _take(self, way: Way, item: SetField, prefer: int | None) -> Solution | None:
        reach = way.reach
        if not item.selections:
            take = Take(way, item.name, item.arguments)
            return Solution((take,), reach.depth, reach.steps)
        if way.edge.tail is None:
            return None
        inner = self.solve(self.of(way.edge.tail), item.selections, prefer)
        if inner is None:
            return None
        below = {(s, (item.name, *keys), d + reach.depth) for s, keys, d in inner.steps}
        take = Take(way, item.name, item.arguments, inner)
        return Solution((take,), reach.depth + inner.depth, reach.steps | below)

    def _solve_exploded(self, closure: Closure, item: SetField) -> Solution | None:
        node = closure.node
        if node.is_interface_object:
            return self._solve_learnt(closure, sorted(node.possible), (item,))
        if not node.is_abstract or not node.possible:
            return None
        return self._solve_each(closure.reaches[0], sorted(node.possible), (item,))

    def _solve_learnt(
        self, closure: Closure, type_names: list[str], selection: FieldSet
    ) -> Solution | None:
        """From an interface object: what its types contribute, where another subgraph tells them."""
        best: Solution | None = None
        for reach in closure.reaches[1:]:
            if reach.node.is_abstract:
                known = [name for name in type_names if reach.node.downcast(name) is not None]
                found = self._solve_each(reach, known, selection)
                if found is not None and (
                    best is None or (found.depth, len(found.steps)) < (best.depth, len(best.steps))
                ):
                    best = found
        return best

    def _solve_each(
        self, reach: Reach, type_names: list[str], selection: FieldSet
    ) -> Solution | None:
        node = reach.node
        items: list[Take | Narrow] = []
        depth = reach.depth
        steps = reach.steps
        for name in type_names:
            narrowed = node.downcast(name)
            inner = self.solve(self.of(narrowed), selection) if narrowed else None
            if narrowed is None or inner is None:
                return None
            items.append(Narrow(reach, narrowed, inner))
            depth = max(depth, reach.depth + inner.depth)
            steps |= _later(inner.steps, reach.depth)
        return Solution(tuple(items), depth, steps)

    def _solve_fragment(self, closure: Closure, item: SetFragment) -> Solution | None:
        node = closure.node
        matching = node.possible & self.graph.supergraph.runtime_types(item.on)
        if not matching:
            return Solution((), 0, frozenset())
        if not node.is_abstract:
            if node.is_interface_object and matching != node.possible:
                return self._solve_learnt(closure, sorted(matching), item.selections)
            return self.solve(closure, item.selections)
        if node.name == item.on:
            return self.solve(closure, item.selections)
        return self._solve_each(closure.reaches[0], sorted(matching), item.selections)


def _later(steps: Steps, by: int) -> Steps:
    if not by:
        return steps
    return frozenset((subgraph, keys, depth + by) for subgraph, keys, depth in steps)


def _nearest_first(ways: list[Way]) -> tuple[Way, ...]:
    return tuple(sorted(ways, key=lambda way: way.reach.depth))


def _size(selection: FieldSet) -> int:
    return sum(1 + _size(item.selections) for item in selection)
