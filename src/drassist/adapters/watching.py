"""Asking the peers again and again, for as long as the subgraph lives.

A peer that does not answer is asked less often; a fault of ours is logged with its place and does
not end the watch: results must not stop because one of them is odd.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from drassist.adapters.errors import AdapterError
from drassist.runtime.logs import get_logger

__all__ = ["watching"]

log = get_logger(__name__)

_LONGEST_PAUSE = 60.0
_GRACE = 5.0


@asynccontextmanager
async def watching(every: float, **sweeps: Callable[[], Awaitable[int]]) -> AsyncIterator[None]:
    """Run each sweep every ``every`` seconds while the block runs.

    At the end a sweep that is under way is let finish for a moment: to cut a statement in two
    costs its connection.
    """
    stop = asyncio.Event()
    tasks = [
        asyncio.create_task(_watch(name, sweep, every, stop)) for name, sweep in sweeps.items()
    ]
    try:
        yield
    finally:
        stop.set()
        _, late = await asyncio.wait(tasks, timeout=_GRACE)
        for task in late:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _watch(
    name: str, sweep: Callable[[], Awaitable[int]], every: float, stop: asyncio.Event
) -> None:
    failures = 0
    while not stop.is_set():
        try:
            if found := await sweep():
                log.info("peer.swept", peer=name, count=found)
            failures = 0
        except AdapterError as error:
            failures += 1
            log.warning("peer.away", peer=name, code=error.code, failures=failures)
        except Exception as error:  # noqa: BLE001  whatever it is, the next sweep may pass
            failures += 1
            log.error("peer.sweep_failed", peer=name, error_class=type(error).__name__)
        pause = min(every * 2 ** min(failures, 10), max(_LONGEST_PAUSE, every))
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), pause)
