"""The leak hunt: a client's hidden fields, tried by every transport there is."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from router import Router
from router.contracts.contract import Contract, PersistedRules, TagRules
from tests.patience import PATIENCE
from tests.router.asgi import http_to

HIDDEN = ("vault", "Vault", "gold", "shelfCode", "burn")
"""Names that the client's schema must not have. Values: 1 (gold) and X9 (shelfCode)."""

PROBES = {
    "plain": "{ vault { gold } }",
    "alias": "{ v: vault { g: gold } }",
    "fragment": "query { ...F } fragment F on Query { vault { gold } }",
    "inline": "{ ... { vault { gold } } }",
    "type condition": "{ ... on Vault { gold } }",
    "nested": "{ books { s: shelfCode } }",
    "in a subscription": "subscription { arrivals { shelfCode } }",
    "mutation": "mutation { burn }",
    "suggestion of a field": "{ vaul { x } }",
    "suggestion below": "{ books { shelfCde } }",
    "suggestion of a mutation": "mutation { brn }",
    "suggestion of a type": "{ ... on Vaul { x } }",
    "suggestion of a variable's type": "query ($v: Vaultt) { authors }",
    "type by name": '{ __type(name: "Vault") { name fields { name } } }',
    "fields of a visible type": '{ __type(name: "Book") { fields { name } } }',
    "the whole schema": "{ __schema { types { name fields { name } } } }",
    "skipped": "{ vault @skip(if: true) { gold } }",
    "deferred": "{ ... @defer { vault { gold } } }",
}


async def over_post(address: str, query: str) -> str:
    return await _http(address, "POST", query, "application/json")


async def over_get(address: str, query: str) -> str:
    return await _http(address, "GET", query, "application/graphql-response+json")


async def over_batch(address: str, query: str) -> str:
    return await _http(address, "BATCH", query, "application/json")


async def over_sse(address: str, query: str) -> str:
    return await _http(address, "POST", query, "text/event-stream")


async def over_multipart(address: str, query: str) -> str:
    return await _http(address, "POST", query, "multipart/mixed;subscriptionSpec=1.0")


async def over_defer(address: str, query: str) -> str:
    return await _http(address, "POST", query, "multipart/mixed;deferSpec=20220824")


async def over_apq(address: str, query: str) -> str:
    return await _http(address, "APQ", query, "application/json")


async def over_header(address: str, query: str) -> str:
    return await _http(address, "HEADER", query, "application/json")


async def over_single_sse(address: str, query: str) -> str:
    return await _http(address, "SINGLE", query, "text/event-stream")


async def over_websocket(address: str, query: str) -> str:
    url = f"ws://{address}/web/graphql"
    async with connect(
        url, subprotocols=[Subprotocol("graphql-transport-ws")], open_timeout=PATIENCE
    ) as socket:
        await socket.send('{"type":"connection_init"}')
        await socket.recv()
        message = {"type": "subscribe", "id": "1", "payload": {"query": query}}
        await socket.send(json.dumps(message))
        async with asyncio.timeout(PATIENCE):
            return str(await socket.recv())


async def _http(address: str, way: str, query: str, accept: str) -> str:
    url = f"http://{address}/web/graphql"
    headers = {"accept": accept, "apollo-require-preflight": "1"}
    digest = hashlib.sha256(query.encode()).hexdigest()
    extension = {"persistedQuery": {"version": 1, "sha256Hash": digest}}
    async with httpx2.AsyncClient(headers=headers, timeout=PATIENCE) as http:
        match way:
            case "GET":
                return (await http.get(url, params={"query": query})).text
            case "BATCH":
                return (await http.post(url, json=[{"query": query}])).text
            case "HEADER":
                plain = f"http://{address}/graphql"
                sent = {"x-client": "web"}
                return (await http.post(plain, json={"query": query}, headers=sent)).text
            case "APQ":
                body = {"query": query, "extensions": extension}
                first = (await http.post(url, json=body)).text
                return first + (await http.post(url, json={"extensions": extension})).text
            case "SINGLE":
                token = (await http.put(url)).text
                sent = {"x-graphql-event-stream-token": token}
                body = {"query": query, "extensions": {"operationId": "1"}}
                refused = (await http.post(url, json=body, headers=sent)).text
                if refused:
                    return refused
                async with http.stream("GET", url, headers=sent) as stream:
                    async for line in stream.aiter_lines():
                        if line.startswith("data:"):
                            return line
                return ""
            case _:
                return (await http.post(url, json={"query": query})).text


