"""How much an idle WebSocket costs: open many subscriptions, then publish one event to all.

    .venv/bin/python tests/bench/idle_sockets.py [COUNT]

Prints the router's memory per socket and the time until the last socket heard the event. The
router runs in a process of its own; the sockets are raw, so that the client costs little.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import resource
import socket
import subprocess
import sys
import time
from pathlib import Path

from ariadne import MutationType, QueryType, SubscriptionType, make_executable_schema

SDL = """
type Query { hello: String }
type Mutation { ring: Int }
type Subscription { rang: Int }
"""


def serve(port: int) -> None:
    import uvicorn

    from router import Router
    from router.settings import Settings, SubscriptionSettings

    listeners: set[asyncio.Queue[int]] = set()
    mutation, subscription = MutationType(), SubscriptionType()

    @mutation.field("ring")
    def ring(*_: object) -> int:
        for queue in listeners:
            queue.put_nowait(1)
        return len(listeners)

    @subscription.source("rang")
    async def rang(*_: object):  # type: ignore[no-untyped-def]
        queue: asyncio.Queue[int] = asyncio.Queue()
        listeners.add(queue)
        try:
            while True:
                yield await queue.get()
        finally:
            listeners.discard(queue)

    subscription.set_field("rang", lambda event, *_: event)
    schema = make_executable_schema(SDL, mutation, subscription, QueryType())
    settings = Settings(subscriptions=SubscriptionSettings(init_timeout=120, sockets=100_000))
    router = Router.from_subgraphs({"bell": schema}, settings=settings)
    uvicorn.run(
        router,
        port=port,
        log_level="error",
        ws="websockets-sansio",
        ws_ping_interval=None,
        ws_per_message_deflate=False,
        backlog=8192,
    )


class Client(asyncio.Protocol):
    """A WebSocket reduced to what the measurement needs."""

    def __init__(self, opened: asyncio.Future[None]) -> None:
        self.opened = opened
        self.heard: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.buffer = b""
        self.upgraded = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        self.transport.write(  # type: ignore[attr-defined]
            f"GET /graphql HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if not self.upgraded and b"\r\n\r\n" in self.buffer:
            self.upgraded = True
            self.buffer = b""
            self.send({"type": "connection_init"})
        elif b"connection_ack" in self.buffer:
            self.buffer = b""
            query = {"query": "subscription { rang }"}
            self.send({"type": "subscribe", "id": "1", "payload": query})
            self.opened.set_result(None)
        elif b'"next"' in self.buffer and not self.heard.done():
            self.heard.set_result(None)

    def send(self, message: object) -> None:
        text = json.dumps(message).encode()
        assert len(text) < 126
        frame = bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text  # the mask is all zeros
        self.transport.write(frame)  # type: ignore[attr-defined]


async def measure(port: int, pid: int, count: int) -> None:
    loop = asyncio.get_running_loop()
    before, clients = rss(pid), []
    began = time.perf_counter()
    for first in range(0, count, 200):
        batch = []
        for _ in range(min(200, count - first)):
            opened: asyncio.Future[None] = loop.create_future()
            # one loopback address has some 28,000 ports; several have room for all
            local = (f"127.0.0.{2 + first // 20_000}", 0)
            _, client = await loop.create_connection(
                lambda opened=opened: Client(opened), "127.0.0.1", port, local_addr=local
            )
            clients.append(client)
            batch.append(opened)
        await asyncio.gather(*batch)
    took = time.perf_counter() - began
    await asyncio.sleep(1)
    each = (rss(pid) - before) / count
    print(f"{count} sockets in {took:.1f} s, {each:.1f} kB of the router's memory each")
    began = time.perf_counter()
    await asyncio.to_thread(ring, port)
    await asyncio.gather(*(client.heard for client in clients))
    print(f"one event reached all of them in {time.perf_counter() - began:.2f} s")


def ring(port: int) -> None:
    import urllib.request

    body = json.dumps({"query": "mutation { ring }"}).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/graphql", body, {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request) as answer:
        print("upstream subscriptions:", json.load(answer)["data"]["ring"])


def rss(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1])
    raise ProcessLookupError(pid)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    process = subprocess.Popen([sys.executable, __file__, "--serve", str(port)])
    try:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.05)
        asyncio.run(measure(port, process.pid, count))
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(int(sys.argv[2]))
    else:
        main()
