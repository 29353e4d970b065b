"""The audio socket: what is acknowledged is stored, and who may not record is told so."""

from __future__ import annotations

import json
from typing import Any

import pytest
import sqlalchemy as sa
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from drassist.runtime.settings import Settings, SpeechSettings
from drassist.speech.client import AudioRefused
from subgraphs.notes.models import AudioChunk

START = """mutation($input: StartRecordingInput!) { startRecording(input: $input) {
  recording { id } errors { code field } } }"""

PCM = b"\x01\x02" * 4_000


def chunk(sequence: int, pcm: bytes = PCM) -> bytes:
    return sequence.to_bytes(8, "big") + pcm


async def tell(connection: Any, message: bytes | str) -> dict[str, Any]:
    await connection.send(message)
    return dict(json.loads(await connection.recv()))


async def stored(house: Any, recording: str) -> list[bytes]:
    model: Any = AudioChunk
    chosen = sa.select(model).where(model.recording_id == recording).order_by(model.sequence)
    async with house.subgraph.services.database.session() as session:
        return [row.pcm for row in await session.scalars(chosen)]


async def test_an_acknowledged_chunk_is_stored_as_it_came(house: Any) -> None:
    id = await house.start()
    async with house.socket(id) as (connection, started):
        assert started == {"type": "started", "recordingId": id, "next": 0}
        for sequence in range(3):
            said = await tell(connection, chunk(sequence, bytes([sequence, 0]) * 100))
            assert said == {"type": "ack", "through": sequence}
            assert len(await stored(house, id)) == sequence + 1
    assert await stored(house, id) == [bytes([n, 0]) * 100 for n in range(3)]


async def test_a_chunk_that_comes_twice_is_stored_once(house: Any) -> None:
    id = await house.start()
    async with house.socket(id) as (connection, _):
        await tell(connection, chunk(0))
        await tell(connection, chunk(1))
        assert await tell(connection, chunk(0, b"other!")) == {"type": "ack", "through": 1}
    assert await stored(house, id) == [PCM, PCM]


async def test_a_gap_is_refused_with_the_chunk_that_is_expected(small: Any) -> None:
    id = await small.start()
    async with small.socket(id) as (connection, _):
        await tell(connection, chunk(0))
        said = await tell(connection, chunk(7))
        assert (said["code"], said["sequence"], said["next"]) == ("AUDIO_GAP", 7, 1)
        assert (await tell(connection, chunk(1)))["through"] == 1
        far = await tell(connection, chunk(2**64 - 1))
        assert (far["code"], far["next"]) == ("AUDIO_GAP", 2)


async def test_two_senders_of_one_recording_take_turns(house: Any) -> None:
    id = await house.start()
    async with house.socket(id) as (one, _), house.socket(id) as (other, _):
        assert (await tell(one, chunk(0)))["through"] == 0
        assert (await tell(other, chunk(0)))["through"] == 0
        assert (await tell(other, chunk(1)))["through"] == 1
    assert await stored(house, id) == [PCM, PCM]


@pytest.mark.parametrize(
    ("pcm", "code"),
    [
        (bytes(256_002), "AUDIO_CHUNK_TOO_LARGE"),
        (b"\x00\x00\x00", "AUDIO_CHUNK_MALFORMED"),
        (b"", "AUDIO_CHUNK_MALFORMED"),
    ],
)
async def test_a_bad_chunk_is_refused_with_a_code_and_the_next_one_is_taken(
    small: Any, pcm: bytes, code: str
) -> None:
    id = await small.start()
    async with small.socket(id) as (connection, _):
        said = await tell(connection, chunk(0, pcm))
        assert (said["type"], said["code"], said["sequence"]) == ("error", code, 0)
        assert await tell(connection, chunk(0)) == {"type": "ack", "through": 0}


async def test_a_recording_has_a_longest_length(sqlite_settings: Settings, serve: Any) -> None:
    short = SpeechSettings(max_recording_minutes=1, max_chunk_bytes=2_000_000)
    limited = sqlite_settings.model_copy(update={"speech": short})
    async with serve(limited) as house, house.socket(await house.start()) as (connection, _):
        assert (await tell(connection, chunk(0, bytes(59 * 32_000))))["through"] == 0
        said = await tell(connection, chunk(1, bytes(2 * 32_000)))
        assert said["code"] == "RECORDING_TOO_LONG"


