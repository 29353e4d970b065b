"""Orders, prescriptions and signed notes -> FHIR R4 resources.

Whatever has the attributes of these protocols can be written; nothing is looked up. Each
resource carries our business identifier (placer number, prescription item, note version), so
that a server can refuse to take it twice, and answers can be matched by it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from html import escape
from typing import Any, Protocol
from uuid import NAMESPACE_URL, uuid5

from drassist.fhir.codec import Resource

__all__ = [
    "Dosage",
    "LabOrder",
    "NoteSection",
    "PrescriptionItem",
    "SignedNote",
    "Subject",
    "Systems",
    "medication_request",
    "note_document",
    "patient_stub",
    "service_request",
]

_LOINC = "http://loinc.org"
_SNOMED = "http://snomed.info/sct"
_UCUM = "http://unitsofmeasure.org"
_V2_0203 = "http://terminology.hl7.org/CodeSystem/v2-0203"

_CATEGORIES: Mapping[str, tuple[str, str]] = {
    "laboratory": ("108252007", "Laboratory procedure"),
    "imaging": ("363679005", "Imaging"),
}


class Subject(Protocol):
    """Whom something is for: the first identifier finds or makes the peer's Patient."""

    @property
    def id(self) -> str: ...
    @property
    def identifiers(self) -> Sequence[tuple[str, str]]: ...
    @property
    def name(self) -> str | None: ...
    @property
    def birth_date(self) -> str | None: ...
    @property
    def gender(self) -> str | None: ...


class LabOrder(Protocol):
    """One test or study; ``category`` is ``laboratory`` or ``imaging``.

    ``code_verified`` says whether ``code`` was checked in LOINC's table.
    """

    @property
    def placer_number(self) -> str: ...
    @property
    def requisition(self) -> str: ...
    @property
    def category(self) -> str: ...
    @property
    def code(self) -> str: ...
    @property
    def code_verified(self) -> bool: ...
    @property
    def display(self) -> str: ...
    @property
    def priority(self) -> str: ...
    @property
    def reason(self) -> str | None: ...
    @property
    def note(self) -> str | None: ...
    @property
    def requester(self) -> str | None: ...
    @property
    def authored(self) -> datetime: ...
    @property
    def subject(self) -> Subject: ...


class Dosage(Protocol):
    """One dosage instruction; ``when`` are codes of R4's EventTiming."""

    @property
    def text(self) -> str: ...
    @property
    def dose(self) -> Decimal | None: ...
    @property
    def dose_unit(self) -> str | None: ...
    @property
    def frequency(self) -> int | None: ...
    @property
    def period(self) -> Decimal | None: ...
    @property
    def period_unit(self) -> str | None: ...
    @property
    def when(self) -> Sequence[str]: ...
    @property
    def as_needed(self) -> bool: ...
    @property
    def route(self) -> str | None: ...
    @property
    def duration(self) -> Decimal | None: ...
    @property
    def duration_unit(self) -> str | None: ...


class PrescriptionItem(Protocol):
    """One medicine of a prescription; ``prescription_number`` groups the items."""

    @property
    def placer_number(self) -> str: ...
    @property
    def prescription_number(self) -> str: ...
    @property
    def medicine(self) -> str: ...
    @property
    def medicine_code(self) -> str | None: ...
    @property
    def dosages(self) -> Sequence[Dosage]: ...
    @property
    def quantity(self) -> Decimal | None: ...
    @property
    def quantity_unit(self) -> str | None: ...
    @property
    def repeats(self) -> int: ...
    @property
    def substitution_allowed(self) -> bool: ...
    @property
    def note(self) -> str | None: ...
    @property
    def requester(self) -> str | None: ...
    @property
    def authored(self) -> datetime: ...
    @property
    def subject(self) -> Subject: ...


class NoteSection(Protocol):
    """One section of a note; ``code`` is LOINC's section code."""

    @property
    def title(self) -> str: ...
    @property
    def code(self) -> str | None: ...
    @property
    def text(self) -> str: ...


