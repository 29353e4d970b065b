"""Who is calling: user, role, scopes, client, device and purpose, from a verified token.

A subgraph believes a signed token, or the router that verified it in the same process; nothing
else. Scopes follow SMART on FHIR v2 (``user/Patient.rs``, ``patient/Observation.rs``) plus our
commands (``dra/note.sign``). What a role may do by default is the table :data:`ROLE_SCOPES`.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Protocol, TypeAlias

import aiohttp
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from drassist.runtime.settings import IdentitySettings

__all__ = [
    "ANONYMOUS",
    "ROLE_SCOPES",
    "SERVICE_SCOPES",
    "Authenticator",
    "Identity",
    "InvalidCredentials",
    "JwtAuthenticator",
    "KeySource",
    "RemoteKeys",
    "Role",
    "TrustedIdentity",
    "authenticator",
    "command",
    "reads",
    "scopes_of",
    "writes",
]

ScopeSets: TypeAlias = tuple[tuple[str, ...], ...]
"""Alternatives (OR) of scopes that must all be held (AND), as ``@requiresScopes`` has them."""

IDENTITY_HEADER: Final = "x-drassist-identity"


class Role(StrEnum):
    """The named roles; a hospital maps its own onto these."""

    DOCTOR = "doctor"
    NURSE = "nurse"
    FRONT_DESK = "front_desk"
    LAB = "lab"
    PHARMACY = "pharmacy"
    PATIENT = "patient"
    SYSTEM = "system"


_STAFF: Final = frozenset(Role) - {Role.PATIENT}


@dataclass(frozen=True, slots=True)
class Identity:
    """A caller. ``subject`` is None for an anonymous one, who holds no scope.

    ``patient_id`` is the one chart that a caller in the patient role may see; ``purpose`` is a
    v3 ActReason code such as ``TREAT``.
    """

    subject: str | None = None
    name: str | None = None
    roles: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    patient_id: str | None = None
    practitioner_id: str | None = None
    client: str | None = None
    device: str | None = None
    purpose: str = "TREAT"
    claims: Mapping[str, Any] = field(default_factory=dict)

    @property
    def authenticated(self) -> bool:
        return self.subject is not None

    @property
    def is_patient(self) -> bool:
        """Whether the caller sees one chart only: whoever has no role among the staff."""
        return self.roles.isdisjoint(_STAFF)

    def may(self, alternatives: Iterable[Iterable[str]]) -> bool:
        """Whether one of the alternatives is held in full."""
        return any(self.scopes.issuperset(scopes) for scopes in alternatives)

    def may_see_patient(self, patient_id: str | None) -> bool:
        """Whether this chart is open to the caller at all; scopes decide about its parts."""
        return not self.is_patient or (patient_id is not None and patient_id == self.patient_id)

    @classmethod
    def system(cls, name: str = "system") -> Identity:
        """The system itself, in jobs and imports: every scope that any role has."""
        every = frozenset().union(*ROLE_SCOPES.values())
        return cls(subject=name, name=name, roles=frozenset({Role.SYSTEM}), scopes=every)

    @classmethod
    def service(cls, name: str) -> Identity:
        """One of our services in its own name: it learns who a patient is, and nothing else."""
        return cls(subject=name, name=name, roles=frozenset({Role.SYSTEM}), scopes=SERVICE_SCOPES)

    @classmethod
    def of(cls, role: Role, subject: str | None = None, **fields: Any) -> Identity:
        """A caller in ``role`` with that role's default scopes; for development and tests."""
        return cls(
            subject=subject or str(role), roles=frozenset({role}), scopes=scopes_of(role), **fields
        )


ANONYMOUS: Final = Identity()


def reads(*resources: str) -> ScopeSets:
    """Reading these resources: as staff, or as the patient whose they are."""
    return (
        tuple(f"user/{resource}.rs" for resource in resources),
        tuple(f"patient/{resource}.rs" for resource in resources),
    )


def writes(*resources: str) -> ScopeSets:
    """Creating or changing these resources as staff."""
    return (tuple(f"user/{resource}.cu" for resource in resources),)


