"""An asynchronous client for a FHIR R4 server (RESTful API, R4 section 3.1).

One client per server. It owns its connections: use it as an async context manager. Calls that
may be repeated without a second effect (reads, searches, updates without a version, conditional
creates) are retried; others are tried once, since an unanswered write may have happened. Each
attempt has a deadline and passes the circuit breaker. Errors are those of
:mod:`drassist.adapters.errors`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlencode, urljoin, urlsplit

import aiohttp
import stamina

from drassist.adapters.errors import (
    AdapterError,
    AnswerInvalid,
    PeerConflict,
    PeerForbidden,
    PeerNotFound,
    PeerRefused,
    PeerUnavailable,
)
from drassist.adapters.fhir.breaker import Breaker
from drassist.fhir import codec
from drassist.fhir.codec import Resource

__all__ = ["Entry", "FhirClient", "FhirServer"]

_JSON = "application/fhir+json"
_LATER = frozenset({408, 425, 429, 500, 502, 503, 504})
_REFUSALS: Mapping[int, type[PeerRefused]] = {
    401: PeerForbidden,
    403: PeerForbidden,
    404: PeerNotFound,
    409: PeerConflict,
    410: PeerNotFound,
    412: PeerConflict,
}
_LONGEST_WAIT = 5.0  # seconds; a longer Retry-After is left to whoever called us


@dataclass(frozen=True, slots=True)
class FhirServer:
    """Where a FHIR server is and how patiently to talk to it (times in seconds)."""

    base_url: str
    token: str | None = field(default=None, repr=False)
    timeout: float = 15.0
    attempts: int = 4
    page_size: int = 200
    largest_body: int = 64 * 1024 * 1024
    failures_before_rest: int = 5
    rest: float = 10.0


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a transaction (R4 section 3.1.0.11.1)."""

    method: str
    url: str
    resource: Resource | None = None
    full_url: str | None = None
    if_none_exist: str | None = None
    if_match: str | None = None

    @property
    def repeatable(self) -> bool:
        """Whether sending the entry twice has the effect of sending it once."""
        return self.if_none_exist is not None or (self.method != "POST" and not self.if_match)


@dataclass(frozen=True, slots=True)
class _Call:
    method: str
    url: str
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    repeatable: bool = True


