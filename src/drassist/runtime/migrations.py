"""Migrations: each subgraph's ``migrations/`` folder, applied with Alembic at start.

There is no ``alembic.ini`` and no ``env.py`` to copy: a subgraph has ``migrations/versions/*.py``
and its SQLModel metadata. A database that is at the newest revision is left after one query.
Write a new revision with ``python -m drassist.runtime.migrations subgraphs.notes "why"``; it is
derived from the difference between the models and a database made by the existing revisions.
"""

from __future__ import annotations

import asyncio
import re
import sys
import tempfile
from datetime import UTC, datetime
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import MetaData, inspect, text
from sqlalchemy.engine import Connection

from drassist.runtime.database import Database
from drassist.runtime.settings import DatabaseSettings, Settings

if TYPE_CHECKING:
    from alembic.script import ScriptDirectory

__all__ = ["drift", "migrate"]

# Alembic is imported where it is used: a start that finds nothing to do does without its half second


async def migrate(database: Database, package: str) -> None:
    """Bring the database of ``package`` (say ``subgraphs.patients``) to its newest revision.

    Safe to call from several processes at once: one migrates, the others wait.
    """
    if await _current(database) == _newest(package):
        return
    scripts = _scripts(package)
    async with database._writer.begin() as connection:
        if not database.is_sqlite:
            await connection.execute(
                text("SELECT pg_advisory_xact_lock(hashtext(:schema))"), {"schema": database.schema}
            )
            await connection.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{database.schema}"'))
        await connection.run_sync(_upgrade, scripts)


async def drift(database: Database, metadata: MetaData) -> list[Any]:
    """How the models differ from the migrated database: empty when a migration says it all."""

    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    def differences(connection: Connection) -> list[Any]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, metadata))

    async with database.engine.connect() as connection:
        return await connection.run_sync(differences)


def _folder(package: str) -> Path:
    return Path(str(import_module(package).__file__)).parent / "migrations"


def _newest(package: str) -> str:
    """The newest revision, from the names of the files: ``0003_why.py`` is revision ``0003``."""
    versions = sorted((_folder(package) / "versions").glob("[0-9][0-9][0-9][0-9]_*.py"))
    if not versions:
        raise FileNotFoundError(f"{package} has no migrations")
    return versions[-1].name[:4]


@cache
def _scripts(package: str) -> ScriptDirectory:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    folder = _folder(package)
    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return ScriptDirectory.from_config(config)


async def _current(database: Database) -> str | None:
    def read(connection: Connection) -> str | None:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()

    async with database.engine.connect() as connection:
        return await connection.run_sync(read)


def _upgrade(connection: Connection, scripts: ScriptDirectory) -> None:
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext

    def steps(revision: Any, context: Any) -> Any:
        return scripts._upgrade_revs("head", revision)

    with EnvironmentContext(Config(), scripts, fn=steps, destination_rev="head") as environment:
        environment.configure(connection=connection, render_as_batch=True)
        environment.run_migrations()


_TEMPLATE = '''"""{message}"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from drassist.runtime import database as db

revision = "{revision}"
down_revision = {down!r}
branch_labels = None
depends_on = None


def upgrade() -> None:
    {upgrade}


def downgrade() -> None:
    {downgrade}
'''


def _render_item(kind: str, item: Any, context: Any) -> str | bool:
    """Alembic would print types of SQLModel and ours without importing them: name ours."""
    if kind != "type":
        return False
    match type(item).__name__:
        case "UtcDateTime" | "ExactDecimal" as name:
            return f"db.{name}()"
        case "UTCDateTime":
            return "db.UtcDateTime()"
        case "AutoString":
            return f"sa.String(length={item.length})" if item.length else "sa.String()"
        case "JSON" | "JSONB":
            return "db.JSON"
        case _:
            return False


async def _revise(package: str, message: str) -> Path:
    from alembic.autogenerate import produce_migrations, render_python_code
    from alembic.migration import MigrationContext

    metadata: MetaData = import_module(f"{package}.models").metadata
    scripts = _scripts(package)
    head = scripts.get_current_head()
    number = f"{int(head) + 1 if head else 1:04}"
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite+aiosqlite:///{folder}/{{schema}}.db"
        settings = Settings(database=DatabaseSettings(url=url))
        database = Database.open(settings, package.rpartition(".")[2])
        if head:
            await migrate(database, package)

        def render(connection: Connection) -> tuple[str, str]:
            context = MigrationContext.configure(
                connection,
                opts={
                    "compare_type": True,
                    "target_metadata": metadata,
                    "render_item": _render_item,
                    "render_as_batch": True,
                    "user_module_prefix": None,
                    "sqlalchemy_module_prefix": "sa.",
                    "alembic_module_prefix": "op.",
                },
            )
            script = produce_migrations(context, metadata)
            assert script.upgrade_ops is not None
            assert script.downgrade_ops is not None
            options: dict[str, Any] = {"render_as_batch": True, "render_item": _render_item}
            return (
                render_python_code(script.upgrade_ops, migration_context=context, **options),
                render_python_code(script.downgrade_ops, migration_context=context, **options),
            )

        async with database.engine.connect() as connection:
            upgrade, downgrade = await connection.run_sync(render)
        await database.aclose()
    slug = re.sub(r"[^a-z0-9]+", "_", message.lower()).strip("_")[:40]
    path = Path(scripts.dir) / "versions" / f"{number}_{slug}.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        _TEMPLATE.format(
            message=message, revision=number, down=head, upgrade=upgrade, downgrade=downgrade
        )
    )
    return path


def main() -> None:
    """``python -m drassist.runtime.migrations subgraphs.notes "why the tables change"``."""
    if len(sys.argv) != 3:
        sys.exit(str(main.__doc__))
    started = datetime.now(UTC)
    path = asyncio.run(_revise(sys.argv[1], sys.argv[2]))
    took = (datetime.now(UTC) - started).total_seconds()
    sys.stdout.write(f"{path} ({took:.1f} s): read it, format it, commit it\n")


if __name__ == "__main__":
    main()
