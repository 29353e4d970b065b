"""From a subgraph's SDL to its tables: what is written, and what its links add to it.

Definitions are read before extensions, so a type's fields and directives are those of its
definition, then those of its extensions in document order. What federation libraries print for
the router's own use (``_Any``, ``_Service``, ``_Entity`` and the fields that return them) is
left out.
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

from router.composition.definitions import (
    check_directive,
    check_enum,
    check_scalar,
    is_simplified_federation_1,
)
from router.composition.linking import read_links
from router.composition.links import FEDERATION, Feature, Links, Version
from router.composition.model import (
    ROOT_KINDS,
    CompositeType,
    DirectiveDefinition,
    EnumType,
    EnumValue,
    ImplicitUpgrade,
    InputObjectType,
    InterfaceType,
    ObjectType,
    ScalarType,
    SchemaDefinition,
    TypeDefinition,
    UnionType,
    base_name,
)
from router.composition.nodes import applied_of, argument_of, field_of, text_of
from router.composition.parsed import ParsedSubgraph
from router.composition.problems import Problems
from router.composition.sources import SubgraphSource
from router.composition.specs import FEDERATION_1, define, find_spec, minimum_federation

__all__ = [
    "BUILT_IN_SCALARS",
    "MACHINERY_TYPES",
    "add_spec_elements",
    "known_directives",
    "parse_subgraph",
]

BUILT_IN_SCALARS: Final = frozenset({"Int", "Float", "String", "Boolean", "ID"})
MACHINERY_TYPES: Final = frozenset({"_Any", "_Service", "_Entity"})
FEDERATION_1_VERSION: Final = Version(1, 0)
_INVALID: Final = "INVALID_GRAPHQL"


def parse_subgraph(source: SubgraphSource, problems: Problems) -> ParsedSubgraph:
    """Return the tables of one subgraph, or raise ``SubgraphRefused``.

    Found here: syntax errors, bad links, unknown types, doubled types and fields, and
    definitions of known elements that their specification does not allow.
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
    _raise_version(subgraph, federation)
    known = known_directives(subgraph.links)
    _Reader(subgraph, known, problems).read(document)
    problems.settle()
    add_spec_elements(subgraph, known, problems)
    _settle_roots(subgraph, problems)
    _drop_machinery(subgraph)
    _check_references(subgraph, problems)
    problems.settle()
    return subgraph


def _document(source: SubgraphSource, problems: Problems) -> DocumentNode:
    if source.name in ("", "_"):
        raise problems.stop("INVALID_SUBGRAPH_NAME", f'A subgraph cannot be named "{source.name}".')
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


def _raise_version(subgraph: ParsedSubgraph, federation: Feature | None) -> None:
    """Apply the minimum versions that directly linked specifications ask for."""
    if federation is None:
        return
    for feature in subgraph.links:
        minimum = minimum_federation(feature)
        if minimum is not None and minimum > subgraph.federation_version:
            subgraph.federation_version = minimum
            subgraph.implicit_upgrade = ImplicitUpgrade(feature, federation.version, minimum)


def known_directives(links: Links) -> dict[str, DirectiveDefinition]:
    """Return the directives of linked specifications by their names here, in order."""
    known: dict[str, DirectiveDefinition] = {}
    if links.feature(FEDERATION) is None:
        known.update((definition.name, definition) for definition in FEDERATION_1.directives)
    for feature in links:
        spec = find_spec(feature.identity, feature.version)
        if spec is not None:
            for definition in spec.directives:
                local = define(definition, feature, spec)
                known[local.name] = local
    return known


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
        if name in MACHINERY_TYPES:
            return
        if name in self.types:
            self.problems.add(_INVALID, f'There can be only one type named "{name}".', name)
            return
        self.types[name] = self._fill(_empty(node), node, 0)

    def _extension(self, node: TypeExtensionNode) -> None:
        name = node.name.value
        if name in BUILT_IN_SCALARS or name in MACHINERY_TYPES:
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
        self.problems.add(_INVALID, f"{what} {name} already exists on {where}", where)


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


# -- what the links add --------------------------------------------------------------------


