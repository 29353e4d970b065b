"""From stored audio to a transcript: live, taken up again, told to those who may know."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest

from drassist.events import Event, MemoryBus, open_bus
from drassist.runtime.identity import Identity, Role
from drassist.runtime.settings import BusSettings, Settings
from drassist.speech.engine import EngineBusy, SessionOptions
from drassist.speech.events import SAMPLE_RATE
from drassist.speech.scripted import Line, ScriptedEngine, ScriptedSession
from tests.patience import PATIENCE
from tests.watching import watchers

DOCTOR = Identity.of(Role.DOCTOR, practitioner_id="Practitioner:1", name="Dr. Rao")
ASHA = Identity.of(Role.PATIENT, patient_id="Patient:asha")
OTHER = Identity.of(Role.PATIENT, patient_id="Patient:other")
SPEECH_OF_A_PATIENT = Identity(
    subject="other",
    roles=frozenset({"patient"}),
    scopes=frozenset({"patient/Recording.rs"}),
    patient_id="Patient:other",
)

SCRIPT = (
    Line(0.2, 1.0, "I have had a fever for three days", "patient"),
    Line(1.3, 2.0, "No chest pain", "patient"),
    Line(2.4, 3.2, "I take metformin five hundred milligrams two times a day", "patient"),
    Line(3.6, 4.4, "Please get a complete blood count", "doctor"),
)
TEXTS = [line.text for line in SCRIPT]
QUARTER = bytes(SAMPLE_RATE // 2)

WATCH = """subscription($encounter: ID!) { transcript(encounterId: $encounter) {
  id number revision final text } }"""


def quarters(seconds: float) -> list[bytes]:
    return [QUARTER] * round(seconds * 4)


async def watched(house: Any, encounter: str = "Encounter:1") -> AsyncIterator[dict[str, Any]]:
    stream = house.subgraph.subscribe(WATCH, {"encounter": encounter}, identity=DOCTOR)
    try:
        async for answer in stream:
            assert "errors" not in answer, answer["errors"]
            yield answer["data"]["transcript"]
    finally:
        await stream.aclose()


async def until_final(stream: AsyncIterator[dict[str, Any]], *numbers: int) -> list[dict[str, Any]]:
    """What is shown until these stand; one that is told while it is spoken may overtake another."""
    seen, missing = [], set(numbers)
    async with asyncio.timeout(PATIENCE):
        async for segment in stream:
            seen.append(segment)
            if segment["final"]:
                missing.discard(segment["number"])
            if not missing:
                break
    return seen


async def test_a_recording_becomes_a_transcript_in_the_order_of_speaking(house: Any) -> None:
    found = await house.recorded()
    assert [segment["text"] for segment in found["segments"]] == TEXTS
    assert [s["speaker"] for s in found["segments"]] == ["patient", "patient", "patient", "doctor"]
    assert (found["segments"][0]["start"], found["segments"][0]["end"]) == (0.2, 1.0)
    (recording,) = found["recordings"]
    assert (recording["status"], recording["nextSequence"]) == ("TRANSCRIBED", 10)
    assert (recording["seconds"], recording["heardSeconds"]) == (5.0, 4.4)


async def test_a_second_recording_of_a_visit_follows_the_first(small: Any) -> None:
    await small.recorded()
    found = await small.recorded()
    assert [segment["text"] for segment in found["segments"]] == TEXTS * 2
    assert len({segment["id"] for segment in found["segments"]}) == 8


async def test_words_appear_while_they_are_spoken_and_then_stand(house: Any) -> None:
    stream, watching = watched(house), watchers(house.subgraph.services.bus)
    waiting = asyncio.ensure_future(until_final(stream, *range(4)))
    await watching(1)
    await house.recorded()
    seen = await waiting
    await stream.aclose()  # type: ignore[attr-defined]
    finals = {segment["number"]: segment["text"] for segment in seen if segment["final"]}
    assert [finals[n] for n in range(4)] == TEXTS
    partials = [segment for segment in seen if not segment["final"]]
    assert partials
    assert all(TEXTS[segment["number"]].startswith(segment["text"]) for segment in partials)
    for number in range(4):
        revisions = [s["revision"] for s in seen if s["number"] == number]
        assert revisions == sorted(set(revisions))


async def test_who_comes_late_is_shown_what_was_said_and_then_what_is_said(house: Any) -> None:
    id = await house.start()
    async with house.socket(id) as (connection, _):
        for sequence, pcm in enumerate(quarters(2.5)):
            await connection.send(sequence.to_bytes(8, "big") + pcm)
            await connection.recv()
        await house.until(house.transcript, lambda t: len(t["segments"]) == 2)
        stream = watched(house)
        first = [await anext(stream), await anext(stream)]
        assert [(s["number"], s["final"]) for s in first] == [(0, True), (1, True)]
        waiting = asyncio.ensure_future(until_final(stream, 2))
        for sequence in range(10, 14):
            await connection.send(sequence.to_bytes(8, "big") + QUARTER)
            await connection.recv()
        seen = await waiting
        await stream.aclose()  # type: ignore[attr-defined]
    assert {segment["number"] for segment in seen} == {2}
    assert seen[-1]["text"] == TEXTS[2]
    again = watched(house)  # a broken connection: the same from the beginning
    assert [(await anext(again))["number"] for _ in range(3)] == [0, 1, 2]
    await again.aclose()  # type: ignore[attr-defined]


@pytest.mark.parametrize("who", [ASHA, OTHER, Identity.of(Role.NURSE), Identity.of(Role.LAB)])
async def test_a_transcript_is_the_doctors(small: Any, who: Identity) -> None:
    segment = (await small.recorded())["segments"][0]["id"]
    stream = small.subgraph.subscribe(WATCH, {"encounter": "Encounter:1"}, identity=who)
    assert (await anext(stream))["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    reps = [{"__typename": "Segment", "id": segment}]
    text = (
        "query($reps: [_Any!]!) { _entities(representations: $reps) { ... on Segment { text } } }"
    )
    assert await small.refused(text, who, reps=reps) == "FORBIDDEN"
    reps = [{"__typename": "Encounter", "id": "Encounter:1"}]
    text = """query($reps: [_Any!]!) { _entities(representations: $reps) { ... on Encounter {
      transcript { complete } } } }"""
    assert await small.refused(text, who, reps=reps) == "FORBIDDEN"


async def test_a_patient_who_may_read_recordings_is_refused_those_of_others(small: Any) -> None:
    await small.recorded()
    given = {"encounter": "Encounter:1"}
    stream = small.subgraph.subscribe(WATCH, given, identity=SPEECH_OF_A_PATIENT)
    assert (await anext(stream))["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_hearing_is_taken_up_again_by_the_next_process(
    settings: Settings, serve: Any
) -> None:
    async with serve(settings) as house:
        id = await house.start()
        async with house.socket(id) as (connection, _):
            for sequence, pcm in enumerate(quarters(1.75)):  # in the middle of the second line
                await connection.send(sequence.to_bytes(8, "big") + pcm)
                await connection.recv()
        await house.until(house.transcript, lambda t: len(t["segments"]) == 1)
    async with serve(settings) as house:
        assert (
            await house.speak(id, quarters(5)) == 19
        )  # a sender that begins again sends the rest only
        found = await house.heard()
    assert [segment["text"] for segment in found["segments"]] == TEXTS
    assert [segment["number"] for segment in found["segments"]] == [0, 1, 2, 3]


class OneAtATime:
    """An engine with one place; says how many sessions it gave."""

    def __init__(self) -> None:
        self._inner = ScriptedEngine(SCRIPT)
        self.opened = 0
        self._taken = False

    async def open(self, options: SessionOptions) -> Any:
        if self._taken:
            raise EngineBusy("one recording is being transcribed already")
        self._taken, self.opened = True, self.opened + 1
        return self._Place(await self._inner.open(options), self)

    async def warm(self) -> None:
        return

    async def aclose(self) -> None:
        return

    class _Place:
        def __init__(self, inner: ScriptedSession, engine: OneAtATime) -> None:
            self._engine = engine
            self.feed, self.finish = inner.feed, inner.finish

        def close(self) -> None:
            self._engine._taken = False


async def test_a_recording_that_falls_silent_gives_its_place_to_another(
    sqlite_settings: Settings, serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("subgraphs.notes.services.hearing.RETRY_S", 0.05)
    engine = OneAtATime()
    async with serve(sqlite_settings, engine=engine, idle_after=0.1) as house:
        silent = await house.start("Encounter:silent")
        async with house.socket(silent) as (connection, _):
            for sequence, pcm in enumerate(quarters(1.5)):
                await connection.send(sequence.to_bytes(8, "big") + pcm)
                await connection.recv()
            assert len((await house.recorded("Encounter:2"))["segments"]) == 4
        await house.speak(silent, quarters(5))
        found = await house.heard("Encounter:silent")
    assert [segment["text"] for segment in found["segments"]] == TEXTS
    assert engine.opened >= 3


async def test_an_engine_that_fails_is_tried_again_and_nothing_is_written_twice(
    sqlite_settings: Settings, serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("subgraphs.notes.services.hearing.RETRY_S", 0.02)

    class Failing(ScriptedEngine):
        failures = 3

        async def open(self, options: SessionOptions) -> Any:
            session = await super().open(options)
            feed = session.feed

            async def sometimes(pcm: bytes) -> Any:
                events = await feed(pcm)
                if self.failures and any(event.kind == "final" for event in events):
                    self.failures -= 1
                    raise RuntimeError("out of memory")
                return events

            session.feed = sometimes  # type: ignore[method-assign]
            return session

    async with serve(sqlite_settings, engine=Failing(SCRIPT)) as house:
        found = await house.recorded()
    assert [segment["text"] for segment in found["segments"]] == TEXTS


async def test_what_was_noise_is_taken_back_when_the_recording_ends(
    sqlite_settings: Settings, serve: Any
) -> None:
    class Forgetful(ScriptedEngine):
        async def open(self, options: SessionOptions) -> Any:
            session = await super().open(options)

            async def nothing() -> tuple[()]:
                return ()

            session.finish = nothing  # type: ignore[method-assign]
            return session

    async with serve(sqlite_settings, engine=Forgetful(SCRIPT)) as house:
        stream, watching = watched(house), watchers(house.subgraph.services.bus)
        waiting = asyncio.ensure_future(until_final(stream, 1))
        await watching(1)
        await house.speak(await house.start(), quarters(1.75))  # ends within the second line
        found = await house.heard()
        seen = await waiting
        await stream.aclose()  # type: ignore[attr-defined]
    assert [segment["text"] for segment in found["segments"]] == TEXTS[:1]
    assert seen[-2]["text"]
    assert seen[-1]["text"] == ""


async def test_a_bus_that_is_away_stops_neither_hearing_nor_what_stands(
    sqlite_settings: Settings, serve: Any
) -> None:
    class Away(MemoryBus):
        away = True

        async def publish(self, event: Event) -> None:
            if self.away:
                raise ConnectionError
            await super().publish(event)

    bus = Away()
    async with serve(sqlite_settings, bus) as house:
        found = await house.recorded()
        assert [segment["text"] for segment in found["segments"]] == TEXTS
        async with await bus.subscribe("notes.recording.transcribed") as events:
            bus.away = False
            event = await asyncio.wait_for(anext(aiter(events)), PATIENCE)
    assert event.subject == "Encounter:1"
    assert set(event.data) == {"encounter_id", "patient_id"}


ELSEWHERE = """
import asyncio, json, sys
from drassist.runtime.identity import Identity, Role
from drassist.runtime.settings import Settings
from drassist.speech.scripted import Line, ScriptedEngine
from subgraphs.notes.app import create_app
from subgraphs.notes.models import Recording, outbox
from subgraphs.notes.services.recording import finish_recording, store_chunk

