"""Watch the router's memory over many requests.

    python -m tests.bench.memory [REQUESTS [SECONDS [NEW]]]

Eight connections ask the library's query, the small one and, one time in ``NEW`` (100; 0: never),
a text that was never asked before, so that the caches fill and turn over as well. Prints the resident memory
after each tenth of the requests; ends when they are over (200,000) or the seconds are (60).
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import httptools
import orjson
import uvloop

from tests.bench.library import QUERY, SMALL_QUERY
from tests.bench.run import DEDUPED, cpu_of, router, subgraphs, write_supergraph

_SETTINGS: Final = "[subgraphs]\ndeduplicate = false\n[limits]\ncached_operations = 200\n"


class _Requests:
    """The requests in order; every tenth is the large query, every ``new``-th a new one."""

    def __init__(self, new: int) -> None:
        self._new = new
        self.begun = self.answered = 0
        self._large, self._small = _request(QUERY), _request(SMALL_QUERY)

    def next(self) -> bytes:
        self.begun += 1
        if self._new and self.begun % self._new == 0:
            return _request(SMALL_QUERY.replace("{", f"{{ new{self.begun}: __typename ", 1))
        return self._large if self.begun % 10 == 0 else self._small


def _request(query: str) -> bytes:
    body = orjson.dumps({"query": query})
    return (
        b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        b"content-length: %d\r\n\r\n%b" % (len(body), body)
    )


class _Asking(asyncio.Protocol):
    def __init__(self, requests: _Requests) -> None:
        self._requests = requests
        self._parser = httptools.HttpResponseParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._ask()

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, chunk: bytes) -> None:
        if b'"errors"' in chunk:
            raise SystemExit(f"The answer is wrong: {chunk[:300]!r}")

    def on_message_complete(self) -> None:
        self._requests.answered += 1
        self._ask()

    def _ask(self) -> None:
        self._transport.write(self._requests.next())  # type: ignore[attr-defined]


async def _watch(pid: int, count: int, seconds: float, new: int) -> None:
    requests = _Requests(new)
    loop = asyncio.get_running_loop()
    for _ in range(8):
        await loop.create_connection(lambda: _Asking(requests), "127.0.0.1", DEDUPED)
    start, next_line, cpu = time.monotonic(), count // 10, cpu_of(pid)
    while requests.answered < count and time.monotonic() - start < seconds:
        await asyncio.sleep(0.02)
        if requests.answered >= next_line:
            _print(requests.answered, pid, cpu)
            next_line += count // 10
    _print(requests.answered, pid, cpu)


def _print(answered: int, pid: int, cpu: float) -> None:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    spent = cpu_of(pid) - cpu
    print(f"{answered:9,d} requests  {pages * 4096 / 1e6:7.1f} MB  CPU {spent:5.1f} s", flush=True)


def main(requests: int = 200_000, seconds: float = 60.0, new: int = 100) -> None:
    """Run the router and watch it."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (folder / "settings.toml").write_text(_SETTINGS)
        stack.enter_context(subgraphs())
        settings = ("--settings", str(folder / "settings.toml"))
        pid = stack.enter_context(router(write_supergraph(folder), DEDUPED, *settings))
        uvloop.run(_watch(pid, requests, seconds, new))


if __name__ == "__main__":
    main(*(kind(value) for kind, value in zip((int, float, int), sys.argv[1:], strict=False)))
