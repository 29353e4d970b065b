"""What a dosage says: how much in all, and what can never be right.

Text is always kept as it was written; structure beside it makes it countable.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from decimal import ROUND_CEILING, Decimal
from typing import Any

from drassist.clinical import verhoeff_check
from drassist.codes import Medicine
from drassist.graph.errors import DomainError, ErrorCode
from subgraphs.orders.ports import DosageInstruction

__all__ = ["check_dosages", "dosages_from_json", "dosages_to_json", "quantity_of"]

_DAYS: Mapping[str, Decimal] = {
    "h": Decimal(1) / 24,
    "d": Decimal(1),
    "wk": Decimal(7),
    "mo": Decimal(30),
}
_WHEN = frozenset(
    [
        "MORN",
        "MORN.early",
        "MORN.late",
        "NOON",
        "AFT",
        "AFT.early",
        "AFT.late",
        "EVE",
        "EVE.early",
        "EVE.late",
        "NIGHT",
        "PHS",
        "HS",
        "WAKE",
        "C",
        "CM",
        "CD",
        "CV",
        "AC",
        "ACM",
        "ACD",
        "ACV",
        "PC",
        "PCM",
        "PCD",
        "PCV",
    ]
)
_MOST = Decimal(1_000_000)
_SNOMED = re.compile("[1-9][0-9]{5,17}")


def check_dosages(
    dosages: Sequence[DosageInstruction], medicine: Medicine | None, *path: str
) -> None:
    """Refuse dosages that can never be right; raises :class:`DomainError`."""
    if not dosages:
        raise DomainError(
            ErrorCode.VALIDATION_FAILED, "A medicine needs at least one dosage.", *path
        )
    for number, dosage in enumerate(dosages):
        _check(dosage, (*path, str(number)))
        if medicine is not None and "WEEK" in medicine.usual_sig and _is_daily(dosage):
            # a weekly medicine taken daily kills: methotrexate is the classic
            raise DomainError(
                ErrorCode.SAFETY_STOP,
                f"{medicine.generic} is taken once a week, never daily.",
                *path,
                str(number),
            )


def quantity_of(dosages: Sequence[DosageInstruction]) -> Decimal | None:
    """Return dose x times x days over all dosages, or None where one of them is open-ended."""
    total = Decimal(0)
    for dosage in dosages:
        if (
            dosage.dose is None
            or dosage.frequency is None
            or dosage.period is None
            or dosage.period_unit is None
            or dosage.duration is None
            or dosage.duration_unit is None
            or dosage.as_needed
        ):
            return None
        days = dosage.duration * _DAYS[dosage.duration_unit]
        times = days / (dosage.period * _DAYS[dosage.period_unit]) * dosage.frequency
        total += dosage.dose * times.to_integral_value(ROUND_CEILING)
    return total


def dosages_to_json(dosages: Sequence[DosageInstruction]) -> list[dict[str, Any]]:
    """Return dosages as JSON, decimals as text so that no digit is lost."""
    return [
        {
            key: str(value) if isinstance(value, Decimal) else value
            for key, value in {**asdict(dosage), "when": list(dosage.when)}.items()
        }
        for dosage in dosages
    ]


def dosages_from_json(rows: Sequence[Mapping[str, Any]]) -> tuple[DosageInstruction, ...]:
    """Read what :func:`dosages_to_json` wrote."""
    return tuple(
        DosageInstruction(
            **{
                **row,
                "when": tuple(row["when"]),
                **{name: _decimal(row[name]) for name in ("dose", "period", "duration")},
            }
        )
        for row in rows
    )


def _check(dosage: DosageInstruction, path: tuple[str, ...]) -> None:
    if not dosage.text.strip():
        raise DomainError(
            ErrorCode.VALIDATION_FAILED, "Say how the medicine is taken.", *path, "text"
        )
    for name in ("dose", "period", "duration"):
        value = getattr(dosage, name)
        if value is not None and not 0 < value < _MOST:
            raise DomainError(
                ErrorCode.VALIDATION_FAILED, "This must be more than nothing.", *path, name
            )
    if dosage.frequency is not None and not 0 < dosage.frequency <= 48:
        raise DomainError(
            ErrorCode.VALIDATION_FAILED, "Between 1 and 48 times.", *path, "frequency"
        )
    for name, pair in (("periodUnit", dosage.period_unit), ("durationUnit", dosage.duration_unit)):
        if pair is not None and pair not in _DAYS:
            raise DomainError(ErrorCode.VALIDATION_FAILED, "One of h, d, wk, mo.", *path, name)
    if (dosage.period is None) != (dosage.period_unit is None):
        raise DomainError(ErrorCode.VALIDATION_FAILED, "A period needs its unit.", *path, "period")
    if (dosage.duration is None) != (dosage.duration_unit is None):
        raise DomainError(
            ErrorCode.VALIDATION_FAILED, "A duration needs its unit.", *path, "duration"
        )
    if unknown := set(dosage.when) - _WHEN:
        raise DomainError(
            ErrorCode.VALIDATION_FAILED, f"No such time: {sorted(unknown)[0][:20]}.", *path, "when"
        )
    if dosage.route is not None and not _SNOMED.fullmatch(dosage.route):
        raise DomainError(
            ErrorCode.VALIDATION_FAILED,
            "A route is a SNOMED CT code such as 26643006 (oral).",
            *path,
            "route",
        )
    if dosage.route is not None and not verhoeff_check(dosage.route):
        raise DomainError(
            ErrorCode.VALIDATION_FAILED, "The check digit of this code is wrong.", *path, "route"
        )


def _is_daily(dosage: DosageInstruction) -> bool:
    if dosage.frequency is None or dosage.period is None or dosage.period_unit is None:
        return False
    return dosage.period * _DAYS[dosage.period_unit] / dosage.frequency < 7


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
