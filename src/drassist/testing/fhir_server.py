"""A small FHIR R4 server in memory, with faults on demand, for tests of what talks to one.

Not a product to store charts in: it knows create, conditional create, read, update with a version
check, search by identifier, reference and ``_lastUpdated`` with ``_include`` and pages, and
transactions that happen whole or not at all. What real servers do wrong, it does when told to:

    async with FhirServerStandIn() as server:
        server.fail_next(503, retry_after=1)     # answer 503 once, then as usual
        server.forget_next_answer()              # do the work, then cut the connection
"""

from __future__ import annotations

import asyncio
import copy
import itertools
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlencode
from uuid import uuid4

from aiohttp import web

from drassist.fhir import codec
from drassist.fhir.codec import Resource

__all__ = ["FhirServerStandIn"]

_JSON = "application/fhir+json"
_INCLUDES: Mapping[str, tuple[str, str]] = {
    "DiagnosticReport:result": ("DiagnosticReport", "result"),
    "DiagnosticReport:based-on": ("DiagnosticReport", "basedOn"),
    "MedicationDispense:prescription": ("MedicationDispense", "authorizingPrescription"),
}
_KINDS = (
    "Patient",
    "Practitioner",
    "Encounter",
    "Condition",
    "AllergyIntolerance",
    "MedicationRequest",
    "MedicationDispense",
    "Observation",
    "DiagnosticReport",
    "ServiceRequest",
    "Immunization",
    "Bundle",
)


class _Refusal(Exception):
    def __init__(self, status: int, code: str, diagnostics: str) -> None:
        super().__init__(diagnostics)
        self.status = status
        self.code = code


@dataclass(frozen=True, slots=True)
class _Fault:
    status: int = 0
    retry_after: int | None = None
    body: bytes = b""
    cut: bool = False
    stall: float = 0


