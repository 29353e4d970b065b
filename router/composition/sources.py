"""What composition starts from: one subgraph's name, where it runs, and its schema text."""

from __future__ import annotations

from msgspec import Struct

__all__ = ["SubgraphSource"]


class SubgraphSource(Struct, frozen=True):
    """One subgraph as given: ``sdl`` is the schema text, ``url`` may be empty."""

    name: str
    url: str
    sdl: str
