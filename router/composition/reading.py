"""From a subgraph's SDL to its tables: what is written, and what its links add to it.

Definitions are read before extensions, so a type's fields and directives are those of its
definition, then those of its extensions in document order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from graphql import (
    DefinitionNode,
    DirectiveDefinitionNode,
    DocumentNode,
    EnumTypeDefinitionNode,
    EnumTypeExtensionNode,
    ExecutableDefinitionNode,
    GraphQLError,
    InputObjectTypeDefinitionNode,
    InputObjectTypeExtensionNode,
    InterfaceTypeDefinitionNode,
    InterfaceTypeExtensionNode,
    ObjectTypeDefinitionNode,
    ObjectTypeExtensionNode,
    ScalarTypeDefinitionNode,
    ScalarTypeExtensionNode,
    SchemaDefinitionNode,
    SchemaExtensionNode,
    TypeDefinitionNode,
    TypeExtensionNode,
    UnionTypeDefinitionNode,
    UnionTypeExtensionNode,
    parse,
)

from router.composition.linking import read_links
from router.composition.links import FEDERATION, Version
from router.composition.literals import with_quotes
from router.composition.model import (
    ROOT_KINDS,
    CompositeType,
    DirectiveDefinition,
    EnumType,
    EnumValue,
    InputObjectType,
    InterfaceType,
    ObjectType,
    ScalarType,
    SchemaDefinition,
    Subgraph,
    TypeDefinition,
    UnionType,
    base_name,
)
from router.composition.nodes import applied_of, argument_of, field_of, text_of
from router.composition.parsed import ParsedSubgraph, elements_of
from router.composition.problems import Problems
from router.composition.sources import SubgraphSource
from router.composition.spec_elements import add_spec_elements, known_directives, raise_version
from router.composition.specs import BUILT_IN_DIRECTIVES

__all__ = [
    "BUILT_IN_SCALARS",
    "drop_machinery",
    "parse_subgraph",
]

BUILT_IN_SCALARS: Final = frozenset({"Int", "Float", "String", "Boolean", "ID"})
_MACHINERY_TYPES: Final = ("_Any", "_Service", "_Entity")
FEDERATION_1_VERSION: Final = Version(1, 0)
_INVALID: Final = "INVALID_GRAPHQL"


def parse_subgraph(source: SubgraphSource, problems: Problems) -> ParsedSubgraph:
    """Return the tables of one subgraph, or raise ``SubgraphRefused``.

    What cannot be read at all is raised and is all that is said: syntax errors, bad links,
    unknown types, doubled types and fields. Noted, to be told with what else is wrong, are an
    unknown version of federation and definitions that their specification does not allow.
    """
    document = _document(source, problems)
    schema_nodes = [
        node
        for node in document.definitions
        if isinstance(node, SchemaDefinitionNode | SchemaExtensionNode)
    ]
    links = read_links(
        [
            applied
            for node in schema_nodes
            for applied in applied_of(node.directives, lambda _: None)
        ],
        problems,
    )
    federation = links.feature(FEDERATION)
    subgraph = ParsedSubgraph(
        name=source.name,
        url=source.url,
        is_fed2=federation is not None,
        federation_version=federation.version if federation else FEDERATION_1_VERSION,
        links=links,
        schema=SchemaDefinition("schema"),
    )
    raise_version(subgraph, federation)
    known = known_directives(subgraph.links)
    unreadable = Problems(source.name)
    _Reader(subgraph, known, unreadable).read(document)
    unreadable.settle()
    if federation is None:
        _drop_query_machinery(subgraph)
    _check_definitions(subgraph, unreadable)
    unreadable.settle()
    add_spec_elements(subgraph, known, problems)
    _check_references(subgraph, unreadable)
    unreadable.settle()
    _quote_texts(subgraph, known)
    _settle_roots(subgraph, unreadable)
    return subgraph


def _document(source: SubgraphSource, problems: Problems) -> DocumentNode:
    try:
        document = parse(source.sdl, no_location=True)
    except GraphQLError as error:
        at = error.locations[0] if error.locations else None
        where = f" (line {at.line}, column {at.column})" if at else ""
        raise problems.stop(_INVALID, f"{error.message}{where}") from error
    for node in document.definitions:
        if isinstance(node, ExecutableDefinitionNode):
            raise problems.stop(
                _INVALID, "A subgraph's schema cannot contain operations or fragments."
            )
    return document


class _Reader:
    """Fills the tables of one subgraph from its document."""

    def __init__(
        self,
        subgraph: ParsedSubgraph,
        known: dict[str, DirectiveDefinition],
        problems: Problems,
    ) -> None:
        self.subgraph = subgraph
        self.types = subgraph.types
        self.problems = problems
        self.known = known

    def canonical(self, name: str) -> str | None:
        definition = self.known.get(name)
        return definition.canonical if definition is not None else None

    def read(self, document: DocumentNode) -> None:
        for node in document.definitions:
            match node:
                case DirectiveDefinitionNode():
                    self._directive(node)
                case SchemaDefinitionNode():
                    self._schema(node)
                case TypeDefinitionNode():
                    self._type(node)
        for node in document.definitions:
            match node:
                case SchemaExtensionNode():
                    self._schema(node)
                case TypeExtensionNode():
                    self._extension(node)
        self._sort_types(document)

    def _sort_types(self, document: DocumentNode) -> None:
        """Give types the order in which they are first named, be it by an extension."""
        for name in dict.fromkeys(
            node.name.value
            for node in document.definitions
            if isinstance(node, TypeDefinitionNode | TypeExtensionNode)
        ):
            if name in self.types:
                self.types[name] = self.types.pop(name)

    def _directive(self, node: DirectiveDefinitionNode) -> None:
        name = node.name.value
        if name in self.subgraph.directives:
            self.problems.add(
                _INVALID, f'There can be only one directive named "@{name}".', f"@{name}"
            )
            return
        source = self.subgraph.links.directive_source(name)
        arguments = {}
        for argument in node.arguments or ():
            if argument.name.value in arguments:
                self._doubled("Argument", argument.name.value, f"@{name}")
            arguments[argument.name.value] = argument_of(argument, self.canonical)
        self.subgraph.directives[name] = DirectiveDefinition(
            name=name,
            description=text_of(node.description),
            arguments=arguments,
            locations=tuple(location.value for location in node.locations),
            repeatable=node.repeatable,
            canonical=self.canonical(name),
            feature=source[0] if source else None,
            element=source[1] if source else None,
        )

    def _schema(self, node: SchemaDefinitionNode | SchemaExtensionNode) -> None:
        schema = self.subgraph.schema
        if isinstance(node, SchemaDefinitionNode) and node.description is not None:
            schema.description = node.description.value
        schema.directives += applied_of(node.directives, self.canonical)
        for operation in node.operation_types or ():
            kind, root = operation.operation.value, operation.type.name.value
            if schema.roots.setdefault(kind, root) != root:
                self.problems.add(
                    _INVALID, f"There can be only one {kind} type in schema.", "schema"
                )

    def _type(self, node: TypeDefinitionNode) -> None:
        name = node.name.value
        if name in BUILT_IN_SCALARS:
            if not isinstance(node, ScalarTypeDefinitionNode):
                self.problems.add(_INVALID, f'The type "{name}" is a built-in scalar.', name)
            return
        if name in self.types:
            self.problems.add(_INVALID, f'There can be only one type named "{name}".', name)
            return
        self.types[name] = self._fill(_empty(node), node, 0)

    def _extension(self, node: TypeExtensionNode) -> None:
        name = node.name.value
        if name in BUILT_IN_SCALARS:
            self.problems.add(_INVALID, f'The built-in scalar "{name}" cannot be extended.', name)
            return
        found = self.types.get(name)
        blank = _empty(node)
        if found is None:
            found = self.types[name] = blank
            found.has_definition = False
        elif type(found) is not type(blank):
            self.problems.add(
                _INVALID, f'The type "{name}" is extended as if it were of another kind.', name
            )
            return
        found.extensions += 1
        self._fill(found, node, found.extensions)

    def _fill(
        self, found: TypeDefinition, node: TypeDefinitionNode | TypeExtensionNode, block: int
    ) -> TypeDefinition:
        """Add what one piece of a type says to the type."""
        if isinstance(node, TypeDefinitionNode):
            found.description = text_of(node.description)
        found.directives += applied_of(node.directives, self.canonical, block)
        match node:
            case (
                ObjectTypeDefinitionNode()
                | ObjectTypeExtensionNode()
                | InterfaceTypeDefinitionNode()
                | InterfaceTypeExtensionNode()
            ):
                assert isinstance(found, CompositeType)
                found.interfaces += [each.name.value for each in node.interfaces or ()]
                for field in node.fields or ():
                    self._no_doubles(field.arguments, found.name, field.name.value)
                    if field.name.value in found.fields:
                        self._doubled("Field", field.name.value, found.name)
                        continue
                    found.fields[field.name.value] = field_of(
                        field, found.name, self.canonical, block
                    )
            case InputObjectTypeDefinitionNode() | InputObjectTypeExtensionNode():
                assert isinstance(found, InputObjectType)
                for entry in node.fields or ():
                    if entry.name.value in found.fields:
                        self._doubled("Field", entry.name.value, found.name)
                        continue
                    found.fields[entry.name.value] = argument_of(entry, self.canonical, block)
            case EnumTypeDefinitionNode() | EnumTypeExtensionNode():
                assert isinstance(found, EnumType)
                for value in node.values or ():
                    if value.name.value in found.values:
                        self._doubled("Value", value.name.value, found.name)
                        continue
                    found.values[value.name.value] = EnumValue(
                        value.name.value,
                        text_of(value.description),
                        applied_of(value.directives, self.canonical, block),
                        block,
                    )
            case UnionTypeDefinitionNode() | UnionTypeExtensionNode():
                assert isinstance(found, UnionType)
                found.members += [member.name.value for member in node.types or ()]
            case ScalarTypeDefinitionNode() | ScalarTypeExtensionNode():
                pass
        return found

    def _no_doubles(self, nodes: Iterable[DefinitionNode] | None, parent: str, field: str) -> None:
        seen = set()
        for node in nodes or ():
            name = node.name.value  # type: ignore[attr-defined]
            if name in seen:
                self._doubled("Argument", name, f"{parent}.{field}")
            seen.add(name)

    def _doubled(self, what: str, name: str, where: str) -> None:
        self.problems.add(_INVALID, f"{what} {name} already exists on {where}.", where)


def _empty(node: TypeDefinitionNode | TypeExtensionNode) -> TypeDefinition:
    name = node.name.value
    match node:
        case ObjectTypeDefinitionNode() | ObjectTypeExtensionNode():
            return ObjectType(name)
        case InterfaceTypeDefinitionNode() | InterfaceTypeExtensionNode():
            return InterfaceType(name)
        case UnionTypeDefinitionNode() | UnionTypeExtensionNode():
            return UnionType(name)
        case EnumTypeDefinitionNode() | EnumTypeExtensionNode():
            return EnumType(name)
        case InputObjectTypeDefinitionNode() | InputObjectTypeExtensionNode():
            return InputObjectType(name)
        case ScalarTypeDefinitionNode() | ScalarTypeExtensionNode():
            return ScalarType(name)
        case _:
            raise TypeError(f"no type: {node!r}")


# -- settling ------------------------------------------------------------------------------


def _quote_texts(subgraph: ParsedSubgraph, known: dict[str, DirectiveDefinition]) -> None:
    """Let every text that a known directive is given be one, quoted or not."""
    definitions = {**BUILT_IN_DIRECTIVES, **known}
    for place in elements_of(subgraph.schema, subgraph.types):
        for applied in place.element.directives:
            definition = definitions.get(applied.name)
            for name, value in applied.arguments.items():
                if definition is not None and name in definition.arguments:
                    applied.arguments[name] = with_quotes(value, definition.arguments[name].type)


def _settle_roots(subgraph: ParsedSubgraph, problems: Problems) -> None:
    """Find the root types, written or implied by their names; there is always a query root."""
    roots = subgraph.schema.roots
    for kind in ROOT_KINDS:
        default = kind.capitalize()
        name = roots.get(kind)
        if name is None:
            is_free = default not in roots.values()
            if is_free and isinstance(subgraph.types.get(default), ObjectType):
                roots[kind] = default
            continue
        found = subgraph.types.get(name)
        if found is None:
            problems.add(_INVALID, f"The schema's {kind} root {name} is unknown.", "schema")
        elif not isinstance(found, ObjectType):
            problems.add(
                _INVALID, f"The {kind} root {name} must be an object type.", "schema", name
            )
    problems.settle()
    if "query" not in roots:
        if "Query" in subgraph.types:
            raise problems.stop(
                _INVALID, "The type Query must be the query root, and an object.", "Query"
            )
        subgraph.types["Query"] = ObjectType("Query")
        roots["query"] = "Query"
    subgraph.schema.roots = {kind: roots[kind] for kind in ROOT_KINDS if kind in roots}
    if len(set(roots.values())) < len(roots):
        raise problems.stop(_INVALID, "The schema's root types must be different types.", "schema")


def drop_machinery(subgraph: ParsedSubgraph | Subgraph) -> None:
    """Take out what federation libraries print for the router's own use, once it is checked."""
    for name in _MACHINERY_TYPES:
        subgraph.types.pop(name, None)
    _drop_query_machinery(subgraph)


