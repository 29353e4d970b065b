from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from drassist.graph import Page
from drassist.graph.batches import by_id, children, narrowed_pages, pages
from drassist.runtime.database import Database, naming
from drassist.runtime.settings import Settings


class Visit(SQLModel, table=True):
    metadata = naming()
    __tablename__ = "visit"

    id: str = Field(primary_key=True)
    owner_id: str
    rank: int
    open: bool


@dataclass(frozen=True, slots=True)
class Services:
    database: Database


class Statements:
    """Counts what is sent to a database."""

    def __init__(self, database: Database) -> None:
        self.count = 0
        sa.event.listen(database.engine.sync_engine, "before_cursor_execute", self._count)

    def _count(self, _c: Any, _k: Any, statement: str, *_: Any) -> None:
        self.count += statement.lstrip().upper().startswith("SELECT")


OWNERS = ["a", "b", "c", "nobody"]


@pytest.fixture
async def services(settings: Settings) -> AsyncIterator[Services]:
    database = Database.open(settings, "visits")
    async with database.engine.execution_options(drassist_write=True).begin() as connection:
        if not database.is_sqlite:
            await connection.execute(sa.text("CREATE SCHEMA visits"))
        await connection.run_sync(Visit.metadata.create_all)
    async with database.transaction() as session:
        session.add_all(
            Visit(id=f"{owner}{n}", owner_id=owner, rank=n // 2, open=n % 3 == 0)
            for owner in OWNERS[:3]
            for n in range(7)
        )
    yield Services(database)
    await database.aclose()


async def test_rows_are_found_by_id_and_absent_ones_are_left_out(services: Services) -> None:
    found = await by_id(Visit)(services, ["a1", "c6", "x"])
    assert {id: row.owner_id for id, row in found.items()} == {"a1": "a", "c6": "c"}


async def test_children_come_in_order_and_an_owner_without_any_has_an_empty_list(
    services: Services,
) -> None:
    open_ones = children(Visit, Visit.owner_id, Visit.id, where=Visit.open)
    found = await open_ones(services, ["a", "nobody"])
    assert {id: [row.id for row in rows] for id, rows in found.items()} == {
        "a": ["a0", "a3", "a6"],
        "nobody": [],
    }


async def test_first_pages_of_many_lists_are_one_statement(services: Services) -> None:
    load = pages(Visit, Visit.owner_id, Visit.rank)
    page = Page.of(first=3)
    statements = Statements(services.database)
    found = await load(services, [(owner, page) for owner in OWNERS])
    assert statements.count == 1
    assert [row.id for row in found["b", page].rows] == ["b6", "b5", "b4"]
    assert found["b", page].more_after
    assert found["nobody", page].rows == ()


async def test_a_page_is_the_same_alone_and_in_a_batch(services: Services) -> None:
    load = narrowed_pages(
        Visit, Visit.owner_id, Visit.rank, lambda only: Visit.open if only else sa.true()
    )
    for size in (0, 1, 2, 3, 7, 8):
        for only in (True, False):
            keys = [(owner, Page.of(first=size), only) for owner in OWNERS]
            together = await load(services, keys)
            for key in keys:
                assert together[key] == (await load(services, [key]))[key]


async def test_a_cursor_of_a_batched_page_leads_to_the_next_page(services: Services) -> None:
    load = pages(Visit, Visit.owner_id, Visit.rank)
    page = Page.of(first=5)
    first = (await load(services, [(owner, page) for owner in OWNERS]))["c", page]
    rest = Page.of(first=5, after=first.cursors[-1])
    second = (await load(services, [("a", rest), ("c", rest)]))["c", rest]
    assert [row.id for row in (*first.rows, *second.rows)] == [f"c{n}" for n in range(6, -1, -1)]
    assert not second.more_after
