"""Checking a field set against the type it selects from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from graphql import print_ast
from msgspec import Struct
from msgspec.structs import replace

from router.composition.fieldsets import (
    Arguments,
    SelectedDirective,
    SelectedField,
    SelectedFragment,
    Selection,
)
from router.composition.literals import is_valid_literal
from router.composition.model import (
    Argument,
    CompositeType,
    DirectiveDefinition,
    FieldDefinition,
    InterfaceType,
    TypeDefinition,
    UnionType,
    base_name,
)
from router.composition.specs import BUILT_IN_DIRECTIVES

__all__ = ["SelectionProblem", "first_problem", "is_readable", "readable_part"]

Types = Mapping[str, TypeDefinition]
Directives = Mapping[str, DirectiveDefinition]


class SelectionProblem(Struct, frozen=True):
    """What is wrong first.

    ``selects_abstract``: only a key may not select this. ``unreadable``: a name that means
    nothing, so that the selection as a whole says nothing.
    """

    message: str
    selects_abstract: bool = False
    unreadable: bool = False


def first_problem(
    selection: Selection,
    parent: str,
    types: Types,
    directives: Directives,
    *,
    forbid_abstract: bool = False,
) -> SelectionProblem | None:
    """Return the first reason why a selection is not valid on a type, or None.

    ``forbid_abstract`` refuses fields of interface and union types, as ``@key`` does.
    """
    return next(_problems(selection, parent, types, directives, forbid_abstract), None)


def is_readable(selection: Selection, parent: str, types: Types, directives: Directives) -> bool:
    """Tell whether every name in a selection means something, whatever else may be wrong."""
    return not any(
        problem.unreadable for problem in _problems(selection, parent, types, directives, False)
    )


def readable_part(
    selection: Selection, parent: str, types: Types, directives: Directives
) -> Selection:
    """Return a selection up to the first name in it that means nothing."""
    items: list[SelectedField | SelectedFragment] = []
    for item in selection.items:
        if is_readable(Selection((item,)), parent, types, directives):
            items.append(item)
            continue
        if any(any(_directive_problems(each, types, directives)) for each in item.directives):
            break
        inside = item.on_type or parent if isinstance(item, SelectedFragment) else None
        if isinstance(item, SelectedField):
            found = types.get(parent)
            field = found.fields.get(item.name) if isinstance(found, CompositeType) else None
            inside = base_name(field.type) if field is not None else None
        if inside is not None and item.selection is not None:
            nested = readable_part(item.selection, inside, types, directives)
            items.append(replace(item, selection=nested))
        elif inside is not None:
            items.append(item)
        break
    return Selection(tuple(items))


def _problems(
    selection: Selection,
    parent: str,
    types: Types,
    directives: Directives,
    forbid_abstract: bool,
) -> Iterator[SelectionProblem]:
    for item in selection.items:
        for applied in item.directives:
            yield from _directive_problems(applied, types, directives)
        if isinstance(item, SelectedFragment):
            on_type = item.on_type or parent
            if not _can_be(parent, on_type, types):
                yield SelectionProblem(
                    f'A fragment on "{on_type}" can never match inside "{parent}".',
                    unreadable=True,
                )
            yield from _problems(item.selection, on_type, types, directives, forbid_abstract)
            continue
        if item.alias is not None:
            yield SelectionProblem(
                f'Cannot use alias "{item.alias}" in "{item.alias}: {item.name}": aliases are not '
                "supported here."
            )
        if item.name == "__typename":
            continue
        found = types.get(parent)
        field = found.fields.get(item.name) if isinstance(found, CompositeType) else None
        if field is None:
            yield SelectionProblem(
                f'Cannot query field "{item.name}" on type "{parent}" (the field should either be '
                "added to this subgraph or, if it should not be resolved by this subgraph, you "
                "need to add it to this subgraph with @external).",
                unreadable=True,
            )
            continue
        yield from _argument_problems(item, field, types)
        target = types.get(base_name(field.type))
        if forbid_abstract and isinstance(target, InterfaceType | UnionType):
            kind = "interface" if isinstance(target, InterfaceType) else "union"
            yield SelectionProblem(
                f'field "{field.coordinate}" is of the {kind} type {target.name}, which is not '
                "allowed in @key",
                selects_abstract=True,
            )
        is_composite = isinstance(target, CompositeType | UnionType)
        if is_composite and item.selection is None:
            yield SelectionProblem(
                f'field "{field.coordinate}" of type {base_name(field.type)} needs a selection of '
                "its own fields"
            )
        elif not is_composite and item.selection is not None:
            yield SelectionProblem(
                f'field "{field.coordinate}" of type {base_name(field.type)} has no fields to '
                "select from"
            )
        elif item.selection is not None:
            yield from _problems(
                item.selection, base_name(field.type), types, directives, forbid_abstract
            )


def _directive_problems(
    applied: SelectedDirective, types: Types, directives: Directives
) -> Iterator[SelectionProblem]:
    definition = BUILT_IN_DIRECTIVES.get(applied.name) or directives.get(applied.name)
    if definition is None:
        yield SelectionProblem(f'Unknown directive "@{applied.name}"', unreadable=True)
        return
    at = f"@{applied.name}"
    yield from _value_problems(applied.arguments, definition.arguments, at, types)


def _argument_problems(
    item: SelectedField, field: FieldDefinition, types: Types
) -> Iterator[SelectionProblem]:
    yield from _value_problems(item.arguments, field.arguments, field.coordinate, types)
    given = dict(item.arguments)
    for argument in field.arguments.values():
        if argument.is_required and argument.name not in given:
            yield SelectionProblem(
                f'Missing mandatory value for argument "{argument.name}" of field '
                f'"{field.coordinate}"'
            )


def _value_problems(
    given: Arguments, known: Mapping[str, Argument], owner: str, types: Types
) -> Iterator[SelectionProblem]:
    for name, value in given:
        argument = known.get(name)
        if argument is None:
            yield SelectionProblem(f'"{owner}" has no argument named "{name}"', unreadable=True)
        elif not is_valid_literal(value, argument.type, types):
            yield SelectionProblem(
                f'Invalid value {print_ast(value)} for argument "{name}: {argument.type}" of '
                f'"{owner}"',
                unreadable=True,
            )


def _can_be(parent: str, on_type: str, types: Types) -> bool:
    """Tell whether a type condition may stand inside a type; abstract types are given the
    benefit of the doubt, since other subgraphs may add to them.
    """
    if parent == on_type:
        return True
    pair = (types.get(parent), types.get(on_type))
    if not all(isinstance(found, CompositeType | UnionType) for found in pair):
        return False
    return any(isinstance(found, InterfaceType | UnionType) for found in pair)
