"""Real processes of the real program, in a folder of their own, and the consultation on them."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from drassist.demo import Consultation, Played
from drassist.testing.consultation import AUDIO
from tests.patience import PATIENCE
from tests.ports import free_port

ROOT = Path(__file__).parents[2]
PROGRAM = Path(sys.executable).with_name("drassist")
PASSWORD = "e2e"

COMMON = {
    "DRASSIST_GATEWAY__CLIENTS": str(ROOT / "clients"),
    "DRASSIST_IDENTITY__DEVELOPMENT_PASSWORD": PASSWORD,
    "DRASSIST_SPEECH__ENGINE": "scripted",
}


class Process:
    """``drassist ARGUMENTS`` in ``folder``; ready when ``ready`` answers 200."""

    def __init__(
        self, *arguments: str, folder: Path, environment: Mapping[str, str], ready: str
    ) -> None:
        self.arguments = arguments
        self._folder = folder
        self._environment = environment
        self._ready = ready
        self._log = folder / f"{'-'.join(arguments[:2])}-{arguments[-1]}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *, patience: float = PATIENCE) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [PROGRAM, *self.arguments],
                cwd=self._folder,
                env=without_drassist() | dict(self._environment),
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                with urllib.request.urlopen(self._ready, timeout=PATIENCE):
                    return
            except OSError:
                time.sleep(0.1)
        raise AssertionError(f"{' '.join(self.arguments)} did not start:\n{self.log()[-3000:]}")

    def kill(self) -> None:
        """As a machine that loses power does it."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def log(self) -> str:
        return self._log.read_text(errors="replace")


def without_drassist() -> dict[str, str]:
    """Our environment without the settings that CI or a developer has made for themselves."""
    return {name: value for name, value in os.environ.items() if not name.startswith("DRASSIST_")}


def run(
    *arguments: str, folder: Path, environment: Mapping[str, str], timeout: float = PATIENCE
) -> subprocess.CompletedProcess[str]:
    """A command that ends by itself."""
    return subprocess.run(
        [PROGRAM, *arguments],
        cwd=folder,
        env=without_drassist() | {"COLUMNS": "200"} | dict(environment),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def embedded(folder: Path) -> dict[str, str]:
    """Settings of a system in one process that keeps everything in ``folder``."""
    return {
        **COMMON,
        "DRASSIST_DATABASE__URL": f"sqlite+aiosqlite:///{folder}/{{schema}}.db",
    }


@contextmanager
def serving(folder: Path, environment: Mapping[str, str]) -> Iterator[str]:
    """``drassist serve``; gives its address."""
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    process = Process(
        "serve",
        "--port",
        str(port),
        folder=folder,
        environment=environment,
        ready=f"{base}/health/ready",
    )
    process.start()
    try:
        yield base
    finally:
        process.stop()


def play(consultation: Consultation, *, speed: float = 40.0) -> Played:
    """All steps, one after the other."""

    async def steps() -> Played:
        async with consultation:
            await consultation.arrive()
            await consultation.talk(AUDIO, speed=speed)
            await consultation.write()
            await consultation.order()
            await consultation.receive()
            await consultation.ask_consent()
            await consultation.look_back()
        return consultation.made

    return asyncio.run(steps())
