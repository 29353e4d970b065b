"""What is left of an answer where something was lost: the truth, or a null that may be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphql import GraphQLList, GraphQLNonNull

__all__ = ["unsound"]


def unsound(
    expected: Any, found: Any, path: tuple[Any, ...], types: Mapping[tuple[Any, ...], Any]
) -> tuple[Any, ...] | None:
    """Return where the answer is neither the truth nor a null that may be."""
    if isinstance(expected, dict) and isinstance(found, dict):
        if list(expected) != list(found):
            return path
        for key, value in expected.items():
            place = (*path, key)
            if place not in types:
                if found[key] != value:
                    return place
            elif wrong := _wrong_value(value, found[key], place, types[place], types):
                return wrong
        return None
    return None if expected == found else path


def _wrong_value(
    expected: Any,
    found: Any,
    path: tuple[Any, ...],
    kind: Any,
    types: Mapping[tuple[Any, ...], Any],
) -> tuple[Any, ...] | None:
    if found is None:
        return path if isinstance(kind, GraphQLNonNull) else None
    inner = kind.of_type if isinstance(kind, GraphQLNonNull) else kind
    if isinstance(inner, GraphQLList) and isinstance(expected, list) and isinstance(found, list):
        if len(expected) != len(found):
            return path
        for index, (one, other) in enumerate(zip(expected, found, strict=True)):
            place = (*path, index)
            if wrong := _wrong_value(one, other, place, inner.of_type, types):
                return wrong
        return None
    return unsound(expected, found, path, types)
