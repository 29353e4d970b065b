"""How many requests are under way, so that a shutdown can wait for them."""

from __future__ import annotations

import asyncio

__all__ = ["Running"]


class Running:
    """Counts requests between :meth:`enter` and :meth:`leave`."""

    __slots__ = ("_idle", "count")

    def __init__(self) -> None:
        self.count = 0
        self._idle = asyncio.Event()

    def enter(self) -> None:
        """A request begins."""
        self.count += 1

    def leave(self) -> None:
        """A request is answered, or given up."""
        self.count -= 1
        if self.count == 0:
            self._idle.set()

    async def end(self, seconds: float) -> bool:
        """Wait until none is under way; False when ``seconds`` have passed before."""
        if not self.count:
            return True
        self._idle.clear()
        try:
            await asyncio.wait_for(self._idle.wait(), seconds)
        except TimeoutError:
            return False
        return True
