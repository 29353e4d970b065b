"""Admission by idle iterations: new work starts when no answer is waiting to be used.

Many requests under way at once keep many trees alive, and they fall out of the processor's
cache: measured, half the throughput. A fixed cap cures that for fast subgraphs and ruins slow
ones. So: the server asks :meth:`Admission.enter` before it executes and :meth:`Admission.leave`
after, the executor reports each answer, and a queued request starts in an iteration of the
event loop in which none arrived. With slow subgraphs nearly every iteration is idle, and nobody
waits; where nothing else runs a request starts at once.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

__all__ = ["Admission"]


class Admission:
    """The gate in front of execution; one per event loop."""

    def __init__(self) -> None:
        self._queue: deque[Callable[[], None]] = deque()
        self._running = 0
        self._answers = 0
        self._seen = 0
        self._ticking = False

    def answered(self) -> None:
        """Note that a subgraph's answer arrived (called by the executor)."""
        self._answers += 1

    def when_idle(self, start: Callable[[], None]) -> None:
        """Call ``start`` in an iteration that brings no answer, first come first served.

        The caller owes one :meth:`leave` for each start.
        """
        if not self._running:
            self._running = 1
            start()
            return
        self._queue.append(start)
        if not self._ticking:
            self._ticking = True
            self._seen = self._answers
            asyncio.get_running_loop().call_soon(self._tick)

    def leave(self) -> None:
        """Note that an admitted request is over, or was given up."""
        self._running -= 1

    def enter_now(self) -> bool:
        """Start at once where nothing runs; True means that the caller owes a :meth:`leave`."""
        if self._running:
            return False
        self._running = 1
        return True

    async def enter(self) -> None:
        """Wait until :meth:`when_idle` would start; a cancelled wait owes no :meth:`leave`."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def start() -> None:
            if future.cancelled():
                self.leave()
            else:
                future.set_result(None)

        self.when_idle(start)
        try:
            await future
        except asyncio.CancelledError:
            if not future.cancelled():
                self.leave()
            raise

    def _tick(self) -> None:
        if self._answers == self._seen or not self._running:
            self._running += 1
            self._queue.popleft()()
        self._seen = self._answers
        if self._queue:
            asyncio.get_running_loop().call_soon(self._tick)
        else:
            self._ticking = False
