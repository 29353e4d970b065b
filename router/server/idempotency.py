"""``Idempotency-Key``: a mutation that is sent twice is done once (IETF httpapi draft).

The first request takes a lease under (client, caller, key), runs, and stores its answer. A second
one with the same payload gets the stored answer; while the first still runs it gets 409; with
another payload 422. The lease is one atomic insert, in memory or in Redis, so it also holds when
two routers get the two tries at the same moment; a crashed router's lease runs out.

Subgraphs get a key with each mutation, so that one that keeps to the header too does it once
whatever happens here. A try that was sent and has no answer (it took too long) holds its lease:
what became of it nobody knows. An answer that Redis does not take is kept here until it does.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final, Protocol

import orjson
from msgspec import Struct

from router.execution import Answer
from router.execution.upload import Upload
from router.server.exchange import Exchange
from router.server.keyed import keyed
from router.server.refusals import Refused
from router.settings import IdempotencySettings

if TYPE_CHECKING:
    from redis.asyncio import Redis

__all__ = ["AnswerStore", "Idempotency", "MemoryAnswers", "RedisAnswers"]

_LOG: Final = logging.getLogger("router.idempotency")
_AGAIN: Final = 1.0
"""Seconds between two tries to store an answer."""
_MOST_UNSTORED: Final = 1_000
_KEY: Final = re.compile(r"[\x21-\x7e]{1,200}")


class Entry(Struct, frozen=True):
    """What is known under a key: whose payload, and the answer once there is one."""

    fingerprint: str
    owner: str
    body: bytes | None = None


class AnswerStore(Protocol):
    """Keeps entries; ``claim`` is atomic between all routers that share the store."""

    async def claim(self, key: str, entry: Entry, lease: int) -> Entry | None:
        """Insert the entry unless one is there; returns the one that was there."""

    async def finish(self, key: str, entry: Entry, ttl: int) -> None:
        """Store the answer for ``ttl`` seconds in place of its own claim, or of none.

        Raises ``OSError`` when the store is away.
        """

    async def forget(self, key: str, owner: str) -> None:
        """Remove the owner's claim: nothing was done under it."""

    async def aclose(self) -> None: ...


class Idempotency:
    """Runs mutations at most once per key."""

    def __init__(self, settings: IdempotencySettings, store: AnswerStore | None = None) -> None:
        self.settings = settings
        self.enabled = settings.enabled
        self.store = store or (
            RedisAnswers(settings.redis_url)
            if settings.redis_url
            else MemoryAnswers(settings.entries)
        )
        self._unstored: dict[str, Entry] = {}
        self._storing: asyncio.Task[None] | None = None

    async def run(
        self,
        exchange: Exchange,
        header: str,
        run: Callable[[Exchange], Awaitable[Answer]],
        shown: Callable[[Exchange, Answer], Answer],
    ) -> tuple[Answer, bool]:
        """The answer as the client is ``shown`` it, and whether it is a stored one.

        Raises :class:`Refused`: 400 for a malformed key or an operation that is not persisted
        where that is required, 409 while the first try runs, 422 for another payload, 503 when
        the store is away (better not done than done twice).
        """
        given = header.strip()
        given = given[1:-1] if len(given) > 1 and given[0] == given[-1] == '"' else given
        if not _KEY.fullmatch(given):
            raise Refused("The Idempotency-Key is malformed.", 400, "IDEMPOTENCY_KEY_INVALID")
        if self.settings.required_persisted and not exchange.persisted:
            raise Refused(
                "Idempotency-Key works with persisted mutations.",
                400,
                "IDEMPOTENCY_KEY_NOT_SUPPORTED",
            )
        key = _digest(exchange.client.name, exchange.identity.key, given)
        owner = secrets.token_hex(8)
        claim = Entry(_fingerprint(exchange), owner)
        known = self._unstored.get(key) or await self._claim(key, claim)
        if known is not None:
            return self._replayed(known, claim.fingerprint), True
        clients, sent = keyed(exchange.generation.subgraphs, key, send=self.settings.forward)
        exchange.keyed = clients
        try:
            done = await run(exchange)
        except BaseException:
            if not sent.any:
                await self.store.forget(key, owner)
            raise
        answer = shown(exchange, done)
        if _never_left(done):
            await self.store.forget(key, owner)
        elif len(answer.body) <= self.settings.body_bytes:
            await self._store(key, Entry(claim.fingerprint, owner, answer.body))
        return answer, False

    async def aclose(self) -> None:
        """Close the store; what it did not take is lost."""
        if self._storing is not None:
            self._storing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._storing
        await self.store.aclose()

    async def _store(self, key: str, entry: Entry) -> None:
        try:
            await self.store.finish(key, entry, self.settings.ttl)
        except OSError as error:
            _LOG.warning("An answer cannot be stored yet: %s", type(error).__name__)
            self._unstored[key] = entry
            while len(self._unstored) > _MOST_UNSTORED:
                self._unstored.pop(next(iter(self._unstored)))
            if self._storing is None or self._storing.done():
                self._storing = asyncio.get_running_loop().create_task(self._store_later())

    async def _store_later(self) -> None:
        """Try again until the store has everything; meanwhile this router answers with it."""
        while self._unstored:
            await asyncio.sleep(_AGAIN)
            for key, entry in list(self._unstored.items()):
                try:
                    await self.store.finish(key, entry, self.settings.ttl)
                except OSError:
                    break
                self._unstored.pop(key, None)

    async def _claim(self, key: str, claim: Entry) -> Entry | None:
        try:
            return await self.store.claim(key, claim, self.settings.lease)
        except OSError as error:
            raise Refused(
                "The store of answers is away; try again.",
                503,
                "IDEMPOTENCY_STORE_AWAY",
                headers={"Retry-After": "5"},
            ) from error

    def _replayed(self, known: Entry, fingerprint: str) -> Answer:
        if known.fingerprint != fingerprint:
            raise Refused(
                "This Idempotency-Key was used for another request.", 422, "IDEMPOTENCY_KEY_REUSED"
            )
        if known.body is None:
            raise Refused(
                "The first request with this Idempotency-Key is still running.",
                409,
                "IDEMPOTENCY_KEY_IN_USE",
                headers={"Retry-After": "1"},
            )
        return Answer(known.body, tuple(orjson.loads(known.body).get("errors") or ()))


