"""Event logs in Redis: one upstream subscription for all routers, resumed at any of them.

Per feed there are three keys. ``lease`` names the router that reads the source, ``readers`` those
that read along, ``log`` is a stream with the last events, whose ids are the events' ids. A router
says that it is alive under one key of its own, so a quiet feed costs nothing. When the router that
reads the source leaves, or says nothing for :data:`ALIVE` seconds, one of the others reads on.

With Redis away every router reads the source itself and keeps its own events, as if no Redis were
set; feeds that began so stay so, new ones are shared once it is back.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

import orjson

from router.server.event_log import Event, EventId, MemoryLog, SourceOver

if TYPE_CHECKING:
    from redis.asyncio import Redis

__all__ = ["ALIVE", "SharedLog", "SharedLogs"]

_LOG: Final = logging.getLogger("router.subscriptions")

ALIVE: Final = 5.0
"""Seconds after which a router that said nothing counts as gone; it says so five times as often."""
_LEASE: Final = 3_600
"""Seconds for which keys of a feed live without being renewed; renewed six times as often."""
_PAUSE: Final = 5.0
"""Seconds for which an unreachable Redis is left alone."""
_TIMEOUT: Final = 5.0
"""Seconds within which Redis must answer."""
_CONNECTIONS: Final = 8
_PREFIX: Final = "router:feed:"

_OPEN: Final = """
local owner = redis.call('GET', KEYS[1])
local last = redis.call('XREVRANGE', KEYS[3], '+', '-', 'COUNT', 1)
local id = last[1] and last[1][1] or '0-0'
if owner and owner ~= ARGV[1] and redis.call('EXISTS', ARGV[2] .. owner) == 1 then
  redis.call('SADD', KEYS[2], ARGV[1])
  redis.call('EXPIRE', KEYS[2], ARGV[3])
  return {owner, id}
end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[3])
redis.call('SREM', KEYS[2], ARGV[1])
return {ARGV[1], id}
"""
"""Take the lease, or read along with a living router that has it; tells who has it, and the end."""
_APPEND: Final = """
local owner = redis.call('GET', KEYS[1])
if owner and owner ~= ARGV[1] then return 0 end
if not owner then redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2]) end
redis.call('XADD', KEYS[3], 'MAXLEN', ARGV[4], ARGV[3], 'k', 'event', 'b', ARGV[6])
redis.call('EXPIRE', KEYS[3], ARGV[5])
return 1
"""
"""Add an event unless another router has the lease."""
_LEAVE: Final = """
redis.call('SREM', KEYS[2], ARGV[1])
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
local here = 0
for _, reader in ipairs(redis.call('SMEMBERS', KEYS[2])) do
  if redis.call('EXISTS', ARGV[2] .. reader) == 1 then here = here + 1
  else redis.call('SREM', KEYS[2], reader) end
end
if here > 0 and ARGV[6] == '' then return here end
redis.call('DEL', KEYS[1])
if here > 0 then
  redis.call('XADD', KEYS[3], 'MAXLEN', ARGV[4], ARGV[3], 'k', ARGV[6], 'b', ARGV[7])
  redis.call('EXPIRE', KEYS[3], ARGV[5])
