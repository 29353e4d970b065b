"""One deadline for all requests: a sweep twice a second instead of a timer per request."""

from __future__ import annotations

import asyncio
from typing import Any, Final, TypeAlias

__all__ = ["Deadlines"]

Task: TypeAlias = "asyncio.Task[Any]"

_SWEEP: Final = 0.5


class Deadlines:
    """Cancels tasks that run longer than ``seconds``, within half a second."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._until: dict[Task, float] = {}
        self._passed: set[Task] = set()
        self._sweeping = False

    def begin(self) -> Task:
        """The running task starts a piece of work."""
        task = asyncio.current_task()
        assert task is not None
        loop = task.get_loop()
        self._until[task] = loop.time() + self.seconds
        if not self._sweeping:
            self._sweeping = True
            loop.call_later(min(_SWEEP, self.seconds / 2), self._sweep, loop)
        return task

    def passed(self, task: Task) -> bool:
        """Whether it was this deadline that cancelled the task; asked once, in its handler."""
        if task not in self._passed:
            return False
        self._passed.discard(task)
        task.uncancel()
        return True

    def end(self, task: Task) -> None:
        """The work is done."""
        self._until.pop(task, None)

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for task, until in list(self._until.items()):
            if until <= now:
                del self._until[task]
                self._passed.add(task)
                task.cancel()
        self._sweeping = bool(self._until)
        if self._sweeping:
            loop.call_later(min(_SWEEP, self.seconds / 2), self._sweep, loop)
