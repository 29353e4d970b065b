"""One database per subgraph: a SQLite file of its own, or a schema of its own in PostgreSQL.

``Database.session()`` reads, ``Database.transaction()`` writes: on SQLite a transaction that will
write must say so at its beginning (``BEGIN IMMEDIATE``), else two writers that both read first
cannot wait for each other. Times are stored in UTC and read back with their offset; decimals stay
exact on both engines; JSON is ``jsonb`` where there is such a thing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

from sqlalchemy import JSON as SqlJson
from sqlalchemy import Dialect, MetaData, event, text, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.types import DateTime, Numeric, String, TypeDecorator, TypeEngine

from drassist.runtime.settings import Settings

__all__ = [
    "JSON",
    "Database",
    "ExactDecimal",
    "UtcDateTime",
    "VersionConflict",
    "Versioned",
    "claim_version",
    "naming",
    "new_id",
    "now",
]


def now() -> datetime:
    """The present instant, UTC, to the microsecond."""
    return datetime.now(UTC)


def new_id(kind: str) -> str:
    """A new opaque id of a kind of thing: ``Patient:2f9c…``; never the hospital's own number."""
    return f"{kind}:{uuid4()}"


def naming() -> MetaData:
    """Metadata whose constraints have predictable names, so that migrations can address them."""
    return MetaData(
        naming_convention={
            "ix": "ix_%(column_0_N_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class UtcDateTime(TypeDecorator[datetime]):
    """An instant. Refuses naive values; gives UTC back, also from SQLite, which keeps no offset."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.utcoffset() is None:
            raise ValueError("an instant needs an offset")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class ExactDecimal(TypeDecorator[Decimal]):
    """A decimal with its digits: ``7.0`` comes back as ``7.0`` and never passes through a float.

    Stored as text: SQLite has no exact number, and PostgreSQL's would be, but keeping one form
    means one meaning of "the value that was typed". Compare and sort in Python or by a second
    column, never by this one in SQL.
    """

    impl = String(64)
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> str | None:
        if value is None:
            return None
        if not value.is_finite():
            raise ValueError("a stored decimal is finite")
        return str(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(value)

    def coerce_compared_value(self, op: Any, value: Any) -> TypeEngine[Any]:
        return Numeric() if isinstance(value, int | float) else self


JSON = SqlJson(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
"""A JSON column: ``jsonb`` on PostgreSQL, text on SQLite; ``None`` is SQL NULL."""


class Database:
    """The database of one subgraph. Make it with :meth:`open`, close it with :meth:`aclose`."""

    def __init__(self, engine: AsyncEngine, schema: str) -> None:
        self.engine = engine
        self.schema = schema
        self._writer = engine.execution_options(drassist_write=True)
        self._after_commit: list[Callable[[], None]] = []

    @classmethod
    def open(cls, settings: Settings, schema: str) -> Database:
        """Open the database of subgraph ``schema``; nothing is read or created yet."""
        url = settings.database_url(schema)
        if url.startswith("sqlite"):
            return cls(_sqlite(url, settings), schema)
        return cls(_postgresql(url, schema, settings), schema)

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        """A session for reading; what was changed in it is rolled back."""
        async with AsyncSession(self.engine, expire_on_commit=False) as session:
            yield session

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """A session for writing: committed at the end of the block, rolled back on an error."""
        writing = AsyncSession(self._writer, expire_on_commit=False)
        async with writing as session, session.begin():
            yield session
        for wake in self._after_commit:
            wake()

    def after_commit(self, wake: Callable[[], None]) -> None:
        """Call ``wake`` after each committed transaction of this process (the outbox listens)."""
        self._after_commit.append(wake)

    async def ping(self) -> None:
        """Raise when the database does not answer."""
        async with self.engine.connect() as connection:
            await connection.execute(text("SELECT 1"))

    async def aclose(self) -> None:
        await asyncio.shield(self.engine.dispose())


def _sqlite(url: str, settings: Settings) -> AsyncEngine:
    if path := make_url(url).database:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    engine = create_async_engine(
        url, pool_size=settings.database.pool_size, max_overflow=0, hide_parameters=True
    )

    @event.listens_for(engine.sync_engine, "connect")
    def _connect(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute(f"PRAGMA busy_timeout={settings.database.busy_timeout_ms}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Connection) -> None:
        write = connection.get_execution_options().get("drassist_write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine


def _postgresql(url: str, schema: str, settings: Settings) -> AsyncEngine:
    return create_async_engine(
        url,
        pool_size=settings.database.pool_size,
        max_overflow=settings.database.pool_size,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args={"server_settings": {"search_path": schema, "timezone": "UTC", "jit": "off"}},
    )


class Versioned(Protocol):
    """A row that knows its version: an optimistic lock across requests."""

    id: str
    version: int
    updated_at: datetime


class VersionConflict(Exception):
    """Somebody else changed the row since the caller read it."""

    def __init__(self, id: str, expected: int) -> None:
        super().__init__(f"{id} is no longer at version {expected}")
        self.id = id
        self.expected = expected


async def claim_version(session: AsyncSession, row: Versioned, expected: int | None = None) -> None:
    """Take the next version of ``row`` in this transaction, or raise :class:`VersionConflict`.

    The check and the change are one statement, so of two writers one loses. ``expected`` is what
    the caller of the API has seen; without it the version that was just read is meant.
    """
    if expected is not None and expected != row.version:
        raise VersionConflict(row.id, expected)
    seen = row.version
    table = type(row).__table__  # type: ignore[attr-defined]
    moment = now()
    result = await session.execute(
        update(table)
        .where(table.c.id == row.id, table.c.version == seen)
        .values(version=seen + 1, updated_at=moment)
    )
    if result.rowcount != 1:  # type: ignore[attr-defined]
        raise VersionConflict(row.id, seen)
    set_committed_value(row, "version", seen + 1)
    set_committed_value(row, "updated_at", moment)
