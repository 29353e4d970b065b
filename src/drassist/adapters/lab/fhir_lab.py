"""Orders out as ServiceRequest, results back as DiagnosticReport and Observations.

An order is created under its placer number, so sending it again after an unknown outcome has no
second effect. Results are swept by ``_lastUpdated``: one search finds all that changed since the
last sweep, whoever announced it, so a lost notification loses no result. A report is matched to
its order through the placer number of the ServiceRequest that it is based on.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol

from drassist.adapters.errors import AnswerInvalid, PeerConflict
from drassist.fhir import records as r
from drassist.fhir.codec import Resource
from drassist.fhir.mappings import map_resource
from drassist.fhir.writing import LabOrder, Systems, patient_stub, service_request

__all__ = ["FhirLab", "LabObservation", "LabReport", "LabSweep", "Server"]

_LOINC = "http://loinc.org"
_OVERLAP = timedelta(seconds=5)  # a write may become visible after a later one


class Server(Protocol):
    """What is needed of a FHIR server; ``drassist.adapters.fhir.FhirClient`` has it."""

    def search(
        self, kind: str, parameters: Mapping[str, str | Sequence[str]] | None = None
    ) -> AsyncIterator[Resource]: ...
    async def create(self, resource: Resource, *, if_none_exist: str | None = None) -> Resource: ...
    async def update(self, resource: Resource, *, if_match: str | None = None) -> Resource: ...


@dataclass(frozen=True, slots=True)
class LabObservation:
    """One value of a report; decimals as the laboratory wrote them, ``ucum`` where known."""

    source_id: str
    status: str
    code: str | None
    display: str
    effective: datetime | None
    value: Decimal | None
    comparator: str | None
    unit: str | None
    ucum: str | None
    text: str | None
    absent_reason: str | None
    interpretation: str | None
    low: Decimal | None
    high: Decimal | None
    range_text: str | None
    note: str | None


@dataclass(frozen=True, slots=True)
class LabReport:
    """One version of a report; ``placer_number`` None when it names no order of ours."""

    source_id: str
    source_version: str
    placer_number: str | None
    filler_number: str | None
    status: str
    code: str | None
    display: str
    effective: datetime | None
    issued: datetime | None
    conclusion: str | None
    observations: tuple[LabObservation, ...]


@dataclass(frozen=True, slots=True)
class LabSweep:
    """What changed since a cursor, what could not be read (kind, id, reason), the next cursor."""

    reports: tuple[LabReport, ...]
    unreadable: tuple[tuple[str, str, str], ...]
    cursor: str


class FhirLab:
    """A laboratory behind a FHIR server; ``facility`` is the URI of our identifier systems."""

    def __init__(self, server: Server, facility: str) -> None:
        self._server = server
        self._systems = Systems(facility)

    async def place(self, order: LabOrder) -> str:
        """Send an order, once however often it is called; returns the peer's reference to it."""
        stub, search = patient_stub(order.subject, self._systems)
        patient = await self._server.create(stub, if_none_exist=search)
        request = service_request(order, self._systems, _reference(patient))
        made = await self._server.create(
            request, if_none_exist=f"identifier={self._systems.order}|{order.placer_number}"
        )
        return _reference(made)

    async def cancel(self, placer_number: str, reason: str) -> None:
        """Revoke an order; one that the peer never had, or has done, stays as it is."""
        query = {"identifier": f"{self._systems.order}|{placer_number}"}
        async for request in self._server.search("ServiceRequest", query):
            if request.get("status") not in ("active", "on-hold", "draft"):
                continue
            request["status"] = "revoked"
            request.setdefault("note", []).append({"text": f"Cancelled: {reason}"})
            version = (request.get("meta") or {}).get("versionId")
            await self._server.update(request, if_match=version)

    async def sweep(self, cursor: str | None) -> LabSweep:
        """Return the reports that changed since ``cursor`` (None: all), oldest first."""
        parameters: dict[str, str | Sequence[str]] = {
            "_include": ("DiagnosticReport:result", "DiagnosticReport:based-on"),
            "_sort": "_lastUpdated",
        }
        if cursor:
            parameters["_lastUpdated"] = f"ge{cursor}"
        found = [item async for item in self._server.search("DiagnosticReport", parameters)]
        return _Sweep(found, self._systems).result(cursor)


