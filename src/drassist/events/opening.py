"""Which bus the settings name."""

from __future__ import annotations

from drassist.events.bus import Bus, MemoryBus
from drassist.runtime.settings import BusSettings

__all__ = ["open_bus"]


async def open_bus(settings: BusSettings) -> Bus:
    """The bus that the URL names; raises ``redis.RedisError`` when nobody answers there."""
    if settings.url.startswith("memory"):
        return MemoryBus()
    from drassist.events.redis_bus import RedisBus  # its client is not loaded where nobody needs it

    return await RedisBus.connect(settings)
