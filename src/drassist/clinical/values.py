"""Values that every part of the clinical graph speaks of.

Each is valid by construction: making one from text that is not one raises :class:`InvalidValue`,
whose message says what is expected and never quotes what came.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Final, Literal

__all__ = [
    "AbhaAddress",
    "AbhaNumber",
    "Address",
    "CodedConcept",
    "Coding",
    "ContactPoint",
    "HumanName",
    "Identifier",
    "InvalidValue",
    "Mrn",
    "PartialDate",
    "Period",
    "Quantity",
    "normalise_phone",
    "verhoeff_check",
]


class InvalidValue(ValueError):
    """A value is malformed. ``field`` is the path in the input that brought it, if known."""

    def __init__(self, message: str, *field: str) -> None:
        super().__init__(message)
        self.field = field


_MRN: Final = re.compile(r"[A-Z0-9][A-Z0-9/._-]{0,63}")


@dataclass(frozen=True, slots=True, order=True)
class Mrn:
    """A hospital's medical record number (UHID): upper case, no spaces; unique in its hospital."""

    value: str

    def __post_init__(self) -> None:
        text = re.sub(r"\s+", "", self.value).upper()
        if not _MRN.fullmatch(text):
            raise InvalidValue("An MRN has 1 to 64 letters, digits, or / . _ -")
        object.__setattr__(self, "value", text)

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True, order=True)
class AbhaNumber:
    """An ABHA number: 14 digits, kept bare, shown as ``NN-NNNN-NNNN-NNNN``.

    The last digit is a Verhoeff check digit in numbers that were issued, but hospitals hold older
    and hand-typed ones: it is not checked.
    """

    value: str

    def __post_init__(self) -> None:
        digits = re.sub(r"[\s-]", "", self.value)
        if not re.fullmatch(r"[0-9]{14}", digits):
            raise InvalidValue("An ABHA number has 14 digits, such as 12-3456-7890-1234")
        object.__setattr__(self, "value", digits)

    @property
    def masked(self) -> str:
        """The form that may be shown to those who need not know it: only the last four digits."""
        return f"XX-XXXX-XXXX-{self.value[10:]}"

    def __str__(self) -> str:
        v = self.value
        return f"{v[:2]}-{v[2:6]}-{v[6:10]}-{v[10:]}"


_ABHA_ADDRESS: Final = re.compile(r"[a-z0-9](?:[a-z0-9._]{1,48}[a-z0-9])?@(?:abdm|sbx)")


@dataclass(frozen=True, slots=True, order=True)
class AbhaAddress:
    """An ABHA address, ``name@abdm`` (or ``@sbx`` in the sandbox), lower case."""

    value: str

    def __post_init__(self) -> None:
        text = self.value.strip().lower()
        if not _ABHA_ADDRESS.fullmatch(text):
            raise InvalidValue("An ABHA address looks like name@abdm")
        object.__setattr__(self, "value", text)

    def __str__(self) -> str:
        return self.value


_D: Final = (
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 9), (1, 2, 3, 4, 0, 6, 7, 8, 9, 5), (2, 3, 4, 0, 1, 7, 8, 9, 5, 6),
    (3, 4, 0, 1, 2, 8, 9, 5, 6, 7), (4, 0, 1, 2, 3, 9, 5, 6, 7, 8), (5, 9, 8, 7, 6, 0, 4, 3, 2, 1),
    (6, 5, 9, 8, 7, 1, 0, 4, 3, 2), (7, 6, 5, 9, 8, 2, 1, 0, 4, 3), (8, 7, 6, 5, 9, 3, 2, 1, 0, 4),
    (9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
)  # fmt: skip
_P: Final = (
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 9), (1, 5, 7, 6, 2, 8, 3, 0, 9, 4), (5, 8, 0, 3, 7, 9, 6, 1, 4, 2),
    (8, 9, 1, 6, 0, 4, 3, 5, 2, 7), (9, 4, 5, 3, 1, 2, 6, 8, 7, 0), (4, 2, 8, 6, 5, 7, 3, 9, 0, 1),
    (2, 7, 9, 3, 8, 0, 6, 4, 1, 5), (7, 0, 4, 6, 9, 1, 3, 2, 5, 8),
)  # fmt: skip


def verhoeff_check(digits: str) -> bool:
    """Whether the last digit is the Verhoeff check digit of those before it."""
    check = 0
    for place, digit in enumerate(reversed(digits)):
        check = _D[check][_P[place % 8][int(digit)]]
    return check == 0


@dataclass(frozen=True, slots=True)
class PartialDate:
    """A date as far as it is known: ``1979``, ``1979-04`` or ``1979-04-02``; never filled up."""

    text: str

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?", self.text):
            raise InvalidValue("A partial date is YYYY, YYYY-MM or YYYY-MM-DD")
        try:
            _ = self.low
        except ValueError:
            raise InvalidValue("There is no such date") from None

    @property
    def precision(self) -> Literal["year", "month", "day"]:
        match len(self.text):
            case 4:
                return "year"
            case 7:
                return "month"
            case _:
                return "day"

    @property
    def low(self) -> date:
        """The first day that it can be."""
        return date.fromisoformat((self.text + "-01-01")[:10])

    def age_on(self, day: date) -> int:
        """Completed years on ``day``; for a partial date as if born on its first day."""
        low = self.low
        return day.year - low.year - ((day.month, day.day) < (low.month, low.day))

    def __str__(self) -> str:
        return self.text


