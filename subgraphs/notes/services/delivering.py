"""From the outbox to the EHR: a signed version becomes a FHIR document there, once."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from drassist.adapters.errors import AdapterError
from drassist.events import Event, Undeliverable
from drassist.runtime.database import Database
from subgraphs.notes.models import Note, NoteVersion
from subgraphs.notes.ports import NoteArchive, Patients, SignedNote, SignedSection

__all__ = ["EHR", "Deliveries", "text_of"]

EHR: Final = "ehr"

# LOINC codes of the sections of a SOAP note
_CODES: Final = {"S": "61150-9", "O": "61149-1", "A": "51848-0", "P": "18776-5"}


class Deliveries:
    """The EHR as a destination of the outbox; one that is away delays a note and loses none."""

    def __init__(self, database: Database, archive: NoteArchive, patients: Patients) -> None:
        self._database = database
        self._archive = archive
        self._patients = patients

    async def deliver(self, event: Event) -> None:
        number = int(event.data["number"] or 1)
        async with self._database.session() as session:
            note = await session.get(Note, event.subject)
            sealed = await session.scalar(
                sa.select(NoteVersion).where(
                    NoteVersion.note_id == event.subject,  # type: ignore[arg-type]
                    NoteVersion.number == number,  # type: ignore[arg-type]
                )
            )
        if note is None or sealed is None:
            raise Undeliverable("the signed version does not exist")
        try:
            subject = await self._patients.identify(note.patient_id)
            name = await self._archive.publish(_signed(note, sealed, subject))
        except AdapterError as error:
            if error.retryable:
                raise
            raise Undeliverable(f"{error.code}: {error.message}") from None
        if name is None:
            return
        async with self._database.transaction() as session:
            await session.execute(
                sa.update(NoteVersion)
                .where(NoteVersion.id == sealed.id)
                .values(document=name[:200])
            )


def _signed(note: Note, sealed: NoteVersion, subject: Any) -> SignedNote:
    return SignedNote(
        id=note.id,
        version=sealed.number,
        title="Consultation note",
        amended=sealed.number > 1,
        signed_at=sealed.signed_at,
        author=sealed.signed_by,
        author_number=None,
        encounter=note.encounter_id,
        subject=subject,
        sections=tuple(
            SignedSection(section["title"], _CODES.get(section["code"]), text_of(section))
            for section in sealed.sections
            if section["sentences"]
        ),
    )


def text_of(section: dict[str, Any]) -> str:
    """The section as running text."""
    return " ".join(sentence["text"] for sentence in section["sentences"])
