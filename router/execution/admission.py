"""Admission: how many requests are executed at once follows from how busy the event loop is.

Many requests under way keep many trees alive, and they fall out of the processor's cache:
measured, half the throughput. A fixed cap cures that for fast subgraphs and ruins slow ones. So
the cap moves: a millisecond in which no subgraph answered raises it (we only wait, so let more
wait at once; the longer the silence, the more), one that was spent computing lowers it a little.
With fast subgraphs it settles at a few, with slow ones it is out of the way after some
milliseconds.

The server asks :meth:`Admission.enter_now` or :meth:`Admission.when_idle` before it executes and
calls :meth:`Admission.leave` after; the executor reports each answer.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Final

__all__ = ["Admission"]

_LOOK: Final = 0.001
_LEAST: Final = 2.0
_MOST: Final = 65_536.0
_DECAY: Final = 31 / 32
_BUSY: Final = 0.7
"""The part of the time that the thread computes from which on it counts as busy."""


class Admission:
    """The gate in front of execution; one per event loop."""

    def __init__(self) -> None:
        self._queue: deque[Callable[[], None]] = deque()
        self._running = 0
        self._cap = _LEAST
        self._answers = 0
        self._seen = 0
        self._looking = False
        self._letting_in = False
        self._silent = 0
        self._wall = 0.0
        self._cpu = 0.0

    @property
    def running(self) -> int:
        """Requests that were let in and have not left."""
        return self._running

    @property
    def waiting(self) -> int:
        """Requests in the queue."""
        return len(self._queue)

    def answered(self) -> None:
        """Note that a subgraph's answer arrived (called by the executor)."""
        self._answers += 1

    def when_idle(self, start: Callable[[], None]) -> None:
        """Call ``start`` when there is room, first come first served.

        The caller owes one :meth:`leave` for each start.
        """
        if self.enter_now():
            start()
            return
        self._queue.append(start)
        if not self._looking:
            self._looking = True
            self._silent = 0
            self._note()
            asyncio.get_running_loop().call_later(_LOOK, self._look)

    def enter_now(self) -> bool:
        """Enter at once where there is room; True means that the caller owes a :meth:`leave`."""
        if self._queue or self._running >= self._cap:
            return False
        self._running += 1
        return True

    def enter_anyway(self) -> None:
        """Enter whether or not there is room; the caller owes a :meth:`leave`."""
        self._running += 1

    def leave(self) -> None:
        """Note that an admitted request is over, or was given up; the next may come."""
        self._running -= 1
        self._let_in()

    def _let_in(self) -> None:
        if self._letting_in:
            return  # one that is over at once leaves while it is being let in: the loop goes on
        self._letting_in = True
        try:
            while self._queue and self._running < self._cap:
                self._running += 1
                self._queue.popleft()()
        finally:
            self._letting_in = False

    def _look(self) -> None:
        # after the loop has read what is there: we may have slept, not the subgraphs
        asyncio.get_running_loop().call_soon(self._judge)

    def _judge(self) -> None:
        wall, cpu = self._wall, self._cpu
        answers = self._note()
        if not answers:
            self._silent += 1
            self._cap = min(_MOST, self._cap + 2.0 ** min(self._silent, 16) - 1)
        else:
            self._silent = 0
            if self._cpu - cpu > _BUSY * (self._wall - wall):
                self._cap = max(_LEAST, self._cap * _DECAY)
        self._let_in()
        self._looking = bool(self._queue)
        if self._looking:
            asyncio.get_running_loop().call_later(_LOOK, self._look)

    def _note(self) -> int:
        """Note the clocks; return the number of answers since the last time."""
        self._wall, self._cpu = time.perf_counter(), time.thread_time()
        answers, self._seen = self._answers - self._seen, self._answers
        return answers