def _plain(text: str, what: str, longest: int) -> str:
    """Text as people typed it, without control characters and outer spaces."""
    cleaned = unicodedata.normalize("NFC", text).strip()
    if any(unicodedata.category(c) in ("Cc", "Cs") for c in cleaned):
        raise InvalidValue(f"{what} may not contain control characters")
    if len(cleaned) > longest:
        raise InvalidValue(f"{what} may have at most {longest} characters")
    return cleaned


@dataclass(frozen=True, slots=True)
class HumanName:
    """A name. ``text`` is the whole name as the person says it; the parts are what is known.

    Single-word names, names in several scripts and "Baby of …" are ordinary.
    """

    text: str
    family: str | None = None
    given: tuple[str, ...] = ()
    prefix: tuple[str, ...] = ()
    use: str | None = None

    def __post_init__(self) -> None:
        text = _plain(self.text, "A name", 200)
        if not text:
            text = " ".join((*self.prefix, *self.given, self.family or "")).strip()
        if not text:
            raise InvalidValue("A name may not be empty")
        object.__setattr__(self, "text", text)

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class ContactPoint:
    """How to reach somebody. Phones are kept normalised in ``value``."""

    system: str
    value: str
    use: str | None = None

    def __post_init__(self) -> None:
        value = _plain(self.value, "A contact", 200)
        if self.system in ("phone", "sms"):
            value = normalise_phone(value)
        if not value:
            raise InvalidValue("A contact may not be empty")
        object.__setattr__(self, "value", value)


def normalise_phone(text: str, country: str = "91") -> str:
    """A phone number as ``+<country><number>``; ten bare digits are numbers of ``country``.

    Short codes and extensions that do not fit E.164 keep their digits. Raises
    :class:`InvalidValue` when there is no number in it.
    """
    number, _, _ = re.sub(r"(?i)\s*(ext\.?|x)\s*\d+$", "", text).partition(";")
    digits = re.sub(r"\D", "", number)
    if not 3 <= len(digits) <= 15:
        raise InvalidValue("A phone number has 3 to 15 digits")
    if number.strip().startswith("+"):
        return f"+{digits}"
    if number.strip().startswith("00"):
        return f"+{digits[2:]}"
    if len(digits) == 11 and digits.startswith("0"):
        return f"+{country}{digits[1:]}"
    if len(digits) == 10:
        return f"+{country}{digits}"
    if len(digits) == len(country) + 10 and digits.startswith(country):
        return f"+{digits}"
    return digits


@dataclass(frozen=True, slots=True)
class Address:
    """A postal address; ``postal_code`` is the PIN code."""

    text: str | None = None
    lines: tuple[str, ...] = ()
    city: str | None = None
    district: str | None = None
    state: str | None = None
    postal_code: str | None = None
    country: str | None = None
    use: str | None = None


@dataclass(frozen=True, slots=True)
class Identifier:
    """A business identifier. Compare it with its system, never by value alone."""

    system: str | None
    value: str
    type: str | None = None
    use: str | None = None


@dataclass(frozen=True, slots=True)
class Coding:
    """One code of one system; two codes are the same when both are."""

    system: str
    code: str
    display: str | None = None


@dataclass(frozen=True, slots=True)
class CodedConcept:
    """What was said (``text``) and the codes for it. The order of codings has no meaning."""

    text: str | None
    codings: tuple[Coding, ...] = ()

    def __post_init__(self) -> None:
        if not (self.text and self.text.strip()) and not self.codings:
            raise InvalidValue("A coded concept needs a text or a code")

    @classmethod
    def coded(cls, system: str, code: str, display: str | None = None) -> CodedConcept:
        return cls(display, (Coding(system, code, display),))

    @property
    def label(self) -> str:
        """What to show: the text, else a display, else a code."""
        displays = (c.display or c.code for c in self.codings)
        return self.text or next(displays)

    def code_in(self, system: str) -> str | None:
        return next((c.code for c in self.codings if c.system == system), None)


@dataclass(frozen=True, slots=True)
class Period:
    """A half-open span of time ``[start, end)``; no end means ongoing or unknown."""

    start: datetime | None
    end: datetime | None = None

    def __post_init__(self) -> None:
        for moment in (self.start, self.end):
            if moment is not None and moment.utcoffset() is None:
                raise InvalidValue("An instant needs an offset")
        if self.start is not None and self.end is not None and self.end < self.start:
            raise InvalidValue("A period may not end before it starts")

    def overlaps(self, other: Period) -> bool:
        starts_before = other.end is None or self.start is None or self.start < other.end
        ends_after = self.end is None or other.start is None or other.start < self.end
        return starts_before and ends_after

    def contains(self, moment: datetime) -> bool:
        return (self.start is None or self.start <= moment) and (
            self.end is None or moment < self.end
        )


UCUM: Final = "http://unitsofmeasure.org"


@dataclass(frozen=True, slots=True)
class Quantity:
    """An exact amount: ``Decimal("7.0")`` keeps its zero. ``code`` is UCUM, case-sensitive.

    ``unit`` is what people read; ``comparator`` is ``<``, ``<=``, ``>=`` or ``>``.
    """

    value: Decimal
    code: str
    unit: str | None = None
    comparator: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.value, Decimal):
            raise InvalidValue("An amount is an exact decimal")
        if not self.value.is_finite():
            raise InvalidValue("An amount is finite")
        if self.comparator not in (None, "<", "<=", ">=", ">"):
            raise InvalidValue("A comparator is <, <=, >= or >")

    @classmethod
    def parse(cls, value: str, code: str, unit: str | None = None) -> Quantity:
        try:
            return cls(Decimal(value), code, unit)
        except InvalidOperation:
            raise InvalidValue("An amount is a decimal number") from None

    @property
    def display(self) -> str:
        return f"{self.comparator or ''}{self.value:f} {self.unit or self.code}".strip()
