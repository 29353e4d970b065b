"""@authenticated, @requiresScopes and @policy: decided before any fetch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

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
