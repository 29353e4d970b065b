"""A subgraph on its way: read from its SDL, not yet found valid; validation and upgrade work here."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct, field

from router.composition.links import Links, Version
from router.composition.model import (
    CompositeType,
    DirectiveDefinition,
    Element,
    EnumType,
    ImplicitUpgrade,
    InputObjectType,
    SchemaDefinition,
    TypeDefinition,
)

__all__ = ["ParsedSubgraph", "Place", "elements_of"]


class ParsedSubgraph(Struct, eq=False):
    """The tables of :class:`~router.composition.model.Subgraph`, open to change."""

    name: str
    url: str
    is_fed2: bool
    federation_version: Version
    links: Links
    schema: SchemaDefinition
    types: dict[str, TypeDefinition] = field(default_factory=dict)
    directives: dict[str, DirectiveDefinition] = field(default_factory=dict)
    implicit_upgrade: ImplicitUpgrade | None = None

    def canonical(self, directive: str) -> str | None:
        """Return the canonical name of a directive of a known specification."""
        definition = self.directives.get(directive)
        return definition.canonical if definition is not None else None


class Place(Struct, frozen=True, eq=False):
    """An element to which directives are applied: where it is, and what it is."""

    element: Element
    coordinate: str
    location: str
    """As in directive definitions: ``FIELD_DEFINITION``, ``OBJECT``, ..."""


_LOCATIONS = {
    "ScalarType": "SCALAR",
    "ObjectType": "OBJECT",
    "InterfaceType": "INTERFACE",
    "UnionType": "UNION",
    "EnumType": "ENUM",
    "InputObjectType": "INPUT_OBJECT",
}


def elements_of(schema: SchemaDefinition, types: dict[str, TypeDefinition]) -> Iterator[Place]:
    """Yield every element of a schema that carries directives, in document order.

    Elements without directives are left out: most have none, and nobody asks about them.
    """
    if schema.directives:
        yield Place(schema, "schema", "SCHEMA")
    for found in types.values():
        if found.directives:
            yield Place(found, found.name, _LOCATIONS[type(found).__name__])
        if isinstance(found, CompositeType):
            for member in found.fields.values():
                if member.directives:
                    yield Place(member, member.coordinate, "FIELD_DEFINITION")
                for argument in member.arguments.values():
                    if argument.directives:
                        where = f"{member.coordinate}({argument.name}:)"
                        yield Place(argument, where, "ARGUMENT_DEFINITION")
        elif isinstance(found, EnumType):
            for value in found.values.values():
                if value.directives:
                    yield Place(value, f"{found.name}.{value.name}", "ENUM_VALUE")
        elif isinstance(found, InputObjectType):
            for entry in found.fields.values():
                if entry.directives:
                    yield Place(entry, f"{found.name}.{entry.name}", "INPUT_FIELD_DEFINITION")
