"""GraphQL over SSE, single connection mode."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import httpx2
import pytest

from router.server.identity import ANONYMOUS, Identity
from tests.patience import PATIENCE

STREAM = {"accept": "text/event-stream"}


async def by_header(headers: Mapping[str, str]) -> Identity:
    user = headers.get("x-user")
    return Identity(subject=user) if user else ANONYMOUS


@pytest.fixture
async def http(served: Any) -> Any:
    address = await served(authenticate=by_header)
    async with httpx2.AsyncClient(base_url=f"http://{address}", timeout=PATIENCE) as http:
        yield http


async def reserve(http: Any, **headers: str) -> dict[str, str]:
    answer = await http.put("/graphql", headers=headers)
    assert answer.status_code == 201
    return {"x-graphql-event-stream-token": answer.text, **headers}


async def start(http: Any, token: dict[str, str], id_: str, query: str) -> Any:
    body = {"query": query, "extensions": {"operationId": id_}}
    return await http.post("/graphql", json=body, headers=token)


async def test_several_operations_share_one_stream(http: Any, library: Any) -> None:
    token = await reserve(http)
    async with http.stream("GET", "/graphql", headers={**token, **STREAM}) as stream:
        lines = stream.aiter_lines()

        async def event() -> Any:
            async with asyncio.timeout(PATIENCE):
                async for line in lines:
                    if line.startswith("data:"):
                        return json.loads(line[5:])
            return None

        sub = "subscription { arrivals { title } }"
        assert (await start(http, token, "a", sub)).status_code == 202
        await library.published_to(1)
        assert (await start(http, token, "b", "{ authors }")).status_code == 202
        assert await event() == {"id": "b", "payload": {"data": {"authors": ["Austen", "Thoreau"]}}}
        assert await event() == {"id": "b"}
        library.publish("Emma")
        assert (await event())["payload"]["data"] == {"arrivals": {"title": "Emma"}}
        assert (await start(http, token, "a", sub)).status_code == 409
        await http.delete("/graphql", params={"operationId": "a"}, headers=token)
        await library.published_to(0)


async def test_what_does_not_validate_is_answered_at_once(http: Any) -> None:
    token = await reserve(http)
    answer = await start(http, token, "a", "{ nothing }")
    assert answer.status_code == 400
    assert answer.json()["errors"]
    answer = await http.post("/graphql", json={"query": "{ authors }"}, headers=token)
    assert answer.status_code == 400


async def test_a_stream_opens_once_and_for_its_own_caller(http: Any) -> None:
    token = await reserve(http, **{"x-user": "asha"})
    stranger = {**token, "x-user": "ben"}
    assert (await http.get("/graphql", headers={**stranger, **STREAM})).status_code == 404
    assert (await start(http, stranger, "a", "{ authors }")).status_code == 404
    async with http.stream("GET", "/graphql", headers={**token, **STREAM}) as stream:
        assert stream.status_code == 200
        assert (await http.get("/graphql", headers={**token, **STREAM})).status_code == 409
