"""Idempotency-Key: a mutation sent twice is done once."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from router import Subgraph
from router.contracts.contract import Contract, PersistedRules
from router.settings import IdempotencySettings, Settings
from tests.patience import PATIENCE
from tests.router.asgi import http_to
from tests.valkey import start_valkey

LEND = "mutation Lend($id: ID!) { lend(id: $id) }"
ID = hashlib.sha256(LEND.encode()).hexdigest()


def phone(folder: Path) -> Contract:
    path = folder / "manifest.json"
    path.write_text(json.dumps({ID: LEND}))
    return Contract(name="phone", persisted=PersistedRules(manifests=(path,)))


async def lend(http: Any, key: str | None, book: str = "1") -> Any:
    headers = {"idempotency-key": key} if key is not None else {}
    body = {"documentId": ID, "variables": {"id": book}}
    return await http.post("/phone/graphql", json=body, headers=headers)


async def test_a_second_try_gets_the_stored_answer(
    client: Any, library: Any, tmp_path: Path
) -> None:
    http = await client(contracts=(phone(tmp_path),))
    first = await lend(http, '"k-1"')
    second = await lend(http, "k-1")  # quoted or not, it is the same key
    assert first.json() == second.json() == {"data": {"lend": 1}}
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    assert library.loans == ["1"]
    assert (await lend(http, "k-2")).json() == {"data": {"lend": 2}}


async def test_another_payload_under_the_same_key_is_refused(client: Any, tmp_path: Path) -> None:
    http = await client(contracts=(phone(tmp_path),))
    await lend(http, "k")
    assert (await lend(http, "k", book="2")).status_code == 422


async def test_a_try_while_the_first_runs_is_told_to_wait(
    client: Any, library: Any, tmp_path: Path
) -> None:
    http = await client(contracts=(phone(tmp_path),))
    library.gate.clear()
    first = asyncio.create_task(lend(http, "k"))
    await library.held(1)
    assert (await lend(http, "k")).status_code == 409
    library.gate.set()
    assert (await first).status_code == 200
    assert library.loans == ["1"]


async def test_only_persisted_mutations_take_a_key(client: Any, library: Any) -> None:
    http = await client()
    answer = await http.post(
        "/graphql", json={"query": 'mutation { lend(id: "1") }'}, headers={"idempotency-key": "k"}
    )
    assert answer.status_code == 400
    assert library.loans == []


@pytest.mark.parametrize("key", ["", '""', "a b", "x" * 300])
async def test_a_malformed_key_is_refused(client: Any, tmp_path: Path, key: str) -> None:
    http = await client(contracts=(phone(tmp_path),))
    assert (await lend(http, key)).status_code == 400


async def test_two_routers_do_it_once_between_them(
    client: Any, library: Any, tmp_path: Path, redis_url: str
) -> None:
    settings = Settings(idempotency=IdempotencySettings(redis_url=redis_url))
    contract = phone(tmp_path)
    one = await client(contracts=(contract,), settings=settings)
    two = await client(contracts=(contract,), settings=settings)
    key = f"k-{tmp_path}".replace("/", "-")
    library.gate.clear()
    tries = [asyncio.create_task(lend(http, key)) for http in (one, two)]
    await library.held(1)
    done, running = await asyncio.wait(tries, return_when=asyncio.FIRST_COMPLETED)
    assert [task.result().status_code for task in done] == [409]
    library.gate.set()
    assert (await running.pop()).status_code == 200
    again = await lend(two, key)
    assert again.json() == {"data": {"lend": 1}}
    assert library.loans == ["1"]


async def test_without_its_store_nothing_is_done(client: Any, library: Any, tmp_path: Path) -> None:
    settings = Settings(idempotency=IdempotencySettings(redis_url="redis://127.0.0.1:1/0"))
    http = await client(contracts=(phone(tmp_path),), settings=settings)
    assert (await lend(http, "k")).status_code == 503
    assert library.loans == []


@pytest.fixture
async def clerk(serving: Any) -> AsyncIterator[Clerk]:
    """A subgraph over HTTP that notes the keys it is given."""
    clerk = Clerk()
    clerk.url = f"http://{await serving(clerk)}/"
    yield clerk
    clerk.answers.set()


class Clerk:
    """Answers every request with a count of the mutations it did."""

    def __init__(self) -> None:
        self.url = ""
        self.keys: list[str | None] = []
        self.answers = asyncio.Event()
        self.answers.set()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        message = await receive()
        body = message["body"]
        while message.get("more_body"):
            message = await receive()
            body += message["body"]
        headers = dict(scope["headers"])
        key = headers.get(b"idempotency-key")
        self.keys.append(key.decode() if key is not None else None)
        field = "lend" if b"lend" in body else "again" if b"again" in body else "done"
        await self.answers.wait()
        start = {"type": "http.response.start", "status": 200}
        await send({**start, "headers": [(b"content-type", b"application/json")]})
        answer = {"data": {field: len(self.keys)}}
        await send({"type": "http.response.body", "body": json.dumps(answer).encode()})


SDL = "type Query { done: Int } type Mutation { lend(id: ID!): Int again: Int }"


async def test_subgraphs_get_a_key_of_their_own_with_each_mutation(
    client: Any, clerk: Clerk, tmp_path: Path
) -> None:
    subgraphs = {"books": Subgraph(url=clerk.url, sdl=SDL)}
    http = await client(subgraphs=subgraphs, contracts=(phone(tmp_path),))
    for key, book in (("a", "1"), ("b", "1"), ("a", "1")):  # the third one is replayed
        await lend(http, key, book)
    await http.post("/phone/graphql", json={"query": "mutation { again }"})
    await http.post("/phone/graphql", json={"query": "{ done }"}, headers={"idempotency-key": "c"})
    one, two, *without = clerk.keys
    assert one is not None
    assert two is not None
    assert one != two
    assert len(one) == 64  # not what the client sent: that means nothing to others
    assert without == [None, None]


async def test_a_try_of_which_nobody_knows_is_repeated_with_the_same_key_once_its_lease_is_over(
    started: Any, clerk: Clerk, tmp_path: Path
) -> None:
    settings = Settings(idempotency=IdempotencySettings(lease=4))
    subgraphs = {"books": Subgraph(url=clerk.url, sdl=SDL)}
    router = await started(subgraphs=subgraphs, contracts=(phone(tmp_path),), settings=settings)
    async with http_to(router) as http:
        clerk.answers.clear()
        router.server.http.deadlines.seconds = 1.0
        assert (await lend(http, "k")).status_code == 504  # sent, and no answer
        router.server.http.deadlines.seconds = PATIENCE
        clerk.answers.set()
        statuses = set()
        async with asyncio.timeout(PATIENCE):
            while (answer := await lend(http, "k")).status_code != 200:
                statuses.add(answer.status_code)
                await asyncio.sleep(0.2)
    assert statuses <= {409}
    assert answer.json() == {"data": {"lend": 2}}
    first, second = clerk.keys
    assert first is not None
    assert first == second  # the subgraph can tell that it is the same


async def test_an_answer_that_redis_does_not_take_is_kept_until_it_does(
    client: Any, library: Any, tmp_path: Path
) -> None:
    server = start_valkey()
    port = server.port
    url = f"redis://127.0.0.1:{port}/0"
    settings = Settings(idempotency=IdempotencySettings(redis_url=url))
    one, two = [await client(contracts=(phone(tmp_path),), settings=settings) for _ in range(2)]
    library.gate.clear()
    running = asyncio.create_task(lend(one, "k"))
    await library.held(1)
    server.stop()
    library.gate.set()
    assert (await running).json() == {"data": {"lend": 1}}
    again = await lend(one, "k")  # Redis is away: this router knows
    assert again.headers["idempotency-replayed"] == "true"
    assert (await lend(two, "k")).status_code == 503
    back = start_valkey(port)  # it has forgotten everything
    try:
        async with asyncio.timeout(PATIENCE):
            redis = Redis.from_url(url)
            while not await redis.keys("idempotency:*"):
                await asyncio.sleep(0.05)
            await redis.aclose()
        other = await lend(two, "k")
        assert other.json() == {"data": {"lend": 1}}
        assert other.headers["idempotency-replayed"] == "true"
        assert library.loans == ["1"]
    finally:
        back.stop()


async def test_a_try_that_reached_no_subgraph_may_be_repeated(
    started: Any, library: Any, tmp_path: Path
) -> None:
    sdl = "type Query { a: Int } type Mutation { lend(id: ID!): Int }"
    dead = Subgraph(url="http://127.0.0.1:1/graphql", sdl=sdl)
    router = await started(subgraphs={"books": dead}, contracts=(phone(tmp_path),))
    async with http_to(router) as http:
        for _ in range(2):
            answer = await lend(http, "k")
            assert answer.json()["data"] == {"lend": None}
            assert "idempotency-replayed" not in answer.headers