end
return 0
"""
"""Give the lease back, and tell living readers why; without a reason only if there are none."""


class SharedLogs:
    """All logs of a router in one Redis: what says that the router lives, and what reads along."""

    def __init__(self, url: str, size: int, keep: float) -> None:
        self.url = url
        self.size = size
        self.keep = max(1, int(keep * 2) + 1)
        self.session: str | None = None
        """This router's name while Redis hears of it; a new one after Redis was away."""
        self._redis: Redis | None = None
        self._logs: set[SharedLog] = set()
        self._followed: dict[bytes, SharedLog] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._reading: asyncio.Task[None] | None = None
        self._away_until = 0.0
        self._starting = asyncio.Lock()

    def log(self, name: str) -> SharedLog:
        """The log of the feed of this name."""
        return SharedLog(self, name)

    async def join(self, log: SharedLog) -> str | None:
        """The session to take part with; None while Redis is away."""
        async with self._starting:
            if self.session is None and time.monotonic() >= self._away_until:
                await self._start()
        if self.session is not None:
            self._logs.add(log)
        return self.session

    def forget(self, log: SharedLog) -> None:
        """A log that takes part no longer."""
        self._logs.discard(log)
        self.unfollow(log)

    def follow(self, log: SharedLog) -> None:
        """Hand what is added to the log over to it; the reader of all logs is told."""
        self._followed[log.stream] = log
        if self._reading is None or self._reading.done():
            self._reading = self._run(self._read())
        else:
            self._run(self._wake())

    def unfollow(self, log: SharedLog) -> None:
        """Hand nothing over any more."""
        if self._followed.get(log.stream) is log:
            del self._followed[log.stream]

    async def run(self, script: str, log: SharedLog, *arguments: Any) -> Any:
        """Run one of the scripts on a log's keys; Redis being away is an ``OSError``."""
        return await self._asking(
            lambda redis: redis.eval(script, len(log.keys), *log.keys, *arguments)
        )

    async def range(self, log: SharedLog, after: EventId) -> list[Event]:
        """What the log holds after an id; Redis being away is an ``OSError``."""
        start = f"({after.epoch}-{after.number}"
        found = await self._asking(lambda redis: redis.xrange(log.stream, start, "+"))
        return [
            Event(_id_of(id_), fields[b"b"]) for id_, fields in found if fields[b"k"] == b"event"
        ]

    def lose(self, reason: BaseException) -> None:
        """Redis is away: every log goes on alone."""
        if self.session is None:
            return
        _LOG.warning("Redis for subscriptions is away: %s", type(reason).__name__)
        self.session = None
        self._away_until = time.monotonic() + _PAUSE
        for log in list(self._logs):
            log.lost()
        self._logs.clear()
        self._followed.clear()

    async def aclose(self) -> None:
        """Say farewell and close the connections."""
        tasks, self._tasks = self._tasks, set()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._redis is not None:
            if self.session is not None:
                with contextlib.suppress(OSError):
                    session = self.session
                    await self._asking(lambda redis: redis.delete(_alive(session)))
            await self._redis.aclose()
        self.session = None

    async def _start(self) -> None:
        session = secrets.token_hex(8)
        try:
            await self._beat(session)
        except OSError as error:
            _LOG.warning("Redis for subscriptions is away: %s", type(error).__name__)
            self._away_until = time.monotonic() + _PAUSE
            return
        self.session = session
        self._run(self._live(session))

    async def _live(self, session: str) -> None:
        """Say that this router lives, renew what it holds, and notice whoever does not live."""
        renewed = time.monotonic()
        while self.session == session:
            await asyncio.sleep(ALIVE / 5)
            try:
                await self._beat(session)
                await self._notice_the_dead()
                if time.monotonic() > renewed + _LEASE / 6:
                    renewed = time.monotonic()
                    for log in list(self._logs):
                        await log.renew()
            except OSError as error:
                self.lose(error)

    async def _beat(self, session: str) -> None:
        await self._asking(lambda redis: redis.set(_alive(session), b"1", px=int(ALIVE * 1000)))

    async def _notice_the_dead(self) -> None:
        owners = {log.owner for log in self._followed.values()}
        for owner in owners:
            if not await self._asking(lambda redis, name=owner: redis.exists(_alive(name))):  # type: ignore[misc]
                for log in [log for log in self._followed.values() if log.owner == owner]:
                    log.orphaned()

    async def _read(self) -> None:
        """Read along in all followed logs over one connection until none is followed."""
        session = self.session
        wake, woken = f"{_PREFIX}wake:{session}".encode(), b"0-0"
        try:
            while self._followed and self.session == session:
                places = {stream: log.place for stream, log in self._followed.items()}
                found = await self._asking(
                    lambda redis, asked={**places, wake: woken}: redis.xread(  # type: ignore[misc]
                        asked, count=64, block=1000
                    )
                )
                for stream, entries in _by_stream(found):
                    if stream == wake:
                        woken = entries[-1][0]
                        continue
                    log = self._followed.get(stream)
                    for id_, fields in entries if log is not None else ():
                        assert log is not None
                        log.heard(_id_of(id_), fields[b"k"], fields[b"b"])
        except OSError as error:
            if self.session == session:
                self.lose(error)

    async def _wake(self) -> None:
        """Make the reader ask anew: it follows one log more."""
        name = f"{_PREFIX}wake:{self.session}".encode()
        with contextlib.suppress(OSError):
            await self._asking(lambda redis: redis.xadd(name, {b"w": b""}, maxlen=1))
            await self._asking(lambda redis: redis.expire(name, _LEASE))

    def _run(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _asking(self, ask: Callable[[Redis], Awaitable[Any]]) -> Any:
        from redis.exceptions import RedisError

        if self._redis is None:
            from redis.asyncio import BlockingConnectionPool, Redis
            from redis.asyncio.retry import Retry
            from redis.backoff import NoBackoff

            pool = BlockingConnectionPool.from_url(
                self.url,
                max_connections=_CONNECTIONS,
                timeout=None,
                socket_timeout=_TIMEOUT,
                socket_connect_timeout=1,
                retry=Retry(NoBackoff(), 0),  # an event must not be added twice
            )
            self._redis = Redis.from_pool(pool)
        try:
            return await ask(self._redis)
        except RedisError as error:
            raise ConnectionError(str(error)) from error


class SharedLog:
    """The log of one feed as one router sees it."""

    shared = True

    def __init__(self, logs: SharedLogs, name: str) -> None:
        base = f"{_PREFIX}{name}:"
        self.logs = logs
        self.keys = (f"{base}lease", f"{base}readers", f"{base}log")
        self.stream = self.keys[2].encode()
        self.owner = ""
        self.place = b"0-0"
        self._own = MemoryLog(logs.size)
        self._session: str | None = None
        self._leads = False
        self._last = EventId(0, 0)
        self._inbox: asyncio.Queue[Event | SourceOver | None] = asyncio.Queue()

    async def open(self) -> bool:
        """Take the lease, or read along with whoever has it; alone where Redis is away."""
        self._inbox = asyncio.Queue()
        self._session = await self.logs.join(self)
        if self._session is None:
            return True
        try:
            owner, last = await self.logs.run(_OPEN, self, self._session, _alive(""), _LEASE)
        except OSError as error:
            self.logs.lose(error)
            return True
        self.owner, self.place = owner.decode(), last
        self._leads = self.owner == self._session
        if self._leads:
            epoch = max(time.time_ns() // 1_000_000, _id_of(last).epoch + 1)
            self._last = EventId(epoch, 0)
        else:
            self.logs.follow(self)
        return self._leads

    async def append(self, body: bytes) -> EventId | None:
        """Add an event for all routers; alone, for this one."""
        id_ = EventId(self._last.epoch, self._last.number + 1)
        if self._session is not None:
            try:
                entry = (_LEASE, _text_of(id_), self.logs.size, self.logs.keep, body)
                if not await self.logs.run(_APPEND, self, self._session, *entry):
                    return None
            except OSError as error:
                self.logs.lose(error)
        if self._session is None:
            return await self._own.append(body)
        self._last = id_
        self._own.keep(Event(id_, body))
        return id_

    async def since(self, after: EventId) -> list[Event]:
        """From Redis; alone, from what this router kept."""
        if self._session is not None:
            try:
                return await self.logs.range(self, after)
            except OSError as error:
                self.logs.lose(error)
        return await self._own.since(after)

    async def follow(self) -> AsyncGenerator[Event, None]:
        """What the reader of all logs hands over."""
        while (found := await self._inbox.get()) is not None:
            if isinstance(found, SourceOver):
                raise found
            self._own.keep(found)
            yield found

    async def over(self, errors: Sequence[dict[str, Any]]) -> None:
        """Give the lease back and say in the log, for its readers, why."""
        await self._leave(b"over", orjson.dumps(list(errors)))

    async def leave(self, *, force: bool = False) -> bool:
        """Give the lease back unless others read along; ``force``: they hear of it at once."""
        return await self._leave(b"left" if force else b"")

    async def _leave(self, reason: bytes, body: bytes = b"") -> bool:
        here = 0
        if self._session is not None:
            id_ = EventId(self._last.epoch, self._last.number + 1)
            entry = (_text_of(id_), self.logs.size, self.logs.keep, reason, body)
            try:
                here = await self.logs.run(_LEAVE, self, self._session, _alive(""), *entry)
            except OSError as error:
                self.logs.lose(error)
        if here:
            return False
        self.logs.forget(self)
        self._session = None
        return True

    async def renew(self) -> None:
        """Keep the keys alive; where nobody had the lease any more, whoever has it reads."""
        if self._session is not None:
            owner, _ = await self.logs.run(_OPEN, self, self._session, _alive(""), _LEASE)
            if owner.decode() == self._session and not self._leads:
                self.orphaned()

    def heard(self, id_: EventId, kind: bytes, body: bytes) -> None:
        """The reader of all logs found this."""
        if id_ <= _id_of(self.place):
            return
        self.place = b"%d-%d" % id_
        match kind:
            case b"event":
                self._inbox.put_nowait(Event(id_, body))
            case b"over":
                self._inbox.put_nowait(SourceOver(orjson.loads(body)))
            case _:
                self.orphaned()

    def orphaned(self) -> None:
        """Nobody reads the source any more."""
        self.logs.unfollow(self)
        self._inbox.put_nowait(None)

    def lost(self) -> None:
        """Redis is away: whoever read along opens again, and is alone."""
        self._session = None
        self._inbox.put_nowait(None)


def _alive(session: str) -> str:
    return f"{_PREFIX}alive:{session}"


def _text_of(id_: EventId) -> str:
    return f"{id_.epoch}-{id_.number}"


def _id_of(text: bytes) -> EventId:
    epoch, _, number = text.partition(b"-")
    return EventId(int(epoch), int(number))


def _by_stream(found: Any) -> Iterable[tuple[bytes, list[Any]]]:
    """XREAD's reply, which is a mapping or a list with the protocol's version."""
    if isinstance(found, dict):
        return [(stream, entries[0] if entries else []) for stream, entries in found.items()]
    return found or ()
