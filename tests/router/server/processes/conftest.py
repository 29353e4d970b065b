"""Real processes: routers by ``python -m router serve``, subgraphs by uvicorn, one address."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.patience import PATIENCE
from tests.ports import free_port
from tests.valkey import ValkeyServer, start_valkey

HERE = Path(__file__).parent


class Process:
    """A child that serves HTTP on a port of its own."""

    def __init__(self, child: asyncio.subprocess.Process, port: int) -> None:
        self.child = child
        self.port = port
        self.url = f"http://127.0.0.1:{port}"

    async def said(self, beginning: str) -> str:
        """The next line of its standard error that begins so; what comes before is passed over."""
        assert self.child.stderr is not None
        async with asyncio.timeout(PATIENCE):
            while line := (await self.child.stderr.readline()).decode():
                if line.startswith(beginning):
                    return line
        raise AssertionError(f"it ended before it said {beginning!r}")

    async def answers(self, path: str) -> None:
        """Wait until the path answers."""
        async with asyncio.timeout(PATIENCE), httpx2.AsyncClient(timeout=PATIENCE) as http:
            while True:
                with contextlib.suppress(httpx2.TransportError):
                    await http.get(self.url + path)
                    return
                await asyncio.sleep(0.05)

    def reload(self) -> None:
        self.child.send_signal(signal.SIGHUP)

    async def end(self) -> int:
        """SIGTERM; returns the exit status."""
        if self.child.returncode is None:
            self.child.terminate()
        async with asyncio.timeout(PATIENCE):
            await self.child.communicate()
        assert self.child.returncode is not None
        return self.child.returncode


@pytest.fixture
async def run() -> AsyncIterator[Callable[..., Any]]:
    """``await run([...], port, **environment)`` starts a child; it is ended after the test."""
    async with AsyncExitStack() as stack:

        async def start(arguments: Sequence[str], port: int, **environment: str) -> Process:
            child = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                *arguments,
                stderr=asyncio.subprocess.PIPE,
                env={**os.environ, **environment},
            )
            process = Process(child, port)
            stack.push_async_callback(_ended, process)
            return process

        yield start


async def _ended(process: Process) -> None:
    with contextlib.suppress(TimeoutError):
        await process.end()
    if process.child.returncode is None:
        process.child.kill()
        await process.child.wait()


@pytest.fixture
def valkey() -> Iterator[ValkeyServer]:
    """A Redis of the test's own, which it may stop and start."""
    server = start_valkey()
    yield server
    if server.is_running():
        server.stop()


@pytest.fixture
async def arrivals(run: Callable[..., Any], valkey: ValkeyServer) -> Callable[..., Any]:
    """``await arrivals(n)`` gives n processes of the subgraph; their Redis is ``valkey``."""

    async def start(count: int) -> list[Process]:
        redis = f"redis://127.0.0.1:{valkey.port}/1"
        processes = []
        for _ in range(count):
            port = free_port()
            command = ["uvicorn", "arrivals_subgraph:app", "--app-dir", str(HERE)]
            command += ["--port", str(port), "--log-level", "error"]
            processes.append(await run(command, port, ARRIVALS_REDIS=redis))
        await asyncio.gather(*(process.answers("/") for process in processes))
        return processes

    return start


@pytest.fixture
async def router(run: Callable[..., Any], tmp_path: Path) -> Callable[..., Any]:
    """``await router(subgraph_url, settings="...toml...", *options)`` gives a ready router.

    Its list of subgraphs is ``process.list``; ``process.schema(sdl)`` rewrites the schema in it.
    """
    count = 0

    async def start(subgraph: str, *options: str, settings: str = "", sdl: str = "") -> Process:
        nonlocal count
        count += 1
        port = free_port()
        listed, settings_file = tmp_path / f"list{count}.json", tmp_path / f"router{count}.toml"
        entry = {"name": "arrivals", "url": subgraph, **({"sdl": sdl} if sdl else {})}
        listed.write_text(json.dumps([entry]))
        settings_file.write_text(settings)
        command = ["router", "serve", "--subgraphs", str(listed), "--settings", str(settings_file)]
        process: Process = await run([*command, *options, "--port", str(port)], port)
        await process.said("The router listens on")
        await process.answers("/health/ready")
        return process

    return start


class OneAddress:
    """A balancer of TCP connections: each goes to the next router that takes it."""

    def __init__(self, ports: Sequence[int]) -> None:
        self.ports = list(ports)
        self.turn = 0
        self.tasks: set[asyncio.Task[None]] = set()
        self.writers: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> str:
        self.server = await asyncio.start_server(self.connected, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}"

    async def __aexit__(self, *_: object) -> None:
        self.server.close()
        for task in list(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        for writer in self.writers:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        for _ in self.ports:
            self.turn += 1
            port = self.ports[self.turn % len(self.ports)]
            with contextlib.suppress(OSError):
                back_reader, back_writer = await asyncio.open_connection("127.0.0.1", port)
                self.writers.append(back_writer)
                for pair in ((reader, back_writer), (back_reader, writer)):
                    task = asyncio.create_task(self.pump(*pair))
                    self.tasks.add(task)
                    task.add_done_callback(self.tasks.discard)
                return
        writer.close()

    async def pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        writer.close()


@pytest.fixture
def one_address() -> type[OneAddress]:
    """``async with one_address([port, port]) as url``: round robin."""
    return OneAddress
