"""From the parser's nodes to the model's elements, one at a time."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from graphql import (
    ConstDirectiveNode,
    FieldDefinitionNode,
    InputValueDefinitionNode,
    ListTypeNode,
    NamedTypeNode,
    NonNullTypeNode,
    StringValueNode,
    TypeNode,
)

from router.composition.model import (
    Applied,
    Argument,
    FieldDefinition,
    ListOf,
    Named,
    NonNull,
    TypeRef,
)

__all__ = ["Canonical", "applied_of", "argument_of", "field_of", "text_of", "type_of"]

Canonical = Callable[[str], str | None]
"""From a directive's name in the schema to its canonical name."""


def text_of(description: StringValueNode | None) -> str | None:
    """Return a description's text."""
    return description.value if description is not None else None


def type_of(node: TypeNode) -> TypeRef:
    """Return the reference that a type node stands for; equal ones are one object."""
    match node:
        case NamedTypeNode():
            return _named(node.name.value)
        case ListTypeNode():
            return _list_of(type_of(node.type))
        case NonNullTypeNode():
            inner = type_of(node.type)
            assert not isinstance(inner, NonNull)
            return _non_null(inner)
        case _:
            raise TypeError(f"no type: {node!r}")


def applied_of(
    nodes: tuple[ConstDirectiveNode, ...] | None, canonical: Canonical, block: int = 0
) -> list[Applied]:
    """Return applications in the order written."""
    if not nodes:
        return []
    return [
        Applied(
            name := node.name.value,
            canonical(name),
            {argument.name.value: argument.value for argument in node.arguments or ()},
            block,
        )
        for node in nodes
    ]


def _unknown(_: str) -> None:
    return None


def argument_of(
    node: InputValueDefinitionNode, canonical: Canonical = _unknown, block: int = 0
) -> Argument:
    """Return an argument, or a field of an input object."""
    return Argument(
        name=node.name.value,
        description=text_of(node.description),
        directives=applied_of(node.directives, canonical, block),
        type=type_of(node.type),
        default=node.default_value,
        block=block,
    )


def field_of(
    node: FieldDefinitionNode, parent: str, canonical: Canonical, block: int
) -> FieldDefinition:
    """Return a field of an object or interface."""
    arguments: dict[str, Argument] = {}
    for argument in node.arguments or ():
        arguments.setdefault(argument.name.value, argument_of(argument, canonical, block))
    return FieldDefinition(
        name=node.name.value,
        description=text_of(node.description),
        directives=applied_of(node.directives, canonical, block),
        type=type_of(node.type),
        parent=parent,
        arguments=arguments,
        block=block,
    )


@lru_cache(maxsize=4096)
def _named(name: str) -> Named:
    return Named(name)


@lru_cache(maxsize=4096)
def _list_of(of: TypeRef) -> ListOf:
    return ListOf(of)


@lru_cache(maxsize=4096)
def _non_null(of: Named | ListOf) -> NonNull:
    return NonNull(of)
