"""Rate limits, counted in memory or in Redis by the ``limits`` package.

A limit that cannot be counted (Redis away) lets the request pass: a door that closes because its
counter is out of order would be the outage itself.
"""

from __future__ import annotations

import logging
import math
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from router.server.refusals import Refused

if TYPE_CHECKING:
    from limits import RateLimitItem

__all__ = ["Rates"]

_LOG: Final = logging.getLogger("router.rates")


class Rates:
    """Counts hits per limit and key over moving windows."""

    def __init__(self, redis_url: str | None = None) -> None:
        self.redis_url = redis_url
        self._limiter: Any = None

    async def hit(self, limit: str, *key: str) -> None:
        """Count one request; raises 429 with ``Retry-After`` above ``limit``."""
        item = _parsed(limit)
        limiter = self._limiter or self._connect()
        try:
            if await limiter.hit(item, *key):
                return
            window = await limiter.get_window_stats(item, *key)
        except Exception as error:  # noqa: BLE001  # any storage fault opens the door, see above
            _LOG.warning("Rates cannot be counted: %s", type(error).__name__)
            return
        wait = max(1, math.ceil(window.reset_time - time.time()))
        raise Refused(
            f"Too many requests: {limit} is the limit.",
            429,
            "REQUEST_LIMIT_EXCEEDED",
            headers={"Retry-After": str(wait)},
        )

    async def aclose(self) -> None:
        """Close the connection to Redis."""
        bridge = getattr(getattr(self._limiter, "storage", None), "bridge", None)
        client = getattr(bridge, "storage", None)
        if client is not None:
            await client.aclose()

    def _connect(self) -> Any:
        from limits.aio.storage import MemoryStorage, RedisStorage
        from limits.aio.strategies import SlidingWindowCounterRateLimiter

        storage = (
            RedisStorage(f"async+{self.redis_url}", implementation="redispy")
            if self.redis_url
            else MemoryStorage()
        )
        self._limiter = SlidingWindowCounterRateLimiter(storage)
        return self._limiter


@lru_cache(maxsize=128)
def _parsed(limit: str) -> RateLimitItem:
    from limits import parse

    return parse(limit)
