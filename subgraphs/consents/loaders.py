"""Batches: what many objects of one answer need is read by one statement each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

import sqlalchemy as sa

from drassist.graph import Key, Page, Slice, paginate
from drassist.graph.relay import encode_cursor
from subgraphs.consents.models import (
    ConsentArtefact,
    ConsentRequest,
    ExternalRecord,
    StateChange,
    Transfer,
)
from subgraphs.consents.services import Services

__all__ = [
    "artefact_by_id",
    "artefacts_of_request",
    "changes_of_request",
    "record_by_id",
    "records_of_artefact",
    "records_of_patient",
    "request_by_id",
    "requests_of_patient",
    "transfer_by_id",
    "transfers_of_artefact",
]

M = TypeVar("M")
PageKey = tuple[str, Page]
One = Callable[[Services, Sequence[str]], Awaitable[Mapping[str, M]]]
Many = Callable[[Services, Sequence[str]], Awaitable[Mapping[str, list[M]]]]
Pages = Callable[[Services, Sequence[PageKey]], Awaitable[Mapping[PageKey, Slice[M]]]]


def _by_id(model: Any) -> One[Any]:
    async def load(services: Services, ids: Sequence[str]) -> Mapping[str, Any]:
        async with services.database.session() as session:
            rows = await session.scalars(sa.select(model).where(model.id.in_(ids)))
            return {row.id: row for row in rows}

    return load


def _children(model: Any, owner: Any, *order: Any) -> Many[Any]:
    async def load(services: Services, ids: Sequence[str]) -> Mapping[str, list[Any]]:
        found: dict[str, list[Any]] = {id: [] for id in ids}
        statement = sa.select(model).where(owner.in_(ids)).order_by(*order)
        async with services.database.session() as session:
            for row in await session.scalars(statement):
                found[getattr(row, owner.key)].append(row)
        return found

    return load


def _pages(model: Any, owner: Any, moment: Any) -> Pages[Any]:
    """Pages of a patient's list, newest first; first pages of many are one statement."""
    order = (Key(moment, descending=True), Key(model.id, descending=True))

    async def load(services: Services, keys: Sequence[PageKey]) -> Mapping[PageKey, Slice[Any]]:
        alike: dict[Page, list[str]] = defaultdict(list)
        for id, page in keys:
            alike[page].append(id)
        found: dict[PageKey, Slice[Any]] = {}
        async with services.database.session() as session:
            for page, ids in alike.items():
                if len(ids) == 1 or page.backward or page.after or page.before:
                    for id in ids:
                        statement: Any = sa.select(model).where(owner == id)
                        found[id, page] = await paginate(session, statement, order, page)
                    continue
                place = sa.func.row_number().over(
                    partition_by=owner, order_by=[key.column.desc() for key in order]
                )
                inner = sa.select(model.id, place.label("place")).where(owner.in_(ids)).subquery()
                rows = await session.scalars(
                    sa.select(model)
                    .join(inner, inner.c.id == model.id)
                    .where(inner.c.place <= page.size + 1)
                    .order_by(owner, inner.c.place)
                )
                parts: dict[str, list[Any]] = {id: [] for id in ids}
                for row in rows:
                    parts[getattr(row, owner.key)].append(row)
                for id, part in parts.items():
                    found[id, page] = _slice(part, order, page)
        return found

    return load


def _slice(rows: Sequence[Any], order: Sequence[Key], page: Page) -> Slice[Any]:
    kept = rows[: page.size]
    cursors = [encode_cursor([getattr(row, key.column.key) for key in order]) for row in kept]
    return Slice(tuple(kept), tuple(cursors), more_after=len(rows) > page.size, more_before=False)


request_by_id: One[ConsentRequest] = _by_id(ConsentRequest)
artefact_by_id: One[ConsentArtefact] = _by_id(ConsentArtefact)
transfer_by_id: One[Transfer] = _by_id(Transfer)
record_by_id: One[ExternalRecord] = _by_id(ExternalRecord)

artefacts_of_request: Many[ConsentArtefact] = _children(
    ConsentArtefact, ConsentArtefact.request_id, ConsentArtefact.facility, ConsentArtefact.id
)
changes_of_request: Many[StateChange] = _children(
    StateChange, StateChange.request_id, StateChange.place
)
transfers_of_artefact: Many[Transfer] = _children(
    Transfer, Transfer.artefact_id, Transfer.requested_at, Transfer.id
)
records_of_artefact: Many[ExternalRecord] = _children(
    ExternalRecord, ExternalRecord.artefact_id, ExternalRecord.sorted_at, ExternalRecord.id
)

requests_of_patient: Pages[ConsentRequest] = _pages(
    ConsentRequest, ConsentRequest.patient_id, ConsentRequest.requested_at
)
records_of_patient: Pages[ExternalRecord] = _pages(
    ExternalRecord, ExternalRecord.patient_id, ExternalRecord.sorted_at
)
