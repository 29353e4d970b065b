"""Who can log in during development: one person for each role; and services of ours."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from typing import Any

__all__ = ["DEVELOPMENT_USERS", "DevelopmentUser", "ServiceClient"]


@dataclass(frozen=True, slots=True)
class DevelopmentUser:
    """A person of the development identity provider.

    ``claims`` go into the tokens as they are (``patient_id``, ``practitioner_id``).
    """

    username: str
    name: str
    role: str
    what: str
    claims: dict[str, Any] = field(default_factory=dict)

    def get_user_id(self) -> str:
        """Return the subject (authlib's name for it)."""
        return self.username


@dataclass(frozen=True, slots=True)
class ServiceClient:
    """A program that acts in its own name: confidential, and never for a person."""

    client_id: str
    secret: str = field(repr=False)
    scopes: frozenset[str]

    def get_client_id(self) -> str:
        return self.client_id

    def get_allowed_scope(self, scope: str) -> str:
        """What was asked for and may be had; all of it where nothing was asked for."""
        wanted = set(scope.split()) if scope else self.scopes
        return " ".join(sorted(self.scopes & wanted))

    def check_client_secret(self, client_secret: str) -> bool:
        return hmac.compare_digest(self.secret.encode(), client_secret.encode())

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == "client_secret_basic"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "client_credentials"

    def check_response_type(self, response_type: str) -> bool:
        return False

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return False

    def get_default_redirect_uri(self) -> None:
        return None


DEVELOPMENT_USERS: tuple[DevelopmentUser, ...] = (
    DevelopmentUser(
        "doctor",
        "Dr Asha Rao",
        "doctor",
        "consults, writes and signs notes, orders and prescribes",
    ),
    DevelopmentUser(
        "nurse",
        "Nisha Thomas",
        "nurse",
        "measures vitals, works on tasks",
    ),
    DevelopmentUser("frontdesk", "Farhan Ali", "front_desk", "registers, books and checks in"),
    DevelopmentUser("lab", "Lakshmi Iyer", "lab", "works on laboratory orders"),
    DevelopmentUser("pharmacy", "Paul D'Souza", "pharmacy", "dispenses prescriptions"),
    DevelopmentUser("patient", "Priya Sharma", "patient", "sees their own records on the phone"),
)
