"""How the arguments of a non-repeatable directive are merged when applications differ."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import reduce
from itertools import product
from types import MappingProxyType
from typing import Final, TypeAlias, TypeVar, cast

from router.composition.merged import Value

__all__ = ["ARGUMENT_STRATEGIES", "Strategy", "conjunction_of_dnf"]

_T = TypeVar("_T", bound=Hashable)

Strategy: TypeAlias = Callable[[Sequence[Value]], Value]
"""Takes the values of the distinct applications (None where absent) and gives one; None: absent."""


def maximum(values: Sequence[Value]) -> Value:
    """``MAX``"""
    return max(cast("Sequence[int]", values))


def nullable_maximum(values: Sequence[Value]) -> Value:
    """``NULLABLE_MAX``: nulls are ignored."""
    return max(
        (value for value in cast("Sequence[int | None]", values) if value is not None), default=None
    )


def nullable_union(values: Sequence[Value]) -> Value:
    """``NULLABLE_UNION``: the items of all lists, in the order first seen."""
    lists = [cast("list[str]", value) for value in values if value is not None]
    return cast("Value", reduce(_united, lists)) if lists else None


def nullable_and(values: Sequence[Value]) -> Value:
    """``NULLABLE_AND``: true unless one is false; nulls are ignored."""
    known = [value for value in values if value is not None]
    return all(known) if known else None


def conjunction_of_dnf(values: Sequence[Value]) -> Value:
    """``DNF_CONJUNCTION``: all operands hold; each is a list (or) of lists (and).

    An empty operand is true. Operands are sorted first, so that equal ones collapse; a single
    operand that remains is given sorted and otherwise as it is, several are multiplied out and
    every term that another one implies is dropped, which leaves short ones first.
    """
    operands: list[list[list[str]]] = []
    for value in values:
        terms = cast("list[list[str]]", value) or [[]]
        operand = sorted((sorted(term, key=_as_text) for term in terms), key=_as_json)
        if operand not in operands:
            operands.append(operand)
    result = operands[0]
    for operand in operands[1:]:
        result = _multiplied(result, operand)
    return cast("Value", result)


def _multiplied(left: list[list[str]], right: list[list[str]]) -> list[list[str]]:
    terms = [sorted(_united(one, other), key=_as_text) for one, other in product(left, right)]
    kept: list[list[str]] = []
    demands: dict[str | None, list[frozenset[str]]] = {}
    """By their first demand, which a term that implies one has too."""
    for term in sorted(terms, key=len):
        demanded = frozenset(term)
        fewer = (each for first in (None, *term) for each in demands.get(first, ()))
        if not any(each <= demanded for each in fewer):
            kept.append(term)
            demands.setdefault(term[0] if term else None, []).append(demanded)
    return kept


def _united(one: list[_T], other: list[_T]) -> list[_T]:
    known = frozenset(one)
    return [*one, *(each for each in other if each not in known)]


def _as_text(value: object) -> bytes:
    return str(value).encode("utf-16-be", "surrogatepass")


def _as_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


ARGUMENT_STRATEGIES: Final[Mapping[str, Mapping[str, tuple[str, Strategy]]]] = MappingProxyType(
    {
        "cost": {"weight": ("MAX", maximum)},
        "listSize": {
            "assumedSize": ("NULLABLE_MAX", nullable_maximum),
            "slicingArguments": ("NULLABLE_UNION", nullable_union),
            "sizedFields": ("NULLABLE_UNION", nullable_union),
            "requireOneSlicingArgument": ("NULLABLE_AND", nullable_and),
        },
        "requiresScopes": {"scopes": ("DNF_CONJUNCTION", conjunction_of_dnf)},
        "policy": {"policies": ("DNF_CONJUNCTION", conjunction_of_dnf)},
    }
)
"""By the directive's canonical name and argument: the strategy's name and function."""
