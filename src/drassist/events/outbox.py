"""The outbox: what others must hear is written in the transaction that makes it true.

``outbox.add(session, event)`` writes a row beside the change; a :class:`Relay` delivers it to its
destinations, each in the order of its subject, again and again with growing pauses until it is
accepted or given up with a reason. A relay that dies holding a row loses only its lease. So a
dead peer delays, and loses nothing; a delivery may come twice, and receivers are idempotent on the
event's id.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import uniform
from typing import Any, Final, TypeAlias

import orjson
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from drassist.events.event import Event
from drassist.runtime.database import JSON, Database, UtcDateTime, now
from drassist.runtime.logs import get_logger
from drassist.runtime.settings import RelaySettings

__all__ = ["BUS", "DeadLetter", "Destination", "Outbox", "Relay", "Undeliverable"]

log = get_logger(__name__)

BUS: Final = "bus"
"""The destination that every subgraph has: tell whoever listens."""

Destination: TypeAlias = Callable[[Event], Awaitable[None]]
"""Delivers one event; returning is acceptance, raising is a failure to be retried."""

_PENDING, _DELIVERED, _DEAD = "pending", "delivered", "dead"
_GRACE: Final = 3.0


class Undeliverable(Exception):
    """Raised by a destination that will never accept the event: no retry, dead letter at once.

    The text is kept as the reason, so it names no patient.
    """


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event that was given up."""

    sequence: int
    destination: str
    event: Event
    attempts: int
    reason: str


class Outbox:
    """The outbox table of one subgraph; made once, next to its models, in their metadata."""

    def __init__(self, metadata: sa.MetaData) -> None:
        self.table = sa.Table(
            "outbox",
            metadata,
            sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=True),
            sa.Column("event_id", sa.String(64), nullable=False),
            sa.Column("destination", sa.String(64), nullable=False),
            sa.Column("topic", sa.String(200), nullable=False),
            sa.Column("subject", sa.String(200), nullable=False),
            sa.Column("time", UtcDateTime(), nullable=False),
            sa.Column("data", JSON, nullable=False),
            sa.Column("state", sa.String(16), nullable=False, server_default=_PENDING),
            sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
            sa.Column("available_at", UtcDateTime(), nullable=False),
            sa.Column("settled_at", UtcDateTime(), nullable=True),
            sa.Column("reason", sa.String(500), nullable=True),
            sa.UniqueConstraint("event_id", "destination", name="uq_outbox_event_destination"),
            sa.Index("ix_outbox_waiting", "state", "destination", "subject", "sequence"),
            sqlite_autoincrement=True,
        )

    async def add(
        self,
        session: AsyncSession,
        event: Event,
        *,
        to: tuple[str, ...] = (BUS,),
        available_at: datetime | None = None,
    ) -> None:
        """Write ``event`` in the caller's transaction, for each destination of its own."""
        for destination in to:
            await session.execute(
                sa.insert(self.table).values(
                    event_id=event.id,
                    destination=destination,
                    topic=event.topic,
                    subject=event.subject,
                    time=event.time,
                    data=dict(event.data),
                    state=_PENDING,
                    attempts=0,
                    available_at=available_at or event.time,
                )
            )

    async def waiting(self, session: AsyncSession) -> Mapping[str, int]:
        """How many events wait, per destination."""
        table = self.table
        rows = await session.execute(
            sa.select(table.c.destination, sa.func.count())
            .where(table.c.state == _PENDING)
            .group_by(table.c.destination)
        )
        return {row[0]: row[1] for row in rows}

    async def dead_letters(self, session: AsyncSession, limit: int = 100) -> list[DeadLetter]:
        """What was given up, oldest first."""
        table = self.table
        rows = await session.execute(
            sa.select(table).where(table.c.state == _DEAD).order_by(table.c.sequence).limit(limit)
        )
        return [
            DeadLetter(
                row.sequence, row.destination, _event(row), row.attempts, row.reason or "unknown"
            )
            for row in rows
        ]

    async def revive(self, session: AsyncSession, sequence: int) -> bool:
        """Try a dead letter again; False when there is none of that number."""
        table = self.table
        result = await session.execute(
            sa.update(table)
            .where(table.c.sequence == sequence, table.c.state == _DEAD)
            .values(state=_PENDING, attempts=0, available_at=now(), settled_at=None, reason=None)
        )
        return bool(result.rowcount)  # type: ignore[attr-defined]


