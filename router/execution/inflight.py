"""Identical subgraph queries in flight are sent once.

Two requests are identical when operation, variables and forwarded headers are. Followers hear
the leader's outcome; whoever gives up leaves quietly, and only when the last one has left is
the request itself cancelled. Mutations are never shared.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import TypeAlias

from router.execution.client import (
    Cancel,
    Outcome,
    SubgraphAnswer,
    SubgraphClient,
    SubgraphRequest,
)
from router.execution.starting import begin, wait_for

__all__ = ["InFlight"]

_Key: TypeAlias = tuple[object, ...]


class _Shared:
    """One request under way and everybody who waits for it."""

    __slots__ = ("_cancel", "_flying", "_key", "_over", "_waiting")

    def __init__(self, key: _Key, flying: dict[_Key, _Shared]) -> None:
        self._key = key
        self._flying = flying
        self._waiting: list[Callable[[Outcome], None]] = []
        self._cancel: Cancel | None = None
        self._over = False
        flying[key] = self

    def send(self, client: SubgraphClient, request: SubgraphRequest) -> None:
        """Send the request for all who join."""
        cancel = begin(client, request, self._tell)
        if not self._over:
            self._cancel = cancel

    def join(self, done: Callable[[Outcome], None]) -> Cancel:
        """Wait for the outcome; the function returned ends the wait."""
        self._waiting.append(done)
        return partial(self._leave, done)

    def _tell(self, outcome: Outcome) -> None:
        self._land()
        waiting, self._waiting = self._waiting, []
        if len(waiting) > 1 and isinstance(outcome, SubgraphAnswer):
            outcome.shared = True
        for done in waiting:
            done(outcome)

    def _leave(self, done: Callable[[Outcome], None]) -> None:
        if done in self._waiting:
            self._waiting.remove(done)
            if not self._waiting and not self._over:
                cancel = self._cancel
                self._land()
                if cancel is not None:
                    cancel()

    def _land(self) -> None:
        self._over = True
        self._cancel = None  # it knows us: what is over must not wait for the garbage collector
        if self._flying.get(self._key) is self:
            del self._flying[self._key]


class InFlight:
    """A :class:`SubgraphClient` that shares identical queries in flight of the one it wraps.

    The answers' trees are shared too: readers must not change them, and the executor does not.
    """

    def __init__(self, client: SubgraphClient) -> None:
        self._client = client
        self.reads: bool = getattr(client, "reads", False)
        self._flying: dict[_Key, _Shared] = {}
        self.sent = 0
        self.shared = 0

    def begin(self, request: SubgraphRequest, done: Callable[[Outcome], None]) -> Cancel:
        """Start the request, or join the one that is under way."""
        if request.mutation:
            self.sent += 1
            return begin(self._client, request, done)
        try:
            key = _key(request)
        except TypeError:  # files are no JSON, and nobody sends the same ones at once
            self.sent += 1
            return begin(self._client, request, done)
        shared = self._flying.get(key)
        if shared is not None:
            self.shared += 1
            return shared.join(done)
        self.sent += 1
        shared = _Shared(key, self._flying)
        leave = shared.join(done)
        shared.send(self._client, request)
        return leave

    async def fetch(self, request: SubgraphRequest) -> SubgraphAnswer:
        """Ask once per identical request in flight."""
        return await wait_for(self, request)

    def subscribe(self, request: SubgraphRequest) -> AsyncIterator[SubgraphAnswer]:
        """Subscriptions are not shared."""
        return self._client.subscribe(request)

    async def aclose(self) -> None:
        """Close the wrapped client."""
        await self._client.aclose()


def _key(request: SubgraphRequest) -> _Key:
    headers = request.headers
    return (
        request.operation,
        request.variables_json(),
        request.operation_name,
        request.raw,
        request.reader,
        tuple(sorted(headers.items())) if headers else None,
    )
