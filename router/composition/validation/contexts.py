"""``@context`` and ``@fromContext``: names, places, and what a context can give an argument."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from graphql import StringValueNode

from router.composition.facts import is_resolvable
from router.composition.fieldsets import (
    FieldSetInvalid,
    SelectedField,
    SelectedFragment,
    Selection,
    parse_context_field,
    parse_field_set,
)
from router.composition.model import (
    Applied,
    Argument,
    CompositeType,
    FieldDefinition,
    ListOf,
    Named,
    NonNull,
    ObjectType,
    Subgraph,
    TypeRef,
)
from router.composition.problems import Problems
from router.composition.selections import first_problem
from router.composition.subtypes import possible_types

__all__ = ["check_contexts"]

_NAME: Final = re.compile(r"[A-Za-z]\w*\Z")


def check_contexts(subgraph: Subgraph, problems: Problems) -> None:
    """Check every context that is set, and every argument that is taken from one."""
    contexts: dict[str, list[str]] = {}
    for found in subgraph.types.values():
        for applied in found.applications("context"):
            name = _text(applied, "name")
            contexts.setdefault(name, []).append(found.name)
            if "_" in name:
                problems.add(
                    "CONTEXT_NAME_INVALID",
                    f'Context name "{name}" may not contain an underscore.',
                    found.name,
                )
            elif not _NAME.match(name):
                problems.add(
                    "CONTEXT_NAME_INVALID",
                    f'Context name "{name}" is invalid: it should be letters and digits.',
                    found.name,
                )
    for code, message, coordinate in _uses(subgraph, contexts):
        problems.add(code, message, coordinate)


def _uses(subgraph: Subgraph, contexts: dict[str, list[str]]) -> Iterator[tuple[str, str, str]]:
    for directive in subgraph.directives.values():
        for argument in directive.arguments.values():
            if argument.is_applied("fromContext"):
                at = f"@{directive.name}({argument.name}:)"
                yield (
                    "CONTEXT_NOT_SET",
                    f'@fromContext cannot be used in a directive definition ("{at}").',
                    at,
                )
    for found in subgraph.types.values():
        if not isinstance(found, CompositeType):
            continue
        for field in found.fields.values():
            for argument in field.arguments.values():
                applied = argument.first("fromContext") if argument.directives else None
                if applied is None:
                    continue
                at = f"{field.coordinate}({argument.name}:)"
                for code, message in _use(subgraph, contexts, found, field, argument, applied):
                    yield code, message, at


def _use(
    subgraph: Subgraph,
    contexts: dict[str, list[str]],
    found: CompositeType,
    field: FieldDefinition,
    argument: Argument,
    applied: Applied,
) -> Iterator[tuple[str, str]]:
    at = f'"{field.coordinate}({argument.name}:)"'
    if not isinstance(found, ObjectType):
        yield "CONTEXT_NOT_SET", f"@fromContext cannot be used in an abstract type (at {at})."
        return
    for name in found.interfaces:
        interface = subgraph.types.get(name)
        if isinstance(interface, CompositeType) and field.name in interface.fields:
            yield (
                "CONTEXT_NOT_SET",
                f"@fromContext cannot be used on a field that implements an interface's "
                f'("{name}.{field.name}", at {at}).',
            )
    if argument.default is not None:
        yield "CONTEXT_NOT_SET", f"An argument with @fromContext cannot have a default (at {at})."
    text = _text(applied, "field")
    parsed = parse_context_field(text)
    if parsed is None:
        yield (
            "NO_CONTEXT_IN_SELECTION",
            f'@fromContext at {at} should be of the form "$context {{ field }}", not "{text}".',
        )
        return
    if parsed[0] not in contexts:
        yield "CONTEXT_NOT_SET", f'Context "{parsed[0]}" is used at {at} but never set.'
    else:
        reason = _selection_problem(subgraph, contexts[parsed[0]], parsed[1], argument.type)
        if reason is not None:
            yield (
                "CONTEXT_INVALID_SELECTION",
                f'Context "{parsed[0]}" is used at {at} but its selection is invalid: '
                f"{reason.removesuffix('.')}.",
            )
    if not any(is_resolvable(applied) for applied in found.applications("key")):
        yield (
            "CONTEXT_NO_RESOLVABLE_KEY",
            f'Type "{found.name}" has no resolvable key but a contextual argument at {at}.',
        )


def _text(applied: Applied, argument: str) -> str:
    value = applied.arguments.get(argument)
    return value.value if isinstance(value, StringValueNode) else ""


# -- selections ----------------------------------------------------------------------------


def _selection_problem(
    subgraph: Subgraph, owners: Sequence[str], text: str, wanted: TypeRef
) -> str | None:
    try:
        selection = parse_field_set(text)
    except FieldSetInvalid as error:
        return str(error)
    if any(item.directives for item in selection.items):
        return "directives are not allowed"
    first = selection.items[0]
    if isinstance(first, SelectedField):
        if len(selection.items) > 1:
            return "multiple selections are made"
        return next(
            filter(None, (_field_problem(subgraph, own, selection, wanted) for own in owners)), None
        )
    return _fragments_problem(subgraph, owners, selection, wanted)


def _field_problem(
    subgraph: Subgraph, owner: str, selection: Selection, wanted: TypeRef
) -> str | None:
    problem = first_problem(selection, owner, subgraph.types, subgraph.directives)
    if problem is not None:
        return f"for type {owner}, {problem.message}"
    selected = _selected_type(subgraph, owner, selection)
    if isinstance(selected, str):
        return selected
    if not _is_assignable(selected, wanted):
        return f'its type "{selected}" does not match the argument\'s type "{wanted}"'
    return None


def _fragments_problem(
    subgraph: Subgraph, owners: Sequence[str], selection: Selection, wanted: TypeRef
) -> str | None:
    conditions: dict[str, Selection] = {}
    for item in selection.items:
        if not isinstance(item, SelectedFragment) or item.on_type is None:
            return "fields and fragments are mixed"
        if not isinstance(subgraph.types.get(item.on_type), ObjectType):
            return f'the type condition "{item.on_type}" is no object type'
        if item.on_type in conditions:
            return f'the type condition "{item.on_type}" occurs twice'
        conditions[item.on_type] = item.selection
    unused = set(conditions)
    for owner in owners:
        matching = possible_types(owner, subgraph.types) & conditions.keys()
        if not matching:
            return f'no type condition matches the location "{owner}"'
        unused -= matching
        for name in sorted(matching):
            nested = conditions[name]
            if len(nested.items) > 1:
                return "multiple selections are made"
            problem = first_problem(nested, name, subgraph.types, subgraph.directives)
            if problem is not None:
                return f"for type {name}, {problem.message}"
            selected = _selected_type(subgraph, name, nested)
            if isinstance(selected, str):
                return selected
            if not _is_assignable(selected, wanted):
                return f'its type "{selected}" does not match the argument\'s type "{wanted}"'
    if unused:
        return f'the type condition "{min(unused)}" matches no location of the context'
    return None


def _selected_type(subgraph: Subgraph, parent: str, selection: Selection) -> TypeRef | str:
    """Return the type of the one value that a selection gives, or why it gives none."""
    if subgraph.is_interface_object(parent):
        return f'"{parent}" is an interface object'
    if len(selection.items) != 1:
        return "multiple selections are made"
    item = selection.items[0]
    if item.directives:
        return "directives are not allowed"
    if isinstance(item, SelectedFragment):
        return _selected_type(subgraph, item.on_type or parent, item.selection)
    if item.name == "__typename":
        return NonNull(Named("String"))
    found = subgraph.types.get(parent)
    if not isinstance(found, CompositeType) or item.name not in found.fields:
        return f'"{item.name}" gives no value'
    outer = found.fields[item.name].type
    if item.selection is None:
        return outer
    return _wrapped(subgraph, outer, item.selection)


def _wrapped(subgraph: Subgraph, outer: TypeRef, selection: Selection) -> TypeRef | str:
    """Return the type of a nested selection, in the lists that are on the way."""
    match outer:
        case NonNull(of):
            return _wrapped(subgraph, of, selection)
        case ListOf(of):
            inner = _wrapped(subgraph, of, selection)
            return inner if isinstance(inner, str) else ListOf(inner)
        case Named(name):
            return _selected_type(subgraph, name, selection)


def _is_assignable(selected: TypeRef, wanted: TypeRef) -> bool:
    """Tell whether a context may fill an argument: a context can be null at every level.

    So the argument must be nullable throughout, as the reference wants it.
    """
    return str(selected).replace("!", "") == str(wanted)
