"""Prescriptions out as MedicationRequest, hand-overs back as MedicationDispense.

Each medicine of a prescription is created under its own placer number, so sending it again has
no second effect. Dispenses are swept by ``_lastUpdated`` and matched through the placer number of
the request that authorised them. R4 has no "dispensed" status of a request: what was handed over
is the sum of its dispenses.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol

from drassist.adapters.errors import AnswerInvalid, PeerConflict
from drassist.fhir.codec import Resource
from drassist.fhir.validation import faults
from drassist.fhir.writing import PrescriptionItem, Systems, medication_request, patient_stub

__all__ = ["DispenseSweep", "Dispensed", "FhirPharmacy", "Server"]

_OVERLAP = timedelta(seconds=5)  # a write may become visible after a later one
_STATUSES = frozenset(
    {
        "preparation",
        "in-progress",
        "cancelled",
        "on-hold",
        "completed",
        "entered-in-error",
        "stopped",
        "declined",
        "unknown",
    }
)


class Server(Protocol):
    """What is needed of a FHIR server; ``drassist.adapters.fhir.FhirClient`` has it."""

    def search(
        self, kind: str, parameters: Mapping[str, str | Sequence[str]] | None = None
    ) -> AsyncIterator[Resource]: ...
    async def create(self, resource: Resource, *, if_none_exist: str | None = None) -> Resource: ...
    async def update(self, resource: Resource, *, if_match: str | None = None) -> Resource: ...


@dataclass(frozen=True, slots=True)
class Dispensed:
    """One version of a dispense; ``placer_number`` None when it names no request of ours."""

    source_id: str
    source_version: str
    placer_number: str | None
    status: str
    medicine: str
    quantity: Decimal | None
    unit: str | None
    days_supply: Decimal | None
    prepared: datetime | None
    handed_over: datetime | None
    substituted: bool
    reason: str | None


@dataclass(frozen=True, slots=True)
class DispenseSweep:
    """What changed since a cursor, what could not be read (kind, id, reason), the next cursor."""

    dispenses: tuple[Dispensed, ...]
    unreadable: tuple[tuple[str, str, str], ...]
    cursor: str


class FhirPharmacy:
    """A pharmacy behind a FHIR server; ``facility`` is the URI of our identifier systems."""

    def __init__(self, server: Server, facility: str) -> None:
        self._server = server
        self._systems = Systems(facility)

    async def send(self, item: PrescriptionItem) -> str:
        """Send one medicine, once however often it is called; returns the peer's reference."""
        stub, search = patient_stub(item.subject, self._systems)
        patient = await self._server.create(stub, if_none_exist=search)
        request = medication_request(item, self._systems, _reference(patient))
        made = await self._server.create(
            request,
            if_none_exist=f"identifier={self._systems.prescription_item}|{item.placer_number}",
        )
        return _reference(made)

    async def cancel(self, placer_number: str, reason: str) -> None:
        """Stop a medicine at the pharmacy; one that it never had, or has closed, stays as it is."""
        query = {"identifier": f"{self._systems.prescription_item}|{placer_number}"}
        async for request in self._server.search("MedicationRequest", query):
            if request.get("status") not in ("active", "on-hold", "draft"):
                continue
            request["status"] = "stopped"
            request["statusReason"] = {"text": reason}
            version = (request.get("meta") or {}).get("versionId")
            await self._server.update(request, if_match=version)

    async def sweep(self, cursor: str | None) -> DispenseSweep:
        """Return the dispenses that changed since ``cursor`` (None: all), oldest first."""
        parameters: dict[str, str | Sequence[str]] = {
            "_include": "MedicationDispense:prescription",
            "_sort": "_lastUpdated",
        }
        if cursor:
            parameters["_lastUpdated"] = f"ge{cursor}"
        found = [item async for item in self._server.search("MedicationDispense", parameters)]
        requests = {_reference(x): x for x in found if x["resourceType"] == "MedicationRequest"}
        dispenses: list[Dispensed] = []
        unreadable: list[tuple[str, str, str]] = []
        changed = [x for x in found if x.get("resourceType") == "MedicationDispense"]
        for resource in sorted(changed, key=_updated):
            if fault := _fault(resource):
                unreadable.append(("MedicationDispense", str(resource.get("id")), fault))
            else:
                dispenses.append(self._dispensed(resource, requests))
        return DispenseSweep(tuple(dispenses), tuple(unreadable), _next_cursor(cursor, changed))

    def _dispensed(self, resource: Resource, requests: Mapping[str, Resource]) -> Dispensed:
        quantity, supply = resource.get("quantity") or {}, resource.get("daysSupply") or {}
        return Dispensed(
            source_id=f"MedicationDispense/{resource['id']}",
            source_version=str((resource.get("meta") or {}).get("versionId") or "1"),
            placer_number=self._placer_number(resource, requests),
            status=resource["status"],
            medicine=_label(resource.get("medicationCodeableConcept") or {}),
            quantity=_decimal(quantity.get("value")),
            unit=quantity.get("unit"),
            days_supply=_decimal(supply.get("value")),
            prepared=_instant(resource.get("whenPrepared")),
            handed_over=_instant(resource.get("whenHandedOver")),
            substituted=bool((resource.get("substitution") or {}).get("wasSubstituted")),
            reason=_label(resource.get("statusReasonCodeableConcept") or {}) or None,
        )

    def _placer_number(self, resource: Resource, requests: Mapping[str, Resource]) -> str | None:
        for link in resource.get("authorizingPrescription", ()):
            steps = str(link.get("reference", "")).split("/_history/")[0].split("/")
            request: Mapping[str, Any] = requests.get("/".join(steps[-2:]), {})
            for identifier in (link.get("identifier") or {}, *request.get("identifier", ())):
                if identifier.get("system") == self._systems.prescription_item:
                    return str(identifier.get("value"))
        return None


def _fault(resource: Resource) -> str | None:
    if found := faults(resource):
        return found[0]
    return None if resource.get("status") in _STATUSES else "status: no code of R4"


def _label(concept: Mapping[str, Any]) -> str:
    names = (coding.get("display") or coding.get("code") for coding in concept.get("coding", ()))
    return str(concept.get("text") or next((name for name in names if name), ""))


def _decimal(value: Any) -> Decimal | None:
    return Decimal(value) if isinstance(value, int | Decimal) else None


def _instant(text: Any) -> datetime | None:
    """Read a dateTime; one of a day or less has no time of hand-over to tell."""
    if not isinstance(text, str) or "T" not in text:
        return None
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        return None


def _updated(resource: Resource) -> str:
    return str((resource.get("meta") or {}).get("lastUpdated") or "")


def _next_cursor(cursor: str | None, resources: Sequence[Resource]) -> str:
    """Go on from the newest change that the server itself dated: clocks need not agree."""
    newest = max(map(_updated, resources), default="")
    if not newest:
        return cursor or "1970-01-01T00:00:00Z"
    try:
        moment = datetime.fromisoformat(newest).astimezone(UTC) - _OVERLAP
    except ValueError:
        raise AnswerInvalid("the server dates a resource with no instant") from None
    return max(cursor or "", moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"))


def _reference(resource: Resource) -> str:
    kind, id = resource.get("resourceType"), resource.get("id")
    if kind and id:
        return f"{kind}/{id}"
    steps = str(resource.get("location", "")).split("/_history/")[0].split("/")
    if len(steps) > 1:
        return "/".join(steps[-2:])
    raise PeerConflict("the server took a resource and did not say under which name")
