"""What a client is told of what was cut out of its operation: an error at each place.

Only answers of callers who were denied something pass here, so an ordinary request pays nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, TypeAlias

import orjson

from router.execution import Answer
from router.server.rights import MARK, Need

__all__ = ["denied_answer", "denied_errors"]

_Path: TypeAlias = tuple[str | int, ...]

_MOST: Final = 100
"""Places told of per selection; one more error, at the first list, says how many were left out."""


def denied_answer(answer: Answer, denied: Sequence[Need]) -> Answer:
    """The same response with one error per place in the data that is null for want of rights.

    Where nothing came back nothing is said. What the executor says about a null at a denied place
    is left out: the denial is its reason. Where one path leads to fields of several types, each
    object's mark tells whether its null is a denial; the marks are taken out here.
    """
    response = orjson.loads(answer.body)
    others, propagated = _explained(answer.errors, denied)
    told: set[_Path] = set()
    errors = []
    for need in denied:
        nulls = [*_nulls(response.get("data"), need, 0, ()), *propagated.get(id(need), ())]
        fresh = [place for place in dict.fromkeys(nulls) if place not in told]
        told.update(fresh)
        errors += [need.error(place) for place in fresh[:_MOST]]
        if len(fresh) > _MOST:
            errors.append(need.error(more=len(fresh) - _MOST))
    if any(need.ambiguous for need in denied):
        _unmark(response.get("data"))
    if not errors and not others:
        response.pop("errors", None)
        return Answer(orjson.dumps(response))
    whole = (*errors, *others)
    return Answer(orjson.dumps({**response, "errors": whole}), whole)


def denied_errors(denied: Sequence[Need]) -> list[dict[str, Any]]:
    """The errors where the data is not known yet: one per selection, and none below another."""
    paths: dict[tuple[str, ...], Need] = {}
    for need in denied:
        paths.setdefault(need.path, need)
    return [
        need.error()
        for path, need in paths.items()
        if not any(path[:length] in paths for length in range(1, len(path)))
    ]


def _explained(
    errors: Sequence[dict[str, Any]], denied: Sequence[Need]
) -> tuple[list[dict[str, Any]], dict[int, list[_Path]]]:
    """The errors that no denial explains, and by need the places of those that one does.

    Such a place could not be null, so an outer one became null and the data does not show it.
    """
    by_keys: dict[tuple[str, ...], list[Need]] = {}
    for need in denied:
        by_keys.setdefault(tuple(key for key in need.path if key != "@"), []).append(need)
    others: list[dict[str, Any]] = []
    propagated: dict[int, list[_Path]] = {}
    for error in errors:
        path: _Path = tuple(error.get("path") or ())
        needs = by_keys.get(tuple(key for key in path if isinstance(key, str)), ())
        reason = next((need for need in needs if _is_denial(error, need)), None)
        if reason is None:
            others.append(error)
        else:
            propagated.setdefault(id(reason), []).append(path)
    return others, propagated


def _is_denial(error: dict[str, Any], need: Need) -> bool:
    """Whether the executor misses the very field that was cut out: its message names the type.

    What a subgraph reports names the subgraph, and is about a field that was asked for.
    """
    extensions = error.get("extensions") or {}
    if extensions.get("code") != "RESPONSE_VALIDATION_FAILED" or "serviceName" in extensions:
        return False
    kind = str(error.get("message")).rpartition(" ")[2].partition(".")[0]
    return kind in need.types[-1]


def _nulls(value: Any, need: Need, step: int, before: _Path) -> Iterator[_Path]:
    """The places in ``value`` that the need's path, from ``step`` on, leads to and that are null."""
    key, last = need.path[step], step + 1 == len(need.path)
    if key == "@":
        if isinstance(value, list):
            for index, item in enumerate(value):
                yield from _nulls(item, need, step + 1, (*before, index))
    elif isinstance(value, dict) and key in value:
        if value.get(MARK, None) not in (None, *need.types[step]):
            return  # the same key of another type
        if not last:
            yield from _nulls(value[key], need, step + 1, (*before, key))
        elif value[key] is None:
            yield (*before, key)


def _unmark(value: Any) -> None:
    if isinstance(value, list):
        for item in value:
            _unmark(item)
    elif isinstance(value, dict):
        value.pop(MARK, None)
        for item in value.values():
            _unmark(item)
