"""The types of the patients subgraph."""

from __future__ import annotations

from datetime import date, datetime
from enum import Enum
from typing import Annotated, Any, TypeAlias

import strawberry

from drassist import clinical, graph
from drassist.graph import ID, PartialDateText
from drassist.runtime.identity import command, reads
from subgraphs.patients import loaders, models
from subgraphs.patients.services.searching import Match
from subgraphs.patients.services.wiring import Services

Info: TypeAlias = strawberry.Info[graph.Context[Services], None]

ON_DAY = graph.arg("The day; today in the hospital's time zone when left out.")


@graph.enum("Administrative gender (FHIR).")
class Gender(Enum):
    MALE = graph.value("male", "Male.")
    FEMALE = graph.value("female", "Female.")
    OTHER = graph.value("other", "Other; see genderIdentity.")
    UNKNOWN = graph.value("unknown", "Not known.")


@graph.enum("How much a list says when it is empty: an empty list alone says nothing.")
class Completeness(Enum):
    RECORDED = graph.value("RECORDED", "There are entries.")
    NIL_KNOWN = graph.value("NIL_KNOWN", "Somebody asked, and there is none.")
    NOT_ASKED = graph.value("NOT_ASKED", "Nobody has asked yet.")


@graph.enum("How dangerous the next contact could be; not how bad the last one was.")
class Criticality(Enum):
    LOW = graph.value("low", "Unlikely to be dangerous.")
    HIGH = graph.value("high", "The next reaction may kill.")
    UNABLE_TO_ASSESS = graph.value("unable-to-assess", "Not known.")


@graph.enum("Whether an allergy or a condition matters now (FHIR clinical status).")
class ClinicalStatus(Enum):
    ACTIVE = graph.value("active", "Present.")
    RECURRENCE = graph.value("recurrence", "Come back after it was resolved.")
    RELAPSE = graph.value("relapse", "Come back after a remission.")
    INACTIVE = graph.value("inactive", "Not present now.")
    REMISSION = graph.value("remission", "Quiet, and may come back.")
    RESOLVED = graph.value("resolved", "Over.")
    UNKNOWN = graph.value("UNKNOWN", "The source said something else; see rawClinicalStatus.")


@graph.enum("How sure it is (FHIR verification status).")
class Verification(Enum):
    UNCONFIRMED = graph.value("unconfirmed", "Reported, not confirmed.")
    PROVISIONAL = graph.value("provisional", "Thought likely.")
    DIFFERENTIAL = graph.value("differential", "One of several explanations.")
    CONFIRMED = graph.value("confirmed", "Confirmed.")
    REFUTED = graph.value("refuted", "Looked into and ruled out.")
    ENTERED_IN_ERROR = graph.value("entered-in-error", "Recorded by mistake.")
    UNKNOWN = graph.value("UNKNOWN", "The source said something else.")


@graph.enum("What a search fitted.")
class MatchedOn(Enum):
    NAME = graph.value("NAME", "A name, by spelling or by sound.")
    PHONE = graph.value("PHONE", "A phone number.")
    MRN = graph.value("MRN", "The hospital number or another identifier.")
    ABHA = graph.value("ABHA", "The ABHA number or address.")


@graph.type("What happened at an earlier contact.")
class AllergyReaction:
    manifestation: str = graph.field("What was seen, such as hives.", phi=True)
    severity: str | None = graph.field("mild, moderate or severe, then.", default=None)


