"""Edit, decide, sign, amend: a signed version never changes, an amendment is another one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from drassist.graph import DomainError, ErrorCode
from drassist.runtime.database import Database, claim_version
from subgraphs.notes.models import Note, NoteVersion, outbox
from subgraphs.notes.services.delivering import EHR
from subgraphs.notes.services.drafting import note_event

__all__ = ["amend_note", "decide_suggestion", "edit_note", "sign_note"]

MAX_SENTENCES = 400
MAX_SENTENCE = 4_000
SECTIONS = {"S": "Subjective", "O": "Objective", "A": "Assessment", "P": "Plan"}

Sections = Sequence[dict[str, Any]]


async def edit_note(database: Database, id: str, version: int, sections: Sections) -> Note:
    """Replace a draft's sections."""
    checked = _checked(sections)
    async with database.transaction() as session:
        note = await _note(session, id)
        _demand(note, "draft", "A signed note is not edited: amend it.")
        await claim_version(session, note, version)
        note.sections = checked
        session.add(note)
        await outbox.add(session, note_event("edited", note))
    return note


async def decide_suggestion(
    database: Database, id: str, version: int, number: int, *, accept: bool
) -> Note:
    """Take or drop a suggested medicine; taken, it replaces the heard word in the sentences."""
    async with database.transaction() as session:
        note = await _note(session, id)
        _demand(note, "draft", "The note is signed already.")
        if not 0 <= number < len(note.suggestions):
            raise DomainError(ErrorCode.NOT_FOUND, "There is no such suggestion.", "number")
        await claim_version(session, note, version)
        chosen = note.suggestions[number]
        decided = {**chosen, "decision": "accepted" if accept else "rejected"}
        note.suggestions = [
            decided if place == number else each for place, each in enumerate(note.suggestions)
        ]
        if accept:
            heard, medicine = str(chosen["heard"]), str(chosen["medicine"])
            segment = chosen["utterance_id"]
            note.sections = _with_text(
                note.sections,
                lambda s: (
                    s["text"].replace(heard, medicine) if segment in s["segments"] else s["text"]
                ),
            )
        session.add(note)
        await outbox.add(session, note_event("edited", note))
    return note


async def sign_note(database: Database, id: str, version: int, signer: str) -> Note:
    """Sign a draft: from now on it is immutable, and on its way to the EHR."""
    async with database.transaction() as session:
        note = await _note(session, id)
        _demand(note, "draft", "The note is signed already.")
        if any(each["decision"] is None for each in note.suggestions):
            raise DomainError(
                ErrorCode.SAFETY_STOP,
                "A medicine was heard unclearly: confirm or reject each suggestion first.",
            )
        if not any(section["sentences"] for section in note.sections):
            raise DomainError(ErrorCode.VALIDATION_FAILED, "An empty note cannot be signed.")
        await claim_version(session, note, version)
        note.status = "signed"
        await _seal(session, note, 1, signer, None)
    return note


async def amend_note(
    database: Database, id: str, version: int, sections: Sections, reason: str, signer: str
) -> Note:
    """Sign another version of a signed note; the earlier ones stay as they were."""
    checked = _checked(sections)
    if not reason.strip():
        raise DomainError(ErrorCode.VALIDATION_FAILED, "An amendment says why.", "reason")
    async with database.transaction() as session:
        note = await _note(session, id)
        if note.status == "draft":
            raise DomainError(ErrorCode.WRONG_STATE, "A draft is edited, not amended.")
        await claim_version(session, note, version)
        note.status, note.sections = "amended", checked
        number = await _versions(session, note.id) + 1
        await _seal(session, note, number, signer, reason[:2_000])
    return note


async def _seal(
    session: AsyncSession, note: Note, number: int, signer: str, reason: str | None
) -> None:
    session.add(note)
    sealed = NoteVersion(
        note_id=note.id,
        number=number,
        sections=note.sections,
        signed_by=signer[:200],
        reason=reason,
    )
    session.add(sealed)
    await session.flush()
    await outbox.add(session, note_event("signed", note, number=number))
    await outbox.add(session, note_event("to-ehr", note, number=number), to=(EHR,))


async def _versions(session: AsyncSession, note_id: str) -> int:
    import sqlalchemy as sa

    counted = sa.select(sa.func.count()).where(NoteVersion.note_id == note_id)  # type: ignore[arg-type]
    return int(await session.scalar(counted) or 0)


async def _note(session: AsyncSession, id: str) -> Note:
    note = await session.get(Note, id)
    if note is None:
        raise DomainError(ErrorCode.NOT_FOUND, "There is no such note.", "id")
    return note


def _demand(note: Note, status: str, otherwise: str) -> None:
    if note.status != status:
        raise DomainError(ErrorCode.WRONG_STATE, otherwise)


def _checked(sections: Sections) -> list[dict[str, Any]]:
    """Sections in SOAP order, each once, with sentences of a bounded size."""
    known = {str(section["code"]): section for section in sections}
    if len(known) != len(sections) or not set(known) <= set(SECTIONS):
        raise DomainError(
            ErrorCode.VALIDATION_FAILED,
            "Give each of the sections S, O, A and P at most once.",
            "sections",
        )
    sentences = [each for section in sections for each in section["sentences"]]
    if len(sentences) > MAX_SENTENCES or any(len(s["text"]) > MAX_SENTENCE for s in sentences):
        raise DomainError(
            ErrorCode.VALIDATION_FAILED,
            f"At most {MAX_SENTENCES} sentences of {MAX_SENTENCE} characters.",
            "sections",
        )
    return [
        {
            "code": code,
            "title": title,
            "sentences": list(known[code]["sentences"]) if code in known else [],
        }
        for code, title in SECTIONS.items()
    ]


def _with_text(sections: Sections, text: Callable[[dict[str, Any]], str]) -> list[dict[str, Any]]:
    return [
        {**section, "sentences": [{**each, "text": text(each)} for each in section["sentences"]]}
        for section in sections
    ]
