"""Real peers for the adapters: systems that nobody here wrote, each in an environment of its own.

``sekmet-fhir`` is a FHIR R4 server that also plays laboratory and pharmacy. It is installed once
under ``var/peers`` from hash-pinned requirements and listens on 127.0.0.1 only:

    python -m scripts.peers --port 8090 --folder ../shared/data/fhir/synthea
"""

from __future__ import annotations

import argparse
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PEERS = ROOT / "var" / "peers"
REQUIREMENTS = ROOT / "requirements" / "sekmet.txt"


class PeerMissing(RuntimeError):
    """The peer could not be installed or did not start; says why."""


@dataclass(frozen=True)
class Sekmet:
    """A running server; ``url`` is its FHIR base."""

    url: str
    process: subprocess.Popen[bytes]

    def load(self, bundle: Path) -> None:
        """Post a transaction bundle."""
        request = urllib.request.Request(
            self.url,
            data=bundle.read_bytes(),
            headers={"Content-Type": "application/fhir+json"},
            method="POST",
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            if answer.status >= 300:
                raise PeerMissing(f"sekmet refused {bundle.name}: {answer.status}")


def install_sekmet() -> Path:
    """Return the program, installing it first where it is absent."""
    home = PEERS / "sekmet"
    program = home / "bin" / "sekmet"
    if program.exists():
        return program
    PEERS.mkdir(parents=True, exist_ok=True)
    uv = [sys.executable, "-m", "uv"]
    # made beside its place and renamed: two test runs at once must not meet half an environment
    making = Path(tempfile.mkdtemp(prefix="sekmet-", dir=PEERS))
    try:
        for command in (
            [*uv, "venv", "--quiet", "--relocatable", "--clear", str(making)],
            [*uv, "pip", "install", "--quiet", "--python", str(making / "bin" / "python"),
             "--require-hashes", "-r", str(REQUIREMENTS)],
        ):  # fmt: skip
            subprocess.run(command, check=True, capture_output=True, timeout=240)
        if not home.exists():
            making.rename(home)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        said = (error.stderr or b"").decode(errors="replace")[-500:]
        raise PeerMissing(f"sekmet-fhir could not be installed: {said}") from error
    except OSError as error:
        if not program.exists():
            raise PeerMissing(f"sekmet-fhir could not be installed: {error}") from error
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return program


@contextmanager
def sekmet(*, delay: float = 0.2, port: int = 0) -> Iterator[Sekmet]:
    """Run the server in a folder of its own; ``delay`` is how long its laboratory takes, in s."""
    program = install_sekmet()
    port = port or _free_port()
    url = f"http://127.0.0.1:{port}/fhir"
    with tempfile.TemporaryDirectory(prefix="sekmet-") as folder:
        settings = Path(folder) / "settings.yaml"
        settings.write_text(
            json.dumps(  # JSON is YAML
                {
                    "host": "127.0.0.1",  # its default is every address of the machine
                    "port": port,
                    "base_url": url,
                    "data_dir": folder,
                    "simulator": {"enabled": True, "delay_seconds": delay},
                    "log_inbound": False,
                }
            )
        )
        with (Path(folder) / "log").open("wb") as log:
            process = subprocess.Popen(
                [program, "serve", "-c", settings], cwd=folder, stdout=log, stderr=log
            )
        try:
            _wait(f"{url}/metadata", process, Path(folder) / "log")
            yield Sekmet(url, process)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise PeerMissing(f"sekmet-fhir did not start: {log.read_text(errors='replace')[-500:]}")


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def main() -> None:
    parser = argparse.ArgumentParser(description="Run sekmet-fhir on 127.0.0.1.")
    parser.add_argument("--port", type=int, default=8090)
    parser.add_argument("--folder", type=Path, help="transaction bundles to load")
    parser.add_argument("--delay", type=float, default=2.0, help="seconds its laboratory takes")
    arguments = parser.parse_args()
    with sekmet(delay=arguments.delay, port=arguments.port) as server:
        for bundle in sorted(arguments.folder.glob("*.json")) if arguments.folder else ():
            server.load(bundle)
            print(f"loaded {bundle.name}")
        print(f"FHIR R4 at {server.url}; interrupt to stop")
        try:
            server.process.wait()
        except KeyboardInterrupt:
            print("stopping")


if __name__ == "__main__":
    main()
