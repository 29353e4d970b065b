"""``compose.yaml`` as plain processes on this machine: same commands, same settings, other hosts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.e2e.system import COMMON, ROOT, Process, run
from tests.patience import PATIENCE
from tests.ports import free_port

__all__ = ["SUBGRAPHS", "Topology", "services"]

SUBGRAPHS = ("patients", "encounters", "notes", "orders", "consents", "bff")
STORES = ("postgres", "redis")


@cache
def services() -> dict[str, dict[str, Any]]:
    """The services of ``compose.yaml``, with its anchors resolved."""
    described: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "compose.yaml").read_text())
    return described["services"]


def port_of(service: Mapping[str, Any]) -> str:
    command = service["command"]
    port: str = command[command.index("--port") + 1]
    return port


@dataclass
class Topology:
    """The processes by the names that they have in ``compose.yaml``."""

    folder: Path
    database: str
    bus: str
    more: Mapping[str, str] = field(default_factory=dict)
    processes: dict[str, Process] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)

    def start(self) -> None:
        """Start in the order of ``depends_on``: the subgraphs at once, then the gateways."""
        described = {name: s for name, s in services().items() if name not in STORES}
        samples = described.pop("samples")
        self.ports = {name: free_port() for name in described}
        for name, service in described.items():
            self.processes[name] = self._process(name, service)
        first = ("identity", *SUBGRAPHS)
        together = PATIENCE * len(first) / 2  # they share the machine's cores while they start
        with ThreadPoolExecutor() as pool:
            filled = pool.submit(
                run,
                *samples["command"][1:],
                folder=self.folder,
                environment=self._environment(samples),
                timeout=together,
            )
            list(pool.map(lambda name: self.processes[name].start(patience=together), first))
            ended = filled.result()
            assert ended.returncode == 0, ended.stdout + ended.stderr
            rest = [name for name in described if name not in first]
            list(pool.map(lambda name: self.processes[name].start(), rest))

    def stop(self) -> None:
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda process: process.stop(), reversed(self.processes.values())))

    def address(self, name: str) -> str:
        return f"http://127.0.0.1:{self.ports[name]}"

    @property
    def issuer(self) -> str:
        return f"{self.address('identity')}/identity"

    def logs(self) -> str:
        return "\n".join(f"== {name}\n{p.log()[-3000:]}" for name, p in self.processes.items())

    def _process(self, name: str, service: Mapping[str, Any]) -> Process:
        program, *arguments = [self._here(word) for word in service["command"]]
        assert program == "drassist"
        arguments[arguments.index("--port") + 1] = str(self.ports[name])
        check = service["healthcheck"]["test"]
        path = check[4] if len(check) > 4 else "/health/ready"
        return Process(
            *arguments,
            folder=self.folder,
            environment=self._environment(service),
            ready=self.address(name) + path,
        )

    def _environment(self, service: Mapping[str, Any]) -> dict[str, str]:
        given = {key: self._here(value) for key, value in service["environment"].items()}
        return given | COMMON | dict(self.more)

    def _here(self, text: str) -> str:
        """The same word with addresses of this machine."""
        if text.startswith("postgresql"):
            return self.database
        if text.startswith("redis://"):
            return self.bus
        text = re.sub(
            r"//([a-z0-9.-]+):(\d+)", lambda found: f"//127.0.0.1:{self._port(found)}", text
        )
        return "127.0.0.1" if text == "0.0.0.0" else text

    def _port(self, found: re.Match[str]) -> int:
        published = {
            port_of(s): n for n, s in services().items() if "--port" in s.get("command", ())
        }
        return self.ports[published[found[2]]]
