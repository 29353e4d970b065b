"""The client's operation as completion needs it: which fields an object of a type has.

A :class:`View` is an operation under one truth assignment of its ``@skip``, ``@include`` and
``@defer`` conditions; a :class:`Spot` is a place in it where objects stand. Both are made once
and asked often (GraphQL spec, section 6.3.2 CollectFields).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any
from weakref import ref

from graphql import (
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLOutputType,
    InlineFragmentNode,
    Node,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    is_composite_type,
)
from graphql import get_named_type as named_type
from graphql import value_from_ast_untyped as plain_value
from msgspec import Struct

from router.errors import OperationInvalid
from router.execution.types import Types

__all__ = [
    "ClientField",
    "FieldKind",
    "Spot",
    "View",
    "condition_variables",
    "fragments_of",
    "operation_of",
]


class FieldKind(Enum):
    """Where a field's value comes from."""

    DATA = "data"
    TYPENAME = "typename"
    INTROSPECTION = "introspection"


class ClientField(Struct, frozen=True, eq=False):
    """One response key of an object: ``spot`` is where its objects stand (None for leaves).

    ``type`` is None but for data fields, ``nodes`` are the fields that were merged into one.
    """

    key: str
    name: str
    kind: FieldKind
    nodes: tuple[FieldNode, ...]
    type: GraphQLOutputType | None = None
    spot: Spot | None = None


class Spot:
    """A place where objects stand, with all selection sets that apply there.

    It belongs to its view and is not used without it; it only knows it weakly, so that both are
    freed with the operation and do not wait for the garbage collector.
    """

    __slots__ = ("_by_type", "_known", "_view", "sets")

    def __init__(self, view: View, sets: tuple[SelectionSetNode, ...]) -> None:
        self._view = ref(view)
        self.sets = sets
        self._by_type: dict[str, tuple[ClientField, ...]] = {}
        self._known: dict[str, list[SelectionSetNode]] | None = None

    @property
    def view(self) -> View:
        """The view that this is a place of."""
        view = self._view()
        assert view is not None
        return view

    def fields(self, runtime: str) -> tuple[ClientField, ...]:
        """Return the fields of an object of this type, in the client's order.

        ``runtime`` may be abstract where the concrete type is not known: then only what is
        selected on it, its supertypes and what all its objects are applies.
        """
        found = self._by_type.get(runtime)
        if found is None:
            found = self._by_type[runtime] = tuple(self.view.collect(self, runtime))
        return found

    def below(self, key: str) -> Spot | None:
        """Return the place below ``key`` on whatever type, or None where no type has it."""
        if self._known is None:
            self._known = {}
            for node in self.view.all_fields(self.sets):
                name = node.alias.value if node.alias else node.name.value
                inner = self._known.setdefault(name, [])
                if node.selection_set is not None:
                    inner.append(node.selection_set)
        sets = self._known.get(key)
        return None if sets is None else self.view.spot(tuple(sets))


