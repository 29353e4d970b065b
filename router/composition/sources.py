"""What composition starts from: one subgraph's name, where it runs, and its schema text."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["SubgraphSource"]


@dataclass(frozen=True, slots=True)
class SubgraphSource:
    """One subgraph as given: ``sdl`` is the schema text, ``url`` may be empty."""

    name: str
    url: str
    sdl: str
