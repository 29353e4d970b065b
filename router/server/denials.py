"""What a client is told of what was cut out of its operation: an error at each place.

Only answers of callers who were denied something pass here, so an ordinary request pays nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, TypeAlias

import orjson

from router.execution import Answer
from router.server.rights import Need

__all__ = ["denied_answer", "denied_errors"]

_Path: TypeAlias = tuple[str | int, ...]

_MOST: Final = 100
"""Places told of per selection; one more error, at the first list, says how many were left out."""


def denied_answer(answer: Answer, denied: Sequence[Need]) -> Answer:
    """The same response with one error per place in the data that is null for want of rights.

    Where nothing came back nothing is said. What the executor says about a null at a denied place
    is left out: the denial is its reason. Two types with one response key cannot be told apart
    here: a null of the permitted one is reported with those of the denied one.
    """
    response = orjson.loads(answer.body)
    needs: dict[tuple[str, ...], Need] = {}
    for need in denied:
        needs.setdefault(need.path, need)
    refused: dict[tuple[str, ...], list[_Path]] = {
        tuple(key for key in path if key != "@"): [] for path in needs
    }
    others = []
    for error in answer.errors:
        path = tuple(error.get("path") or ())
        places = refused.get(tuple(key for key in path if isinstance(key, str)))
        if places is None:
            others.append(error)
        else:  # null was not possible there; an outer place became null
            places.append(path)
    told: set[_Path] = set()
    errors = []
    for need in needs.values():
        propagated = refused[tuple(key for key in need.path if key != "@")]
        nulls = [*_nulls(response.get("data"), need.path, ()), *propagated]
        fresh = [place for place in dict.fromkeys(nulls) if place not in told]
        told.update(fresh)
        errors += [need.error(place) for place in fresh[:_MOST]]
        if len(fresh) > _MOST:
            errors.append(need.error(more=len(fresh) - _MOST))
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


def _nulls(value: Any, path: tuple[str, ...], before: _Path) -> Iterator[_Path]:
    """The places in ``value`` that ``path`` leads to and that are null."""
    key, rest = path[0], path[1:]
    if key == "@":
        if isinstance(value, list):
            for index, item in enumerate(value):
                yield from _nulls(item, rest, (*before, index))
    elif isinstance(value, dict) and key in value:
        if rest:
            yield from _nulls(value[key], rest, (*before, key))
        elif value[key] is None:
            yield (*before, key)
