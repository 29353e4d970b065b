"""One deadline for all requests: a sweep twice a second instead of a timer per request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from typing import Final

__all__ = ["Deadlines"]

_SWEEP: Final = 0.5


class Deadlines:
    """Calls back for work that takes longer than ``seconds``, within half a second."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._until: dict[Hashable, tuple[float, Callable[[], object]]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    def begin(self, work: Hashable, late: Callable[[], object]) -> None:
        """``work`` starts; ``late`` is called once unless :meth:`end` comes before."""
        loop = self._loop
        if loop is None:
            loop = self._loop = asyncio.get_running_loop()
            loop.call_later(self._interval, self._sweep, loop)
        self._until[work] = (loop.time() + self.seconds, late)

    def end(self, work: Hashable) -> None:
        """The work is done, or given up."""
        self._until.pop(work, None)

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for work, (until, late) in list(self._until.items()):
            if until > now:
                break  # all have the same time: those that began later end later
            if self._until.pop(work, None) is not None:
                late()
        if self._until:
            loop.call_later(self._interval, self._sweep, loop)
        else:
            self._loop = None

    @property
    def _interval(self) -> float:
        return min(_SWEEP, self.seconds / 2)