async def main():
    settings, id = Settings.model_validate(json.loads(sys.argv[1])), sys.argv[2]
    engine = ScriptedEngine([Line(0.2, 1.0, "I have a fever", "patient")])
    async with create_app(settings, engine=engine).lifespan() as notes:
        for sequence in range(6):
            database = notes.services.database
            await store_chunk(database, id, sequence, bytes(8_000), settings.speech)
            notes.services.hearing.wake(id)
        await finish_recording(database, id)
        notes.services.hearing.wake(id)
        open = True
        while open:
            async with database.session() as session:
                heard = (await session.get(Recording, id)).status == "transcribed"
                open = not heard or await outbox.waiting(session)

asyncio.run(main())
"""


async def test_words_are_heard_in_one_process_and_shown_in_another(
    sqlite_settings: Settings, redis_url: str, serve: Any
) -> None:
    shared = sqlite_settings.model_copy(update={"bus": BusSettings(url=redis_url)})
    bus = await open_bus(shared.bus)
    async with serve(shared, bus) as house:
        id = await house.start()
        stream, watching = watched(house), watchers(bus)
        waiting = asyncio.ensure_future(until_final(stream, 0))
        await watching(1)
        given = json.dumps(shared.model_dump(mode="json", include={"database", "bus", "relay"}))
        environment = {k: v for k, v in os.environ.items() if not k.startswith("DRASSIST_")}
        command = [sys.executable, "-c", ELSEWHERE, given, id]
        process = await asyncio.create_subprocess_exec(*command, env=environment)
        assert await process.wait() == 0
        seen = await waiting
        await stream.aclose()  # type: ignore[attr-defined]
    await bus.aclose()
    assert seen[-1]["text"] == "I have a fever"
    assert [s["final"] for s in seen[:-1]] == [False] * (len(seen) - 1)
