"""Operations are made ready beside the event loop: in one thread, in the order of demand.

To parse, validate, plan and compile a large document takes up to seconds. On the loop nobody would
be answered meanwhile; a thread leaves it the interpreter every few milliseconds. A second one
would only make both slower. Full garbage collections wait until a piece of work is done: they would go
through all that it has made so far, again and again, and nothing else runs meanwhile.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

from router.server.refusals import too_late

__all__ = ["Workshop"]

T = TypeVar("T")

_NEVER: Final = 1 << 30
"""Collections of the middle generation before a full one."""


class Workshop:
    """Does work in its thread, each piece once however many wait for it."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="workshop")
        self._under_way: dict[Hashable, asyncio.Future[Any]] = {}

    async def make(self, key: Hashable, work: Callable[[], T], seconds: float | None = None) -> T:
        """Return what ``work`` makes, or raise what it raises.

        Who asks for the same ``key`` meanwhile gets the same; who gives up leaves it to the others.
        Raises :func:`~router.server.refusals.too_late` after ``seconds``.
        """
        future = self._under_way.get(key)
        if future is None:
            loop = asyncio.get_running_loop()
            future = loop.run_in_executor(self._thread, _without_full_collections, work)
            self._under_way[key] = future
            future.add_done_callback(lambda done: self._done(key, done))
        try:
            async with asyncio.timeout(seconds):
                made: T = await asyncio.shield(future)
        except TimeoutError:
            raise too_late() from None
        return made

    def close(self) -> None:
        """Begin nothing more; what is under way is nobody's business any longer."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _done(self, key: Hashable, future: asyncio.Future[Any]) -> None:
        del self._under_way[key]
        if not future.cancelled():
            future.exception()  # perhaps nobody waits any longer


def _without_full_collections(work: Callable[[], T]) -> T:
    before = gc.get_threshold()
    during = (*before[:2], _NEVER)
    gc.set_threshold(*during)
    try:
        return work()
    finally:
        if gc.get_threshold() == during:
            gc.set_threshold(*before)
