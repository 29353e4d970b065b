"""Measure what a doctor waits for: words on the screen after they were spoken.

The shipped consultation (or any audio file) is sent in real time through the audio socket of the notes subgraph, as a
browser does, and the transcript is watched through the subscription. Then the same audio is heard as fast as the
machine can. Prints a table; `docs/performance-speech.md` explains the columns.

    python scripts/measure_speech.py [FILE] [--partial tiny.en] [--final base] [--chunk 0.25] [--threads 2]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import socket
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jiwer
import uvicorn

from drassist.events import MemoryBus
from drassist.runtime.identity import Identity, Role
from drassist.runtime.settings import DatabaseSettings, IdentitySettings, Settings, SpeechSettings
from drassist.speech.client import stream_audio
from drassist.speech.engine import SessionOptions
from drassist.speech.opening import open_engine
from drassist.speech.pcm import chunks, read_audio, seconds
from drassist.testing import consultation
from subgraphs.notes.app import create_app

DOCTOR = Identity.of(Role.DOCTOR, practitioner_id="Practitioner:1", name="Dr. Rao")
START = """mutation { startRecording(input: {encounterId: "Encounter:1", patientId: "Patient:1",
  expectedWords: ["metformin", "azithromycin", "paracetamol"]}) { recording { id } } }"""
WATCH = """subscription { transcript(encounterId: "Encounter:1") {
  number final text start end } }"""
COMPLETE = """{ _entities(representations: [{__typename: "Encounter", id: "Encounter:1"}]) {
  ... on Encounter { transcript { complete segments { text } } } } }"""


@dataclass
class Live:
    """What was seen while the audio was spoken; delays in seconds."""

    first: list[float] = field(default_factory=list)
    partial: list[float] = field(default_factory=list)
    final: list[float] = field(default_factory=list)
    text: str = ""
    cpu: float = 0.0


def main() -> None:
    given = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    given.add_argument("file", nargs="?", type=Path, default=consultation.AUDIO)
    given.add_argument("--partial", default="tiny.en")
    given.add_argument("--final", default="base")
    given.add_argument("--chunk", type=float, default=0.25)
    given.add_argument("--threads", type=int, default=2)
    wanted = given.parse_args()
    speech = SpeechSettings(
        partial_model=wanted.partial, final_model=wanted.final, threads=wanted.threads
    )
    pcm = read_audio(wanted.file)
    print(f"{wanted.file.name}: {seconds(pcm):.1f} s in chunks of {wanted.chunk} s")
    print(f"partial {wanted.partial}, final {wanted.final}, {wanted.threads} threads; ", end="")
    print(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}")
    live = asyncio.run(measure_live(pcm, speech, wanted.chunk))
    wall, cpu = asyncio.run(measure_batch(pcm, speech, wanted.chunk))
    show("first words of an utterance", live.first)
    show("partial segment", live.partial)
    show("final segment", live.final)
    print(f"live: CPU {live.cpu / seconds(pcm):.2f} s per second of audio (server and sender)")
    print(
        f"at once: {wall / seconds(pcm):.2f} s, CPU {cpu / seconds(pcm):.2f} s, per second of audio"
    )
    if wanted.file == consultation.AUDIO:
        said = " ".join(turn.text for turn in consultation.turns())
        print(
            f"word error rate {jiwer.wer(plain(said), plain(live.text)):.3f} (numbers as they were read)"
        )


async def measure_live(pcm: bytes, speech: SpeechSettings, chunk: float) -> Live:
    with tempfile.TemporaryDirectory() as folder, socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        settings = Settings(
            environment="test",
            database=DatabaseSettings(url=f"sqlite+aiosqlite:///{folder}/{{schema}}.db"),
            identity=IdentitySettings(mode="trusted"),
            speech=speech,
        )

        async def who(headers: Mapping[str, str]) -> Identity:
            return DOCTOR

        engine = open_engine(speech)
        await engine.warm()  # the system does so when a recording starts
        notes = create_app(settings, bus=MemoryBus(), authenticate=who, engine=engine)
        server = uvicorn.Server(uvicorn.Config(notes, log_level="error", ws="websockets-sansio"))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started:  # noqa: ASYNC110  uvicorn has no event for it
            await asyncio.sleep(0.01)
        try:
            return await converse(notes, listener.getsockname()[1], pcm, chunk)
        finally:
            server.should_exit = True
            await serving


async def converse(notes: Any, port: int, pcm: bytes, chunk: float) -> Live:
    answer = await notes.execute(START, identity=DOCTOR)
    id = answer["data"]["startRecording"]["recording"]["id"]
    live, began = Live(), time.monotonic()
    watching = asyncio.create_task(watch(notes, live, began))
    cpu = time.process_time()

    async def spoken() -> AsyncIterator[bytes]:
        at = 0.0
        for piece in chunks(pcm, chunk):
            at += seconds(piece)  # a chunk exists when its last sample was spoken
            await asyncio.sleep(max(0.0, began + at - time.monotonic()))
            yield piece

    await stream_audio(f"ws://127.0.0.1:{port}/audio", id, "any", spoken())
    while True:
        answer = await notes.execute(COMPLETE, identity=DOCTOR)
        found = answer["data"]["_entities"][0]["transcript"]
        if found["complete"]:
            break
        await asyncio.sleep(0.1)
    live.cpu = time.process_time() - cpu
    live.text = " ".join(segment["text"] for segment in found["segments"])
    await asyncio.sleep(0.2)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    return live


async def watch(notes: Any, live: Live, began: float) -> None:
    seen: set[int] = set()
    async for answer in notes.subscribe(WATCH, identity=DOCTOR):
        now, segment = time.monotonic() - began, answer["data"]["transcript"]
        if segment["number"] not in seen:
            seen.add(segment["number"])
            live.first.append(now - segment["start"])
        (live.final if segment["final"] else live.partial).append(now - segment["end"])


async def measure_batch(pcm: bytes, speech: SpeechSettings, chunk: float) -> tuple[float, float]:
    """Wall and CPU seconds for all of the audio, as fast as it goes."""
    engine = open_engine(speech)
    await engine.warm()
    session = await engine.open(SessionOptions())
    wall, cpu = time.monotonic(), time.process_time()
    for piece in chunks(pcm, chunk):
        await session.feed(piece)
    await session.finish()
    spent = time.monotonic() - wall, time.process_time() - cpu
    await engine.aclose()
    return spent


def show(what: str, delays: Sequence[float]) -> None:
    ordered = sorted(delays)
    p95 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
    median = statistics.median(ordered)
    print(
        f"{what}: n {len(ordered)}, median {median:.2f} s, p95 {p95:.2f} s, max {ordered[-1]:.2f} s"
    )


def plain(text: str) -> str:
    """Lower case, without punctuation, the consultation's numbers as digits."""
    text = re.sub(r"[^\w\s]", "", text.lower())
    numbers = {
        "five hundred": "500",
        "six hundred and fifty": "650",
        "one hundred and thirty": "130",
        "one hundred and one": "101",
        "milligrams": "mg",
        "doctor": "dr",
        "three": "3",
        "two": "2",
        "five": "5",
        "sixty": "60",
        "eighty": "80",
        "one": "1",
    }
    for said, written in numbers.items():
        text = re.sub(rf"\b{said}\b", written, text)
    return text


if __name__ == "__main__":
    main()