def _drop_query_machinery(subgraph: ParsedSubgraph | Subgraph) -> None:
    query = subgraph.types.get(subgraph.schema.roots.get("query", "Query"))
    if isinstance(query, ObjectType):
        for field in ("_service", "_entities"):
            query.fields.pop(field, None)


def _check_definitions(subgraph: ParsedSubgraph, problems: Problems) -> None:
    """A directive's arguments have types that are written beside it: links add theirs later."""
    named = (
        (base_name(argument.type), f"@{directive.name}({argument.name}:)")
        for directive in subgraph.directives.values()
        for argument in directive.arguments.values()
    )
    _check_known(named, subgraph, problems)


def _check_references(subgraph: ParsedSubgraph, problems: Problems) -> None:
    """The types of fields and arguments exist; of what else is named so, GraphQL's rules tell."""
    _check_known(_references(subgraph), subgraph, problems)


def _check_known(
    references: Iterable[tuple[str, str]], subgraph: ParsedSubgraph, problems: Problems
) -> None:
    """Note each name without a type once."""
    known = subgraph.types.keys() | BUILT_IN_SCALARS
    unknown: dict[str, str] = {}
    for name, where in references:
        if name not in known:
            unknown.setdefault(name, where)
    for name, where in unknown.items():
        problems.add(_INVALID, f'Unknown type "{name}" at {where}.', where)


def _references(subgraph: ParsedSubgraph) -> Iterator[tuple[str, str]]:
    """Yield the type names of fields and arguments, with where."""
    for found in subgraph.types.values():
        match found:
            case ObjectType() | InterfaceType():
                for field in found.fields.values():
                    yield base_name(field.type), field.coordinate
                    for argument in field.arguments.values():
                        yield base_name(argument.type), f"{field.coordinate}({argument.name}:)"
            case InputObjectType():
                for entry in found.fields.values():
                    yield base_name(entry.type), f"{found.name}.{entry.name}"
            case ScalarType() | EnumType() | UnionType():
                pass
