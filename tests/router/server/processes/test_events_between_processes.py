"""Several subgraph processes, several router processes: events reach everybody through Redis."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx2

from tests.patience import PATIENCE

LISTEN = {"query": "subscription { arrivals { title } }"}


class Listener:
    """An SSE client of one router."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.heard: asyncio.Queue[str] = asyncio.Queue()

    async def listen(self) -> None:
        headers = {"accept": "text/event-stream"}
        async with (
            httpx2.AsyncClient(timeout=PATIENCE) as http,
            http.stream("POST", f"{self.url}/graphql", json=LISTEN, headers=headers) as answer,
        ):
            async for line in answer.aiter_lines():
                if line.startswith("data: {"):
                    event = json.loads(line.removeprefix("data: "))
                    self.heard.put_nowait(event["data"]["arrivals"]["title"])


async def announce(url: str, title: str) -> int:
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
    tasks = [asyncio.create_task(listener.listen()) for listener in listeners]
    try:
        async with asyncio.timeout(PATIENCE):
            while await announce(routers[0].url, "hello?") != 2:
                await asyncio.sleep(0.05)
            titles = [f"book {number}" for number in range(20)]
            for number, title in enumerate(titles):
                await announce(routers[number % 2].url, title)
            for listener in listeners:
                heard: list[str] = []
                while len(heard) < len(titles):
                    title = await listener.heard.get()
                    if title != "hello?":
                        heard.append(title)
                assert heard == titles
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
