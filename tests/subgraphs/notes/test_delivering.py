"""A signed note reaches the EHR once, however often the EHR is away."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa

from drassist.adapters.errors import PeerRefused, PeerUnavailable
from drassist.runtime.identity import Identity, Role
from drassist.runtime.settings import AdapterSettings, FhirSettings, Settings
from drassist.testing.fhir_server import FhirServerStandIn
from subgraphs.notes.models import outbox
from tests.patience import PATIENCE

DOCTOR = Identity.of(Role.DOCTOR, practitioner_id="Practitioner:1", name="Dr. Rao")
EDIT = """mutation($id: ID!, $v: Int!, $sections: [SectionInput!]!) {
  editNote(id: $id, expectedVersion: $v, sections: $sections) { note { version }
    errors { code } } }"""
DECIDE = """mutation($id: ID!, $v: Int!, $decisions: [SuggestionDecisionInput!]!) {
  decideSuggestions(id: $id, expectedVersion: $v, decisions: $decisions) { note { version } } }"""
SIGN = """mutation($id: ID!, $v: Int!) { signNote(id: $id, expectedVersion: $v) {
  note { id version } errors { code } } }"""
AMEND = """mutation($id: ID!, $v: Int!, $sections: [SectionInput!]!) {
  amendNote(id: $id, expectedVersion: $v, sections: $sections, reason: "the side was wrong") {
    note { id } errors { code } } }"""
VERSIONS = "query($id: ID!) { clinicalNote(id: $id) { versions { number document } } }"

SECTIONS = [
    {"code": "ASSESSMENT", "sentences": [{"text": "Bronchitis."}, {"text": "No pneumonia."}]}
]
AMENDED = [{"code": "ASSESSMENT", "sentences": [{"text": "Bronchitis, right side."}]}]


async def sign(house: Any) -> dict[str, Any]:
    """A signed note of two sentences."""
    note = await house.drafted()
    accepted = [{"number": s["number"], "decision": "ACCEPTED"} for s in note["suggestions"]]
    decided = await house.ask(DECIDE, id=note["id"], v=note["version"], decisions=accepted)
    note = {**note, **decided["decideSuggestions"]["note"]}
    given = {"id": note["id"], "v": note["version"], "sections": SECTIONS}
    edited = (await house.ask(EDIT, **given))["editNote"]["note"]
    answer = (await house.ask(SIGN, id=note["id"], v=edited["version"]))["signNote"]
    assert answer["errors"] == []
    return dict(answer["note"])


async def arrived(house: Any, id: str, number: int = 1) -> list[str]:
    async def read() -> Any:
        return (await house.ask(VERSIONS, id=id))["clinicalNote"]["versions"]

    found = await house.until(read, lambda vs: len(vs) == number and vs[-1]["document"])
    return [version["document"] for version in found]


async def test_an_ehr_that_is_away_delays_a_note_and_loses_none(house: Any) -> None:
    house.archive.failure = PeerUnavailable("nobody answers")
    note = await sign(house)
    async with asyncio.timeout(PATIENCE):
        while house.archive.attempts < 3:
            await asyncio.sleep(0.02)
    (version,) = (await house.ask(VERSIONS, id=note["id"]))["clinicalNote"]["versions"]
    assert version["document"] is None
    house.archive.failure = None
    assert await arrived(house, note["id"]) == ["Bundle/1"]
    (stored,) = house.archive.stored.values()
    assert (stored.author, stored.version, stored.amended) == ("Dr. Rao", 1, False)
    assert [(s.code, s.text) for s in stored.sections] == [("51848-0", "Bronchitis. No pneumonia.")]


async def test_what_the_ehr_refuses_is_given_up_with_a_reason(small: Any) -> None:
    small.archive.failure = PeerRefused("the document is not accepted")
    await sign(small)
    database = small.subgraph.services.database

    async def dead() -> Any:
        async with database.session() as session:
            return await outbox.dead_letters(session)

    (letter,) = await small.until(dead, lambda letters: letters)
    assert letter.reason == "PEER_REFUSED: the document is not accepted"
    assert small.archive.attempts == 1


async def test_versions_arrive_in_the_order_of_signing(small: Any) -> None:
    small.archive.failure = PeerUnavailable("nobody answers")
    note = await sign(small)
    given = {"id": note["id"], "v": note["version"], "sections": AMENDED}
    assert (await small.ask(AMEND, **given))["amendNote"]["errors"] == []
    small.archive.failure = None
    assert await arrived(small, note["id"], 2) == ["Bundle/1", "Bundle/2"]
    assert [(n.version, n.amended) for n in small.archive.stored.values()] == [
        (1, False),
        (2, True),
    ]


@pytest.fixture
def with_ehr(sqlite_settings: Settings) -> Any:
    def reached(url: str) -> Settings:
        fhir = FhirSettings(url=url, timeout=2)
        return sqlite_settings.model_copy(update={"adapters": AdapterSettings(fhir=fhir)})

    return reached


async def test_a_fhir_server_keeps_each_version_once_as_a_document(
    with_ehr: Any, serve: Any
) -> None:
    async with FhirServerStandIn() as ehr, serve(with_ehr(ehr.url), archive=None) as house:
        await ehr.stop()  # the EHR is away while the note is signed
        note = await sign(house)
        await asyncio.sleep(0.3)
        async with ehr:
            first = await arrived(house, note["id"])
            ehr.forget_next_answer()  # it is taken there, and not known here
            given = {"id": note["id"], "v": note["version"], "sections": AMENDED}
            await house.ask(AMEND, **given)
            both = await arrived(house, note["id"], 2)
            bundles = ehr.all("Bundle")
    assert both[0] == first[0]
    assert [f"Bundle/{bundle['id']}" for bundle in bundles] == both
    assert [bundle["type"] for bundle in bundles] == ["document", "document"]
    compositions = [bundle["entry"][0]["resource"] for bundle in bundles]
    assert [c["status"] for c in compositions] == ["final", "amended"]
    texts = [section["text"]["div"] for c in compositions for section in c["section"]]
    assert "Bronchitis. No pneumonia." in texts[0]
    assert "right side" in texts[1]


async def test_without_an_ehr_a_signed_note_stays_here_and_nothing_waits(
    sqlite_settings: Settings, serve: Any
) -> None:
    async with serve(sqlite_settings, archive=None) as house:
        note = await sign(house)
        database = house.subgraph.services.database

        async def waiting() -> Any:
            async with database.session() as session:
                states = sa.select(outbox.table.c.state).distinct()
                return list(await session.scalars(states))

        assert await house.until(waiting, lambda states: states == ["delivered"])
        (version,) = (await house.ask(VERSIONS, id=note["id"]))["clinicalNote"]["versions"]
    assert version == {"number": 1, "document": None}
