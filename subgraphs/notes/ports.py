"""What notes needs from outside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from drassist.clinical import Subject

__all__ = ["NoteArchive", "Patients", "SignedNote", "SignedSection"]


class Patients(Protocol):
    """Tells who a patient is; raises while it cannot know."""

    async def identify(self, patient_id: str) -> Subject: ...


@dataclass(frozen=True, slots=True)
class SignedSection:
    """A section of a signed note: its LOINC code, its title, its text."""

    title: str
    code: str | None
    text: str


@dataclass(frozen=True, slots=True)
class SignedNote:
    """A signed version, complete enough to be a FHIR document."""

    id: str
    version: int
    title: str
    amended: bool
    signed_at: datetime
    author: str
    author_number: str | None
    encounter: str | None
    subject: Subject
    sections: tuple[SignedSection, ...]


class NoteArchive(Protocol):
    """Where signed notes go.

    ``publish`` returns the document's name there, None when there is no such place. Publishing
    the same version again finds the one that is there. Raises ``AdapterError``.
    """

    async def publish(self, note: SignedNote) -> str | None: ...
