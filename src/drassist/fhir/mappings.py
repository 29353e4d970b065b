"""The mappings as rows: which element of which resource becomes which field of which record.

A resource type is one :class:`TypeMap`, a field one :class:`FieldMap`; to map more, add a row.
What no row reads stays in the record's ``remainder``, and a resource that cannot become a record
becomes a :class:`~.records.Leftover` with the reason: nothing is dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from drassist.fhir import reading as read
from drassist.fhir import records as r
from drassist.fhir.codec import Resource
from drassist.fhir.reading import Node, Reading, Unmappable
from drassist.fhir.validation import faults

__all__ = ["MAPS", "FieldMap", "TypeMap", "map_resource"]

Reader = Callable[[Any, Reading, str], Any]


@dataclass(frozen=True, slots=True)
class FieldMap:
    """One row: the first of ``paths`` that is there is read into field ``to``.

    ``many`` reads each item of a list (items read as None are skipped) into a tuple. A missing
    element gives ``default``, or makes the resource a leftover when ``required``. ``codes``
    closes the set of values, as R4's required bindings do.
    """

    to: str
    paths: tuple[str, ...]
    read: Reader
    many: bool = False
    required: bool = False
    default: Any = None
    codes: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class TypeMap:
    """How one resource type becomes one record; ``normalise`` mends known habits of sources."""

    record: type[r.Record]
    fields: tuple[FieldMap, ...]
    normalise: Callable[[dict[str, Any]], dict[str, Any]] | None = None


def map_resource(
    resource: Resource, resolve: Callable[[str], r.Reference | None]
) -> r.Record | r.Leftover:
    """Return the record of a resource, or the resource itself with the reason it has none."""
    source = source_of(resource)
    mapping = MAPS.get(source.kind)
    if mapping is None:
        return r.Leftover(source, f"no place for {source.kind}", resource)
    if found := faults(resource):
        return r.Leftover(source, f"not valid R4: {found[0]}", resource)
    node = Node(resource, source.kind)
    for name in ("resourceType", "id"):
        node.take(name)
    reading = Reading(resolve, _contained(resource))
    try:
        values = {field.to: _field(field, node, reading) for field in mapping.fields}
        if mapping.normalise is not None:
            values = mapping.normalise(values)
    except Unmappable as error:
        return r.Leftover(source, error.reason, resource)
    return mapping.record(source=source, remainder=node.remainder(), **values)


def source_of(resource: Resource) -> r.Source:
    """Return what names a resource at its source."""
    meta = resource.get("meta") if isinstance(resource.get("meta"), dict) else {}
    return r.Source(
        kind=str(resource.get("resourceType", "unknown")),
        id=str(resource.get("id", "")),
        version=(meta or {}).get("versionId"),
        updated=(meta or {}).get("lastUpdated"),
    )


def _contained(resource: Resource) -> Mapping[str, Mapping[str, Any]]:
    held = resource.get("contained")
    items = held if isinstance(held, list) else []
    return {str(item.get("id")): item for item in items if isinstance(item, dict)}


def _field(field: FieldMap, node: Node, reading: Reading) -> Any:
    for path in field.paths:
        value = _walk(node, path)
        if value is None:
            continue
        return _read(field, value, reading, f"{node.path}.{path}")
    if field.required:
        raise Unmappable(f"{node.path}.{field.paths[0]}", "missing")
    return () if field.many and field.default is None else field.default


def _walk(node: Node, path: str) -> Any:
    value: Any = node
    for step in path.split("."):
        value = value.take(step) if isinstance(value, Node) else None
        if value is None:
            return None
    return value


def _read(field: FieldMap, value: Any, reading: Reading, path: str) -> Any:
    if not field.many:
        found = field.read(value, reading, path)
        if field.codes is not None and found not in field.codes:
            raise Unmappable(path, "no code of R4")
        return found
    if not isinstance(value, list):
        raise Unmappable(path, "not a list")
    items = (field.read(item, reading, path) for item in value)
    return tuple(item for item in items if item is not None)


def _one(to: str, path: str, reader: Reader, *more: str, **options: Any) -> FieldMap:
    return FieldMap(to, (path, *more), reader, **options)


def _many(to: str, path: str, reader: Reader, **options: Any) -> FieldMap:
    return FieldMap(to, (path,), reader, many=True, **options)


def _status(*codes: str) -> FieldMap:
    return FieldMap("status", ("status",), read.string, required=True, codes=frozenset(codes))


def _language(value: Any, reading: Reading, path: str) -> r.Concept | None:
    spoken = value.node("language") if isinstance(value, Node) else None
    return read.concept(spoken, reading, f"{path}.language") if spoken else None


def _one_medication(values: dict[str, Any]) -> dict[str, Any]:
    referred = values.pop("medication_reference")
    values["medication"] = values["medication"] or referred
    if values["medication"] is None:
        raise Unmappable("medication[x]", "missing")
    return values


# Habits of real sources, mended on the way in; the original coding stays beside the right one.

_LOINC = "http://loinc.org"
_BLOOD_PRESSURE = r.Coding(_LOINC, "85354-9", "Blood pressure panel")


def _mend_observation(values: dict[str, Any]) -> dict[str, Any]:
    whole = values.pop("integer")
    values["quantity"] = values["quantity"] or whole
    code: r.Concept = values["code"]
    if code.code_in(_LOINC) == "55284-4":  # Synthea's blood pressure, withdrawn from R4 profiles
        values["code"] = r.Concept(code.text, (_BLOOD_PRESSURE, *code.codings))
    values["categories"] = tuple(
        "vital-signs" if category == "vital-sign" else category for category in values["categories"]
    )
    return values


_PEOPLE = (
    _many("identifiers", "identifier", read.identifier),
    _many("names", "name", read.human_name),
    _many("telecoms", "telecom", read.telecom),
    _one("gender", "gender", read.string, codes=frozenset({"male", "female", "other", "unknown"})),
    _one("active", "active", read.boolean, default=True),
)

MAPS: Mapping[str, TypeMap] = {
    "Patient": TypeMap(
        r.PatientRecord,
        (
            *_PEOPLE,
            _many("addresses", "address", read.address),
            _one("birth_date", "birthDate", read.moment),
            _one("deceased", "deceasedBoolean", read.boolean),
            _one("deceased_at", "deceasedDateTime", read.moment),
            _many("languages", "communication", _language),
        ),
    ),
    "Practitioner": TypeMap(
        r.PractitionerRecord,
        (*_PEOPLE, _many("qualifications", "qualification", read.qualification)),
    ),
    "Encounter": TypeMap(
        r.EncounterRecord,
        (
            _many("identifiers", "identifier", read.identifier),
            _status(
                "planned",
                "arrived",
                "triaged",
                "in-progress",
                "onleave",
                "finished",
                "cancelled",
                "entered-in-error",
                "unknown",
            ),
            _one("class_code", "class", read.coding_code),
            _many("types", "type", read.concept),
            _one("patient", "subject", read.reference, required=True),
            _many("practitioners", "participant", read.participant),
            _one("period", "period", read.span),
            _many("reasons", "reasonCode", read.concept),
            _one("service_provider", "serviceProvider", read.reference),
        ),
    ),
    "Condition": TypeMap(
        r.ConditionRecord,
        (
            _one("patient", "subject", read.reference, required=True),
            _one("encounter", "encounter", read.reference),
            _one("code", "code", read.concept, required=True),
            _many("categories", "category", read.concept),
            _one("clinical_status", "clinicalStatus", read.first_code),
            _one("verification_status", "verificationStatus", read.first_code),
            _one("severity", "severity", read.concept),
            _one("onset", "onsetDateTime", read.moment, "onsetPeriod.start"),
            _one("onset_text", "onsetString", read.string),
            _one("abatement", "abatementDateTime", read.moment, "abatementPeriod.start"),
            _one("recorded", "recordedDate", read.moment),
            _many("notes", "note", read.note),
        ),
    ),
    "AllergyIntolerance": TypeMap(
        r.AllergyRecord,
        (
            _one("patient", "patient", read.reference, required=True),
            _one("code", "code", read.concept, required=True),
            _one("type", "type", read.string),
            _many("categories", "category", read.string),
            _one("criticality", "criticality", read.string),
            _one("clinical_status", "clinicalStatus", read.first_code),
            _one("verification_status", "verificationStatus", read.first_code),
            _many("reactions", "reaction", read.reaction),
            _one("recorded", "recordedDate", read.moment),
            _many("notes", "note", read.note),
        ),
    ),
    "MedicationRequest": TypeMap(
        r.MedicationRecord,
        (
            _many("identifiers", "identifier", read.identifier),
            _status(
                "active",
                "on-hold",
                "cancelled",
                "completed",
                "entered-in-error",
                "stopped",
                "draft",
                "unknown",
            ),
            _one("intent", "intent", read.string, required=True),
            _one("do_not_perform", "doNotPerform", read.boolean, default=False),
            _one("medication", "medicationCodeableConcept", read.concept),
            _one("medication_reference", "medicationReference", read.medication_reference),
            _one("patient", "subject", read.reference, required=True),
            _one("encounter", "encounter", read.reference),
            _many("dosages", "dosageInstruction", read.dosage),
            _one("requester", "requester", read.reference),
            _one("authored", "authoredOn", read.moment),
            _many("reasons", "reasonCode", read.concept),
            _one("quantity", "dispenseRequest.quantity", read.amount),
        ),
        normalise=_one_medication,
    ),
    "MedicationStatement": TypeMap(
        r.MedicationRecord,
        (
            _many("identifiers", "identifier", read.identifier),
            _status(
                "active",
                "completed",
                "entered-in-error",
                "intended",
                "stopped",
                "on-hold",
                "unknown",
                "not-taken",
            ),
            _one("intent", "intent", read.string),
            _one("do_not_perform", "doNotPerform", read.boolean, default=False),
            _one("medication", "medicationCodeableConcept", read.concept),
            _one("medication_reference", "medicationReference", read.medication_reference),
            _one("patient", "subject", read.reference, required=True),
            _one("encounter", "context", read.reference),
            _many("dosages", "dosage", read.dosage),
            _one("requester", "informationSource", read.reference),
            _one("authored", "dateAsserted", read.moment, "effectiveDateTime"),
            _many("reasons", "reasonCode", read.concept),
            _one("quantity", "quantity", read.amount),
        ),
        normalise=_one_medication,
    ),
    "Observation": TypeMap(
        r.ObservationRecord,
        (
            _many("identifiers", "identifier", read.identifier),
            _status(
                "registered",
                "preliminary",
                "final",
                "amended",
                "corrected",
                "cancelled",
                "entered-in-error",
                "unknown",
            ),
            _many("categories", "category", read.first_code),
            _one("code", "code", read.concept, required=True),
            _one("patient", "subject", read.reference, required=True),
            _one("encounter", "encounter", read.reference),
            _many("based_on", "basedOn", read.reference),
            _one(
                "effective",
                "effectiveDateTime",
                read.moment,
                "effectiveInstant",
                "effectivePeriod.start",
            ),
            _one("issued", "issued", read.moment),
            _one("quantity", "valueQuantity", read.amount),
            _one("integer", "valueInteger", read.integer_amount),
            _one("concept", "valueCodeableConcept", read.concept),
            _one("text", "valueString", read.string, "valueDateTime", "valueTime"),
            _one("boolean", "valueBoolean", read.boolean),
            _one("absent_reason", "dataAbsentReason", read.first_code),
            _many("interpretations", "interpretation", read.first_code),
            _many("ranges", "referenceRange", read.reference_range),
            _many("components", "component", read.component),
            _many("members", "hasMember", read.reference),
            _many("notes", "note", read.note),
        ),
        normalise=_mend_observation,
    ),
    "DiagnosticReport": TypeMap(
        r.ReportRecord,
        (
            _many("identifiers", "identifier", read.identifier),
            _status(
                "registered",
                "partial",
                "preliminary",
                "final",
                "amended",
                "corrected",
                "appended",
                "cancelled",
                "entered-in-error",
                "unknown",
            ),
            _many("categories", "category", read.first_code),
            _one("code", "code", read.concept, required=True),
            _one("patient", "subject", read.reference, required=True),
            _one("encounter", "encounter", read.reference),
            _many("based_on", "basedOn", read.reference),
            _one("effective", "effectiveDateTime", read.moment, "effectivePeriod.start"),
            _one("issued", "issued", read.moment),
            _many("results", "result", read.reference),
            _one("conclusion", "conclusion", read.string),
        ),
    ),
}
