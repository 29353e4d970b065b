"""A request that takes too long is ended, and only that one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from router.settings import HttpSettings, Settings


async def test_a_slow_request_is_504_and_a_quick_one_is_not(client: Any, library: Any) -> None:
    http = await client(settings=Settings(http=HttpSettings(request_timeout=1.0)))
    library.gate.clear()
    slow, quick = await asyncio.gather(
        http.post("/graphql", json={"query": "{ books { title } }"}),
        http.post("/graphql", json={"query": "{ authors }"}),
    )
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
