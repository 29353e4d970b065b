"""Edit, decide, sign, amend: a signed version never changes, an amendment is another one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from drassist.graph import DomainError, ErrorCode
from drassist.runtime.database import Database, claim_version
from subgraphs.notes.models import Note, NoteVersion, Segment, outbox
from subgraphs.notes.services.delivering import EHR
from subgraphs.notes.services.drafting import note_event

__all__ = ["amend_note", "decide_suggestions", "edit_note", "sign_note"]

MAX_SENTENCES = 400
MAX_SENTENCE = 4_000
MAX_LINKS = 50
SECTIONS = {"S": "Subjective", "O": "Objective", "A": "Assessment", "P": "Plan"}

Sections = Sequence[dict[str, Any]]


async def edit_note(database: Database, id: str, version: int, sections: Sections) -> Note:
    """Replace a draft's sections."""
    checked = _checked(sections)
    async with database.transaction() as session:
        note = await _note(session, id)
        _demand(note, "draft", "A signed note is not edited: amend it.")
        await _demand_known_links(session, note, checked)
        await claim_version(session, note, version)
        note.sections = checked
        session.add(note)
        await outbox.add(session, note_event("edited", note))
    return note


async def decide_suggestions(
    database: Database, id: str, version: int, decisions: Sequence[tuple[int, str]]
) -> Note:
    """Take or drop suggested medicines, by number: ``accepted`` or ``rejected``.

    A name that was not heard clearly replaces, once it is accepted, the heard words in the sentences.
    All of them are decided, or none.
    """
    async with database.transaction() as session:
        note = await _note(session, id)
        _demand(note, "draft", "The note is signed already.")
        for place, (number, _) in enumerate(decisions):
            _demand_undecided(note, number, "decisions", str(place), "number")
        if len({number for number, _ in decisions}) != len(decisions) or not decisions:
            raise DomainError(
                ErrorCode.VALIDATION_FAILED,
                "Decide at least one suggestion, and none twice.",
                "decisions",
            )
        await claim_version(session, note, version)
        for number, decision in decisions:
            _decide(note, number, decision)
        session.add(note)
        await outbox.add(session, note_event("edited", note))
    return note


def _demand_undecided(note: Note, number: int, *path: str) -> None:
    if not 0 <= number < len(note.suggestions):
        raise DomainError(ErrorCode.NOT_FOUND, "There is no such suggestion.", *path)
    if note.suggestions[number]["decision"] is not None:
        raise DomainError(ErrorCode.WRONG_STATE, "It is decided already: edit the sentence.", *path)


def _decide(note: Note, number: int, decision: str) -> None:
    chosen = note.suggestions[number]
    note.suggestions = [
        {**each, "decision": decision} if place == number else each
        for place, each in enumerate(note.suggestions)
    ]
    if decision == "accepted" and not chosen["clear"]:
        heard, medicine = _word(chosen["heard"]), str(chosen["medicine"])
        note.sections = [
            {
                **section,
                "sentences": [
                    {**each, "text": heard.sub(lambda _: medicine, each["text"])}
                    if _rests_on(each, chosen)
                    else each
                    for each in section["sentences"]
                ],
            }
            for section in note.sections
        ]
        note.entities = [
            {**each, "label": medicine} if heard.fullmatch(each["label"]) else each
            for each in note.entities
        ]


def _word(text: str) -> re.Pattern[str]:
    """The text as a word of its own: "met" is also the beginning of metformin."""
    return re.compile(rf"(?<!\w){re.escape(text)}(?!\w)", re.IGNORECASE)


def _rests_on(sentence: Mapping[str, Any], suggestion: Mapping[str, Any]) -> bool:
    return not set(suggestion["utterance_ids"]).isdisjoint(sentence["segments"])


async def sign_note(
    database: Database, id: str, version: int, signer: str, signer_id: str | None
) -> Note:
    """Sign a draft: from now on it is immutable, and on its way to the EHR.

    Only its author signs it: NOT_ALLOWED for another doctor. SAFETY_STOP while a medicine is
    neither confirmed nor rejected, and while a rejected name stands in it.
    """
    async with database.transaction() as session:
        note = await _note(session, id)
        _demand(note, "draft", "The note is signed already.")
        if note.author_id is not None and note.author_id != signer_id:
            raise DomainError(ErrorCode.NOT_ALLOWED, "A draft is signed by its author.")
        _demand_medicines(note)
        _demand_words(note.sections)
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
        _demand_words(checked)
        await _demand_known_links(session, note, checked)
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


def _demand_medicines(note: Note) -> None:
    """Every name of a medicine was decided, and one that was rejected is not signed after all."""
    undecided = sum(each["decision"] is None for each in note.suggestions)
    if undecided:
        raise DomainError(
            ErrorCode.SAFETY_STOP,
            f"Confirm or reject each medicine first: {undecided} of {len(note.suggestions)} to decide.",
        )
    wrong = [s for s in note.suggestions if s["decision"] == "rejected" and s["clear"]]
    sentences = [each for section in note.sections for each in section["sentences"]]
    if any(
        _rests_on(sentence, each) and _word(each["heard"]).search(sentence["text"])
        for each in wrong
        for sentence in sentences
    ):
        raise DomainError(
            ErrorCode.SAFETY_STOP,
            "A rejected medicine still stands in the note: edit its sentence.",
        )


def _demand_words(sections: Sections) -> None:
    if not any(section["sentences"] for section in sections):
        raise DomainError(ErrorCode.VALIDATION_FAILED, "An empty note cannot be signed.")


async def _demand_known_links(session: AsyncSession, note: Note, sections: Sections) -> None:
    """A sentence rests on segments of this visit and names entities of this note."""
    sentences = [each for section in sections for each in section["sentences"]]
    segments = {id for each in sentences for id in each["segments"]}
    entities = {id for each in sentences for id in each["entities"]}
    if segments:
        said = sa.select(Segment.id).where(Segment.encounter_id == note.encounter_id)  # type: ignore[call-overload]
        segments -= set(await session.scalars(said))
    if segments or entities - {str(each["id"]) for each in note.entities}:
        raise DomainError(
            ErrorCode.VALIDATION_FAILED,
            "A sentence is linked to a segment or an entity that this note does not have.",
            "sections",
        )


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
    if len(sentences) > MAX_SENTENCES or not all(map(_in_bounds, sentences)):
        raise DomainError(
            ErrorCode.VALIDATION_FAILED,
            f"At most {MAX_SENTENCES} sentences of 1 to {MAX_SENTENCE} characters, each with "
            f"at most {MAX_LINKS} links.",
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


def _in_bounds(sentence: dict[str, Any]) -> bool:
    links = max(len(sentence["segments"]), len(sentence["entities"]))
    text = sentence["text"]
    return bool(text.strip()) and len(text) <= MAX_SENTENCE and links <= MAX_LINKS
