"""Idempotency-Key: a mutation sent twice is done once."""

from __future__ import annotations

import asyncio
import hashlib
import json
from pathlib import Path
from typing import Any

import httpx2
import pytest

from router.app import Subgraph
from router.contracts.contract import Contract, PersistedRules
from router.settings import IdempotencySettings, Settings

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


async def test_a_try_that_reached_no_subgraph_may_be_repeated(
    started: Any, library: Any, tmp_path: Path
) -> None:
    sdl = "type Query { a: Int } type Mutation { lend(id: ID!): Int }"
    dead = Subgraph(url="http://127.0.0.1:1/graphql", sdl=sdl)
    router = await started(subgraphs={"books": dead}, contracts=(phone(tmp_path),))
    transport = httpx2.ASGITransport(router)
    async with httpx2.AsyncClient(transport=transport, base_url="http://router") as http:
        for _ in range(2):
            answer = await lend(http, "k")
            assert answer.json()["data"] == {"lend": None}
            assert "idempotency-replayed" not in answer.headers
