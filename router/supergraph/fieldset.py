"""Field sets: the selections inside ``@key``, ``@requires``, ``@provides`` and ``@fromContext``.

A field set is written as a string relative to a type. Parsed, equal fields are merged, so that
two spellings of one selection compare equal.
"""

from __future__ import annotations

from typing import TypeAlias

from graphql import (
    FieldNode,
    GraphQLSyntaxError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    parse,
    print_ast,
)
from msgspec import Struct

from router.errors import SupergraphInvalid

__all__ = ["FieldSet", "SetField", "SetFragment", "parse_field_set", "top_level_fields"]


class SetField(Struct, frozen=True):
    """A field of a field set; ``arguments`` is printed without parentheses, sorted by name."""

    name: str
    arguments: str = ""
    selections: FieldSet = ()


class SetFragment(Struct, frozen=True):
    """``... on Type { }`` inside a field set."""

    on: str
    selections: FieldSet


FieldSet: TypeAlias = "tuple[SetField | SetFragment, ...]"


def parse_field_set(text: str, where: str) -> FieldSet:
    """Parse ``"id org { id }"`` (braces around it are allowed); ``where`` is for the error."""
    source = text.strip()
    if not source.startswith("{"):
        source = "{" + source + "}"
    try:
        document = parse(source, no_location=True)
    except GraphQLSyntaxError as error:
        raise SupergraphInvalid(
            f"The field set {text!r} of {where} does not parse: {error.message} "
            "Write field names separated by spaces."
        ) from error
    operation = document.definitions[0]
    if len(document.definitions) != 1 or not isinstance(operation, OperationDefinitionNode):
        raise SupergraphInvalid(f"The field set {text!r} of {where} is not one selection set.")
    return _merged(_selections(operation.selection_set, text, where))


def _selections(node: SelectionSetNode | None, text: str, where: str) -> FieldSet:
    if node is None:
        return ()
    found: list[SetField | SetFragment] = []
    for selection in node.selections:
        if isinstance(selection, FieldNode):
            arguments = sorted(print_ast(argument) for argument in selection.arguments or ())
            inner = _selections(selection.selection_set, text, where)
            found.append(SetField(selection.name.value, ", ".join(arguments), inner))
        elif isinstance(selection, InlineFragmentNode):
            inner = _selections(selection.selection_set, text, where)
            if selection.type_condition is None:
                found.extend(inner)
            else:
                found.append(SetFragment(selection.type_condition.name.value, inner))
        else:
            raise SupergraphInvalid(
                f"The field set {text!r} of {where} uses a named fragment; write it inline."
            )
    return tuple(found)


def _merged(selections: FieldSet) -> FieldSet:
    groups: dict[tuple[str, ...], SetField | SetFragment] = {}
    for selection in selections:
        match selection:
            case SetField(name, arguments, inner):
                key: tuple[str, ...] = ("field", name, arguments)
                known = groups.get(key)
                groups[key] = SetField(name, arguments, (known.selections if known else ()) + inner)
            case SetFragment(on, inner):
                key = ("fragment", on)
                known = groups.get(key)
                groups[key] = SetFragment(on, (known.selections if known else ()) + inner)
    return tuple(
        SetField(group.name, group.arguments, _merged(group.selections))
        if isinstance(group, SetField)
        else SetFragment(group.on, _merged(group.selections))
        for group in groups.values()
    )


def top_level_fields(selections: FieldSet) -> frozenset[str]:
    """The names of the outermost fields, those inside fragments included."""
    names: set[str] = set()
    for selection in selections:
        if isinstance(selection, SetField):
            names.add(selection.name)
        else:
            names |= top_level_fields(selection.selections)
    return frozenset(names)
