"""What every command has: an author, a client's key, and limits.

The key makes a command idempotent: the same key gives the first result again, and another command
under the same key is refused. Equality of commands is equality of their digests.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from typing import Any
from uuid import uuid4

import orjson

from drassist.graph.errors import DomainError, ErrorCode

__all__ = [
    "LAB",
    "OPEN",
    "PHARMACY",
    "Author",
    "check_command",
    "digest_of",
    "key_reused",
    "limit_text",
    "new_number",
    "required_text",
]

LAB, PHARMACY = "lab", "pharmacy"
"""Destinations of the outbox."""

OPEN = frozenset({"active", "on-hold"})
"""Statuses in which an order or a medicine can still be stopped."""

_MOST_AT_ONCE = 50
_LONGEST_TEXT = 2_000


@dataclass(frozen=True, slots=True)
class Author:
    """Who gives the command."""

    id: str | None
    name: str | None


def check_command(
    patient_id: str, encounter_id: str | None, key: str, count: int, name: str
) -> None:
    """Refuse what no patient, visit, key or list can be; ``name`` is the list's field."""
    if not patient_id.startswith("Patient:") or len(patient_id) > 80:
        raise DomainError(ErrorCode.VALIDATION_FAILED, "This is no patient's id.", "patientId")
    if encounter_id is not None and len(encounter_id) > 80:
        raise DomainError(ErrorCode.VALIDATION_FAILED, "This is no encounter's id.", "encounterId")
    if not 8 <= len(key) <= 80:
        raise DomainError(
            ErrorCode.VALIDATION_FAILED, "A client key has 8 to 80 characters.", "clientKey"
        )
    if not 1 <= count <= _MOST_AT_ONCE:
        raise DomainError(
            ErrorCode.VALIDATION_FAILED, f"Between 1 and {_MOST_AT_ONCE} at once.", name
        )


def required_text(text: str, name: str) -> str:
    if not text.strip():
        raise DomainError(ErrorCode.VALIDATION_FAILED, "Say why.", name)
    limit_text(text, name)
    return text.strip()


def limit_text(text: str | None, *path: str) -> None:
    if text is not None and len(text) > _LONGEST_TEXT:
        raise DomainError(
            ErrorCode.VALIDATION_FAILED, f"At most {_LONGEST_TEXT} characters.", *path
        )


def digest_of(command: Any) -> str:
    text = orjson.dumps(asdict(command), default=str, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(text).hexdigest()


def new_number(prefix: str) -> str:
    """Return a number that people can read out and that no other system mints."""
    return f"{prefix}-{uuid4().hex[:12].upper()}"


def key_reused() -> DomainError:
    return DomainError(ErrorCode.CONFLICT, "This key belongs to another command.", "clientKey")
