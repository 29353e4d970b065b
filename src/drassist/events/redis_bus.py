"""The bus between processes, on Redis or Valkey: a channel per topic and one stream for the work.

Every event is published on its channel and appended to a trimmed stream in one pipeline. Those who
watch share one pattern subscription per process; those who work read the stream in a consumer group
and take over what a dead worker left unacknowledged.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from typing import Any, Final
from uuid import uuid4

import redis.asyncio as redis
from redis.exceptions import RedisError, ResponseError

from drassist.events.bus import Handler, Subscription, matches
from drassist.events.event import Event
from drassist.runtime.logs import get_logger
from drassist.runtime.settings import BusSettings

__all__ = ["RedisBus"]

log = get_logger(__name__)

_CHANNEL: Final = "drassist:topic:"
_STREAM: Final = "drassist:events"
_ABANDONED_MS: Final = 30_000
_LISTENING_WITHIN: Final = 10.0
"""Seconds for which who wants to watch waits for the connection."""


class RedisBus:
    """Events through Redis. Make it with :meth:`connect`."""

    def __init__(self, client: redis.Redis, stream_length: int) -> None:
        self._redis = client
        self._length = stream_length
        self._watching: set[Subscription] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._listening: asyncio.Event | None = None
        self._closing = False
        self._consumer = f"{os.getpid()}-{uuid4().hex[:8]}"

    @classmethod
    async def connect(cls, settings: BusSettings) -> RedisBus:
        """Connect; raises ``redis.RedisError`` when nobody answers."""
        client: redis.Redis = redis.Redis.from_url(settings.url, health_check_interval=15)
        try:
            await client.ping()
        except BaseException:
            await client.aclose()
            raise
        return cls(client, settings.stream_length)

    async def publish(self, event: Event) -> None:
        raw = event.to_json()
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.xadd(_STREAM, {"event": raw}, maxlen=self._length, approximate=True)
            pipe.publish(_CHANNEL + event.topic, raw)
            await pipe.execute()

    async def subscribe(self, *patterns: str) -> Subscription:
        if self._listening is None:
            self._listening = asyncio.Event()
            self._start(self._listen(self._listening))
        async with asyncio.timeout(_LISTENING_WITHIN):
            while not self._listening.is_set():  # it may be lost again before we run
                await self._listening.wait()
        subscription = Subscription(patterns, self._forget)
        self._watching.add(subscription)
        return subscription

    async def consume(self, group: str, handler: Handler, *patterns: str) -> None:
        await self._join(group, after="$")
        self._start(self._work(group, handler, patterns))

    async def ping(self) -> None:
        await self._redis.ping()

    async def aclose(self) -> None:
        self._closing = True
        # redis-py may swallow a cancellation that meets its own timeout: ask until all have ended
        while pending := [task for task in self._tasks if not task.done()]:
            for task in pending:
                task.cancel()
            await asyncio.wait(pending, timeout=0.5)
        for subscription in tuple(self._watching):
            await subscription.aclose()
        await self._redis.aclose()

    def _start(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _forget(self, subscription: Subscription) -> None:
        self._watching.discard(subscription)

    async def _listen(self, listening: asyncio.Event) -> None:
        """Read all topics on one connection; after a lost one, those who watch must refetch."""
        while not self._closing:
            try:
                async with self._redis.pubsub() as channel:
                    await channel.psubscribe(_CHANNEL + "*")
                    async for message in channel.listen():
                        if message["type"] == "psubscribe":
                            listening.set()
                        elif message["type"] == "pmessage":
                            self._offer(message["data"])
            except (RedisError, OSError) as error:
                log.warning("bus.connection_lost", error_class=type(error).__name__)
                listening.clear()
                for subscription in tuple(self._watching):
                    subscription.fail()
                await asyncio.sleep(0.5)

    def _offer(self, raw: bytes) -> None:
        try:
            event = Event.from_json(raw)
        except ValueError:
            log.warning("bus.unreadable_event")
            return
        for subscription in tuple(self._watching):
            subscription.offer(event)

    async def _work(self, group: str, handler: Handler, patterns: tuple[str, ...]) -> None:
        while not self._closing:
            try:
                await self._take_over(group, handler, patterns)
                answer: Any = await self._redis.xreadgroup(
                    group, self._consumer, {_STREAM: ">"}, count=50, block=2_000
                )
                for _, entries in answer or ():
                    for number, fields in entries:
                        await self._handle(group, handler, patterns, number, fields)
            except (RedisError, OSError) as error:
                log.warning("bus.consumer_waits", error_class=type(error).__name__)
                await asyncio.sleep(0.5)
                if "NOGROUP" in str(error):  # a Redis that came back empty: all of it is new
                    with suppress(RedisError, OSError):
                        await self._join(group, after="0")

    async def _join(self, group: str, *, after: str) -> None:
        """Make the group where it is not there yet; it begins behind the entry ``after``."""
        try:
            await self._redis.xgroup_create(_STREAM, group, id=after, mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise

    async def _take_over(self, group: str, handler: Handler, patterns: tuple[str, ...]) -> None:
        claimed = await self._redis.xautoclaim(
            _STREAM, group, self._consumer, min_idle_time=_ABANDONED_MS, count=50
        )
        for number, fields in claimed[1]:
            await self._handle(group, handler, patterns, number, fields)

    async def _handle(
        self, group: str, handler: Handler, patterns: tuple[str, ...], number: Any, fields: Any
    ) -> None:
        try:
            event = Event.from_json(fields[b"event"])
            if matches(event.topic, patterns):
                await handler(event)
        except (ValueError, KeyError):
            log.warning("bus.unreadable_event")
        except Exception as error:  # noqa: BLE001  any failure of the work: it comes again
            log.warning("bus.handler_failed", error_class=type(error).__name__)
            return
        await self._redis.xack(_STREAM, group, number)
