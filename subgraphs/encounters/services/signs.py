"""Which vital signs there are: codes, units, what is accepted and what is usual.

Read from ``vitals.csv`` beside this file (LOINC codes and UCUM units; adult ranges, defaults for a
hospital to set). For children under sixteen only the signs of :data:`_CHILD` have a usual range.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from pathlib import Path
from typing import Final

from drassist.clinical import InvalidValue, Quantity

__all__ = ["BLOOD_PRESSURE", "Sign", "by_code", "normalised", "signs", "usual"]

BLOOD_PRESSURE: Final = "85354-9"
"""LOINC of the blood pressure panel: no value of its own, two components."""


@dataclass(frozen=True, slots=True)
class Sign:
    """One vital sign; values outside ``accept`` are refused, outside ``usual`` marked."""

    key: str
    code: str
    name: str
    unit: str
    decimals: int
    accept: tuple[Decimal, Decimal]
    usual: tuple[Decimal, Decimal] | None


@cache
def signs() -> Mapping[str, Sign]:
    """All signs by key, such as ``HEART_RATE``."""
    text = Path(__file__).with_name("vitals.csv").read_text().splitlines()
    return {row["key"]: _sign(row) for row in csv.DictReader(text)}


@cache
def by_code() -> Mapping[str, Sign]:
    return {sign.code: sign for sign in signs().values()}


def _sign(row: Mapping[str, str]) -> Sign:
    low, high = row["usual_low"], row["usual_high"]
    return Sign(
        row["key"],
        row["code"],
        row["name"],
        row["unit"],
        int(row["decimals"]),
        (Decimal(row["accept_low"]), Decimal(row["accept_high"])),
        (Decimal(low), Decimal(high)) if low else None,
    )


_CHILD: Final[tuple[tuple[int, Mapping[str, tuple[int, int]]], ...]] = (
    # awake children: up to and including this age in years, (low, high)
    (0, {"HEART_RATE": (100, 180), "RESPIRATORY_RATE": (30, 53), "SYSTOLIC": (72, 104)}),
    (2, {"HEART_RATE": (98, 140), "RESPIRATORY_RATE": (22, 37), "SYSTOLIC": (86, 106)}),
    (5, {"HEART_RATE": (80, 120), "RESPIRATORY_RATE": (20, 28), "SYSTOLIC": (89, 112)}),
    (9, {"HEART_RATE": (75, 118), "RESPIRATORY_RATE": (18, 25), "SYSTOLIC": (97, 115)}),
    (11, {"HEART_RATE": (75, 118), "RESPIRATORY_RATE": (18, 25), "SYSTOLIC": (102, 120)}),
    (15, {"HEART_RATE": (60, 100), "RESPIRATORY_RATE": (12, 20), "SYSTOLIC": (110, 131)}),
)
_SAME_AT_ALL_AGES: Final = ("BODY_TEMPERATURE", "OXYGEN_SATURATION", "PAIN", "GLASGOW_COMA_SCORE")


def usual(sign: Sign, age: int | None) -> tuple[Decimal, Decimal] | None:
    """The usual range at this age in years; None where there is none (age None: an adult)."""
    if age is None or age >= 16 or sign.key in _SAME_AT_ALL_AGES:
        return sign.usual
    for oldest, ranges in _CHILD:
        if age <= oldest:
            found = ranges.get(sign.key)
            return (Decimal(found[0]), Decimal(found[1])) if found else None
    return None


_POUND: Final = Decimal("0.45359237")


def normalised(sign: Sign, value: Decimal, unit: str | None) -> Quantity:
    """The value in the sign's own unit, rounded to its decimals where it had to be converted.

    Raises ``InvalidValue`` for a unit that is not one of the sign, or a value that cannot be.
    """
    if unit is None or unit == sign.unit:
        result = value
    elif sign.unit == "Cel" and unit == "[degF]":
        result = _rounded((value - 32) * 5 / 9, sign)
    elif sign.unit == "kg" and unit == "g":
        result = value / 1000
    elif sign.unit == "kg" and unit == "[lb_av]":
        result = _rounded(value * _POUND, sign)
    elif sign.unit == "cm" and unit == "[in_i]":
        result = _rounded(value * Decimal("2.54"), sign)
    elif sign.unit == "cm" and unit == "m":
        result = value * 100
    else:
        raise InvalidValue(f"{sign.name} is measured in {sign.unit}", "input", "readings")
    low, high = sign.accept
    if not low <= result <= high:
        raise InvalidValue(
            f"{sign.name} is between {low} and {high} {sign.unit}", "input", "readings"
        )
    return Quantity(result, sign.unit)


def _rounded(value: Decimal, sign: Sign) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-sign.decimals), ROUND_HALF_UP)
