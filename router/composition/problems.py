"""Collecting what is wrong with one subgraph: every problem, then one refusal."""

from __future__ import annotations

from collections.abc import Iterable

from router.composition.errors import CompositionError

__all__ = ["Problems", "SubgraphRefused"]


class SubgraphRefused(Exception):
    """One subgraph cannot be used; ``errors`` says why (caught where subgraphs are gathered)."""

    def __init__(self, errors: Iterable[CompositionError]) -> None:
        self.errors = tuple(errors)
        super().__init__("; ".join(error.message for error in self.errors))


class Problems:
    """The problems found in one subgraph so far."""

    def __init__(self, subgraph: str) -> None:
        self.subgraph = subgraph
        self.errors: list[CompositionError] = []

    def add(self, code: str, message: str, *coordinates: str) -> None:
        """Note a problem and go on."""
        self.errors.append(CompositionError.in_subgraph(self.subgraph, code, message, *coordinates))

    def add_all(self, code: str, found: Iterable[tuple[str, str]]) -> bool:
        """Note problems, each a message and its coordinate, and tell whether there was any."""
        before = len(self.errors)
        for message, coordinate in found:
            self.add(code, message, coordinate)
        return len(self.errors) > before

    def stop(self, code: str, message: str, *coordinates: str) -> SubgraphRefused:
        """Return the refusal to raise when nothing can be said beyond this problem."""
        self.add(code, message, *coordinates)
        return SubgraphRefused(self.errors[-1:])

    def settle(self) -> None:
        """Raise :class:`SubgraphRefused` with everything found, if anything was."""
        if self.errors:
            raise SubgraphRefused(self.errors)
