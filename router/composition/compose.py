"""Subgraphs in, one supergraph out: the whole of composition on one screen.

    read      each SDL, checked alone; federation 1 is upgraded
    merge     all subgraphs into one schema
    inaccessible   what is hidden must not be missed
    satisfiability every client path can be resolved
    emit      the schema as supergraph SDL

Each stage raises :class:`~router.composition.errors.CompositionFailed` with every problem it
finds; the next begins only where there is none.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from router.composition.attribution import attributed
from router.composition.emit import emit
from router.composition.errors import CompositionFailed
from router.composition.hints import Hint
from router.composition.inaccessible import check_inaccessible
from router.composition.merge.pipeline import merge
from router.composition.merged import MergedSchema
from router.composition.satisfiability import DEFAULT_MAX_PATHS, check_satisfiability
from router.composition.sources import SubgraphSource
from router.composition.subgraph import read_subgraphs

__all__ = ["Composition", "compose"]


class Composition(Struct, frozen=True):
    """A supergraph that works, and what deserves a second look."""

    supergraph_sdl: str
    hints: tuple[Hint, ...]


def compose(
    subgraphs: Iterable[SubgraphSource], *, max_paths: int = DEFAULT_MAX_PATHS
) -> Composition:
    """Compose subgraphs, given in any order; the same subgraphs always give the same bytes.

    ``max_paths`` bounds the proof that every client path can be resolved. Raises
    :class:`~router.composition.errors.CompositionFailed` with every problem found.
    """
    read = read_subgraphs(subgraphs)
    try:
        merged, hints = merge(read)
        return Composition(emit(merged), (*hints, *_prove(merged, max_paths)))
    except CompositionFailed as failed:
        raise CompositionFailed(attributed(failed.errors, read)) from None


def _prove(merged: MergedSchema, max_paths: int) -> list[Hint]:
    """Return the hints of the checks on the merged schema, or raise."""
    hidden = check_inaccessible(merged)
    if hidden:
        raise CompositionFailed(hidden)
    errors, hints = check_satisfiability(merged, max_paths=max_paths)
    if errors:
        raise CompositionFailed(errors)
    return hints