@dataclass(slots=True)
class FhirServerStandIn:
    """Listens on 127.0.0.1 while used as a context manager; ``url`` is its base."""

    token: str | None = None
    requests: list[tuple[str, str]] = field(default_factory=list)
    _store: dict[str, dict[str, Resource]] = field(default_factory=dict)
    _faults: deque[_Fault] = field(default_factory=deque)
    _late: dict[str, float] = field(default_factory=dict)
    _runner: web.AppRunner | None = None
    _port: int = 0
    _ticks: Iterator[int] = field(default_factory=itertools.count)
    _born: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/fhir"

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_route("*", "/fhir{path:.*}", self._handle)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Stop listening; what is stored stays, and ``async with`` starts it on the same port."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    # What a test says.

    def fail_next(
        self, status: int, *, times: int = 1, retry_after: int | None = None, body: bytes = b""
    ) -> None:
        """Answer the next requests with ``status`` and do nothing else."""
        self._faults.extend([_Fault(status, retry_after, body)] * times)

    def forget_next_answer(self, *, times: int = 1) -> None:
        """Do what the next requests ask, then cut the connection instead of answering."""
        self._faults.extend([_Fault(cut=True)] * times)

    def stall_next(self, seconds: float, *, times: int = 1) -> None:
        """Let the next requests wait before they are looked at."""
        self._faults.extend([_Fault(stall=seconds)] * times)

    def stall_after_next(self, kind: str, seconds: float) -> None:
        """Do what the next write of ``kind`` asks, then wait before answering."""
        self._late[kind] = seconds

    def put(self, resource: Resource) -> Resource:
        """Store a resource as if another client had; returns it with its id and version."""
        return self._write(copy.deepcopy(resource), resource.get("id"))

    def all(self, kind: str) -> tuple[Resource, ...]:
        """Return the current resources of a kind, oldest first."""
        return tuple(self._store.get(kind, {}).values())

    # What a client asks.

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append((request.method, request.path_qs.removeprefix("/fhir")))
        fault = self._faults.popleft() if self._faults else None
        if fault is not None and fault.stall:
            await asyncio.sleep(fault.stall)
        elif fault is not None and not fault.cut:
            headers = {"Retry-After": str(fault.retry_after)} if fault.retry_after else {}
            return web.Response(status=fault.status, headers=headers, body=fault.body)
        try:
            status, body = self._answer(request, await request.read())
        except _Refusal as refusal:
            status, body = refusal.status, _outcome(refusal)
        kind = str(body.get("resourceType"))
        if request.method == "POST" and kind in self._late:
            await asyncio.sleep(self._late.pop(kind))
        if fault is not None and fault.cut and request.transport is not None:
            request.transport.close()
        return web.Response(status=status, body=codec.dumps(body), content_type=_JSON)

    def _answer(self, request: web.Request, text: bytes) -> tuple[int, Resource]:
        if self.token and request.headers.get("Authorization") != f"Bearer {self.token}":
            raise _Refusal(401, "login", "who are you?")
        steps = [step for step in request.match_info["path"].split("/") if step]
        body = self._body(text) if request.method in ("POST", "PUT") else {}
        match (request.method, steps):
            case ("GET", ["metadata"]):
                return 200, _capabilities()
            case ("GET", [kind]):
                return 200, self._search(kind, parse_qsl(request.query_string))
            case ("GET", [kind, id]):
                return 200, self._read(kind, id)
            case ("POST", []):
                return 200, self._transaction(body)
            case ("POST", [kind]):
                return self._create(kind, body, request.headers.get("If-None-Exist"))
            case ("PUT", [kind, id]):
                return self._update(kind, id, body, request.headers.get("If-Match"))
            case _:
                raise _Refusal(405, "not-supported", "not here")

    def _body(self, text: bytes) -> Resource:
        try:
            return codec.loads(text)
        except codec.NotJson as error:
            raise _Refusal(400, "structure", str(error)) from None

    def _read(self, kind: str, id: str) -> Resource:
        found = self._store.get(kind, {}).get(id)
        if found is None:
            raise _Refusal(404, "not-found", "no such resource")
        return found

    def _create(self, kind: str, body: Resource, unless: str | None) -> tuple[int, Resource]:
        if body.get("resourceType") != kind:
            raise _Refusal(400, "invalid", "another resourceType than the address says")
        if unless is not None:
            query = [(key, value) for key, value in parse_qsl(unless)]
            match [x for x in self.all(kind) if _fits(x, query)]:
                case [found]:
                    return 200, found
                case [_, *_]:
                    raise _Refusal(412, "multiple-matches", "more than one match")
        return 201, self._write(body, None)

    def _update(
        self, kind: str, id: str, body: Resource, version: str | None
    ) -> tuple[int, Resource]:
        held = self._store.get(kind, {}).get(id)
        if version is not None:
            seen = held["meta"]["versionId"] if held else None
            if version.removeprefix("W/").strip('"') != seen:
                raise _Refusal(412, "conflict", "another version is current")
        return (200 if held else 201), self._write(body, id)

    def _search(self, kind: str, query: list[tuple[str, str]]) -> Resource:
        found = sorted(
            (x for x in self.all(kind) if _fits(x, query)), key=lambda x: x["meta"]["lastUpdated"]
        )
        terms = dict(query)
        bundle: Resource = {"resourceType": "Bundle", "type": "searchset", "total": len(found)}
        if terms.get("_summary") == "count":
            return bundle
        count, offset = int(terms.get("_count", "20")), int(terms.get("_offset", "0"))
        page = found[offset : offset + count]
        if offset + count < len(found):
            further = {**terms, "_offset": str(offset + count)}
            pairs = [(k, v) for k, v in query if k in ("_include",)] + [
                (k, v) for k, v in further.items() if k != "_include"
            ]
            bundle["link"] = [{"relation": "next", "url": f"{self.url}/{kind}?{urlencode(pairs)}"}]
        included = self._included(page, [v for k, v in query if k == "_include"])
        bundle["entry"] = [{"resource": x, "search": {"mode": "match"}} for x in page] + [
            {"resource": x, "search": {"mode": "include"}} for x in included
        ]
        return bundle

    def _included(self, page: list[Resource], includes: list[str]) -> list[Resource]:
        found: dict[str, Resource] = {}
        for include in includes:
            kind, element = _INCLUDES.get(include, ("", ""))
            for resource in page:
                for link in resource.get(element, ()) if resource["resourceType"] == kind else ():
                    other, _, id = str(link.get("reference", "")).partition("/")
                    if held := self._store.get(other, {}).get(id):
                        found[f"{other}/{id}"] = held
        return list(found.values())

    def _transaction(self, bundle: Resource) -> Resource:
        before = copy.deepcopy(self._store)
        try:
            return {
                "resourceType": "Bundle",
                "type": "transaction-response",
                "entry": self._apply(bundle.get("entry", [])),
            }
        except Exception:
            self._store = before
            raise

    def _apply(self, entries: list[Resource]) -> list[Resource]:
        links: dict[str, str] = {}
        answers: list[Resource] = []
        for entry in entries:
            asked = entry["request"]
            body = _relinked(entry.get("resource", {}), links)
            kind, _, id = asked["url"].partition("/")
            if asked["method"] == "POST":
                status, made = self._create(kind, body, asked.get("ifNoneExist"))
            else:
                status, made = self._update(kind, id, body, asked.get("ifMatch"))
            links[entry.get("fullUrl", "")] = f"{kind}/{made['id']}"
            answers.append({"response": {"status": str(status)}, "resource": made})
        return answers

    def _write(self, resource: Resource, id: str | None) -> Resource:
        kind, id = resource["resourceType"], id or str(uuid4())
        held = self._store.setdefault(kind, {}).get(id)
        version = int(held["meta"]["versionId"]) + 1 if held else 1
        # each write a millisecond after the last, so that their order is never in doubt
        moment = max(datetime.now(UTC), self._born) + timedelta(milliseconds=next(self._ticks))
        meta = {
            "versionId": str(version),
            "lastUpdated": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        }
        stored = {**resource, "id": id, "meta": {**resource.get("meta", {}), **meta}}
        self._store[kind][id] = stored
        return copy.deepcopy(stored)


