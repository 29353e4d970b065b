"""Measure the router: CPU per request, beside the least that an ASGI app costs.

    python -m tests.bench.run [SECONDS [ROUNDS]]

Starts the library's subgraphs, the router (de-duplication of subgraph requests on and off) and
bare ASGI echoes of the same answers, on uvicorn as it comes and on the router's own protocol;
checks the answer, and prints one line per case: requests per second, median latency, CPU of the
measured process per request (the best round and the median), and how many echoes that is. Cases
are interleaved and rounds repeat them, so that many short rounds are better than few long ones. CPU
time is what to trust: it is stable where requests per second are not. All requests are identical,
which flatters de-duplication: read both lines.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httptools
import orjson
import uvloop

from router.composition.compose import compose
from router.composition.sources import SubgraphSource
from tests.bench.library import QUERY, SDL, SMALL_QUERY, WIDE_QUERY

SUBGRAPHS, DEDUPED, PLAIN, TRUSTING = 14200, 14100, 14101, 14102
ECHO, SMALL_ECHO, OWN_SMALL_ECHO, WIDE_ECHO = 14300, 14301, 14302, 14303


@dataclass(frozen=True)
class Case:
    """One thing to measure: which process, with what, over how many connections."""

    name: str
    port: int
    query: str
    connections: int
    echo: int | None = None
    """The port of the echo that it is compared with."""


@dataclass(frozen=True)
class Result:
    """``cpu`` in microseconds of the process per request, ``latency`` in milliseconds."""

    requests: float
    latency: float
    cpu: float


class _Load(asyncio.Protocol):
    """A connection that asks again as soon as it is answered."""

    def __init__(self, request: bytes, took: list[float]) -> None:
        self._request = request
        self._took = took
        self._parser = httptools.HttpResponseParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self._ask()

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        self._took.append(time.perf_counter() - self._asked)
        self._ask()

    def _ask(self) -> None:
        self._asked = time.perf_counter()
        self.transport.write(self._request)  # type: ignore[attr-defined]


async def load(case: Case, seconds: float, pid: int) -> Result:
    """Ask for ``seconds`` over the case's connections."""
    body = orjson.dumps({"query": case.query})
    request = (
        b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        b"accept: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
    )
    took: list[float] = []
    loop = asyncio.get_running_loop()
    made = [
        await loop.create_connection(lambda: _Load(request, took), "127.0.0.1", case.port)
        for _ in range(case.connections)
    ]
    await asyncio.sleep(0.5)
    took.clear()
    cpu, start = cpu_of(pid), time.perf_counter()
    await asyncio.sleep(seconds)
    spent, passed = cpu_of(pid) - cpu, time.perf_counter() - start
    count = len(took)
    for transport, _ in made:
        transport.abort()
    return Result(count / passed, statistics.median(took) * 1e3, spent / count * 1e6)


def cpu_of(pid: int) -> float:
    """Return the CPU seconds of a process and its workers so far, user and system."""
    return sum(_cpu(each) for each in processes(pid))


def processes(pid: int) -> list[int]:
    """A process and its children."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [pid, *map(int, children.split())]


def _cpu(pid: int) -> float:
    with contextlib.suppress(OSError):  # to the nanosecond, where the kernel counts so
        threads = Path(f"/proc/{pid}/task").iterdir()
        return sum(int((each / "schedstat").read_text().split()[0]) for each in threads) / 1e9
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def running(*arguments: str, port: int, path: str = "/") -> Iterator[int]:
    """Run a module until the block ends; gives its process id once it answers."""
    with contextlib.closing(socket.socket()) as free:
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        free.bind(("127.0.0.1", port))  # or somebody else would be measured
    process = subprocess.Popen([sys.executable, "-m", *arguments])
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=1).close()
            except urllib.error.HTTPError:
                break
            except OSError:
                time.sleep(0.1)
            else:
                break
        yield process.pid
    finally:
        process.terminate()
        process.wait(10)


def write_supergraph(folder: Path) -> Path:
    """Compose the library's subgraphs into a file in ``folder``."""
    sources = [
        SubgraphSource(name, f"http://127.0.0.1:{SUBGRAPHS}/{name}", sdl)
        for name, sdl in SDL.items()
    ]
    file = folder / "supergraph.graphql"
    file.write_text(compose(sources).supergraph_sdl)
    return file


def subgraphs() -> AbstractContextManager[int]:
    """Run the library's subgraphs."""
    return running("tests.bench.servers", "subgraphs", str(SUBGRAPHS), port=SUBGRAPHS)


