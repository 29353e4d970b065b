"""Composition errors as a person reads them: all of them, each with the lines that it is about."""

from __future__ import annotations

from collections.abc import Mapping

from router.composition.errors import CompositionFailed
from router.composition.places import Places

__all__ = ["report"]


def report(failure: CompositionFailed, texts: Mapping[str, tuple[str, str]]) -> str:
    """Return a paragraph for each error.

    ``texts``: the subgraphs, by name, whose text the reader can look at: what it is called (its
    file, say) and what it holds.
    """
    named = {name for error in failure.errors for name in error.subgraphs}
    places = {name: Places(sdl) for name, (_, sdl) in texts.items() if name in named}
    count = len(failure.errors)
    parts = [f"The subgraphs do not compose: {count} error{'s' if count != 1 else ''}."]
    for error in failure.errors:
        told = [
            f"{texts[name][0]}{places[name].line_of(error.coordinates)}"
            for name in error.subgraphs
            if name in places
        ]
        where = f" in {', '.join(told)}" if told else ""
        message = "\n".join(f"  {line}" for line in error.message.splitlines())
        parts.append(f"{error.code}{where}\n{message}")
    return "\n\n".join(parts)