class MemoryAnswers:
    """Entries of one router, bounded; the oldest finished one goes first."""

    def __init__(self, entries: int) -> None:
        self.entries = entries
        self._known: OrderedDict[str, tuple[float, Entry]] = OrderedDict()

    async def claim(self, key: str, entry: Entry, lease: int) -> Entry | None:
        """Insert unless there is a live entry; no await in between, so it is atomic."""
        now = time.monotonic()
        known = self._known.get(key)
        if known is not None and known[0] > now:
            return known[1]
        self._known[key] = (now + lease, entry)
        self._known.move_to_end(key)
        while len(self._known) > self.entries:
            self._known.popitem(last=False)
        return None

    async def finish(self, key: str, entry: Entry, ttl: int) -> None:
        """Keep the answer for ``ttl`` seconds."""
        self._known[key] = (time.monotonic() + ttl, entry)

    async def forget(self, key: str, owner: str) -> None:
        """Remove the claim if it is still this owner's."""
        known = self._known.get(key)
        if known is not None and known[1].owner == owner:
            del self._known[key]

    async def aclose(self) -> None:
        """Nothing to close."""


class RedisAnswers:
    """Entries shared by all routers: ``SET NX`` is the lease."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._redis: Redis | None = None

    async def claim(self, key: str, entry: Entry, lease: int) -> Entry | None:
        """Insert unless there is one; raises ``OSError`` when Redis is away."""
        from redis.exceptions import RedisError

        redis = self._connection()
        try:
            if await redis.set(_place(key), _packed(entry), nx=True, ex=lease):
                return None
            found = await redis.get(_place(key))
        except RedisError as error:
            raise ConnectionError(str(error)) from error
        if not isinstance(found, bytes):  # it ran out between the two commands
            return await self.claim(key, entry, lease)
        return _unpacked(found)

    async def finish(self, key: str, entry: Entry, ttl: int) -> None:
        """Replace the claim by the answer, unless another try has the key by now."""
        from redis.exceptions import RedisError

        try:
            found = await self._connection().get(_place(key))
            if not isinstance(found, bytes) or _unpacked(found).owner == entry.owner:
                await self._connection().set(_place(key), _packed(entry), ex=ttl)
        except RedisError as error:
            raise ConnectionError(str(error)) from error

    async def forget(self, key: str, owner: str) -> None:
        """Remove the claim if it is still this owner's."""
        from redis.exceptions import RedisError

        try:
            found = await self._connection().get(_place(key))
            if isinstance(found, bytes) and _unpacked(found).owner == owner:
                await self._connection().delete(_place(key))
        except RedisError:
            return

    async def aclose(self) -> None:
        """Close the connection."""
        if self._redis is not None:
            await self._redis.aclose()

    def _connection(self) -> Redis:
        if self._redis is None:
            from redis.asyncio import Redis

            self._redis = Redis.from_url(self.url, socket_timeout=2, socket_connect_timeout=1)
        return self._redis


def _never_left(answer: Answer) -> bool:
    """Whether no subgraph was reached at all: nothing was done, and the client may try again."""
    return bool(answer.errors) and all(
        error.get("extensions", {}).get("code") == "SUBREQUEST_HTTP_ERROR"
        and str(error.get("message", "")).startswith("The subgraph cannot be reached")
        for error in answer.errors
    )


def _fingerprint(exchange: Exchange) -> str:
    options = orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATACLASS
    variables = orjson.dumps(exchange.request.variables, option=options, default=_of_file)
    return _digest(exchange.text, exchange.operation.name or "", variables.decode())


def _of_file(value: Any) -> str:
    """What a file says: a second try brings it in another temporary file."""
    if not isinstance(value, Upload):
        return str(value)
    assert value.kept is not None  # the door waits for files whole where there is a key
    digest = hashlib.sha256()
    value.kept.seek(0)
    while piece := value.kept.read(65_536):
        digest.update(piece)
    return _digest(value.filename, value.content_type, digest.hexdigest())


def _digest(*parts: str) -> str:
    return hashlib.sha256(orjson.dumps(parts)).hexdigest()


def _place(key: str) -> str:
    return f"idempotency:{key}"


def _packed(entry: Entry) -> bytes:
    head = orjson.dumps([entry.fingerprint, entry.owner, entry.body is not None])
    return head + b"\n" + (entry.body or b"")


def _unpacked(packed: bytes) -> Entry:
    head, _, body = packed.partition(b"\n")
    fields: list[Any] = orjson.loads(head)
    return Entry(fields[0], fields[1], body if fields[2] else None)
