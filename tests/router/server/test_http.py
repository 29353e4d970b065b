"""GraphQL over HTTP, as clients meet it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from router import Identity, Router, Subgraph
from router.settings import (
    CorsSettings,
    ErrorSettings,
    HeaderSettings,
    HttpSettings,
    RequestLimits,
    Settings,
)
from tests.router.asgi import http_to

GRAPHQL = "application/graphql-response+json"


async def test_a_query_over_two_subgraphs_is_answered(client: Any) -> None:
    http = await client()
    answer = await http.post("/graphql", json={"query": "{ books { title author } }"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.json() == {
        "data": {
            "books": [
                {"title": "Emma", "author": "author of 1"},
                {"title": "Walden", "author": "author of 2"},
            ]
        }
    }


async def test_a_query_may_come_in_the_url(client: Any) -> None:
    http = await client()
    parameters = {"query": "query ($i: ID!) { book(id: $i) { title } }", "variables": '{"i":"1"}'}
    answer = await http.get("/graphql", params=parameters)
    assert answer.json() == {"data": {"book": {"title": "Emma"}}}


async def test_a_mutation_in_the_url_is_refused_even_by_operation_name(
    client: Any, library: Any
) -> None:
    http = await client()
    query = 'query A { authors } mutation B { lend(id: "1") }'
    answer = await http.get("/graphql", params={"query": query, "operationName": "B"})
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    assert library.loans == []


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("query A { authors } query B { authors }", "OPERATION_RESOLUTION_FAILURE"),
        ("fragment F on Query { authors }", "OPERATION_RESOLUTION_FAILURE"),
        ("query ($i: ID!) { book(id: $i) { id } }", "BAD_USER_INPUT"),
    ],
)
@pytest.mark.parametrize(("accept", "status"), [(GRAPHQL, 400), ("application/json", 200)])
async def test_a_request_error_has_its_status_by_media_type(
    client: Any, query: str, code: str, accept: str, status: int
) -> None:
    http = await client()
    answer = await http.post("/graphql", json={"query": query}, headers={"accept": accept})
    assert answer.status_code == status
    body = answer.json()
    assert "data" not in body
    assert body["errors"][0]["extensions"]["code"] == code


@pytest.mark.parametrize(
    ("query", "status"), [("{", 400), ("{ nothing }", 422), ("{ books { torn } }", 294)]
)
async def test_the_drafts_statuses_are_a_setting(client: Any, query: str, status: int) -> None:
    http = await client(settings=Settings(http=HttpSettings(statuses="draft")))
    answer = await http.post("/graphql", json={"query": query}, headers={"accept": GRAPHQL})
    assert answer.status_code == status


async def test_a_field_error_leaves_the_rest(client: Any) -> None:
    http = await client()
    answer = await http.post("/graphql", json={"query": "{ books(first: 1) { title torn } }"})
    body = answer.json()
    assert body["data"] == {"books": [{"title": "Emma", "torn": None}]}
    assert body["errors"][0]["path"] == ["books", 0, "torn"]


@pytest.mark.parametrize(
    ("method", "options", "status"),
    [
        ("PATCH", {}, 405),
        ("POST", {"content": b"{}"}, 403),
        ("POST", {"content": b"{}", "headers": {"content-type": "text/plain"}}, 415),
        ("POST", {"content": b"x", "headers": {"content-type": "application/xml"}}, 415),
        ("POST", {"json": {"query": "{authors}"}, "headers": {"content-encoding": "gzip"}}, 415),
        ("POST", {"content": b"{ no", "headers": {"content-type": "application/json"}}, 400),
        ("POST", {"content": b"", "headers": {"content-type": "application/json"}}, 400),
        ("POST", {"json": []}, 400),
        ("POST", {"json": {"query": "{authors}"}, "headers": {"accept": "text/html"}}, 406),
        ("GET", {"params": {"query": "x" * 40_000}}, 414),
        ("GET", {"params": {"query": "{authors}"}, "headers": {"cookie": "session=1"}}, 403),
        (
            "GET",
            {"params": {"query": "{authors}"}, "headers": {"sec-fetch-site": "cross-site"}},
            403,
        ),
    ],
)
async def test_what_is_no_request_is_refused(
    client: Any, method: str, options: dict[str, Any], status: int
) -> None:
    http = await client()
    answer = await http.request(method, "/graphql", **options)
    assert answer.status_code == status
    assert answer.json()["errors"][0]["extensions"]["code"]


async def test_a_large_body_is_refused_before_it_is_parsed(client: Any) -> None:
    http = await client(settings=Settings(limits=RequestLimits(body_bytes=1000)))
    answer = await http.post("/graphql", json={"query": "{ authors }" + " " * 2000})
    assert answer.status_code == 413


async def test_a_csrf_header_lets_a_simple_request_in(client: Any) -> None:
    http = await client()
    for value, status in (("1", 415), ("", 415)):
        answer = await http.post(
            "/graphql",
            content=b'{"query":"{authors}"}',
            headers={"content-type": "text/plain", "apollo-require-preflight": value},
        )
        assert answer.status_code == status  # past CSRF, the type itself is still not read
    answer = await http.get(
        "/graphql",
        params={"query": "{authors}"},
        headers={"cookie": "a=b", "apollo-require-preflight": "1"},
    )
    assert answer.status_code == 200


async def test_a_batch_is_answered_in_order(client: Any) -> None:
    http = await client()
    batch = [{"query": "{ authors }"}, {"query": "{ no }"}, {"query": "{ __typename }"}]
    answer = await http.post("/graphql", json=batch)
    first, second, third = answer.json()
    assert first == {"data": {"authors": ["Austen", "Thoreau"]}}
    assert "errors" in second
    assert third == {"data": {"__typename": "Query"}}


async def test_a_batch_has_a_limit(client: Any) -> None:
    http = await client(settings=Settings(limits=RequestLimits(batch_operations=2)))
    answer = await http.post("/graphql", json=[{"query": "{ authors }"}] * 3)
    assert answer.json()["errors"][0]["extensions"]["code"] == "BATCH_TOO_LARGE"


async def test_a_get_has_an_etag_and_304(client: Any) -> None:
    http = await client()
    parameters = {"query": "{ authors }"}
    first = await http.get("/graphql", params=parameters)
    tag = first.headers["etag"]
    assert tag.startswith('W/"')
    again = await http.get("/graphql", params=parameters, headers={"if-none-match": f'"x", {tag}'})
    assert (again.status_code, again.content) == (304, b"")
    broken = await http.get("/graphql", params={"query": "{ books { torn } }"})
    assert "etag" not in broken.headers
    assert broken.headers["cache-control"] == "no-store"


async def test_a_large_answer_is_compressed_as_asked(client: Any) -> None:
    http = await client(settings=Settings(http=HttpSettings(compression_minimum=10)))
    for encoding in ("gzip", "br", "zstd"):
        answer = await http.post(
            "/graphql", json={"query": "{ authors }"}, headers={"accept-encoding": encoding}
        )
        assert answer.headers["content-encoding"] == encoding
        if encoding != "zstd":  # which the test's client does not read
            assert answer.json() == {"data": {"authors": ["Austen", "Thoreau"]}}


async def test_a_foreign_page_reads_only_where_it_is_allowed(client: Any) -> None:
    cors = CorsSettings(origins=("https://app.example",), credentials=True)
    http = await client(settings=Settings(http=HttpSettings(cors=cors)))
    asked = {"access-control-request-method": "POST"}
    for origin, status in (("https://app.example", 204), ("https://evil.example", 403)):
        preflight = await http.options("/graphql", headers={"origin": origin, **asked})
        assert preflight.status_code == status
        answer = await http.post(
            "/graphql", json={"query": "{ authors }"}, headers={"origin": origin}
        )
        for each in (preflight, answer):  # a browser takes no grant that comes twice
            granted = each.headers.get_list("access-control-allow-origin")
            assert granted == ([origin] if status == 204 else [])


async def test_introspection_is_answered_and_can_be_turned_off(client: Any) -> None:
    query = {"query": "{ __schema { queryType { name } } authors }"}
    http = await client()
    answer = (await http.post("/graphql", json=query)).json()
    assert answer["data"]["__schema"] == {"queryType": {"name": "Query"}}
    http = await client(settings=Settings(introspection=False))
    errors = (await http.post("/graphql", json=query)).json()["errors"]
    assert errors[0]["extensions"]["code"] == "INTROSPECTION_DISABLED"
    errors = (await http.post("/graphql", json={"query": "{ author }"})).json()["errors"]
    assert "authors" not in str(errors)


async def test_masked_errors_keep_code_and_path(
    client: Any, caplog: pytest.LogCaptureFixture
) -> None:
    http = await client(settings=Settings(errors=ErrorSettings(mask=True)))
    answer = await http.post("/graphql", json={"query": "{ books(first: 1) { torn } }"})
    error = answer.json()["errors"][0]
    assert error["message"] == "Unexpected error."
    assert error["path"] == ["books", 0, "torn"]
    assert error["extensions"]["id"] in caplog.text
    assert "page 7 is torn" in caplog.text


async def test_private_values_are_cut_out_of_messages(client: Any) -> None:
    http = await client()
    query = "query ($b: String!) { find(borrower: $b) { id } books(first: 1) { broken } }"
    answer = await http.post("/graphql", json={"query": query, "variables": {"b": "Asha Rao"}})
    assert "Asha" not in answer.text
    assert "nobody is called [private]" in answer.text
    assert "The value is [private]." in answer.text


async def test_health_says_live_and_ready(client: Any) -> None:
    http = await client()
    for path in ("/health", "/health/live", "/health/ready"):
        assert (await http.get(path)).status_code == 200
    ready = (await http.get("/health/ready")).json()
    assert ready["subgraphs"] == ["authors", "books"]
    assert (await http.get("/elsewhere")).status_code == 404


async def test_a_fault_of_ours_is_still_graphql_and_tells_nothing(
    started: Any, caplog: pytest.LogCaptureFixture
) -> None:
    name = " ".join(("Asha", "Rao"))

    async def broken(exchange: Any, run: Any) -> Any:
        raise KeyError(name)

    router = await started(stages=(broken,))
    async with http_to(router) as http:
        answer = await http.post("/graphql", json={"query": "{ authors }"})
        batch = await http.post("/graphql", json=[{"query": "{ authors }"}])
    assert answer.status_code == 500
    error = answer.json()["errors"][0]
    assert error["message"] == "Internal server error."
    assert error["extensions"]["id"] in caplog.text
    assert "KeyError" in caplog.text
    assert "Asha" not in caplog.text + answer.text
    assert batch.json()[0]["errors"]


async def test_headers_travel_by_allow_list(library: Any) -> None:
    seen: list[Any] = []

    def context(request: Any) -> None:
        seen.append(dict(request.headers))

    settings = Settings(headers=HeaderSettings(forward=("authorization", "x-ward-*")))
    subgraph = Subgraph(schema=library.authors(), context=context)
    async with (
        Router.from_subgraphs({"authors": subgraph}, settings=settings) as router,
        http_to(router) as http,
    ):
        sent = {"authorization": "a", "x-ward-id": "7", "cookie": "c", "x-peer": "spoof"}
        await http.post("/graphql", json={"query": "{ authors }"}, headers=sent)
    assert seen == [{"authorization": "a", "x-ward-id": "7"}]


async def test_verified_claims_travel_as_headers_and_cannot_be_sent(library: Any) -> None:
    seen: list[Any] = []

    async def authenticate(_: Any) -> Identity:
        return Identity(subject="asha", claims={"sub": "asha", "roles": ["doctor", "admin"]})

    settings = Settings(
        headers=HeaderSettings(
            forward=("x-user",), from_claims={"sub": "x-user", "roles": "x-roles", "no": "x-no"}
        )
    )
    subgraph = Subgraph(
        schema=library.authors(), context=lambda request: seen.append(dict(request.headers))
    )
    async with (
        Router.from_subgraphs(
            {"authors": subgraph}, settings=settings, authenticate=authenticate
        ) as router,
        http_to(router) as http,
    ):
        spoofed = {"x-user": "root", "x-no": "1"}
        await http.post("/graphql", json={"query": "{ authors }"}, headers=spoofed)
    assert seen == [{"x-user": "asha", "x-roles": "doctor admin"}]


async def test_identical_queries_may_share_an_execution(client: Any, library: Any) -> None:
    http = await client(settings=Settings(limits=RequestLimits(share_requests=True)))
    library.gate.clear()

    async def ask(user: str, query: str = "{ books { title } }") -> Any:
        headers = {"authorization": user}
        return (await http.post("/graphql", json={"query": query}, headers=headers)).json()

    asking = [asyncio.create_task(ask(user)) for user in "aaaaab"]
    await library.held(2)  # b's comes last: by then all of a's are there
    library.gate.set()
    answers = await asyncio.gather(*asking)
    assert all(answer == answers[0] for answer in answers)
    assert library.calls == ["books", "books"]  # one for each caller's rights
    lend = 'mutation { lend(id: "1") }'
    await asyncio.gather(ask("a", lend), ask("a", lend))
    assert len(library.loans) == 2
