"""A request that takes too long is ended, and only that one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from router.settings import HttpSettings, Settings
from tests.router.asgi import http_to


async def test_a_slow_request_is_504_and_a_quick_one_is_not(started: Any, library: Any) -> None:
    router = await started()
    async with http_to(router) as http:
        queries = [{"query": "{ books { title } }"}, {"query": "{ authors }"}]
        for query in queries:  # what it takes to plan them is not what is asked here
            await http.post("/graphql", json=query)
        router.server.http.deadlines.seconds = 1.0
        library.gate.clear()
        slow, quick = await asyncio.gather(*(http.post("/graphql", json=q) for q in queries))
    assert slow.status_code == 504
    assert slow.json()["errors"][0]["extensions"]["code"] == "GATEWAY_TIMEOUT"
    assert quick.status_code == 200


async def test_a_body_that_does_not_come_is_408(client: Any) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b'{"query": '
        await asyncio.sleep(10)

    http = await client(settings=Settings(http=HttpSettings(request_timeout=0.2)))
    answer = await http.post(
        "/graphql", content=body(), headers={"content-type": "application/json"}
    )
    assert answer.status_code == 408
    assert answer.json()["errors"][0]["extensions"]["code"] == "REQUEST_TIMEOUT"
    assert answer.headers["connection"] == "close"
