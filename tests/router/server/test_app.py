"""The library door: five lines to an ASGI app, alone or mounted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
import strawberry
from ariadne.asgi import GraphQL
from graphql import GraphQLField, GraphQLObjectType, GraphQLSchema, GraphQLString
from starlette.applications import Starlette
from starlette.routing import Mount
from strawberry import federation

from router import Router, Subgraph
from router.errors import RouterError, SettingsInvalid, SubgraphError
from router.execution.client import SubgraphAnswer, SubgraphRequest
from router.server.exchange import Exchange
from tests.router.asgi import http_to


@federation.type(keys=["id"])
class Reader:
    id: strawberry.ID
    name: str


@strawberry.type
class ReaderQuery:
    @strawberry.field
    def reader(self, info: strawberry.Info) -> Reader:
        who = (info.context or {}).get("user", "nobody")
        return Reader(id=strawberry.ID("1"), name=who)


READERS = federation.Schema(ReaderQuery)


def fines() -> GraphQLSchema:
    """A plain graphql-core schema, no federation in it."""
    query = GraphQLObjectType(
        "Query", {"fine": GraphQLField(GraphQLString, resolve=lambda *_: "2")}
    )
    return GraphQLSchema(query)


async def ask(app: Any, query: str, path: str = "/graphql", **headers: str) -> Any:
    async with http_to(app) as http:
        return (await http.post(path, json={"query": query}, headers=headers)).json()


async def test_schemas_of_every_library_meet_in_one_graph(library: Any) -> None:
    async with Router.from_subgraphs(
        {"readers": READERS, "fines": fines(), **library.subgraphs()}
    ) as router:
        answer = await ask(router, "{ reader { name } fine books(first: 1) { author } }")
    assert answer == {
        "data": {"reader": {"name": "nobody"}, "fine": "2", "books": [{"author": "author of 1"}]}
    }


async def test_a_running_subgraph_is_asked_for_its_sdl(serving: Any, library: Any) -> None:
    url = f"http://{await serving(GraphQL(library.authors()))}/"
    async with Router.from_subgraphs({"books": library.books(), "authors": url}) as router:
        answer = await ask(router, "{ books(first: 1) { title author } }")
    assert answer == {"data": {"books": [{"title": "Emma", "author": "author of 1"}]}}


async def test_an_asgi_app_is_a_subgraph_without_a_socket(library: Any) -> None:
    subgraphs = {"books": library.books(), "authors": GraphQL(library.authors())}
    async with Router.from_subgraphs(subgraphs) as router:
        assert (await ask(router, "{ authors }"))["data"] == {"authors": ["Austen", "Thoreau"]}


async def test_a_resolvers_context_sees_who_asks() -> None:
    def context(request: SubgraphRequest) -> dict[str, str]:
        return {"user": request.headers.get("authorization", "nobody")}

    readers = Subgraph(schema=READERS, context=context)
    async with Router.from_subgraphs({"readers": readers}) as router:
        for user in ("asha", "ben"):
            answer = await ask(router, "{ reader { name } }", authorization=user)
            assert answer == {"data": {"reader": {"name": user}}}


async def test_mounted_in_starlette_it_starts_with_the_first_request(library: Any) -> None:
    router = Router.from_subgraphs(library.subgraphs())
    app = Starlette(routes=[Mount("/api", router)])
    assert "data" in await ask(app, "{ authors }", "/api/graphql")
    await router.stop()


async def test_a_prefix_that_a_proxy_took_away_is_no_part_of_the_path(library: Any) -> None:
    async with Router.from_subgraphs(library.subgraphs()) as router:
        for root_path in ("/g", "/graphql", "/elsewhere"):
            transport = httpx2.ASGITransport(router, root_path=root_path)
            async with httpx2.AsyncClient(transport=transport, base_url="http://router") as http:
                below = "/graphql/graphql" if root_path == "/graphql" else "/graphql"
                answer = await http.post(below, json={"query": "{ authors }"})
            assert "data" in answer.json(), root_path


async def test_an_own_lifespan_has_it_ready_before(library: Any) -> None:
    router = Router.from_subgraphs(library.subgraphs())

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with router:
            yield

    app = Starlette(routes=[Mount("/api", router)], lifespan=lifespan)
    async with lifespan(app):
        assert router.generation.number == 1
        assert "data" in await ask(app, "{ authors }", "/api/graphql")


async def test_a_supergraph_takes_schemas_in_place_of_its_urls(
    library: Any, tmp_path: Path
) -> None:
    async with Router.from_subgraphs(library.subgraphs()) as composed:
        sdl = composed.generation.supergraph.sdl
    file = tmp_path / "supergraph.graphql"
    file.write_text(sdl)
    with pytest.raises(SettingsInvalid, match=r"gone\.graphql: cannot be read \(No such file"):
        await Router.from_supergraph(str(tmp_path / "gone.graphql")).start()
    async with Router.from_supergraph(str(file), subgraphs=library.subgraphs()):
        pass
    async with Router.from_supergraph(file, subgraphs=library.subgraphs()) as router:
        assert "data" in await ask(router, "{ authors }")
    wrong = Router.from_supergraph(sdl, subgraphs={"bokks": library.books()})
    with pytest.raises(SettingsInvalid, match="has no subgraph 'bokks'; it has authors, books"):
        await wrong.start()


def described(number: int) -> Subgraph:
    types = "\n".join(
        f'type T{each} @key(fields: "id") {{ id: ID! f{number}: String next: T{each + 1} @shareable }}'
        for each in range(40)
    )
    sdl = (
        'extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", '
        f'import: ["@key", "@shareable"]) type Query {{ first{number}: T0 }} {types} '
        'type T40 @key(fields: "id") { id: ID! }'
    )
    return Subgraph(url=f"http://127.0.0.1:9/{number}", sdl=sdl)


async def test_requests_are_answered_while_it_reloads() -> None:
    many = {f"s{number}": described(number) for number in range(6)}
    async with Router.from_subgraphs(many) as router:
        reloading = asyncio.create_task(router.reload())
        answered = 0
        while not reloading.done():
            answer = await ask(router, "{ __typename }")
            assert answer == {"data": {"__typename": "Query"}}
            answered += 1
            await asyncio.sleep(0)
        await reloading
    assert answered > 50


class Closing:
    """A client that only counts how often it is closed."""

    closed = 0

    async def fetch(self, request: SubgraphRequest) -> SubgraphAnswer:
        raise SubgraphError("Nobody is asked.")

    async def subscribe(self, request: SubgraphRequest) -> AsyncIterator[SubgraphAnswer]:
        for answer in ():
            yield answer

    async def aclose(self) -> None:
        self.closed += 1


@pytest.mark.parametrize("cancelled", [False, True])
async def test_what_was_loaded_for_a_router_that_stops_meanwhile_is_closed(cancelled: bool) -> None:
    asked = Closing()
    router = Router.from_subgraphs({"s": Subgraph(client=asked, sdl="type Query { a: Int }")})
    await router.start()
    reloading = asyncio.create_task(router.reload())
    await asyncio.sleep(0)
    await router.stop()
    assert asked.closed == 1
    if cancelled:
        reloading.cancel()
    await asyncio.wait([reloading])
    assert asked.closed == 2


async def test_what_does_not_start_says_why() -> None:
    for subgraphs, message in (
        ({"a": "ftp://x"}, "must begin with http"),
        ({"a": "http://127.0.0.1:1/graphql"}, "cannot be asked for its SDL"),
        ({"a": 7}, "neither a schema nor an ASGI app"),
        ({"a": Subgraph()}, "neither url, schema nor client"),
    ):
        with pytest.raises(RouterError, match=message):
            await Router.from_subgraphs(subgraphs).start()


def test_settings_that_are_none_are_refused_at_once(library: Any) -> None:
    with pytest.raises(TypeError, match=r"settings are no dict: pass a router\.settings\.Settings"):
        Router.from_subgraphs(library.subgraphs(), settings={"introspection": False})  # type: ignore[arg-type]


async def test_files_and_folders_may_be_texts(library: Any, tmp_path: Path) -> None:
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "contract.toml").write_text("")
    (tmp_path / "index.html").write_text("<p>page</p>")
    router = Router.from_subgraphs(
        library.subgraphs(), contracts_dir=str(tmp_path), graphiql=str(tmp_path)
    )
    async with router:
        assert list(router.generation.clients) == ["web"]
        async with http_to(router) as http:
            assert "<p>page</p>" in (await http.get("/")).text
    missing = Router.from_subgraphs(library.subgraphs(), plans=str(tmp_path / "gone.json"))
    with pytest.raises(SettingsInvalid, match=r"gone\.json: cannot be read"):
        await missing.start()


async def test_a_mounted_router_that_cannot_start_answers_503() -> None:
    router = Router.from_subgraphs({"a": "http://127.0.0.1:1/graphql"})
    answer = await ask(router, "{ a }")
    assert answer["errors"][0]["extensions"]["code"] == "NO_SUPERGRAPH_AVAILABLE"


async def test_stages_wrap_the_execution_in_order(started: Any) -> None:
    seen: list[str] = []

    def stage(name: str) -> Any:
        async def run(exchange: Exchange, inner: Any) -> Any:
            seen.append(f"{name} {exchange.operation.kind.value} {exchange.client.name}")
            answer = await inner(exchange)
            seen.append(f"{name} done {len(answer.errors)}")
            return answer

        return run

    router = await started(stages=(stage("outer"), stage("inner")))
    await ask(router, "{ authors }")
    assert seen == [
        "outer query default",
        "inner query default",
        "inner done 0",
        "outer done 0",
    ]


async def test_an_asgi_server_starts_and_stops_it(library: Any) -> None:
    router = Router.from_subgraphs(library.subgraphs())
    heard: list[Any] = []
    messages = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])

    async def receive() -> Any:
        return next(messages)

    async def send(message: Any) -> None:
        heard.append(message["type"])

    await router({"type": "lifespan"}, receive, send)
    assert heard == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


async def test_graphiql_answers_other_paths_and_queries_still_work(started: Any) -> None:
    router = await started(graphiql=True)
    async with http_to(router) as http:
        config = (await http.get("/config.json")).json()
    assert [entry["url"] for entry in config["clients"]] == ["graphql"]
    assert "data" in await ask(router, "{ authors }")
