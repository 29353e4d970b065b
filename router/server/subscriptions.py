"""Subscriptions: one upstream for all who ask the same, bounded queues, reloads survived.

A :class:`Feed` reads one upstream subscription and hands every event to its subscribers. It is
shared by callers with the same operation, variables and forwarded credentials: only then are the
events the same. A subscriber that does not read is dropped with a reason and blocks nobody.

On a schema reload each feed's operation is prepared anew. Still valid: the upstream goes on and
only what runs per event is exchanged, between two events. No longer valid: the subscribers are
told so with the code ``SUBSCRIPTION_SCHEMA_RELOAD``.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import replace
from typing import Any, Final

import orjson

from router.errors import BadRequest, RequestError
from router.execution.client import SubgraphAnswer, SubgraphClient, SubgraphRequest
from router.server.exchange import Exchange, rights_key
from router.server.framing import NumberedSse, framing
from router.server.generation import Generation
from router.server.negotiation import Accepts, Stream
from router.server.pipeline import Pipeline
from router.server.refusals import Refused
from router.server.streaming import Streamed, StreamFailed
from router.settings import SubscriptionSettings

__all__ = ["Subscriptions"]

_LOG: Final = logging.getLogger("router.subscriptions")


class Subscriptions:
    """All live subscriptions of a router."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self.feeds: dict[bytes, Feed] = {}
        self._private = 0

    @property
    def settings(self) -> SubscriptionSettings:
        """The pipeline's settings, which a reload may exchange."""
        return self.pipeline.settings.subscriptions

    async def over_http(self, exchange: Exchange, accepted: Accepts) -> Streamed:
        """The stream of a prepared subscription over SSE or multipart."""
        stream = accepted.stream
        if stream is None or not self.settings.enabled:
            raise Refused(
                "A subscription needs a stream: accept text/event-stream or multipart/mixed.",
                406,
                "SUBSCRIPTIONS_NOT_SUPPORTED",
            )
        transport = "sse" if stream is Stream.SSE else "multipart"
        if transport not in exchange.client.contract.transports:
            raise Refused(
                f"This client is not served over {transport}.", 403, "TRANSPORT_NOT_ALLOWED"
            )
        exchange.transport = transport
        beat = self.settings.keep_alive
        if stream is Stream.SSE and self.settings.resume > 0:
            return Streamed(NumberedSse(), self._numbered(exchange), beat)
        return Streamed(framing(stream), self.events(exchange), beat)

    async def events(self, exchange: Exchange) -> AsyncGenerator[bytes, None]:
        """Every response of a prepared subscription; ends when the source does.

        Raises :class:`~router.server.streaming.StreamFailed` when the stream breaks, the caller
        reads too slowly, or a reload makes the operation invalid.
        """
        read = self._read(exchange, self._feed(exchange))
        async with contextlib.aclosing(read):
            async for _, body in read:
                yield body

    async def _numbered(self, exchange: Exchange) -> AsyncGenerator[bytes, None]:
        """Whole SSE events with ids; what a returning client missed comes first."""
        feed = self._feed(exchange)
        feed.resumable = True
        after = feed.number_of(exchange.headers.get("last-event-id"))
        read = self._read(exchange, feed, after)
        async with contextlib.aclosing(read):
            async for number, body in read:
                yield b"id: %b\nevent: next\ndata: %b\n\n" % (feed.id_of(number), body)

    async def _read(
        self, exchange: Exchange, feed: Feed, after: int | None = None
    ) -> AsyncGenerator[tuple[int, bytes], None]:
        subscriber = Subscriber(self.settings.queue)
        feed.join(subscriber, after)
        try:
            async for event in subscriber:
                if exchange.identity.expired():
                    raise StreamFailed([_ended("The credentials expired.", "UNAUTHENTICATED")])
                yield event
        finally:
            await feed.leave(subscriber)

    async def reload(self) -> None:
        """Carry every feed over to the pipeline's current generation, or end it."""
        for feed in list(self.feeds.values()):
            await feed.reload()

    async def close(self, message: str = "The router is shutting down.") -> None:
        """End every subscription with a typed error."""
        for feed in list(self.feeds.values()):
            await feed.end([_ended(message, "SUBSCRIPTION_SERVER_SHUTDOWN")])

    def _feed(self, exchange: Exchange) -> Feed:
        key = self._key(exchange)
        feed = self.feeds.get(key)
        if feed is None:
            feed = self.feeds[key] = Feed(self, key, exchange)
        return feed

    def _key(self, exchange: Exchange) -> bytes:
        if not self.settings.shared:
            self._private += 1
            return b"%d" % self._private
        named = [
            exchange.client.name,
            exchange.text,
            exchange.operation.name,
            sorted(need.coordinate for need in exchange.denied),
        ]
        return orjson.dumps(named) + rights_key(exchange)


