"""The whole system as one process, used as its users do: nothing here reaches inside."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import aiohttp
import pytest
from websockets.asyncio.client import connect

from drassist.demo import Consultation, Played, links
from drassist.demo import documents as doc
from drassist.demo.device import Device
from drassist.demo.people import SignInFailed, sign_in
from drassist.testing.consultation import turns
from tests.e2e.system import PASSWORD, embedded, play, run, serving
from tests.patience import PATIENCE

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running system with its sample patients."""
    folder = tmp_path_factory.mktemp("one-process")
    with serving(folder, embedded(folder)) as address:
        yield address


@pytest.fixture(scope="module")
def played(base: str) -> Played:
    """One consultation from check-in to the last query."""
    return play(Consultation(base, password=PASSWORD))


def test_everything_that_was_said_is_in_the_transcript_once(played: Played) -> None:
    assert [segment["text"] for segment in played.segments] == [turn.text for turn in turns()]
    assert played.partials > 0


def test_the_draft_knows_what_the_patient_does_not_have(played: Played) -> None:
    found = {(each["kind"], each["assertion"]) for each in played.note["entities"]}
    assert ("PROBLEM", "PRESENT") in found
    assert ("PROBLEM", "NEGATED") in found
    assert any(kind == "MEDICINE" for kind, _ in found)
    negated = [e["label"].lower() for e in played.note["entities"] if e["assertion"] == "NEGATED"]
    assert any("chest pain" in label for label in negated)


def test_every_medicine_of_the_draft_was_a_suggestion_that_the_doctor_decided(
    played: Played,
) -> None:
    medicines = {e["label"] for e in played.note["entities"] if e["kind"] == "MEDICINE"}
    assert medicines <= {each["medicine"] for each in played.note["suggestions"]}
    assert {each["decision"] for each in played.note["suggestions"]} == {"ACCEPTED"}


def test_each_sentence_of_the_draft_says_where_it_was_heard(played: Played) -> None:
    heard = {segment["id"] for segment in played.segments}
    sentences = [s for section in played.note["sections"] for s in section["sentences"]]
    assert any(sentence["segmentIds"] for sentence in sentences)
    assert all(set(sentence["segmentIds"]) <= heard for sentence in sentences)


def test_the_signed_note_is_version_one(played: Played) -> None:
    assert played.note["status"] == "SIGNED"
    assert [version["number"] for version in played.note["versions"]] == [1]
    assert played.note["versions"][0]["signedBy"]


def test_the_result_is_final_with_exact_values_and_units(played: Played) -> None:
    (report,) = played.order["reports"]
    assert report["status"] == "FINAL"
    values = [o["value"] for o in report["observations"] if o["value"]]
    assert values
    assert all(Decimal(value["value"]).is_finite() for value in values)
    assert all(value["unit"] for value in values)


def test_the_phone_shows_the_result_the_visit_and_what_to_take(played: Played) -> None:
    (report,) = played.order["reports"]
    assert report["id"] in {each["id"] for each in played.home["newResults"]}
    assert played.home["nextAppointment"]["localStart"]
    assert any("Azithromycin 500 mg" in due["line"] for due in played.home["medicinesDue"])


def test_the_patient_granted_and_every_step_is_kept(played: Played) -> None:
    assert played.consent["state"] == "GRANTED"
    states = [step["state"] for step in played.consent["history"]]
    assert states[0] == "REQUESTED"
    assert states[-1] == "GRANTED"


def test_one_query_answers_from_all_five_domains(played: Played) -> None:
    summary = played.summary
    assert summary["patient"]["name"] == "Priya Sharma"
    assert [note["status"] for note in summary["notes"]] == ["SIGNED"]
    (order,) = summary["orders"]["edges"]
    assert [report["status"] for report in order["node"]["reports"]] == ["FINAL"]
    assert summary["prescriptions"]["edges"]
    assert summary["patient"]["consents"]["edges"][0]["node"]["state"] == "GRANTED"


