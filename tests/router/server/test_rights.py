"""@authenticated, @requiresScopes and @policy: decided before any fetch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ariadne import InterfaceType, QueryType, UnionType
from ariadne.contrib.federation import make_federated_schema

from router import Subgraph
from router.server.identity import ANONYMOUS, Identity
from router.settings import Settings

READ = "{ books(first: 1) { title price stock notes } }"


async def by_header(headers: Mapping[str, str]) -> Identity:
    """A caller as the test says: ``x-user: name scope scope``."""
    given = headers.get("x-user", "").split()
    if not given:
        return ANONYMOUS
    return Identity(subject=given[0], scopes=frozenset(given[1:]))


async def ask(http: Any, query: str = READ, user: str = "") -> Any:
    headers = {"x-user": user} if user else {}
    return await http.post("/graphql", json={"query": query}, headers=headers)


async def test_a_stranger_gets_null_and_an_error_per_path(client: Any, library: Any) -> None:
    http = await client(authenticate=by_header)
    body = (await ask(http, "{ books(first: 1) { title price notes } }")).json()
    assert body["data"] == {"books": [{"title": "Emma", "price": None, "notes": None}]}
    codes = [error["extensions"]["code"] for error in body["errors"]]
    assert codes == ["UNAUTHORIZED_FIELD_OR_TYPE"] * 2
    places = [error["extensions"]["selection"] for error in body["errors"]]
    assert places == ["books.@.price", "books.@.notes"]
    assert "price" not in library.calls
    assert "notes" not in library.calls


async def test_a_denied_non_null_field_takes_its_parent_without_more_errors(client: Any) -> None:
    http = await client(authenticate=by_header)
    body = (await ask(http, '{ authors book(id: "1") { title stock } }', "asha")).json()
    assert body["data"] == {"authors": ["Austen", "Thoreau"], "book": None}
    assert [error["path"] for error in body["errors"]] == [["book", "stock"]]


async def test_the_right_caller_gets_everything(client: Any, library: Any) -> None:
    asked: list[Sequence[tuple[str, Identity]]] = []

    async def decide(pairs: Sequence[tuple[str, Identity]]) -> list[bool]:
        asked.append(pairs)
        return [name == "on-duty" for name, _ in pairs]

    http = await client(authenticate=by_header, decide=decide)
    body = (await ask(http, user="asha stock:read")).json()
    assert "errors" not in body
    assert body["data"]["books"] == [
        {"title": "Emma", "price": 7, "stock": 3, "notes": "handle with care"}
    ]
    assert [[name for name, _ in pairs] for pairs in asked] == [["on-duty"]]


async def test_a_policy_that_nobody_decides_is_denied(client: Any) -> None:
    http = await client(authenticate=by_header)
    body = (await ask(http, "{ books(first: 1) { notes } }", "asha")).json()
    assert body["data"] == {"books": [{"notes": None}]}


async def test_nothing_is_fetched_when_everything_is_denied(client: Any, library: Any) -> None:
    http = await client(authenticate=by_header)
    query = '{ book(id: "1") { ...F } } fragment F on Book { price ... on Book { notes } }'
    body = (await ask(http, query)).json()
    assert body["data"] == {"book": {"price": None, "notes": None}}
    assert library.calls == []


async def test_refusing_the_whole_operation_is_a_setting(client: Any, library: Any) -> None:
    http = await client(authenticate=by_header, settings=Settings(unauthorised="refuse"))
    assert (await ask(http)).status_code == 401
    known = await ask(http, user="asha")
    assert known.status_code == 403
    assert known.json()["errors"][0]["extensions"]["code"] == "UNAUTHORIZED_OPERATION"
    assert library.calls == []


async def test_one_callers_cut_does_not_reach_the_next(client: Any) -> None:
    http = await client(authenticate=by_header)
    query = "{ books(first: 1) { price } }"
    for user, price in (("", None), ("asha", 7), ("", None), ("asha", 7)):
        assert (await ask(http, query, user)).json()["data"] == {"books": [{"price": price}]}


async def test_what_is_not_selected_is_not_denied(client: Any) -> None:
    http = await client(authenticate=by_header)
    query = "query ($p: Boolean! = false) { books(first: 1) { title price @include(if: $p) } }"

    async def answer(text: str, **variables: bool) -> Any:
        body = {"query": text, "variables": variables}
        return (await http.post("/graphql", json=body)).json()

    assert await answer(query) == {"data": {"books": [{"title": "Emma"}]}}
    asked = await answer(query, p=True)
    assert asked["data"] == {"books": [{"title": "Emma", "price": None}]}
    assert len(asked["errors"]) == 1
    never = "{ books(first: 1) { title ... @skip(if: true) { price } } }"
    assert await answer(never) == {"data": {"books": [{"title": "Emma"}]}}


async def test_nothing_is_said_below_what_is_denied(client: Any) -> None:
    sdl = """
    extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@authenticated"])
    type Query { chart: Chart @authenticated }
    type Chart { notes: String @authenticated }
    """
    subgraph = Subgraph(sdl=sdl, url="http://127.0.0.1:1/")
    http = await client(subgraphs={"charts": subgraph}, authenticate=by_header)
    body = (await ask(http, "{ chart { notes } }")).json()
    assert body["data"] == {"chart": None}
    assert [error["path"] for error in body["errors"]] == [["chart"]]


async def test_a_denied_path_of_one_type_does_not_hide_that_of_another(
    client: Any,
) -> None:
    """One response path, two types: what the second denies is cut out as well."""
    query_type, node = QueryType(), UnionType("Node", lambda value, *_: value["kind"])
    inner = {"secret": "S"}
    values = [{"kind": kind, "x": "X", "deep": inner} for kind in ("A", "B")]
    query_type.set_field("nodes", lambda *_: values)
    schema = make_federated_schema(
        """
        extend schema @link(url: "https://specs.apollo.dev/federation/v2.9",
          import: ["@authenticated", "@requiresScopes"])
        type Query { nodes: [Node] }
        union Node = A | B
        type A { x: String @authenticated  deep: Deep @authenticated }
        type B { x: String @requiresScopes(scopes: [["b"]])  deep: Deep }
        type Deep { secret: String @requiresScopes(scopes: [["deep"]]) }
        """,
        [query_type, node],
    )
    http = await client(subgraphs={"nodes": schema}, authenticate=by_header)
    text = "{ nodes { ... on A { x deep { secret } } ... on B { x deep { secret } } } }"
    answer = await ask(http, text)
    assert '"X"' not in answer.text
    assert '"S"' not in answer.text
    assert answer.json()["data"]["nodes"] == [
        {"x": None, "deep": None},
        {"x": None, "deep": {"secret": None}},
    ]
    assert [error["path"] for error in answer.json()["errors"]] == [
        ["nodes", 0, "x"],
        ["nodes", 0, "deep"],
        ["nodes", 1, "x"],
        ["nodes", 1, "deep", "secret"],
    ]
    coordinates = [error["extensions"]["coordinate"] for error in answer.json()["errors"]]
    assert coordinates == ["A.x", "A.deep", "B.x", "Deep.secret"]


NODES = """
extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@authenticated"])
type Query { nodes: [Node] }
interface Node { id: ID }
type A implements Node { id: ID  x: String @authenticated  must: String! @authenticated  deep: Inner }
type B implements Node { id: ID  x: String  must: String!  deep: Other }
type Inner { y: String @authenticated }
type Other { y: String }
"""


async def nodes_of(client: Any, *values: dict[str, Any]) -> Any:
    query_type, node = QueryType(), InterfaceType("Node", lambda value, *_: value["kind"])
    query_type.set_field("nodes", lambda *_: values)
    schema = make_federated_schema(NODES, [query_type, node])
    return await client(subgraphs={"nodes": schema}, authenticate=by_header)


async def test_a_null_of_the_permitted_type_is_no_denial(client: Any) -> None:
    """Two types share a response key; what one of them may not show, the other has not got."""
    http = await nodes_of(
        client,
        {"kind": "A", "x": "X", "deep": {"y": "Y"}},
        {"kind": "B", "x": None, "deep": {"y": None}},
        {"kind": "B", "x": "x", "deep": {"y": "y"}},
    )
    text = "{ nodes { ...F ... on B { x deep { y } } } } fragment F on A { x deep { y } }"
    body = (await ask(http, text)).json()
    assert body["data"]["nodes"] == [
        {"x": None, "deep": {"y": None}},
        {"x": None, "deep": {"y": None}},
        {"x": "x", "deep": {"y": "y"}},
    ]
    paths = [error["path"] for error in body["errors"]]
    assert paths == [["nodes", 0, "x"], ["nodes", 0, "deep", "y"]]
    allowed = (await ask(http, text, "asha")).json()
    assert allowed["data"]["nodes"][0] == {"x": "X", "deep": {"y": "Y"}}
    assert "errors" not in allowed


async def test_what_breaks_at_the_permitted_type_is_no_denial_either(client: Any) -> None:
    http = await nodes_of(client, {"kind": "A", "must": "M"}, {"kind": "B"}, {"kind": "B"})
    body = (await ask(http, "{ nodes { id ... on A { must } ... on B { must } } }")).json()
    assert body["data"]["nodes"] == [None, None, None]
    told = [(error["path"], error["extensions"]["code"]) for error in body["errors"]]
    assert told[0] == (["nodes", 0, "must"], "UNAUTHORIZED_FIELD_OR_TYPE")
    assert [path for path, _ in told[1:]] == [["nodes", 1, "must"], ["nodes", 2, "must"]]
    assert "UNAUTHORIZED_FIELD_OR_TYPE" not in [code for _, code in told[1:]]


async def test_errors_stand_where_the_nulls_are_and_nowhere_else(client: Any) -> None:
    http = await client(authenticate=by_header)
    body = (await ask(http, "{ books { title price } }")).json()
    assert [error["path"] for error in body["errors"]] == [
        ["books", 0, "price"],
        ["books", 1, "price"],
    ]
    for nothing in (
        "{ books(first: 0) { price } title: __typename }",
        '{ book(id: "9") { title price } }',
    ):
        assert "errors" not in (await ask(http, nothing)).json()


async def test_a_long_list_of_denied_places_is_cut_short(client: Any) -> None:
    query_type = QueryType()
    query_type.set_field("rows", lambda *_: [{"id": number} for number in range(103)])
    schema = make_federated_schema(
        """
        extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@authenticated"])
        type Query { rows: [Row!]! }
        type Row { id: Int secret: Int @authenticated }
        """,
        [query_type],
    )
    http = await client(subgraphs={"rows": schema}, authenticate=by_header)
    errors = (await ask(http, "{ rows { id secret } }")).json()["errors"]
    assert len(errors) == 101
    assert errors[99]["path"] == ["rows", 99, "secret"]
    assert errors[100]["path"] == ["rows"]
    assert errors[100]["extensions"]["more"] == 3
