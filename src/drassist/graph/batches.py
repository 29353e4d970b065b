"""Batches from tables: what many objects of one answer need is read by one statement.

Each function here makes a loader for :meth:`drassist.graph.Context.load`::

    note_by_id = graph.by_id(Note)
    versions_of_note = graph.children(NoteVersion, NoteVersion.note_id, NoteVersion.number)
    notes_of_patient = graph.pages(Note, Note.patient_id, Note.created_at)

    row = await info.context.load(note_by_id, id)
    page = await info.context.load(notes_of_patient, (patient_id, graph.Page.of(first, after)))

A page of a list is batched too: the first pages of twenty patients are one statement with a row
number per patient. A page behind a cursor belongs to one list, so it is read on its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias, TypeVar

import sqlalchemy as sa

from drassist.graph.relay import Key, Page, Slice, encode_cursor, paginate
from drassist.runtime.database import Database

__all__ = ["Many", "NarrowedPages", "One", "Pages", "by_id", "children", "narrowed_pages", "pages"]


class _HasDatabase(Protocol):
    @property
    def database(self) -> Database: ...


M = TypeVar("M")
N = TypeVar("N", bound=Hashable)

One: TypeAlias = Callable[[_HasDatabase, Sequence[str]], Awaitable[Mapping[str, M]]]
"""From ids to rows."""
Many: TypeAlias = Callable[[_HasDatabase, Sequence[str]], Awaitable[Mapping[str, list[M]]]]
"""From owners' ids to the rows of each, empty for an owner that has none."""
Pages: TypeAlias = Callable[
    [_HasDatabase, Sequence[tuple[str, Page]]], Awaitable[Mapping[tuple[str, Page], Slice[M]]]
]
"""From owners' ids with a page to that page of each owner's list."""
NarrowedPages: TypeAlias = Callable[
    [_HasDatabase, Sequence[tuple[str, Page, N]]],
    Awaitable[Mapping[tuple[str, Page, N], Slice[M]]],
]
"""The same, of the part of the list that the third of the key says."""


def by_id(model: type[M]) -> One[M]:
    """Rows of a table whose primary key is ``id``."""
    column: Any = model.id  # type: ignore[attr-defined]

    async def load(services: _HasDatabase, ids: Sequence[str]) -> Mapping[str, M]:
        async with services.database.session() as session:
            rows = await session.scalars(sa.select(model).where(column.in_(ids)))
            return {row.id: row for row in rows}  # type: ignore[attr-defined]

    return load


def children(model: type[M], owner: Any, *order: Any, where: Any = None) -> Many[M]:
    """All rows that belong to each ``owner`` (a column), in ``order``, where ``where`` holds."""

    async def load(services: _HasDatabase, ids: Sequence[str]) -> Mapping[str, list[M]]:
        found: dict[str, list[M]] = {id: [] for id in ids}
        statement = sa.select(model).where(owner.in_(ids)).order_by(*order)
        if where is not None:
            statement = statement.where(where)
        async with services.database.session() as session:
            for row in await session.scalars(statement):
                found[getattr(row, owner.key)].append(row)
        return found

    return load


def pages(model: type[M], owner: Any, moment: Any) -> Pages[M]:
    """Pages of the rows that belong to each ``owner``, newest ``moment`` first."""
    narrowed: NarrowedPages[None, M] = narrowed_pages(model, owner, moment, lambda _: sa.true())

    async def load(
        services: _HasDatabase, keys: Sequence[tuple[str, Page]]
    ) -> Mapping[tuple[str, Page], Slice[M]]:
        found = await narrowed(services, [(id, page, None) for id, page in keys])
        return {(id, page): part for (id, page, _), part in found.items()}

    return load


def narrowed_pages(
    model: type[M], owner: Any, moment: Any, narrow: Callable[[N], Any]
) -> NarrowedPages[N, M]:
    """Pages of the rows for which the condition holds that ``narrow`` makes of the third key."""
    order = (Key(moment, descending=True), Key(model.id, descending=True))  # type: ignore[attr-defined]

    async def load(
        services: _HasDatabase, keys: Sequence[tuple[str, Page, N]]
    ) -> Mapping[tuple[str, Page, N], Slice[M]]:
        alike: dict[tuple[Page, N], list[str]] = defaultdict(list)
        for id, page, how in keys:
            alike[page, how].append(id)
        found: dict[tuple[str, Page, N], Slice[M]] = {}
        for (page, how), ids in alike.items():
            chosen: Any = sa.select(model).where(narrow(how))
            async with services.database.session() as session:
                if len(ids) == 1 or page.backward or page.after or page.before:
                    for id in ids:
                        one = chosen.where(owner == id)
                        found[id, page, how] = await paginate(session, one, order, page)
                else:
                    parts = await _first_pages(session, chosen, model, owner, order, ids, page)
                    found.update({(id, page, how): part for id, part in parts.items()})
        return found

    return load


async def _first_pages(
    session: Any,
    chosen: Any,
    model: type[M],
    owner: Any,
    order: Sequence[Key],
    ids: Sequence[str],
    page: Page,
) -> dict[str, Slice[M]]:
    """The first page of each owner's list, all in one statement."""
    column: Any = model.id  # type: ignore[attr-defined]
    place = sa.func.row_number().over(
        partition_by=owner, order_by=[key.column.desc() for key in order]
    )
    inner = chosen.with_only_columns(column, place.label("place")).where(owner.in_(ids)).subquery()
    statement = (
        sa.select(model)
        .join(inner, inner.c.id == column)
        .where(inner.c.place <= page.size + 1)
        .order_by(owner, inner.c.place)
    )
    rows: dict[str, list[M]] = {id: [] for id in ids}
    for row in await session.scalars(statement):
        rows[getattr(row, owner.key)].append(row)
    return {id: _slice(found, order, page.size) for id, found in rows.items()}


def _slice(rows: Sequence[M], order: Sequence[Key], size: int) -> Slice[M]:
    kept = rows[:size]
    cursors = [encode_cursor([getattr(row, key.column.key) for key in order]) for row in kept]
    return Slice(tuple(kept), tuple(cursors), more_after=len(rows) > size, more_before=False)