class SignedNote(Protocol):
    """A signed version of a clinical note."""

    @property
    def id(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def title(self) -> str: ...
    @property
    def amended(self) -> bool: ...
    @property
    def signed_at(self) -> datetime: ...
    @property
    def author(self) -> str: ...
    @property
    def author_number(self) -> str | None: ...
    @property
    def encounter(self) -> str | None: ...
    @property
    def subject(self) -> Subject: ...
    @property
    def sections(self) -> Sequence[NoteSection]: ...


@dataclass(frozen=True, slots=True)
class Systems:
    """The systems of our own identifiers, under the facility's URI."""

    facility: str

    @property
    def order(self) -> str:
        return f"{self.facility}/order"

    @property
    def requisition(self) -> str:
        return f"{self.facility}/requisition"

    @property
    def prescription(self) -> str:
        return f"{self.facility}/prescription"

    @property
    def prescription_item(self) -> str:
        return f"{self.facility}/prescription-item"

    @property
    def medicine(self) -> str:
        return f"{self.facility}/medicine"

    @property
    def test(self) -> str:
        return f"{self.facility}/test"

    @property
    def patient(self) -> str:
        return f"{self.facility}/patient"

    @property
    def practitioner(self) -> str:
        return f"{self.facility}/practitioner"

    @property
    def encounter(self) -> str:
        return f"{self.facility}/encounter"

    @property
    def note(self) -> str:
        return f"{self.facility}/note"


def service_request(order: LabOrder, systems: Systems, patient: str) -> Resource:
    """Write an order; ``patient`` is the reference (or fullUrl) of its subject at the peer.

    A code that was not checked in LOINC's table is no LOINC code to others: it goes out as our own,
    beside the test's name.
    """
    code, display = _CATEGORIES[order.category]
    return _without_none(
        {
            "resourceType": "ServiceRequest",
            "identifier": [_placer(systems.order, order.placer_number)],
            "requisition": {"system": systems.requisition, "value": order.requisition},
            "status": "active",
            "intent": "order",
            "category": [_concept(_SNOMED, code, display)],
            "priority": order.priority,
            "code": _concept(
                _LOINC if order.code_verified else systems.test, order.code, order.display
            ),
            "subject": {"reference": patient},
            "authoredOn": _instant(order.authored),
            "requester": _named(order.requester),
            "reasonCode": [{"text": order.reason}] if order.reason else None,
            "note": [{"text": order.note}] if order.note else None,
        }
    )


def medication_request(item: PrescriptionItem, systems: Systems, patient: str) -> Resource:
    """Write one medicine of a prescription; ``patient`` as in :func:`service_request`."""
    medication: dict[str, Any] = {"text": item.medicine}
    if item.medicine_code:
        medication["coding"] = [
            {"system": systems.medicine, "code": item.medicine_code, "display": item.medicine}
        ]
    supply = _without_none(
        {
            "numberOfRepeatsAllowed": item.repeats,
            "quantity": _quantity(item.quantity, item.quantity_unit),
        }
    )
    return _without_none(
        {
            "resourceType": "MedicationRequest",
            "identifier": [_placer(systems.prescription_item, item.placer_number)],
            "groupIdentifier": {"system": systems.prescription, "value": item.prescription_number},
            "status": "active",
            "intent": "order",
            "medicationCodeableConcept": medication,
            "subject": {"reference": patient},
            "authoredOn": _instant(item.authored),
            "requester": _named(item.requester),
            "dosageInstruction": [
                _dosage(number, dosage) for number, dosage in enumerate(item.dosages, 1)
            ],
            "dispenseRequest": supply,
            "substitution": {"allowedBoolean": item.substitution_allowed},
            "note": [{"text": item.note}] if item.note else None,
        }
    )


def patient_stub(subject: Subject, systems: Systems) -> tuple[Resource, str]:
    """Write what a peer needs to know of a patient, and the search that finds her there."""
    identifiers = list(subject.identifiers) or [(systems.patient, subject.id)]
    system, value = identifiers[0]
    stub = {
        "resourceType": "Patient",
        "identifier": [{"system": s, "value": v} for s, v in identifiers],
        "name": [{"text": subject.name}] if subject.name else None,
        "birthDate": subject.birth_date,
        "gender": subject.gender,
    }
    return _without_none(stub), f"identifier={system}|{value}"


def note_document(note: SignedNote, systems: Systems) -> Resource:
    """Write a signed note as a document Bundle: Composition first (R4 section 3.3)."""
    name = f"{note.id}-v{note.version}"
    patient, _ = patient_stub(note.subject, systems)
    author = _without_none(
        {
            "resourceType": "Practitioner",
            "name": [{"text": note.author}],
            "identifier": (
                [{"system": systems.practitioner, "value": note.author_number}]
                if note.author_number
                else None
            ),
        }
    )
    links = {
        part: f"urn:uuid:{uuid5(NAMESPACE_URL, f'{systems.note}/{name}#{part}')}" for part in _PARTS
    }
    composition = _composition(note, systems, links)
    resources = (composition, patient, author)
    return {
        "resourceType": "Bundle",
        "identifier": {"system": systems.note, "value": name},
        "type": "document",
        "timestamp": _instant(note.signed_at),
        "entry": [
            {"fullUrl": links[part], "resource": {"id": links[part][9:], **resource}}
            for part, resource in zip(_PARTS, resources, strict=True)
        ],
    }


_PARTS = ("composition", "patient", "author")


def _composition(note: SignedNote, systems: Systems, links: Mapping[str, str]) -> Resource:
    author = {"reference": links["author"], "display": note.author}
    return _without_none(
        {
            "resourceType": "Composition",
            "identifier": {"system": systems.note, "value": note.id},
            "status": "amended" if note.amended else "final",
            "type": _concept(_LOINC, "11488-4", "Consult note"),
            "subject": {"reference": links["patient"]},
            "encounter": (
                {"identifier": {"system": systems.encounter, "value": note.encounter}}
                if note.encounter
                else None
            ),
            "date": _instant(note.signed_at),
            "author": [author],
            "title": note.title,
            "attester": [{"mode": "legal", "time": _instant(note.signed_at), "party": author}],
            "section": [_section(section) for section in note.sections],
        }
    )


def _section(section: NoteSection) -> Resource:
    text = escape(section.text, quote=False).replace("\n", "<br/>")
    shown = {
        "title": section.title,
        "code": _concept(_LOINC, section.code, section.title) if section.code else None,
        "text": (
            {
                "status": "generated",
                "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{text}</div>',
            }
            if section.text
            else None
        ),
        # an empty section says so: an empty list is never shown as a fact
        "emptyReason": None
        if section.text
        else _concept(
            "http://terminology.hl7.org/CodeSystem/list-empty-reason", "notasked", "Not Asked"
        ),
    }
    return _without_none(shown)


def _dosage(number: int, dosage: Dosage) -> Resource:
    repeat = _without_none(
        {
            "boundsDuration": _duration(dosage.duration, dosage.duration_unit),
            "frequency": dosage.frequency,
            "period": dosage.period,
            "periodUnit": dosage.period_unit,
            "when": list(dosage.when) or None,
        }
    )
    dose = _quantity(dosage.dose, dosage.dose_unit)
    return _without_none(
        {
            "sequence": number,
            "text": dosage.text,
            "timing": {"repeat": repeat} if repeat else None,
            "asNeededBoolean": dosage.as_needed,
            "route": _concept(_SNOMED, dosage.route, None) if dosage.route else None,
            "doseAndRate": [{"doseQuantity": dose}] if dose else None,
        }
    )


def _quantity(value: Decimal | None, unit: str | None) -> Resource | None:
    return None if value is None else _without_none({"value": value, "unit": unit})


def _duration(value: Decimal | None, unit: str | None) -> Resource | None:
    if value is None or unit is None:
        return None
    return {"value": value, "unit": unit, "system": _UCUM, "code": unit}


def _placer(system: str, number: str) -> Resource:
    kind = _concept(_V2_0203, "PLAC", "Placer Identifier")
    return {"type": kind, "system": system, "value": number}


def _concept(system: str, code: str, display: str | None) -> Resource:
    coding = _without_none({"system": system, "code": code, "display": display})
    return {"coding": [coding], "text": display} if display else {"coding": [coding]}


def _named(name: str | None) -> Resource | None:
    return {"display": name} if name else None


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _without_none(resource: Mapping[str, Any]) -> Resource:
    return {key: value for key, value in resource.items() if value is not None}
