"""Automatic persisted queries: texts that clients registered under their sha256.

Bounded in memory; shared through Redis where there are several routers. With Redis away the
memory serves what it has, and a client that meets a miss sends its text again: slower, not wrong.
"""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final, Protocol

from router.settings import ApqSettings

if TYPE_CHECKING:
    from redis.asyncio import Redis

__all__ = ["ApqStore", "MemoryApq", "RedisApq", "apq_store"]

_LOG: Final = logging.getLogger("router.apq")
_PAUSE: Final = 5.0
"""Seconds for which an unreachable Redis is left alone."""


class ApqStore(Protocol):
    """Texts by the lower-case hex sha256 of their UTF-8 bytes."""

    async def get(self, digest: str) -> str | None: ...

    async def put(self, digest: str, text: str) -> None: ...

    async def aclose(self) -> None: ...


def apq_store(settings: ApqSettings) -> ApqStore:
    """The store that ``settings`` ask for."""
    memory = MemoryApq(settings.entries, settings.document_bytes)
    if settings.redis_url is None:
        return memory
    return RedisApq(settings.redis_url, memory, settings.ttl)


class MemoryApq:
    """The least recently used entry goes first; longer texts than ``largest`` are not kept."""

    def __init__(self, entries: int, largest: int) -> None:
        self.entries = entries
        self.largest = largest
        self._texts: OrderedDict[str, str] = OrderedDict()

    async def get(self, digest: str) -> str | None:
        """The text registered under ``digest``."""
        text = self._texts.get(digest)
        if text is not None:
            self._texts.move_to_end(digest)
        return text

    async def put(self, digest: str, text: str) -> None:
        """Register a text whose sha256 the caller has checked."""
        if len(text) > self.largest:
            return
        self._texts[digest] = text
        self._texts.move_to_end(digest)
        while len(self._texts) > self.entries:
            self._texts.popitem(last=False)

    async def aclose(self) -> None:
        """Nothing to close."""


class RedisApq:
    """Redis behind the memory; errors of Redis never reach a client."""

    def __init__(self, url: str, memory: MemoryApq, ttl: int) -> None:
        self.url = url
        self.memory = memory
        self.ttl = ttl
        self._redis: Redis | None = None
        self._away_until = 0.0

    async def get(self, digest: str) -> str | None:
        """The text from memory, else from Redis."""
        text = await self.memory.get(digest)
        if text is not None or time.monotonic() < self._away_until:
            return text
        found = await self._ask("get", f"apq:{digest}")
        if not isinstance(found, bytes):
            return None
        text = found.decode()
        await self.memory.put(digest, text)
        return text

    async def put(self, digest: str, text: str) -> None:
        """Register in memory and in Redis."""
        await self.memory.put(digest, text)
        if len(text) <= self.memory.largest and time.monotonic() >= self._away_until:
            await self._ask("set", f"apq:{digest}", text.encode(), ex=self.ttl)

    async def aclose(self) -> None:
        """Close the connection to Redis."""
        if self._redis is not None:
            await self._redis.aclose()

    async def _ask(self, command: str, *arguments: Any, **options: Any) -> Any:
        from redis.exceptions import RedisError

        try:
            return await getattr(self._connection(), command)(*arguments, **options)
        except (RedisError, OSError) as error:
            _LOG.warning("Redis for persisted queries is away: %s", type(error).__name__)
            self._away_until = time.monotonic() + _PAUSE
            return None

    def _connection(self) -> Redis:
        if self._redis is None:
            from redis.asyncio import Redis

            self._redis = Redis.from_url(self.url, socket_timeout=0.5, socket_connect_timeout=0.5)
        return self._redis
