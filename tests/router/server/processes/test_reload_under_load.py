"""A router process that is busy: reloads, refusals and the end, with no failed request."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import httpx2
import orjson
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from tests.patience import PATIENCE

PROTOCOL = Subprotocol("graphql-transport-ws")

SDL = """
type Query {{ book(title: String! = "Emma", delay: Float! = 0): Book! }}
type Subscription {{ arrivals: Book! }}
type Book {{ title: String! {} }}
"""


class Load:
    """Clients that ask without pause, each over its own connection, until told to stop."""

    def __init__(self, url: str, clients: int = 6) -> None:
        self.url = url
        self.clients = clients
        self.seconds: list[float] = []
        self.failed: list[Any] = []
        self.lost = 0
        self.going = True

    async def more(self, requests: int) -> None:
        """Wait until so many further requests were answered."""
        until = len(self.seconds) + requests
        async with asyncio.timeout(PATIENCE):
            while len(self.seconds) < until and not self.failed:
                await asyncio.sleep(0.01)

    async def __aenter__(self) -> Load:
        self.tasks = [asyncio.create_task(self.ask(number)) for number in range(self.clients)]
        return self

    async def __aexit__(self, *_: object) -> None:
        self.going = False
        await asyncio.gather(*self.tasks)

    async def ask(self, number: int) -> None:
        limits = httpx2.Limits(max_keepalive_connections=number % 2)  # half connect every time
        async with httpx2.AsyncClient(limits=limits, timeout=PATIENCE) as http:
            while self.going:
                title = f"{number}-{len(self.seconds)}"
                query = f'{{ book(title: "{title}", delay: 0.01) {{ title }} }}'
                before = time.perf_counter()
                try:
                    answer = await http.post(f"{self.url}/graphql", json={"query": query})
                except httpx2.TransportError:
                    self.lost += 1  # a connection that closed before the request was read
                    if self.lost > 50:
                        self.failed.append("the address is gone")
                        return
                    continue
                if answer.content != b'{"data":{"book":{"title":"%b"}}}' % title.encode():
                    self.failed.append((answer.status_code, answer.text))
                self.seconds.append(time.perf_counter() - before)


async def test_no_request_fails_while_files_change(
    arrivals: Any, router: Any, tmp_path: Path, capsys: Any
) -> None:
    [subgraph] = await arrivals(1)
    schema = tmp_path / "arrivals.graphql"
    schema.write_text(SDL.format(""))
    process = await router(subgraph.url, "--no-watch", sdl=schema.name)
    async with Load(process.url) as load:
        for generation in range(2, 8):
            schema.write_text(SDL.format(f"more{generation}: Int"))
            process.reload()
            await process.said(f"The router serves generation {generation}.")
            await load.more(10)
            if generation == 4:
                schema.write_text("type Query { book: Missing }")
                process.reload()
                await process.said("The router keeps the schema it has.")
    assert load.failed == []
    assert load.lost == 0
    seconds = sorted(load.seconds)
    with capsys.disabled():
        figures = f"{len(seconds)} requests, 6 reloads, 1 refused, none failed; median "
        figures += (
            f"{seconds[len(seconds) // 2] * 1000:.0f} ms, longest {seconds[-1] * 1000:.0f} ms"
        )
        print(f"\n{figures}")


async def test_a_subscription_outlives_reloads_and_hears_of_the_end(
    arrivals: Any, router: Any, tmp_path: Path
) -> None:
    [subgraph] = await arrivals(1)
    schema = tmp_path / "arrivals.graphql"
    schema.write_text(SDL.format(""))
    process = await router(subgraph.url, "--no-watch", sdl=schema.name)
    url = process.url.replace("http", "ws") + "/graphql"
    async with (
        connect(url, subprotocols=[PROTOCOL], open_timeout=PATIENCE, ping_timeout=None) as socket,
        httpx2.AsyncClient(timeout=PATIENCE) as http,
    ):
        await socket.send('{"type":"connection_init"}')
        assert json.loads(await socket.recv())["type"] == "connection_ack"
        query = {"query": "subscription { arrivals { title } }"}
        await socket.send(orjson.dumps({"id": "1", "type": "subscribe", "payload": query}).decode())
        await announced(http, subgraph.url, "Emma")
        assert "Emma" in str(await socket.recv())
        schema.write_text(SDL.format("more: Int"))
        process.reload()
        await process.said("The router serves generation 2.")
        assert await announced(http, subgraph.url, "Walden") == 1
        assert "Walden" in str(await socket.recv())
        process.child.terminate()
        last = json.loads(await socket.recv())
        while last["type"] == "ping":
            last = json.loads(await socket.recv())
        assert last["type"] == "error"
        assert last["payload"][0]["extensions"]["code"] == "SUBSCRIPTION_SERVER_SHUTDOWN"
        await socket.wait_closed()
        assert socket.close_code == 1001
    assert await process.end() == 0


async def announced(http: httpx2.AsyncClient, subgraph: str, title: str) -> int:
    """Publish until somebody listens; returns how many do."""
    query = f'mutation {{ announce(title: "{title}") }}'
    async with asyncio.timeout(PATIENCE):
        while True:
            answer = await http.post(subgraph, json={"query": query})
            if listeners := int(answer.json()["data"]["announce"]):
                return listeners
            await asyncio.sleep(0.05)


async def test_a_router_is_exchanged_under_load(
    arrivals: Any, router: Any, one_address: Any
) -> None:
    [subgraph] = await arrivals(1)
    starting = (router(subgraph.url, "--no-watch") for _ in range(3))
    old, stays, fresh = await asyncio.gather(*starting)
    balancer = one_address([old.port, stays.port])
    async with balancer as url, Load(url) as load:
        await load.more(20)
        balancer.ports[0] = fresh.port  # a balancer stops sending before the end
        assert await old.end() == 0
        await load.more(20)
    assert load.failed == []
    # a kept-alive connection may end just when the next request is written: clients send it again
    assert load.lost <= load.clients
