"""``@authenticated``, ``@requiresScopes`` and ``@policy``, decided before anything is fetched.

What an operation needs is static: the schema coordinates it selects and what each demands. Per
request the demands meet the caller; policies are decided in one batched call. What is denied is
cut out of the operation before planning, so no subgraph hears of it; the client gets null there
and one error per path (:mod:`router.server.denials`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
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
    VariableNode,
    get_named_type,
    is_list_type,
    is_non_null_type,
)

from router.contracts.annotations import Annotations
from router.server.identity import Identity
from router.server.refusals import Refused

__all__ = [
    "Decide",
    "Demand",
    "Need",
    "Rights",
    "cut",
    "unauthorised",
    "without_rights",
]

Decide: TypeAlias = Callable[[Sequence[tuple[str, Identity]]], Awaitable[Sequence[bool]]]
"""Decides (policy, caller) pairs, all of an operation in one call, answers in the same order."""

_TYPENAME: Final = FieldNode(name=NameNode(value="__typename"))


@dataclass(frozen=True, slots=True)
class Demand:
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


@dataclass(frozen=True, slots=True)
class Need:
    """A selected field that demands something.

    ``coordinate`` is the field selected, ``path`` its response keys with ``@`` for list levels,
    ``when`` the Boolean variables of ``@skip`` and ``@include`` under which it is selected at all.
    """

    coordinate: str
    path: tuple[str, ...]
    demands: tuple[Demand, ...]
    when: tuple[tuple[str, bool], ...] = ()

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
        return tuple(dict.fromkeys(walk.selections(operation.selection_set, root, (), ())))

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
        replace(
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
    kept = replace(operation, selection_set=SelectionSetNode(selections=selections))
    return DocumentNode(definitions=(kept, *fragments))


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


class _Walk:
    """Finds demanding selections; each fragment is walked wherever it is spread."""

    def __init__(self, rights: Rights, schema: GraphQLSchema, document: DocumentNode) -> None:
        self.rights = rights
        self.schema = schema
        self.fragments = _fragments(document)

    def selections(
        self, node: SelectionSetNode, parent: Any, path: tuple[str, ...], when: _When
    ) -> Iterator[Need]:
        for selection in node.selections:
            inner = _conditions(selection, when)
            if inner is None:
                continue
            match selection:
                case FieldNode():
                    yield from self.field(selection, parent, path, inner)
                case InlineFragmentNode():
                    on = selection.type_condition
                    target = self.schema.get_type(on.name.value) if on else parent
                    yield from self.selections(selection.selection_set, target, path, inner)
                case FragmentSpreadNode():
                    fragment = self.fragments[selection.name.value]
                    target = self.schema.get_type(fragment.type_condition.name.value)
                    yield from self.selections(fragment.selection_set, target, path, inner)
                case _:
                    pass

    def field(
        self, node: FieldNode, parent: Any, path: tuple[str, ...], when: _When
    ) -> Iterator[Need]:
        name = node.name.value
        if not isinstance(parent, GraphQLObjectType | GraphQLInterfaceType):
            return
        key = node.alias.value if node.alias else name
        demands = self.rights.of_field(self.schema, parent, name)
        if demands:
            yield Need(f"{parent.name}.{name}", (*path, key), demands, when)
        field = parent.fields.get(name)
        if node.selection_set is not None and field is not None:
            below = (*path, key, *("@" * _list_levels(field.type)))
            target = get_named_type(field.type)
            yield from self.selections(node.selection_set, target, below, when)


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
                    yield replace(selection, selection_set=inner)
                case InlineFragmentNode():
                    on = selection.type_condition
                    target = self.schema.get_type(on.name.value) if on else parent
                    kept = self.selections(selection.selection_set, target)
                    if kept:
                        yield replace(selection, selection_set=SelectionSetNode(selections=kept))
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
