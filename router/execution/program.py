"""A plan ready to run: its steps, and the functions that gather what each of them sends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol

from msgspec import Struct

from router.execution.client import SubgraphClient
from router.execution.gathering import Gathering, generate_gatherer
from router.execution.generating import Unsuitable
from router.execution.recent import Recent
from router.execution.steps import FetchStep, build_steps
from router.execution.typed import Reader, readers_of
from router.execution.types import Types
from router.planning.plan import OperationKind, Plan

__all__ = ["MISREAD", "Gatherers", "Program", "TypedCode"]

MISREAD: Final = 16
"""One answer in so many may be none that typed objects can hold, and so many at first."""

Gatherers = Mapping[int, tuple[Gathering, ...]]
"""The functions of each step that has some, one per ``_entities`` call."""


class _Running(Protocol):
    """A run, as far as another one asks about it."""

    def is_like(self, variables: Mapping[str, Any], headers: Any) -> bool: ...


class TypedCode(Struct, frozen=True):
    """What reads answers into typed objects, by step, and the functions that gather from those."""

    readers: tuple[Reader, ...]
    gatherers: Gatherers


class Program:
    """The part of a compiled operation that a run steps through; used by many runs at once.

    ``types`` are those of the supergraph. ``raw``: the only answer's bytes may be handed on unread.
    ``running`` are the runs under way, ``recent`` what they make of answers that they share.
    """

    def __init__(
        self, plan: Plan, types: Types, *, generated: bool, raw: bool, typed_after: int | None
    ) -> None:
        self.types = types
        self.generated = generated
        self.raw = raw
        self.steps: tuple[FetchStep, ...] = build_steps(plan, types)
        self.calls = sum(len(step.calls) for step in self.steps)
        self.counters = [step.waits_for for step in self.steps]
        self.roots = tuple(step for step in self.steps if not step.waits_for)
        self.gatherers = self._gatherers(typed=False)
        self.recent = Recent()
        self.running: set[_Running] = set()
        # an event is read by who streams it, and a deferred part by the plain form
        never = raw or not generated or plan.deferred or plan.kind is OperationKind.SUBSCRIPTION
        self._typed: TypedCode | None = None
        self._typed_after = None if never else typed_after
        self._started = 0
        self._misread = 0

    @property
    def followers(self) -> Mapping[int, int]:
        """The calls that take over the objects of another, by index."""
        return {
            each.call.index: each.follows
            for known in self.gatherers.values()
            for each in known
            if each.follows is not None
        }

    def typed_for(self, clients: Mapping[str, SubgraphClient]) -> TypedCode | None:
        """Return the code for typed objects where one more run with these clients is worth it."""
        after = self._typed_after
        if after is None:
            return None
        self._started += 1
        if self._typed is None and self._started > after:
            self._typed = self._make_typed(clients)
            if self._typed is None:
                self._typed_after = None
        return self._typed

    def misread(self) -> None:
        """Note that an answer could not be read as typed objects; it costs to read it twice."""
        self._misread += 1
        if self._misread > MISREAD and self._misread * MISREAD > self._started:
            self._typed = self._typed_after = None

    def _make_typed(self, clients: Mapping[str, SubgraphClient]) -> TypedCode | None:
        """Make the code for typed objects; None where dictionaries have to do."""
        for step in self.steps:
            if not getattr(clients.get(step.fetch.subgraph), "reads", False):
                return None
        gatherers = self._gatherers(typed=True)
        if gatherers.keys() != self.gatherers.keys():
            return None
        try:
            return TypedCode(readers_of(self.types.schema).of(self.steps), gatherers)
        except Unsuitable:
            return None

    def _gatherers(self, *, typed: bool) -> Gatherers:
        found: dict[int, tuple[Gathering, ...]] = {}
        for step in self.steps if self.generated else ():
            made = [
                generate_gatherer(step, call, self.steps, self.types, typed=typed)
                for call in step.calls
            ]
            known = tuple(each for each in made if each is not None)
            if known and len(known) == len(made):
                found[step.index] = known
        return found
