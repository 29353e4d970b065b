"""One client's API schema: the router's API schema without what the contract's tags hide.

An element is hidden when it carries an excluded tag. With included tags, a type is visible when
it or one of its fields carries one of them, a field when it or its type does; input types, enums,
scalars and unions follow from use. What nothing visible leads to is dropped, so that neither
introspection nor a suggestion in an error message can name it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from graphql import (
    DefinitionNode,
    DocumentNode,
    EnumTypeDefinitionNode,
    FieldDefinitionNode,
    GraphQLDeferDirective,
    GraphQLSchema,
    InputObjectTypeDefinitionNode,
    InputValueDefinitionNode,
    InterfaceTypeDefinitionNode,
    NamedTypeNode,
    NonNullTypeNode,
    ObjectTypeDefinitionNode,
    ScalarTypeDefinitionNode,
    SchemaDefinitionNode,
    TypeNode,
    UnionTypeDefinitionNode,
    build_ast_schema,
    parse,
    print_schema,
)

from router.contracts.contract import TagRules
from router.errors import SettingsInvalid

__all__ = ["Tags", "filter_schema", "with_defer"]

Tags = Mapping[str, frozenset[str]]
"""Tag names by schema coordinate (``Type``, ``Type.field``, ``Type.field(argument:)``)."""

_TypeDefinition = (
    ObjectTypeDefinitionNode
    | InterfaceTypeDefinitionNode
    | UnionTypeDefinitionNode
    | EnumTypeDefinitionNode
    | InputObjectTypeDefinitionNode
    | ScalarTypeDefinitionNode
)


def filter_schema(schema: GraphQLSchema, tags: Tags, rules: TagRules, client: str) -> GraphQLSchema:
    """The part of ``schema`` that ``rules`` leave to ``client``.

    Raises :class:`~router.errors.SettingsInvalid` when nothing is left to query, or when the
    rules hide what a visible element cannot do without (a required argument, an interface field).
    """
    if not rules.include and not rules.exclude:
        return schema
    document = _printed(schema)
    return _Filter(document, tags, rules, client).schema()


def with_defer(schema: GraphQLSchema) -> GraphQLSchema:
    """The schema with ``@defer`` defined, as clients' tools need it."""
    if schema.get_directive("defer") is not None:
        return schema
    described: dict[str, Any] = dict(schema.to_kwargs())
    described["directives"] = (*schema.directives, GraphQLDeferDirective)
    return GraphQLSchema(**{**described, "assume_valid": True})


@lru_cache(maxsize=4)
def _printed(schema: GraphQLSchema) -> DocumentNode:
    return parse(print_schema(schema), no_location=True)