class _Sweep:
    """One answer of the server, put together: reports, their observations, their orders."""

    def __init__(self, resources: Sequence[Resource], systems: Systems) -> None:
        self._systems = systems
        self._unreadable: list[tuple[str, str, str]] = []
        self._raw = {f"{x.get('resourceType')}/{x.get('id')}": x for x in resources}
        self._observations: dict[str, r.ObservationRecord] = {}
        self._reports: list[r.ReportRecord] = []
        for resource in self._raw.values():
            self._sort_in(resource)

    def result(self, cursor: str | None) -> LabSweep:
        reports = sorted(self._reports, key=lambda report: report.source.updated or "")
        return LabSweep(
            reports=tuple(self._report(report) for report in reports),
            unreadable=tuple(self._unreadable),
            cursor=_next_cursor(cursor, reports),
        )

    def _sort_in(self, resource: Resource) -> None:
        if resource.get("resourceType") not in ("DiagnosticReport", "Observation"):
            return
        match map_resource(resource, _literal):
            case r.ReportRecord() as report:
                self._reports.append(report)
            case r.ObservationRecord() as observation:
                self._observations[str(observation.source)] = observation
            case r.Leftover() as leftover:
                source = leftover.source
                self._unreadable.append((source.kind, source.id, leftover.reason))

    def _report(self, report: r.ReportRecord) -> LabReport:
        found = (self._observations.get(str(link)) for link in report.results)
        return LabReport(
            source_id=str(report.source),
            source_version=report.source.version or report.source.updated or "1",
            placer_number=self._placer_number(report),
            filler_number=next((i.value for i in report.identifiers), None),
            status=report.status,
            code=report.code.code_in(_LOINC),
            display=report.code.label or "Report",
            effective=report.effective.at if report.effective else None,
            issued=report.issued.at if report.issued else None,
            conclusion=report.conclusion,
            observations=tuple(
                part for record in found if record is not None for part in _observations(record)
            ),
        )

    def _placer_number(self, report: r.ReportRecord) -> str | None:
        """Match on our placer number only: a filler's numbers are another house's names."""
        for identifier in report.identifiers:
            if identifier.system == self._systems.order:
                return identifier.value
        for link in report.based_on:
            request: Mapping[str, Any] = self._raw.get(str(link), {})
            for identifier in request.get("identifier", ()):
                if identifier.get("system") == self._systems.order:
                    return str(identifier.get("value"))
        return None


def _observations(record: r.ObservationRecord) -> list[LabObservation]:
    """Flatten an observation: its own value, or one row for each component."""
    own = LabObservation(
        source_id=str(record.source),
        status=record.status,
        code=record.code.code_in(_LOINC),
        display=record.code.label or "Observation",
        effective=record.effective.at if record.effective else None,
        **_value(record.quantity, record.concept, record.text, record.boolean),
        absent_reason=record.absent_reason,
        interpretation=next(iter(record.interpretations), None),
        **_range(record.ranges),
        note="\n".join(record.notes) or None,
    )
    parts = [
        LabObservation(
            source_id=f"{record.source}#{number}",
            status=record.status,
            code=part.code.code_in(_LOINC),
            display=part.code.label or "Component",
            effective=own.effective,
            **_value(part.quantity, part.concept, part.text, None),
            absent_reason=part.absent_reason,
            interpretation=next(iter(part.interpretations), None),
            **_range(part.ranges),
            note=None,
        )
        for number, part in enumerate(record.components)
    ]
    has_value = own.value is not None or own.text is not None or own.absent_reason is not None
    return [own, *parts] if has_value or not parts else parts


def _value(
    quantity: r.Amount | None, concept: r.Concept | None, text: str | None, boolean: bool | None
) -> dict[str, Any]:
    said = concept.label if concept else text
    if said is None and boolean is not None:
        said = "yes" if boolean else "no"
    return {
        "value": quantity.value if quantity else None,
        "comparator": quantity.comparator if quantity else None,
        "unit": quantity.unit if quantity else None,
        "ucum": quantity.code if quantity else None,
        "text": said,
    }


def _range(ranges: Sequence[r.ReferenceRange]) -> dict[str, Any]:
    usual = ranges[0] if ranges else r.ReferenceRange(None, None, None)
    return {
        "low": usual.low.value if usual.low else None,
        "high": usual.high.value if usual.high else None,
        "range_text": usual.text,
    }


def _next_cursor(cursor: str | None, reports: Sequence[r.ReportRecord]) -> str:
    """Go on from the newest change that the server itself dated: clocks need not agree."""
    newest = max((report.source.updated or "" for report in reports), default="")
    if not newest:
        return cursor or "1970-01-01T00:00:00Z"
    try:
        moment = datetime.fromisoformat(newest).astimezone(UTC) - _OVERLAP
    except ValueError:
        raise AnswerInvalid("the server dates a resource with no instant") from None
    return max(cursor or "", moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"))


def _literal(link: str) -> r.Reference | None:
    steps = link.split("/_history/")[0].split("/")
    return r.Reference(steps[-2], steps[-1]) if len(steps) > 1 else None


def _reference(resource: Resource) -> str:
    kind, id = resource.get("resourceType"), resource.get("id")
    if kind and id:
        return f"{kind}/{id}"
    if location := resource.get("location"):
        found = _literal(str(location))
        if found is not None:
            return str(found)
    raise PeerConflict("the server took a resource and did not say under which name")