async def test_each_link_of_the_demo_opens_what_was_made(base: str, played: Played) -> None:
    found = {link.what: link for link in links(played)}
    assert list(found) == [
        "patient",
        "encounter",
        "note",
        "order",
        "result",
        "prescription",
        "consent",
        "phone",
    ]
    tokens = {"web": await _token(base, "doctor"), "mobile": await _token(base, "patient")}
    async with aiohttp.ClientSession() as http:
        async with http.get(f"{base}/config.json") as answer:
            clients = {each["name"]: each for each in (await answer.json())["clients"]}
        for link in found.values():
            address = urlsplit(link.url(base))
            query = dict(parse_qsl(address.query))
            async with http.get(f"{base}{address.path}") as page:
                assert (page.status, page.content_type) == (200, "text/html"), link
            saved = {each["name"] for each in clients[query["client"]]["operations"]}
            assert query["operation"] in saved
            variables = json.loads(query.get("variables", "{}"))
            device = Device(http, base, query["client"], tokens[query["client"]])
            (shown,) = (await device.run(query["operation"], **variables)).values()
            assert shown
            assert shown.get("id") in {*variables.values(), None}


@pytest.mark.slow
def test_the_real_engine_hears_the_consultation(tmp_path: Path) -> None:
    environment = embedded(tmp_path) | {"DRASSIST_SPEECH__ENGINE": "whisper"}
    with serving(tmp_path, environment) as address:
        # a real engine takes as long as the processor lets it
        consultation = Consultation(address, password=PASSWORD, patience=4 * PATIENCE)
        played = play(consultation, speed=4.0)
    words = " ".join(segment["text"] for segment in played.segments).lower()
    assert "chest pain" in words
    assert "metformin" in words
    assert "throat" in words
    assert played.partials > 0
    assert played.note["status"] == "SIGNED"
    assert played.home["newResults"]


async def _token(base: str, username: str, password: str = PASSWORD) -> str:
    async with aiohttp.ClientSession() as http:
        return await sign_in(http, f"{base}/identity", username, password)


async def _post(base: str, path: str, body: Any, token: str | None) -> tuple[int, dict[str, Any]]:
    headers = {"content-type": "application/json"}
    if token is not None:
        headers["authorization"] = f"Bearer {token}"
    raw = body if isinstance(body, str) else json.dumps(body)
    async with (
        aiohttp.ClientSession() as http,
        http.post(base + path, data=raw, headers=headers) as answer,
    ):
        return answer.status, await answer.json(content_type=None)


def _code(answer: dict[str, Any]) -> str:
    (error, *_) = answer["errors"]
    code: str = error["extensions"]["code"]
    return code


FIND = {"query": doc.FIND, "variables": {"text": "Priya"}}


async def test_a_wrong_password_gets_no_token(base: str) -> None:
    with pytest.raises(SignInFailed):
        await _token(base, "doctor", "guess")


@pytest.mark.parametrize("token", ["nonsense", "a.b.c"])
async def test_a_wrong_token_is_unauthenticated(base: str, token: str) -> None:
    status, answer = await _post(base, "/web/graphql", FIND, token)
    assert (status, _code(answer)) == (401, "INVALID_TOKEN")


async def test_a_token_with_a_changed_role_is_unauthenticated(base: str) -> None:
    head, payload, signature = (await _token(base, "patient")).split(".")
    other = (await _token(base, "doctor")).split(".")[1]
    for forged in (f"{head}.{other}.{signature}", f"{head}.{payload}."):
        status, answer = await _post(base, "/web/graphql", FIND, forged)
        assert status == 401
        assert answer["errors"][0]["extensions"]["code"] == "INVALID_TOKEN"


async def test_nobody_in_particular_sees_no_patient(base: str) -> None:
    _, answer = await _post(base, "/web/graphql", FIND, None)
    assert _code(answer) == "UNAUTHORIZED_FIELD_OR_TYPE"
    assert not answer.get("data")