class _Filter:
    def __init__(self, document: DocumentNode, tags: Tags, rules: TagRules, client: str) -> None:
        self.document = document
        self.tags = tags
        self.rules = rules
        self.client = client
        self.roots: set[str] = set()
        self.original: dict[str, _TypeDefinition] = {}

    def schema(self) -> GraphQLSchema:
        types: dict[str, _TypeDefinition] = {}
        others: list[DefinitionNode] = []
        roots = {"Query", "Mutation", "Subscription"}
        root_names = {"query": "Query", "mutation": "Mutation", "subscription": "Subscription"}
        for definition in self.document.definitions:
            if isinstance(definition, _TypeDefinition):
                types[definition.name.value] = definition
            elif isinstance(definition, SchemaDefinitionNode):
                root_names = {
                    item.operation.value: item.type.name.value
                    for item in definition.operation_types
                }
                roots = set(root_names.values())
            else:
                others.append(definition)
        self.roots = roots
        self.original = types
        kept = {n: d for n, d in types.items() if self.visible_type(d)}
        while True:  # hiding a type hides what returns it, and so on until nothing changes
            pruned = self.prune(kept)
            if pruned == kept:
                break
            kept = pruned
        kept = reachable(kept, others, root_names.values())
        query = root_names["query"]
        if query not in kept:
            raise SettingsInvalid(
                f"The contract of {self.client!r} leaves no field to query: its tags "
                f"(include {list(self.rules.include)}, exclude {list(self.rules.exclude)}) hide "
                f"every field of {query}; tag what the client may see."
            )
        definitions: list[DefinitionNode] = [*others, *kept.values()]
        if root_names != {"query": "Query", "mutation": "Mutation", "subscription": "Subscription"}:
            schema_node = next(
                d for d in self.document.definitions if isinstance(d, SchemaDefinitionNode)
            )
            definitions.insert(0, _with_roots(schema_node, kept))
        return build_ast_schema(DocumentNode(definitions=tuple(definitions)), assume_valid=True)

    def excluded(self, coordinate: str) -> bool:
        return bool(self.tags.get(coordinate, frozenset()) & set(self.rules.exclude))

    def included(self, coordinate: str) -> bool:
        return bool(self.tags.get(coordinate, frozenset()) & set(self.rules.include))

    def visible_type(self, definition: _TypeDefinition) -> bool:
        name = definition.name.value
        if self.excluded(name):
            return False
        selects = isinstance(definition, ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode)
        if not self.rules.include or not selects or name in self.roots:
            return True
        assert isinstance(definition, ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode)
        return self.included(name) or any(
            self.included(f"{name}.{field.name.value}") for field in definition.fields or ()
        )

    def prune(self, kept: dict[str, _TypeDefinition]) -> dict[str, _TypeDefinition]:
        pruned: dict[str, _TypeDefinition] = {}
        for name, definition in kept.items():
            left = self.prune_type(definition, kept)
            if left is not None:
                pruned[name] = left
        return pruned

    def prune_type(
        self, definition: _TypeDefinition, kept: Mapping[str, _TypeDefinition]
    ) -> _TypeDefinition | None:
        name = definition.name.value
        match definition:
            case ObjectTypeDefinitionNode() | InterfaceTypeDefinitionNode():
                fields = tuple(
                    left
                    for field in definition.fields or ()
                    if (left := self.prune_field(name, field, kept)) is not None
                )
                interfaces = tuple(i for i in definition.interfaces or () if i.name.value in kept)
                if not fields:
                    return None
                names = {field.name.value for field in fields}
                for interface in interfaces:
                    self.check_implements(name, names, kept[interface.name.value])
                return replace(definition, fields=fields, interfaces=interfaces)
            case UnionTypeDefinitionNode():
                members = tuple(m for m in definition.types or () if m.name.value in kept)
                return replace(definition, types=members) if members else None
            case EnumTypeDefinitionNode():
                values = tuple(
                    v
                    for v in definition.values or ()
                    if not self.excluded(f"{name}.{v.name.value}")
                )
                return replace(definition, values=values) if values else None
            case InputObjectTypeDefinitionNode():
                items = tuple(
                    item
                    for item in definition.fields or ()
                    if self.keeps_input(f"{name}.{item.name.value}", item, kept)
                )
                return replace(definition, fields=items) if items else None
            case ScalarTypeDefinitionNode():
                return definition

    def prune_field(
        self, type_name: str, field: FieldDefinitionNode, kept: Mapping[str, _TypeDefinition]
    ) -> FieldDefinitionNode | None:
        coordinate = f"{type_name}.{field.name.value}"
        if self.excluded(coordinate) or not self.known(field.type, kept):
            return None
        if self.rules.include and not (self.included(coordinate) or self.included(type_name)):
            return None
        arguments = tuple(
            argument
            for argument in field.arguments or ()
            if self.keeps_input(f"{coordinate}({argument.name.value}:)", argument, kept)
        )
        return replace(field, arguments=arguments)

    def keeps_input(
        self,
        coordinate: str,
        item: InputValueDefinitionNode,
        kept: Mapping[str, _TypeDefinition],
    ) -> bool:
        if not self.excluded(coordinate) and self.known(item.type, kept):
            return True
        if isinstance(item.type, NonNullTypeNode) and item.default_value is None:
            raise SettingsInvalid(
                f"The contract of {self.client!r} hides {coordinate}, which is required: hide the "
                "field or the input type as well, or make it optional."
            )
        return False

    def check_implements(self, name: str, fields: set[str], interface: _TypeDefinition) -> None:
        assert isinstance(interface, InterfaceTypeDefinitionNode)
        for field in interface.fields or ():
            coordinate = f"{interface.name.value}.{field.name.value}"
            if field.name.value in fields or self.excluded(coordinate):
                continue
            if self.rules.include and not (
                self.included(coordinate) or self.included(interface.name.value)
            ):
                continue
            raise SettingsInvalid(
                f"The contract of {self.client!r} hides {name}.{field.name.value} but shows "
                f"{coordinate}, which {name} implements: tag both alike."
            )

    def known(self, node: TypeNode, kept: Mapping[str, _TypeDefinition]) -> bool:
        name = named(node)
        return name in kept or name not in self.original  # the latter: built-in scalars


def reachable(
    types: Mapping[str, _TypeDefinition],
    directives: Iterable[DefinitionNode],
    roots: Iterable[str],
) -> dict[str, _TypeDefinition]:
    """The types that something visible leads to, implementations of interfaces included."""
    implementations: dict[str, list[str]] = {}
    for name, definition in types.items():
        if isinstance(definition, ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode):
            for interface in definition.interfaces or ():
                implementations.setdefault(interface.name.value, []).append(name)
    found: set[str] = set()
    waiting = [name for name in roots if name in types]
    for directive in directives:
        for argument in getattr(directive, "arguments", None) or ():
            waiting.append(named(argument.type))
    while waiting:
        name = waiting.pop()
        if name in found or name not in types:
            continue
        found.add(name)
        waiting.extend(implementations.get(name, ()))
        match types[name]:
            case ObjectTypeDefinitionNode() | InterfaceTypeDefinitionNode() as composite:
                waiting.extend(i.name.value for i in composite.interfaces or ())
                for field in composite.fields or ():
                    waiting.append(named(field.type))
                    waiting.extend(named(argument.type) for argument in field.arguments or ())
            case UnionTypeDefinitionNode() as union:
                waiting.extend(member.name.value for member in union.types or ())
            case InputObjectTypeDefinitionNode() as given:
                waiting.extend(named(item.type) for item in given.fields or ())
            case _:
                pass
    return {name: definition for name, definition in types.items() if name in found}


def named(node: TypeNode) -> str:
    """The name inside lists and non-nulls."""
    while not isinstance(node, NamedTypeNode):
        node = node.type  # type: ignore[attr-defined]  # lists and non-nulls wrap one type
    return node.name.value


def _with_roots(
    node: SchemaDefinitionNode, kept: Mapping[str, _TypeDefinition]
) -> SchemaDefinitionNode:
    roots = tuple(item for item in node.operation_types if item.type.name.value in kept)
    return replace(node, operation_types=roots)
