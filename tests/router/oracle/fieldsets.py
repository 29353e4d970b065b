"""Field sets: what a key, a requirement or a provision names, read off an object or a JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from graphql import (
    FieldNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    parse,
    value_from_ast_untyped,
)

__all__ = ["Fits", "arguments", "fields_for", "leaves", "parse_field_set"]

Fits = Callable[[str, str], bool]
"""(runtime type, type condition) -> whether the object belongs to it."""


@cache
def parse_field_set(text: str) -> SelectionSetNode:
    """Return the selection set of a field set."""
    (definition,) = parse("{" + text + "}", no_location=True).definitions
    assert isinstance(definition, OperationDefinitionNode)
    return definition.selection_set


def fields_for(selections: SelectionSetNode, kind: str | None, fits: Fits) -> Iterator[FieldNode]:
    """Yield the fields that concern an object of this runtime type."""
    for each in selections.selections:
        if isinstance(each, FieldNode):
            yield each
        elif isinstance(each, InlineFragmentNode):
            condition = each.type_condition
            if condition is None:
                yield from fields_for(each.selection_set, kind, fits)
                continue
            if kind is None:
                raise LookupError(f"came without __typename, which ... on {condition.name.value}")
            if fits(kind, condition.name.value):
                yield from fields_for(each.selection_set, kind, fits)


def leaves(selections: SelectionSetNode, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the paths of a field set's leaves; type conditions are passed over."""
    for each in selections.selections:
        if isinstance(each, FieldNode) and each.selection_set:
            yield from leaves(each.selection_set, (*path, each.name.value))
        elif isinstance(each, FieldNode):
            yield (*path, each.name.value)
        elif isinstance(each, InlineFragmentNode):
            yield from leaves(each.selection_set, path)


def arguments(node: FieldNode) -> Mapping[str, Any]:
    """Return a field's literal arguments."""
    return {each.name.value: value_from_ast_untyped(each.value) for each in node.arguments or ()}