async def test_a_wrong_role_is_refused_before_anything_happens(base: str) -> None:
    search = await _post(base, "/web/graphql", FIND, await _token(base, "patient"))
    assert _code(search[1]) == "UNAUTHORIZED_FIELD_OR_TYPE"
    sign = {"query": doc.SIGN, "variables": {"id": "ClinicalNote:1", "version": 1}}
    for role in ("frontdesk", "lab", "pharmacy"):
        _, answer = await _post(base, "/web/graphql", sign, await _token(base, role))
        assert _code(answer) == "UNAUTHORIZED_FIELD_OR_TYPE"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"query": "{ workspace { "}, "GRAPHQL_PARSE_FAILED"),
        ({"query": "{ nothingOfThatName }"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": doc.FIND, "variables": {"text": 7}}, "BAD_USER_INPUT"),
        ("{", "BAD_REQUEST"),
    ],
)
async def test_a_malformed_query_is_told_what_is_wrong(base: str, body: Any, code: str) -> None:
    _, answer = await _post(base, "/web/graphql", body, await _token(base, "doctor"))
    assert _code(answer) == code
    assert answer["errors"][0]["message"]


async def test_the_phone_may_only_send_what_was_saved_with_it(base: str) -> None:
    patient = await _token(base, "patient")
    _, answer = await _post(base, "/mobile/graphql", {"query": "{ home { __typename } }"}, patient)
    assert _code(answer) == "QUERY_NOT_IN_SAFELIST"


async def _recording(base: str, played: Played, token: str) -> str:
    wanted = {"encounterId": played.encounter_id, "patientId": played.patient["id"]}
    body = {"query": doc.RECORD, "variables": {"input": wanted}}
    _, answer = await _post(base, "/web/graphql", body, token)
    recording: str = answer["data"]["startRecording"]["recording"]["id"]
    return recording


async def _frames(base: str, *frames: str | bytes) -> AsyncIterator[dict[str, Any]]:
    async with connect(f"{base.replace('http', 'ws', 1)}/audio") as socket:
        for frame in frames:
            await socket.send(frame)
            yield json.loads(await asyncio.wait_for(socket.recv(), PATIENCE))


async def test_an_oversized_chunk_is_refused_and_the_recording_goes_on(
    base: str, played: Played
) -> None:
    token = await _token(base, "doctor")
    id = await _recording(base, played, token)
    start = json.dumps({"type": "start", "recordingId": id, "token": token})
    zero = bytes(8)
    answers = _frames(base, start, zero + bytes(300_000), zero + bytes(8_000), zero + b"odd")
    started, refused, taken, odd = [each async for each in answers]
    assert (started["type"], started["next"]) == ("started", 0)
    assert (refused["type"], refused["code"]) == ("error", "AUDIO_CHUNK_TOO_LARGE")
    assert taken == {"type": "ack", "through": 0}
    assert (odd["type"], odd["code"]) == ("error", "AUDIO_CHUNK_MALFORMED")


async def test_audio_needs_a_person_who_may_record(base: str, played: Played) -> None:
    id = await _recording(base, played, await _token(base, "doctor"))
    for token, code in (
        ("nonsense", "UNAUTHENTICATED"),
        (await _token(base, "frontdesk"), "FORBIDDEN"),
    ):
        start = json.dumps({"type": "start", "recordingId": id, "token": token})
        (refused,) = [each async for each in _frames(base, start)]
        assert (refused["type"], refused["code"]) == ("error", code)


def test_a_broken_bundle_is_named_and_nothing_of_it_is_quoted(tmp_path: Path) -> None:
    folder = tmp_path / "bundles"
    folder.mkdir()
    (folder / "torn.json").write_text('{"resourceType": "Bundle", "entry": [{"family": "Secret')
    ended = run("import", str(folder), folder=tmp_path, environment=embedded(tmp_path))
    assert ended.returncode == 1
    assert "FHIR_BUNDLE_INVALID: torn.json" in ended.stdout
    assert "Secret" not in ended.stdout + ended.stderr
    assert "Traceback" not in ended.stderr
