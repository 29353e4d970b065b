"""Scalars: instants with their offset, decimals with their digits, dates that may be partial."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final, NewType

import strawberry
from graphql import GraphQLError
from strawberry.types.scalar import ScalarDefinition

from drassist.clinical import InvalidValue, PartialDate

__all__ = ["SCALARS", "PartialDateText"]

PartialDateText = NewType("PartialDateText", str)
"""A ``PartialDate`` in the graph, as its text."""

_LONGEST_DECIMAL: Final = 64


def _instant(value: Any) -> datetime:
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
            if moment.utcoffset() is not None:
                return moment.astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    raise GraphQLError("A DateTime is ISO 8601 with an offset, such as 2026-11-24T09:30:00+05:30.")


def _instant_text(value: datetime) -> str:
    if value.utcoffset() is None:
        raise ValueError("an instant needs an offset")
    return value.astimezone(UTC).isoformat()


def _decimal(value: Any) -> Decimal:
    if isinstance(value, str | int) and not isinstance(value, bool):
        text = str(value)
        try:
            number = Decimal(text)
            exponent = number.as_tuple().exponent
            if (
                number.is_finite()
                and len(text) <= _LONGEST_DECIMAL
                and isinstance(exponent, int)
                and abs(exponent) <= _LONGEST_DECIMAL
            ):
                return number
        except (InvalidOperation, ValueError):
            pass
    raise GraphQLError('A Decimal is a string of digits, such as "7.0".')


def _date(value: Any) -> date:
    if isinstance(value, str) and len(value) == 10:
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise GraphQLError("A Date is YYYY-MM-DD.")


def _partial(value: Any) -> PartialDateText:
    if isinstance(value, str):
        with suppress(InvalidValue):
            return PartialDateText(str(PartialDate(value)))
    raise GraphQLError("A PartialDate is YYYY, YYYY-MM or YYYY-MM-DD.")


SCALARS: Final[Mapping[object, ScalarDefinition]] = {
    datetime: strawberry.scalar(
        name="DateTime",
        description="An instant: ISO 8601 with offset, given in UTC, accepted with any offset.",
        serialize=_instant_text,
        parse_value=_instant,
    ),
    Decimal: strawberry.scalar(
        name="Decimal",
        description='An exact decimal number as a string: "7.0" keeps its zero.',
        serialize=str,
        parse_value=_decimal,
    ),
    date: strawberry.scalar(
        name="Date",
        description="A calendar date, YYYY-MM-DD, in the hospital's own time zone.",
        serialize=date.isoformat,
        parse_value=_date,
    ),
    PartialDateText: strawberry.scalar(
        name="PartialDate",
        description="A date as far as it is known: YYYY, YYYY-MM or YYYY-MM-DD.",
        serialize=str,
        parse_value=_partial,
    ),
}