@graph.entity("An allergy or intolerance of a patient.")
class AllergyIntolerance(graph.Entity):
    id: ID = graph.field("Opaque id.")
    version: int = graph.field("Grows with every change; send it back as expectedVersion.")
    updated_at: datetime = graph.field("When it was last changed.")
    code: graph.CodedConcept = graph.field("To what.", phi=True)
    type: str | None = graph.field("allergy or intolerance, where it is known.", phi=True)
    categories: list[str] = graph.field("food, medication, environment, biologic.", phi=True)
    criticality: Criticality | None = graph.field("How dangerous.", phi=True)
    clinical_status: ClinicalStatus = graph.field("Whether it matters now.", phi=True)
    verification: Verification = graph.field("How sure it is.", phi=True)
    reactions: list[AllergyReaction] = graph.field("What happened before.", phi=True)
    note: str | None = graph.field("Remarks.", phi=True)
    recorded_at: datetime | None = graph.field("When it was recorded.")
    patient_id: strawberry.Private[str]

    @graph.resolver("Whose it is.")
    async def patient(self, info: Info) -> Patient | None:
        return await Patient.by_id(info, ID(self.patient_id))

    @classmethod
    @graph.reference("id")
    async def by_id(cls, info: Info, id: ID) -> AllergyIntolerance | None:
        info.context.demand(reads("AllergyIntolerance"))
        row = info.context.visible(await info.context.load(loaders.allergy_by_id, str(id)))
        return None if row is None else allergy(row)


@graph.type("The allergies of a patient, and whether somebody asked.")
class AllergyList:
    completeness: Completeness = graph.field("What an empty list means.")
    items: list[AllergyIntolerance] = graph.field(
        "The allergies, the most dangerous first.", phi=True
    )


@graph.entity("A problem or a diagnosis of a patient.")
class Condition(graph.Entity):
    id: ID = graph.field("Opaque id.")
    version: int = graph.field("Grows with every change; send it back as expectedVersion.")
    updated_at: datetime = graph.field("When it was last changed.")
    code: graph.CodedConcept = graph.field("What it is.", phi=True)
    category: str = graph.field("problem-list-item or encounter-diagnosis.")
    clinical_status: ClinicalStatus | None = graph.field(
        "Whether it is present; null when entered in error.", phi=True
    )
    verification: Verification = graph.field("How sure it is.", phi=True)
    severity: str | None = graph.field("How severe.", phi=True)
    onset: str | None = graph.field("When it began, as it was said.", phi=True)
    abatement: str | None = graph.field("When it ended, as it was said.", phi=True)
    note: str | None = graph.field("Remarks.", phi=True)
    recorded_at: datetime | None = graph.field("When it was recorded.")
    encounter: Encounter | None = graph.field("At which visit it was recorded.", default=None)
    patient_id: strawberry.Private[str]

    @graph.resolver("Whose it is.")
    async def patient(self, info: Info) -> Patient | None:
        return await Patient.by_id(info, ID(self.patient_id))

    @classmethod
    @graph.reference("id")
    async def by_id(cls, info: Info, id: ID) -> Condition | None:
        info.context.demand(reads("Condition"))
        row = info.context.visible(await info.context.load(loaders.condition_by_id, str(id)))
        return None if row is None else condition(row)


@graph.entity("A visit.", resolvable=False)
class Encounter(graph.Entity):
    id: ID = graph.field("Opaque id.")


