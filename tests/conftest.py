"""Fixtures for all tests: real data, and the two databases that everything must run on."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from drassist.runtime.settings import DatabaseSettings, IdentitySettings, RelaySettings, Settings
from tests.patience import PATIENCE

REQUIRED = bool(os.environ.get("DRASSIST_REQUIRE_SERVICES"))
POSTGRESQL = os.environ.get("DRASSIST_TEST_POSTGRESQL", "postgresql://root@127.0.0.1:5432/test")
REDIS = os.environ.get("DRASSIST_TEST_REDIS", "redis://127.0.0.1:6379/0")


def missing(what: str) -> None:
    """Skip a test loudly, or fail it where CI promised that the service is there."""
    if REQUIRED:
        pytest.fail(f"{what} is required (DRASSIST_REQUIRE_SERVICES) and missing")
    pytest.skip(f"{what} is missing")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real sample data; tests that read it are skipped where it is not."""
    named = os.environ.get("DRASSIST_TEST_DATA")
    root = Path(named) if named else Path(__file__).parents[2] / "shared" / "data"
    if not root.is_dir():
        pytest.skip(f"no sample data at {root} (set DRASSIST_TEST_DATA)")
    return root


@pytest.fixture(scope="session")
def postgresql_database() -> Iterator[str]:
    """A PostgreSQL database of this test run, dropped at its end; gives its URL."""
    name = f"drassist_test_{os.getpid()}"

    async def administer(*statements: str) -> None:
        connection = await asyncpg.connect(POSTGRESQL, timeout=PATIENCE, command_timeout=PATIENCE)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    try:
        asyncio.run(
            administer(
                f"DROP DATABASE IF EXISTS {name} WITH (FORCE)",
                f"CREATE DATABASE {name} TEMPLATE template0",
                f"ALTER DATABASE {name} SET synchronous_commit TO off",
                f"ALTER DATABASE {name} SET client_min_messages TO warning",
            )
        )
    except (OSError, asyncpg.PostgresError) as error:
        missing(f"PostgreSQL ({type(error).__name__})")
    yield POSTGRESQL.rpartition("/")[0] + "/" + name
    asyncio.run(administer(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database, once on each engine; ``{schema}`` may be in it."""
    if request.param == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path}/{{schema}}.db"
        return
    url: str = request.getfixturevalue("postgresql_database")
    yield url.replace("postgresql://", "postgresql+asyncpg://")
    asyncio.run(_drop_schemas(url))


async def _drop_schemas(url: str) -> None:
    connection = await asyncpg.connect(url, timeout=PATIENCE, command_timeout=PATIENCE)
    try:
        schemas = await connection.fetch(
            "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' "
            "AND nspname NOT IN ('information_schema', 'public')"
        )
        for (schema,) in schemas:
            await connection.execute(f'DROP SCHEMA "{schema}" CASCADE')
    finally:
        await connection.close()


@pytest.fixture
def settings(database_url: str) -> Settings:
    """Settings for one test: an empty database, the in-process bus, trusted identities."""
    return Settings(
        environment="test",
        database=DatabaseSettings(url=database_url, pool_size=3),
        identity=IdentitySettings(mode="trusted"),
        relay=RelaySettings(poll=0.05, backoff=0.02, backoff_max=0.2),
    )


@pytest.fixture
def sqlite_settings(tmp_path: Path) -> Settings:
    """The same, on SQLite only: for what does not depend on the engine."""
    return Settings(
        environment="test",
        database=DatabaseSettings(url=f"sqlite+aiosqlite:///{tmp_path}/{{schema}}.db", pool_size=3),
        identity=IdentitySettings(mode="trusted"),
        relay=RelaySettings(poll=0.05, backoff=0.02, backoff_max=0.2),
    )


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A Redis (or Valkey) that answers: the machine's, or one started from the wheel."""
    import redis

    try:
        client = redis.Redis.from_url(REDIS, socket_connect_timeout=PATIENCE)
        client.ping()
        client.close()
        yield REDIS
        return
    except redis.RedisError:
        pass
    try:
        from tests.valkey import start_valkey
    except ImportError:
        missing("Redis")
        return
    server = start_valkey()
    yield f"redis://127.0.0.1:{server.port}/0"
    server.stop()
