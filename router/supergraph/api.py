"""The schema that clients see: the supergraph without machinery and inaccessible elements.

What refers to a removed type goes with it, until nothing refers to nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, Final, TypeVar

from graphql import (
    DirectiveDefinitionNode,
    DocumentNode,
    EnumTypeDefinitionNode,
    FieldDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    InputObjectTypeDefinitionNode,
    InputValueDefinitionNode,
    InterfaceTypeDefinitionNode,
    Node,
    ObjectTypeDefinitionNode,
    OperationTypeDefinitionNode,
    SchemaDefinitionNode,
    TypeDefinitionNode,
    TypeNode,
    UnionTypeDefinitionNode,
    build_ast_schema,
    value_from_ast_untyped,
)
from graphql.type.directives import GraphQLDeferDirective
from msgspec import Struct

from router.errors import SupergraphInvalid
from router.supergraph.views import TypeRef

__all__ = ["derive_api_schema", "with_defer"]

_BUILT_IN: Final = frozenset(("String", "Int", "Float", "Boolean", "ID"))
_SPECIFIED: Final = frozenset(("deprecated", "specifiedBy", "oneOf", "skip", "include"))
_INCREMENTAL: Final = frozenset(("defer", "stream"))

N = TypeVar("N", bound=Node)


def derive_api_schema(
    schema: GraphQLSchema, hidden_arguments: frozenset[tuple[str, str, str]] = frozenset()
) -> GraphQLSchema:
    """Return the client's view of a full supergraph schema.

    ``hidden_arguments`` are (type, field, argument) that the router fills itself.
    """
    machinery = _Machinery.of(schema)
    types = {
        name: named.ast_node
        for name, named in schema.type_map.items()
        if named.ast_node is not None
        and not machinery.owns(name)
        and not machinery.hides(named.ast_node)
    }
    directives = [
        directive.ast_node
        for directive in schema.directives
        if directive.ast_node is not None
        and not machinery.owns_directive(directive.name)
        and directive.name not in _INCREMENTAL
    ]
    allowed = _SPECIFIED | {node.name.value for node in directives}
    trim = _Trim(machinery, allowed, hidden_arguments)
    definitions = trim.to_fixpoint(types)
    document = DocumentNode(
        definitions=(
            _schema_node(schema, definitions),
            *(trim.directive(node, definitions.keys()) for node in directives),
            *definitions.values(),
        )
    )
    try:
        return build_ast_schema(document, assume_valid=True, assume_valid_sdl=True)
    except (TypeError, GraphQLError) as error:
        raise SupergraphInvalid(
            f"The supergraph has no valid API schema: {error} Compose it again."
        ) from error


def with_defer(schema: GraphQLSchema) -> GraphQLSchema:
    """The schema with ``@defer`` defined: what operations are validated against."""
    if schema.get_directive(GraphQLDeferDirective.name) is not None:
        return schema
    described = schema.to_kwargs()
    described["directives"] = (*schema.directives, GraphQLDeferDirective)
    described["assume_valid"] = True
    return GraphQLSchema(**described)


def _schema_node(
    schema: GraphQLSchema, definitions: dict[str, TypeDefinitionNode]
) -> SchemaDefinitionNode:
    node = schema.ast_node
    if node is None:
        raise SupergraphInvalid("The supergraph has no schema definition. Compose it again.")
    operations: tuple[OperationTypeDefinitionNode, ...] = tuple(
        operation
        for operation in node.operation_types or ()
        if operation.type.name.value in definitions
    )
    if all(operation.operation.value != "query" for operation in operations):
        raise SupergraphInvalid(
            "Everything under the query root is inaccessible; make a root field accessible."
        )
    return replace(node, directives=(), operation_types=operations)


class _Machinery(Struct, frozen=True):
    """Which names belong to linked specifications, and what ``@inaccessible`` is called."""

    prefixes: tuple[str, ...]
    directives: frozenset[str]
    inaccessible: str

    @classmethod
    def of(cls, schema: GraphQLSchema) -> _Machinery:
        names: set[str] = {"link", "core"}
        directives: set[str] = {"link", "core"}
        inaccessible = "inaccessible"
        for directive in (schema.ast_node.directives or ()) if schema.ast_node else ():
            if directive.name.value not in {"link", "core"}:
                continue
            values = {
                argument.name.value: value_from_ast_untyped(argument.value)
                for argument in directive.arguments or ()
            }
            url = str(values.get("url") or values.get("feature") or "")
            parts = url.rstrip("/").split("/")
            spec = parts[-2] if len(parts) > 1 and parts[-1].startswith("v") else parts[-1]
            alias = str(values.get("as") or spec)
            names.add(alias)
            directives.add(alias)
            if spec == "inaccessible":
                inaccessible = alias
            for original, local in _imports(values.get("import")):
                directives.add(local)
                if original == "inaccessible":
                    inaccessible = local
        return cls(
            tuple(sorted(f"{name}__" for name in names)), frozenset(directives), inaccessible
        )

    def owns(self, name: str) -> bool:
        return name.startswith(self.prefixes)

    def owns_directive(self, name: str) -> bool:
        return name in self.directives or name.startswith(self.prefixes)

    def hides(self, node: Any) -> bool:
        return any(d.name.value == self.inaccessible for d in node.directives or ())


def _imports(value: Any) -> Iterable[tuple[str, str]]:
    for item in value if isinstance(value, list) else ():
        original = str(item.get("name")) if isinstance(item, dict) else str(item)
        local = str(item.get("as") or original) if isinstance(item, dict) else original
        if original.startswith("@"):
            yield original[1:], local[1:] if local.startswith("@") else local


class _Trim(Struct, frozen=True):
    machinery: _Machinery
    allowed: frozenset[str]
    hidden_arguments: frozenset[tuple[str, str, str]]

    def to_fixpoint(self, types: dict[str, TypeDefinitionNode]) -> dict[str, TypeDefinitionNode]:
        while True:
            known = types.keys() | _BUILT_IN
            trimmed = {
                name: kept
                for name, node in types.items()
                if (kept := self.definition(node, known)) is not None
            }
            if trimmed.keys() == types.keys():
                return trimmed
            types = trimmed

    def definition(
        self, node: TypeDefinitionNode, known: Iterable[str]
    ) -> TypeDefinitionNode | None:
        """The definition without hidden parts, or None where nothing is left of it."""
        node = self._plain(node)
        match node:
            case ObjectTypeDefinitionNode() | InterfaceTypeDefinitionNode():
                fields = tuple(self._fields(node.name.value, node.fields or (), known))
                interfaces = tuple(i for i in node.interfaces or () if i.name.value in known)
                return replace(node, fields=fields, interfaces=interfaces) if fields else None
            case InputObjectTypeDefinitionNode():
                inputs = tuple(self._inputs(node.fields or (), known))
                return replace(node, fields=inputs) if inputs else None
            case UnionTypeDefinitionNode():
                members = tuple(m for m in node.types or () if m.name.value in known)
                return replace(node, types=members) if members else None
            case EnumTypeDefinitionNode():
                values = tuple(self._each(node.values or (), lambda _: True))
                return replace(node, values=values) if values else None
            case _:
                return node

    def directive(
        self, node: DirectiveDefinitionNode, known: Iterable[str]
    ) -> DirectiveDefinitionNode:
        names = frozenset(known) | _BUILT_IN
        return replace(node, arguments=tuple(self._inputs(node.arguments or (), names)))

    def _fields(
        self, owner: str, fields: Sequence[FieldDefinitionNode], known: Iterable[str]
    ) -> Iterable[FieldDefinitionNode]:
        for field in self._each(fields, lambda node: _named(node.type) in known):
            arguments = tuple(
                argument
                for argument in self._inputs(field.arguments or (), known)
                if (owner, field.name.value, argument.name.value) not in self.hidden_arguments
            )
            yield replace(field, arguments=arguments)

    def _inputs(
        self, inputs: Sequence[InputValueDefinitionNode], known: Iterable[str]
    ) -> Iterable[InputValueDefinitionNode]:
        return self._each(inputs, lambda node: _named(node.type) in known)

    def _each(self, nodes: Sequence[N], wanted: Callable[[N], bool]) -> Iterable[N]:
        for node in nodes:
            if wanted(node) and not self.machinery.hides(node):
                yield self._plain(node)

    def _plain(self, node: N) -> N:
        """The node without the applications of removed directives."""
        found: Any = node
        kept = tuple(d for d in found.directives or () if d.name.value in self.allowed)
        plain: N = replace(found, directives=kept)
        return plain


def _named(node: TypeNode) -> str:
    return TypeRef.of(node).named