@graph.entity("A person with a chart in this hospital.", keys=["id", "mrn"])
class Patient(graph.Entity):
    id: ID = graph.field("Opaque id; never the hospital number.")
    mrn: str = graph.field("Hospital number (UHID).", phi=True)
    version: int = graph.field("Grows with every change; send it back as expectedVersion.")
    updated_at: datetime = graph.field("When it was last changed.")
    name: str = graph.field("The name to show.", phi=True)
    names: list[graph.HumanName] = graph.field("All names, the official one first.", phi=True)
    gender: Gender = graph.field("Administrative gender.", phi=True)
    gender_identity: str | None = graph.field("Gender in the person's own words.", phi=True)
    birth_date: PartialDateText | None = graph.field("As far as it is known.", phi=True)
    birth_date_estimated: bool = graph.field("Whether it was reckoned from an age.")
    deceased: bool = graph.field("Whether the person has died.", phi=True)
    deceased_at: datetime | None = graph.field("When the person died, if known.", phi=True)
    active: bool = graph.field("Whether the chart is in use.")
    language: str | None = graph.field("Preferred language, BCP 47.", phi=True)
    abha_address: str | None = graph.field(
        "ABHA address, name@abdm.", phi=True, scopes=reads("Patient")
    )
    abha_number_masked: str | None = graph.field(
        "ABHA number with only its last four digits.", phi=True
    )
    abha_number: str | None = graph.field(
        "ABHA number in full.",
        phi=True,
        scopes=(*command("patient.identifiers"), ("patient/Patient.rs",)),
    )
    contacts: list[graph.ContactPoint] = graph.field("Phones and mail addresses.", phi=True)
    addresses: list[graph.Address] = graph.field("Postal addresses.", phi=True)
    identifiers: list[graph.Identifier] = graph.field(
        "All business numbers, with who gave them.",
        phi=True,
        scopes=(*command("patient.identifiers"), ("patient/Patient.rs",)),
    )
    redirected_from: ID | None = graph.field(
        "The merged id that was asked for, when this patient is its survivor.", default=None
    )
    birth_low: strawberry.Private[date | None]
    no_known_allergies: strawberry.Private[bool]

    @graph.resolver("The phone number to call.", phi=True)
    def phone(self) -> str | None:
        phones = [c for c in self.contacts if c.system in ("phone", "sms")]
        preferred = [c for c in phones if c.use == "mobile"] or phones
        return preferred[0].value if preferred else None

    @graph.resolver("Completed years of age; reckoned where only the year is known.", phi=True)
    def age(self, info: Info, on: Annotated[date | None, ON_DAY] = None) -> int | None:
        if self.birth_date is None:
            return None
        day = on or info.context.services.calendar.today()
        years = clinical.PartialDate(self.birth_date).age_on(day)
        return years if years >= 0 else None

    @graph.resolver(
        "Allergies and intolerances.", phi=True, scopes=reads("AllergyIntolerance"), cost=2
    )
    async def allergies(self, info: Info) -> AllergyList:
        rows = await info.context.load(loaders.allergies_of, str(self.id)) or []
        if rows:
            completeness = Completeness.RECORDED
        else:
            completeness = (
                Completeness.NIL_KNOWN if self.no_known_allergies else Completeness.NOT_ASKED
            )
        return AllergyList(completeness=completeness, items=[allergy(row) for row in rows])

    @graph.resolver(
        "Problems and diagnoses, present ones first.",
        phi=True,
        scopes=reads("Condition"),
        cost=2,
        list_size=20,
    )
    async def conditions(
        self,
        info: Info,
        active: Annotated[bool, graph.arg("Only those that are present.")] = False,
    ) -> list[Condition]:
        rows = await info.context.load(loaders.conditions_of, str(self.id)) or []
        present = ("active", "recurrence", "relapse")
        return [condition(row) for row in rows if not active or row.clinical_status in present]

    @classmethod
    @graph.reference("id")
    async def by_id(cls, info: Info, id: ID) -> Patient | None:
        row = await info.context.load(loaders.patient_by_id, str(id))
        return _seen(info, row, asked=str(id))

    @classmethod
    @graph.reference("mrn")
    async def by_mrn(cls, info: Info, mrn: str) -> Patient | None:
        row = await info.context.load(loaders.patient_by_mrn, mrn)
        return _seen(info, row, asked=None)


@graph.type("A patient who fits a search.")
class PatientMatch:
    patient: Patient = graph.field("Who.")
    score: float = graph.field("How well it fits, up to 100.")
    matched_on: MatchedOn = graph.field("What fitted.")

    @classmethod
    def of(cls, match: Match) -> PatientMatch:
        return cls(
            patient=patient(match.patient),
            score=round(match.score, 2),
            matched_on=MatchedOn[match.found.name],
        )


@graph.type("A kind of resource that imports kept without a place in the chart.")
class UnmappedCount:
    kind: str = graph.field("FHIR resource type.")
    reason: str = graph.field("Why it has no place.")
    count: int = graph.field("How many there are.")


