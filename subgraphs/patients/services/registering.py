"""Registering a patient and keeping who they are up to date."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import delete, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from drassist.clinical import (
    AbhaAddress,
    AbhaNumber,
    Address,
    ContactPoint,
    HumanName,
    Identifier,
    InvalidValue,
    Mrn,
    PartialDate,
)
from drassist.events import Event
from drassist.graph import DomainError, ErrorCode
from drassist.runtime.database import VersionConflict, claim_version
from drassist.runtime.identity import Identity
from subgraphs.patients.models import Counter, Idempotency, Patient, SearchTerm, outbox
from subgraphs.patients.services.searching import Match, likely_duplicates
from subgraphs.patients.services.terms import terms_of
from subgraphs.patients.services.wiring import Services

__all__ = ["Demographics", "Duplicates", "index", "mint_mrn", "register", "update_patient"]

GENDERS: Final = frozenset({"male", "female", "other", "unknown"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Demographics:
    """Who somebody is, checked: values that were given; None leaves an update as it was."""

    names: tuple[HumanName, ...] | None = None
    contacts: tuple[ContactPoint, ...] | None = None
    addresses: tuple[Address, ...] | None = None
    identifiers: tuple[Identifier, ...] | None = None
    mrn: Mrn | None = None
    abha_number: AbhaNumber | None = None
    abha_address: AbhaAddress | None = None
    gender: str | None = None
    gender_identity: str | None = None
    birth_date: PartialDate | None = None
    birth_date_estimated: bool | None = None
    language: str | None = None
    active: bool | None = None
    cleared: frozenset[str] = field(default=frozenset())


class Duplicates(DomainError):
    """Somebody like this is registered already; ``matches`` says who."""

    def __init__(self, matches: list[Match]) -> None:
        super().__init__(
            ErrorCode.DUPLICATE,
            "People like this are registered already: pick one of them, or say why not.",
        )
        self.matches = matches


async def register(
    services: Services,
    who: Demographics,
    by: Identity,
    *,
    idempotency_key: str | None = None,
    not_a_duplicate_because: str | None = None,
) -> Patient:
    """Make a chart. Raises :class:`Duplicates` unless a reason says that it is none of them.

    The same ``idempotency_key`` of the same caller gives the same patient.
    """
    if not who.names:
        raise InvalidValue("A patient needs a name; for an unknown person, say so in it", "names")
    key = f"{by.subject}|{idempotency_key}" if idempotency_key else None
    if key and (done := await _already(services, key)):
        return done
    if not (not_a_duplicate_because and not_a_duplicate_because.strip()):
        await _refuse_duplicates(services, who)
    for attempt in range(3):
        try:
            return await _insert(services, who, by, key)
        except IntegrityError:
            # somebody took the key, the number or the first MRN in the same moment: look again
            if attempt == 2:
                raise
    raise AssertionError


async def _insert(services: Services, who: Demographics, by: Identity, key: str | None) -> Patient:
    assert who.names
    async with services.database.transaction() as session:
        if key and (first := await session.get(Idempotency, key)):
            found = await session.get(Patient, first.result)
            assert found is not None
            return found
        await _refuse_taken(session, who, None)
        mrn = str(who.mrn) if who.mrn else await mint_mrn(session)
        patient = Patient(mrn=mrn, name=who.names[0].text)
        _apply(patient, who)
        session.add(patient)
        if key:
            session.add(Idempotency(key=key, result=patient.id))
        await session.flush()
        await index(session, [patient])
        await outbox.add(
            session,
            Event(
                "patients.patient.registered",
                patient.id,
                {"patient_id": patient.id, "version": 1, "actor": by.subject},
            ),
        )
    return patient


async def update_patient(
    services: Services, id: str, expected_version: int, who: Demographics, by: Identity
) -> Patient:
    """Change what is given, if nobody changed it since ``expected_version``."""
    async with services.database.transaction() as session:
        patient = await present(session, id)
        await _refuse_taken(session, who, id)
        try:
            await claim_version(session, patient, expected_version)
        except VersionConflict:
            raise DomainError(
                ErrorCode.VERSION_CONFLICT,
                "Somebody else changed this patient meanwhile: look at both, then decide.",
                "expectedVersion",
            ) from None
        if who.names is not None and not who.names:
            raise InvalidValue("A patient keeps at least one name", "names")
        _apply(patient, who)
        await session.flush()
        await index(session, [patient])
        await outbox.add(
            session,
            Event(
                "patients.patient.updated",
                patient.id,
                {"patient_id": patient.id, "version": patient.version, "actor": by.subject},
            ),
        )
    return patient


async def present(session: AsyncSession, id: str) -> Patient:
    """The patient, who must be there and not merged away."""
    patient = await session.get(Patient, id)
    if patient is None:
        raise DomainError(ErrorCode.NOT_FOUND, "There is no such patient.", "id")
    if patient.replaced_by is not None:
        raise DomainError(
            ErrorCode.STALE_CONTEXT, "This patient was merged into another: use that one.", "id"
        )
    return patient


async def mint_mrn(session: AsyncSession) -> str:
    """The next hospital number, given once."""
    for _ in range(50):
        counted = (
            await session.execute(
                update(Counter)
                .where(col(Counter.name) == "mrn")
                .values(value=Counter.value + 1)
                .returning(col(Counter.value))
            )
        ).scalar()
        if counted is None:
            session.add(Counter(name="mrn", value=0))
            await session.flush()
            continue
        mrn = f"DRA{counted:07}"
        taken = await session.scalar(select(Patient.id).where(Patient.mrn == mrn))
        if taken is None:
            return mrn
    raise DomainError(ErrorCode.CONFLICT, "No hospital number is free: set another counter.")


async def index(session: AsyncSession, patients: Iterable[Patient]) -> None:
    """Write again what these patients can be found by."""
    rows = list(patients)
    if not rows:
        return
    await session.execute(
        delete(SearchTerm).where(col(SearchTerm.patient_id).in_([p.id for p in rows]))
    )
    terms = [
        {"patient_id": patient.id, "kind": kind, "term": term[:80]}
        for patient in rows
        for kind, term in sorted(terms_of(patient))
    ]
    if terms:
        await session.execute(SearchTerm.__table__.insert(), terms)  # type: ignore[attr-defined]


def as_json(values: Iterable[Any]) -> list[dict[str, Any]]:
    """Value objects as JSON: what they are made of, again."""
    return [dataclasses.asdict(value) for value in values]


def _apply(patient: Patient, who: Demographics) -> None:
    if who.gender is not None and who.gender not in GENDERS:
        raise InvalidValue("Gender is male, female, other or unknown", "gender")
    if who.names is not None:
        patient.names = as_json(who.names)
        patient.name = who.names[0].text
    if who.contacts is not None:
        patient.contacts = as_json(who.contacts)
    if who.addresses is not None:
        patient.addresses = as_json(who.addresses)
    if who.identifiers is not None:
        patient.identifiers = as_json(who.identifiers)
    if who.birth_date is not None:
        patient.birth_date, patient.birth_low = str(who.birth_date), who.birth_date.low
    if who.mrn is not None:
        patient.mrn = str(who.mrn)
    if who.abha_number is not None:
        patient.abha_number = who.abha_number.value
    if who.abha_address is not None:
        patient.abha_address = who.abha_address.value
    for name in ("gender", "gender_identity", "birth_date_estimated", "language", "active"):
        if (value := getattr(who, name)) is not None:
            setattr(patient, name, value)
    for name in who.cleared:
        setattr(patient, name, None)


async def _already(services: Services, key: str) -> Patient | None:
    async with services.database.session() as session:
        first = await session.get(Idempotency, key)
        return await session.get(Patient, first.result) if first else None


async def _refuse_taken(session: AsyncSession, who: Demographics, own: str | None) -> None:
    """MRN and ABHA number belong to one chart."""
    for column, value, field_name in (
        (Patient.mrn, str(who.mrn) if who.mrn else None, "mrn"),
        (Patient.abha_number, who.abha_number.value if who.abha_number else None, "abhaNumber"),
    ):
        if value is None:
            continue
        taken = await session.scalar(
            select(Patient.id).where(column == value, col(Patient.replaced_by).is_(None))
        )
        if taken is not None and taken != own:
            raise DomainError(
                ErrorCode.DUPLICATE, "This number belongs to another patient.", field_name
            )


async def _refuse_duplicates(services: Services, who: Demographics) -> None:
    assert who.names
    matches = await likely_duplicates(
        services,
        name=who.names[0].text,
        phones=[c.value for c in who.contacts or () if c.system in ("phone", "sms")],
        birth_year=who.birth_date.low.year if who.birth_date else None,
        gender=who.gender,
        abha_number=who.abha_number.value if who.abha_number else None,
    )
    if matches:
        raise Duplicates(matches)
