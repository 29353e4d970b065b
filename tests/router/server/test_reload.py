"""A new schema goes live without a failed request; subscriptions go over to it or are told."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from router import Router
from router.contracts.contract import Contract, TagRules
from router.errors import RouterError
from router.loading import load_subgraphs
from router.server.messages import GraphQLRequest
from router.server.streaming import StreamFailed
from router.settings import Settings, SubgraphSettings


class Graph:
    """Subgraphs that a test may exchange before a reload."""

    def __init__(self, library: Any) -> None:
        self.subgraphs: dict[str, Any] = library.subgraphs()

    async def load(self, settings: SubgraphSettings) -> Any:
        return await load_subgraphs(self.subgraphs, settings)


@pytest.fixture
async def live(library: Any) -> Any:
    graph = Graph(library)
    router = Router(graph.load)
    await router.start()
    yield router, graph
    await router.stop()


async def events(router: Router, query: str) -> Any:
    pipeline = router.server.pipeline
    exchange = pipeline.exchange(pipeline.generation.default, GraphQLRequest(query=query), {})
    await pipeline.prepare(exchange)
    return router.server.subscriptions.events(exchange)


async def ask(router: Router, query: str) -> Any:
    """One request straight to the ASGI app."""
    sent: list[Any] = []
    body = json.dumps({"query": query}).encode()

    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/graphql",
        "headers": [(b"content-type", b"application/json")],
        "query_string": b"",
    }
    await router(scope, receive, send)
    return json.loads(sent[1]["body"])


async def test_a_reload_serves_what_is_new(live: Any, library: Any) -> None:
    router, graph = live
    assert "errors" in await ask(router, "{ editions }")
    graph.subgraphs["books"] = library.books("extend type Query { editions: Int }")
    await router.reload()
    assert await ask(router, "{ editions }") == {"data": {"editions": None}}
    assert router.generation.number == 2


async def test_a_bad_schema_is_refused_and_the_old_one_stays(live: Any) -> None:
    router, graph = live
    graph.subgraphs["books"] = "not a url"
    with pytest.raises(RouterError):
        await router.reload()
    assert router.generation.number == 1
    assert await ask(router, "{ authors }") == {"data": {"authors": ["Austen", "Thoreau"]}}


async def test_no_request_fails_while_schemas_change(live: Any, library: Any) -> None:
    router, graph = live
    answers: list[Any] = []
    reloading = True

    async def keep_asking() -> None:
        while reloading:
            answers.append(await ask(router, "{ books { title author } }"))
            await asyncio.sleep(0)

    asking = [asyncio.create_task(keep_asking()) for _ in range(6)]
    for _ in range(4):
        before = len(answers)
        graph.subgraphs = library.subgraphs()
        await router.reload()
        while len(answers) < before + 6:
            await asyncio.sleep(0)
    reloading = False
    await asyncio.gather(*asking)
    assert len(answers) >= 24
    assert all("errors" not in answer for answer in answers)


async def test_a_subscription_survives_a_reload_and_loses_nothing(live: Any, library: Any) -> None:
    router, graph = live
    stream = await events(router, "subscription { arrivals { title author } }")
    first = asyncio.ensure_future(anext(stream))
    await library.published_to(1)
    library.publish("Emma")
    assert b"Emma" in await first
    library.publish("between")  # on its way while the schema changes
    graph.subgraphs["authors"] = library.authors()
    await router.reload()
    await library.published_to(1)  # the upstream was kept, not opened again
    library.publish("Walden")
    assert b"between" in await anext(stream)
    assert b"Walden" in await anext(stream)
    assert router.generation.number == 2
    library.publish(None)
    with pytest.raises(StopAsyncIteration):
        await anext(stream)


async def test_what_runs_per_event_is_planned_anew(live: Any, library: Any) -> None:
    router, graph = live
    stream = await events(router, "subscription { arrivals { title author } }")
    first = asyncio.ensure_future(anext(stream))
    await library.published_to(1)
    library.publish("Emma")
    assert b"author of 9" in await first
    graph.subgraphs["authors"] = library.authors("writer")
    await router.reload()
    library.publish("Walden")
    assert b"writer 9" in await anext(stream)
    await stream.aclose()


async def test_a_subscription_that_is_no_longer_valid_is_closed_with_a_code(
    live: Any, library: Any
) -> None:
    router, graph = live
    stream = await events(router, "subscription { arrivals { title author } }")
    first = asyncio.ensure_future(anext(stream))
    await library.published_to(1)
    library.publish("Emma")
    await first
    del graph.subgraphs["authors"]
    await router.reload()
    with pytest.raises(StreamFailed) as failure:
        await anext(stream)
    assert failure.value.errors[0]["extensions"]["code"] == "SUBSCRIPTION_SCHEMA_RELOAD"
    await library.published_to(0)


async def test_the_old_generation_closes_when_its_last_request_is_done(
    live: Any, library: Any
) -> None:
    router, _ = live
    library.gate.clear()
    old = router.generation
    running = asyncio.create_task(ask(router, "{ books { title } }"))
    await library.held(1)
    await router.reload()
    assert not old.closed
    library.gate.set()
    assert "errors" not in await running
    assert old.closed


async def test_contracts_change_with_the_schema(library: Any) -> None:
    graph = Graph(library)
    web = Contract(name="web", tags=TagRules(exclude=("internal",)))
    async with Router(graph.load, contracts=(web,)) as router:
        before = router.generation.clients["web"].schema
        await router.reload()
        assert router.generation.clients["web"].schema is not before


async def test_settings_are_read_again_with_the_schema(library: Any) -> None:
    read = [Settings(), Settings(introspection=False, unauthorised="refuse")]
    graph = Graph(library)
    router = Router(graph.load, settings=lambda: read[0])
    async with router:
        assert "errors" not in await ask(router, "{ __schema { queryType { name } } }")
        read.pop(0)
        await router.reload()
        assert "errors" in await ask(router, "{ __schema { queryType { name } } }")
        answer = await ask(router, "{ books { price } }")
        assert answer["errors"][0]["extensions"]["code"] == "UNAUTHORIZED_OPERATION"
