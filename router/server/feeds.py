"""One subscription and everybody who reads it: the source, its events, the readers' queues.

A :class:`Feed` opens with its first reader. Its log says whether this router reads the source or
another one does; if that ends, the feed reads on itself. A reader that falls behind loses its
stream and holds up nobody.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any, Final

from msgspec.structs import replace

from router.errors import BadRequest, RequestError
from router.execution import Answer
from router.execution.client import SubgraphAnswer, SubgraphClient, SubgraphRequest
from router.server.event_log import Event, EventId, EventLog, SourceOver
from router.server.exchange import Exchange
from router.server.generation import Generation
from router.server.pipeline import Pipeline
from router.server.refusals import errors_body, errors_of
from router.server.streaming import StreamFailed

__all__ = ["Feed", "Subscriber", "ended"]

_LOG: Final = logging.getLogger("router.subscriptions")


class Subscriber:
    """One reader's bounded queue. The reader that falls behind loses the stream, not the feed."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._events: deque[Event] = deque()
        self._held: list[Event] | None = None
        self._errors: list[dict[str, Any]] | None = None
        self._ended = False
        self._ready = asyncio.Event()

    def offer(self, event: Event) -> bool:
        """Queue an event; False: the queue is full, and the reader is dropped."""
        queue = self._events if self._held is None else self._held
        if len(queue) >= self.size:
            self._events.clear()
            self.end(
                [ended("Events came faster than they were read.", "SUBSCRIPTION_SLOW_CONSUMER")]
            )
            return False
        queue.append(event)
        self._ready.set()
        return True

    def hold(self) -> None:
        """Keep what is offered aside until what was missed has been found."""
        self._held = []

    def release(self, missed: list[Event]) -> None:
        """Queue what was missed, then what came meanwhile and is later."""
        held, self._held = self._held or [], None
        last = missed[-1].id if missed else EventId(0, 0)
        self._events.extend(missed)
        self._events.extend(event for event in held if event.id > last)
        self.size += len(self._events)  # what waited for the reader is not held against it
        self._ready.set()

    def end(self, errors: list[dict[str, Any]] | None = None) -> None:
        """No more events come; ``errors`` say why unless the source is complete."""
        if not self._ended:
            self._ended, self._errors = True, errors
            self._ready.set()

    def __aiter__(self) -> AsyncIterator[Event]:
        return self

    async def __anext__(self) -> Event:
        while not self._events:
            if self._ended and self._held is None:
                if self._errors:
                    raise StreamFailed(self._errors)
                raise StopAsyncIteration
            self._ready.clear()
            await self._ready.wait()
        return self._events.popleft()


