"""Draft, decide, edit, sign, amend: what a doctor may do with a note, and who sees it when."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from importlib import import_module
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, event

from drassist import graph
from drassist.events import MemoryBus
from drassist.language import (
    Context,
    Document,
    DraftNote,
    Entity,
    Section,
    Sentence,
    Suggestion,
    Utterance,
)
from drassist.runtime.database import Database
from drassist.runtime.identity import Identity, Role
from drassist.runtime.migrations import drift, migrate
from drassist.runtime.settings import Settings
from subgraphs.notes.models import Note, metadata
from subgraphs.notes.schema import make_schema
from tests.patience import PATIENCE
from tests.watching import watchers

DOCTOR = Identity.of(Role.DOCTOR, practitioner_id="Practitioner:1", name="Dr. Rao")
COLLEAGUE = Identity.of(Role.DOCTOR, practitioner_id="Practitioner:2", name="Dr. Sen")
NURSE = Identity.of(Role.NURSE)
LAB = Identity.of(Role.LAB)
ASHA = Identity.of(Role.PATIENT, patient_id="Patient:asha")
OTHER = Identity.of(Role.PATIENT, patient_id="Patient:other")

NOTE = """id version status authorName author { id } sections { code title text
  sentences { text segmentIds entityIds } } suggestions { number heard medicine clear confidence segmentIds decision }
  versions { number signedBy reason document sections { code text } }"""
READ = f"query($id: ID!) {{ clinicalNote(id: $id) {{ {NOTE} }} }}"
DRAFT = f"""mutation($input: DraftNoteInput!) {{ draftNote(input: $input) {{
  note {{ {NOTE} entities {{ id kind label segmentId }} }} errors {{ code message }} }} }}"""
EDIT = f"""mutation($id: ID!, $v: Int!, $sections: [SectionInput!]!) {{
  editNote(id: $id, expectedVersion: $v, sections: $sections) {{
    note {{ {NOTE} }} errors {{ code field }} }} }}"""
DECIDE = f"""mutation($id: ID!, $v: Int!, $decisions: [SuggestionDecisionInput!]!) {{
  decideSuggestions(id: $id, expectedVersion: $v, decisions: $decisions) {{
    note {{ {NOTE} entities {{ id label decision }} }} errors {{ code field }} }} }}"""
SIGN = f"""mutation($id: ID!, $v: Int!) {{ signNote(id: $id, expectedVersion: $v) {{
  note {{ {NOTE} }} errors {{ code }} }} }}"""
AMEND = f"""mutation($id: ID!, $v: Int!, $sections: [SectionInput!]!, $reason: String!) {{
  amendNote(id: $id, expectedVersion: $v, sections: $sections, reason: $reason) {{
    note {{ {NOTE} }} errors {{ code field }} }} }}"""
CHART = """query($reps: [_Any!]!) { _entities(representations: $reps) {
  ... on Patient { notes { edges { node { id status } } } }
  ... on Encounter { ofVisit: notes { id status } }
  ... on ClinicalNote { id status } } }"""


class Repeating:
    """A language engine that repeats what was said, hears one medicine and mishears another."""

    def analyze(self, utterances: tuple[Utterance, ...], context: Context) -> Document:
        third = utterances[2]
        entity = Entity("e1", "medicine", "metformin", 7, 16, third.id, "metformin")
        suggestions = (
            Suggestion("met", "metoprolol", 0.7, tuple(u.id for u in utterances[1:3])),
            Suggestion("metformin", "Metformin", 1, (third.id,)),
        )
        said = [
            Sentence("met " + u.text, (u.id,), ("e1",) if u is third else ()) for u in utterances
        ]
        note = DraftNote(
            (
                Section("S", "Subjective", tuple(said[:3])),
                Section("O", "Objective", ()),
                Section("A", "Assessment", ()),
                Section("P", "Plan", tuple(said[3:])),
            )
        )
        return Document((entity,), (), suggestions, note)


@pytest.fixture
async def clinic(settings: Settings, serve: Any) -> AsyncIterator[Any]:
    async with serve(settings, nlp=Repeating()) as house:
        yield house


@pytest.fixture
async def small_clinic(sqlite_settings: Settings, serve: Any) -> AsyncIterator[Any]:
    async with serve(sqlite_settings, nlp=Repeating()) as house:
        yield house


async def draft(clinic: Any) -> Any:
    await clinic.recorded()
    answer = (await clinic.ask(DRAFT, input={"encounterId": "Encounter:1"}))["draftNote"]
    assert answer["errors"] == []
    return answer["note"]


async def decide(clinic: Any, note: Any, *decisions: str, errors: Any = ()) -> Any:
    """Decide the suggestions from the first on; gives the note."""
    given = [{"number": n, "decision": each} for n, each in enumerate(decisions)]
    answer = await clinic.ask(DECIDE, id=note["id"], v=note["version"], decisions=given)
    assert answer["decideSuggestions"]["errors"] == list(errors)
    return answer["decideSuggestions"]["note"]


async def signed(clinic: Any) -> Any:
    note = await draft(clinic)
    note = await decide(clinic, note, "REJECTED", "ACCEPTED")
    answer = (await clinic.ask(SIGN, id=note["id"], v=2))["signNote"]
    assert answer["errors"] == []
    return answer["note"]


def said(text: str, **links: Any) -> list[dict[str, Any]]:
    return [{"code": "ASSESSMENT", "sentences": [{"text": text, **links}]}]


def test_every_type_field_and_argument_is_described() -> None:
    assert graph.undescribed(make_schema()) == []


async def test_the_migrations_say_what_the_models_say(settings: Settings) -> None:
    database = Database.open(settings, "notes")
    await migrate(database, "subgraphs.notes")
    assert await drift(database, metadata) == []
    await database.aclose()


async def test_a_draft_of_an_earlier_release_keeps_its_suggestions(settings: Settings) -> None:
    old = {"heard": "met", "medicine": "metoprolol", "confidence": 0.7, "decision": None}
    database = Database.open(settings, "notes")
    await migrate(database, "subgraphs.notes")
    async with database.transaction() as session:
        note = Note(encounter_id="Encounter:1", patient_id="Patient:asha", author_name="Dr. Rao")
        note.suggestions = [{**old, "utterance_id": "Segment:1"}]
        session.add(note)

    def again(connection: Connection) -> None:
        with Operations.context(MigrationContext.configure(connection)):
            migration.upgrade()

    migration = import_module(
        "subgraphs.notes.migrations.versions.0002_every_medicine_is_a_suggestion"
    )
    async with database.engine.begin() as connection:
        await connection.run_sync(again)
    async with database.session() as session:
        (found,) = (await session.scalars(sa.select(Note))).all()
    assert found.suggestions == [{**old, "utterance_ids": ["Segment:1"], "clear": False}]
    await database.aclose()


async def test_there_is_no_draft_before_there_are_words(small: Any) -> None:
    answer = (await small.ask(DRAFT, input={"encounterId": "Encounter:1"}))["draftNote"]
    assert [error["code"] for error in answer["errors"]] == ["WRONG_STATE"]


async def test_the_rules_draft_a_note_whose_sentences_name_their_segments(small: Any) -> None:
    note = await small.drafted()
    segments = {s["id"]: s["text"] for s in (await small.transcript())["segments"]}
    assert [section["code"] for section in note["sections"]] == [
        "SUBJECTIVE",
        "OBJECTIVE",
        "ASSESSMENT",
        "PLAN",
    ]
    sentences = [s for section in note["sections"] for s in section["sentences"]]
    assert sentences
    assert all(set(s["segmentIds"]) <= set(segments) and s["segmentIds"] for s in sentences)
    named = {entity["label"].lower(): entity for entity in note["entities"]}
    assert "metformin" in segments[named["metformin"]["segmentId"]]
    assert {id for s in sentences for id in s["entityIds"]} <= {e["id"] for e in note["entities"]}


async def test_a_draft_is_of_its_author_and_links_to_what_was_said(small_clinic: Any) -> None:
    note = await draft(small_clinic)
    assert (note["status"], note["version"]) == ("DRAFT", 1)
    assert (note["authorName"], note["author"]["id"]) == ("Dr. Rao", "Practitioner:1")
    segments = [s["id"] for s in (await small_clinic.transcript())["segments"]]
    linked = [s["segmentIds"] for part in note["sections"] for s in part["sentences"]]
    assert linked == [[id] for id in segments]
    assert note["entities"] == [
        {"id": "e1", "kind": "MEDICINE", "label": "metformin", "segmentId": segments[2]}
    ]


async def test_every_medicine_is_a_suggestion_with_its_confidence_and_its_place(small: Any) -> None:
    note = await small.drafted()
    (suggestion,) = note["suggestions"]
    assert (suggestion["medicine"], suggestion["clear"]) == ("Metformin", True)
    assert suggestion["decision"] is None
    found = (await small.ask(READ, id=note["id"]))["clinicalNote"]["suggestions"][0]
    segments = {s["id"]: s for s in (await small.transcript())["segments"]}
    assert ["metformin" in segments[id]["text"] for id in found["segmentIds"]] == [True]
    assert found["confidence"] == 0.9  # the name itself, as sure as the engine was of the segment


async def test_a_note_is_not_signed_before_each_medicine_is_decided(small_clinic: Any) -> None:
    note = await draft(small_clinic)
    for decided in ([], [{"number": 1, "decision": "ACCEPTED"}]):
        if decided:
            await small_clinic.ask(DECIDE, id=note["id"], v=1, decisions=decided)
        version = 1 + len(decided)
        refused = (await small_clinic.ask(SIGN, id=note["id"], v=version))["signNote"]
        assert [error["code"] for error in refused["errors"]] == ["SAFETY_STOP"]
        assert (await small_clinic.ask(READ, id=note["id"]))["clinicalNote"]["status"] == "DRAFT"
    more = [{"number": 0, "decision": "REJECTED"}]
    await small_clinic.ask(DECIDE, id=note["id"], v=2, decisions=more)
    assert (await small_clinic.ask(SIGN, id=note["id"], v=3))["signNote"]["errors"] == []


async def test_an_accepted_name_stands_where_it_was_misheard(small_clinic: Any) -> None:
    note = await decide(small_clinic, await draft(small_clinic), "ACCEPTED", "ACCEPTED")
    assert [s["decision"] for s in note["suggestions"]] == ["ACCEPTED", "ACCEPTED"]
    assert note["entities"] == [{"id": "e1", "label": "metformin", "decision": "ACCEPTED"}]
    subjective = [sentence["text"] for sentence in note["sections"][0]["sentences"]]
    # the word itself, where it was heard; metformin is another word
    assert subjective[2].startswith("metoprolol I take metformin")
    assert subjective[1].startswith("metoprolol No chest pain")
    assert subjective[0].startswith("met I have")
    assert (await small_clinic.ask(SIGN, id=note["id"], v=2))["signNote"]["errors"] == []


async def test_a_rejected_name_does_not_stand_in_a_signed_note(small_clinic: Any) -> None:
    note = await decide(small_clinic, await draft(small_clinic), "REJECTED", "REJECTED")
    refused = (await small_clinic.ask(SIGN, id=note["id"], v=2))["signNote"]
    assert [error["code"] for error in refused["errors"]] == ["SAFETY_STOP"]
    sections = said(
        "takes something for her sugar", segmentIds=note["suggestions"][1]["segmentIds"]
    )
    await small_clinic.ask(EDIT, id=note["id"], v=2, sections=sections)
    assert (await small_clinic.ask(SIGN, id=note["id"], v=3))["signNote"]["errors"] == []


@pytest.mark.parametrize(
    ("numbers", "error"),
    [
        ([0], {"code": "WRONG_STATE", "field": ["decisions", "0", "number"]}),
        ([1, 5], {"code": "NOT_FOUND", "field": ["decisions", "1", "number"]}),
        ([1, -1], {"code": "NOT_FOUND", "field": ["decisions", "1", "number"]}),
        ([1, 1], {"code": "VALIDATION_FAILED", "field": ["decisions"]}),
        ([], {"code": "VALIDATION_FAILED", "field": ["decisions"]}),
    ],
    ids=["decided", "unknown", "negative", "twice", "none"],
)
async def test_a_wrong_decision_decides_nothing(
    small_clinic: Any, numbers: list[int], error: dict[str, Any]
) -> None:
    note = await decide(small_clinic, await draft(small_clinic), "ACCEPTED")
    given = [{"number": n, "decision": "ACCEPTED"} for n in numbers]
    answer = await small_clinic.ask(DECIDE, id=note["id"], v=2, decisions=given)
    assert answer["decideSuggestions"]["errors"] == [error]
    found = (await small_clinic.ask(READ, id=note["id"]))["clinicalNote"]
    assert (found["version"], found["suggestions"][1]["decision"]) == (2, None)


async def test_of_two_who_edit_the_same_version_one_reads_again(clinic: Any) -> None:
    note = await draft(clinic)
    answers = await asyncio.gather(
        *(clinic.ask(EDIT, id=note["id"], v=1, sections=said(text)) for text in ("one", "two"))
    )
    errors = [error for answer in answers for error in answer["editNote"]["errors"]]
    assert errors == [{"code": "VERSION_CONFLICT", "field": ["expectedVersion"]}]
    found = (await clinic.ask(READ, id=note["id"]))["clinicalNote"]
    assert found["version"] == 2
    assert [s["text"] for s in found["sections"]] in (["", "", "one", ""], ["", "", "two", ""])


async def test_a_signed_note_is_not_changed_and_an_amendment_is_another_version(
    clinic: Any,
) -> None:
    note = await signed(clinic)
    assert (note["status"], [v["number"] for v in note["versions"]]) == ("SIGNED", [1])
    first = note["versions"][0]
    id, v = note["id"], note["version"]
    for text, more in ((EDIT, {"sections": said("x")}), (SIGN, {}), (DECIDE, _decision())):
        answer = await clinic.ask(text, id=id, v=v, **more)
        assert [e["code"] for payload in answer.values() for e in payload["errors"]] == [
            "WRONG_STATE"
        ]
    stale = (await clinic.ask(AMEND, id=id, v=1, sections=said("x"), reason="r"))["amendNote"]
    assert [error["code"] for error in stale["errors"]] == ["VERSION_CONFLICT"]
    more = {"sections": said("bronchitis, right side"), "reason": "the side was wrong"}
    amended = (await clinic.ask(AMEND, COLLEAGUE, id=id, v=v, **more))["amendNote"]
    assert amended["errors"] == []
    found = (await clinic.ask(READ, id=id))["clinicalNote"]
    assert found["status"] == "AMENDED"
    assert found["versions"][0]["sections"] == first["sections"]
    second = found["versions"][1]
    assert (second["number"], second["signedBy"]) == (2, "Dr. Sen")
    assert second["reason"] == "the side was wrong"
    assert second["sections"][2] == {"code": "ASSESSMENT", "text": "bronchitis, right side"}


def _decision() -> dict[str, Any]:
    return {"decisions": [{"number": 0, "decision": "ACCEPTED"}]}


async def test_a_draft_is_not_amended_and_an_amendment_says_why(small_clinic: Any) -> None:
    note = await draft(small_clinic)
    given = {"id": note["id"], "v": 1, "sections": said("x")}
    answer = (await small_clinic.ask(AMEND, **given, reason="because"))["amendNote"]
    assert [error["code"] for error in answer["errors"]] == ["WRONG_STATE"]
    answer = (await small_clinic.ask(AMEND, **given, reason="  "))["amendNote"]
    assert answer["errors"] == [{"code": "VALIDATION_FAILED", "field": ["reason"]}]


async def test_signing_is_the_authors(small_clinic: Any) -> None:
    note = await draft(small_clinic)
    given = {"id": note["id"], "v": 1}
    answer = (await small_clinic.ask(SIGN, COLLEAGUE, **given))["signNote"]
    assert [error["code"] for error in answer["errors"]] == ["NOT_ALLOWED"]
    for who in (NURSE, LAB, ASHA):
        assert await small_clinic.refused(SIGN, who, **given) == "FORBIDDEN"
    assert await small_clinic.refused(SIGN, Identity(), **given) == "UNAUTHENTICATED"


@pytest.mark.parametrize(
    "sections",
    [
        [{"code": "PLAN", "sentences": []}] * 2,
        [{"code": "PLAN", "sentences": [{"text": "x"}] * 401}],
        said("x" * 4_001),
        said(" "),
        said("x", segmentIds=["Segment:none"]),
        said("x", entityIds=["e99"]),
        said("x", segmentIds=["Segment:none"] * 51),
    ],
    ids=["twice", "too many", "too long", "empty", "segment", "entity", "links"],
)
async def test_sections_are_bounded_and_their_links_exist(
    small_clinic: Any, sections: list[dict[str, Any]]
) -> None:
    note = await draft(small_clinic)
    answer = (await small_clinic.ask(EDIT, id=note["id"], v=1, sections=sections))["editNote"]
    assert answer["errors"] == [{"code": "VALIDATION_FAILED", "field": ["sections"]}]


async def test_a_sentence_keeps_its_links_and_an_empty_note_is_not_signed(
    small_clinic: Any,
) -> None:
    note = await draft(small_clinic)
    segment = (await small_clinic.transcript())["segments"][0]["id"]
    sections = said("a fever", segmentIds=[segment], entityIds=["e1"])
    edited = (await small_clinic.ask(EDIT, id=note["id"], v=1, sections=sections))["editNote"][
        "note"
    ]
    assert edited["sections"][2]["sentences"] == [
        {"text": "a fever", "segmentIds": [segment], "entityIds": ["e1"]}
    ]
    await decide(small_clinic, edited, "REJECTED", "REJECTED")
    await small_clinic.ask(EDIT, id=note["id"], v=3, sections=[])
    answer = (await small_clinic.ask(SIGN, id=note["id"], v=4))["signNote"]
    assert [error["code"] for error in answer["errors"]] == ["VALIDATION_FAILED"]


@pytest.mark.parametrize("who", [ASHA, NURSE])
async def test_a_draft_is_seen_by_those_who_write_notes_only(clinic: Any, who: Identity) -> None:
    note = await draft(clinic)
    reps = [
        {"__typename": "Patient", "id": "Patient:asha"},
        {"__typename": "Encounter", "id": "Encounter:1"},
        {"__typename": "ClinicalNote", "id": note["id"]},
    ]
    assert (await clinic.ask(READ, who, id=note["id"]))["clinicalNote"] is None
    hidden = (await clinic.ask(CHART, who, reps=reps))["_entities"]
    assert hidden == [{"notes": {"edges": []}}, {"ofVisit": []}, None]
    await decide(clinic, note, "REJECTED", "ACCEPTED")
    await clinic.ask(SIGN, id=note["id"], v=2)
    shown = (await clinic.ask(CHART, who, reps=reps))["_entities"]
    one = {"id": note["id"], "status": "SIGNED"}
    assert shown == [{"notes": {"edges": [{"node": one}]}}, {"ofVisit": [one]}, one]


async def test_the_chart_of_another_patient_stays_closed(small_clinic: Any) -> None:
    note = await signed(small_clinic)
    assert (await small_clinic.ask(READ, OTHER, id=note["id"]))["clinicalNote"] is None
    reps = [{"__typename": "Patient", "id": "Patient:asha"}]
    assert await small_clinic.refused(CHART, OTHER, reps=reps) == "FORBIDDEN"
    reps = [{"__typename": "ClinicalNote", "id": note["id"]}]
    assert await small_clinic.refused(CHART, LAB, reps=reps) == "FORBIDDEN"


async def test_changes_of_a_note_are_told_with_ids_only(
    sqlite_settings: Settings, serve: Any
) -> None:
    bus = MemoryBus()
    async with (
        serve(sqlite_settings, bus, nlp=Repeating()) as clinic,
        await bus.subscribe("notes.note.*") as events,
    ):
        text = """subscription { noteChanged(encounterId: "Encounter:1") { status version } }"""
        stream = clinic.subgraph.subscribe(text, identity=DOCTOR)
        watched = watchers(bus)
        waiting = asyncio.ensure_future(anext(stream))
        await watched(1)
        note = await signed(clinic)
        async with asyncio.timeout(PATIENCE):
            seen = [await waiting, await anext(stream), await anext(stream)]
            told = [await anext(aiter(events)) for _ in range(3)]
        await stream.aclose()
    assert [s["data"]["noteChanged"]["status"] for s in seen][-1] == "SIGNED"
    assert [e.topic for e in told] == [
        "notes.note.drafted",
        "notes.note.edited",
        "notes.note.signed",
    ]
    assert dict(told[2].data) == {
        "encounter_id": "Encounter:1",
        "patient_id": "Patient:asha",
        "number": 1,
    }
    assert {e.subject for e in told} == {note["id"]}


async def test_many_notes_and_transcripts_are_read_with_one_statement_each(clinic: Any) -> None:
    for n in range(4):
        await clinic.recorded(f"Encounter:{n}")
        await clinic.ask(DRAFT, input={"encounterId": f"Encounter:{n}"})
    statements: list[str] = []

    def count(*given: Any) -> None:
        if str(given[2]).startswith("SELECT"):
            statements.append(str(given[2]))

    engine = clinic.subgraph.services.database.engine.sync_engine
    text = """query($reps: [_Any!]!) { _entities(representations: $reps) { ... on Encounter {
      transcript { segments { text } recordings { id } } notes { id versions { number } } } } }"""
    reps = [{"__typename": "Encounter", "id": f"Encounter:{n}"} for n in range(4)]
    event.listen(engine, "before_cursor_execute", count)
    found = (await clinic.ask(text, reps=reps))["_entities"]
    event.remove(engine, "before_cursor_execute", count)
    assert [len(encounter["transcript"]["segments"]) for encounter in found] == [4] * 4
    assert [len(encounter["notes"]) for encounter in found] == [1] * 4
    # the relay looks at its outbox whenever it likes
    assert len([s for s in statements if "outbox" not in s]) == 4
