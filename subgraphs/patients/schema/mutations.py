"""Changing patients: registering, updating, merging, allergies and problems."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from strawberry import UNSET

from drassist import clinical, graph
from drassist.clinical import InvalidValue
from drassist.graph import ID, PartialDateText
from drassist.runtime.identity import command, writes
from subgraphs.patients.schema import types
from subgraphs.patients.schema.types import (
    AllergyIntolerance,
    ClinicalStatus,
    Condition,
    Criticality,
    Gender,
    Info,
    Patient,
    PatientMatch,
    Verification,
)
from subgraphs.patients.services import charting, merging, registering
from subgraphs.patients.services.registering import Demographics

__all__ = ["Mutation"]

T = TypeVar("T")

IdArg = Annotated[ID, graph.arg("Opaque id.")]
VersionArg = Annotated[int, graph.arg("The version that the caller has seen.")]
ReasonArg = Annotated[str, graph.arg("Why, for those who read it later.")]


@graph.input("A person's name.")
class HumanNameInput:
    text: str | None = graph.field(
        "The whole name; made from the parts when left out.", default=None
    )
    family: str | None = graph.field("Family name.", default=None)
    given: list[str] = graph.field("Given names.", default_factory=list)
    prefix: list[str] = graph.field("Titles.", default_factory=list)
    use: str | None = graph.field("usual, official, nickname, maiden …", default=None)


@graph.input("A phone number or mail address.")
class ContactPointInput:
    system: str = graph.field("phone, email, sms …", default="phone")
    value: str = graph.field("The number or address.")
    use: str | None = graph.field("home, work, mobile …", default=None)


@graph.input("A postal address.")
class AddressInput:
    text: str | None = graph.field("The whole address.", default=None)
    lines: list[str] = graph.field("Street and house.", default_factory=list)
    city: str | None = graph.field("City, town or village.", default=None)
    district: str | None = graph.field("District.", default=None)
    state: str | None = graph.field("State.", default=None)
    postal_code: str | None = graph.field("PIN code.", default=None)
    country: str | None = graph.field("Country.", default=None)
    use: str | None = graph.field("home, work, temp or old.", default=None)


@graph.input("Who a new patient is.")
class RegisterPatientInput:
    names: list[HumanNameInput] = graph.field("Names, the one to show first.")
    gender: Gender = graph.field("Administrative gender.", default=Gender.UNKNOWN)
    gender_identity: str | None = graph.field("In the person's own words.", default=None)
    birth_date: PartialDateText | None = graph.field("As far as it is known.", default=None)
    age: int | None = graph.field(
        "Age in years where no birth date is known; gives an estimated year of birth.", default=None
    )
    contacts: list[ContactPointInput] = graph.field("How to reach them.", default_factory=list)
    addresses: list[AddressInput] = graph.field("Where they live.", default_factory=list)
    language: str | None = graph.field("Preferred language, BCP 47.", default=None)
    mrn: str | None = graph.field("Hospital number; minted when left out.", default=None)
    abha_number: str | None = graph.field("ABHA number, 14 digits.", default=None)
    abha_address: str | None = graph.field("ABHA address, name@abdm.", default=None)
    not_a_duplicate_because: str | None = graph.field(
        "Why this is none of the candidates that were shown.", default=None
    )
    idempotency_key: str | None = graph.field(
        "A key of the client's: the same key gives the same patient.", default=None
    )


@graph.input("What changes about a patient; what is left out stays, null clears where it may.")
class UpdatePatientInput:
    names: list[HumanNameInput] | None = graph.field("All names anew.", default=UNSET)
    gender: Gender | None = graph.field("Administrative gender.", default=UNSET)
    gender_identity: str | None = graph.field("In the person's own words.", default=UNSET)
    birth_date: PartialDateText | None = graph.field("As far as it is known.", default=UNSET)
    contacts: list[ContactPointInput] | None = graph.field("All contacts anew.", default=UNSET)
    addresses: list[AddressInput] | None = graph.field("All addresses anew.", default=UNSET)
    language: str | None = graph.field("Preferred language.", default=UNSET)
    active: bool | None = graph.field("Whether the chart is in use.", default=UNSET)
    abha_number: str | None = graph.field("ABHA number, 14 digits.", default=UNSET)
    abha_address: str | None = graph.field("ABHA address.", default=UNSET)


@graph.input("What happened at an earlier contact.")
class AllergyReactionInput:
    manifestation: str = graph.field("What was seen.")
    severity: str | None = graph.field("mild, moderate or severe.", default=None)


@graph.input("A new allergy or intolerance.")
class RecordAllergyInput:
    patient_id: ID = graph.field("Whose.")
    code: graph.CodedConceptInput = graph.field("To what.")
    type: str | None = graph.field("allergy or intolerance.", default=None)
    category: str | None = graph.field("food, medication, environment or biologic.", default=None)
    criticality: Criticality | None = graph.field("How dangerous.", default=None)
    verification: Verification = graph.field("How sure.", default=Verification.UNCONFIRMED)
    reactions: list[AllergyReactionInput] = graph.field(
        "What happened before.", default_factory=list
    )
    note: str | None = graph.field("Remarks.", default=None)


@graph.input("A new problem or diagnosis.")
class RecordConditionInput:
    patient_id: ID = graph.field("Whose.")
    encounter_id: ID | None = graph.field("At which visit.", default=None)
    code: graph.CodedConceptInput = graph.field("What it is.")
    category: str = graph.field(
        "problem-list-item or encounter-diagnosis.", default="problem-list-item"
    )
    verification: Verification = graph.field("How sure.", default=Verification.CONFIRMED)
    severity: str | None = graph.field("How severe.", default=None)
    onset: PartialDateText | None = graph.field("When it began.", default=None)
    note: str | None = graph.field("Remarks.", default=None)


@graph.type("The patient that was made or changed.")
class PatientPayload(graph.Payload):
    patient: Patient | None = graph.field("The patient as it is now.", default=None)
    candidates: list[PatientMatch] = graph.field(
        "Who it may be already, when that is the error.", default_factory=list
    )


@graph.type("The allergy that was made or changed.")
class AllergyPayload(graph.Payload):
    allergy: AllergyIntolerance | None = graph.field("The allergy as it is now.", default=None)


@graph.type("The condition that was made or changed.")
class ConditionPayload(graph.Payload):
    condition: Condition | None = graph.field("The condition as it is now.", default=None)


@graph.type("What can be changed.")
class Mutation:
    @graph.mutation(
        "Make a chart for a person. People like them are shown first.", scopes=writes("Patient")
    )
    async def register_patient(
        self,
        info: Info,
        input: Annotated[RegisterPatientInput, graph.arg("Who they are.")],
    ) -> PatientPayload:
        birth, estimated = _birth(info, input)
        who = Demographics(
            names=_names(input.names),
            contacts=_contacts(input.contacts),
            addresses=_addresses(input.addresses),
            gender=input.gender.value,
            gender_identity=_short(input.gender_identity, 64, "genderIdentity"),
            birth_date=birth,
            birth_date_estimated=estimated,
            language=_short(input.language, 35, "language"),
            mrn=_made(clinical.Mrn, input.mrn, "mrn"),
            abha_number=_made(clinical.AbhaNumber, input.abha_number, "abhaNumber"),
            abha_address=_made(clinical.AbhaAddress, input.abha_address, "abhaAddress"),
        )
        context = info.context
        try:
            row = await registering.register(
                context.services,
                who,
                context.identity,
                idempotency_key=_short(input.idempotency_key, 120, "idempotencyKey"),
                not_a_duplicate_because=input.not_a_duplicate_because,
            )
        except registering.Duplicates as error:
            error.payload["candidates"] = [PatientMatch.of(match) for match in error.matches]
            raise
        return PatientPayload(patient=types.patient(row))

    @graph.mutation("Change who a patient is.", scopes=writes("Patient"))
    async def update_patient(
        self,
        info: Info,
        id: IdArg,
        expected_version: VersionArg,
        input: Annotated[UpdatePatientInput, graph.arg("What changes.")],
    ) -> PatientPayload:
        row = await registering.update_patient(
            info.context.services, str(id), expected_version, _changes(input), info.context.identity
        )
        return PatientPayload(patient=types.patient(row))

    @graph.mutation(
        "Merge two charts of one person; the duplicate's id leads to the survivor from then on.",
        scopes=command("patient.merge"),
    )
    async def merge_patients(
        self,
        info: Info,
        survivor_id: Annotated[ID, graph.arg("The chart that stays.")],
        survivor_version: VersionArg,
        duplicate_id: Annotated[ID, graph.arg("The chart that is merged into it.")],
        duplicate_version: VersionArg,
        reason: ReasonArg,
    ) -> PatientPayload:
        row = await merging.merge(
            info.context.services,
            str(survivor_id),
            survivor_version,
            str(duplicate_id),
            duplicate_version,
            reason,
            info.context.identity,
        )
        return PatientPayload(patient=types.patient(row))

    @graph.mutation("Record an allergy.", scopes=writes("AllergyIntolerance"))
    async def record_allergy(
        self, info: Info, input: Annotated[RecordAllergyInput, graph.arg("The allergy.")]
    ) -> AllergyPayload:
        row = await charting.record_allergy(
            info.context.services,
            str(input.patient_id),
            input.code.value(),
            info.context.identity,
            kind=_one_of(input.type, ("allergy", "intolerance"), "type"),
            category=_one_of(
                input.category, ("food", "medication", "environment", "biologic"), "category"
            ),
            criticality=input.criticality.value if input.criticality else None,
            verification=_settable(input.verification),
            reactions=tuple(
                charting.Reaction(
                    r.manifestation,
                    _one_of(r.severity, ("mild", "moderate", "severe"), "reactions"),
                )
                for r in input.reactions
            ),
            note=input.note,
        )
        return AllergyPayload(allergy=types.allergy(row))

    @graph.mutation(
        "Say that the patient was asked and has no allergy.", scopes=writes("AllergyIntolerance")
    )
    async def declare_no_known_allergies(
        self, info: Info, patient_id: Annotated[ID, graph.arg("Whose.")]
    ) -> PatientPayload:
        row = await charting.declare_no_known_allergies(
            info.context.services, str(patient_id), info.context.identity
        )
        return PatientPayload(patient=types.patient(row))

    @graph.mutation("Change the status of an allergy.", scopes=writes("AllergyIntolerance"))
    async def change_allergy(
        self,
        info: Info,
        id: IdArg,
        expected_version: VersionArg,
        clinical_status: Annotated[
            ClinicalStatus | None, graph.arg("Whether it matters now.")
        ] = None,
        verification: Annotated[Verification | None, graph.arg("How sure.")] = None,
        criticality: Annotated[Criticality | None, graph.arg("How dangerous.")] = None,
    ) -> AllergyPayload:
        row = await charting.change_allergy(
            info.context.services,
            str(id),
            expected_version,
            info.context.identity,
            clinical_status=clinical_status.value if clinical_status else None,
            verification=_settable(verification) if verification else None,
            criticality=criticality.value if criticality else None,
        )
        return AllergyPayload(allergy=types.allergy(row))

    @graph.mutation(
        "Say that an allergy was recorded by mistake.", scopes=writes("AllergyIntolerance")
    )
    async def withdraw_allergy(
        self, info: Info, id: IdArg, expected_version: VersionArg, reason: ReasonArg
    ) -> AllergyPayload:
        row = await charting.withdraw_allergy(
            info.context.services, str(id), expected_version, reason, info.context.identity
        )
        return AllergyPayload(allergy=types.allergy(row))

    @graph.mutation("Record a problem or a diagnosis.", scopes=writes("Condition"))
    async def record_condition(
        self, info: Info, input: Annotated[RecordConditionInput, graph.arg("The condition.")]
    ) -> ConditionPayload:
        row = await charting.record_condition(
            info.context.services,
            str(input.patient_id),
            input.code.value(),
            info.context.identity,
            encounter_id=_short(input.encounter_id, 80, "encounterId"),
            category=_one_of(
                input.category, ("problem-list-item", "encounter-diagnosis"), "category"
            )
            or "problem-list-item",
            verification=_settable(input.verification),
            severity=_short(input.severity, 64, "severity"),
            onset=_made(clinical.PartialDate, input.onset, "onset"),
            note=input.note,
        )
        return ConditionPayload(condition=types.condition(row))

    @graph.mutation("Change the status of a condition.", scopes=writes("Condition"))
    async def change_condition(
        self,
        info: Info,
        id: IdArg,
        expected_version: VersionArg,
        clinical_status: Annotated[
            ClinicalStatus | None, graph.arg("Whether it is present.")
        ] = None,
        verification: Annotated[Verification | None, graph.arg("How sure.")] = None,
        abatement: Annotated[PartialDateText | None, graph.arg("When it ended.")] = None,
    ) -> ConditionPayload:
        row = await charting.change_condition(
            info.context.services,
            str(id),
            expected_version,
            info.context.identity,
            clinical_status=clinical_status.value if clinical_status else None,
            verification=_settable(verification) if verification else None,
            abatement=_made(clinical.PartialDate, abatement, "abatement"),
        )
        return ConditionPayload(condition=types.condition(row))

    @graph.mutation("Say that a condition was recorded by mistake.", scopes=writes("Condition"))
    async def withdraw_condition(
        self, info: Info, id: IdArg, expected_version: VersionArg, reason: ReasonArg
    ) -> ConditionPayload:
        row = await charting.withdraw_condition(
            info.context.services, str(id), expected_version, reason, info.context.identity
        )
        return ConditionPayload(condition=types.condition(row))


def _birth(
    info: Info, input: RegisterPatientInput
) -> tuple[clinical.PartialDate | None, bool | None]:
    """The birth date, or a year reckoned from the age."""
    if input.birth_date is not None:
        date = clinical.PartialDate(input.birth_date)
        if date.low > info.context.services.calendar.today():
            raise InvalidValue("A birth date is not in the future", "input", "birthDate")
        return date, False
    if input.age is None:
        return None, None
    if not 0 <= input.age <= 130:
        raise InvalidValue("An age is 0 to 130 years", "input", "age")
    year = info.context.services.calendar.today().year - input.age
    return clinical.PartialDate(f"{year:04}"), True


def _changes(input: UpdatePatientInput) -> Demographics:
    cleared = {
        "gender_identity": input.gender_identity,
        "language": input.language,
        "abha_number": input.abha_number,
        "abha_address": input.abha_address,
    }
    return Demographics(
        names=_given(input.names, _names),
        contacts=_given(input.contacts, _contacts),
        addresses=_given(input.addresses, _addresses),
        gender=_given(input.gender, lambda gender: str(gender.value)),
        gender_identity=_given(input.gender_identity, lambda t: _short(t, 64, "genderIdentity")),
        birth_date=_given(input.birth_date, clinical.PartialDate),
        birth_date_estimated=False if _given(input.birth_date, str) else None,
        language=_given(input.language, lambda text: _short(text, 35, "language")),
        active=_given(input.active, bool),
        abha_number=_made(clinical.AbhaNumber, _given(input.abha_number, str), "abhaNumber"),
        abha_address=_made(clinical.AbhaAddress, _given(input.abha_address, str), "abhaAddress"),
        cleared=frozenset(name for name, value in cleared.items() if value is None),
    )


def _given(value: Any, read: Callable[[Any], T]) -> T | None:
    return None if value is None or value is UNSET else read(value)


def _made(kind: Callable[[str], T], text: str | None, field: str) -> T | None:
    if text is None:
        return None
    try:
        return kind(text)
    except InvalidValue as error:
        raise InvalidValue(str(error), "input", field) from None


def _short(text: str | None, longest: int, field: str) -> str | None:
    if text is not None and len(text) > longest:
        raise InvalidValue(f"At most {longest} characters", "input", field)
    return text


def _one_of(text: str | None, allowed: tuple[str, ...], field: str) -> str | None:
    if text is not None and text not in allowed:
        raise InvalidValue(f"One of: {', '.join(allowed)}", "input", field)
    return text


def _settable(verification: Verification) -> str:
    if verification in (Verification.UNKNOWN, Verification.ENTERED_IN_ERROR):
        raise InvalidValue("This status is not set directly", "verification")
    return str(verification.value)


def _few(values: list[T], field: str) -> list[T]:
    if len(values) > 20:
        raise InvalidValue("At most 20", "input", field)
    return values


def _names(names: list[HumanNameInput]) -> tuple[clinical.HumanName, ...]:
    try:
        return tuple(
            clinical.HumanName(
                n.text or "", n.family, tuple(n.given), tuple(n.prefix), _short(n.use, 16, "names")
            )
            for n in _few(names, "names")
        )
    except InvalidValue as error:
        raise InvalidValue(str(error), "input", "names") from None


def _contacts(contacts: list[ContactPointInput]) -> tuple[clinical.ContactPoint, ...]:
    systems = ("phone", "fax", "email", "pager", "url", "sms", "other")
    try:
        return tuple(
            clinical.ContactPoint(_one_of(c.system, systems, "contacts") or "phone", c.value, c.use)
            for c in _few(contacts, "contacts")
        )
    except InvalidValue as error:
        raise InvalidValue(str(error), "input", "contacts") from None


def _addresses(addresses: list[AddressInput]) -> tuple[clinical.Address, ...]:
    return tuple(
        clinical.Address(
            a.text,
            tuple(a.lines),
            a.city,
            a.district,
            a.state,
            a.postal_code,
            a.country,
            a.use,
        )
        for a in _few(addresses, "addresses")
    )