def _seen(info: Info, row: models.Patient | None, asked: str | None) -> Patient | None:
    """A patient sees only their own chart; for others it is as if it did not exist."""
    info.context.demand(reads("Patient") + _DESK)
    if row is None or not info.context.identity.may_see_patient(row.id):
        return None
    return patient(row, asked)


_DESK = (("user/Patient.cu",),)


def patient(row: models.Patient, asked: str | None = None) -> Patient:
    """A patient's row as the graph shows it; ``asked`` is the id that led here."""
    number = clinical.AbhaNumber(row.abha_number) if row.abha_number else None
    return Patient(
        id=ID(row.id),
        mrn=row.mrn,
        version=row.version,
        updated_at=row.updated_at,
        name=row.name,
        names=[_human_name(name) for name in row.names],
        gender=Gender(row.gender),
        gender_identity=row.gender_identity,
        birth_date=PartialDateText(row.birth_date) if row.birth_date else None,
        birth_date_estimated=row.birth_date_estimated,
        deceased=row.deceased,
        deceased_at=row.deceased_at,
        active=row.active,
        language=row.language,
        abha_address=row.abha_address,
        abha_number=str(number) if number else None,
        abha_number_masked=number.masked if number else None,
        contacts=[graph.ContactPoint(**contact) for contact in row.contacts],
        addresses=[graph.Address(**{**a, "lines": list(a["lines"])}) for a in row.addresses],
        identifiers=[graph.Identifier(**identifier) for identifier in row.identifiers],
        redirected_from=ID(asked) if asked and asked != row.id else None,
        birth_low=row.birth_low,
        no_known_allergies=row.no_known_allergies,
    )


def allergy(row: models.Allergy) -> AllergyIntolerance:
    return AllergyIntolerance(
        id=ID(row.id),
        version=row.version,
        updated_at=row.updated_at,
        code=concept(row.code),
        type=row.kind,
        categories=list(row.categories),
        criticality=known(Criticality, row.criticality),
        clinical_status=known(ClinicalStatus, row.clinical_status) or ClinicalStatus.UNKNOWN,
        verification=known(Verification, row.verification) or Verification.UNKNOWN,
        reactions=[AllergyReaction(**reaction) for reaction in row.reactions],
        note=row.note,
        recorded_at=row.recorded_at,
        patient_id=row.patient_id,
    )


def condition(row: models.Condition) -> Condition:
    return Condition(
        id=ID(row.id),
        version=row.version,
        updated_at=row.updated_at,
        code=concept(row.code),
        category=row.category,
        clinical_status=known(ClinicalStatus, row.clinical_status),
        verification=known(Verification, row.verification) or Verification.UNKNOWN,
        severity=row.severity,
        onset=row.onset,
        abatement=row.abatement,
        note=row.note,
        recorded_at=row.recorded_at,
        encounter=Encounter(id=ID(row.encounter_id)) if row.encounter_id else None,
        patient_id=row.patient_id,
    )


def known(kind: Any, value: str | None) -> Any:
    """The member of a closed set, or its UNKNOWN (None where it has none) for words from outside."""
    if value is None:
        return None
    try:
        return kind(value)
    except ValueError:
        return getattr(kind, "UNKNOWN", None)


def concept(stored: dict[str, Any]) -> graph.CodedConcept:
    codings = [graph.Coding(**coding) for coding in stored.get("codings", ())]
    text = stored.get("text")
    label = text or next((c.display or c.code for c in codings), "not said")
    return graph.CodedConcept(text=text, codings=codings, label=label)


def _human_name(stored: dict[str, Any]) -> graph.HumanName:
    return graph.HumanName(
        text=stored["text"],
        family=stored.get("family"),
        given=list(stored.get("given", ())),
        prefix=list(stored.get("prefix", ())),
        use=stored.get("use"),
    )
