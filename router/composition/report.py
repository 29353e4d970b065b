"""Composition errors as a person reads them: all of them, each with the lines that it is about."""

from __future__ import annotations

from collections.abc import Mapping

from router.composition.errors import CompositionError, CompositionFailed
from router.composition.places import line_of

__all__ = ["report"]


def report(failure: CompositionFailed, texts: Mapping[str, tuple[str, str]]) -> str:
    """Return a paragraph for each error.

    ``texts``: the subgraphs, by name, whose text the reader can look at: what it is called (its
    file, say) and what it holds.
    """
    count = len(failure.errors)
    parts = [f"The subgraphs do not compose: {count} error{'s' if count != 1 else ''}."]
    for error in failure.errors:
        message = "\n".join(f"  {line}" for line in error.message.splitlines())
        parts.append(f"{error.code}{_places(error, texts)}\n{message}")
    return "\n\n".join(parts)


def _places(error: CompositionError, texts: Mapping[str, tuple[str, str]]) -> str:
    told = [texts[name] for name in error.subgraphs if name in texts]
    places = [f"{called}{line_of(sdl, error.coordinates)}" for called, sdl in told]
    return f" in {', '.join(places)}" if places else ""
