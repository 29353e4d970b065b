"""Who can log in during development: one person for each role."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["DEVELOPMENT_USERS", "DevelopmentUser"]


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