class Subscriber:
    """One reader's bounded queue. The reader that falls behind loses the stream, not the feed."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._events: deque[tuple[int, bytes]] = deque()
        self._errors: list[dict[str, Any]] | None = None
        self._ended = False
        self._ready = asyncio.Event()

    def offer(self, number: int, body: bytes) -> bool:
        """Queue an event; False: the queue is full, and the reader is dropped."""
        if len(self._events) >= self.size:
            self._events.clear()
            self.end(
                [_ended("Events came faster than they were read.", "SUBSCRIPTION_SLOW_CONSUMER")]
            )
            return False
        self._events.append((number, body))
        self._ready.set()
        return True

    def end(self, errors: list[dict[str, Any]] | None = None) -> None:
        """No more events come; ``errors`` say why unless the source is complete."""
        if not self._ended:
            self._ended, self._errors = True, errors
            self._ready.set()

    def __aiter__(self) -> AsyncIterator[tuple[int, bytes]]:
        return self

    async def __anext__(self) -> tuple[int, bytes]:
        while not self._events:
            if self._ended:
                if self._errors:
                    raise StreamFailed(self._errors)
                raise StopAsyncIteration
            self._ready.clear()
            await self._ready.wait()
        return self._events.popleft()


class Feed:
    """One upstream subscription and its readers; it lives while it has one.

    A ``resumable`` feed keeps its last events, and lives on for some seconds without readers: one
    whose connection broke comes back with the id of the last event it saw, and misses nothing.
    """

    def __init__(self, owner: Subscriptions, key: bytes, exchange: Exchange) -> None:
        self.owner = owner
        self.key = key
        self.exchange = exchange
        self.successor: Exchange | None = None
        self.source: Source | None = None
        self.subscribers: set[Subscriber] = set()
        self.resumable = False
        self._name = secrets.token_hex(6)
        self._count = 0
        self._recent: deque[tuple[int, bytes]] = deque(maxlen=owner.settings.queue)
        self._lingering: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._ending: asyncio.Task[None] | None = None

    def id_of(self, number: int) -> bytes:
        """The id that tells this feed's event from all others."""
        return b"%b-%d" % (self._name.encode(), number)

    def number_of(self, id_: str | None) -> int | None:
        """The event that a client saw last, None for an id of another feed."""
        name, _, number = (id_ or "").partition("-")
        return int(number) if name == self._name and number.isdigit() and len(number) < 16 else None

    def join(self, subscriber: Subscriber, after: int | None = None) -> None:
        """Add a reader; the first one opens the upstream. ``after``: what it saw last."""
        if self._lingering is not None:
            self._lingering.cancel()
            self._lingering = None
        if after is not None:
            for number, body in self._recent:
                if number > after:
                    subscriber.offer(number, body)
        self.subscribers.add(subscriber)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._pump())

    async def leave(self, subscriber: Subscriber) -> None:
        """Remove a reader; the last one closes the upstream, at once or after a while."""
        self.subscribers.discard(subscriber)
        if self.subscribers or self._lingering is not None:
            return
        seconds = self.owner.settings.resume
        if self.resumable and seconds > 0 and self._task is not None and not self._task.done():
            loop = asyncio.get_running_loop()
            self._lingering = loop.call_later(seconds, self._expire)
        else:
            await self.end(None)

    def _expire(self) -> None:
        self._ending = asyncio.get_running_loop().create_task(self.end(None))

    async def end(self, errors: list[dict[str, Any]] | None) -> None:
        """End every reader's stream and close the upstream."""
        self._forget()
        if self._lingering is not None:
            self._lingering.cancel()
        for subscriber in self.subscribers:
            subscriber.end(errors)
        task, self._task = self._task, None
        if task is not None and task is not asyncio.current_task():
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def reload(self) -> None:
        """Prepare the operation in the current generation and go over to it."""
        pipeline, before = self.owner.pipeline, self.successor or self.exchange
        generation = pipeline.generation
        client = (
            generation.clients.get(before.client.name)
            if before.client.name in before.generation.clients
            else generation.default
        )
        try:
            if client is None:
                raise BadRequest("The client has no contract any more.")
            exchange = replace(
                before,
                generation=generation,
                operations=pipeline.operations,
                client=client,
                denied=(),
                notes={},
            )
            await pipeline.prepare(exchange, counted=False)
        except RequestError as error:
            reason = f"The schema changed and this subscription is no longer valid: {error.message}"
            await self.end([_ended(reason, "SUBSCRIPTION_SCHEMA_RELOAD")])
            return
        self.successor = exchange
        if self.source is not None:
            self.source.pause()

    async def _pump(self) -> None:
        errors: list[dict[str, Any]] | None = None
        try:
            while True:
                await self._run()
                if self.successor is None:
                    break
                self.exchange, self.successor = self.successor, None
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001  # a broken stream must end its readers
            _LOG.warning("A subscription broke: %s", type(error).__name__)
            errors = [_ended("The subscription broke.", "SUBSCRIPTION_BROKEN")]
        finally:
            if self.source is not None:
                await self.source.aclose()
                self.source = None
        self._forget()
        for subscriber in self.subscribers:
            subscriber.end(errors)

    async def _run(self) -> None:
        """Deliver events with the current exchange until the source ends or a successor waits."""
        exchange = self.exchange
        fetch = exchange.plan.fetches[0]
        upstream = _Upstream(exchange, fetch.subgraph, fetch.operation)
        if self.source is not None and self.source.upstream != upstream:
            await self.source.aclose()
            self.source = None
        if self.source is None:
            self.source = Source(upstream, exchange.generation)
        self.source.resume(exchange.generation)
        clients = {**exchange.generation.subgraphs, fetch.subgraph: self.source}
        exchange.generation.hold()
        events = exchange.runnable.subscribe(exchange.variables, clients, headers=exchange.forward)
        try:
            async for answer in events:
                self._deliver(self.owner.pipeline.shown(exchange, answer).body)
                if not self.subscribers and self._lingering is None:
                    self._forget()
                    return
        finally:
            exchange.generation.release()

    def _deliver(self, body: bytes) -> None:
        self._count += 1
        if self.resumable:
            self._recent.append((self._count, body))
        for subscriber in tuple(self.subscribers):
            if not subscriber.offer(self._count, body):
                self.subscribers.discard(subscriber)

    def _forget(self) -> None:
        if self.owner.feeds.get(self.key) is self:
            del self.owner.feeds[self.key]