class FhirClient:
    """Reads and writes one FHIR server; see the module's docstring for its promises."""

    def __init__(self, server: FhirServer, *, session: aiohttp.ClientSession | None = None) -> None:
        self.server = server
        self._base = server.base_url.rstrip("/") + "/"
        self._session = session
        self._owns_session = session is None
        self._breaker = Breaker(
            urlsplit(self._base).netloc, failures=server.failures_before_rest, rest=server.rest
        )

    async def __aenter__(self) -> Self:
        self._open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections, unless the session was handed in by the caller."""
        if self._owns_session and self._session is not None:
            await self._session.close()
            self._session = None

    async def capabilities(self) -> Resource:
        """Return the server's CapabilityStatement."""
        return await self._ask(_Call("GET", self._base + "metadata"))

    async def read(self, kind: str, id: str) -> Resource:
        """Return the current version of one resource, or raise :class:`PeerNotFound`."""
        return await self._ask(_Call("GET", self._url(kind, id)))

    async def search(
        self, kind: str, parameters: Mapping[str, str | Sequence[str]] | None = None
    ) -> AsyncIterator[Resource]:
        """Yield each resource that matches, page after page, in the server's order.

        Pages are followed by the server's ``next`` links and only within the server's base;
        resources that the server includes come too, its OperationOutcomes do not.
        """
        query: dict[str, str | Sequence[str]] = {"_count": str(self.server.page_size)}
        query.update(parameters or {})
        url: str | None = f"{self._base}{kind}?{urlencode(query, doseq=True)}"
        seen: set[str] = set()
        while url is not None:
            seen.add(url)
            bundle = await self._ask(_Call("GET", url))
            if bundle.get("resourceType") != "Bundle":
                raise AnswerInvalid(f"{self._name}: the answer to a search of {kind} is no Bundle")
            for resource in _matches(bundle):
                yield resource
            url = self._next(bundle)
            if url in seen:
                raise AnswerInvalid(f"{self._name}: the pages of a search of {kind} go in a circle")

    async def count(self, kind: str, parameters: Mapping[str, str] | None = None) -> int:
        """Return how many resources match, as the server counts them."""
        query = {"_summary": "count", **(parameters or {})}
        bundle = await self._ask(_Call("GET", f"{self._base}{kind}?{urlencode(query)}"))
        total = bundle.get("total")
        if not isinstance(total, int):
            raise AnswerInvalid(f"{self._name}: a count of {kind} has no total")
        return total

    async def create(self, resource: Resource, *, if_none_exist: str | None = None) -> Resource:
        """Create a resource and return it as the server stored it.

        With ``if_none_exist`` (a search query) an existing single match is returned instead,
        and the call may be retried; more than one match raises :class:`PeerConflict`.
        """
        kind = resource["resourceType"]
        headers = {"If-None-Exist": if_none_exist} if if_none_exist else {}
        call = _Call(
            "POST", self._base + kind, codec.dumps(resource), headers, if_none_exist is not None
        )
        return await self._ask(call)

    async def update(self, resource: Resource, *, if_match: str | None = None) -> Resource:
        """Write a resource under its own id; ``if_match`` is the version that it replaces.

        Another version on the server raises :class:`PeerConflict`.
        """
        headers = {"If-Match": f'W/"{if_match}"'} if if_match else {}
        url = self._url(resource["resourceType"], resource["id"])
        return await self._ask(
            _Call("PUT", url, codec.dumps(resource), headers, repeatable=if_match is None)
        )

    async def transaction(self, entries: Sequence[Entry]) -> tuple[Resource, ...]:
        """Apply all entries or none; returns what the server answered for each, in order."""
        bundle: Resource = {
            "resourceType": "Bundle",
            "type": "transaction",
            "entry": [_entry(entry) for entry in entries],
        }
        repeatable = all(entry.repeatable for entry in entries)
        answer = await self._ask(_Call("POST", self._base, codec.dumps(bundle), {}, repeatable))
        answered = answer.get("entry")
        if not isinstance(answered, list) or len(answered) != len(entries):
            raise AnswerInvalid(f"{self._name}: a transaction's answer lacks entries")
        return tuple(answered)

    # One call: retried, guarded, bounded, translated.

    async def _ask(self, call: _Call) -> Resource:
        attempts = self.server.attempts if call.repeatable else 1
        async for attempt in stamina.retry_context(
            on=_wait_or_stop, attempts=attempts, timeout=None, wait_initial=0.1, wait_jitter=0.2
        ):
            with attempt:
                async with self._breaker.calling():
                    return await self._send(call)
        raise AssertionError("stamina returns or raises")  # pragma: no cover

    async def _send(self, call: _Call) -> Resource:
        headers = {"Accept": _JSON, "Prefer": "return=representation", **call.headers}
        if call.body is not None:
            headers["Content-Type"] = _JSON
        if self.server.token:
            headers["Authorization"] = f"Bearer {self.server.token}"
        try:
            async with (
                asyncio.timeout(self.server.timeout),
                self._open().request(
                    call.method, call.url, data=call.body, headers=headers, allow_redirects=False
                ) as response,
            ):
                body = await self._body(response)
                return self._answer(call, response.status, response.headers, body)
        except TimeoutError:
            raise PeerUnavailable(
                f"{self._name}: no answer to {call.method} within {self.server.timeout:g} s"
            ) from None
        except aiohttp.ClientError as error:
            raise PeerUnavailable(
                f"{self._name}: {call.method} failed ({type(error).__name__})"
            ) from None

    async def _body(self, response: aiohttp.ClientResponse) -> bytes:
        chunks, size = [], 0
        async for chunk in response.content.iter_any():
            size += len(chunk)
            if size > self.server.largest_body:
                raise AnswerInvalid(
                    f"{self._name}: an answer is larger than {self.server.largest_body} bytes"
                )
            chunks.append(chunk)
        return b"".join(chunks)

    def _answer(
        self, call: _Call, status: int, headers: Mapping[str, str], body: bytes
    ) -> Resource:
        if status in _LATER:
            raise PeerUnavailable(
                f"{self._name}: {call.method} answered {status}",
                retry_after=_seconds(headers.get("Retry-After")),
            )
        if status >= 300:
            raise self._refusal(call, status, body)
        if not body:
            # Prefer: return=minimal is a server's right; the location says what was made.
            return {"location": headers.get("Location", "")}
        try:
            return codec.loads(body)
        except codec.NotJson as error:
            raise AnswerInvalid(f"{self._name}: the answer is {error}") from None

    def _refusal(self, call: _Call, status: int, body: bytes) -> AdapterError:
        issues = _issues(body)
        reason = f" ({', '.join(issues)})" if issues else ""
        kind = _REFUSALS.get(status, PeerRefused)
        return kind(
            f"{self._name}: {call.method} answered {status}{reason}", status=status, issues=issues
        )

    # Addresses.

    @property
    def _name(self) -> str:
        return urlsplit(self._base).netloc

    def _url(self, kind: str, id: str) -> str:
        return f"{self._base}{quote(kind, safe='')}/{quote(id, safe='')}"

    def _next(self, bundle: Resource) -> str | None:
        for link in bundle.get("link", ()):
            if link.get("relation") == "next" and isinstance(link.get("url"), str):
                url: str = urljoin(self._base, link["url"])
                if not url.startswith(self._base):
                    # our token must not follow a link to somewhere else
                    raise AnswerInvalid(f"{self._name}: the next page lies on another server")
                return url
        return None

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=16), trust_env=False
            )
        return self._session


