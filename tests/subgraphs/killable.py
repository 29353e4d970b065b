"""A subgraph as a process of its own, which a test may kill and start again."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp

from tests.patience import PATIENCE
from tests.ports import free_port

__all__ = ["Killable"]


class Killable:
    """Runs ``program``, whose first argument is its port; its database lies in ``folder``.

    ``headers`` say who asks. What a killed process has not written is lost, as with ``kill -9``.
    """

    def __init__(
        self, program: str, folder: Path, headers: Mapping[str, str], **settings: str
    ) -> None:
        self.port = free_port()
        self._program = program
        self._headers = headers
        self._running: asyncio.subprocess.Process | None = None
        self._environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("DRASSIST_")},
            "DRASSIST_DATABASE__URL": f"sqlite+aiosqlite:///{folder}/{{schema}}.db",
            **{f"DRASSIST_{name}": value for name, value in settings.items()},
        }

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.kill()

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        self._running = await asyncio.create_subprocess_exec(
            sys.executable, "-c", self._program, str(self.port), env=self._environment
        )
        async with aiohttp.ClientSession() as session, asyncio.timeout(PATIENCE):
            while True:
                try:
                    async with session.get(f"{self.base}/health/ready") as answer:
                        if answer.status == 200:
                            return
                except aiohttp.ClientError:
                    await asyncio.sleep(0.05)

    async def kill(self) -> None:
        if self._running is not None and self._running.returncode is None:
            os.kill(self._running.pid, signal.SIGKILL)
            await self._running.wait()

    async def ask(self, query: str, **variables: Any) -> Any:
        body = {"query": query, "variables": variables}
        async with (
            aiohttp.ClientSession(headers=self._headers) as session,
            session.post(f"{self.base}/graphql/", json=body) as answer,
        ):
            said = await answer.json()
        assert "errors" not in said, said["errors"]
        return said["data"]
