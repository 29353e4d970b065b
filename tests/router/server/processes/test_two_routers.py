"""Two router processes behind one address, what they share in Redis, and Redis going away."""

from __future__ import annotations

import asyncio
import hashlib
import json
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.patience import PATIENCE
from tests.valkey import ValkeyServer, start_valkey

LEND = "mutation Lend { lend(delay: 0.1) }"
ID = hashlib.sha256(LEND.encode()).hexdigest()
QUERY = "{ book { title } }"


@pytest.fixture
def shared() -> Any:
    """The Redis that routers share; the subgraph's is another one and stays."""
    server = start_valkey()
    yield server
    if server.is_running():
        server.stop()


@pytest.fixture
async def two(arrivals: Any, router: Any, tmp_path: Path, shared: ValkeyServer) -> Any:
    [subgraph] = await arrivals(1)
    folder = tmp_path / "clients" / "phone"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(json.dumps({ID: LEND}))
    (folder / "contract.toml").write_text(
        '[persisted]\nmanifests = ["manifest.json"]\n[limits]\nrate = "40/hour"\n'
    )
    redis = f'redis_url = "redis://127.0.0.1:{shared.port}/0"'
    settings = "\n".join(f"[{part}]\n{redis}" for part in ("apq", "idempotency", "rate"))
    options = ("--contracts", str(tmp_path / "clients"), "--no-watch")
    started = (router(subgraph.url, *options, settings=settings) for _ in range(2))
    return list(await asyncio.gather(*started))


@pytest.fixture
async def http() -> Any:
    # every request connects, so that the balancer sends it to the next router
    async with httpx2.AsyncClient(
        limits=httpx2.Limits(max_keepalive_connections=0), timeout=PATIENCE
    ) as http:
        yield http


async def lend(http: Any, url: str, key: str) -> Any:
    headers = {"idempotency-key": key}
    return await http.post(f"{url}/phone/graphql", json={"documentId": ID}, headers=headers)


async def by_hash(http: Any, url: str, query: str, *, text: bool = False) -> Any:
    digest = hashlib.sha256(query.encode()).hexdigest()
    body: dict[str, Any] = {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": digest}}}
    if text:
        body["query"] = query
    return (await http.post(f"{url}/graphql", json=body)).json()


async def known_to_both(http: Any, two: Any, query: str) -> None:
    """Register a text at the first router until the second finds it.

    A router that waited half a second for Redis leaves it alone for five: that is no failure.
    """
    async with asyncio.timeout(PATIENCE):
        while True:
            await by_hash(http, two[0].url, query, text=True)
            if "data" in await by_hash(http, two[1].url, query):
                return
            await asyncio.sleep(0.5)


async def test_they_share_texts_answers_and_counters(two: Any, http: Any, one_address: Any) -> None:
    async with one_address([process.port for process in two]) as url:
        await known_to_both(http, two, QUERY)
        for process in two:
            assert await by_hash(http, process.url, QUERY) == {"data": {"book": {"title": "Emma"}}}
        # two tries at the same moment, one to each router
        answers = await asyncio.gather(*(lend(http, url, "k") for _ in range(2)))
        statuses = sorted(answer.status_code for answer in answers)
        assert statuses in ([200, 409], [200, 200])  # told to wait, or late enough for the answer
        for process in two:
            again = await lend(http, process.url, "k")
            assert again.json() == {"data": {"lend": 1}}
            assert again.headers["idempotency-replayed"] == "true"
        more = await asyncio.gather(*(lend(http, url, f"k{number}") for number in range(38)))
        # 40 an hour for both together, four were used above
        assert sorted(answer.status_code for answer in more) == [200] * 36 + [429] * 2


async def test_redis_may_stop_and_start(
    two: Any, http: Any, shared: ValkeyServer, one_address: Any
) -> None:
    async with one_address([process.port for process in two]) as url:
        await known_to_both(http, two, QUERY)
        port = shared.port
        shared.stop()
        # what is in memory is served, a miss is a miss, and rates let through
        for process in two:
            assert "data" in await by_hash(http, process.url, QUERY)
        other = "{ __typename book { title } }"
        missed = await by_hash(http, two[0].url, other)
        assert missed["errors"][0]["extensions"]["code"] == "PERSISTED_QUERY_NOT_FOUND"
        assert "data" in await by_hash(http, two[0].url, other, text=True)
        refused = await lend(http, url, "away")
        assert refused.status_code == 503
        assert refused.json()["errors"][0]["extensions"]["code"] == "IDEMPOTENCY_STORE_AWAY"

        back = start_valkey(port)
        try:
            answers = [await lend(http, process.url, "away") for process in two]
            assert [answer.json() for answer in answers] == [{"data": {"lend": 1}}] * 2
            await known_to_both(http, two, "{ book { __typename } }")
        finally:
            back.stop()
