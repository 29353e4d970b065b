"""Field sets: the selections inside ``@key``, ``@requires``, ``@provides`` and contexts.

    "id owner { ... on Person { email } }"

Parsing here knows no schema; checking one against a type is in
:mod:`router.composition.validation`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, TypeAlias

from graphql import (
    DirectiveNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
    parse,
    print_ast,
)
from msgspec import Struct

__all__ = [
    "Arguments",
    "FieldSetInvalid",
    "SelectedDirective",
    "SelectedField",
    "SelectedFragment",
    "Selection",
    "parse_context_field",
    "parse_field_set",
]

MAX_DEPTH: Final = 64
"""Selections in selections: whoever follows one calls itself for each level."""

_CONTEXT_FIELD: Final = re.compile(
    r"(?:[\s,]|#[^\n]*\n)*\$(?:[\s,]|#[^\n]*\n)*([A-Za-z_]\w*)(.*)", re.DOTALL
)


class FieldSetInvalid(ValueError):
    """The text is no field set; the message says what is wrong, for people."""


Arguments: TypeAlias = tuple[tuple[str, ValueNode], ...]
"""Names and values, as written."""


class SelectedDirective(Struct, frozen=True):
    """A directive inside a field set, where none may be."""

    name: str
    arguments: Arguments = ()


class SelectedField(Struct, frozen=True, eq=False):
    """One field; ``selection`` is None for a leaf, ``directives`` and ``alias`` are errors later."""

    name: str
    arguments: Arguments = ()
    selection: Selection | None = None
    directives: tuple[SelectedDirective, ...] = ()
    alias: str | None = None


class SelectedFragment(Struct, frozen=True, eq=False):
    """``... on on_type { selection }``, or without a type condition when None."""

    on_type: str | None
    selection: Selection
    directives: tuple[SelectedDirective, ...] = ()


class Selection(Struct, frozen=True, eq=False):
    """Fields and fragments in the order written."""

    items: tuple[SelectedField | SelectedFragment, ...]

    def __str__(self) -> str:
        return " ".join(_text(item) for item in self.items)


def parse_field_set(text: str) -> Selection:
    """Return the selection that a text stands for; braces around all of it are optional.

    Raises :class:`FieldSetInvalid` for a syntax error, a named fragment or too deep a selection.
    """
    parsed = _parse(text)
    if isinstance(parsed, str):
        raise FieldSetInvalid(parsed)
    return parsed


def parse_context_field(text: str) -> tuple[str, str] | None:
    """Return the context's name and the raw selection of ``"$name { field }"``, or None."""
    found = _CONTEXT_FIELD.fullmatch(text)
    if found is None or not found[2]:
        return None
    return found[1], found[2]


@lru_cache(maxsize=4096)
def _parse(text: str) -> Selection | str:
    source = text if text.strip().startswith("{") else f"{{{text}}}"
    try:
        document = parse(source, no_location=True)
    except GraphQLError as error:
        return error.message
    if len(document.definitions) != 1:
        return "expected one selection"
    operation = document.definitions[0]
    if isinstance(operation, FragmentDefinitionNode) or not isinstance(
        operation, OperationDefinitionNode
    ):
        return "expected one selection"
    try:
        return _selection(operation.selection_set)
    except FieldSetInvalid as error:
        return str(error)


def _selection(node: SelectionSetNode, depth: int = 1) -> Selection:
    if depth > MAX_DEPTH:
        raise FieldSetInvalid(f"It is nested more than {MAX_DEPTH} levels deep.")
    if not node.selections:
        raise FieldSetInvalid("Syntax Error: expected a field, found nothing.")
    items: list[SelectedField | SelectedFragment] = []
    for selected in node.selections:
        directives = tuple(
            SelectedDirective(directive.name.value, _arguments(directive))
            for directive in selected.directives or ()
        )
        match selected:
            case FieldNode():
                items.append(_field(selected, directives, depth))
            case InlineFragmentNode():
                condition = selected.type_condition
                on_type = condition.name.value if condition is not None else None
                items.append(
                    SelectedFragment(
                        on_type, _selection(selected.selection_set, depth + 1), directives
                    )
                )
            case FragmentSpreadNode():
                raise FieldSetInvalid(f'Unknown fragment "{selected.name.value}".')
            case _:
                raise FieldSetInvalid("expected fields and inline fragments")
    return Selection(tuple(items))


def _field(node: FieldNode, directives: tuple[SelectedDirective, ...], depth: int) -> SelectedField:
    inside = node.selection_set
    nested = _selection(inside, depth + 1) if inside is not None else None
    alias = node.alias.value if node.alias is not None else None
    return SelectedField(node.name.value, _arguments(node), nested, directives, alias)


def _arguments(node: FieldNode | DirectiveNode) -> Arguments:
    return tuple((argument.name.value, argument.value) for argument in node.arguments or ())


def _text(item: SelectedField | SelectedFragment) -> str:
    if isinstance(item, SelectedFragment):
        condition = f" on {item.on_type}" if item.on_type is not None else ""
        return f"...{condition} {{ {item.selection} }}"
    arguments = ", ".join(f"{name}: {print_ast(value)}" for name, value in item.arguments)
    name = f"{item.alias}: {item.name}" if item.alias is not None else item.name
    field = f"{name}({arguments})" if arguments else name
    return field if item.selection is None else f"{field} {{ {item.selection} }}"
