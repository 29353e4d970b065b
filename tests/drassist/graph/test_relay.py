from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import Field, SQLModel, col, select

from drassist import graph
from drassist.graph import ClientError, Page
from drassist.graph.relay import decode_cursor, encode_cursor
from drassist.runtime.database import Database, naming
from drassist.runtime.settings import Settings


class Row(SQLModel, table=True):
    metadata = naming()
    __tablename__ = "row"

    id: str = Field(primary_key=True)
    rank: int


KEYS = [graph.Key(col(Row.rank), descending=True), graph.Key(col(Row.id))]


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    database = Database.open(settings, "rows")
    async with database.engine.execution_options(drassist_write=True).begin() as connection:
        if not database.is_sqlite:
            await connection.execute(sa.text("CREATE SCHEMA rows"))
        await connection.run_sync(Row.metadata.create_all)
    async with database.transaction() as session:
        session.add_all(Row(id=f"r{n:02}", rank=n % 4) for n in range(11))
    yield database
    await database.aclose()


async def pages(database: Database, size: int, *, backward: bool) -> list[str]:
    """All rows, page by page."""
    seen: list[str] = []
    cursor = None
    while True:
        page = Page.of(last=size, before=cursor) if backward else Page.of(first=size, after=cursor)
        async with database.session() as session:
            part = await graph.paginate(session, select(Row), KEYS, page)
        ids = [row.id for row in part.rows]
        seen = ids + seen if backward else seen + ids
        if not (part.more_before if backward else part.more_after):
            return seen
        cursor = part.cursors[0] if backward else part.cursors[-1]


async def test_pages_in_either_direction_give_every_row_once_in_order(database: Database) -> None:
    rows = sorted((-(n % 4), f"r{n:02}") for n in range(11))
    expected = [id for _, id in rows]
    for size in (1, 3, 11, 20):
        assert await pages(database, size, backward=False) == expected
        assert await pages(database, size, backward=True) == expected


async def test_a_row_that_arrives_meanwhile_neither_repeats_nor_hides_others(
    database: Database,
) -> None:
    async with database.session() as session:
        first = await graph.paginate(session, select(Row), KEYS, Page.of(first=4))
    async with database.transaction() as session:
        session.add(Row(id="r99", rank=9))  # before everything
    async with database.session() as session:
        page = Page.of(first=20, after=first.cursors[-1])
        rest = await graph.paginate(session, select(Row), KEYS, page)
    ids = [row.id for row in (*first.rows, *rest.rows)]
    assert len(ids) == len(set(ids)) == 11


@given(st.lists(st.integers(0, 20), unique=True), st.integers(1, 7))
def test_a_list_in_memory_pages_like_a_table(numbers: list[int], size: int) -> None:
    items = sorted(numbers)
    seen: list[int] = []
    after = None
    while True:
        part = graph.slice_list(items, lambda n: (n,), Page.of(first=size, after=after))
        seen += part.rows
        if not part.more_after:
            break
        after = part.cursors[-1]
    assert seen == items


@given(st.lists(st.one_of(st.text(), st.integers(-(2**31), 2**31), st.floats(-1, 1)), max_size=4))
def test_a_cursor_comes_back_as_it_was(values: list[Any]) -> None:
    assert decode_cursor(encode_cursor(values)) == tuple(values)


@pytest.mark.parametrize(
    "asked",
    [
        {"first": -1},
        {"first": 101},
        {"last": 101},
        {"first": 1, "last": 1},
        {"after": "%%%"},
        {"after": "aGVsbG8"},
        {"before": "e30"},
    ],
)
def test_nonsense_is_refused_with_a_code(asked: dict[str, Any]) -> None:
    with pytest.raises(ClientError) as refused:
        Page.of(**asked)
    assert str((refused.value.extensions or {})["code"]).startswith("BAD_")


async def test_the_cursor_of_another_list_is_refused(database: Database) -> None:
    for values in (["x", "y"], [1], [1, 2], [2**40, "r"]):
        page = Page.of(first=1, after=encode_cursor(values))
        with pytest.raises(ClientError):
            async with database.session() as session:
                await graph.paginate(session, select(Row), KEYS, page)
