"""A request that takes too long is ended, and only that one."""

from __future__ import annotations

import asyncio
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
