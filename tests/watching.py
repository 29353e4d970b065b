"""Knowing that somebody watches a bus: what is published before, nobody hears."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from drassist.events import Bus, Subscription
from tests.patience import PATIENCE

__all__ = ["watchers"]


def watchers(bus: Bus) -> Callable[[int], Awaitable[None]]:
    """Return what waits until so many more have begun to watch ``bus``."""
    begun, subscribe = asyncio.Semaphore(0), bus.subscribe

    async def telling(*patterns: str) -> Subscription:
        subscription = await subscribe(*patterns)
        begun.release()
        return subscription

    async def wait(number: int) -> None:
        async with asyncio.timeout(PATIENCE):
            for _ in range(number):
                await begun.acquire()

    bus.subscribe = telling  # type: ignore[method-assign]
    return wait