def add_spec_elements(
    subgraph: ParsedSubgraph, known: dict[str, DirectiveDefinition], problems: Problems
) -> None:
    """Add the directives and types of linked specifications that the user did not write.

    What the user did write is compared with its specification.
    """
    for name, expected in known.items():
        written = subgraph.directives.get(name)
        # federation 1 libraries print simplified definitions, which the right one replaces
        if written is None or (
            subgraph.links.feature(FEDERATION) is None
            and expected.canonical in ("key", "requires", "provides")
            and is_simplified_federation_1(written)
        ):
            subgraph.directives[name] = expected
        else:
            check_directive(written, expected, problems)
    for scalar in _spec_scalars(subgraph.links):
        found = subgraph.types.setdefault(scalar, ScalarType(scalar))
        check_scalar(found, problems)
    for feature in subgraph.links:
        spec = find_spec(feature.identity, feature.version)
        for element, values in spec.enums if spec is not None else ():
            name = feature.type_name(element)
            enum = EnumType(name, values={value: EnumValue(value) for value in values})
            check_enum(subgraph.types.setdefault(name, enum), values, problems)
    problems.settle()


def _spec_scalars(links: Links) -> Iterator[str]:
    if links.feature(FEDERATION) is None:
        yield from FEDERATION_1.scalars
    for feature in links:
        spec = find_spec(feature.identity, feature.version)
        if spec is not None:
            for scalar in spec.scalars:
                yield feature.type_name(scalar)


# -- roots, machinery, references ----------------------------------------------------------


def _settle_roots(subgraph: ParsedSubgraph, problems: Problems) -> None:
    """Find the root types, written or implied by their names; there is always a query root."""
    roots = subgraph.schema.roots
    for kind in ROOT_KINDS:
        default = kind.capitalize()
        name = roots.get(kind)
        if name is None:
            if isinstance(subgraph.types.get(default), ObjectType):
                roots[kind] = default
            continue
        found = subgraph.types.get(name)
        if found is None:
            raise problems.stop(_INVALID, f"The schema's {kind} root {name} is unknown.", "schema")
        if not isinstance(found, ObjectType):
            raise problems.stop(
                _INVALID, f"The {kind} root {name} must be an object type.", "schema", name
            )
    if "query" not in roots:
        if "Query" in subgraph.types:
            raise problems.stop(_INVALID, "The query root Query must be an object type.", "Query")
        subgraph.types["Query"] = ObjectType("Query")
        roots["query"] = "Query"
    subgraph.schema.roots = {kind: roots[kind] for kind in ROOT_KINDS if kind in roots}
    if len(set(roots.values())) < len(roots):
        raise problems.stop(_INVALID, "The schema's root types must be different types.", "schema")


def _drop_machinery(subgraph: ParsedSubgraph) -> None:
    query = subgraph.types[subgraph.schema.roots["query"]]
    assert isinstance(query, ObjectType)
    for field in ("_service", "_entities"):
        query.fields.pop(field, None)


def _check_references(subgraph: ParsedSubgraph, problems: Problems) -> None:
    """Every type that is named must exist; each unknown name is reported once."""
    known = subgraph.types.keys() | BUILT_IN_SCALARS | MACHINERY_TYPES
    unknown: dict[str, str] = {}
    for name, where in _references(subgraph):
        if name not in known:
            unknown.setdefault(name, where)
    for name, where in unknown.items():
        problems.add(_INVALID, f"Unknown type {name}", where)


def _references(subgraph: ParsedSubgraph) -> Iterator[tuple[str, str]]:
    """Yield every type name that is used, with where."""
    for found in subgraph.types.values():
        match found:
            case ObjectType() | InterfaceType():
                for interface in found.interfaces:
                    yield interface, found.name
                for field in found.fields.values():
                    yield base_name(field.type), field.coordinate
                    for argument in field.arguments.values():
                        yield base_name(argument.type), f"{field.coordinate}({argument.name}:)"
            case UnionType():
                for member in found.members:
                    yield member, found.name
            case InputObjectType():
                for entry in found.fields.values():
                    yield base_name(entry.type), f"{found.name}.{entry.name}"
            case ScalarType() | EnumType():
                pass
    for directive in subgraph.directives.values():
        if directive.by_user:
            for argument in directive.arguments.values():
                yield base_name(argument.type), f"@{directive.name}({argument.name}:)"
