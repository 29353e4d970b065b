"""Subgraphs in this process: graphql-core, Ariadne, Strawberry, ASGI apps."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
import strawberry
from ariadne import MutationType, QueryType, make_executable_schema
from graphql import build_schema
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from router.errors import SettingsInvalid, SubgraphError
from router.execution import InFlight
from router.execution.client import SubgraphRequest
from router.transport import HttpClient, InProcessClient, connect
from tests.patience import PATIENCE

REPRESENTATIONS = [{"__typename": "Book", "id": "1"}]
ENTITIES = SubgraphRequest(
    "query($r:[_Any!]!){_entities(representations:$r){... on Book{id title}}}",
    {"r": REPRESENTATIONS},
)


@strawberry.federation.type(keys=["id"])
class Book:
    id: strawberry.ID
    title: str = "t"

    @classmethod
    def resolve_reference(cls, id: strawberry.ID) -> Book:
        return cls(id=id)


@strawberry.type
class Query:
    @strawberry.field
    async def who(self, info: strawberry.Info) -> str:
        return str(info.context["headers"].get("x-user"))

    @strawberry.field
    def books(self) -> list[Book]:
        return [Book(id=strawberry.ID("1"))]


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def count(self, to: int) -> AsyncIterator[int]:
        for number in range(to):
            yield number


STRAWBERRY = strawberry.federation.Schema(query=Query, subscription=Subscription)


async def test_a_strawberry_schema_answers_entities_and_leaves_the_representations_alone() -> None:
    client = InProcessClient.from_strawberry(STRAWBERRY)
    for _ in range(2):
        answer = await client.fetch(ENTITIES)
        assert answer.data == {"_entities": [{"id": "1", "title": "t"}]}
        assert not answer.errors
    assert REPRESENTATIONS == [{"__typename": "Book", "id": "1"}]


async def test_a_strawberry_schema_sees_the_headers_and_reports_errors() -> None:
    client = InProcessClient.from_strawberry(STRAWBERRY)
    answer = await client.fetch(SubgraphRequest("{who}", {}, headers={"x-user": "u"}))
    assert answer.data == {"who": "u"}
    answer = await client.fetch(SubgraphRequest("{nope}", {}))
    assert answer.data is None
    assert "nope" in answer.errors[0]["message"]
    made = InProcessClient.from_strawberry(
        STRAWBERRY, context=lambda request: {"headers": {"x-user": "other"}}
    )
    assert (await made.fetch(SubgraphRequest("{who}", {}))).data == {"who": "other"}


async def test_a_strawberry_subscription_yields_and_can_be_left() -> None:
    client = InProcessClient.from_strawberry(STRAWBERRY)
    request = SubgraphRequest("subscription($n:Int!){count(to:$n)}", {"n": 3})
    assert [a.data["count"] async for a in client.subscribe(request)] == [0, 1, 2]
    events = client.subscribe(request)
    await anext(events)
    await events.aclose()  # type: ignore[attr-defined]
    wrong = [a async for a in client.subscribe(SubgraphRequest("subscription{no}", {}))]
    assert wrong[0].errors


query, mutation = QueryType(), MutationType()


@query.field("sync")
def resolve_sync(_: Any, info: Any) -> str:
    return str(info.context)


@query.field("later")
async def resolve_later(*_: Any) -> str:
    await asyncio.sleep(0)
    return "later"


@query.field("broken")
def resolve_broken(*_: Any) -> str:
    raise ValueError("broken")


ARIADNE = make_executable_schema("type Query{sync:String later:String broken:String}", query)


async def test_an_ariadne_schema_answers_at_once_where_nothing_is_awaited() -> None:
    client = InProcessClient.from_graphql(ARIADNE, context=lambda request: request.operation)
    outcomes: list[Any] = []
    client.begin(SubgraphRequest("{sync}", {}), outcomes.append)
    assert outcomes[0].data == {"sync": "{sync}"}
    assert (await client.fetch(SubgraphRequest("{later}", {}))).data == {"later": "later"}
    answer = await client.fetch(SubgraphRequest("{broken sync}", {}))
    assert answer.data["broken"] is None
    assert answer.errors[0]["path"] == ["broken"]
    assert (await client.fetch(SubgraphRequest("{", {}))).errors
    assert (await client.fetch(SubgraphRequest("{no}", {}))).errors


async def test_a_context_may_be_awaited() -> None:
    async def context(request: SubgraphRequest) -> str:
        return "awaited"

    client = InProcessClient.from_graphql(ARIADNE, context=context)
    assert (await client.fetch(SubgraphRequest("{sync}", {}))).data == {"sync": "awaited"}


async def test_a_graphql_core_subscription() -> None:
    schema = build_schema("type Query{a:Int} type Subscription{n:Int}")
    assert schema.subscription_type is not None

    async def source(*_: Any) -> AsyncIterator[Any]:
        for number in range(2):
            yield {"n": number}

    schema.subscription_type.fields["n"].subscribe = source
    client = InProcessClient.from_graphql(schema)
    found = [a.data async for a in client.subscribe(SubgraphRequest("subscription{n}", {}))]
    assert found == [{"n": 0}, {"n": 1}]


async def test_a_schema_that_breaks_says_nothing_of_its_data() -> None:
    def context(request: SubgraphRequest) -> Any:
        raise ValueError("patient 42")

    client = InProcessClient.from_graphql(ARIADNE, context=context)
    with pytest.raises(SubgraphError) as caught:
        await client.fetch(SubgraphRequest("{sync}", {}))
    assert "42" not in caught.value.message


def app(answer: Any) -> Starlette:
    return Starlette(routes=[Route("/graphql", answer, methods=["POST"])])


async def test_an_asgi_app_is_asked_as_over_http() -> None:
    async def answer(request: Request) -> Response:
        body = await request.json()
        return JSONResponse({"data": {"q": body, "h": request.headers["x-user"]}})

    client = InProcessClient.from_asgi(app(answer))
    found = await client.fetch(SubgraphRequest("{q}", {"a": 1}, headers={"X-User": "u"}))
    assert found.data == {"q": {"query": "{q}", "variables": {"a": 1}}, "h": "u"}


@pytest.mark.parametrize(
    ("response", "code"),
    [
        (lambda: Response("<html>", 500), "SUBREQUEST_HTTP_ERROR"),
        (lambda: Response("<html>"), "SUBREQUEST_MALFORMED_RESPONSE"),
    ],
)
async def test_an_asgi_app_may_be_sick_too(response: Any, code: str) -> None:
    async def answer(request: Request) -> Response:
        return response()

    with pytest.raises(SubgraphError) as caught:
        await InProcessClient.from_asgi(app(answer)).fetch(SubgraphRequest("{q}", {}))
    assert caught.value.error_code == code

    async def raises(request: Request) -> Response:
        raise RuntimeError("patient 42")

    with pytest.raises(SubgraphError) as caught:
        await InProcessClient.from_asgi(app(raises)).fetch(SubgraphRequest("{q}", {}))
    assert "42" not in caught.value.message


async def test_an_asgi_app_streams_events() -> None:
    left = asyncio.Event()

    async def answer(request: Request) -> Response:
        async def events() -> AsyncIterator[bytes]:
            try:
                for number in range(100):
                    yield b"event: next\ndata: " + orjson.dumps({"data": {"n": number}}) + b"\n\n"
                    await asyncio.sleep(0)
            finally:
                left.set()

        return StreamingResponse(events(), media_type="text/event-stream")

    client = InProcessClient.from_asgi(app(answer))
    events = client.subscribe(SubgraphRequest("subscription{n}", {}))
    assert (await anext(events)).data == {"n": 0}
    assert (await anext(events)).data == {"n": 1}
    await events.aclose()  # type: ignore[attr-defined]
    await asyncio.wait_for(left.wait(), PATIENCE)


def described(**known: Any) -> Any:
    return SimpleNamespace(
        **{"url": None, "schema": None, "client": None, "headers": None, **known}
    )


async def test_connect_makes_the_client_that_fits() -> None:
    given = InProcessClient.from_graphql(ARIADNE)
    assert connect("s", described(client=given)) is given
    assert isinstance(connect("s", described(url="http://x")), InFlight)
    assert isinstance(connect("s", described(url="http://x"), deduplicate=False), HttpClient)
    for schema in (ARIADNE, STRAWBERRY, app(lambda request: None)):
        assert isinstance(connect("s", described(schema=schema)), InFlight)
    with pytest.raises(SettingsInvalid, match="neither a URL nor a schema"):
        connect("s", described())
    with pytest.raises(SettingsInvalid, match="neither a schema nor an ASGI app"):
        connect("s", described(schema=7))
