"""The events of a subscription in their order: who reads the source, and what those missed who left.

An :class:`EventLog` belongs to one feed (:mod:`router.server.feeds`). In memory it keeps the last
events of this router. In Redis (:mod:`router.server.shared_log`) it is one log for all routers:
one of them reads the source, all hear what it adds, and a client resumes at any of them.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from typing import Any, NamedTuple, Protocol

from msgspec import Struct

__all__ = ["Event", "EventId", "EventLog", "MemoryLog", "SourceOver"]


class EventId(NamedTuple):
    """Orders the events of a log: whoever begins to read the source begins a later ``epoch``."""

    epoch: int
    number: int


class Event(Struct, frozen=True):
    """One GraphQL response, whole JSON."""

    id: EventId
    body: bytes


class SourceOver(Exception):
    """The source has no more events; ``errors`` say why unless it was complete."""

    def __init__(self, errors: Sequence[dict[str, Any]] = ()) -> None:
        super().__init__("the source is over")
        self.errors = list(errors)


class EventLog(Protocol):
    """One feed's events."""

    shared: bool
    """Whether other routers may read along."""

    async def open(self) -> bool:
        """Take part; True: this router is the one to read the source. Never raises."""

    async def append(self, body: bytes) -> EventId | None:
        """Add an event of the source; None: another router reads it now."""

    async def since(self, after: EventId) -> list[Event]:
        """What is kept of the events after ``after``."""

    def follow(self) -> AsyncGenerator[Event, None]:
        """The events that another router adds, from :meth:`open` on.

        Ends when nobody reads the source any more: open again. Raises :class:`SourceOver`.
        """

    async def over(self, errors: Sequence[dict[str, Any]]) -> None:
        """Tell all routers that the source is over."""

    async def leave(self, *, force: bool = False) -> bool:
        """Take part no longer; False: others read what this router reads from the source.

        ``force``: leave all the same, and let one of them go on.
        """


class MemoryLog:
    """The last events of this router's own feed."""

    shared = False

    def __init__(self, size: int) -> None:
        self._kept: deque[Event] = deque(maxlen=size)
        self._last = EventId(time.time_ns() // 1_000_000, 0)

    async def open(self) -> bool:
        """Nobody else is there."""
        return True

    async def append(self, body: bytes) -> EventId:
        """Keep the event under the next id."""
        id_ = EventId(self._last.epoch, self._last.number + 1)
        self.keep(Event(id_, body))
        return id_

    def keep(self, event: Event) -> None:
        """Keep an event that has an id already."""
        self._last = event.id
        self._kept.append(event)

    async def since(self, after: EventId) -> list[Event]:
        """Those kept that are later."""
        return [event for event in self._kept if event.id > after]

    async def follow(self) -> AsyncGenerator[Event, None]:
        """There is nobody to follow."""
        nothing: tuple[Event, ...] = ()
        for event in nothing:
            yield event

    async def over(self, errors: Sequence[dict[str, Any]]) -> None:
        """Nobody else is there to be told."""

    async def leave(self, *, force: bool = False) -> bool:
        """Nobody else reads."""
        return True
