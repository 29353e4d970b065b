"""The root fields of a mutation in the order in which they run (GraphQL spec, 6.2.2).

A response key runs once, where the first of its fields stands that is not left out; all its fields
are part of it. Under other conditions that may be another place::

    {a {x} b {y} a {z}}                       a {x z}, then b
    {a @include(if: $c) {x} b {y} a {z}}      $c: a {x z}, then b; not $c: b, then a {z}
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Final, TypeAlias

from msgspec.structs import replace

from router.errors import OperationInvalid
from router.planning.plan import When
from router.planning.selection import Conditions, Field, Selection, Selections, conjunction

__all__ = ["RootField", "root_fields"]

MAX_VARIABLES: Final = 6
"""Variables on which the order of root fields may depend."""

RootField: TypeAlias = tuple[Field, ...]
"""All fields of one response key, that are one call."""


def root_fields(selections: Selections) -> list[RootField]:
    """The calls in order; each to be asked of one subgraph.

    Where conditions change the order, a call is there for each combination of their values.
    Raises OperationInvalid where too many variables do.
    """
    fields = list(_flattened(selections))
    merged = _merged(fields)
    if len(merged) == len(fields):
        return merged
    names = sorted({when.variable for field in fields for when in field.when})
    if not names:
        return merged
    if len(names) > MAX_VARIABLES:
        message = f"The order of the root fields depends on {len(names)} variables; "
        raise OperationInvalid([{"message": f"{message}{MAX_VARIABLES} are allowed."}])
    first = [call[0].key for call in merged]
    cases = list(_cases(fields, names))
    if all(_keys(calls) == [k for k in first if k in _keys(calls)] for _, calls in cases):
        return merged
    return [
        tuple(
            replace(field, when=when, selections=_possible(field.selections, when))
            for field in call
        )
        for when, calls in cases
        for call in calls
    ]


def _flattened(selections: Selections) -> Iterator[Field]:
    """The root fields with the conditions of the fragments around them."""
    for selection in selections:
        if isinstance(selection, Field):
            yield selection
            continue
        for inner in _flattened(selection.selections):
            when = conjunction(selection.when, inner.when)
            if when is not None:
                yield replace(inner, when=when)


def _possible(selections: Selections, enclosing: Conditions) -> Selections:
    """What of the selections may be wanted where the conditions around them hold."""
    kept: list[Selection] = []
    for each in selections:
        when = conjunction(enclosing, each.when)
        if when is None:
            continue
        inner = _possible(each.selections, when)
        if inner or isinstance(each, Field):
            kept.append(replace(each, selections=inner))
    return tuple(kept)


def _merged(fields: Sequence[Field]) -> list[RootField]:
    calls: dict[str, list[Field]] = {}
    for field in fields:
        calls.setdefault(field.key, []).append(field)
    return [tuple(call) for call in calls.values()]


def _keys(calls: Sequence[RootField]) -> list[str]:
    return [call[0].key for call in calls]


def _cases(
    fields: Sequence[Field], names: Sequence[str]
) -> Iterator[tuple[Conditions, list[RootField]]]:
    """The calls that are made for each combination of the conditions' values."""
    for values in product((True, False), repeat=len(names)):
        when = tuple(When(name, value) for name, value in zip(names, values, strict=True))
        present = [field for field in fields if set(field.when) <= set(when)]
        yield when, _merged(present)
