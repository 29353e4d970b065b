"""Where in a schema file the element stands that an error is about."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from graphql import (
    DirectiveDefinitionNode,
    DocumentNode,
    ExecutableDefinitionNode,
    GraphQLSyntaxError,
    Node,
    SchemaDefinitionNode,
    SchemaExtensionNode,
    parse,
)

__all__ = ["Places"]

_LAST_PART: Final = re.compile(r"\(\w+:\)\Z|\.\w+\Z")


class Places:
    """The lines of one schema's elements, for any number of errors."""

    def __init__(self, sdl: str) -> None:
        self._only: str | None = None
        self._lines: dict[str, int] = {}
        try:
            document = parse(sdl)
        except GraphQLSyntaxError as error:
            at = error.locations[0] if error.locations else None
            self._only = f":{at.line}:{at.column}" if at is not None else ""
            return
        for definition in document.definitions:
            if isinstance(definition, ExecutableDefinitionNode):
                self._only = f":{_line(definition)}"
                return
        for coordinate, node in _elements(document):
            self._lines.setdefault(coordinate, _line(node))

    def line_of(self, coordinates: Iterable[str]) -> str:
        """Return ``:line`` of the first element that is found (``Type.field(argument:)``), or "".

        Of an element that is not there it is the line of what would hold it. A schema that does
        not parse gives ``:line:column`` of the mistake, one with an operation in it the
        operation's line.
        """
        if self._only is not None:
            return self._only
        for coordinate in coordinates:
            for each in _outwards(coordinate):
                if each in self._lines:
                    return f":{self._lines[each]}"
        return ""


def _outwards(coordinate: str) -> Iterator[str]:
    """Yield a coordinate and those that hold it: ``T.f(a:)``, ``T.f``, ``T``.

    A directive that is not defined is told of because the schema element names it.
    """
    outer = coordinate
    while outer:
        yield outer
        inner = _LAST_PART.search(outer)
        outer = outer[: inner.start()] if inner is not None else ""
    if coordinate.startswith("@"):
        yield "schema"


def _elements(document: DocumentNode) -> Iterator[tuple[str, Node]]:
    """Yield what a schema defines, with its coordinate."""
    for definition in document.definitions:
        if isinstance(definition, SchemaDefinitionNode | SchemaExtensionNode):
            yield "schema", definition
            continue
        at = "@" if isinstance(definition, DirectiveDefinitionNode) else ""
        name = f"{at}{_name(definition)}"
        yield name, definition
        yield from _arguments(name, definition)
        for attribute in ("fields", "values"):
            for member in getattr(definition, attribute, None) or ():
                yield f"{name}.{_name(member)}", member
                yield from _arguments(f"{name}.{_name(member)}", member)


def _arguments(of: str, node: Node) -> Iterator[tuple[str, Node]]:
    for argument in getattr(node, "arguments", None) or ():
        yield f"{of}({_name(argument)}:)", argument


def _name(node: Node) -> str:
    return node.name.value  # type: ignore[attr-defined, no-any-return]


def _line(node: Node) -> int:
    assert node.loc is not None
    return node.loc.start_token.line
