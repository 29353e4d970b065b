"""A consent gateway in this process, with the patient's phone and two hospitals behind it.

Plays what ``subgraphs.consents.ports.ConsentGateway`` describes. The patient decides by herself
after a moment, as :attr:`decision` says, or by command: :meth:`grant`, :meth:`deny`,
:meth:`revoke`. Requests and artefacts expire by the clock that is handed in. Each hospital has one
document of each kind, in the shape of ABDM's profiles, about whoever asks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol
from uuid import NAMESPACE_URL, uuid5

from drassist.adapters.abdm import Artefact, Entry, Notice, Notices, Pages, read_document
from drassist.adapters.errors import InputInvalid, PeerNotFound, PeerRefused, PeerUnavailable
from drassist.testing.journal import Journal

__all__ = ["AbdmCounterpart", "Hospital", "document_bundle"]

_UNANSWERED_FOR = timedelta(hours=24)


class Consent(Protocol):
    """What is asked of a patient (``subgraphs.consents.ports.OutgoingConsent`` has it)."""

    @property
    def reference(self) -> str: ...
    @property
    def abha_address(self) -> str: ...
    @property
    def purpose(self) -> str: ...
    @property
    def hi_types(self) -> Iterable[str]: ...
    @property
    def start(self) -> datetime: ...
    @property
    def end(self) -> datetime: ...
    @property
    def erase_at(self) -> datetime: ...
    @property
    def requester(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Hospital:
    """A facility that holds records; ``doctor`` signs them."""

    id: str
    name: str
    doctor: str


_HOSPITALS = (
    Hospital("IN2710000101", "City Hospital, Pune", "Dr. Meera Joshi"),
    Hospital("IN2910000202", "Lake View Clinic, Bengaluru", "Dr. Arvind Kumar"),
)


@dataclass(slots=True)
class _Asked:
    id: str
    consent: Mapping[str, Any]
    at: datetime
    status: str = "REQUESTED"


@dataclass(slots=True)
class AbdmCounterpart:
    """The gateway; times are real seconds unless another clock is handed in.

    ``decision`` is what the patient does ``after`` seconds: ``grant``, ``deny`` or ``wait``.
    """

    decision: str = "grant"
    after: float = 2.0
    transfer_takes: float = 1.0
    hospitals: tuple[Hospital, ...] = _HOSPITALS
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    journal: Path | None = None
    away: bool = False
    breaks: bool = False
    _journal: Journal = field(init=False)
    _asked: dict[str, _Asked] = field(init=False, default_factory=dict)
    _artefacts: dict[str, Artefact] = field(init=False, default_factory=dict)
    _ended: dict[str, str] = field(init=False, default_factory=dict)
    _notices: list[Notice] = field(init=False, default_factory=list)
    _transfers: dict[str, tuple[str, datetime]] = field(init=False, default_factory=dict)
    confirmed: dict[str, bool] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._journal = Journal(self.journal)
        for line in self._journal.lines:
            self._replay(line)

    # What a hospital's software asks.

    async def request(self, consent: Consent) -> str:
        """Take a request; the same reference gets the same id."""
        self._be_there()
        if "@" not in consent.abha_address:
            raise PeerRefused("the ABHA address is not valid", issues=("ABDM-9999",))
        id = str(uuid5(NAMESPACE_URL, f"consent/{consent.reference}"))
        if id not in self._asked:
            self._note(
                {
                    "event": "asked",
                    "id": id,
                    "abha": consent.abha_address,
                    "purpose": consent.purpose,
                    "types": list(consent.hi_types),
                    "start": consent.start.isoformat(),
                    "end": consent.end.isoformat(),
                    "erase": consent.erase_at.isoformat(),
                }
            )
        return id

    async def notices(self, cursor: str | None) -> Notices:
        """Tell what was decided since the cursor."""
        self._be_there()
        self._let_time_pass()
        seen = int(cursor or 0)
        return Notices(tuple(self._notices[seen:]), str(len(self._notices)))

    async def artefact(self, id: str) -> Artefact:
        self._be_there()
        if id not in self._artefacts:
            raise PeerNotFound("there is no such artefact", issues=("ABDM-1080",))
        return self._artefacts[id]

    async def ask(self, artefact_id: str, start: datetime, end: datetime, reference: str) -> str:
        """Ask for records under an artefact that is in force."""
        self._be_there()
        self._let_time_pass()
        if artefact_id not in self._artefacts or artefact_id in self._ended:
            raise PeerRefused("the artefact is not in force", issues=("ABDM-1062",))
        id = str(uuid5(NAMESPACE_URL, f"transfer/{reference}"))
        if id not in self._transfers:
            self._note({"event": "fetching", "id": id, "artefact": artefact_id})
        return id

    async def pages(self, transaction_id: str) -> Pages:
        """Give one page for each document that the artefact allows, one after the other."""
        self._be_there()
        if transaction_id not in self._transfers:
            raise PeerNotFound("there is no such transaction")
        artefact_id, begun = self._transfers[transaction_id]
        artefact = self._artefacts[artefact_id]
        documents = [
            (kind, document_bundle(kind, artefact, self._hospital(artefact)))
            for kind in artefact.hi_types
        ]
        share = (self.clock() - begun).total_seconds() / max(self.transfer_takes, 0.001)
        here = min(len(documents), int(share * len(documents)))
        entries = [
            self._entry(page, artefact, document)
            for page, (_, document) in enumerate(documents[:here])
        ]
        return Pages(len(documents), tuple(entries))

    async def confirm(self, transaction_id: str, complete: bool) -> None:
        self._be_there()
        self.confirmed[transaction_id] = complete

    # What the patient does on her phone, and what the clock does.

    def grant(
        self,
        id: str,
        *,
        hi_types: Iterable[str] | None = None,
        start: datetime | None = None,
        erase_at: datetime | None = None,
    ) -> None:
        """Grant a request, as it was asked or narrowed: one artefact for each hospital."""
        asked = self._asked[id]
        types = [t for t in asked.consent["types"] if hi_types is None or t in set(hi_types)]
        self._note(
            {
                "event": "granted",
                "id": id,
                "types": types,
                "start": (start or datetime.fromisoformat(asked.consent["start"])).isoformat(),
                "erase": (erase_at or datetime.fromisoformat(asked.consent["erase"])).isoformat(),
            }
        )

    def deny(self, id: str, reason: str | None = None) -> None:
        self._note({"event": "denied", "id": id, "reason": reason})

    def revoke(self, artefact_id: str) -> None:
        self._note({"event": "ended", "artefact": artefact_id, "status": "REVOKED"})

    def open_requests(self) -> tuple[str, ...]:
        """The requests that the patient has not decided."""
        return tuple(a.id for a in self._asked.values() if a.status == "REQUESTED")

    def artefacts_of(self, request_id: str) -> tuple[str, ...]:
        return tuple(a.id for a in self._artefacts.values() if a.request_id == request_id)

    # Inside.

    def _be_there(self) -> None:
        if self.away:
            raise PeerUnavailable("the consent gateway does not answer")

    def _let_time_pass(self) -> None:
        moment = self.clock()
        for asked in list(self._asked.values()):
            if asked.status != "REQUESTED":
                continue
            if moment - asked.at > _UNANSWERED_FOR:
                self._note({"event": "unanswered", "id": asked.id})
            elif moment - asked.at >= timedelta(seconds=self.after):
                match self.decision:
                    case "grant":
                        self.grant(asked.id)
                    case "deny":
                        self.deny(asked.id)
        for artefact in list(self._artefacts.values()):
            if artefact.id not in self._ended and moment >= artefact.erase_at:
                self._note({"event": "ended", "artefact": artefact.id, "status": "EXPIRED"})

    def _note(self, line: Mapping[str, Any]) -> None:
        dated = {**line, "at": self.clock().isoformat()}
        self._journal.append(dated)
        self._replay(dated)

    def _replay(self, line: Mapping[str, Any]) -> None:
        at = datetime.fromisoformat(line["at"])
        match line["event"]:
            case "asked":
                self._asked[line["id"]] = _Asked(line["id"], line, at)
            case "granted":
                self._asked[line["id"]].status = "GRANTED"
                made = [self._artefact(line, hospital, at) for hospital in self.hospitals]
                self._artefacts.update({artefact.id: artefact for artefact in made})
                self._say(line["id"], "GRANTED", tuple(a.id for a in made), None, at)
            case "denied":
                self._asked[line["id"]].status = "DENIED"
                self._say(line["id"], "DENIED", (), line["reason"], at)
            case "unanswered":
                self._asked[line["id"]].status = "EXPIRED"
                self._say(line["id"], "EXPIRED", (), "not answered in time", at)
            case "ended":
                self._ended[line["artefact"]] = line["status"]
                request = self._artefacts[line["artefact"]].request_id
                self._say(request, line["status"], (line["artefact"],), None, at)
            case "fetching":
                self._transfers[line["id"]] = (line["artefact"], at)

    def _say(
        self, id: str, status: str, artefacts: tuple[str, ...], reason: str | None, at: datetime
    ) -> None:
        self._notices.append(Notice(id, status, artefacts, reason, at))

    def _artefact(self, line: Mapping[str, Any], hospital: Hospital, at: datetime) -> Artefact:
        asked = self._asked[line["id"]].consent
        return Artefact(
            id=str(uuid5(NAMESPACE_URL, f"artefact/{line['id']}/{hospital.id}")),
            request_id=line["id"],
            facility_id=hospital.id,
            facility=hospital.name,
            abha_address=asked["abha"],
            purpose=asked["purpose"],
            hi_types=tuple(line["types"]),
            start=datetime.fromisoformat(line["start"]),
            end=datetime.fromisoformat(asked["end"]),
            erase_at=datetime.fromisoformat(line["erase"]),
            access_mode="VIEW",
            care_contexts=(f"visit-{hospital.id}",),
        )

    def _hospital(self, artefact: Artefact) -> Hospital:
        return next(h for h in self.hospitals if h.id == artefact.facility_id)

    def _entry(self, page: int, artefact: Artefact, document: Mapping[str, Any]) -> Entry:
        if self.breaks:
            document = {**document, "type": "collection"}
        entry = Entry(page, artefact.care_contexts[0], None, None, None, None, (), document)
        try:
            read = read_document(document)
        except InputInvalid as error:
            return replace(entry, fault=error.message)
        return replace(
            entry,
            hi_type=read.hi_type,
            title=read.title,
            authored=read.authored,
            author=read.author,
            sections=read.sections,
        )


# Documents.


_KINDS: Mapping[str, tuple[str | None, str, str, str]] = {
    # hiType -> (SNOMED code of the composition, its title, section title, section text)
    "OPConsultation": (
        "371530004",
        "Clinical consultation report",
        "Chief complaints",
        "Fever for three days with dry cough. Chest clear. Advised rest and fluids.",
    ),
    "Prescription": (
        "440545006",
        "Prescription record",
        "Prescription record",
        "Paracetamol 650 mg tablet: 1 tablet three times a day for 3 days, when needed.",
    ),
    "DiagnosticReport": (
        "721981007",
        "Diagnostic studies report",
        "Haematology report",
        "Haemoglobin 11.40 g/dL (12.0-15.0). White cells 9.8 10*3/uL. Platelets 182 10*3/uL.",
    ),
    "DischargeSummary": (
        "373942005",
        "Discharge summary",
        "Course in hospital",
        "Admitted with dengue fever, recovered without bleeding. Discharged on day 5.",
    ),
    "ImmunizationRecord": (
        "41000179103",
        "Immunization record",
        "Immunization record",
        "Tetanus toxoid, 0.5 mL intramuscular.",
    ),
    "HealthDocumentRecord": ("419891008", "Record artifact", "Document", "A scanned document."),
    "WellnessRecord": (None, "Wellness Record", "Vital Signs", "Pulse 76 /min. BP 122/78 mmHg."),
    "Invoice": (None, "Invoice Record", "Invoice", "Consultation, INR 500.00."),
}


def document_bundle(kind: str, artefact: Artefact, hospital: Hospital) -> dict[str, Any]:
    """Make one document of a kind, in the shape of ABDM's profiles."""
    code, title, section, text = _KINDS[kind]
    name = f"{hospital.id}/{artefact.abha_address}/{kind}"
    links = {part: f"urn:uuid:{uuid5(NAMESPACE_URL, f'{name}#{part}')}" for part in _PARTS}
    authored = (artefact.start + (artefact.end - artefact.start) / 2).astimezone(UTC)
    moment = authored.isoformat(timespec="seconds")
    coded = {"coding": [{"system": "http://snomed.info/sct", "code": code, "display": title}]}
    composition: dict[str, Any] = {
        "resourceType": "Composition",
        "status": "final",
        "type": {**(coded if code else {}), "text": title},
        "subject": {"reference": links["patient"]},
        "encounter": {"reference": links["encounter"]},
        "date": moment,
        "author": [{"reference": links["author"], "display": hospital.doctor}],
        "title": title,
        "custodian": {"display": hospital.name},
        "section": [
            {
                "title": section,
                "text": {
                    "status": "generated",
                    "div": f'<div xmlns="http://www.w3.org/1999/xhtml"><p>{text}</p></div>',
                },
            }
        ],
    }
    patient: dict[str, Any] = {
        "resourceType": "Patient",
        "identifier": [{"system": "https://healthid.ndhm.gov.in", "value": artefact.abha_address}],
    }
    encounter: dict[str, Any] = {
        "resourceType": "Encounter",
        "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "subject": {"reference": links["patient"]},
    }
    author: dict[str, Any] = {"resourceType": "Practitioner", "name": [{"text": hospital.doctor}]}
    return {
        "resourceType": "Bundle",
        "id": str(uuid5(NAMESPACE_URL, name)),
        "identifier": {"system": f"https://{hospital.id.lower()}.example", "value": name},
        "type": "document",
        "timestamp": moment,
        "entry": [
            {"fullUrl": links[part], "resource": {"id": links[part][9:], **resource}}
            for part, resource in zip(
                _PARTS, (composition, patient, encounter, author), strict=True
            )
        ],
    }


_PARTS = ("composition", "patient", "encounter", "author")
