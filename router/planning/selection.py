"""Selections of a normalised operation: immutable, fragments inlined, conditions taken out.

``@skip`` and ``@include`` live in ``when`` (a conjunction, sorted), not in ``directives``; what is
left in ``directives`` is printed as written. A composite field may have no selections left: then
only the object itself (its ``__typename``) is wanted.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TypeAlias

from msgspec import Struct

from router.planning.plan import Path, When

__all__ = ["Conditions", "Defer", "Field", "Fragment", "Selection", "Selections", "conjunction"]

Conditions: TypeAlias = tuple[When, ...]


class Defer(Struct, frozen=True, eq=False):
    """A ``@defer`` that is still to be decided at run time (``when``) or always deferred.

    ``number`` counts the operation's blocks from 1. ``path`` is where its objects lie,
    ``selection`` the client's selection of this block (named fragments inlined, inner blocks
    marked), ``exists`` the conditions around it.
    """

    number: int
    label: str
    client_label: str | None
    path: Path
    selection: str
    parent: Defer | None
    when: Conditions = ()
    exists: Conditions = ()


class Field(Struct, frozen=True):
    """A field: ``key`` is the response key, ``type_name`` its named type in the supergraph."""

    key: str
    name: str
    type_name: str
    lists: int = 0
    arguments: str = ""
    directives: str = ""
    variables: tuple[str, ...] = ()
    when: Conditions = ()
    composite: bool = False
    selections: Selections = ()


class Fragment(Struct, frozen=True):
    """An inline fragment; ``on`` is None where it only carries conditions or directives."""

    on: str | None
    selections: Selections
    directives: str = ""
    variables: tuple[str, ...] = ()
    when: Conditions = ()
    defer: Defer | None = None


Selection: TypeAlias = Field | Fragment
Selections: TypeAlias = tuple[Selection, ...]


def conjunction(*parts: Collection[When]) -> Conditions | None:
    """The sorted conjunction of conditions, or None if it can never hold."""
    if not any(parts):
        return ()
    wanted: dict[str, bool] = {}
    for part in parts:
        for when in part:
            if wanted.setdefault(when.variable, when.value) is not when.value:
                return None
    return tuple(When(name, wanted[name]) for name in sorted(wanted))
