"""Connections: pages of a long list, by cursors that stay true when the list changes.

A cursor holds the sort key of its row, not its number, so a page neither repeats nor skips rows when
others arrive (keyset paging). ``first`` or ``last`` beyond the page limit is refused: a list that
is cut in silence looks complete.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Generic, TypeAlias, TypeVar

import orjson
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from drassist.graph import fields as graph
from drassist.graph.errors import ClientError

__all__ = [
    "After",
    "Before",
    "Connection",
    "Edge",
    "First",
    "Key",
    "Last",
    "Page",
    "PageInfo",
    "Slice",
    "connect",
    "paginate",
    "slice_list",
]

N = TypeVar("N")
R = TypeVar("R")

DEFAULT_PAGE: Final = 20

First: TypeAlias = Annotated[
    int | None, graph.arg("How many from the start; 20 when neither first nor last is given.")
]
After: TypeAlias = Annotated[str | None, graph.arg("Only what comes after this cursor.")]
Last: TypeAlias = Annotated[int | None, graph.arg("How many from the end.")]
Before: TypeAlias = Annotated[str | None, graph.arg("Only what comes before this cursor.")]


@graph.type("Where a page stands in its list.", shareable=True)
class PageInfo:
    has_next_page: bool = graph.field("Whether more follow this page.")
    has_previous_page: bool = graph.field("Whether some come before this page.")
    start_cursor: str | None = graph.field("Cursor of the first edge of this page.")
    end_cursor: str | None = graph.field("Cursor of the last edge of this page.")


@graph.type("One element of a page, with its cursor.", shareable=True)
class Edge(Generic[N]):
    cursor: str = graph.field("Opaque place of this element, for after and before.")
    node: N = graph.field("The element.")


@graph.type("One page of a list.", shareable=True)
class Connection(Generic[N]):
    edges: list[Edge[N]] = graph.field("The elements of this page, in the list's order.")
    page_info: PageInfo = graph.field("Where this page stands.")


@dataclass(frozen=True, slots=True)
class Page:
    """What was asked for; make it with :meth:`of`, which refuses nonsense."""

    size: int
    backward: bool
    after: tuple[Any, ...] | None
    before: tuple[Any, ...] | None

    @classmethod
    def of(
        cls,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
        *,
        limit: int = 100,
    ) -> Page:
        """Raises :class:`ClientError` for ``first`` with ``last``, sizes and cursors not ours."""
        if first is not None and last is not None:
            raise ClientError("BAD_PAGE", "Give first or last, not both.")
        size = first if first is not None else last if last is not None else DEFAULT_PAGE
        if not 0 <= size <= limit:
            raise ClientError("BAD_PAGE", f"A page has 0 to {limit} elements.")
        return cls(
            size,
            last is not None,
            None if after is None else decode_cursor(after),
            None if before is None else decode_cursor(before),
        )


@dataclass(frozen=True, slots=True)
class Slice(Generic[R]):
    """The rows of one page with their cursors, in the list's order."""

    rows: tuple[R, ...]
    cursors: tuple[str, ...]
    more_after: bool
    more_before: bool


@dataclass(frozen=True, slots=True)
class Key:
    """One column of the order. The last key of an order is unique (the id); none is nullable."""

    column: Any
    descending: bool = False


async def paginate(
    session: AsyncSession,
    statement: sa.Select[tuple[R]] | SelectOfScalar[R],
    order: Sequence[Key],
    page: Page,
) -> Slice[R]:
    """Read one page of ``statement`` (a select of one mapped class) in this order."""
    columns = [key.column for key in order]
    if page.after is not None:
        statement = statement.where(_beyond(order, _values(order, page.after), after=True))
    if page.before is not None:
        statement = statement.where(_beyond(order, _values(order, page.before), after=False))
    ordering = [
        key.column.desc() if key.descending != page.backward else key.column.asc() for key in order
    ]
    found = (
        await session.execute(
            statement.add_columns(*columns).order_by(*ordering).limit(page.size + 1)
        )
    ).all()
    more = len(found) > page.size
    found = found[: page.size]
    if page.backward:
        found = found[::-1]
    return Slice(
        tuple(row[0] for row in found),
        tuple(encode_cursor(row[1:]) for row in found),
        more_after=page.before is not None if page.backward else more,
        more_before=more if page.backward else page.after is not None,
    )