class View:
    """An operation under one truth assignment.

    ``deferring``: fragments with an active ``@defer`` are left out (they come later).
    """

    def __init__(
        self,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        types: Types,
        truths: Mapping[str, bool],
        *,
        deferring: bool = False,
    ) -> None:
        self.types = types
        self.deferring = deferring
        self._fragments = fragments_of(document)
        self._truths = truths
        self._spots: dict[tuple[int, ...], Spot] = {}
        root = types.schema.get_root_type(operation.operation)
        if root is None:
            raise OperationInvalid([{"message": f"The schema has no {operation.operation.value}."}])
        self.root_type = root.name
        self.root = self.spot((operation.selection_set,))

    def spot(self, sets: tuple[SelectionSetNode, ...]) -> Spot:
        """Return the one spot of these selection sets."""
        key = tuple(map(id, sets))
        found = self._spots.get(key)
        if found is None:
            found = self._spots[key] = Spot(self, sets)
        return found

    def collect(self, spot: Spot, runtime: str) -> Iterator[ClientField]:
        """Yield the fields that an object of type ``runtime`` has at ``spot``."""
        grouped: dict[str, list[FieldNode]] = {}
        for selection_set in spot.sets:
            self._gather(selection_set, runtime, grouped, set())
        for key, nodes in grouped.items():
            yield self._field(key, tuple(nodes), runtime)

    def all_fields(self, sets: tuple[SelectionSetNode, ...]) -> Iterator[FieldNode]:
        """Yield every field selected on any type, fragments opened; what is left out is not."""
        for selection_set in sets:
            for node in selection_set.selections:
                if not self._included(node.directives):
                    continue
                if isinstance(node, FieldNode):
                    yield node
                elif isinstance(node, FragmentSpreadNode):
                    yield from self.all_fields((self._fragments[node.name.value].selection_set,))
                elif isinstance(node, InlineFragmentNode):
                    yield from self.all_fields((node.selection_set,))

    def _gather(
        self,
        selection_set: SelectionSetNode,
        runtime: str,
        grouped: dict[str, list[FieldNode]],
        seen: set[str],
    ) -> None:
        for node in selection_set.selections:
            if not self._included(node.directives):
                continue
            if isinstance(node, FieldNode):
                key = node.alias.value if node.alias else node.name.value
                grouped.setdefault(key, []).append(node)
                continue
            if self.deferring and self._deferred(node.directives):
                continue
            if isinstance(node, FragmentSpreadNode):
                if node.name.value in seen:
                    continue
                seen.add(node.name.value)
                fragment = self._fragments[node.name.value]
                condition: str | None = fragment.type_condition.name.value
                inner = fragment.selection_set
            elif isinstance(node, InlineFragmentNode):
                condition = node.type_condition.name.value if node.type_condition else None
                inner = node.selection_set
            else:
                continue
            types = self.types
            if (
                condition is None
                or types.fits(runtime, condition)
                or types.covers(condition, runtime)
            ):
                self._gather(inner, runtime, grouped, seen)

    def _field(self, key: str, nodes: tuple[FieldNode, ...], runtime: str) -> ClientField:
        name = nodes[0].name.value
        if name == "__typename":
            return ClientField(key, name, FieldKind.TYPENAME, nodes)
        if name in ("__schema", "__type"):
            return ClientField(key, name, FieldKind.INTROSPECTION, nodes)
        output = self._declared(runtime, name)
        sets = tuple(node.selection_set for node in nodes if node.selection_set is not None)
        spot = self.spot(sets) if is_composite_type(named_type(output)) else None
        return ClientField(key, name, FieldKind.DATA, nodes, output, spot)

    def _declared(self, runtime: str, name: str) -> GraphQLOutputType:
        """Return a field's type: the abstract type's own, or that of an object it stands for."""
        for each in (runtime, *sorted(self.types.possible(runtime))):
            kind = self.types.schema.type_map[each]
            if isinstance(kind, (GraphQLObjectType, GraphQLInterfaceType)) and name in kind.fields:
                found: GraphQLOutputType = kind.fields[name].type
                return found
        raise OperationInvalid([{"message": f"'{runtime}' has no field '{name}'."}])

    def _included(self, directives: tuple[DirectiveNode, ...] | None) -> bool:
        for directive in directives or ():
            match directive.name.value:
                case "skip" if self._truth(directive):
                    return False
                case "include" if not self._truth(directive):
                    return False
        return True

    def _deferred(self, directives: tuple[DirectiveNode, ...] | None) -> bool:
        return any(each.name.value == "defer" and self._truth(each) for each in directives or ())

    def _truth(self, directive: DirectiveNode) -> bool:
        for argument in directive.arguments or ():
            if argument.name.value == "if":
                if isinstance(argument.value, VariableNode):
                    return self._truths.get(argument.value.name.value, True)
                return bool(plain_value(argument.value))
        return True


def operation_of(document: DocumentNode, name: str | None) -> OperationDefinitionNode:
    """Return the operation to run (GraphQL spec, section 6.1 GetOperation)."""
    operations = [
        node for node in document.definitions if isinstance(node, OperationDefinitionNode)
    ]
    if name is None and len(operations) == 1:
        return operations[0]
    for node in operations:
        if name is not None and node.name is not None and node.name.value == name:
            return node
    message = (
        "Must provide operation name if query contains multiple operations."
        if name is None
        else f"Unknown operation named '{name}'."
    )
    raise OperationInvalid([{"message": message}], code="OPERATION_RESOLUTION_FAILURE")


def fragments_of(document: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    """Return the fragments of a document by name."""
    return {
        node.name.value: node
        for node in document.definitions
        if isinstance(node, FragmentDefinitionNode)
    }


def condition_variables(
    document: DocumentNode, operation: OperationDefinitionNode
) -> tuple[str, ...]:
    """Return the variables that decide which fields there are, sorted."""
    fragments = fragments_of(document)
    found: set[str] = set()
    seen: set[str] = set()
    waiting: list[SelectionSetNode] = [operation.selection_set]
    while waiting:
        for node in waiting.pop().selections:
            found.update(_condition_names(node))
            if isinstance(node, FragmentSpreadNode):
                name = node.name.value
                if name not in seen and name in fragments:
                    seen.add(name)
                    waiting.append(fragments[name].selection_set)
            elif isinstance(node, (FieldNode, InlineFragmentNode)) and node.selection_set:
                waiting.append(node.selection_set)
    return tuple(sorted(found))


def _condition_names(node: Node) -> Iterator[str]:
    directives: Any = getattr(node, "directives", None) or ()
    for directive in directives:
        if directive.name.value in ("skip", "include", "defer"):
            for argument in directive.arguments or ():
                if argument.name.value == "if" and isinstance(argument.value, VariableNode):
                    yield argument.value.name.value