def command(name: str) -> ScopeSets:
    """A command that a right of its own guards, such as ``note.sign``."""
    return ((f"dra/{name}",),)


def _user(read: str, write: str, *commands: str) -> frozenset[str]:
    return frozenset(
        [f"user/{resource}.rs" for resource in (read + " " + write).split()]
        + [f"user/{resource}.cu" for resource in write.split()]
        + [f"dra/{command}" for command in commands]
    )


ROLE_SCOPES: Final[Mapping[Role, frozenset[str]]] = {
    Role.DOCTOR: _user(
        "Patient RelatedPerson Practitioner Location Schedule Specimen MedicationDispense "
        "DiagnosticReport Consent DocumentReference",
        "Appointment QueueToken Encounter Observation Condition AllergyIntolerance Task "
        "Recording Composition ServiceRequest MedicationRequest",
        "note.sign",
        "rx.sign",
        "rx.override",
        "result.release",
        "critical.ack",
        "consent.request",
        "glass.break",
    ),
    Role.NURSE: _user(
        "Patient RelatedPerson Practitioner Location Schedule Appointment Condition Composition "
        "ServiceRequest DiagnosticReport MedicationRequest MedicationDispense",
        "QueueToken Encounter Observation AllergyIntolerance Task Specimen",
    ),
    Role.FRONT_DESK: _user(
        "Practitioner Location",
        "Patient RelatedPerson Schedule Appointment QueueToken Task",
        "patient.merge",
        "patient.identifiers",
    )
    | {"user/Encounter.rs", "user/Encounter.cu"},
    Role.LAB: _user(
        "Patient Practitioner Location Appointment",
        "ServiceRequest Specimen Observation DiagnosticReport Task",
    ),
    Role.PHARMACY: _user(
        "Patient Practitioner Location AllergyIntolerance MedicationRequest",
        "MedicationDispense Task",
    ),
    Role.PATIENT: frozenset(
        f"patient/{resource}.rs"
        for resource in [
            "Patient",
            "RelatedPerson",
            "Practitioner",
            "Location",
            "Schedule",
            "Appointment",
            "QueueToken",
            "Encounter",
            "Observation",
            "Condition",
            "AllergyIntolerance",
            "Composition",
            "ServiceRequest",
            "DiagnosticReport",
            "MedicationRequest",
            "MedicationDispense",
            "Consent",
            "DocumentReference",
        ]
    )
    | {"patient/Appointment.cu", "patient/Consent.cu"},
    Role.SYSTEM: frozenset(),
}


SERVICE_SCOPES: Final = frozenset({"user/Patient.rs", "dra/patient.identifiers"})
"""What a service may do that tells peers who a patient is: name, dates, and her numbers."""


def scopes_of(*roles: str) -> frozenset[str]:
    """The default scopes of these roles together; a role that we do not know has none."""
    known = [ROLE_SCOPES[Role(role)] for role in roles if role in set(Role)]
    return frozenset().union(*known)


class InvalidCredentials(Exception):
    """There are credentials, and they are wrong. The reason never quotes them."""


class Authenticator(Protocol):
    """Finds the caller in the headers of a request (lower-case names).

    No credentials give :data:`ANONYMOUS`; wrong ones raise :class:`InvalidCredentials`.
    """

    async def __call__(self, headers: Mapping[str, str]) -> Identity: ...


KeySource: TypeAlias = Callable[[], Awaitable[KeySet]]
"""Gives the issuer's present public keys."""


def authenticator(settings: IdentitySettings, keys: KeySource | None = None) -> Authenticator:
    """The authenticator that the settings ask for; ``keys`` spares the fetch in one process."""
    if settings.mode == "trusted":
        return TrustedIdentity()
    return JwtAuthenticator(settings, keys or RemoteKeys(settings.jwks_url, settings.jwks_max_age))