class _Upstream:
    """What decides whether two generations mean the same upstream subscription."""

    def __init__(self, exchange: Exchange, subgraph: str, operation: str) -> None:
        view = exchange.generation.supergraph.subgraphs.get(subgraph)
        self.subgraph = subgraph
        self.same = (subgraph, operation, view.url if view is not None else "")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Upstream) and self.same == other.same

    def __hash__(self) -> int:
        return hash(self.same)


class Source(SubgraphClient):
    """The subgraph that a subscription comes from, with its event stream kept across reloads.

    To the executor it is an ordinary client: ``subscribe`` yields events until :meth:`pause`,
    which ends the iteration between two events and loses none; ``fetch`` goes to the subgraph.
    """

    def __init__(self, upstream: _Upstream, generation: Generation) -> None:
        self.upstream = upstream
        self._opened_by = generation
        self._generation = generation
        self._events: AsyncIterator[SubgraphAnswer] | None = None
        self._next: asyncio.Future[SubgraphAnswer] | None = None
        self._paused = asyncio.Event()
        generation.hold()

    def pause(self) -> None:
        """End the running iteration before the next event."""
        self._paused.set()

    def resume(self, generation: Generation) -> None:
        """Iterate again; entity fetches go to the subgraphs of ``generation``."""
        self._generation = generation
        self._paused.clear()

    async def fetch(self, request: SubgraphRequest) -> SubgraphAnswer:
        """Fetch from the subgraph of the current generation."""
        return await self._generation.subgraphs[self.upstream.subgraph].fetch(request)

    async def subscribe(self, request: SubgraphRequest) -> AsyncIterator[SubgraphAnswer]:
        """The upstream's events, opened at the first call and continued at the next."""
        if self._events is None:
            client = self._opened_by.subgraphs[self.upstream.subgraph]
            self._events = aiter(client.subscribe(request))
        paused = asyncio.ensure_future(self._paused.wait())
        try:
            while not self._paused.is_set():
                self._next = self._next or asyncio.ensure_future(_anext(self._events))
                both: set[asyncio.Future[Any]] = {self._next, paused}
                await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
                if self._paused.is_set():
                    return  # an event that is in already waits for the next iteration
                event, self._next = self._next, None
                try:
                    answer = event.result()
                except StopAsyncIteration:
                    return
                yield answer
        finally:
            paused.cancel()

    async def aclose(self) -> None:
        """Close the upstream subscription."""
        if self._next is not None:
            self._next.cancel()
            with contextlib.suppress(asyncio.CancelledError, StopAsyncIteration, Exception):
                await self._next
            self._next = None
        if isinstance(self._events, AsyncGenerator):
            await self._events.aclose()
        self._events = None
        self._opened_by.release()


async def _anext(events: AsyncIterator[SubgraphAnswer]) -> SubgraphAnswer:
    return await anext(events)


def _ended(message: str, code: str) -> dict[str, Any]:
    return {"message": message, "extensions": {"code": code}}
