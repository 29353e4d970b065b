"""What the walk carries: paths through subgraphs, the states that hold them, and past visits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import TypeAlias

from msgspec import Struct

from router.composition.satisfiability.example import Trail
from router.composition.satisfiability.graph import Vertex

__all__ = ["Bucket", "Enclosing", "Group", "Labels", "Path", "State", "Visits"]

Labels: TypeAlias = Mapping[str, bool]
"""Override labels whose value is chosen."""


class Enclosing(Struct, frozen=True):
    """An object around that sets a context: where a path met it, and where the path left it."""

    context: str
    met_at: Vertex
    left_at: Vertex


class Path(Struct, frozen=True):
    """One way of being somewhere in a subgraph.

    ``runtime`` are the object types that are possible here; ``contexts`` the nearest enclosing
    object that sets each context; ``setter`` where the nearest one that sets any was met;
    ``home`` the subgraphs that were left for this one without taking a field: there is no way
    back, for whoever stayed there has been looked at.
    """

    vertex: Vertex
    runtime: frozenset[str]
    contexts: tuple[Enclosing, ...] = ()
    setter: Vertex | None = None
    home: frozenset[str] = frozenset()

    @property
    def place(self) -> tuple[str, ...]:
        """What a visit is remembered by; of what encloses it only the nearest, as the reference."""
        view = self.vertex.type
        return view.graph, view.name, repr(self.setter)


Bucket: TypeAlias = tuple[str, str]
"""For what follows a mutation field of several subgraphs: the field, and one of them."""


class Group(Struct, frozen=True, eq=False):
    """Simultaneous paths; all of a state's, or those of one bucket."""

    paths: tuple[Path, ...]
    bucket: Bucket | None = None

    @property
    def places(self) -> frozenset[tuple[str, ...]]:
        return frozenset(path.place for path in self.paths)


class State(Struct, frozen=True, eq=False):
    """A client path and the groups that serve it: one, or one for each bucket.

    A shared mutation field may be called in one subgraph only, so its subgraphs part: each group
    must get on by itself, and it is enough that one does.
    """

    type: str
    trail: Trail
    groups: tuple[Group, ...]
    labels: Labels

    @property
    def weight(self) -> int:
        """How many paths wait with this state."""
        return sum(len(group.paths) for group in self.groups)


class _Visit(Struct, frozen=True, eq=False):
    group: Group
    places: frozenset[tuple[str, ...]]
    labels: Labels

    def serves(self, group: Group) -> bool:
        """Tell whether what worked here surely works for the group: nothing was provided that it
        has not, the contexts around were its own, and no other subgraph of a shared mutation
        field helped out.
        """
        places = {(path.vertex, path.contexts) for path in group.paths}
        return self.group.bucket == group.bucket and all(
            (path.vertex, path.contexts) in places for path in self.group.paths
        )


class Visits:
    """What was visited, by type.

    A visit counts for whoever is at the same types of the same subgraphs, unless ``exact``: then
    only for those whom it surely serves. ``doubtful`` tells whether that would have mattered.
    """

    def __init__(self, *, exact: bool) -> None:
        self._exact = exact
        self._seen: dict[str, list[_Visit]] = defaultdict(list)
        self.doubtful = False

    def is_known(self, state: State) -> bool:
        """Tell whether every group has no less to go on than an earlier visit had; remember the
        visit if not.
        """
        if all(self._is_known(state, group) for group in state.groups):
            return True
        self._seen[state.type] += [
            _Visit(group, group.places, state.labels) for group in state.groups
        ]
        return False

    def _is_known(self, state: State, group: Group) -> bool:
        places = group.places
        known = False
        for visit in self._seen[state.type]:
            if visit.places <= places and visit.labels.items() <= state.labels.items():
                if visit.serves(group):
                    return True
                known = True
        self.doubtful |= known
        return known and not self._exact
