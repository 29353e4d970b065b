"""kill -9 in the middle of a consultation loses no audio and writes no word twice."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp

from drassist.runtime.identity import TrustedIdentity
from drassist.runtime.settings import Settings, SpeechSettings
from drassist.speech.client import stream_audio
from drassist.speech.opening import open_engine
from drassist.testing.consultation import turns
from tests.patience import PATIENCE

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


class Process:
    """The notes subgraph as a process; ``kill`` is SIGKILL."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self.port = int(listener.getsockname()[1])
        self._running: asyncio.subprocess.Process | None = None
        self._environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("DRASSIST_")},
            "DRASSIST_DATABASE__URL": f"sqlite+aiosqlite:///{folder}/{{schema}}.db",
            "DRASSIST_SPEECH__ENGINE": "scripted",
        }

    async def start(self) -> None:
        self._running = await asyncio.create_subprocess_exec(
            sys.executable, "-c", SERVE, str(self.port), env=self._environment
        )
        async with aiohttp.ClientSession() as session, asyncio.timeout(PATIENCE):
            while True:
                try:
                    async with session.get(f"http://127.0.0.1:{self.port}/health/ready") as ready:
                        if ready.status == 200:
                            return
                except aiohttp.ClientError:
                    await asyncio.sleep(0.05)

    async def kill(self) -> None:
        if self._running is not None and self._running.returncode is None:
            os.kill(self._running.pid, signal.SIGKILL)
            await self._running.wait()

    async def ask(self, query: str, **variables: Any) -> Any:
        body = {"query": query, "variables": variables}
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.post(f"http://127.0.0.1:{self.port}/graphql/", json=body) as answer,
        ):
            said = await answer.json()
        assert "errors" not in said, said["errors"]
        return said["data"]

    async def transcript(self) -> Any:
        reps = [{"__typename": "Encounter", "id": "Encounter:1"}]
        return (await self.ask(READ, reps=reps))["_entities"][0]["transcript"]

    async def heard(self) -> Any:
        async with asyncio.timeout(PATIENCE):
            while not (found := await self.transcript())["complete"]:
                await asyncio.sleep(0.05)
        return [{k: s[k] for k in s if k != "revision"} for s in found["segments"]]


async def spoken(process: Process, kills: tuple[int, ...] = ()) -> Any:
    """Speak the consultation, with a kill (and a start) at these chunks; the final transcript."""
    await process.start()
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
    try:
        assert await stream_audio(url, id, TOKEN, audio(), on_ack=noted) == LENGTH - 1
        return await process.heard()
    finally:
        await process.kill()


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
    assert await spoken(Process(tmp_path / "killed"), kills=(40,)) == whole
