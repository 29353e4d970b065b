"""The bus: who hears of an event, in this process and in others.

Two ways to listen. ``subscribe`` is for people who watch: live, at most once, what happens while
nobody looks is not kept. ``consume`` is for work that must be done: a named group gets every event
at least once and acknowledges by returning. ``memory://`` runs in one process, ``redis://`` between
many (channels for those who watch, a stream with groups for those who work).

A pattern is a topic or a prefix with a star: ``encounters.queue.*``, ``*``.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from fnmatch import fnmatchcase
from types import TracebackType
from typing import Final, Protocol, TypeAlias

from drassist.events.event import Event

__all__ = ["Bus", "Handler", "Lagged", "MemoryBus", "Subscription", "matches"]

Handler: TypeAlias = Callable[[Event], Awaitable[None]]

_QUEUE: Final = 1_000


class Lagged(Exception):
    """A subscriber was so slow that events were dropped: it must refetch and subscribe again."""


class Bus(Protocol):
    """Carries events. ``publish`` returns when the bus has the event."""

    async def publish(self, event: Event) -> None: ...

    async def subscribe(self, *patterns: str) -> Subscription:
        """Watch these patterns from now on: when this returns, nothing later is missed."""
        ...

    async def consume(self, group: str, handler: Handler, *patterns: str) -> None:
        """Have ``handler`` called for each event, until :meth:`aclose`.

        A handler that raises gets the event again. Groups of one name share the work.
        """
        ...

    async def ping(self) -> None:
        """Raise when the bus cannot be reached."""
        ...

    async def aclose(self) -> None: ...


class Subscription:
    """Events as they come: ``async for event in subscription``. Close it, or use ``async with``."""

    def __init__(
        self, patterns: tuple[str, ...], close: Callable[[Subscription], Awaitable[None]]
    ) -> None:
        self.patterns = patterns
        self._close = close
        self._events: deque[Event] = deque()
        self._arrived = asyncio.Event()
        self._closed = False
        self._lagged = False

    def offer(self, event: Event) -> None:
        """Called by the bus: keep the event if it is wanted, and if none is missing before it."""
        if self._closed or self._lagged or not matches(event.topic, self.patterns):
            return
        if len(self._events) >= _QUEUE:
            self._lagged = True
        else:
            self._events.append(event)
        self._arrived.set()

    def fail(self) -> None:
        """Called by a bus that lost its connection: events may be missing from here on."""
        self._lagged = True
        self._arrived.set()

    def __aiter__(self) -> Subscription:
        return self

    async def __anext__(self) -> Event:
        while not self._events:
            if self._closed:
                raise StopAsyncIteration
            if self._lagged:
                await self.aclose()
                raise Lagged
            self._arrived.clear()
            await self._arrived.wait()
        return self._events.popleft()

    async def aclose(self) -> None:
        if not self._closed:
            self._closed = True
            self._arrived.set()
            await self._close(self)

    async def __aenter__(self) -> Subscription:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()


def matches(topic: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(topic, pattern) for pattern in patterns)


class MemoryBus:
    """The bus inside one process.

    Consumers are called within ``publish``: when one fails, ``publish`` fails, and the outbox
    relay offers the event again. So nothing is lost between the database and the work.
    """

    def __init__(self) -> None:
        self._watching: set[Subscription] = set()
        self._working: list[tuple[tuple[str, ...], Handler]] = []
        self._seen: deque[str] = deque(maxlen=10_000)

    async def publish(self, event: Event) -> None:
        if event.id not in self._seen:  # a retried publish: those who watch have seen it
            self._seen.append(event.id)
            for subscription in tuple(self._watching):
                subscription.offer(event)
        for patterns, handler in tuple(self._working):
            if matches(event.topic, patterns):
                await handler(event)

    async def subscribe(self, *patterns: str) -> Subscription:
        subscription = Subscription(patterns, self._forget)
        self._watching.add(subscription)
        return subscription

    async def consume(self, group: str, handler: Handler, *patterns: str) -> None:
        self._working.append((patterns, handler))

    async def ping(self) -> None:
        return None

    async def aclose(self) -> None:
        self._working.clear()
        for subscription in tuple(self._watching):
            await subscription.aclose()

    async def _forget(self, subscription: Subscription) -> None:
        self._watching.discard(subscription)
