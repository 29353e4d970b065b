"""Subscriptions: one upstream for all who ask the same, bounded queues, reloads survived.

A :class:`~router.server.feeds.Feed` is shared by callers with the same operation, variables and
forwarded credentials: only then are the events the same. With ``subscriptions.redis_url`` set it
is shared by all routers: one of them reads the upstream, the events travel through Redis, and a
client resumes at whichever router it comes back to.

On a schema reload each feed's operation is prepared anew. Still valid: the upstream goes on and
only what runs per event is exchanged, between two events. No longer valid: the subscribers are
told so with the code ``SUBSCRIPTION_SCHEMA_RELOAD``.
"""

from __future__ import annotations

import contextlib
import hashlib
import secrets
from collections.abc import AsyncGenerator

import orjson

from router.server.event_log import Event, EventId, EventLog, MemoryLog
from router.server.exchange import Exchange, rights_key
from router.server.feeds import Feed, Subscriber, ended
from router.server.framing import NumberedSse, framing
from router.server.negotiation import Accepts, Stream
from router.server.pipeline import Pipeline
from router.server.refusals import Refused
from router.server.shared_log import SharedLogs
from router.server.streaming import Streamed, StreamFailed
from router.settings import SubscriptionSettings

__all__ = ["Subscriptions"]


class Subscriptions:
    """All live subscriptions of a router."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self.feeds: dict[str, Feed] = {}
        self._logs: SharedLogs | None = None
        self._former: list[SharedLogs] = []

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
            async for event in read:
                yield event.body

    async def _numbered(self, exchange: Exchange) -> AsyncGenerator[bytes, None]:
        """Whole SSE events with ids; what a returning client missed comes first."""
        feed = self._feed(exchange)
        feed.resumable = True
        after = feed.place_of(exchange.headers.get("last-event-id"))
        read = self._read(exchange, feed, after)
        async with contextlib.aclosing(read):
            async for event in read:
                yield b"id: %b\nevent: next\ndata: %b\n\n" % (feed.id_of(event), event.body)

    async def _read(
        self, exchange: Exchange, feed: Feed, after: EventId | None = None
    ) -> AsyncGenerator[Event, None]:
        subscriber = Subscriber(self.settings.queue)
        try:
            await feed.join(subscriber, after)
            async for event in subscriber:
                if exchange.identity.expired():
                    raise StreamFailed([ended("The credentials expired.", "UNAUTHENTICATED")])
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
            await feed.end([ended(message, "SUBSCRIPTION_SERVER_SHUTDOWN")])

    async def aclose(self) -> None:
        """Close what is shared with other routers."""
        for logs in (*self._former, *([self._logs] if self._logs is not None else [])):
            await logs.aclose()

    def _feed(self, exchange: Exchange) -> Feed:
        name = self._name(exchange)
        feed = self.feeds.get(name)
        if feed is None:
            feed = self.feeds[name] = Feed(
                self.pipeline,
                exchange,
                self._log(name),
                name=name,
                linger=self.settings.resume,
                forget=self._forget,
            )
        return feed

    def _forget(self, feed: Feed) -> None:
        if self.feeds.get(feed.name) is feed:
            del self.feeds[feed.name]

    def _log(self, name: str) -> EventLog:
        settings = self.settings
        if settings.redis_url is None or not settings.shared:
            return MemoryLog(settings.queue)
        logs = self._logs
        if logs is None or logs.url != settings.redis_url:
            if logs is not None:  # its feeds live on in it
                self._former.append(logs)
            logs = self._logs = SharedLogs(settings.redis_url, settings.queue, settings.resume)
        return logs.log(name)

    def _name(self, exchange: Exchange) -> str:
        """What tells a feed from all others, the same at every router; nothing is read from it."""
        if not self.settings.shared:
            return secrets.token_hex(12)
        named = [
            exchange.client.name,
            exchange.text,
            exchange.operation.name,
            sorted(need.coordinate for need in exchange.denied),
        ]
        key = orjson.dumps(named) + rights_key(exchange)
        return hashlib.blake2b(key, digest_size=12).hexdigest()
