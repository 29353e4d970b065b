"""The directives that a supergraph carries for the door: tags, costs, rights.

Composition copies ``@tag``, ``@cost``, ``@listSize``, ``@authenticated``, ``@requiresScopes`` and
``@policy`` into the supergraph SDL, perhaps under another local name (``@link(as:, import:)``).
:class:`Annotations` finds them again by schema coordinate and canonical name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from graphql import (
    DirectiveNode,
    DocumentNode,
    EnumTypeDefinitionNode,
    InputObjectTypeDefinitionNode,
    InterfaceTypeDefinitionNode,
    ObjectTypeDefinitionNode,
    ScalarTypeDefinitionNode,
    SchemaDefinitionNode,
    SchemaExtensionNode,
    UnionTypeDefinitionNode,
    value_from_ast_untyped,
)
from msgspec import Struct

__all__ = ["Annotations", "annotations_of"]

_SPECS: Final[Mapping[str, tuple[str, ...]]] = {
    "tag": ("tag",),
    "cost": ("cost", "listSize"),
    "authenticated": ("authenticated",),
    "requiresScopes": ("requiresScopes",),
    "policy": ("policy",),
}
"""Spec name (as in its URL) to the directives it defines."""

_Definition = (
    ObjectTypeDefinitionNode
    | InterfaceTypeDefinitionNode
    | UnionTypeDefinitionNode
    | EnumTypeDefinitionNode
    | InputObjectTypeDefinitionNode
    | ScalarTypeDefinitionNode
)


class Annotations(Struct, frozen=True):
    """Arguments of the directives by canonical name, then by schema coordinate."""

    by_name: Mapping[str, Mapping[str, tuple[Mapping[str, Any], ...]]]

    def all(self, name: str) -> Mapping[str, tuple[Mapping[str, Any], ...]]:
        """Every use of ``@name``: coordinate to the arguments of each application."""
        return self.by_name.get(name, {})

    def tags(self) -> dict[str, frozenset[str]]:
        """Tag names by coordinate."""
        return {
            place: frozenset(str(use.get("name")) for use in uses)
            for place, uses in self.all("tag").items()
        }


def annotations_of(document: DocumentNode) -> Annotations:
    """Index the directives of a supergraph document."""
    canonical = _canonical_names(document)
    found: dict[str, dict[str, tuple[Mapping[str, Any], ...]]] = {}
    for coordinate, node in _applications(document):
        name = canonical.get(node.name.value)
        if name is None:
            continue
        arguments = {
            argument.name.value: value_from_ast_untyped(argument.value)
            for argument in node.arguments or ()
        }
        places = found.setdefault(name, {})
        places[coordinate] = (*places.get(coordinate, ()), arguments)
    return Annotations(found)


def _canonical_names(document: DocumentNode) -> dict[str, str]:
    """Local directive name to canonical name; an unlinked name stands for itself."""
    names = {name: name for directives in _SPECS.values() for name in directives}
    for definition in document.definitions:
        if not isinstance(definition, SchemaDefinitionNode | SchemaExtensionNode):
            continue
        for node in definition.directives or ():
            arguments = {
                argument.name.value: value_from_ast_untyped(argument.value)
                for argument in node.arguments or ()
            }
            _read_link(arguments, names)
    return names


def _read_link(arguments: Mapping[str, Any], names: dict[str, str]) -> None:
    path = [part for part in urlsplit(str(arguments.get("url", ""))).path.split("/") if part]
    if len(path) < 2 or path[-2] not in _SPECS:
        return
    spec = path[-2]
    prefix = arguments.get("as") or spec
    for directive in _SPECS[spec]:
        # the directive named like its spec is reached by the prefix, others as prefix__name
        local = prefix if directive == spec else f"{prefix}__{directive}"
        names[str(local)] = directive
        if arguments.get("as") and directive == spec:
            names.pop(directive, None)
    for item in arguments.get("import") or ():
        name, local = (
            (item.get("name"), item.get("as") or item.get("name"))
            if isinstance(item, Mapping)
            else (item, item)
        )
        directive = str(name).removeprefix("@")
        if str(name).startswith("@") and directive in _SPECS[spec]:
            names[str(local).removeprefix("@")] = directive


def _applications(document: DocumentNode) -> Iterator[tuple[str, DirectiveNode]]:
    for definition in document.definitions:
        if not isinstance(definition, _Definition):
            continue
        name = definition.name.value
        yield from _at(name, definition.directives)
        match definition:
            case ObjectTypeDefinitionNode() | InterfaceTypeDefinitionNode():
                for field in definition.fields or ():
                    place = f"{name}.{field.name.value}"
                    yield from _at(place, field.directives)
                    for argument in field.arguments or ():
                        yield from _at(f"{place}({argument.name.value}:)", argument.directives)
            case InputObjectTypeDefinitionNode():
                for item in definition.fields or ():
                    yield from _at(f"{name}.{item.name.value}", item.directives)
            case EnumTypeDefinitionNode():
                for value in definition.values or ():
                    yield from _at(f"{name}.{value.name.value}", value.directives)
            case _:
                pass


def _at(
    place: str, directives: Iterable[DirectiveNode] | None
) -> Iterator[tuple[str, DirectiveNode]]:
    return ((place, node) for node in directives or ())