class JwtAuthenticator:
    """Verifies bearer tokens of one issuer locally: signature, issuer, audience, time."""

    _ALGORITHMS: Final = ["RS256", "ES256", "EdDSA", "Ed25519"]

    def __init__(self, settings: IdentitySettings, keys: KeySource) -> None:
        self._keys = keys
        self._claims = jwt.JWTClaimsRegistry(
            leeway=settings.leeway,
            iss={"essential": True, "value": settings.issuer},
            aud={"essential": True, "value": settings.audience},
            sub={"essential": True},
            exp={"essential": True},
        )

    async def __call__(self, headers: Mapping[str, str]) -> Identity:
        credentials = headers.get("authorization")
        if not credentials:
            return ANONYMOUS
        scheme, _, token = credentials.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise InvalidCredentials("a bearer token is expected")
        try:
            claims = jwt.decode(
                token.strip(), await self._keys(), algorithms=self._ALGORITHMS
            ).claims
            self._claims.validate(claims)
        except (JoseError, ValueError) as error:
            raise InvalidCredentials(f"the token is not valid: {type(error).__name__}") from None
        return identity_from(claims, headers)


def identity_from(claims: Mapping[str, Any], headers: Mapping[str, str]) -> Identity:
    """Read verified claims; client, device and purpose come from headers where claims lack them."""
    roles = frozenset(r for r in claims.get("roles") or () if isinstance(r, str))
    granted = claims.get("scope")
    scopes = frozenset(granted.split()) if isinstance(granted, str) else scopes_of(*roles)
    return Identity(
        subject=str(claims["sub"]),
        name=_text(claims.get("name")),
        roles=roles,
        scopes=scopes,
        patient_id=_text(claims.get("patient_id")),
        practitioner_id=_text(claims.get("practitioner_id")),
        client=_text(claims.get("client_id")) or headers.get("x-client-name"),
        device=_text(claims.get("device")) or headers.get("x-device-id"),
        purpose=_text(claims.get("purpose")) or headers.get("x-purpose-of-use") or "TREAT",
        claims=claims,
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


class TrustedIdentity:
    """Takes the claims that the router in this process verified, from one internal header.

    Only for subgraphs that no network reaches. :meth:`header` makes what ``__call__`` reads.
    """

    async def __call__(self, headers: Mapping[str, str]) -> Identity:
        text = headers.get(IDENTITY_HEADER)
        if not text:
            return ANONYMOUS
        try:
            claims = json.loads(text)
            return identity_from(claims, headers)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InvalidCredentials(f"unreadable identity: {type(error).__name__}") from None

    @staticmethod
    def header(claims: Mapping[str, Any]) -> dict[str, str]:
        return {IDENTITY_HEADER: json.dumps(dict(claims))}


class RemoteKeys:
    """An issuer's keys over HTTP, kept for ``max_age`` seconds and fetched once by many callers.

    While the issuer cannot be reached the keys at hand are used on; without any, tokens cannot be
    verified and are refused.
    """

    def __init__(self, url: str, max_age: float) -> None:
        self._url = url
        self._max_age = max_age
        self._keys: KeySet | None = None
        self._fetched = 0.0
        self._lock = asyncio.Lock()

    async def __call__(self) -> KeySet:
        if self._fresh():
            assert self._keys is not None
            return self._keys
        async with self._lock:
            if not self._fresh():
                await self._fetch()
        assert self._keys is not None
        return self._keys

    def _fresh(self) -> bool:
        return self._keys is not None and time.monotonic() - self._fetched < self._max_age

    async def _fetch(self) -> None:
        timeout = aiohttp.ClientTimeout(total=5)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as http,
                http.get(self._url) as answer,
            ):
                answer.raise_for_status()
                self._keys = KeySet.import_key_set(await answer.json(content_type=None))
                self._fetched = time.monotonic()
        except (aiohttp.ClientError, TimeoutError, JoseError, ValueError, KeyError):
            if self._keys is None:
                raise InvalidCredentials("the issuer's keys cannot be read") from None
            self._fetched = time.monotonic() - self._max_age + 10  # try again in ten seconds
