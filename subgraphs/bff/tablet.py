"""The ward's board: representations of ``Patient`` in, a card of three lines out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

__all__ = ["ward_card"]

_SEX: Final = {"FEMALE": "F", "MALE": "M", "OTHER": "O"}
_CALM: Final = frozenset({None, "NORMAL", "UNKNOWN"})


def ward_card(patient: Mapping[str, Any]) -> dict[str, Any]:
    """The card; what the caller may not see is simply not on it."""
    return {
        "headline": _headline(patient),
        "vitals": " · ".join(filter(None, map(_reading, patient.get("latestVitals") or ()))),
        "alerts": [*_allergies(patient), *_outside_limits(patient)],
    }


def _headline(patient: Mapping[str, Any]) -> str:
    age = patient.get("age")
    sex = _SEX.get(str(patient.get("gender")), "")
    details = " ".join(str(each) for each in (age, sex) if each not in (None, ""))
    return ", ".join(filter(None, (patient["name"], details)))


def _reading(vital: Mapping[str, Any]) -> str:
    """``Heart rate 72 /min``; blood pressure as its two numbers."""
    values = [vital["value"]] if vital.get("value") else []
    values = values or [each["value"] for each in vital.get("components") or () if each["value"]]
    if not values:
        return ""
    numbers = "/".join(str(value["value"]) for value in values)
    return f"{vital['display']} {numbers} {values[0]['unit']}"


def _allergies(patient: Mapping[str, Any]) -> list[dict[str, str]]:
    listed = (patient.get("allergies") or {}).get("items") or ()
    texts = [(item.get("code") or {}).get("text") for item in listed]
    return [{"kind": "ALLERGY", "text": text} for text in texts if text]


def _outside_limits(patient: Mapping[str, Any]) -> list[dict[str, str]]:
    return [
        {"kind": "VITAL_SIGN", "text": _reading(vital)}
        for vital in patient.get("latestVitals") or ()
        if vital.get("interpretation") not in _CALM
    ]
