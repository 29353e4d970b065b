"""Whose doing an error is that was found in the merged schema: who declares what it is about."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from router.composition.errors import CompositionError
from router.composition.model import CompositeType, EnumType, InputObjectType, Subgraph

__all__ = ["attributed"]


def attributed(
    errors: Iterable[CompositionError], subgraphs: Sequence[Subgraph]
) -> list[CompositionError]:
    """Return errors with the names of subgraphs, where they have none but have coordinates."""
    return [
        error if error.subgraphs else replace(error, subgraphs=_tellers(error, subgraphs))
        for error in errors
    ]


def _tellers(error: CompositionError, subgraphs: Sequence[Subgraph]) -> tuple[str, ...]:
    return tuple(
        subgraph.name
        for subgraph in subgraphs
        if any(_declares(subgraph, coordinate) for coordinate in error.coordinates)
    )


def _declares(subgraph: Subgraph, coordinate: str) -> bool:
    owner, _, member = coordinate.partition("(")[0].partition(".")
    if owner.startswith("@"):
        directive = subgraph.directives.get(owner[1:])
        return directive is not None and directive.by_user
    found = subgraph.types.get(owner)
    match found:
        case CompositeType(fields=members) | InputObjectType(fields=members):
            return not member or member in members
        case EnumType(values=values):
            return not member or member in values
        case _:
            return found is not None
