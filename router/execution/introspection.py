"""Introspection fields are answered from the client's schema, without any subgraph."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLSchema,
    NameNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableNode,
    Visitor,
    execute_sync,
    visit,
)
from graphql import get_named_type as named_type

from router.execution.fields import ClientField, FieldKind, Spot

__all__ = ["Introspection", "asks_for_introspection"]


def asks_for_introspection(document: DocumentNode) -> bool:
    """Return whether the document mentions ``__schema`` or ``__type`` at all."""

    class Finder(Visitor):
        found = False

        def enter_field(self, node: FieldNode, *_: Any) -> None:
            self.found = self.found or node.name.value in ("__schema", "__type")

    finder = Finder()
    visit(document, finder)
    return finder.found


class Introspection:
    """The introspection fields at and below a place, in the order of :attr:`fields`."""

    def __init__(
        self, document: DocumentNode, operation: OperationDefinitionNode, place: Spot, kind: str
    ) -> None:
        self.fields = tuple(_introspection_fields(place, kind))
        self._schema: GraphQLSchema = place.view.types.schema
        self._document = _introspection_document(document, operation, self.fields)
        self._constant = not _uses_variables(self._document)
        self._values: dict[int, Any] | None = None

    def values(self, variables: Mapping[str, Any]) -> Mapping[int, Any]:
        """Return the value of each field by the identity of its first node."""
        if self._values is not None:
            return self._values
        result = execute_sync(self._schema, self._document, variable_values=dict(variables))
        data = getattr(result, "data", None) or {}
        values = {id(field.nodes[0]): data.get(f"i{n}") for n, field in enumerate(self.fields)}
        if self._constant:
            self._values = values
        return values


def _introspection_fields(place: Spot, kind: str) -> Iterator[ClientField]:
    view = place.view
    query = view.types.schema.query_type
    waiting: list[tuple[Spot, str]] = [(place, kind)]
    seen: set[tuple[int, str]] = set()
    while waiting:
        spot, runtime = waiting.pop(0)
        if (id(spot), runtime) in seen:
            continue
        seen.add((id(spot), runtime))
        for field in spot.fields(runtime):
            if field.kind is FieldKind.INTROSPECTION and query and runtime == query.name:
                yield field
            elif field.spot is not None and field.type is not None:
                inner = field.spot
                name = named_type(field.type).name
                waiting.extend((inner, each) for each in sorted(view.types.possible(name)))


def _introspection_document(
    document: DocumentNode, operation: OperationDefinitionNode, fields: Sequence[ClientField]
) -> DocumentNode:
    selections = tuple(
        FieldNode(
            alias=NameNode(value=f"i{n}"),
            name=NameNode(value=field.name),
            arguments=field.nodes[0].arguments,
            directives=(),
            selection_set=SelectionSetNode(
                selections=tuple(
                    selection
                    for node in field.nodes
                    if node.selection_set is not None
                    for selection in node.selection_set.selections
                )
            ),
        )
        for n, field in enumerate(fields)
    )
    own = OperationDefinitionNode(
        operation=OperationType.QUERY,
        name=None,
        variable_definitions=operation.variable_definitions,
        directives=(),
        selection_set=SelectionSetNode(selections=selections),
    )
    others = tuple(
        node for node in document.definitions if not isinstance(node, OperationDefinitionNode)
    )
    return DocumentNode(definitions=(own, *others))


def _uses_variables(document: DocumentNode) -> bool:
    class Finder(Visitor):
        found = False

        def enter_variable_definition(self, *_: Any) -> Any:
            return self.SKIP

        def enter_variable(self, node: VariableNode, *_: Any) -> None:
            self.found = True

    finder = Finder()
    visit(document, finder)
    return finder.found