class Feed:
    """One subscription of this router and its readers; it lives while it is read.

    A ``resumable`` feed lives on for ``linger`` seconds without readers: one whose connection
    broke comes back with the id of the last event it saw, and misses nothing. ``forget`` is
    called once nobody may join any more.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        exchange: Exchange,
        log: EventLog,
        *,
        name: str,
        linger: float,
        forget: Callable[[Feed], None],
    ) -> None:
        self.pipeline = pipeline
        self.exchange = exchange
        self.log = log
        self.name = name
        self.linger = linger
        self.resumable = False
        self.successor: Exchange | None = None
        self.source: Source | None = None
        self.subscribers: set[Subscriber] = set()
        self._forget = forget
        self._leads = False
        self._opened = asyncio.Event()
        self._lingering: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._leaving: asyncio.Task[None] | None = None

    def id_of(self, event: Event) -> bytes:
        """The id that tells this feed's event from all others."""
        return b"%b-%d-%d" % (self.name.encode(), *event.id)

    def place_of(self, id_: str | None) -> EventId | None:
        """The event that a client saw last, None for an id of another feed."""
        parts = (id_ or "").split("-")
        if len(parts) != 3 or parts[0] != self.name:
            return None
        if not all(part.isdecimal() and len(part) < 19 for part in parts[1:]):
            return None
        return EventId(int(parts[1]), int(parts[2]))

    async def join(self, subscriber: Subscriber, after: EventId | None = None) -> None:
        """Add a reader; the first one opens the feed. ``after``: what it saw last."""
        if self._lingering is not None:
            self._lingering.cancel()
            self._lingering = None
        if after is not None:
            subscriber.hold()
        self.subscribers.add(subscriber)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._pump())
        if after is not None:
            await self._opened.wait()
            subscriber.release(await self.log.since(after))

    async def leave(self, subscriber: Subscriber) -> None:
        """Remove a reader; the last one closes the feed, at once or after a while."""
        self.subscribers.discard(subscriber)
        if self.subscribers or self._lingering is not None:
            return
        seconds = self.linger if self.resumable and self._leads else 0
        if self._running and (seconds > 0 or self.log.shared):
            loop = asyncio.get_running_loop()
            self._lingering = loop.call_later(seconds, self._expire)
        else:
            await self.end(None)

    async def end(self, errors: list[dict[str, Any]] | None) -> None:
        """End every reader's stream here; another router that reads along goes on."""
        self._forget(self)
        if self._lingering is not None:
            self._lingering.cancel()
        for subscriber in self.subscribers:
            subscriber.end(errors)
        self._opened.set()  # nobody waits any more for what will not come
        task, self._task = self._task, None
        if task is not None and task is not asyncio.current_task():
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self.log.leave(force=True)

    async def reload(self) -> None:
        """Prepare the operation in the current generation and go over to it."""
        before = self.successor or self.exchange
        generation = self.pipeline.generation
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
                operations=self.pipeline.operations,
                client=client,
                denied=(),
                notes={},
            )
            await self.pipeline.prepare(exchange, counted=False)
        except RequestError as error:
            reason = f"The schema changed and this subscription is no longer valid: {error.message}"
            await self.end([ended(reason, "SUBSCRIPTION_SCHEMA_RELOAD")])
            return
        self.successor = exchange
        if self.source is not None:
            self.source.pause()

    @property
    def _running(self) -> bool:
        return self._task is not None and not self._task.done()

    def _expire(self) -> None:
        self._lingering = None
        self._leaving = asyncio.get_running_loop().create_task(self._leave_unless_read())

    async def _leave_unless_read(self) -> None:
        """End the feed, unless somebody came back or other routers read what this one reads."""
        if self.subscribers or not self._running:
            return
        if await self.log.leave():
            if not self.subscribers:
                await self.end(None)
                return
            # somebody came while Redis was asked: begin anew
            await self._restart()
            return
        loop = asyncio.get_running_loop()
        self._lingering = loop.call_later(max(1.0, self.linger), self._expire)

    async def _restart(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._task = asyncio.get_running_loop().create_task(self._pump())

    async def _pump(self) -> None:
        """Read the source, or along with the router that does, until it is over."""
        errors: list[dict[str, Any]] | None = None
        try:
            while True:
                self._leads = await self.log.open()
                self._opened.set()
                if not self._leads:
                    await self._follow()
                elif await self._lead():
                    await self.log.over(())
                    break
        except asyncio.CancelledError:
            raise
        except SourceOver as over:
            errors = over.errors or None
        except Exception as error:  # noqa: BLE001  # a broken stream must end its readers
            _LOG.warning("A subscription broke: %s", type(error).__name__)
            errors = [ended("The subscription broke.", "SUBSCRIPTION_BROKEN")]
            await self.log.over(errors)
        self._forget(self)
        await self.log.leave(force=True)
        for subscriber in self.subscribers:
            subscriber.end(errors)

    async def _follow(self) -> None:
        follow = self.log.follow()
        async with contextlib.aclosing(follow):
            async for event in follow:
                self._deliver(event)

    async def _lead(self) -> bool:
        """Read the source; True: it is complete, False: another router reads it now."""
        try:
            while True:
                if self.successor is not None:
                    self.exchange, self.successor = self.successor, None
                if not await self._run():
                    return False
                if self.successor is None:
                    return True
        finally:
            source, self.source = self.source, None
            if source is not None:
                await source.aclose()

    async def _run(self) -> bool:
        """Deliver events with the current exchange until the source ends or a successor waits.

        False: another router reads the source now.
        """
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
                body = self._body(exchange, answer)
                id_ = await self.log.append(body)
                if id_ is None:
                    return False
                self._deliver(Event(id_, body))
        finally:
            exchange.generation.release()
        return True

    def _body(self, exchange: Exchange, answer: Answer) -> bytes:
        """What readers get of an event: itself, or the limit of their contract that it breaks."""
        try:
            return self.pipeline.shown(exchange, self.pipeline.weighed(exchange, answer)).body
        except RequestError as error:
            return errors_body(errors_of(error))

    def _deliver(self, event: Event) -> None:
        for subscriber in tuple(self.subscribers):
            if not subscriber.offer(event):
                self.subscribers.discard(subscriber)
                if not self.subscribers and self._lingering is None:
                    loop = asyncio.get_running_loop()
                    self._lingering = loop.call_later(0, self._expire)


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


def ended(message: str, code: str) -> dict[str, Any]:
    """The error that a stream ends with."""
    return {"message": message, "extensions": {"code": code}}