async def test_a_finished_recording_takes_no_more(house: Any) -> None:
    id = await house.start()
    assert await house.speak(id, [PCM] * 2) == 1
    async with house.socket(id) as (connection, started):
        assert started["next"] == 2
        assert (await tell(connection, chunk(2)))["code"] == "RECORDING_CLOSED"
        said = await tell(connection, '{"type":"finish"}')  # twice is once
        assert said == {"type": "finished", "through": 1}
    with pytest.raises(AudioRefused) as refused:
        await house.speak(id, [PCM] * 3)
    assert refused.value.code == "RECORDING_CLOSED"


@pytest.mark.parametrize(
    ("token", "code", "close"),
    [
        ("", "UNAUTHENTICATED", 4401),
        ("forged", "UNAUTHENTICATED", 4401),
        ("nurse", "FORBIDDEN", 4403),
        ("patient", "FORBIDDEN", 4403),
        ("colleague", "FORBIDDEN", 4403),
    ],
)
async def test_only_the_doctor_who_records_may_send_audio(
    small: Any, token: str, code: str, close: int
) -> None:
    async with small.socket(await small.start(), token) as (connection, said):
        assert (said["type"], said["code"]) == ("error", code)
        with pytest.raises(ConnectionClosed):
            await connection.recv()
        assert connection.close_code == close


@pytest.mark.parametrize("id", ["RecordingSession:none", "a\x00b" * 5_000])
async def test_a_recording_must_exist(house: Any, id: str) -> None:
    async with house.socket(id) as (connection, said):
        assert said["code"] == "RECORDING_NOT_FOUND"
        with pytest.raises(ConnectionClosed):
            await connection.recv()
        assert connection.close_code == 4400


@pytest.mark.parametrize(
    "first",
    ["hello", "[]", '{"type":"finish"}', '"start"', "", chunk(0), '{"type":"start","token":{}}'],
)
async def test_whatever_comes_first_is_answered_with_a_code(small: Any, first: str | bytes) -> None:
    async with connect(small.url) as connection:
        await connection.send(first)
        said = json.loads(await connection.recv())
        assert said["code"] in ("BAD_MESSAGE", "UNAUTHENTICATED")
        with pytest.raises(ConnectionClosed):
            await connection.recv()
        assert connection.close_code in (4400, 4401)


async def test_a_chunk_without_a_whole_number_ends_the_conversation(small: Any) -> None:
    async with small.socket(await small.start()) as (connection, _):
        assert (await tell(connection, b"\x00" * 7))["code"] == "AUDIO_CHUNK_MALFORMED"
        with pytest.raises(ConnectionClosed):
            await connection.recv()
        assert connection.close_code == 4400


async def test_a_frame_larger_than_any_chunk_is_never_held(small: Any) -> None:
    async with small.socket(await small.start()) as (connection, _):
        with pytest.raises(ConnectionClosed):  # it may be closed before all of it is sent
            await tell(connection, chunk(0, bytes(17_000_000)))
        assert connection.close_code == 1009


async def test_a_silent_connection_is_closed_and_the_recording_stays_open(
    sqlite_settings: Settings, serve: Any
) -> None:
    async with serve(sqlite_settings, silent_after=0.1) as house:
        id = await house.start()
        async with house.socket(id) as (connection, _):
            assert json.loads(await connection.recv())["code"] == "SILENT"
            with pytest.raises(ConnectionClosed):
                await connection.recv()
            assert connection.close_code == 4408
        async with house.socket(id) as (connection, started):
            assert started["next"] == 0
            assert (await tell(connection, chunk(0)))["through"] == 0


async def test_a_visit_is_recorded_for_one_patient_only(house: Any) -> None:
    await house.start("Encounter:1", "Patient:asha")
    await house.start("Encounter:1", "Patient:asha")
    given = {"encounterId": "Encounter:1", "patientId": "Patient:other"}
    (error,) = (await house.ask(START, input=given))["startRecording"]["errors"]
    assert error == {"code": "STALE_CONTEXT", "field": ["input", "patientId"]}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"encounterId": ""}, ["input", "encounterId"]),
        ({"patientId": "p" * 81}, ["input", "patientId"]),
        ({"expectedWords": ["word"] * 41}, ["input", "expectedWords"]),
    ],
)
async def test_a_recording_is_started_with_bounded_values(
    small: Any, change: dict[str, Any], field: list[str]
) -> None:
    given = {"encounterId": "Encounter:1", "patientId": "Patient:asha", **change}
    (error,) = (await small.ask(START, input=given))["startRecording"]["errors"]
    assert error == {"code": "VALIDATION_FAILED", "field": field}
