"""Whether the errors of an answer stand where one schema has them, and say who failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from graphql import GraphQLError

from .truth import Hidden, Poisoned

__all__ = ["astray", "is_meant", "is_silent", "misplaced"]


def is_silent(error: GraphQLError) -> bool:
    """Tell whether the error is one that the client need not be told."""
    return isinstance(error.original_error or error, Hidden)


def is_meant(error: GraphQLError) -> bool:
    """Tell whether the world says that there is an error, or a null where none may be."""
    return isinstance(error.original_error or error, GraphQLError | TypeError)


def misplaced(
    found: Sequence[Mapping[str, Any]],
    expected: Sequence[GraphQLError],
    data: Any,
    *,
    in_parts: bool,
) -> Any:
    """Return (places, repetitions, codes) that should not be where all that went wrong are poisoned values.

    Nothing else goes wrong for their sake, so there is one error a place, or one of each subgraph
    that knows a part of what is there, or of each part of a deferred answer. Where a null went up from its place, it depends on who came first which errors there are.
    """
    poisoned = all(isinstance(error.original_error or error, Poisoned) for error in expected)
    if not poisoned or not all(_stands(data, error.path or ()) for error in expected):
        return None
    meant = {(str(error.path), error.message) for error in expected}
    told = Counter((str(error.get("path")), error["message"], _who(error)) for error in found)
    twice = [each for each, count in told.items() if count > 1 and not in_parts]
    lacking = meant ^ {(path, message) for path, message, _ in told}
    codes = {error["extensions"]["code"] for error in found} - {"DOWNSTREAM_SERVICE_ERROR"}
    return (lacking, twice, codes) if lacking or twice or codes else None


def astray(response: Mapping[str, Any]) -> list[Any]:
    """Return the errors that lead nowhere: to no place of the data, nor above it; or lack a code."""
    return [
        error
        for error in response.get("errors", ())
        if not _leads(response["data"], error.get("path", ()))
        or not isinstance(error["extensions"].get("code"), str)
    ]


def _leads(data: Any, path: Sequence[str | int]) -> bool:
    for step in path:
        if data is None:
            return True
        try:
            data = data[step]
        except (LookupError, TypeError):
            return False
    return True


def _who(error: Mapping[str, Any]) -> str:
    return str(error["extensions"]["serviceName"])


def _stands(data: Any, path: Sequence[str | int]) -> bool:
    """Tell whether the null of an error is at the error's own place."""
    for step in path:
        if data is None:
            return False
        data = data[step]
    return True