WAYS: dict[str, Callable[[str, str], Awaitable[str]]] = {
    name.removeprefix("over_"): way
    for name, way in list(globals().items())
    if name.startswith("over_")
}


@pytest.mark.parametrize("way", WAYS)
async def test_nothing_hidden_comes_back(served: Any, library: Any, way: str) -> None:
    web = Contract(name="web", tags=TagRules(exclude=("internal",)))
    address = await served(contracts=(web,))
    for probe, query in PROBES.items():
        text = await WAYS[way](address, query)
        assert text, (probe, way)
        assert '"gold":1' not in text, (probe, way)
        assert "X9" not in text, (probe, way)
        for name in HIDDEN:
            assert name in query or name not in text, (probe, way, name)
    assert "vault" not in library.calls


async def test_a_persisted_id_of_another_client_is_unknown(
    client: Any, library: Any, tmp_path: Path
) -> None:
    text = "query Vault { vault { gold } }"
    digest = hashlib.sha256(text.encode()).hexdigest()
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps({digest: text}))
    staff = Contract(name="staff", persisted=PersistedRules(manifests=(path,)))
    web = Contract(name="web", tags=TagRules(exclude=("internal",)))
    http = await client(contracts=(staff, web))
    assert (await http.post("/staff/graphql", json={"documentId": digest})).json()["data"]
    for key in (digest, "Vault", "staff~1~Vault"):
        answer = (await http.post("/web/graphql", json={"documentId": key})).json()
        assert answer["errors"][0]["extensions"]["code"] == "PERSISTED_QUERY_NOT_IN_LIST"


async def test_an_apq_of_another_client_is_validated_again(client: Any, library: Any) -> None:
    text = "{ vault { gold } }"
    digest = hashlib.sha256(text.encode()).hexdigest()
    extension = {"persistedQuery": {"version": 1, "sha256Hash": digest}}
    web = Contract(name="web", tags=TagRules(exclude=("internal",)))
    http = await client(contracts=(Contract(name="staff"), web))
    body = {"query": text, "extensions": extension}
    assert (await http.post("/staff/graphql", json=body)).json()["data"]
    answer = (await http.post("/web/graphql", json={"extensions": extension})).json()
    assert answer["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"


async def test_why_there_is_no_plan_is_not_said_to_a_client_with_a_contract() -> None:
    """A graph that its composer calls satisfiable and is not: the reason names hidden keys."""
    sdl = """
    schema
      @link(url: "https://specs.apollo.dev/link/v1.0")
      @link(url: "https://specs.apollo.dev/join/v0.3", for: EXECUTION)
      @link(url: "https://specs.apollo.dev/tag/v0.3") { query: Query }
    directive @link(url: String, as: String, for: link__Purpose, import: [link__Import]) repeatable on SCHEMA
    directive @join__graph(name: String!, url: String!) on ENUM_VALUE
    directive @join__type(graph: join__Graph!, key: join__FieldSet) repeatable on OBJECT
    directive @join__field(graph: join__Graph) repeatable on FIELD_DEFINITION
    directive @tag(name: String!) repeatable on FIELD_DEFINITION
    scalar join__FieldSet
    scalar link__Import
    enum link__Purpose { SECURITY EXECUTION }
    enum join__Graph {
      SECRET_A @join__graph(name: "secret-a", url: "http://a.internal/")
      SECRET_B @join__graph(name: "secret-b", url: "http://b.internal/")
    }
    type Query @join__type(graph: SECRET_A) { thing: Thing @join__field(graph: SECRET_A) }
    type Thing @join__type(graph: SECRET_A) @join__type(graph: SECRET_B, key: "hiddenKey") {
      hiddenKey: ID @join__field(graph: SECRET_B) @tag(name: "internal")
      name: String @join__field(graph: SECRET_A)
      far: String @join__field(graph: SECRET_B)
    }
    """
    web = Contract(name="web", tags=TagRules(exclude=("internal",)))
    async with Router.from_supergraph(sdl, contracts=(web,)) as router, http_to(router) as http:
        query = {"query": "{ thing { far } }"}
        plain = (await http.post("/graphql", json=query)).json()
        shown = await http.post("/web/graphql", json=query)
    assert plain["data"] is None
    assert plain["errors"][0]["extensions"]["code"] == "QUERY_PLANNING_FAILED"
    assert shown.json()["data"] is None
    for hidden in ("hiddenKey", "secret"):
        assert hidden not in shown.text
