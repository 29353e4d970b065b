"""``@authenticated``, ``@requiresScopes`` and ``@policy``, decided before anything is fetched.

What an operation needs is static: the schema coordinates it selects and what each demands. Per
request the demands meet the caller; policies are decided in one batched call. What is denied is
cut out of the operation before planning, so no subgraph hears of it; the client gets null there
and one error per path (:mod:`router.server.denials`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

from graphql import (
    BooleanValueNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    NameNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    TypeInfo,
    TypeInfoVisitor,
    VariableNode,
    Visitor,
    get_named_type,
    is_abstract_type,
    is_list_type,
    is_non_null_type,
    visit,
)
from msgspec import Struct
from msgspec.structs import replace

from router.contracts.annotations import Annotations
from router.server.identity import Identity
from router.server.refusals import Refused

__all__ = [
    "MARK",
    "Decide",
    "Demand",
    "Need",
    "Rights",
    "cut",
    "marked",
    "unauthorised",
    "without_rights",
]

Decide: TypeAlias = Callable[[Sequence[tuple[str, Identity]]], Awaitable[Sequence[bool]]]
"""Decides (policy, caller) pairs, all of an operation in one call, answers in the same order."""

_TYPENAME: Final = FieldNode(name=NameNode(value="__typename"))
MARK: Final = "__router_type"
"""The key under which an answer tells the router of what type an object is; clients never see it."""
_MARKING: Final = FieldNode(name=NameNode(value="__typename"), alias=NameNode(value=MARK))


class Demand(Struct, frozen=True):
    """What one coordinate asks of the caller.

    ``scopes`` and ``policies`` are alternatives (OR) of sets that must all hold (AND); the three
    parts must hold together. One element per directive application.
    """

    authenticated: bool = False
    scopes: tuple[tuple[frozenset[str], ...], ...] = ()
    policies: tuple[tuple[frozenset[str], ...], ...] = ()

    def policy_names(self) -> frozenset[str]:
        """Every policy that may have to be decided."""
        return frozenset(
            name for alternatives in self.policies for names in alternatives for name in names
        )

    def met_by(self, identity: Identity, granted: frozenset[str]) -> bool:
        """Whether the caller with the ``granted`` policies meets the demand."""
        if self.authenticated and not identity.authenticated:
            return False
        scopes_met = all(
            any(names <= identity.scopes for names in alternatives) for alternatives in self.scopes
        )
        return scopes_met and all(
            any(names <= granted for names in alternatives) for alternatives in self.policies
        )


class Need(Struct, frozen=True):
    """A selected field that demands something.

    ``coordinate`` is the field selected, ``path`` its response keys with ``@`` for list levels,
    ``types`` for each key the object types on which that key leads here (none for ``@``), ``when``
    the Boolean variables of ``@skip`` and ``@include`` under which it is selected at all.
    ``ambiguous``: the path leads to another field as well, on objects of another type.
    """

    coordinate: str
    path: tuple[str, ...]
    types: tuple[frozenset[str], ...]
    demands: tuple[Demand, ...]
    when: tuple[tuple[str, bool], ...] = ()
    ambiguous: bool = False

    def selected(self, variables: Mapping[str, Any]) -> bool:
        """Whether the field is selected with these variables."""
        return all(variables.get(name) is wanted for name, wanted in self.when)

    def error(
        self, place: Sequence[str | int] | None = None, *, more: int | None = None
    ) -> dict[str, Any]:
        """The client's error at a place in the data.

        Where that is not known the path ends before the first list. ``more``: so many places
        are left out.
        """
        if place is None:
            place = self.path[: self.path.index("@")] if "@" in self.path else self.path
        extensions: dict[str, Any] = {
            "code": "UNAUTHORIZED_FIELD_OR_TYPE",
            "coordinate": self.coordinate,
            "selection": ".".join(self.path),
        }
        if more is not None:
            extensions["more"] = more
        return {
            "message": "Unauthorized field or type",
            "path": list(place),
            "extensions": extensions,
        }


class Rights:
    """The demands of one schema, by coordinate."""

    def __init__(self, annotations: Annotations) -> None:
        places: set[str] = set()
        for name in ("authenticated", "requiresScopes", "policy"):
            places.update(annotations.all(name))
        self.demands = {place: _demand(place, annotations) for place in places}

    def __bool__(self) -> bool:
        return bool(self.demands)

    def needs(
        self, schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode
    ) -> tuple[Need, ...]:
        """Every demanding selection of a valid operation, each response path once."""
        root = schema.get_root_type(operation.operation)
        if root is None or not self.demands:
            return ()
        walk = _Walk(self, schema, document)
        found = dict.fromkeys(walk.selections(operation.selection_set, _Place(root), ()))
        return tuple(
            replace(need, ambiguous=len(walk.coordinates[need.path]) > 1) for need in found
        )

    def of_field(
        self, schema: GraphQLSchema, parent: GraphQLObjectType | GraphQLInterfaceType, name: str
    ) -> tuple[Demand, ...]:
        """The demands on selecting ``parent.name``.

        A field of an interface demands what the field of any of its implementations demands:
        behind the interface may stand each of them.
        """
        field = parent.fields.get(name)
        if field is None:
            return ()
        places = [parent.name, f"{parent.name}.{name}", get_named_type(field.type).name]
        if isinstance(parent, GraphQLInterfaceType):
            for implementation in schema.get_possible_types(parent):
                places += [implementation.name, f"{implementation.name}.{name}"]
        return tuple(
            self.demands[place] for place in dict.fromkeys(places) if place in self.demands
        )


def cut(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    denied: frozenset[str],
) -> DocumentNode | None:
    """The document without the fields at ``denied`` coordinates; None when nothing is left."""
    cutter = _Cutter(schema, denied)
    root = schema.get_root_type(operation.operation)
    selections = cutter.selections(operation.selection_set, root)
    fragments = tuple(
        dataclasses.replace(
            fragment,
            selection_set=cutter.filled(
                fragment.selection_set, schema.get_type(fragment.type_condition.name.value)
            ),
        )
        for fragment in document.definitions
        if isinstance(fragment, FragmentDefinitionNode)
    )
    if not selections:
        return None
    kept = dataclasses.replace(operation, selection_set=SelectionSetNode(selections=selections))
    return DocumentNode(definitions=(kept, *fragments))


def marked(schema: GraphQLSchema, document: DocumentNode) -> DocumentNode:
    """The document with :data:`MARK` in every object of an interface or union.

    For answers in which one path leads to a denied field of one type and to another of another.
    """
    info = TypeInfo(schema)
    found: DocumentNode = visit(document, TypeInfoVisitor(info, _Marking(info)))
    return found


def unauthorised(denied: Sequence[Need], identity: Identity) -> Refused:
    """The refusal of a whole operation: 401 for a stranger, 403 for a known caller."""
    status = 403 if identity.authenticated else 401
    places = sorted({need.coordinate for need in denied})
    return Refused(
        f"Unauthorized: {', '.join(places)}.",
        status,
        "UNAUTHORIZED_OPERATION",
        headers={} if identity.authenticated else {"WWW-Authenticate": "Bearer"},
    )


def without_rights(
    needs: Sequence[Need],
    identity: Identity,
    granted: frozenset[str],
    variables: Mapping[str, Any],
) -> tuple[Need, ...]:
    """The needs that the caller does not meet: every one, for each of them has to be cut out."""
    return tuple(
        need
        for need in needs
        if need.selected(variables)
        and not all(demand.met_by(identity, granted) for demand in need.demands)
    )


def _demand(place: str, annotations: Annotations) -> Demand:
    def alternatives(directive: str, argument: str) -> tuple[tuple[frozenset[str], ...], ...]:
        return tuple(
            tuple(frozenset(map(str, names)) for names in use.get(argument) or ())
            for use in annotations.all(directive).get(place, ())
        )

    return Demand(
        authenticated=place in annotations.all("authenticated"),
        scopes=alternatives("requiresScopes", "scopes"),
        policies=alternatives("policy", "policies"),
    )


class _Place(Struct, frozen=True):
    """Where the walk is: the static type, and of which object types it can be here.

    ``possible`` is narrowed by every type condition on the way; None: by none yet.
    """

    parent: Any
    path: tuple[str, ...] = ()
    types: tuple[frozenset[str], ...] = ()
    possible: frozenset[str] | None = None


class _Walk:
    """Finds demanding selections; each fragment is walked wherever it is spread.

    ``coordinates`` tells of every path which fields it leads to.
    """

    def __init__(self, rights: Rights, schema: GraphQLSchema, document: DocumentNode) -> None:
        self.rights = rights
        self.schema = schema
        self.fragments = _fragments(document)
        self.coordinates: dict[tuple[str, ...], set[str]] = {}

    def selections(self, node: SelectionSetNode, place: _Place, when: _When) -> Iterator[Need]:
        for selection in node.selections:
            inner = _conditions(selection, when)
            if inner is None:
                continue
            match selection:
                case FieldNode():
                    yield from self.field(selection, place, inner)
                case InlineFragmentNode():
                    on = selection.type_condition
                    target = self.narrowed(place, on.name.value) if on else place
                    yield from self.selections(selection.selection_set, target, inner)
                case FragmentSpreadNode():
                    fragment = self.fragments[selection.name.value]
                    target = self.narrowed(place, fragment.type_condition.name.value)
                    yield from self.selections(fragment.selection_set, target, inner)
                case _:
                    pass

    def field(self, node: FieldNode, place: _Place, when: _When) -> Iterator[Need]:
        name, parent = node.name.value, place.parent
        if not isinstance(parent, GraphQLObjectType | GraphQLInterfaceType):
            return
        path = (*place.path, node.alias.value if node.alias else name)
        types = (*place.types, self.possible(place))
        coordinate = f"{parent.name}.{name}"
        self.coordinates.setdefault(path, set()).add(coordinate)
        demands = self.rights.of_field(self.schema, parent, name)
        if demands:
            yield Need(coordinate, path, types, demands, when)
        field = parent.fields.get(name)
        if node.selection_set is not None and field is not None:
            levels = _list_levels(field.type)
            below = _Place(
                get_named_type(field.type),
                (*path, *("@" * levels)),
                (*types, *(frozenset[str]() for _ in range(levels))),
            )
            yield from self.selections(node.selection_set, below, when)

    def narrowed(self, place: _Place, name: str) -> _Place:
        """The place inside a type condition."""
        inside = replace(place, parent=self.schema.get_type(name), possible=None)
        return replace(inside, possible=self.possible(inside) & self.possible(place))

    def possible(self, place: _Place) -> frozenset[str]:
        if place.possible is not None:
            return place.possible
        if is_abstract_type(place.parent):
            return frozenset(kind.name for kind in self.schema.get_possible_types(place.parent))
        return frozenset({place.parent.name})


_When: TypeAlias = tuple[tuple[str, bool], ...]


def _conditions(selection: SelectionNode, when: _When) -> _When | None:
    """``when`` and the selection's own conditions; None where it is never selected."""
    for directive in getattr(selection, "directives", None) or ():
        wanted = {"include": True, "skip": False}.get(directive.name.value)
        if wanted is None:
            continue
        value = next(a.value for a in directive.arguments if a.name.value == "if")
        if isinstance(value, VariableNode):
            when = (*when, (value.name.value, wanted))
        elif isinstance(value, BooleanValueNode) and value.value is not wanted:
            return None
    return when