def _fits(resource: Resource, query: list[tuple[str, str]]) -> bool:
    for name, wanted in query:
        match name:
            case "identifier":
                system, _, value = wanted.rpartition("|")
                held = [(i.get("system", ""), i.get("value")) for i in _identifiers(resource)]
                if not any(v == value and (not system or s == system) for s, v in held):
                    return False
            case "_lastUpdated":
                if resource["meta"]["lastUpdated"] < wanted.removeprefix("ge"):
                    return False
            case "patient" | "subject":
                link = resource.get("subject") or resource.get("patient") or {}
                if str(link.get("reference", "")).split("/")[-1] != wanted.split("/")[-1]:
                    return False
            case "status":
                if resource.get("status") not in wanted.split(","):
                    return False
    return True


def _identifiers(resource: Resource) -> list[dict[str, Any]]:
    held = resource.get("identifier", [])
    return held if isinstance(held, list) else [held]


def _relinked(value: Any, links: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {
            key: links.get(item, item) if key == "reference" else _relinked(item, links)
            for key, item in value.items()
        }
    return [_relinked(item, links) for item in value] if isinstance(value, list) else value


def _outcome(refusal: _Refusal) -> Resource:
    issue = {"severity": "error", "code": refusal.code, "diagnostics": str(refusal)}
    return {"resourceType": "OperationOutcome", "issue": [issue]}


def _capabilities() -> Resource:
    interactions = [{"code": code} for code in ("read", "create", "update", "search-type")]
    kinds = [{"type": kind, "interaction": interactions} for kind in _KINDS]
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "fhirVersion": "4.0.1",
        "rest": [{"mode": "server", "resource": kinds}],
    }
