"""kill -9 in the middle of a consultation loses no audio and writes no word twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from drassist.runtime.identity import TrustedIdentity
from drassist.runtime.settings import Settings, SpeechSettings
from drassist.speech.client import stream_audio
from drassist.speech.opening import open_engine
from drassist.testing.consultation import turns
from tests.patience import PATIENCE
from tests.subgraphs.killable import Killable

SERVE = """
import asyncio, sys, uvicorn
from drassist.runtime.identity import TrustedIdentity
from drassist.runtime.settings import Settings
from subgraphs.notes.app import create_app

trusted = TrustedIdentity()

async def who(headers):
    token = headers.get("authorization", "").removeprefix("Bearer ")
    return await trusted({"x-drassist-identity": token})

uvicorn.run(create_app(Settings.load(), authenticate=who), host="127.0.0.1", port=int(sys.argv[1]),
            log_level="error", ws="websockets-sansio")
"""

TOKEN = TrustedIdentity.header(
    {"sub": "dr", "roles": ["doctor"], "name": "Dr. Rao", "practitioner_id": "Practitioner:1"}
)["x-drassist-identity"]

START = """mutation { startRecording(input: {encounterId: "Encounter:1", patientId: "Patient:1"}) {
  recording { id } errors { code } } }"""
READ = """query($reps: [_Any!]!) { _entities(representations: $reps) { ... on Encounter {
  transcript { complete segments { number text start end speaker revision } } } } }"""

SECOND = bytes(32_000)
LENGTH = 80


class Notes(Killable):
    """The notes subgraph."""

    def __init__(self, folder: Path) -> None:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        super().__init__(SERVE, folder, headers, SPEECH__ENGINE="scripted")

    async def transcript(self) -> Any:
        reps = [{"__typename": "Encounter", "id": "Encounter:1"}]
        return (await self.ask(READ, reps=reps))["_entities"][0]["transcript"]

    async def heard(self) -> Any:
        async with asyncio.timeout(PATIENCE):
            while not (found := await self.transcript())["complete"]:
                await asyncio.sleep(0.05)
        return [{k: s[k] for k in s if k != "revision"} for s in found["segments"]]


async def spoken(process: Notes, kills: tuple[int, ...]) -> Any:
    """Speak the consultation, with a kill (and a start) at these chunks; the final transcript."""
    id = (await process.ask(START))["startRecording"]["recording"]["id"]
    acknowledged = -1

    def noted(through: int) -> None:
        nonlocal acknowledged
        assert through >= acknowledged  # what was acknowledged is never taken back
        acknowledged = through

    async def audio() -> AsyncIterator[bytes]:
        for number in range(LENGTH):
            if number in kills:
                while acknowledged < number - 10:
                    await asyncio.sleep(0.01)
                await process.kill()
                await process.start()
            yield SECOND

    url = f"ws://127.0.0.1:{process.port}/audio"
    assert await stream_audio(url, id, TOKEN, audio(), on_ack=noted) == LENGTH - 1
    return await process.heard()


async def test_a_killed_consultation_has_the_transcript_of_an_undisturbed_one(
    tmp_path: Path, sqlite_settings: Settings, serve: Any
) -> None:
    engine = open_engine(SpeechSettings(engine="scripted"))
    async with serve(sqlite_settings, engine=engine) as house:
        await house.speak(await house.start(), [SECOND] * LENGTH)
        whole = [
            {name: segment[name] for name in ("number", "text", "start", "end", "speaker")}
            for segment in (await house.heard())["segments"]
        ]
    assert [segment["text"] for segment in whole] == [turn.text for turn in turns()]
    (tmp_path / "killed").mkdir()
    async with Notes(tmp_path / "killed") as process:
        assert await spoken(process, kills=(40,)) == whole