def slice_list(items: Sequence[R], key: Callable[[R], tuple[Any, ...]], page: Page) -> Slice[R]:
    """One page of a list that is in memory and sorted ascending by ``key`` (unique per item)."""
    keyed = [(key(item), item) for item in items]
    for cursor in (page.after, page.before):
        if cursor is not None and not _same_shape(cursor, keyed[0][0] if keyed else cursor):
            raise _not_ours()
    try:
        kept = [
            (k, item)
            for k, item in keyed
            if (page.after is None or k > page.after) and (page.before is None or k < page.before)
        ]
    except TypeError:
        raise _not_ours() from None
    more = len(kept) > page.size
    if page.backward:
        kept = kept[len(kept) - page.size :] if more else kept
    else:
        kept = kept[: page.size]
    return Slice(
        tuple(item for _, item in kept),
        tuple(encode_cursor(k) for k, _ in kept),
        more_after=page.before is not None if page.backward else more,
        more_before=more if page.backward else page.after is not None,
    )


def _same_shape(cursor: tuple[Any, ...], key: tuple[Any, ...]) -> bool:
    return len(cursor) == len(key)


def connect(page: Slice[R], node: Callable[[R], N]) -> Connection[N]:
    """Make the connection: one node of the graph for each row."""
    return Connection(
        edges=[
            Edge(cursor=cursor, node=node(row))
            for row, cursor in zip(page.rows, page.cursors, strict=True)
        ],
        page_info=PageInfo(
            has_next_page=page.more_after,
            has_previous_page=page.more_before,
            start_cursor=page.cursors[0] if page.cursors else None,
            end_cursor=page.cursors[-1] if page.cursors else None,
        ),
    )


def encode_cursor(values: Sequence[Any]) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(list(values))).decode().rstrip("=")


def decode_cursor(cursor: str) -> tuple[Any, ...]:
    """The sort key in a cursor; raises :class:`ClientError` for one that is not ours."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        values = orjson.loads(base64.b64decode(padded.encode("ascii"), b"-_", validate=True))
    except (ValueError, binascii.Error):
        raise _not_ours() from None
    if not isinstance(values, list):
        raise _not_ours()
    return tuple(values)


def _not_ours() -> ClientError:
    return ClientError("BAD_CURSOR", "This cursor does not belong to this list.")


def _values(order: Sequence[Key], cursor: tuple[Any, ...]) -> list[Any]:
    """The cursor's values as their columns' types."""
    if len(cursor) != len(order):
        raise _not_ours()
    values: list[Any] = []
    for key, value in zip(order, cursor, strict=True):
        wanted = _python_type(key.column.type)
        if wanted is datetime:
            try:
                values.append(datetime.fromisoformat(value).astimezone(UTC))
            except (TypeError, ValueError, OverflowError):
                raise _not_ours() from None
        elif isinstance(value, wanted) and not (wanted is int and abs(value) >= 2**31):
            values.append(value)
        else:
            raise _not_ours()
    return values


def _python_type(kind: sa.types.TypeEngine[Any]) -> type[Any]:
    """What a column holds in Python; a decorated type only knows it of what it decorates."""
    plain = kind.impl_instance if isinstance(kind, sa.types.TypeDecorator) else kind
    return plain.python_type


def _beyond(order: Sequence[Key], values: Sequence[Any], *, after: bool) -> Any:
    """Rows strictly after (or before) the key: (a > x) or (a = x and b > y) or …"""
    alternatives = []
    for index, key in enumerate(order):
        same = [k.column == v for k, v in zip(order[:index], values[:index], strict=True)]
        greater = after != key.descending
        beyond = key.column > values[index] if greater else key.column < values[index]
        alternatives.append(sa.and_(*same, beyond))
    return sa.or_(*alternatives)
