"""What an EHR told us, in words that are neither FHIR's JSON nor any subgraph's tables.

Frozen and complete: each record names its source, keeps texts and times as they were written,
and carries in ``remainder`` the elements of its resource that have no field here. ``Reference``
points at other records by their source, never by an id of ours. A subgraph reads these through
a ``Protocol`` of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

__all__ = [
    "Address",
    "AllergyRecord",
    "Amount",
    "Coding",
    "Component",
    "Concept",
    "ConditionRecord",
    "Dosage",
    "EncounterRecord",
    "HumanName",
    "Identifier",
    "Leftover",
    "MedicationRecord",
    "Moment",
    "ObservationRecord",
    "PatientRecord",
    "PractitionerRecord",
    "Reaction",
    "Record",
    "Reference",
    "ReferenceRange",
    "ReportRecord",
    "Source",
    "Span",
    "Telecom",
]


@dataclass(frozen=True, slots=True)
class Source:
    """The resource that a record was read from; ``version`` and time as its server gave them."""

    kind: str
    id: str
    version: str | None = None
    updated: str | None = None

    def __str__(self) -> str:
        return f"{self.kind}/{self.id}"


@dataclass(frozen=True, slots=True)
class Reference:
    """A pointer to another resource of the same source; ``id`` None when it leads nowhere."""

    kind: str | None
    id: str | None
    display: str | None = None

    def __str__(self) -> str:
        return f"{self.kind}/{self.id}"


@dataclass(frozen=True, slots=True)
class Coding:
    """One code of one system (R4 section 2.24.0.7)."""

    system: str | None
    code: str | None
    display: str | None = None


@dataclass(frozen=True, slots=True)
class Concept:
    """What was said, and the codes for it; the order of codings has no meaning."""

    text: str | None
    codings: tuple[Coding, ...] = ()

    def code_in(self, system: str) -> str | None:
        """Return the first code of ``system``, if there is one."""
        return next((c.code for c in self.codings if c.system == system and c.code), None)

    @property
    def label(self) -> str | None:
        """The text, or else the first display or code."""
        named = (c.display or c.code for c in self.codings)
        return self.text or next((name for name in named if name), None)


@dataclass(frozen=True, slots=True)
class Moment:
    """A FHIR date or dateTime as written, and the instant (UTC) at which it begins.

    ``2020`` begins on 1 January 2020 and has precision ``year``; a date without a time is read
    in UTC, since FHIR gives it no zone.
    """

    text: str
    at: datetime
    precision: str


@dataclass(frozen=True, slots=True)
class Span:
    """A period; no end means ongoing or unknown, and the status says which."""

    start: Moment | None
    end: Moment | None


@dataclass(frozen=True, slots=True)
class Amount:
    """A quantity with the digits that it was written with.

    ``unit`` is what was written; ``code`` is UCUM where the writer or the alias table has it.
    """

    value: Decimal
    unit: str | None
    code: str | None
    comparator: str | None = None


@dataclass(frozen=True, slots=True)
class ReferenceRange:
    """What is usual; either bound may be missing, or only text be there."""

    low: Amount | None
    high: Amount | None
    text: str | None


@dataclass(frozen=True, slots=True)
class Identifier:
    """A business identifier; ``type`` is the v2-0203 code such as ``MR``."""

    system: str | None
    value: str
    type: str | None = None
    use: str | None = None


@dataclass(frozen=True, slots=True)
class HumanName:
    """A name in the parts that were given; single-word names have only ``text`` or ``given``."""

    text: str | None
    family: str | None
    given: tuple[str, ...]
    prefix: tuple[str, ...]
    suffix: tuple[str, ...]
    use: str | None

    @property
    def full(self) -> str:
        """The name as one line."""
        parts = (*self.prefix, *self.given, self.family or "", *self.suffix)
        return self.text or " ".join(part for part in parts if part)


@dataclass(frozen=True, slots=True)
class Telecom:
    """A phone number, mail address or other contact point."""

    system: str | None
    value: str
    use: str | None


@dataclass(frozen=True, slots=True)
class Address:
    """A postal address; ``postal_code`` is the PIN code."""

    text: str | None
    lines: tuple[str, ...]
    city: str | None
    district: str | None
    state: str | None
    postal_code: str | None
    country: str | None
    use: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientRecord:
    source: Source
    identifiers: tuple[Identifier, ...]
    names: tuple[HumanName, ...]
    telecoms: tuple[Telecom, ...]
    addresses: tuple[Address, ...]
    gender: str | None
    birth_date: Moment | None
    deceased: bool | None
    deceased_at: Moment | None
    active: bool
    languages: tuple[Concept, ...]
    remainder: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PractitionerRecord:
    source: Source
    identifiers: tuple[Identifier, ...]
    names: tuple[HumanName, ...]
    telecoms: tuple[Telecom, ...]
    gender: str | None
    active: bool
    qualifications: tuple[Concept, ...]
    remainder: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class EncounterRecord:
    source: Source
    identifiers: tuple[Identifier, ...]
    status: str
    class_code: str | None
    types: tuple[Concept, ...]
    patient: Reference
    practitioners: tuple[Reference, ...]
    period: Span | None
    reasons: tuple[Concept, ...]
    service_provider: Reference | None
    remainder: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionRecord:
    source: Source
    patient: Reference
    encounter: Reference | None
    code: Concept
    categories: tuple[Concept, ...]
    clinical_status: str | None
    verification_status: str | None
    severity: Concept | None
    onset: Moment | None
    onset_text: str | None
    abatement: Moment | None
    recorded: Moment | None
    notes: tuple[str, ...]
    remainder: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reaction:
    """What happened, and how badly; criticality of the allergy is something else."""

    manifestations: tuple[Concept, ...]
    severity: str | None
    description: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AllergyRecord:
    source: Source
    patient: Reference
    code: Concept
    type: str | None
    categories: tuple[str, ...]
    criticality: str | None
    clinical_status: str | None
    verification_status: str | None
    reactions: tuple[Reaction, ...]
    recorded: Moment | None
    notes: tuple[str, ...]
    remainder: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Dosage:
    """One dosage instruction; ``text`` is what was written, the rest what was structured."""

    sequence: int | None
    text: str | None
    dose: Amount | None
    frequency: int | None
    period: Decimal | None
    period_unit: str | None
    when: tuple[str, ...]
    as_needed: bool
    route: Concept | None
    bounds: Amount | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MedicationRecord:
    """A MedicationRequest or MedicationStatement: ``source.kind`` says which."""

    source: Source
    identifiers: tuple[Identifier, ...]
    patient: Reference
    encounter: Reference | None
    status: str
    intent: str | None
    do_not_perform: bool
    medication: Concept
    dosages: tuple[Dosage, ...]
    requester: Reference | None
    authored: Moment | None
    reasons: tuple[Concept, ...]
    quantity: Amount | None
    remainder: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Component:
    """One of several values under one observation, such as the two of a blood pressure."""

    code: Concept
    quantity: Amount | None
    concept: Concept | None
    text: str | None
    absent_reason: str | None
    interpretations: tuple[str, ...]
    ranges: tuple[ReferenceRange, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservationRecord:
    """One finding; at most one of quantity, concept, text, boolean is there."""

    source: Source
    identifiers: tuple[Identifier, ...]
    patient: Reference
    encounter: Reference | None
    based_on: tuple[Reference, ...]
    status: str
    categories: tuple[str, ...]
    code: Concept
    effective: Moment | None
    issued: Moment | None
    quantity: Amount | None
    concept: Concept | None
    text: str | None
    boolean: bool | None
    absent_reason: str | None
    interpretations: tuple[str, ...]
    ranges: tuple[ReferenceRange, ...]
    components: tuple[Component, ...]
    members: tuple[Reference, ...]
    notes: tuple[str, ...]
    remainder: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRecord:
    """A DiagnosticReport; its values are the observations that ``results`` points at."""

    source: Source
    identifiers: tuple[Identifier, ...]
    patient: Reference
    encounter: Reference | None
    based_on: tuple[Reference, ...]
    status: str
    categories: tuple[str, ...]
    code: Concept
    effective: Moment | None
    issued: Moment | None
    results: tuple[Reference, ...]
    conclusion: str | None
    remainder: Mapping[str, Any] = field(default_factory=dict)


Record = (
    PatientRecord
    | PractitionerRecord
    | EncounterRecord
    | ConditionRecord
    | AllergyRecord
    | MedicationRecord
    | ObservationRecord
    | ReportRecord
)


@dataclass(frozen=True, slots=True)
class Leftover:
    """A whole resource that found no place: its JSON as read, and the reason, free of its data."""

    source: Source
    reason: str
    raw: Mapping[str, Any]
