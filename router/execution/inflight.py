"""Identical subgraph queries in flight are sent once.

Two requests are identical when operation, variables and forwarded headers are. Followers hear
the leader's outcome; whoever gives up leaves quietly, and only when the last one has left is
the request itself cancelled. Mutations are never shared.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
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

    __slots__ = ("cancel", "over", "waiting")

    def __init__(self) -> None:
        self.waiting: dict[int, Callable[[Outcome], None]] = {}
        self.cancel: Cancel | None = None
        self.over = False


class InFlight:
    """A :class:`SubgraphClient` that shares identical queries in flight of the one it wraps.

    The answers' trees are shared too: readers must not change them, and the executor does not.
    """

    def __init__(self, client: SubgraphClient) -> None:
        self._client = client
        self.reads: bool = getattr(client, "reads", False)
        self._flying: dict[_Key, _Shared] = {}
        self._ticket = 0
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
        if shared is None:
            return self._lead(key, request, done)
        self.shared += 1
        return self._join(key, shared, done)

    async def fetch(self, request: SubgraphRequest) -> SubgraphAnswer:
        """Ask once per identical request in flight."""
        return await wait_for(self, request)

    def subscribe(self, request: SubgraphRequest) -> AsyncIterator[SubgraphAnswer]:
        """Subscriptions are not shared."""
        return self._client.subscribe(request)

    async def aclose(self) -> None:
        """Close the wrapped client."""
        await self._client.aclose()

    def _lead(self, key: _Key, request: SubgraphRequest, done: Callable[[Outcome], None]) -> Cancel:
        shared = self._flying[key] = _Shared()
        leave = self._join(key, shared, done)
        self.sent += 1

        def tell(outcome: Outcome) -> None:
            shared.over = True
            if self._flying.get(key) is shared:
                del self._flying[key]
            if len(shared.waiting) > 1 and isinstance(outcome, SubgraphAnswer):
                outcome.shared = True
            for waiting in list(shared.waiting.values()):
                waiting(outcome)
            shared.waiting.clear()

        cancel = begin(self._client, request, tell)
        if not shared.over:
            shared.cancel = cancel
        return leave

    def _join(self, key: _Key, shared: _Shared, done: Callable[[Outcome], None]) -> Cancel:
        self._ticket = ticket = self._ticket + 1
        shared.waiting[ticket] = done

        def leave() -> None:
            if shared.waiting.pop(ticket, None) is None or shared.waiting or shared.over:
                return
            if self._flying.get(key) is shared:
                del self._flying[key]
            if shared.cancel is not None:
                shared.cancel()

        return leave


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