class Relay:
    """Delivers an outbox. ``async with relay:`` runs it; ``drain`` does what is due, and returns.

    Several relays of one outbox may run, in one process or many: each row is leased to one.
    """

    def __init__(
        self,
        database: Database,
        outbox: Outbox,
        destinations: Mapping[str, Destination],
        settings: RelaySettings | None = None,
    ) -> None:
        self._database = database
        self._table = outbox.table
        self._destinations = dict(destinations)
        self._settings = settings or RelaySettings()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._stopping = False
        database.after_commit(self._wake.set)

    async def __aenter__(self) -> Relay:
        self._stopping = False
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            # a statement that is cut in two can take its connection with it: let it end first
            self._stopping = True
            self._wake.set()
            await asyncio.wait({self._task}, timeout=_GRACE)
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def drain(self) -> int:
        """Deliver all that is due now; returns how many deliveries were tried."""
        tried = 0
        while rows := await self._claim():
            tried += len(rows)
            await asyncio.gather(*(self._deliver(row) for row in rows))
        return tried

    async def _run(self) -> None:
        pruned = False
        while not self._stopping:
            self._wake.clear()
            try:
                if not pruned:
                    await self._prune()
                    pruned = True
                await self.drain()
            except Exception as error:  # noqa: BLE001  drivers have errors of their own, too
                log.warning("outbox.database_unreachable", error_class=type(error).__name__)
            try:
                await asyncio.wait_for(self._wake.wait(), self._settings.poll)
            except TimeoutError:
                continue

    async def _claim(self) -> list[Any]:
        """Lease the first waiting row of each (destination, subject), if it is due."""
        table, earlier = self._table, self._table.alias("earlier")
        moment = now()
        first = ~sa.exists().where(
            earlier.c.state == _PENDING,
            earlier.c.destination == table.c.destination,
            earlier.c.subject == table.c.subject,
            earlier.c.sequence < table.c.sequence,
        )
        due = (
            sa.select(table.c.sequence)
            .where(
                table.c.state == _PENDING,
                table.c.available_at <= moment,
                table.c.destination.in_(self._destinations),
                first,
            )
            .order_by(table.c.sequence)
            .limit(50)
        )
        async with self._database.session() as session:
            if not (numbers := list(await session.scalars(due))):
                return []  # the common case takes no write lock
        lease = moment + timedelta(seconds=self._settings.lease)
        claim = (
            sa.update(table)
            .where(
                table.c.sequence.in_(numbers),
                table.c.state == _PENDING,
                table.c.available_at <= moment,
            )
            .values(available_at=lease, attempts=table.c.attempts + 1)
            .returning(table)
        )
        async with self._database.engine.execution_options(
            drassist_write=True
        ).begin() as connection:
            rows = (await connection.execute(claim)).all()
        return sorted(rows, key=lambda row: row.sequence)

    async def _deliver(self, row: Any) -> None:
        deliver = self._destinations[row.destination]
        try:
            async with asyncio.timeout(self._settings.timeout):
                await deliver(_event(row))
        except Undeliverable as error:
            await self._settle(row, _DEAD, str(error)[:500])
        except Exception as error:  # noqa: BLE001  whatever a peer does wrong: try again later
            reason = type(error).__name__
            if row.attempts >= self._settings.max_attempts:
                await self._settle(row, _DEAD, f"given up after {row.attempts} attempts: {reason}")
            else:
                await self._postpone(row, reason)
        else:
            await self._settle(row, _DELIVERED, None)

    async def _settle(self, row: Any, state: str, reason: str | None) -> None:
        await self._update(row, state=state, settled_at=now(), reason=reason)
        if state == _DEAD:
            log.error(
                "outbox.dead_letter",
                topic=row.topic,
                destination=row.destination,
                attempts=row.attempts,
                reason=reason,
            )

    async def _postpone(self, row: Any, reason: str) -> None:
        pause = min(
            self._settings.backoff * 2 ** min(row.attempts - 1, 20), self._settings.backoff_max
        )
        due = now() + timedelta(seconds=pause * uniform(0.8, 1.2))  # noqa: S311  jitter
        await self._update(row, available_at=due, reason=reason)
        log.warning(
            "outbox.postponed",
            topic=row.topic,
            destination=row.destination,
            attempts=row.attempts,
            error_class=reason,
        )

    async def _update(self, row: Any, **values: Any) -> None:
        table = self._table
        async with self._database.engine.execution_options(
            drassist_write=True
        ).begin() as connection:
            await connection.execute(
                sa.update(table).where(table.c.sequence == row.sequence).values(**values)
            )

    async def _prune(self) -> None:
        table = self._table
        oldest = now() - timedelta(days=self._settings.keep_days)
        async with self._database.engine.execution_options(
            drassist_write=True
        ).begin() as connection:
            await connection.execute(
                sa.delete(table).where(table.c.state == _DELIVERED, table.c.settled_at < oldest)
            )


def _event(row: Any) -> Event:
    data = orjson.loads(row.data) if isinstance(row.data, str) else row.data
    return Event(row.topic, row.subject, data, row.event_id, row.time)
