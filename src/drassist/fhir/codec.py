"""FHIR JSON in and out without losing a digit.

FHIR's ``decimal`` is precise: ``72.50`` is not ``72.5`` (R4, section 2.24.0.1). A float forgets
that, so numbers with a point are read as :class:`~decimal.Decimal` and written as they stand.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import orjson

__all__ = ["NotJson", "Resource", "dumps", "loads"]

Resource = dict[str, Any]
"""A FHIR resource as its JSON object; decimals are ``Decimal``, whole numbers ``int``."""

_DEEPEST = 64  # Synthea nests 12 levels; a questionnaire from hell some 30


class NotJson(ValueError):
    """The bytes are no JSON object; the message says where, never what stood there."""


def loads(text: bytes | str) -> Resource:
    """Return the JSON object in ``text`` with exact decimals, or raise :class:`NotJson`."""
    try:
        value = json.loads(text, parse_float=Decimal, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        raise NotJson(f"not JSON at line {error.lineno}, column {error.colno}") from None
    except UnicodeDecodeError as error:
        raise NotJson(f"not UTF-8 at byte {error.start}") from None
    except RecursionError:
        raise NotJson("nested too deeply") from None
    if not isinstance(value, dict):
        raise NotJson("not a JSON object")
    if _depth(value) > _DEEPEST:
        raise NotJson(f"nested more than {_DEEPEST} levels")
    return value


def dumps(value: Mapping[str, Any]) -> bytes:
    """Return ``value`` as JSON; each ``Decimal`` keeps the digits that it has."""
    return orjson.dumps(value, default=_exact)


def _exact(value: object) -> orjson.Fragment:
    if isinstance(value, Decimal) and value.is_finite():
        return orjson.Fragment(str(value))
    raise TypeError(f"{type(value).__name__} has no place in FHIR JSON")


def _refuse(constant: str) -> Any:
    raise NotJson(f"{constant} is not JSON")


def _depth(value: object) -> int:
    deepest, queue = 0, [(value, 1)]
    while queue:
        node, depth = queue.pop()
        deepest = max(deepest, depth)
        if depth > _DEEPEST:
            break
        if isinstance(node, dict):
            queue.extend((child, depth + 1) for child in node.values())
        elif isinstance(node, list):
            queue.extend((child, depth + 1) for child in node)
    return deepest
