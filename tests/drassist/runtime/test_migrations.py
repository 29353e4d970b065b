from __future__ import annotations

import asyncio
from pathlib import Path

import sqlalchemy as sa

from drassist.runtime.database import Database
from drassist.runtime.migrations import _newest, _scripts, migrate
from drassist.runtime.settings import Settings

PACKAGE = "subgraphs.patients"


async def tables(database: Database) -> set[str]:
    async with database.engine.connect() as connection:
        return set(await connection.run_sync(lambda c: sa.inspect(c).get_table_names()))


async def test_several_processes_may_migrate_one_database_at_once(settings: Settings) -> None:
    databases = [Database.open(settings, "patients") for _ in range(3)]
    await asyncio.gather(*(migrate(database, PACKAGE) for database in databases))
    assert {"patient", "outbox", "alembic_version"} <= await tables(databases[0])
    await migrate(databases[0], PACKAGE)  # nothing to do
    for database in databases:
        await database.aclose()


def test_the_newest_revision_is_told_from_the_names_of_the_files() -> None:
    root = Path(__file__).parents[3] / "subgraphs"
    packages = [p.parent.name for p in root.glob("*/migrations")]
    assert "patients" in packages
    for name in packages:
        package = f"subgraphs.{name}"
        assert _newest(package) == _scripts(package).get_current_head()
