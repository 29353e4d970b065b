"""The tables of codes that ship with the product: tests to order, medicines to prescribe.

``tests.csv`` holds LOINC codes with short names of ours, UCUM units and adult reference ranges
(defaults: a laboratory's own range on its report wins; LOINC is free under its terms).
``medicines.csv`` holds products seen daily in Indian outpatient care: a seed for pickers and not
a formulary; brand names are facts. ``verified=no`` marks codes that were confirmed only in
secondary sources: look them up in the licensed table before clinical go-live.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib.resources import files

__all__ = ["LabTest", "Medicine", "Range", "lab_tests", "medicines"]


@dataclass(frozen=True, slots=True)
class Range:
    """What is usual in adults; either bound may be missing."""

    low: Decimal | None
    high: Decimal | None


@dataclass(frozen=True, slots=True)
class LabTest:
    """One test, panel or imaging study that can be ordered.

    ``kind`` is ``quantity`` (a number in ``ucum`` with ``decimals``), ``ordinal`` or ``text``
    (``usual`` is the normal answer), ``panel`` (``members`` are LOINC codes) or ``imaging``
    (``specimen`` then names the DICOM modality).
    """

    code: str
    name: str
    aliases: tuple[str, ...]
    category: str
    kind: str
    ucum: str | None
    decimals: int
    specimen: str | None
    male: Range
    female: Range
    critical: Range
    usual: str | None
    members: tuple[str, ...]
    verified: bool

    def range_for(self, gender: str | None) -> Range:
        """The adult range by administrative gender; the wider of both when it is not known."""
        match gender:
            case "male":
                return self.male
            case "female":
                return self.female
            case _:
                return Range(
                    _widest(min, self.male.low, self.female.low),
                    _widest(max, self.male.high, self.female.high),
                )


@dataclass(frozen=True, slots=True)
class Medicine:
    """One product: generic, strength and form; ``flags`` are schedule and telemedicine lists."""

    id: str
    generic: str
    brands: tuple[str, ...]
    strength: str | None
    form: str
    route: str
    dose_unit: str
    usual_sig: str
    flags: tuple[str, ...]

    @property
    def name(self) -> str:
        """Generic, strength and form as printed on a prescription."""
        return " ".join(part for part in (self.generic, self.strength, self.form) if part)


@cache
def lab_tests() -> Mapping[str, LabTest]:
    """Return every test by LOINC code, panels first."""
    return {row["loinc"]: _lab_test(row) for row in _rows("tests.csv")}


@cache
def medicines() -> Mapping[str, Medicine]:
    """Return every medicine by id, in the order of their names."""
    return {row["id"]: _medicine(row) for row in _rows("medicines.csv")}


def _lab_test(row: Mapping[str, str]) -> LabTest:
    return LabTest(
        code=row["loinc"],
        name=row["name"],
        aliases=_several(row["aliases"]),
        category=row["category"],
        kind=row["kind"],
        ucum=row["ucum"] or None,
        decimals=int(row["decimals"] or 0),
        specimen=row["specimen"] or None,
        male=_range(row["male_low"], row["male_high"]),
        female=_range(row["female_low"], row["female_high"]),
        critical=_range(row["critical_low"], row["critical_high"]),
        usual=row["usual"] or None,
        members=tuple(row["members"].split()),
        verified=row["verified"] == "yes",
    )


def _medicine(row: Mapping[str, str]) -> Medicine:
    return Medicine(
        id=row["id"],
        generic=row["generic"],
        brands=_several(row["brands"]),
        strength=row["strength"] or None,
        form=row["form"],
        route=row["route"],
        dose_unit=row["dose_unit"],
        usual_sig=row["usual_sig"],
        flags=tuple(row["flags"].split()),
    )


def _rows(name: str) -> list[dict[str, str]]:
    text = files(__name__).joinpath(name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def _several(text: str) -> tuple[str, ...]:
    return tuple(part for part in text.split("|") if part)


def _range(low: str, high: str) -> Range:
    return Range(Decimal(low) if low else None, Decimal(high) if high else None)


def _widest(choose: Callable[..., Decimal], *bounds: Decimal | None) -> Decimal | None:
    """The outermost bound; where one of them is open, the whole is."""
    known = [bound for bound in bounds if bound is not None]
    return choose(known) if len(known) == len(bounds) else None