class _Marking(Visitor):
    def __init__(self, info: TypeInfo) -> None:
        super().__init__()
        self.info = info

    def leave_field(self, node: FieldNode, *_: Any) -> FieldNode | None:
        kind = self.info.get_type()
        if node.selection_set is None or kind is None or not is_abstract_type(get_named_type(kind)):
            return None
        selections = (*node.selection_set.selections, _MARKING)
        return dataclasses.replace(node, selection_set=SelectionSetNode(selections=selections))


class _Cutter:
    def __init__(self, schema: GraphQLSchema, denied: frozenset[str]) -> None:
        self.schema = schema
        self.denied = denied

    def filled(self, node: SelectionSetNode, parent: Any) -> SelectionSetNode:
        """The selection set, with ``__typename`` alone where everything was denied."""
        return SelectionSetNode(selections=self.selections(node, parent) or (_TYPENAME,))

    def selections(self, node: SelectionSetNode, parent: Any) -> tuple[SelectionNode, ...]:
        return tuple(self._kept(node.selections, parent))

    def _kept(self, selections: Iterable[SelectionNode], parent: Any) -> Iterator[SelectionNode]:
        for selection in selections:
            match selection:
                case FieldNode():
                    name = selection.name.value
                    if f"{parent.name}.{name}" in self.denied:
                        continue
                    if selection.selection_set is None:
                        yield selection
                        continue
                    field = getattr(parent, "fields", {}).get(name)
                    target = get_named_type(field.type) if field is not None else None
                    if target is None:  # __schema and __type demand nothing
                        yield selection
                        continue
                    inner = self.filled(selection.selection_set, target)
                    yield dataclasses.replace(selection, selection_set=inner)
                case InlineFragmentNode():
                    on = selection.type_condition
                    target = self.schema.get_type(on.name.value) if on else parent
                    kept = self.selections(selection.selection_set, target)
                    if kept:
                        yield dataclasses.replace(
                            selection, selection_set=SelectionSetNode(selections=kept)
                        )
                case _:
                    yield selection


def _fragments(document: DocumentNode) -> Mapping[str, FragmentDefinitionNode]:
    return {
        definition.name.value: definition
        for definition in document.definitions
        if isinstance(definition, FragmentDefinitionNode)
    }


def _list_levels(kind: Any) -> int:
    levels = 0
    while is_non_null_type(kind) or is_list_type(kind):
        levels += is_list_type(kind)
        kind = kind.of_type
    return levels
