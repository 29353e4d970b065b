"""The patient's home screen: representations of ``Home`` in, the phone's shape out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from subgraphs.bff.reading import nodes

__all__ = ["medicines_due", "new_results", "next_appointment"]

# FHIR event timings (value set event-timing) to the parts of the day that a reminder knows
_PART_OF_DAY: Final[Mapping[str, str]] = {
    "MORN": "MORNING",
    "WAKE": "MORNING",
    "ACM": "MORNING",
    "CM": "MORNING",
    "PCM": "MORNING",
    "NOON": "NOON",
    "ACD": "NOON",
    "CD": "NOON",
    "PCD": "NOON",
    "AFT": "EVENING",
    "EVE": "EVENING",
    "ACV": "EVENING",
    "CV": "EVENING",
    "PCV": "EVENING",
    "NIGHT": "NIGHT",
    "HS": "NIGHT",
}
_PARTS: Final = ("MORNING", "NOON", "EVENING", "NIGHT")


def next_appointment(home: Mapping[str, Any]) -> Any:
    """The soonest appointment, as a key."""
    return next(iter(nodes(home["patient"].get("appointments"))), None)


def new_results(home: Mapping[str, Any]) -> list[Any]:
    """The newest reports, as keys."""
    return nodes(home["patient"].get("labResults"))


def medicines_due(home: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One line for each dosage of each active medicine, by the part of the day."""
    due = [
        _line(request, dosage)
        for request in home["patient"].get("activeMedications") or ()
        for dosage in request.get("dosages") or ()
    ]
    return sorted(due, key=_by_time)


def _line(request: Mapping[str, Any], dosage: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "request": {"id": request["id"]},
        "line": f"{request['medicine']}: {dosage['text']}",
        "times": parts_of_day(dosage.get("when") or ()),
        "asNeeded": bool(dosage.get("asNeeded")),
    }


def parts_of_day(when: Iterable[str]) -> list[str]:
    """The parts of the day that FHIR's event timings mean, in the day's order, each once."""
    found = {_PART_OF_DAY[code] for code in when if code in _PART_OF_DAY}
    return [part for part in _PARTS if part in found]


def _by_time(due: Mapping[str, Any]) -> tuple[bool, int, str]:
    first = _PARTS.index(due["times"][0]) if due["times"] else len(_PARTS)
    return due["asNeeded"], first, due["line"]