def router(supergraph: Path, port: int, *arguments: str) -> AbstractContextManager[int]:
    """Run a router; gives its process id."""
    serve = ("router", "serve", "--supergraph", str(supergraph), "--port", str(port))
    return running(*serve, *arguments, port=port, path="/health")


def ask(port: int, query: str) -> bytes:
    """Return the answer to one query."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/graphql",
        orjson.dumps({"query": query}),
        {"content-type": "application/json", "accept": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        body: bytes = response.read()
    return body


def main(seconds: float = 3.0, rounds: int = 2) -> None:
    """Run all cases and print them."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        supergraph = write_supergraph(folder)
        run = stack.enter_context
        run(subgraphs())
        pids = {DEDUPED: run(router(supergraph, DEDUPED))}
        for port, lines in (
            (PLAIN, "deduplicate = false\n"),
            (TRUSTING, f"deduplicate = false\ntrusted = {orjson.dumps(list(SDL)).decode()}\n"),
        ):
            settings = folder / f"{port}.toml"
            settings.write_text(f"[subgraphs]\n{lines}")
            pids[port] = run(router(supergraph, port, "--settings", str(settings)))
        answers = {query: ask(PLAIN, query) for query in (QUERY, SMALL_QUERY, WIDE_QUERY)}
        if any(b'"errors"' in answer for answer in answers.values()):
            raise SystemExit(f"The answer is wrong: {answers[QUERY][:500]!r}")
        if ask(TRUSTING, WIDE_QUERY) != answers[WIDE_QUERY]:
            raise SystemExit("What is passed through is another answer.")
        for port, query, *own in (
            (ECHO, QUERY),
            (SMALL_ECHO, SMALL_QUERY),
            (OWN_SMALL_ECHO, SMALL_QUERY, "own"),
            (WIDE_ECHO, WIDE_QUERY),
        ):
            file = folder / f"{port}.json"
            file.write_bytes(answers[query])
            pids[port] = run(
                running("tests.bench.servers", "echo", str(port), str(file), *own, port=port)
            )
        print("answers:", ", ".join(str(len(answer)) for answer in answers.values()), "bytes")
        cases = _cases()
        found: dict[Case, list[Result]] = {case: [] for case in cases}
        for _ in range(rounds):
            for case in cases:
                found[case].append(uvloop.run(load(case, seconds, pids[case.port])))
        _print(found)


def _cases() -> list[Case]:
    """What is measured, in the order of a round."""
    return [
        Case(f"{what}, c={count}", port, query, count, echo)
        for count in (1, 50)
        for what, port, query, echo in (
            ("library", PLAIN, QUERY, ECHO),
            ("library, subgraph requests shared", DEDUPED, QUERY, ECHO),
            ("echo of the same size", ECHO, QUERY, None),
            ("one fetch", PLAIN, SMALL_QUERY, SMALL_ECHO),
            ("one fetch, subgraph requests shared", DEDUPED, SMALL_QUERY, SMALL_ECHO),
            ("echo of that size", SMALL_ECHO, SMALL_QUERY, None),
            ("echo of that size, the router's protocol", OWN_SMALL_ECHO, SMALL_QUERY, None),
            ("one wide fetch", PLAIN, WIDE_QUERY, WIDE_ECHO),
            ("one wide fetch, passed through", TRUSTING, WIDE_QUERY, WIDE_ECHO),
            ("echo of that width", WIDE_ECHO, WIDE_QUERY, None),
        )
    ]


def _print(found: Mapping[Case, Sequence[Result]]) -> None:
    echoes = {
        (case.port, case.connections): [each.cpu for each in results]
        for case, results in found.items()
    }
    for case, results in found.items():
        cpu = [each.cpu for each in results]
        best = min(results, key=lambda each: each.cpu)
        line = (
            f"{case.name:48} {best.requests:8.0f} /s  p50 {best.latency:7.2f} ms  "
            f"CPU {best.cpu:6.0f} us (median {statistics.median(cpu):6.0f})"
        )
        if case.echo is not None:
            echo = echoes[case.echo, case.connections]
            each_round = [one / other for one, other in zip(cpu, echo, strict=True)]
            line += (
                f"  echoes: {best.cpu / min(echo):.2f} (median {statistics.median(each_round):.2f})"
            )
        print(line)


if __name__ == "__main__":
    main(*(kind(value) for kind, value in zip((float, int), sys.argv[1:], strict=False)))
