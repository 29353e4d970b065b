"""Chosen paths -> drafts of fetches: who asks what, where, after whom.

Walking a path back to the root gives a :class:`_Cursor`: the draft that holds the object, and the
tree in which its fields are selected. Moving on in the same subgraph descends in the tree; moving
to another one (a :class:`~router.planning.closure.Reach`) selects the key where it can be had,
and starts a draft that comes after all drafts that supply it. Cursors are kept per path, so what
leaves share is built once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from router.planning.alternatives import Alternatives, Weakest, ordered, remaining, within
from router.planning.closure import Narrow, Reach, Solution, Take
from router.planning.drafts import Draft, DraftInput, InputPart, Narrowed, Spot
from router.planning.graph import Node, QueryGraph
from router.planning.options import Become, Carry, Context, Enter, Go, Option, Path, Rejoin
from router.planning.plan import (
    EACH,
    ContextArgument,
    InputField,
    InputFragment,
    InputSelection,
    OperationKind,
    When,
)
from router.planning.selection import Conditions, Defer, Field, Selections, conjunction
from router.planning.tree import On, Tree
from router.supergraph import SubgraphView, Supergraph

__all__ = ["FetchBuilder", "Names", "input_selections"]

_Parts = dict[tuple[str | None, str], InputPart]


class Names(Struct):
    """Response keys for internal fields: the plain name, unless the client took it.

    The client's own fields keep their keys; a field the planner needs under an occupied key, or
    with arguments, lies in the data under an alias that no client field has.
    """

    occupied: Mapping[tuple[str, ...], Mapping[str, tuple[str, str]]]
    taken: dict[tuple[tuple[str, ...], str, str], str] = field(default_factory=dict)

    def key(self, position: tuple[str, ...], name: str, arguments: str) -> str:
        """The response key of an internal field at a position (response keys from the root)."""
        place = (position, name, arguments)
        known = self.taken.get(place)
        if known is None:
            known = self.taken[place] = self._find(position, name, arguments)
        return known

    def _find(self, position: tuple[str, ...], name: str, arguments: str) -> str:
        occupied = self.occupied.get(position, {})
        holder = occupied.get(name)
        if holder == (name, arguments) or (holder is None and not arguments):
            return name
        used = {key for (where, *_), key in self.taken.items() if where == position}
        number = 0
        while (alias := f"_k{number}_{name}") in occupied or alias in used:
            number += 1
        return alias


class _Cursor(Struct, frozen=True, eq=False):
    """A place in a draft's selection.

    ``tree``: where the client's fields go; ``plain``: the same without conditions, for keys.
    ``conditions``: all in force here, from the root. ``possible``: the types objects had on
    arrival. ``certain``: the runtime type needs no ``__typename``. ``known``: keys in the data
    before this draft runs. ``members``: the types that the node stands for, if there are more.
    """

    draft: Draft
    node: Node
    tree: Tree
    plain: Tree
    spot: Spot
    keys: tuple[str, ...]
    conditions: Conditions
    possible: frozenset[str]
    certain: bool
    known: frozenset[str] = frozenset()
    apart: _Cursor | None = None
    members: On = ()

    @property
    def names(self) -> On:
        """The types under which objects are selected and sent from here."""
        return self.members or (self.node.name,)


class FetchBuilder:
    """Builds the drafts of one operation."""

    def __init__(self, graph: QueryGraph, names: Names, kind: OperationKind) -> None:
        self.graph = graph
        self.supergraph: Supergraph = graph.supergraph
        self.names = names
        self.kind = kind
        self.group = 0
        self.drafts: list[Draft] = []
        self._roots: dict[tuple[int, int, Defer | None], Draft] = {}
        self._cursors: dict[int, _Cursor] = {}
        self._reached: dict[tuple[int, int, Defer | None], _Cursor] = {}
        self._supplied: dict[tuple[int, int, Defer | None], Weakest] = {}
        self._shared: dict[tuple[object, ...], Draft] = {}
        self._given: dict[tuple[object, ...], Reach] = {}
        self._mirrors: list[tuple[Tree, list[Tree]]] = []
        self._alive: list[object] = []  # what is kept by id must not be collected

    def add(self, option: Option, *, rest: bool) -> None:
        """Fetch a leaf by an option; with ``rest`` the selection below it goes along."""
        for path in option:
            cursor = self._cursor(path)
            if rest:
                self._copy(cursor.tree, cursor.node, _last_field(path).selections)

    def finish(self) -> list[Draft]:
        """All drafts, once every leaf is added."""
        for source, targets in reversed(self._mirrors):
            for target in targets:
                target.merge(source.copy())
        self._mirrors.clear()
        return self.drafts

    # --- paths --------------------------------------------------------------------------------

    def _cursor(self, path: Path) -> _Cursor:
        found = self._cursors.get(id(path))
        if found is None:
            found = self._cursors[id(path)] = self._move(path)
            self._alive.append(path)
        return found

    def _move(self, path: Path) -> _Cursor:
        move = path.move
        if isinstance(move, Enter):
            return self._root_cursor(move.subgraph, path.node, None)
        assert path.parent is not None
        cursor = self._cursor(path.parent)
        match move:
            case Go():
                return self._go(path, move, cursor)
            case Become(reach, fragment, members):
                when = fragment.when if fragment is not None else ()
                directives = fragment.directives if fragment is not None else ""
                at = self._reach(cursor, reach, when, path.entered)
                return self._narrowed(at, path.node, when, directives, members)
            case Carry(fragment):
                conditions = conjunction(cursor.conditions, fragment.when)
                assert conditions is not None
                tree = cursor.tree.fragment(
                    (), fragment.when, fragment.directives, fragment.variables
                )
                return replace(cursor, tree=tree, conditions=conditions)
            case Rejoin(members):
                return self._rejoined([self._cursor(member) for member in members])

    def _rejoined(self, cursors: Sequence[_Cursor]) -> _Cursor:
        """One cursor for places that differ in nothing but the types above them."""
        first = cursors[0]
        tree = Tree(first.tree.type_name)
        self._mirrors.append((tree, [cursor.tree for cursor in cursors]))
        spots = zip(*(cursor.spot for cursor in cursors), strict=True)
        spot = tuple(_widened(items) for items in spots)
        return replace(first, tree=tree, plain=tree, spot=spot)

    def _root_cursor(self, subgraph: SubgraphView, node: Node, defer: Defer | None) -> _Cursor:
        place = (self.group, subgraph.index, defer)
        draft = self._roots.get(place)
        if draft is None:
            draft = self._roots[place] = self._draft(subgraph, self.kind, node, (), defer)
        tree = draft.tree
        types = frozenset((node.name,))
        return _Cursor(draft, node, tree, tree, (), (), (), types, certain=True)

    def _draft(
        self,
        subgraph: SubgraphView,
        kind: OperationKind,
        node: Node,
        spot: Spot,
        defer: Defer | None,
        *,
        is_entity: bool = False,
    ) -> Draft:
        draft = Draft(
            id=len(self.drafts),
            subgraph=subgraph,
            kind=kind,
            node=node,
            spot=spot,
            tree=Tree("_Entity" if is_entity else node.name),
            is_entity=is_entity,
            group=self.group,
            defer=defer,
        )
        self.drafts.append(draft)
        return draft

    def _narrowed(
        self, cursor: _Cursor, node: Node, when: Conditions, directives: str, members: On
    ) -> _Cursor:
        conditions = conjunction(cursor.conditions, when)
        assert conditions is not None
        possible = node.possible.union(members) if len(members) > 1 else node.possible
        types = possible & cursor.possible or possible
        spot = cursor.spot
        if not types >= cursor.possible:
            spot = (*spot, Narrowed(types, cursor.possible))
        return replace(
            cursor,
            node=node,
            tree=cursor.tree.fragment(members).fragment((), when, directives),
            plain=cursor.plain.fragment(members),
            spot=spot,
            conditions=conditions,
            possible=types,
            apart=cursor,
            members=members if len(members) > 1 else (),
        )

    def _go(self, path: Path, move: Go, cursor: _Cursor) -> _Cursor:
        chosen, way = move.field, move.way
        if not cursor.keys and path.entered is not cursor.draft.defer:
            root = self._root_cursor(cursor.draft.subgraph, cursor.node, path.entered)
            tree = root.tree.fragment((), cursor.conditions)
            cursor = replace(root, tree=tree, conditions=cursor.conditions)
        reach = self._together(cursor, way.reach, move.contexts) if move.contexts else way.reach
        at = self._reach(cursor, reach, chosen.when, path.entered)
        at.draft.supplies = False
        arguments, variables = chosen.arguments, chosen.variables
        if move.contexts:
            filled = self._fill_contexts(cursor, at, move.contexts)
            arguments = ", ".join(filter(None, (arguments, *filled)))
        if chosen.name == "__typename":
            at.tree.add_typename()
            at.draft.want_types((*at.conditions, *chosen.when))
            return at
        entry = at.tree.add(
            chosen.key,
            chosen.name,
            arguments=arguments,
            directives=chosen.directives,
            when=chosen.when,
            variables=variables,
            child_type=way.edge.tail.name if way.edge.tail is not None else None,
        )
        if entry.child is None:
            return at
        return self._below(at, entry.child, path.node, chosen, way.edge.view.type.lists)

    def _below(self, at: _Cursor, tree: Tree, node: Node, chosen: Field, lists: int) -> _Cursor:
        conditions = conjunction(at.conditions, chosen.when)
        assert conditions is not None
        uncertain = chosen.type_name in self.supergraph.possible
        if uncertain and not node.is_interface_object:
            tree.add_typename()
        return _Cursor(
            draft=at.draft,
            node=node,
            tree=tree,
            plain=tree,
            spot=(*at.spot, chosen.key, *(EACH,) * lists),
            keys=(*at.keys, chosen.key),
            conditions=conditions,
            possible=node.possible,
            certain=not uncertain,
        )

    def _copy(self, tree: Tree, node: Node, selections: Selections) -> None:
        """Select a whole sub-selection that a node resolves itself."""
        for selection in selections:
            if not isinstance(selection, Field):
                inner = tree.fragment((), selection.when, selection.directives, selection.variables)
                self._copy(inner, node, selection.selections)
                continue
            edge = node.edge(selection.name)
            assert edge is not None
            entry = tree.add(
                selection.key,
                selection.name,
                arguments=selection.arguments,
                directives=selection.directives,
                when=selection.when,
                variables=selection.variables,
                child_type=edge.tail.name if edge.tail is not None else None,
            )
            if entry.child is not None and edge.tail is not None:
                uncertain = selection.type_name in self.supergraph.possible
                if uncertain and not edge.tail.is_interface_object:
                    entry.child.add_typename()
                self._copy(entry.child, edge.tail, selection.selections)

    # --- moving to another subgraph -----------------------------------------------------------

    def _reach(
        self,
        cursor: _Cursor,
        reach: Reach,
        when: Iterable[When],
        defer: Defer | None,
    ) -> _Cursor:
        """The cursor at a reach, ``when`` being what the field itself demands on top."""
        if reach.stays:
            return cursor
        full = frozenset(cursor.conditions) | frozenset(when)
        if cursor.draft.node.is_abstract:
            cursor.draft.want_types(full)  # by them it is known what to send where
        place = (id(cursor), id(reach), defer)
        found = self._reached.get(place)
        if found is None:
            found = self._start(cursor, reach, defer)
            self._reached[place] = found
            self._alive += (cursor, reach)
        draft = found.draft
        if reach.key is None:
            draft.depend_on((cursor.draft,))
            return found
        if not self._supplied.setdefault(place, Weakest()).add(full):
            return found  # supplied already, under no more conditions
        for name in cursor.names:
            parts: _Parts = {}
            suppliers = self._supply(cursor, reach.key, parts, full, defer, required=False)
            if reach.requires is not None:
                suppliers += self._supply(cursor, reach.requires, parts, full, defer, required=True)
            draft.depend_on((cursor.draft, *suppliers))
            typename = self._sent_typename(cursor, reach)
            sent = DraftInput(name, typename, {full}, parts)
            known = draft.inputs.get(name)
            if known is None:
                draft.inputs[name] = sent
            else:
                known.merge(sent)
        return found

    def _together(self, cursor: _Cursor, reach: Reach, contexts: Sequence[Context]) -> Reach:
        """One reach for fields of an object that get values from the same objects around it."""
        if reach.requires is not None:
            return reach
        givers = frozenset(id(context.at) for context in contexts)
        place = (id(cursor), reach.node.id, reach.depth, givers)
        self._alive += (cursor, *(context.at for context in contexts))
        return self._given.setdefault(place, reach)

    def _start(self, cursor: _Cursor, reach: Reach, defer: Defer | None) -> _Cursor:
        node = reach.node
        is_entity = reach.key is not None
        spot = cursor.spot if not is_entity else _without_last_narrowing(cursor.spot)
        draft = self._started(cursor, reach, spot, defer)
        members = cursor.members if is_entity and node.name == cursor.node.name else ()
        top = draft.tree.fragment(members or (node.name,))
        if node.is_abstract:
            top.add_typename()
        tree = top.fragment((), cursor.conditions)
        known: frozenset[str] = frozenset()
        if reach.key is not None:
            known = frozenset(
                self.names.key(cursor.keys, item.name, item.arguments)
                for item in reach.key.items
                if isinstance(item, Take) and item.inner is None
            )
        return replace(
            cursor,
            draft=draft,
            node=node,
            tree=tree,
            plain=tree,
            known=known,
            apart=None,
            members=members,
        )

    def _started(self, cursor: _Cursor, reach: Reach, spot: Spot, defer: Defer | None) -> Draft:
        """A draft; types that were told apart share one where each is asked for under its name."""
        node, is_entity = reach.node, reach.key is not None
        place: tuple[object, ...] | None = None
        if cursor.apart is not None and reach.requires is None and node.name == cursor.node.name:
            place = (id(cursor.apart), node.subgraph.index, reach.depth, defer, cursor.conditions)
            if (known := self._shared.get(place)) is not None:
                return known
        draft = self._draft(
            node.subgraph, OperationKind.QUERY, node, spot, defer, is_entity=is_entity
        )
        if place is not None:
            self._shared[place] = draft
            self._alive.append(cursor.apart)
        return draft

    def _sent_typename(self, cursor: _Cursor, reach: Reach) -> str | None:
        target = reach.node
        if target.is_abstract or target.is_interface_object:
            return target.name
        return cursor.node.name if cursor.certain else None

    def _supply(
        self,
        cursor: _Cursor,
        solution: Solution,
        parts: _Parts,
        when: frozenset[When],
        defer: Defer | None,
        *,
        required: bool,
    ) -> list[Draft]:
        """Select the fields of a solution; returns the drafts that bring them."""
        suppliers: list[Draft] = []
        for item in solution.items:
            match item:
                case Take():
                    suppliers += self._take(cursor, item, parts, when, defer, required)
                case Narrow(reach, node, inner):
                    known = self._reach(cursor, reach, when, defer)
                    if known is not cursor:
                        known.draft.want_types(when)
                        suppliers.append(known.draft)
                    at = self._narrowed(known, node, (), "", (node.name,))
                    part = _part(parts, None, "", node.name, required, when)
                    suppliers += self._supply(at, inner, part.inner, when, defer, required=required)
        return suppliers

    def _take(
        self,
        cursor: _Cursor,
        item: Take,
        parts: _Parts,
        when: frozenset[When],
        defer: Defer | None,
        required: bool,
    ) -> list[Draft]:
        reach, edge = item.way.reach, item.way.edge
        at = self._reach(cursor, reach, when, defer)
        if item.name == "__typename":
            at.plain.add_typename()
            at.draft.want_types(when)
            _part(parts, "__typename", "__typename", None, required=True, when=when)
            return [at.draft]
        key = self.names.key(at.keys, item.name, item.arguments)
        part = _part(parts, item.name, key, None, required, when)
        if reach.stays and item.inner is None and key in cursor.known:
            return []  # what this draft was given lies in the data already
        extra: Conditions = ()
        if at.draft is not cursor.draft:
            extra = ordered(when - frozenset(at.conditions))
        tail = edge.tail
        entry = at.plain.add(
            key,
            item.name,
            arguments=item.arguments,
            when=extra,
            child_type=tail.name if tail is not None else None,
            wanted=when,
        )
        if item.inner is None or entry.child is None or tail is None:
            return [at.draft]
        selected = Field(
            key, item.name, self._supergraph_type(item, cursor.node, tail), composite=True
        )
        below = self._below(at, entry.child, tail, selected, edge.view.type.lists)
        below = replace(below, conditions=ordered(when))
        if not below.certain:
            _part(part.inner, "__typename", "__typename", None, required=True, when=when)
        inner = self._supply(below, item.inner, part.inner, when, defer, required=required)
        return [at.draft, *inner]

    def _supergraph_type(self, item: Take, node: Node, tail: Node) -> str:
        named = self.supergraph.schema.type_map.get(node.name)
        fields = getattr(named, "fields", {})
        if item.name in fields:
            declared = fields[item.name].type
            while hasattr(declared, "of_type"):
                declared = declared.of_type
            return str(declared.name)
        return tail.name

    def _fill_contexts(
        self, cursor: _Cursor, at: _Cursor, contexts: Sequence[Context]
    ) -> list[str]:
        filled: list[str] = []
        for context in contexts:
            above = self._cursor(context.at)
            parts: _Parts = {}
            when = frozenset(above.conditions)
            suppliers = self._supply(
                above, context.solution, parts, when, at.draft.defer, required=True
            )
            at.draft.depend_on((above.draft, *suppliers))
            number = sum(len(draft.contexts) for draft in self.drafts)
            made = ContextArgument(
                variable=f"contextualArgument_{at.draft.subgraph.index}_{number}",
                type=context.source.type,
                depth=len(cursor.keys) - len(above.keys),
                selections=input_selections(parts, frozenset((frozenset(),))),
            )
            for known in at.draft.contexts:
                if replace(known, variable=made.variable) == made:
                    made = known
                    break
            else:
                at.draft.contexts.append(made)
            filled.append(f"{context.source.argument}: ${made.variable}")
        return filled


def _part(
    parts: _Parts, name: str | None, key: str, on: str | None, required: bool, when: frozenset[When]
) -> InputPart:
    place = (name, on or "")
    part = parts.get(place)
    if part is None:
        part = parts[place] = InputPart(name, key, on, required, {when})
    else:
        part.required = part.required and required
        part.alternatives.add(when)
    return part


def _last_field(path: Path) -> Field:
    """The field that a path ends with; rejoined paths end with the same one."""
    move = path.move
    while isinstance(move, Rejoin):
        move = move.members[0].move
    assert isinstance(move, Go)
    return move.field


def _widened(items: Sequence[str | Narrowed]) -> str | Narrowed:
    """One item of several equal places: all their types."""
    first = items[0]
    if isinstance(first, str):
        return first
    types = frozenset().union(*(item.types for item in items if isinstance(item, Narrowed)))
    return Narrowed(types, first.possible)


def _without_last_narrowing(spot: Spot) -> Spot:
    """Inputs are per type: a narrowing at the end of a path repeats them."""
    while spot and isinstance(spot[-1], Narrowed):
        spot = spot[:-1]
    return spot


def input_selections(parts: _Parts, given: Alternatives) -> tuple[InputSelection, ...]:
    """The plan's form of representation properties; one of ``given`` holds already."""
    found: list[InputSelection] = []
    for part in parts.values():
        if part.name is None:
            assert part.on is not None
            found.append(InputFragment(part.on, input_selections(part.inner, given)))
            continue
        when, any_of = remaining(part.alternatives, given)
        inner = input_selections(part.inner, within(part.alternatives, given))
        found.append(InputField(part.name, part.key, inner, part.required, when, any_of))
    return tuple(found)
