"""The walk: every client path through the API schema, with the subgraph paths that serve it.

A state is a client path with all the simultaneous ways of being on it: each a vertex of some
subgraph. States wait on a stack, the last one first; one is skipped when its type was visited
before with a subset of its vertices, since whatever works from fewer works from more. The order
matters: which states are skipped decides how many errors are told.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from typing import Final, TypeAlias

from router.composition.errors import CompositionError
from router.composition.hints import Hint
from router.composition.merged import Field, MergedSchema, ObjectType, base_name
from router.composition.satisfiability.example import Step, Trail, print_operation
from router.composition.satisfiability.graph import Graph, Vertex
from router.composition.satisfiability.reasons import cast_reasons, field_reasons
from router.composition.satisfiability.resolution import Resolver
from router.composition.satisfiability.standing import Offer, Standing, standings
from router.composition.satisfiability.states import (
    Bucket,
    Group,
    Labels,
    Path,
    State,
    Visits,
)
from router.composition.satisfiability.views import Kind, Landscape, survey

__all__ = ["DEFAULT_MAX_PATHS", "check_satisfiability"]

DEFAULT_MAX_PATHS: Final = 1_000_000

Stood: TypeAlias = Sequence[tuple[Group, tuple[Standing, ...]]]
"""The groups of a state with where they stand."""


def check_satisfiability(
    merged: MergedSchema, *, max_paths: int = DEFAULT_MAX_PATHS
) -> tuple[list[CompositionError], list[Hint]]:
    """Return why some client operation cannot be answered (nothing if none), and hints.

    ``max_paths`` limits how many subgraph paths may wait at once; beyond it the only error is
    ``MAX_VALIDATION_SUBGRAPH_PATHS_EXCEEDED``.
    """
    landscape = survey(merged)
    walk = _Walk(landscape, max_paths)
    errors, hints = walk.run()
    if not errors and walk.visits.doubtful:
        # a type that was visited only where something was provided, or below a shared mutation
        # field where another subgraph helped out, must serve other fields too
        errors, hints = _Walk(landscape, max_paths, exact=True).run()
    return errors, hints


class _TooManyPaths(Exception):
    """The limit on waiting paths is exceeded."""


class _Walk:
    def __init__(self, landscape: Landscape, max_paths: int, *, exact: bool = False) -> None:
        self.landscape = landscape
        self.max_paths = max_paths
        self.graph = Graph(landscape)
        self.resolver = Resolver(self.graph)
        self.stack: list[State] = []
        self.waiting = 0
        self.visits = Visits(exact=exact)
        self.errors: dict[Bucket | None, list[CompositionError]] = defaultdict(list)
        self.buckets: dict[str, list[Bucket]] = defaultdict(list)
        self.hints: dict[str, Hint] = {}
        self.labels: dict[int, tuple[str, ...]] = {}
        """The override labels of fields, by the fields' identity."""

    def run(self) -> tuple[list[CompositionError], list[Hint]]:
        try:
            for kind, root in self.landscape.visible_roots().items():
                self._push(self._start(kind, root))
            while self.stack:
                state = self.stack.pop()
                self.waiting -= state.weight
                if not self.visits.is_known(state):
                    self._visit(state)
        except _TooManyPaths:
            return [self._too_many()], []
        return [*self.errors[None], *self._shared_mutation_errors()], list(self.hints.values())

    def _start(self, kind: str, root: str) -> State:
        paths = tuple(
            Path(self.graph.vertex(graph, root), frozenset({root}))
            for graph, types in self.landscape.types.items()
            if root in types
        )
        return State(root, Trail(kind), (Group(paths),), {})

    def _push(self, state: State) -> None:
        self.waiting += state.weight
        if self.waiting > self.max_paths:
            raise _TooManyPaths
        self.stack.append(state)

    # one state ----------------------------------------------------------------------------

    def _visit(self, state: State) -> None:
        owner = self.landscape.composite(state.type)
        moves = state.trail.depth > 0
        stood = [
            (group, standings(group, self.resolver, self.landscape, moves=moves))
            for group in state.groups
        ]
        if isinstance(owner, ObjectType):
            for found in self.landscape.visible_fields(owner):
                for labels in self._labelings(found, state.labels):
                    self._take_field(state, stood, owner.name, found, labels)
            return
        for name in self.landscape.visible_possible[state.type]:
            self._take_type(state, stood, name)

    def _labelings(self, found: Field, chosen: Labels) -> Iterator[Labels]:
        """Yield the label values under which a field is looked at, agreeing with those chosen."""
        labels = self._labels_of(found)
        if not labels:
            yield chosen
            return
        for values in product(*((True, False) for _ in labels)):
            picked = dict(zip(labels, values, strict=True))
            if all(chosen.get(label, value) == value for label, value in picked.items()):
                yield {**chosen, **picked}

    def _labels_of(self, found: Field) -> tuple[str, ...]:
        known = self.labels.get(id(found))
        if known is None:
            given = (
                applied.arguments.get("overrideLabel")
                for applied in found.directives
                if applied.name == "join__field"
            )
            known = self.labels[id(found)] = tuple(sorted({str(each) for each in given if each}))
        return known

    def _take_field(
        self, state: State, stood: Stood, owner: str, found: Field, labels: Labels
    ) -> None:
        trail = state.trail.then(Step(owner, found))
        target = base_name(found.type)
        leaf = self.landscape.composite(target) is None
        groups: list[Group] = []
        for group, standing in stood:
            options = self._options_of_field(standing, owner, found.name, labels, leaf)
            if options is None:
                self._note_error(group, trail, owner, found.name, labels)
            elif options:
                error = self._check_shared_abstract(trail, owner, found, options)
                if error is not None:
                    self.errors[group.bucket].append(error)
                else:
                    groups.append(Group(options, group.bucket))
        if groups:
            is_mutation = state.trail.depth == 0 and state.trail.kind == "mutation"
            parted = self._part(found.name, groups[0]) if is_mutation else tuple(groups)
            self._push(State(target, trail, parted, labels))

    def _options_of_field(
        self, stood: Iterable[Standing], owner: str, name: str, labels: Labels, leaf: bool
    ) -> tuple[Path, ...] | None:
        """Return where a field leads from where a group stands: nowhere for a leaf; None if lost."""
        paths: dict[Path, None] = {}
        for standing in stood:
            for offer in standing.offers(owner, name):
                if not self._is_usable(standing, offer, labels):
                    continue
                if leaf:
                    return ()
                target = offer.edge.target
                if target is not None:
                    contexts = standing.contexts_from(offer.vertex, self.landscape)
                    path = Path(target, self._runtime(target), contexts, standing.setter_within)
                    paths[path] = None
        return tuple(paths) or None

    def _part(self, name: str, group: Group) -> tuple[Group, ...]:
        """Return the groups into which the subgraphs of a mutation field part, if several."""
        graphs = dict.fromkeys(path.vertex.type.graph for path in group.paths)
        if len(graphs) < 2:
            return (group,)
        self.buckets[name] += [(name, graph) for graph in graphs]
        return tuple(
            Group(
                tuple(path for path in group.paths if path.vertex.type.graph == graph),
                (name, graph),
            )
            for graph in graphs
        )

    def _take_type(self, state: State, stood: Stood, name: str) -> None:
        trail = state.trail.then(Step(name, None))
        groups: list[Group] = []
        for group, standing in stood:
            if any(
                name not in path.runtime and path.vertex.type.kind is not Kind.INTERFACE_OBJECT
                for path in group.paths
            ):
                continue  # one of the subgraphs never gives such an object, so none may
            options = {
                option: None for each in standing for option in self._cast_options(each, name)
            }
            if options:
                groups.append(Group(tuple(options), group.bucket))
            else:
                self._note_error(group, trail, name, None, state.labels)
        if groups:
            self._push(State(name, trail, tuple(groups), state.labels))

    # options from where a group stands ----------------------------------------------------

    def _is_usable(self, standing: Standing, offer: Offer, labels: Labels) -> bool:
        view, vertex = offer.edge.field, offer.vertex
        if view.label is not None and labels.get(view.label) != view.label_value:
            return False
        if offer.edge.provided:
            return True
        if not self.resolver.requires_hold(vertex, offer.edge, offer.moved):
            return False
        if not view.contexts:
            return True
        around = {each.context: each.left_at for each in standing.contexts}
        return self.resolver.has_local_key(vertex) and all(
            use.context in around and self.resolver.holds(around[use.context], use.selection)
            for use in view.contexts
        )

    def _runtime(self, vertex: Vertex) -> frozenset[str]:
        if vertex.type.kind is Kind.INTERFACE_OBJECT:
            return frozenset(self.landscape.possible[vertex.type.name])
        return frozenset(vertex.type.possible)

    def _cast_options(self, standing: Standing, name: str) -> Iterator[Path]:
        runtime = frozenset({name})
        for vertex in standing.vertices:
            view = vertex.type
            if view.kind is Kind.INTERFACE_OBJECT:
                if self.resolver.can_learn_type(vertex):
                    home = standing.home_of(vertex)
                    yield Path(vertex, runtime, standing.contexts, standing.setter, home)
            elif view.is_abstract:
                cast = vertex.cast(name)
                if cast is not None:
                    yield Path(cast, runtime, standing.contexts, standing.setter)
            elif view.name == name:
                yield Path(vertex, runtime, standing.contexts, standing.setter)

    # shared abstract fields ---------------------------------------------------------------

    def _check_shared_abstract(
        self, trail: Trail, owner: str, found: Field, paths: tuple[Path, ...]
    ) -> CompositionError | None:
        """Compare which objects the subgraphs may give for one field of abstract type."""
        target = base_name(found.type)
        if isinstance(self.landscape.composite(target), ObjectType):
            return None
        abstract = [path for path in paths if path.vertex.type.is_abstract]
        if len(abstract) < 2 or not self._is_shareable(owner, found):
            return None
        visible = frozenset(self.landscape.visible_possible[target])
        by_graph = {
            path.vertex.type.graph: path.runtime
            for path in paths
            # what a subgraph gives and clients do not see shows them nothing else than the others
            if path.vertex.type.kind is not Kind.INTERFACE_OBJECT
            and (path.runtime & visible or not path.runtime)
        }
        if not any(by_graph.values()):
            return None
        common = visible.intersection(*by_graph.values())
        at = f"{owner}.{found.name}"
        groups: dict[frozenset[str], list[str]] = defaultdict(list)
        for graph, runtime in by_graph.items():
            groups[runtime].append(self.landscape.names[graph])
        told = "; ".join(
            f"in {', '.join(graphs)}: {', '.join(sorted(runtime)) or 'none'}"
            for runtime, graphs in groups.items()
        )
        if not common:
            return CompositionError(
                "SHAREABLE_HAS_MISMATCHED_RUNTIME_TYPES",
                "For the following supergraph API query:\n"
                f"{print_operation(trail, self.landscape.merged)}\n"
                f'the shared field "{at}" of type "{target}" gives different objects in different '
                f"subgraphs, none of them common to all ({told}).",
                tuple(self.landscape.names[graph] for graph in by_graph),
                (at,),
            )
        if len(groups) > 1:
            self.hints.setdefault(
                at,
                Hint(
                    "INCONSISTENT_RUNTIME_TYPES_FOR_SHAREABLE_RETURN",
                    f'The shared field "{at}" of type "{target}" may give different objects in '
                    f"different subgraphs ({told}): only what is common to all is sure.",
                    at,
                ),
            )
        return None

    def _is_shareable(self, owner: str, found: Field) -> bool:
        joined = [applied for applied in found.directives if applied.name == "join__field"]
        if not joined:
            return sum(owner in types for types in self.landscape.types.values()) > 1
        resolving = [
            applied
            for applied in joined
            if not applied.arguments.get("external") and not applied.arguments.get("usedOverridden")
        ]
        return len(resolving) > 1

    # errors -------------------------------------------------------------------------------

    def _note_error(
        self, group: Group, trail: Trail, owner: str, name: str | None, labels: Labels
    ) -> None:
        """Note that no subgraph can go on; ``name`` is None where an object's type is in doubt."""
        reasons: dict[str, dict[str, None]] = {}
        for path in group.paths:
            found = reasons.setdefault(self.landscape.names[path.vertex.type.graph], {})
            told = (
                cast_reasons(path.vertex, owner, self.resolver)
                if name is None
                else field_reasons(path.vertex, owner, name, labels, self.resolver)
            )
            found.update(dict.fromkeys(told))
        lines = [
            "The following supergraph API query:",
            print_operation(trail, self.landscape.merged),
            "cannot be satisfied by the subgraphs because:",
        ]
        for subgraph, told_here in reasons.items():
            lines.append(f'- from subgraph "{subgraph}":')
            lines += [f"  - {reason}" for reason in told_here]
        coordinate = owner if name is None else f"{owner}.{name}"
        self.errors[group.bucket].append(
            CompositionError(
                "SATISFIABILITY_ERROR", "\n".join(lines), tuple(reasons), (coordinate,)
            )
        )

    def _shared_mutation_errors(self) -> Iterator[CompositionError]:
        """Yield an error for each shared mutation field that no subgraph serves to the end."""
        for name, buckets in self.buckets.items():
            told = [self.errors[bucket] for bucket in buckets]
            if not all(told):
                continue
            lines = [
                "Supergraph API queries using the mutation field "
                f'"{name}" at top level must be satisfiable without needing to call that field '
                "from several subgraphs, but every subgraph gets stuck:"
            ]
            for (_, graph), errors in zip(buckets, told, strict=True):
                lines.append(f'- when it is called from subgraph "{self.landscape.names[graph]}":')
                lines += ["  " + line for error in errors for line in error.message.split("\n")]
            yield CompositionError(
                "SATISFIABILITY_ERROR",
                "\n".join(lines),
                tuple(self.landscape.names[graph] for _, graph in buckets),
                (f"{self.landscape.merged.roots['mutation']}.{name}",),
            )

    def _too_many(self) -> CompositionError:
        return CompositionError(
            "MAX_VALIDATION_SUBGRAPH_PATHS_EXCEEDED",
            f"Proving satisfiability takes more than {self.max_paths} subgraph paths at once: the "
            "subgraphs share too much. Please raise the limit, or share less.",
        )
