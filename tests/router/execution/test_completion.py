"""What the client gets of the merged data (R8.9 to R8.24)."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from router.errors import SubgraphError
from tests.router.execution.scripted import (
    UNREACHABLE,
    Scripted,
    call,
    entities,
    errors,
    plan,
    response,
    root,
    run,
)

SDL = """
scalar JSON
enum K { ONE TWO }
type Query { cfg: Cfg must: Cfg! list: [Cfg] strict: [Cfg!] grid: [[Int!]!] s: [S] top: [Media]
  int: Int float: Float bool: Boolean text: String id: ID k: K ks: [K!] json: JSON hard: Int!
  query: Query }
type Cfg { id: ID! a: Int b: Int! sub: Sub items: [Sub] json: JSON }
type Sub { x: Int y: Int! }
union S = X | Y
type X { n: Int }
type Y { n: Int }
interface Media { stars: Int title: String }
type Film implements Media { stars: Int title: String }
type Mutation { add: Int }
type Subscription { ev: Int }
"""


async def one(document: str, data: Any, *, api: str | None = None, **more: Any) -> Any:
    reply = {"data": data, **more} if not isinstance(data, Exception) else data
    made = plan(root(0, "a", document))
    return (await run(made, SDL, document, lambda: {"a": Scripted(reply)}, api=api))[0]


async def two(first: Any, second: Any, document: str, a: str, b: str) -> Any:
    made = plan(root(0, "a", a), root(1, "b", b))
    answer, _ = await run(
        made, SDL, document, lambda: {"a": Scripted(first), "b": Scripted(second)}
    )
    return answer


async def test_parts_of_one_object_are_merged_and_null_erases_nothing() -> None:
    answer = await two(
        {"data": {"cfg": {"a": 1, "sub": {"x": 1}}}},
        {"data": {"cfg": {"a": None, "b": 2, "sub": {"y": 2}}}},
        "{cfg{a b sub{x y}}}",
        "{cfg{a sub{x}}}",
        "{cfg{a b sub{y}}}",
    )
    assert response(answer)["data"] == {"cfg": {"a": 1, "b": 2, "sub": {"x": 1, "y": 2}}}


@pytest.mark.parametrize("order", [0, 1])
async def test_who_answers_first_does_not_matter(order: int) -> None:
    import asyncio

    async def late(reply: Any) -> Any:
        await asyncio.sleep(0.01)
        return reply

    first = {"data": {"cfg": {"a": 1, "sub": {"x": 1}}}}
    second = {"data": {"cfg": {"a": 2, "sub": {"x": 2}}}}
    made = plan(root(0, "a", "{cfg{a sub{x}}}"), root(1, "b", "{cfg{a sub{x}}}"))
    slow = [lambda _: late(first), lambda _: late(second)]
    answer, _ = await run(
        made,
        SDL,
        "{cfg{a sub{x}}}",
        lambda: {
            "a": Scripted(slow[0] if order else first),
            "b": Scripted(second if order else slow[1]),
        },
    )
    assert response(answer) == {"data": {"cfg": {"a": 1, "sub": {"x": 1}}}}


async def test_lists_of_one_length_merge_item_by_item() -> None:
    answer = await two(
        {"data": {"list": [{"a": 1}, None, {"a": 3}]}},
        {"data": {"list": [{"b": 1}, {"b": 2}, {"b": 3}]}},
        "{list{b}}",
        "{list{a}}",
        "{list{b}}",
    )
    assert response(answer)["data"] == {"list": [{"b": 1}, {"b": 2}, {"b": 3}]}


async def test_subgraphs_that_disagree_about_a_list_s_length_are_an_error() -> None:
    answer = await two(
        {"data": {"list": [{"a": 1}, {"a": 2}]}},
        {"data": {"list": [{"sub": {"x": 1}}]}},
        "{list{a sub{x}}}",
        "{list{a}}",
        "{list{sub{x}}}",
    )
    assert response(answer)["data"] == {"list": [{"a": 1, "sub": None}, {"a": 2, "sub": None}]}
    assert errors(answer) == [(["list"], "SUBREQUEST_MALFORMED_RESPONSE")]


async def test_custom_scalars_are_opaque() -> None:
    value = {"z": 1, "a": {"__typename": "No"}, "l": [1, "x", None]}
    answer = await two(
        {"data": {"cfg": {"json": value, "sub": {"x": 1}}}},
        {"data": {"cfg": {"json": {"z": 2, "more": 3}, "sub": {"y": 2}}}},
        "{cfg{json sub{x y}}}",
        "{cfg{json sub{x}}}",
        "{cfg{json sub{y}}}",
    )
    assert orjson.dumps(value) in answer.body


async def test_fields_come_in_the_client_s_order_and_internal_keys_do_not_come() -> None:
    answer = await one(
        "{t:__typename text cfg{sub{y x} id a} int}",
        {"int": 1, "cfg": {"_k0": 1, "a": 1, "id": "1", "sub": {"x": 1, "y": 2}}, "text": "t"},
    )
    assert answer.body == (
        b'{"data":{"t":"Query","text":"t","cfg":{"sub":{"y":2,"x":1},"id":"1","a":1},"int":1}}'
    )


async def test_a_null_where_none_may_be_takes_the_nearest_nullable_parent() -> None:
    answer = await one("{cfg{a sub{y}} must{a} text}", {"cfg": {"a": 1, "sub": {"y": None}}})
    assert response(answer)["data"] is None
    assert errors(answer) == [
        (["cfg", "sub", "y"], "RESPONSE_VALIDATION_FAILED"),
        (["must"], "RESPONSE_VALIDATION_FAILED"),
    ]
    answer = await one("{cfg{a sub{y}} text}", {"cfg": {"a": 1, "sub": {"y": None}}, "text": "t"})
    assert response(answer)["data"] == {"cfg": {"a": 1, "sub": None}, "text": "t"}


async def test_all_items_of_a_list_report_their_nulls() -> None:
    answer = await one("{strict{b}}", {"strict": [{"b": None}, {"b": 1}, None]})
    assert response(answer)["data"] == {"strict": None}
    assert [path for path, _ in errors(answer)] == [["strict", 0, "b"], ["strict", 2]]


async def test_a_null_that_an_error_explains_gets_no_second_error() -> None:
    for path in (["cfg", "sub", "y"], ["cfg", "sub"], ["cfg", "sub", "y", "deeper"]):
        answer = await one(
            "{cfg{sub{y}}}",
            {"cfg": {"sub": {"y": None}}},
            errors=[{"message": "why", "path": path, "extensions": {"code": "WHY"}}],
        )
        assert [code for _, code in errors(answer)] == ["WHY"]
        assert response(answer)["data"] == {"cfg": {"sub": None}}


async def test_a_failed_step_explains_all_that_it_should_have_brought() -> None:
    answer = await one("{must{a} cfg{a}}", UNREACHABLE)
    assert response(answer)["data"] is None
    assert errors(answer) == [(None, "SUBREQUEST_HTTP_ERROR")]
    answer = await one("{hard}", None, errors=[{"message": "", "path": None}])
    assert response(answer) == {
        "data": None,
        "errors": [
            {
                "message": "The subgraph failed.",
                "extensions": {"code": "DOWNSTREAM_SERVICE_ERROR", "serviceName": "a"},
            }
        ],
    }


async def test_nothing_at_all_without_errors_is_nulls() -> None:
    answer = await one("{cfg{a} text}", None)
    assert answer.body == b'{"data":{"cfg":null,"text":null}}'


async def test_a_null_entity_propagates_at_each_of_its_places() -> None:
    sdl = "type Query{books:[Book] book:Book} type Book{isbn:ID title:String due:Int!}"
    made = plan(
        root(0, "cat", "{books{__typename isbn} book{__typename isbn title}}"),
        entities(
            1,
            "lend",
            [0],
            call([("books", "@"), ("book",)], {"Book": ["isbn"]}, "... on Book{due}"),
        ),
    )
    one_book = {"__typename": "Book", "isbn": "1", "title": "t"}
    answer, _ = await run(
        made,
        sdl,
        "{books{due} book{title due}}",
        lambda: {
            "cat": Scripted({"data": {"books": [one_book], "book": one_book}}),
            "lend": Scripted({"data": {"_entities": [None]}}),
        },
    )
    assert response(answer)["data"] == {"books": [None], "book": None}
    assert [path for path, _ in errors(answer)] == [["books", 0, "due"], ["book", "due"]]


@pytest.mark.parametrize(
    ("field", "value", "wanted"),
    [
        ("int", 7, 7),
        ("int", 7.0, 7),
        ("int", "7", None),
        ("int", True, None),
        ("int", 2**31, None),
        ("int", 7.5, None),
        ("int", [7], None),
        ("float", 7, 7),
        ("float", 7.5, 7.5),
        ("float", "7.5", None),
        ("float", False, None),
        ("bool", True, True),
        ("bool", 1, None),
        ("bool", "true", None),
        ("text", "t", "t"),
        ("text", 7, None),
        ("text", {"a": 1}, None),
        ("id", "7", "7"),
        ("id", 7, "7"),
        ("id", 7.5, None),
        ("id", True, None),
        ("k", "ONE", "ONE"),
        ("k", "THREE", None),
        ("k", 1, None),
        ("k", ["ONE"], None),
        ("ks", ["ONE", "TWO"], ["ONE", "TWO"]),
        ("ks", ["ONE", "SIX"], None),
        ("ks", "ONE", None),
        ("grid", [[1], []], [[1], []]),
        ("grid", [[1], 2], None),
        ("grid", {"0": [1]}, None),
        ("json", [1, {"a": None}], [1, {"a": None}]),
        ("json", False, False),
    ],
)
async def test_leaves_are_what_the_schema_says_or_null_with_an_error(
    field: str, value: Any, wanted: Any
) -> None:
    answer = await one(f"{{{field}}}", {field: value})
    found = response(answer)
    assert found["data"] == {field: wanted}
    assert type(found["data"][field]) is type(wanted)
    assert bool(answer.errors) is (wanted is None)


async def test_a_scalar_nested_without_end_is_refused() -> None:
    value: Any = 1
    for _ in range(230):
        value = [value]
    answer = await one("{json text}", {"json": value, "text": "t"})
    assert response(answer)["data"] == {"json": None, "text": "t"}


@pytest.mark.parametrize("value", ["cfg", 7, [1], [], True, {"a": "x"}])
async def test_an_object_that_is_none_is_null_with_an_error(value: Any) -> None:
    answer = await one("{cfg{a} text}", {"cfg": value, "text": "t"})
    found = response(answer)["data"]
    assert found["text"] == "t"
    assert found["cfg"] in (None, {"a": None})
    assert answer.errors
    assert response(await one("{cfg{__typename}}", {"cfg": value}))["data"]["cfg"] in (
        None,
        {"__typename": "Cfg"},
    )


API = SDL.replace("ONE TWO", "ONE").replace("X | Y", "X").replace("type Y { n: Int }", "")


async def test_a_value_that_the_client_must_not_know_is_null_and_stays_unnamed() -> None:
    answer = await one("{k ks}", {"k": "TWO", "ks": ["ONE", "TWO"]}, api=API)
    assert response(answer)["data"] == {"k": None, "ks": None}
    assert errors(answer) == [(["ks", 1], "RESPONSE_VALIDATION_FAILED")]
    assert b"TWO" not in answer.body
    answer = await one("{s{__typename}}", {"s": [{"__typename": "Y"}]}, api=API)
    assert response(answer)["data"] == {"s": [None]}
    assert not answer.errors
    answer = await one("{s{__typename}}", {"s": [{"__typename": "Z"}]}, api=API)
    assert errors(answer) == [(["s", 0], "RESPONSE_VALIDATION_FAILED")]


async def test_an_object_that_no_fragment_fits_is_empty_not_null() -> None:
    answer = await one(
        "{s{... on X{n}}}", {"s": [{"__typename": "Y"}, {"__typename": "X", "n": 1}]}
    )
    assert answer.body == b'{"data":{"s":[{},{"n":1}]}}'


async def test_an_interface_object_without_its_type_shows_only_what_is_known() -> None:
    top = [{"__typename": "Film", "stars": 1}, {"__typename": "Media", "stars": 4}]
    answer = await one("{top{__typename stars}}", {"top": top})
    assert response(answer)["data"] == {"top": [{"__typename": "Film", "stars": 1}, None]}
    answer = await one("{top{stars title ... on Film{title}}}", {"top": top})
    assert response(answer)["data"]["top"][1] == {"stars": 4, "title": None}


async def test_a_concrete_type_wins_over_the_name_of_an_interface() -> None:
    sdl = SDL.replace("type Film implements Media {", "type Film implements Media { id: ID!")
    made = plan(
        root(0, "a", "{top{__typename id stars}}"),
        entities(
            1, "b", [0], call(("top", "@"), {"Media": ["id"]}, "... on Media{__typename title}")
        ),
    )
    answer, _ = await run(
        made,
        sdl,
        "{top{__typename stars title}}",
        lambda: {
            "a": Scripted({"data": {"top": [{"__typename": "Media", "id": "1", "stars": 3}]}}),
            "b": Scripted({"data": {"_entities": [{"__typename": "Film", "title": "t"}]}}),
        },
    )
    assert response(answer)["data"]["top"] == [{"__typename": "Film", "stars": 3, "title": "t"}]


async def test_skip_and_include_decide_as_in_the_plan() -> None:
    document = "query($a:Boolean!,$b:Boolean=true){int @skip(if:$a) text @include(if:$b)}"
    for variables, wanted in [
        ({"a": True}, {"text": "t"}),
        ({"a": False, "b": False}, {"int": 1}),
        ({"a": False}, {"int": 1, "text": "t"}),
        ({"a": True, "b": False}, {}),
    ]:
        answer, _ = await run(
            plan(root(0, "a", document)),
            SDL,
            document,
            lambda: {"a": Scripted({"data": {"int": 1, "text": "t"}})},
            variables=variables,
        )
        assert response(answer)["data"] == wanted


async def test_introspection_stands_at_its_place_among_data() -> None:
    answer = await one(
        "{text t:__typename s:__schema{queryType{n:name} mutationType{name}} int"
        ' __type(name:"Cfg"){fields{name}}}',
        {"text": "t", "int": 1},
    )
    found = response(answer)["data"]
    assert list(found) == ["text", "t", "s", "int", "__type"]
    assert found["s"] == {"queryType": {"n": "Query"}, "mutationType": {"name": "Mutation"}}
    assert {"name": "sub"} in found["__type"]["fields"]


async def test_introspection_alone_asks_no_subgraph() -> None:
    document = "query($n:String!){__type(name:$n){name} __typename}"
    for name, wanted in [("Cfg", {"name": "Cfg"}), ("Nope", None)]:
        answer, _ = await run(plan(), SDL, document, dict, variables={"n": name})
        assert response(answer) == {"data": {"__type": wanted, "__typename": "Query"}}


async def test_introspection_below_a_field_of_the_query_type() -> None:
    answer = await one(
        "{query{__schema{queryType{name}} int}}", {"query": {"__typename": "Query", "int": 4}}
    )
    assert response(answer)["data"]["query"] == {
        "__schema": {"queryType": {"name": "Query"}},
        "int": 4,
    }


async def test_a_root_fetch_below_a_field_is_merged_there() -> None:
    made = plan(
        root(0, "a", "{query{__typename}}"), root(1, "b", "{int}", at=("query",), after=(0,))
    )
    answer, _ = await run(
        made,
        SDL,
        "{query{int}}",
        lambda: {
            "a": Scripted({"data": {"query": {"__typename": "Query"}}}),
            "b": Scripted({"data": {"int": 5}}),
        },
    )
    assert response(answer)["data"] == {"query": {"int": 5}}


async def test_errors_of_internal_fields_are_cut_where_the_client_s_knowledge_ends() -> None:
    reported = [
        {"message": "m", "path": ["cfg", "_k0", "deep"], "extensions": {"code": "C"}},
        {"message": "m", "path": ["secret"]},
        "not even an object",
        {"message": 7, "extensions": [1]},
    ]
    answer = await one("{cfg{a}}", {"cfg": {"a": 1}}, errors=reported)
    assert [error.get("path") for error in answer.errors] == [["cfg"], None, None, None]
    assert response(answer)["data"] == {"cfg": {"a": 1}}


async def test_one_error_becomes_at_most_a_hundred() -> None:
    sdl = "type Query{books:[Book]} type Book{isbn:ID copies:Int}"
    made = plan(
        root(0, "cat", "{books{__typename isbn}}"),
        entities(1, "lend", [0], call(("books", "@"), {"Book": ["isbn"]}, "... on Book{copies}")),
    )
    lend = {"data": None, "errors": [{"message": "m", "path": ["_entities", 0]}]}
    answer, _ = await run(
        made,
        sdl,
        "{books{copies}}",
        lambda: {
            "cat": Scripted({"data": {"books": [{"__typename": "Book", "isbn": "1"}] * 500}}),
            "lend": Scripted(lend),
        },
    )
    assert len(answer.errors) == 100


async def test_a_missing_client_is_an_error_of_its_fields() -> None:
    answer, _ = await run(plan(root(0, "gone", "{text}")), SDL, "{text}", dict)
    assert response(answer)["data"] == {"text": None}
    assert errors(answer) == [(["text"], "SUBREQUEST_HTTP_ERROR")]


async def test_the_answer_takes_extensions() -> None:
    answer = await one("{text}", {"text": "t"})
    assert answer.with_extensions({}) is answer
    assert answer.with_extensions({"a": 1}).body == b'{"data":{"text":"t"},"extensions":{"a":1}}'


async def test_a_client_that_breaks_the_port_is_a_sick_subgraph() -> None:
    answer = await one("{text}", ValueError("secret"))
    assert b"secret" not in answer.body
    assert errors(answer) == [(["text"], "SUBREQUEST_HTTP_ERROR")]
    answer = await one("{text}", SubgraphError("late", code="SUBREQUEST_TIMEOUT"))
    assert errors(answer) == [(["text"], "SUBREQUEST_TIMEOUT")]
