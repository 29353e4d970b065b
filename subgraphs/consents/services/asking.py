"""Commands: ask a patient for her outside records; fetch them again under a consent in force."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import orjson
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from drassist.clinical import AbhaAddress
from drassist.events import BUS, Event
from drassist.graph.errors import DomainError, ErrorCode
from drassist.runtime.database import Database, now
from subgraphs.consents.models import (
    ConsentArtefact,
    ConsentRequest,
    StateChange,
    Transfer,
    outbox,
)

__all__ = [
    "GATEWAY",
    "PURPOSES",
    "AskConsent",
    "Author",
    "ask_consent",
    "begin_transfer",
    "fetch_again",
    "request_event",
    "transfer_event",
]

GATEWAY = "gateway"
"""The destination of the outbox."""

PURPOSES: Mapping[str, str] = {
    "CAREMGT": "Care Management",
    "BTG": "Break the Glass",
    "PUBHLTH": "Public Health",
    "HPAYMT": "Healthcare Payment",
    "DSRCH": "Disease Specific Healthcare Research",
    "PATRQT": "Self Requested",
}

_TYPES = frozenset(
    [
        "Prescription",
        "DiagnosticReport",
        "OPConsultation",
        "DischargeSummary",
        "ImmunizationRecord",
        "HealthDocumentRecord",
        "WellnessRecord",
        "Invoice",
    ]
)
_UNANSWERED_FOR = timedelta(hours=24)
_NO_RE_ASK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Author:
    """Who asks; the patient is shown the name."""

    id: str | None
    name: str | None


@dataclass(frozen=True, slots=True)
class AskConsent:
    """What is asked, of when, and until when it may be kept."""

    patient_id: str
    encounter_id: str | None
    abha_address: str
    purpose: str
    hi_types: tuple[str, ...]
    start: datetime
    end: datetime
    erase_at: datetime
    client_key: str


async def ask_consent(database: Database, author: Author, command: AskConsent) -> ConsentRequest:
    """Ask a patient; raises :class:`DomainError` or ``InvalidValue``. Same key, same request."""
    _check(command)
    digest = _digest(command)
    try:
        async with database.transaction() as session:
            if found := await _asked_before(session, command.client_key, digest):
                return found
            return await _ask(session, author, command, digest)
    except IntegrityError:
        # the same command ran beside this one and won: its request is the answer
        async with database.session() as session:
            if found := await _asked_before(session, command.client_key, digest):
                return found
        raise


async def _ask(
    session: AsyncSession, author: Author, command: AskConsent, digest: str
) -> ConsentRequest:
    await _refuse_nagging(session, command.patient_id)
    moment = now()
    request = ConsentRequest(
        patient_id=command.patient_id,
        encounter_id=command.encounter_id,
        abha_address=str(AbhaAddress(command.abha_address)),
        purpose=command.purpose,
        hi_types=list(command.hi_types),
        start=command.start,
        end=command.end,
        erase_at=command.erase_at,
        expires_at=moment + _UNANSWERED_FOR,
        status="requested",
        requester_id=author.id,
        requester_name=author.name,
        requested_at=moment,
        client_key=command.client_key,
        client_digest=digest,
    )
    session.add(request)
    session.add(StateChange(request_id=request.id, state="requested", at=moment, place=0))
    await session.flush()
    event = request_event("consents.request.requested", request)
    await outbox.add(session, event, to=(BUS, GATEWAY))
    return request


async def fetch_again(database: Database, artefact_id: str) -> Transfer:
    """Ask the facility once more, under an artefact in force; raises :class:`DomainError`."""
    async with database.transaction() as session:
        artefact = await session.get(ConsentArtefact, artefact_id)
        if artefact is None:
            raise DomainError(ErrorCode.NOT_FOUND, "There is no such consent.", "id")
        if artefact.status != "granted" or artefact.erase_at <= now():
            raise DomainError(ErrorCode.WRONG_STATE, "This consent is not in force.", "id")
        running = await session.scalar(
            sa.select(Transfer).where(
                Transfer.artefact_id == artefact_id,  # type: ignore[arg-type]
                Transfer.status.in_(["requested", "receiving"]),  # type: ignore[attr-defined]
            )
        )
        return running or await begin_transfer(session, artefact)


async def begin_transfer(session: AsyncSession, artefact: ConsentArtefact) -> Transfer:
    """Write a transfer and the message that starts it."""
    transfer = Transfer(artefact_id=artefact.id, patient_id=artefact.patient_id, status="requested")
    session.add(transfer)
    await session.flush()
    event = transfer_event("consents.transfer.requested", transfer)
    await outbox.add(session, event, to=(BUS, GATEWAY))
    return transfer


def request_event(topic: str, request: ConsentRequest) -> Event:
    """An event about a request: ids and the state, nothing of the chart."""
    return Event(
        topic,
        request.id,
        {
            "patient_id": request.patient_id,
            "encounter_id": request.encounter_id,
            "request_id": request.id,
            "status": request.status,
            "version": request.version,
        },
    )


def transfer_event(topic: str, transfer: Transfer) -> Event:
    """An event about a transfer."""
    return Event(
        topic,
        transfer.id,
        {
            "patient_id": transfer.patient_id,
            "transfer_id": transfer.id,
            "artefact_id": transfer.artefact_id,
            "status": transfer.status,
            "version": transfer.version,
        },
    )


def _check(command: AskConsent) -> None:
    moment = now()
    if not command.patient_id.startswith("Patient:") or len(command.patient_id) > 80:
        raise _invalid("This is no patient's id.", "patientId")
    if command.encounter_id is not None and len(command.encounter_id) > 80:
        raise _invalid("This is no encounter's id.", "encounterId")
    if not 8 <= len(command.client_key) <= 80:
        raise _invalid("A client key has 8 to 80 characters.", "clientKey")
    if command.purpose not in PURPOSES:
        raise _invalid("No such purpose.", "purpose")
    if not command.hi_types or set(command.hi_types) - _TYPES:
        raise _invalid("Name one or more kinds of records.", "hiTypes")
    if not command.start < command.end:
        raise _invalid("The range begins before it ends.", "start")
    if command.start > moment:
        raise _invalid("Records of the future cannot be asked for.", "start")
    if command.erase_at <= moment:
        raise _invalid("What was erased already cannot be fetched.", "eraseAt")


async def _refuse_nagging(session: AsyncSession, patient_id: str) -> None:
    """A patient who said no is not asked again for a week; one request at a time is enough."""
    found = await session.scalar(
        sa.select(ConsentRequest)
        .where(
            ConsentRequest.patient_id == patient_id,  # type: ignore[arg-type]
            sa.or_(
                ConsentRequest.status == "requested",  # type: ignore[arg-type]
                sa.and_(
                    ConsentRequest.status == "denied",  # type: ignore[arg-type]
                    ConsentRequest.decided_at > now() - _NO_RE_ASK,  # type: ignore[arg-type, operator]
                ),
            ),
        )
        .limit(1)
    )
    if found is not None and found.status == "denied":
        raise DomainError(
            ErrorCode.WRONG_STATE, "She denied lately; ask again after a week.", "patientId"
        )
    if found is not None:
        raise DomainError(ErrorCode.DUPLICATE, "A request is waiting for her answer.", "patientId")


async def _asked_before(session: AsyncSession, key: str, digest: str) -> ConsentRequest | None:
    found = await session.scalar(
        sa.select(ConsentRequest).where(ConsentRequest.client_key == key)  # type: ignore[arg-type]
    )
    if found is not None and found.client_digest != digest:
        raise DomainError(ErrorCode.CONFLICT, "This key belongs to another command.", "clientKey")
    return found


def _digest(command: AskConsent) -> str:
    text = orjson.dumps(asdict(command), default=str, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(text).hexdigest()


def _invalid(message: str, *field: str) -> DomainError:
    return DomainError(ErrorCode.VALIDATION_FAILED, message, *field)
