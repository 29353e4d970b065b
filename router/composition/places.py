"""Where in a schema file the element stands that an error is about."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from graphql import (
    DirectiveDefinitionNode,
    DocumentNode,
    ExecutableDefinitionNode,
    GraphQLSyntaxError,
    Node,
    parse,
)

__all__ = ["line_of"]

_COORDINATE: Final = re.compile(r"(@?\w+)(?:\.(\w+))?(?:\((\w+):\))?\Z")


def line_of(sdl: str, coordinates: Iterable[str]) -> str:
    """Return ``:line`` of the first element that is found (``Type.field(argument:)``), or "".

    A schema that does not parse gives ``:line:column`` of the mistake, one with an operation in it
    the operation's line.
    """
    try:
        document = parse(sdl)
    except GraphQLSyntaxError as error:
        at = error.locations[0] if error.locations else None
        return f":{at.line}:{at.column}" if at is not None else ""
    found = _found(document, coordinates)
    return f":{found.loc.start_token.line}" if found is not None and found.loc is not None else ""


def _found(document: DocumentNode, coordinates: Iterable[str]) -> Node | None:
    for definition in document.definitions:
        if isinstance(definition, ExecutableDefinitionNode):
            return definition
    for coordinate in coordinates:
        named = _COORDINATE.match(coordinate)
        if named is not None and (node := _find(document.definitions, *named.groups())):
            return node
    return None


def _find(
    definitions: Iterable[Node], name: str, member: str | None, argument: str | None
) -> Node | None:
    """Return the smallest part found: the argument, else the member, else the first definition."""
    found: Node | None = None
    for node in definitions:
        at = "@" if isinstance(node, DirectiveDefinitionNode) else ""
        if name != "schema" and name != f"{at}{_name(node)}":
            continue
        if name == "schema" and node.kind not in ("schema_definition", "schema_extension"):
            continue
        found = found or node
        inner = _named(node, ("fields", "values"), member) if member is not None else node
        if inner is not None and (member is not None or argument is not None):
            return _named(inner, ("arguments",), argument) or inner
    return found


def _named(node: Node, attributes: Iterable[str], name: str | None) -> Node | None:
    for attribute in attributes:
        for part in getattr(node, attribute, None) or ():
            if _name(part) == name:
                return part  # type: ignore[no-any-return]
    return None


def _name(node: Node) -> str | None:
    name = getattr(node, "name", None)
    return getattr(name, "value", None)
