"""ABDM-profiled FHIR documents: which kind, whose, by whom, and what its sections say.

Kinds are told by ``Composition.type`` (two of them only by its text); sections keep their titles
and their narrative as plain text, so that a reader sees what was sent even where a profile was
bent. The bundle itself is kept as it came.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from html import unescape
from typing import Any

from drassist.adapters.errors import InputInvalid
from drassist.fhir.validation import faults

__all__ = ["HEALTH_INFORMATION_TYPES", "Document", "read_document"]

_BY_CODE: Mapping[str, str] = {
    # Composition.type (SNOMED CT) -> hiType, NRCeS implementation guide
    "371530004": "OPConsultation",
    "440545006": "Prescription",
    "721981007": "DiagnosticReport",
    "373942005": "DischargeSummary",
    "41000179103": "ImmunizationRecord",
    "419891008": "HealthDocumentRecord",
}
_BY_TEXT: Mapping[str, str] = {"wellness record": "WellnessRecord", "invoice record": "Invoice"}

HEALTH_INFORMATION_TYPES: tuple[str, ...] = (*_BY_CODE.values(), *_BY_TEXT.values())
"""The kinds of records that a consent can name."""


@dataclass(frozen=True, slots=True)
class Document:
    """What a reader wants to know of a document; ``identifiers`` are its patient's."""

    hi_type: str | None
    title: str
    authored: datetime | None
    author: str | None
    identifiers: tuple[str, ...]
    sections: tuple[tuple[str, str], ...]


def read_document(bundle: Mapping[str, Any]) -> Document:
    """Read a document bundle, or raise :class:`InputInvalid` with code ``DOCUMENT_INVALID``."""
    if bundle.get("resourceType") != "Bundle" or bundle.get("type") != "document":
        raise _broken("not a document Bundle")
    if found := faults(dict(bundle)):
        raise _broken(found[0])
    entries = [e for e in bundle.get("entry", ()) if isinstance(e.get("resource"), dict)]
    if not entries or entries[0]["resource"].get("resourceType") != "Composition":
        raise _broken("its first entry is no Composition")
    composition = entries[0]["resource"]
    return Document(
        hi_type=_hi_type(composition),
        title=str(composition.get("title") or "Document"),
        authored=_instant(composition.get("date")),
        author=_author(composition, entries),
        identifiers=_identifiers(entries),
        sections=tuple(_section(part, entries) for part in composition.get("section", ())),
    )


def _hi_type(composition: Mapping[str, Any]) -> str | None:
    kind = composition.get("type") or {}
    codes = (coding.get("code") for coding in kind.get("coding", ()))
    known = next((_BY_CODE[code] for code in codes if code in _BY_CODE), None)
    return known or _BY_TEXT.get(str(kind.get("text", "")).strip().lower())


def _author(composition: Mapping[str, Any], entries: list[dict[str, Any]]) -> str | None:
    for reference in composition.get("author", ()):
        if display := reference.get("display"):
            return str(display)
        if held := _find(entries, str(reference.get("reference", ""))):
            names = held.get("name")
            name = names[0] if isinstance(names, list) and names else names
            return _name(name)
    return None


def _name(name: Any) -> str | None:
    if isinstance(name, str):
        return name
    if not isinstance(name, Mapping):
        return None
    parts = [*name.get("prefix", ()), *name.get("given", ()), name.get("family", "")]
    return str(name.get("text") or " ".join(part for part in parts if part)) or None


def _find(entries: list[dict[str, Any]], link: str) -> dict[str, Any] | None:
    """Resolve a reference by fullUrl or by ``Type/id``: published examples use either."""
    for entry in entries:
        resource: dict[str, Any] = entry["resource"]
        names = (entry.get("fullUrl"), f"{resource.get('resourceType')}/{resource.get('id')}")
        if link and link in names:
            return resource
    return None


def _identifiers(entries: list[dict[str, Any]]) -> tuple[str, ...]:
    return tuple(
        str(identifier["value"])
        for entry in entries
        if entry["resource"].get("resourceType") == "Patient"
        for identifier in entry["resource"].get("identifier", ())
        if identifier.get("value")
    )


def _section(section: Mapping[str, Any], entries: list[dict[str, Any]]) -> tuple[str, str]:
    """Title and text; where there is no narrative, one line for each entry."""
    coded = (section.get("code") or {}).get("coding", ({},))
    title = section.get("title") or coded[0].get("display") or "Section"
    told = _plain(str((section.get("text") or {}).get("div", "")))
    if not told:
        found = (_find(entries, str(e.get("reference", ""))) for e in section.get("entry", ()))
        told = "\n".join(line for resource in found if resource and (line := _line(resource)))
    return str(title), told


_CODED = ("code", "medicationCodeableConcept", "vaccineCode", "type", "serviceType")


def _line(resource: Mapping[str, Any]) -> str:
    """What a resource is about, with its value or dosage."""
    concept: Any = next((resource[name] for name in _CODED if name in resource), {})
    concept = concept[0] if isinstance(concept, list) and concept else concept
    parts = [_label(concept) or str(resource.get("description") or resource["resourceType"])]
    quantity = resource.get("valueQuantity")
    if isinstance(quantity, Mapping):
        parts.append(f"{quantity.get('value')} {quantity.get('unit') or ''}".strip())
    parts += [str(d["text"]) for d in resource.get("dosageInstruction", ()) if d.get("text")]
    if conclusion := resource.get("conclusion") or resource.get("valueString"):
        parts.append(str(conclusion))
    return ": ".join(parts)


def _label(concept: Any) -> str | None:
    if not isinstance(concept, Mapping):
        return None
    shown = (c.get("display") or c.get("code") for c in concept.get("coding", ()))
    return concept.get("text") or next((name for name in shown if name), None)


_TAG = re.compile(r"<[^>]*>")
_BREAK = re.compile(r"<\s*(br|/p|/div|/tr|/li|/h\d)\b[^>]*>", re.IGNORECASE)


def _plain(html: str) -> str:
    """Narrative as plain text; it is shown as text, so no markup of a stranger survives."""
    text = unescape(_TAG.sub("", _BREAK.sub("\n", html)))
    lines = (re.sub(r"[^\S\n]+", " ", line).strip() for line in text.split("\n"))
    return "\n".join(line for line in lines if line)


def _instant(text: Any) -> datetime | None:
    if not isinstance(text, str) or len(text) < 10:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _broken(fault: str) -> InputInvalid:
    return InputInvalid(f"the document is broken: {fault}", code="DOCUMENT_INVALID")
