"""Every way to reach each leaf of an operation.

The operation is walked once, top down. For the selection set at hand there is a list of
*options*; an option is one :class:`Path`, or several that must be taken together where an
abstract type had to be taken apart ("exploded"). A leaf ends with all options that reach it,
and :mod:`router.planning.search` picks one for each::

    {p{x y}}      option 1: Enter a, Go p          x: [a]        -> leaf x: option 1
                  option 2: Enter b, Go p          y: [1 then key to c, 2 then key to c]
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from time import thread_time
from typing import Final

from router.errors import NoPlan, OperationInvalid
from router.planning.closure import Closures, Reach, Steps, Way
from router.planning.graph import Edge, Node, QueryGraph
from router.planning.options import (
    Become,
    Branch,
    Carry,
    Context,
    Enter,
    Go,
    Option,
    Path,
    combined,
    end_of,
    extended,
    pruned,
    rejoined,
)
from router.planning.selection import Field, Fragment, Selections
from router.supergraph import FieldView, SubgraphView, TypeRef
from router.supergraph.fieldset import top_level_fields

__all__ = ["Explorer"]

_TYPENAME: Final = Edge(
    "__typename",
    FieldView(name="__typename", type=TypeRef("String", 0, "String!"), arguments={}),
    None,
)


class Explorer:
    """Finds the options of every leaf; holds what it learns about the graph.

    ``deadline``: when (processor seconds of its thread) the operation at hand is given up.
    """

    def __init__(self, graph: QueryGraph, closures: Closures) -> None:
        self.graph = graph
        self.closures = closures
        self.supergraph = graph.supergraph
        self.deadline = float("inf")
        self._explodes: dict[tuple[int, str], bool] = {}

    def enter(self, root: str, subgraphs: Iterable[SubgraphView]) -> list[Option]:
        """One option per subgraph that knows the root type."""
        options: list[Option] = []
        for subgraph in subgraphs:
            node = self.graph.node(subgraph, root)
            if node is not None:
                steps: Steps = frozenset(((subgraph.index, (), 1),))
                types = frozenset((root,))
                options.append((Path(None, Enter(subgraph), node, types, 1, steps, ()),))
        return options

    def explore(
        self, selections: Selections, options: list[Option], branches: list[Branch]
    ) -> None:
        """Append a branch for each leaf below.

        Raises NoPlan where a leaf has no option, OperationInvalid past the deadline.
        """
        for selection in selections:
            if isinstance(selection, Field):
                self._explore_field(selection, options, branches)
            else:
                self._explore_fragment(selection, options, branches)

    def _explore_field(self, field: Field, options: list[Option], branches: list[Branch]) -> None:
        found: list[Option] = []
        for option in options:
            found += self._advance(option, field) or ()
        if not found:
            raise NoPlan(_no_way(field, options))
        found = pruned(found)
        if not field.composite:
            branches.append(Branch(found))
        elif not field.selections:
            branches.append(Branch(found, anywhere=True))
        elif all(len(o) == 1 and self._resolves(o[0], field.selections) for o in found):
            branches.append(Branch(found, rest=True))
        else:
            if _may_be_bare(field.selections):
                branches.append(Branch(found, anywhere=True))
            self.explore(field.selections, found, branches)

    def _explore_fragment(
        self, fragment: Fragment, options: list[Option], branches: list[Branch]
    ) -> None:
        found: list[Option] = []
        for option in options:
            advanced = self._advance(option, fragment)
            if advanced is None:
                continue
            if not advanced:
                # All subgraphs that resolve a field return the same value, and this one can
                # never return such an object: then none does (R4.15).
                branches.append(Branch(options, anywhere=True))
                return
            found += advanced
        if not found:
            raise NoPlan(f"No subgraph can tell which objects are of type {fragment.on}.")
        self.explore(fragment.selections, pruned(found), branches)

    # --- one step -----------------------------------------------------------------------------

    def _advance(self, option: Option, selection: Field | Fragment) -> list[Option] | None:
        """None: this option cannot. Empty: its objects can never match the fragment."""
        if thread_time() > self.deadline:
            raise OperationInvalid(
                [{"message": "The operation is too complex: it was not planned in time."}]
            )
        alternatives: list[list[Option]] = []
        for path in option:
            found = (
                self._field(path, selection)
                if isinstance(selection, Field)
                else self._fragment(path, selection)
            )
            if found is None:
                return None
            if found:
                alternatives.append(found)
        if not alternatives:
            return []
        options = combined(alternatives)
        if len(option) > 1 and isinstance(selection, Field) and selection.composite:
            options = [rejoined(found) for found in options]
        return options

    def _field(self, path: Path, field: Field) -> list[Option] | None:
        if field.name == "__typename":
            return self._typename(path, field)
        node = path.node
        options: list[Option] = []
        ends: set[int] = set()
        for way in self.closures.of(node).ways(field.name):
            if way.reach.node is not node and not path.keys:
                continue  # the operation's root is entered, never re-entered
            gone = self._go(path, field, way)
            if gone is None:
                continue
            if not field.composite and way.reach.stays:
                return [(gone,)]
            options.append((gone,))
            if way.reach.depth > 1:
                others = (self._go(path, field, v) for v in self.closures.of(node).variants(way))
                options += [(other,) for other in others if other is not None]
            ends.add(way.reach.node.subgraph.index)
        if node.is_abstract and self._must_explode(node, field):
            here = self.closures.of(node).reaches[0]
            exploded = self._exploded(path, here, sorted(path.types), field) or ()
            options += [o for o in exploded if not _ends_in(o, ends - {node.subgraph.index})]
        if not options:
            options += self._exploded_elsewhere(path, field)
        elif node.is_interface_object:
            # Whoever knows the types may hold the field on them, and be asked for them anyway.
            found = self._exploded_elsewhere(path, field)
            options += [o for o in found if not _ends_in(o, ends)]
        return options or None

    def _go(self, path: Path, field: Field, way: Way) -> Path | None:
        contexts: tuple[Context, ...] = ()
        entered = path.entered
        if path.defer is not path.entered:
            if way.reach.stays and path.keys:
                # A deferred part asks for its own copy, so that the first answer does not wait.
                way = self._entered_again(path.node, way.edge, field) or way
            if not way.reach.stays or not path.keys:
                entered = path.defer
        reach = way.reach
        if way.edge.view.context:
            found = self._contexts(path, way.edge)
            entry = self.closures.of(path.node).self_entry() if reach.stays else reach
            if found is None or entry is None:
                return None
            contexts = found
            wait = max(c.at.depth + c.solution.depth for c in contexts) - path.depth
            depth = max(entry.depth, wait + 1)
            own = (entry.node.subgraph.index, (), depth)
            steps = (entry.steps - {(own[0], (), entry.depth)}) | {own}
            reach = Reach(entry.node, depth, steps, entry.entry, entry.key, reach.requires)
        if reach is not way.reach:
            way = Way(reach, way.edge)
        tail = way.edge.tail
        return Path(
            parent=path,
            move=Go(field, way, contexts),
            node=tail or reach.node,
            types=tail.possible if tail else frozenset(),
            depth=path.depth + reach.depth,
            steps=extended(path, reach, contexts, entered),
            keys=(*path.keys, field.key),
            defer=path.defer,
            entered=entered,
        )

    def _entered_again(self, node: Node, edge: Edge, field: Field) -> Way | None:
        """A field of the object sent back to its subgraph.

        Not what only this place provides, nor what must be at hand to send the object at all.
        """
        entry = self.closures.of(node).self_entry()
        if entry is None or entry.entry is None or edge is _TYPENAME:
            return None
        if not field.composite and field.name in top_level_fields(entry.entry.key.selection):
            return None
        again = entry.node.edge(edge.name)
        return Way(entry, again) if again is not None and not again.requires else None

    def _typename(self, path: Path, field: Field) -> list[Option] | None:
        options: list[Option] = []
        for reach in self.closures.of(path.node).reaches:
            if not reach.node.is_interface_object:
                gone = self._go(path, field, Way(reach, _TYPENAME))
                if gone is not None:
                    options.append((gone,))
                if reach.stays:
                    break
        return options or None

    def _contexts(self, path: Path, edge: Edge) -> tuple[Context, ...] | None:
        found: list[Context] = []
        for source in edge.view.context:
            above = path.parent
            while above is not None:
                # Only an object around this one gives a context, not the object itself.
                if len(above.keys) < len(path.keys) and self._sets_context(above, source.context):
                    solution = self.closures.solve(self.closures.of(above.node), source.selection)
                    if solution is None:
                        return None
                    found.append(Context(source, above, solution))
                    break
                above = above.parent
            else:
                return None
        return tuple(found)

    def _sets_context(self, path: Path, context: str) -> bool:
        types = path.node.subgraph.types
        if context in path.node.type.contexts:
            return True
        return any(
            context in view.contexts and path.types <= self.supergraph.runtime_types(view.name)
            for view in types.values()
            if view.contexts
        )

    # --- abstract types -----------------------------------------------------------------------

    def _must_explode(self, node: Node, field: Field) -> bool:
        """Whether a field is (also) to be asked per runtime type.

        It must where the abstract type does not offer it. It may help where an implementation can
        take the field elsewhere, or provides more below it than the abstract type does.
        """
        if node.edge(field.name) is None:
            return True
        if not field.composite:
            return False
        key = (node.id, field.name)
        found = self._explodes.get(key)
        if found is None:
            found = self._explodes[key] = any(
                self._differs(node, name, field.name) for name in sorted(node.possible)
            )
        return found

    def _differs(self, node: Node, type_name: str, field_name: str) -> bool:
        view = node.subgraph.types[type_name].fields.get(field_name)
        own = node.type.fields.get(field_name)
        if view is None:
            return False
        if own is not None and view.provides != own.provides:
            return True
        for entry in self.graph.entries(type_name):
            if entry.subgraph is not node.subgraph:
                there = self.graph.node(entry.subgraph, entry.target)
                if there is not None and there.edge(field_name) is not None:
                    return True
        return False

    def _exploded(
        self, path: Path, reach: Reach, type_names: Sequence[str], field: Field
    ) -> list[Option] | None:
        """The field for each runtime type at once, all from this one place."""
        alternatives: list[list[Option]] = []
        for names in self._alike(reach.node, type_names, (field,)):
            narrowed = self._become(path, reach, names, None)
            found = self._field(narrowed, field) if narrowed is not None else None
            if not found:
                return None
            alternatives.append(found)
        if not alternatives:
            return None
        options = combined(alternatives)
        return [rejoined(option) for option in options] if field.composite else options

    def _exploded_elsewhere(self, path: Path, field: Field) -> list[Option]:
        """Where only another subgraph tells the types apart: learn them there first."""
        options: list[Option] = []
        for reach in self.closures.of(path.node).reaches[1:]:
            if reach.node.is_abstract:
                names = sorted(path.types & reach.node.possible)
                options += self._exploded(path, reach, names, field) or ()
        return options

    def _alike(
        self, node: Node, type_names: Sequence[str], selections: Selections
    ) -> list[tuple[str, ...]]:
        """Group types of a node of which every part of a selection can be had in the same ways."""
        groups: dict[object, list[str]] = {}
        for name in type_names:
            narrowed = node.downcast(name)
            if narrowed is None or narrowed.is_abstract:
                groups[name] = [name]
                continue
            ways = (narrowed.provides, *self._likeness(name, selections))
            groups.setdefault(ways, []).append(name)
        return [tuple(group) for group in groups.values()]

    def _likeness(self, type_name: str, selections: Selections) -> Iterator[int | None]:
        for selection in selections:
            if isinstance(selection, Field):
                yield self.graph.likeness(type_name, selection.name)
            elif selection.on is None or type_name in self.supergraph.runtime_types(selection.on):
                yield from self._likeness(type_name, selection.selections)
            else:
                yield None

    def _become(
        self,
        path: Path,
        reach: Reach,
        type_names: tuple[str, ...],
        fragment: Fragment | None,
    ) -> Path | None:
        """Narrow a path to types that are treated alike, or to one (perhaps abstract) type."""
        node = reach.node.downcast(type_names[0])
        if node is None:
            return None
        types = node.possible.union(type_names) if len(type_names) > 1 else node.possible
        defer = (fragment.defer if fragment is not None else None) or path.defer
        entered = path.entered if reach.stays else defer
        return Path(
            parent=path,
            move=Become(reach, fragment, type_names),
            node=node,
            types=(path.types & types) or types,
            depth=path.depth + reach.depth,
            steps=extended(path, reach, entered=entered if path.keys else None),
            keys=path.keys,
            defer=defer,
            entered=entered,
        )

    def _fragment(self, path: Path, fragment: Fragment) -> list[Option] | None:
        on = fragment.on
        if on is None or on == path.node.name:
            return [(self._carry(path, fragment),)]
        matching = path.types & self.supergraph.runtime_types(on)
        if not matching:
            return []
        if path.node.is_interface_object:
            if matching == path.types:
                return [(self._carry(path, fragment),)]
            return self._learnt(path, sorted(matching), fragment)
        if not path.node.is_abstract:
            return [(self._carry(path, fragment),)]
        here = self.closures.of(path.node).reaches[0]
        if self._names(path.node, on, matching):
            narrowed = self._become(path, here, (on,), fragment)
            return [(narrowed,)] if narrowed is not None else None
        option: list[Path] = []
        for names in self._alike(path.node, sorted(matching), fragment.selections):
            narrowed = self._become(path, here, names, fragment)
            if narrowed is None:
                return None
            option.append(narrowed)
        return [tuple(option)]

    def _names(self, node: Node, on: str, matching: frozenset[str]) -> bool:
        """Whether ``... on T`` says in this subgraph what it says in the supergraph."""
        view = node.subgraph.types.get(on)
        if view is None or view.is_interface_object:
            return False
        if not view.is_abstract:
            return True
        return len(matching) > 1 and bool(view.fields) and matching <= frozenset(view.possible)

    def _learnt(
        self, path: Path, type_names: Sequence[str], fragment: Fragment
    ) -> list[Option] | None:
        """From an interface object: the runtime type must come from a subgraph that knows it."""
        options: list[Option] = []
        for reach in self.closures.of(path.node).reaches[1:]:
            if not reach.node.is_abstract:
                continue
            known = [name for name in type_names if reach.node.downcast(name) is not None]
            alike = self._alike(reach.node, known, fragment.selections)
            paths = [self._become(path, reach, names, fragment) for names in alike]
            if paths:
                options.append(tuple(p for p in paths if p is not None))
        return options or None

    def _carry(self, path: Path, fragment: Fragment) -> Path:
        if not fragment.when and not fragment.directives and fragment.defer is None:
            return path
        return Path(
            parent=path,
            move=Carry(fragment),
            node=path.node,
            types=path.types,
            depth=path.depth,
            steps=path.steps,
            keys=path.keys,
            defer=fragment.defer or path.defer,
            entered=path.entered,
        )

    # --- parts answered whole -----------------------------------------------------------------

    def _resolves(self, path: Path, selections: Selections) -> bool:
        return path.defer is path.entered and self._resolves_at(path.node, selections)

    def _resolves_at(self, node: Node, selections: Selections) -> bool:
        """Whether a node answers a whole selection itself, and no other plan could be better."""
        for selection in selections:
            if isinstance(selection, Fragment):
                if selection.on is not None or selection.defer is not None:
                    return False
                if not self._resolves_at(node, selection.selections):
                    return False
                continue
            edge = node.edge(selection.name)
            if edge is None or edge.requires or edge.view.context:
                return False
            if not selection.composite:
                continue
            if edge.tail is None or selection.type_name != edge.tail.name:
                return False  # a narrower type here: let the fragments decide
            if node.is_abstract and self._must_explode(node, selection):
                return False
            if not self._resolves_at(edge.tail, selection.selections):
                return False
        return True


def _may_be_bare(selections: Selections) -> bool:
    """Whether an object may be all that is asked in the first answer: the rest can be left out."""
    return all(
        bool(each.when)
        or (
            isinstance(each, Fragment)
            and (
                each.defer is not None or (bool(each.selections) and _may_be_bare(each.selections))
            )
        )
        for each in selections
    )


def _ends_in(option: Option, subgraphs: set[int]) -> bool:
    return all(end_of(path) in subgraphs for path in option)


def _no_way(field: Field, options: list[Option]) -> str:
    path = options[0][0] if options else None
    where = ".".join((*path.keys, field.key)) if path else field.key
    tried = sorted({repr(p.node) for option in options for p in option})
    return (
        f"No combination of subgraphs can answer {where}: field {field.name!r} cannot be reached "
        f"from {', '.join(tried)}."
    )
