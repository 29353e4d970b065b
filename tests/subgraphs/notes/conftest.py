"""The notes subgraph behind a real server, with an engine that knows its lines."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvicorn
from websockets.asyncio.client import ClientConnection, connect

from drassist import graph
from drassist.adapters.errors import AdapterError
from drassist.events import Bus, MemoryBus
from drassist.runtime.identity import ANONYMOUS, Identity, InvalidCredentials, Role
from drassist.runtime.settings import Settings
from drassist.speech.client import stream_audio
from drassist.speech.events import SAMPLE_RATE
from drassist.speech.scripted import Line, ScriptedEngine
from subgraphs.notes.app import create_app
from subgraphs.notes.ports import SignedNote
from tests.patience import PATIENCE

DOCTOR = Identity.of(Role.DOCTOR, practitioner_id="Practitioner:1", name="Dr. Rao")
CALLERS = {
    "doctor": DOCTOR,
    "colleague": Identity.of(Role.DOCTOR, practitioner_id="Practitioner:2", name="Dr. Sen"),
    "nurse": Identity.of(Role.NURSE),
    "patient": Identity.of(Role.PATIENT, patient_id="Patient:asha"),
}

SCRIPT = (
    Line(0.2, 1.0, "I have had a fever for three days", "patient"),
    Line(1.3, 2.0, "No chest pain", "patient"),
    Line(2.4, 3.2, "I take metformin five hundred milligrams two times a day", "patient"),
    Line(3.6, 4.4, "Please get a complete blood count", "doctor"),
)
SECONDS = 5.0

START = """mutation($input: StartRecordingInput!) { startRecording(input: $input) {
  recording { id status nextSequence audioPath } errors { code field } } }"""
FINISH = """mutation($id: ID!) { finishRecording(id: $id) {
  recording { status } errors { code } } }"""
TRANSCRIPT = """query($reps: [_Any!]!) { _entities(representations: $reps) { ... on Encounter {
  transcript { complete segments { id number text start end speaker final }
    recordings { id status nextSequence seconds heardSeconds } } } } }"""
DRAFT = """mutation($input: DraftNoteInput!) { draftNote(input: $input) { errors { code }
  note { id version status sections { code text sentences { text segmentIds entityIds } }
    entities { id kind label assertion segmentId } suggestions { number medicine clear decision } } } }"""


async def callers(headers: Mapping[str, str]) -> Identity:
    """An authenticator whose tokens are the names of :data:`CALLERS`."""
    given = headers.get("authorization", "").removeprefix("Bearer ")
    if not given:
        return ANONYMOUS
    if given not in CALLERS:
        raise InvalidCredentials("the token is not valid: DecodeError")
    return CALLERS[given]


class Archive:
    """An EHR that counts; ``failure`` is raised for as long as it is set."""

    def __init__(self) -> None:
        self.failure: AdapterError | None = None
        self.attempts = 0
        self.stored: dict[str, SignedNote] = {}

    async def publish(self, note: SignedNote) -> str:
        self.attempts += 1
        if self.failure is not None:
            raise self.failure
        name = f"{note.id}#{note.version}"
        self.stored[name] = note
        return f"Bundle/{len(self.stored)}"


def audio(seconds: float = SECONDS, chunk: float = 0.5) -> list[bytes]:
    """Silence: the engine goes by its script."""
    return [bytes(int(chunk * SAMPLE_RATE) * 2)] * round(seconds / chunk)


@dataclass
class House:
    """A running subgraph and what a test does to it."""

    subgraph: graph.Subgraph[Any]
    url: str
    archive: Archive = field(default_factory=Archive)

    async def ask(self, text: str, who: Identity = DOCTOR, **variables: Any) -> Any:
        answer = await self.subgraph.execute(text, variables, identity=who)
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    async def refused(self, text: str, who: Identity, **variables: Any) -> str:
        answer = await self.subgraph.execute(text, variables, identity=who)
        return str(answer["errors"][0]["extensions"]["code"])

    async def start(self, encounter: str = "Encounter:1", patient: str = "Patient:asha") -> str:
        given = {"encounterId": encounter, "patientId": patient, "expectedWords": ["metformin"]}
        data = (await self.ask(START, input=given))["startRecording"]
        assert data["errors"] == []
        return str(data["recording"]["id"])

    @contextlib.asynccontextmanager
    async def socket(
        self, recording: str, token: str = "doctor"
    ) -> AsyncIterator[tuple[ClientConnection, dict[str, Any]]]:
        """A connection that has said start, and what was answered."""
        async with connect(self.url) as connection:
            start = {"type": "start", "recordingId": recording, "token": token}
            await connection.send(json.dumps(start))
            yield connection, json.loads(await connection.recv())

    async def speak(self, recording: str, chunks: list[bytes] | None = None) -> int:
        async def spoken() -> AsyncIterator[bytes]:
            for chunk in chunks or audio():
                yield chunk

        return await stream_audio(self.url, recording, "doctor", spoken())

    async def transcript(self, encounter: str = "Encounter:1", who: Identity = DOCTOR) -> Any:
        reps = [{"__typename": "Encounter", "id": encounter}]
        return (await self.ask(TRANSCRIPT, who, reps=reps))["_entities"][0]["transcript"]

    async def heard(self, encounter: str = "Encounter:1") -> Any:
        return await self.until(lambda: self.transcript(encounter), lambda t: t["complete"])

    async def recorded(self, encounter: str = "Encounter:1", patient: str = "Patient:asha") -> Any:
        """A consultation that was spoken and heard to its end."""
        await self.speak(await self.start(encounter, patient))
        return await self.heard(encounter)

    async def drafted(self) -> Any:
        await self.recorded()
        data = (await self.ask(DRAFT, input={"encounterId": "Encounter:1"}))["draftNote"]
        assert data["errors"] == []
        return data["note"]

    async def until(self, read: Callable[[], Any], check: Callable[[Any], Any]) -> Any:
        async with asyncio.timeout(PATIENCE):
            while not check(found := await read()):
                await asyncio.sleep(0.03)
        return found


@contextlib.contextmanager
def free_port() -> Iterator[socket.socket]:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    try:
        yield listener
    finally:
        listener.close()


@contextlib.asynccontextmanager
async def serving(
    settings: Settings, bus: Bus | None = None, listener: socket.socket | None = None, **more: Any
) -> AsyncIterator[House]:
    """The subgraph behind uvicorn, in this loop."""
    archive = Archive()
    engine = more.pop("engine", None) or ScriptedEngine(SCRIPT)
    made = {"authenticate": callers, "engine": engine, "archive": archive, **more}
    subgraph = create_app(settings, bus=bus or MemoryBus(), **made)
    with contextlib.ExitStack() as stack:
        listener = listener or stack.enter_context(free_port())
        config = uvicorn.Config(
            subgraph, log_level="error", ws="websockets-sansio", timeout_graceful_shutdown=1
        )
        server = uvicorn.Server(config)
        server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        task = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            async with asyncio.timeout(PATIENCE):
                while not server.started:
                    assert not task.done()
                    await asyncio.sleep(0.01)
            port = listener.getsockname()[1]
            yield House(subgraph, f"ws://127.0.0.1:{port}/audio", archive)
        finally:
            server.should_exit = True
            await task


@pytest.fixture
async def house(settings: Settings) -> AsyncIterator[House]:
    async with serving(settings) as house:
        yield house


@pytest.fixture
async def small(sqlite_settings: Settings) -> AsyncIterator[House]:
    """On SQLite only: for what does not depend on the engine."""
    async with serving(sqlite_settings) as house:
        yield house


@pytest.fixture
def serve() -> Any:
    return serving
