"""Vital signs that are said aloud, with UCUM units; only values that a body can have."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from drassist.language.document import Code

__all__ = ["SpokenVital", "find_vitals"]

LOINC: Final = "http://loinc.org"


@dataclass(frozen=True, slots=True)
class SpokenVital:
    """One measurement at ``text[start:end]``; blood pressure's value is ``130/80``."""

    label: str
    code: Code
    value: str
    unit: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Sign:
    """``low`` and ``high`` bound what is believed, in ``unit``."""

    label: str
    loinc: str
    words: str
    unit: str
    low: Decimal
    high: Decimal


_BETWEEN: Final = (
    r"(?:[\s:,]+(?:is|was|of|at|came back|came back at|reads?|reading|around|about|today|here|now|on the monitor|still"
    r"|up to|down to|currently|level|it's|it is|a|which is|that's|looks like|pretty good at|good at|great at|on room air))"
    r"{0,4}[\s:,]*"
)
# digits may be read one by one ("one o one")
_NUMBER: Final = r"(\d \d \d(?:\.\d+)?|\d{1,3}(?:\.\d+)?)(?![\d.]*\d)"
_PRESSURE: Final = re.compile(
    rf"(?:\bblood pressure|\bb\.?p\b\.?){_BETWEEN}(\d \d \d|\d{{2,3}})\s*(?:over|/|by|upon)\s*(\d{{2,3}})(?!\d)"
)
_BARE_PRESSURE: Final = re.compile(
    r"(?<![\d/.])(\d{2,3})\s*(?:/|over)\s*(\d{2,3})\s*(?:mm ?hg|millimet\w+ of mercury)"
)
_SIGNS: Final = (
    _Sign(
        "Heart rate",
        "8867-4",
        r"pulse(?: rate)?|heart rate|heart is beating",
        "/min",
        Decimal(20),
        Decimal(300),
    ),
    _Sign(
        "Respiratory rate",
        "9279-1",
        r"respiratory rate|breathing rate|resp rate|respirations",
        "/min",
        Decimal(4),
        Decimal(120),
    ),
    _Sign(
        "Oxygen saturation",
        "2708-6",
        r"oxygen saturations?|sp ?o ?2|saturations?|oxygen levels?|o2 sats?|pulse ox|sats",
        "%",
        Decimal(30),
        Decimal(100),
    ),
    _Sign("Body weight", "29463-7", r"weigh(?:t|s|ing)?", "kg", Decimal("0.3"), Decimal(400)),
    _Sign("Body height", "8302-2", r"height", "cm", Decimal(20), Decimal(260)),
    _Sign(
        "Body mass index",
        "39156-5",
        r"body mass index|b\.?m\.?i",
        "kg/m2",
        Decimal(5),
        Decimal(100),
    ),
    _Sign("Body temperature", "8310-5", r"temperature|temp", "Cel", Decimal(25), Decimal(45)),
)
_PATTERNS: Final = tuple(
    (sign, re.compile(rf"\b(?:{sign.words})\b{_BETWEEN}{_NUMBER}\s*(\w+(?:\.\w+)?|%)?"))
    for sign in _SIGNS
)
_UNIT_WORDS: Final = {
    **dict.fromkeys(("kg", "kgs", "kilo", "kilos", "kilogram", "kilograms"), "kg"),
    **dict.fromkeys(("pound", "pounds", "lb", "lbs"), "[lb_av]"),
    **dict.fromkeys(("cm", "cms", "centimeter", "centimeters", "centimetre", "centimetres"), "cm"),
    **dict.fromkeys(("c", "celsius", "centigrade"), "Cel"),
    **dict.fromkeys(("f", "fahrenheit"), "[degF]"),
}
_FAHRENHEIT: Final = (Decimal(77), Decimal(113))
_NEEDS_UNIT: Final = frozenset({"Body weight", "Body height"})
_NOT_A_VALUE: Final = frozenset(
    [
        "day",
        "days",
        "week",
        "weeks",
        "month",
        "months",
        "year",
        "years",
        "hour",
        "hours",
        "minute",
        "minutes",
        "times",
        "time",
        "pills",
    ]
)


def find_vitals(text: str) -> list[SpokenVital]:
    """Measurements in normalised text (lower case, digits), in their order, none twice."""
    found: list[SpokenVital] = []
    for vital in (*_pressures(text), *_others(text)):
        if all(vital.end <= other.start or vital.start >= other.end for other in found):
            found.append(vital)
    return sorted(found, key=lambda vital: vital.start)


def _pressures(text: str) -> Iterator[SpokenVital]:
    code = Code(LOINC, "85354-9", "Blood pressure panel")
    for pattern in (_PRESSURE, _BARE_PRESSURE):
        for match in pattern.finditer(text):
            systolic, diastolic = int(match[1].replace(" ", "")), int(match[2])
            if 40 <= systolic <= 300 and 20 <= diastolic < systolic:
                value = f"{systolic}/{diastolic}"
                yield SpokenVital("Blood pressure", code, value, "mm[Hg]", *match.span())


def _others(text: str) -> Iterator[SpokenVital]:
    for sign, pattern in _PATTERNS:
        for match in pattern.finditer(text):
            value = match[1].replace(" ", "")
            behind = match[2] or ""
            unit = _unit(sign, Decimal(value), text[match.end(1) : match.end(1) + 24])
            if unit is not None and behind not in _NOT_A_VALUE:
                end = match.end(2) if behind in _UNIT_WORDS or behind == "%" else match.end(1)
                code = Code(LOINC, sign.loinc, sign.label)
                yield SpokenVital(sign.label, code, value, unit, match.start(), end)


def _unit(sign: _Sign, value: Decimal, behind: str) -> str | None:
    """The unit that was said or is certain; None where the value cannot be."""
    said = next(
        (unit for word in re.findall(r"\w+", behind)[:2] if (unit := _UNIT_WORDS.get(word))), None
    )
    if sign.label == "Body temperature":
        # nobody lives at 98 degrees Celsius, nor at 38 degrees Fahrenheit
        if _FAHRENHEIT[0] <= value <= _FAHRENHEIT[1] and said != "Cel":
            return "[degF]"
        return "Cel" if sign.low <= value <= sign.high and said != "[degF]" else None
    if sign.label in _NEEDS_UNIT:
        if said not in ("[lb_av]", sign.unit):
            return None
        return said if value <= 900 else None
    return sign.unit if sign.low <= value <= sign.high else None
