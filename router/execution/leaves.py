"""Leaf values as subgraphs send them -> leaf values as clients may see them.

A value of the wrong kind is worse than none: clients generate types from the schema. Integral
floats pass as Int and numbers as ID, as GraphQL servers serialise them (spec, section 3.5).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

from graphql import GraphQLEnumType, GraphQLNamedType

__all__ = [
    "INVALID",
    "MAX_DEPTH",
    "boolean",
    "checker",
    "float_",
    "id_",
    "int_",
    "scalar",
    "string",
]

INVALID: Final[Any] = object()
"""Returned for a value that its type does not allow."""

MAX_DEPTH: Final = 200
"""How deep a custom scalar's value may nest; deeper ones cannot be written as JSON."""


def checker(kind: GraphQLNamedType) -> Callable[[Any], Any]:
    """Return the function that maps a value that is not null to its client form or INVALID."""
    if isinstance(kind, GraphQLEnumType):
        allowed = frozenset(kind.values)
        return lambda value: value if isinstance(value, str) and value in allowed else INVALID
    return _BUILT_IN.get(kind.name, scalar)


def string(value: Any) -> Any:
    """String: text only."""
    return str(value) if isinstance(value, str) else INVALID


def id_(value: Any) -> Any:
    """ID: text, or an integer as text."""
    if isinstance(value, str):
        return str(value)
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else INVALID


def int_(value: Any) -> Any:
    """Int: an integral number of 32 bits."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        return INVALID
    return value if -2_147_483_648 <= value <= 2_147_483_647 else INVALID


def float_(value: Any) -> Any:
    """Float: any finite number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return INVALID
    return value if math.isfinite(value) else INVALID


def boolean(value: Any) -> Any:
    """Boolean: true or false."""
    return value if isinstance(value, bool) else INVALID


def scalar(value: Any) -> Any:
    """A custom scalar: anything that JSON can hold, not nested too deep."""
    return value if _depth_within(value, MAX_DEPTH) else INVALID


def _depth_within(value: Any, left: int) -> bool:
    if not isinstance(value, (dict, list)):
        return True
    if left == 0:
        return False
    items = value.values() if isinstance(value, dict) else value
    return all(_depth_within(item, left - 1) for item in items)


_BUILT_IN: Final[dict[str, Callable[[Any], Any]]] = {
    "String": string,
    "ID": id_,
    "Int": int_,
    "Float": float_,
    "Boolean": boolean,
}