def _wait_or_stop(error: Exception) -> bool | float:
    if not isinstance(error, PeerUnavailable):
        return False
    if error.retry_after is None:
        return True
    return error.retry_after if error.retry_after <= _LONGEST_WAIT else False


def _matches(bundle: Resource) -> list[Resource]:
    return [
        entry["resource"]
        for entry in bundle.get("entry", ())
        if isinstance(entry, dict)
        and isinstance(entry.get("resource"), dict)
        and (entry.get("search") or {}).get("mode") != "outcome"
    ]


def _entry(entry: Entry) -> Resource:
    request: dict[str, Any] = {"method": entry.method, "url": entry.url}
    if entry.if_none_exist:
        request["ifNoneExist"] = entry.if_none_exist
    if entry.if_match:
        request["ifMatch"] = f'W/"{entry.if_match}"'
    shown: Resource = {"request": request}
    if entry.full_url:
        shown["fullUrl"] = entry.full_url
    if entry.resource is not None:
        shown["resource"] = entry.resource
    return shown


def _issues(body: bytes) -> tuple[str, ...]:
    """Return the coded part of an OperationOutcome: diagnostics may quote a patient's data."""
    try:
        outcome = codec.loads(body)
    except codec.NotJson:
        return ()
    found = []
    for issue in outcome.get("issue", ()) if isinstance(outcome.get("issue"), list) else ():
        code = str(issue.get("code", "unknown"))[:64]
        places = issue.get("expression") or issue.get("location") or ()
        found.append(f"{code} at {str(places[0])[:120]}" if places else code)
    return tuple(found[:10])


def _seconds(retry_after: str | None) -> float | None:
    """Return the wait of a Retry-After header given in seconds; dates are left aside."""
    if retry_after is None or not retry_after.strip().isdigit():
        return None
    return float(retry_after)
