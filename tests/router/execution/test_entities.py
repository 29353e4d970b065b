"""Which representations are sent, and where their answers go (R8.2 to R8.8)."""

from __future__ import annotations

import pytest

from router.errors import SubgraphError
from router.planning.plan import Input, InputField, InputFragment, OnTypes, Rename, When
from tests.router.execution.scripted import (
    Scripted,
    call,
    entities,
    errors,
    needs,
    plan,
    response,
    root,
    run,
)

BOOKS = """
type Query { books: [Book] book: Book grid: [[Book]] }
type Book { isbn: ID! title: String copies: Int due: Int! shelf: Shelf price: Float fee: Int }
type Shelf { row: Int place: Int }
"""
LEND = call(("books", "@"), {"Book": ["isbn"]}, "... on Book { copies }")
CAT = root(0, "cat", "{ books { __typename isbn title } }")


def book(isbn: str | None, title: str = "T") -> dict[str, object]:
    return {"__typename": "Book", "isbn": isbn, "title": title}


def of(cat: object, lend: object) -> object:
    return lambda: {"cat": Scripted(cat), "lend": Scripted(lend)}


async def test_equal_representations_are_sent_once_and_answer_every_place() -> None:
    cat = {"data": {"books": [book("A"), None, book("B"), book("A")]}}
    lend = {"data": {"_entities": [{"copies": 1}, {"copies": 2}]}}
    answer, clients = await run(
        plan(CAT, entities(1, "lend", [0], LEND)), BOOKS, "{books{title copies}}", of(cat, lend)
    )
    assert clients["lend"].representations == [
        [{"__typename": "Book", "isbn": "A"}, {"__typename": "Book", "isbn": "B"}]
    ]
    copies = [each and each["copies"] for each in response(answer)["data"]["books"]]
    assert copies == [1, None, 2, 1]


async def test_an_error_of_one_representation_is_reported_at_all_its_objects() -> None:
    cat = {"data": {"books": [book("A"), None, book("B"), book("A")]}}
    lend = {
        "data": {"_entities": [{"copies": None}, {"copies": 2}]},
        "errors": [{"message": "no", "path": ["_entities", 0, "copies"], "locations": [1]}],
    }
    answer, _ = await run(
        plan(CAT, entities(1, "lend", [0], LEND)), BOOKS, "{books{title copies}}", of(cat, lend)
    )
    assert errors(answer) == [
        (["books", 0, "copies"], "DOWNSTREAM_SERVICE_ERROR"),
        (["books", 3, "copies"], "DOWNSTREAM_SERVICE_ERROR"),
    ]
    assert answer.errors[0]["extensions"]["serviceName"] == "lend"
    assert "locations" not in answer.errors[0]


@pytest.mark.parametrize(
    "path",
    [None, [], ["_entities"], ["_entities", 7, "copies"], ["_entities", "0"], ["copies"], "books"],
)
async def test_an_error_that_names_no_object_is_told_where_its_objects_begin(path: object) -> None:
    cat = {"data": {"books": [book("A")]}}
    lend = {"data": {"_entities": [{"copies": 1}]}, "errors": [{"message": "m", "path": path}]}
    answer, _ = await run(
        plan(CAT, entities(1, "lend", [0], LEND)), BOOKS, "{books{title copies}}", of(cat, lend)
    )
    assert errors(answer) == [(["books"], "DOWNSTREAM_SERVICE_ERROR")]
    assert response(answer)["data"]["books"] == [{"title": "T", "copies": 1}]


async def test_what_two_requests_to_a_subgraph_say_of_one_place_is_said_once() -> None:
    made = plan(
        root(0, "cat", "{ book { isbn shelf { row } } }"),
        root(1, "cat", "{ book { shelf { place } } }"),
    )
    lost = {"message": "lost", "path": ["book", "shelf"]}
    late = {"message": "late", "path": ["book", "shelf"]}
    first = {"data": {"book": {"isbn": "A", "shelf": None}}, "errors": [lost, late]}
    second = {"data": {"book": {"shelf": None}}, "errors": [lost]}
    answer, _ = await run(
        made,
        BOOKS,
        "{book{isbn shelf{row place}}}",
        lambda: {"cat": Scripted(first, second)},
    )
    assert [error["message"] for error in response(answer)["errors"]] == ["lost", "late"]


async def test_an_object_that_was_not_sent_does_not_shift_the_index_of_errors() -> None:
    cat = {"data": {"books": [{"__typename": "Book", "title": "x"}, book("B")]}}
    lend = {
        "data": {"_entities": [None]},
        "errors": [{"message": "no", "path": ["_entities", 0], "extensions": {"code": "GONE"}}],
    }
    answer, _ = await run(
        plan(CAT, entities(1, "lend", [0], LEND)), BOOKS, "{books{copies}}", of(cat, lend)
    )
    assert errors(answer) == [(["books", 1], "GONE")]


async def test_a_null_key_is_never_sent() -> None:
    cat = {"data": {"books": [book(None)]}}
    answer, clients = await run(
        plan(CAT, entities(1, "lend", [0], LEND)), BOOKS, "{books{copies}}", of(cat, {"data": {}})
    )
    assert not clients["lend"].requests
    assert response(answer) == {"data": {"books": [{"copies": None}]}}


async def test_a_composite_key_is_sent_while_one_part_is_known() -> None:
    made = plan(
        root(0, "cat", "{ books { __typename isbn title } }"),
        entities(
            1,
            "lend",
            [0],
            call(("books", "@"), {"Book": ["isbn", "title"]}, "... on Book { copies }"),
        ),
    )
    cat = {"data": {"books": [{"__typename": "Book", "isbn": "A", "title": None}]}}
    lend = {"data": {"_entities": [{"copies": 4}]}}
    answer, clients = await run(made, BOOKS, "{books{copies}}", of(cat, lend))
    assert clients["lend"].representations == [[{"__typename": "Book", "isbn": "A", "title": None}]]
    assert response(answer)["data"] == {"books": [{"copies": 4}]}


async def test_a_required_null_is_sent_and_a_required_value_that_failed_is_not() -> None:
    made = plan(
        CAT,
        entities(1, "price", [0], call(("books", "@"), {"Book": ["isbn"]}, "... on Book{price}")),
        entities(
            2,
            "lend",
            [1],
            call(("books", "@"), {"Book": ["isbn", needs("price")]}, "... on Book{fee}"),
        ),
    )
    clients = {
        "cat": {"data": {"books": [book("A"), book("B")]}},
        "price": {"data": {"_entities": [{"price": None}, None]}},
        "lend": {"data": {"_entities": [{"fee": 7}]}},
    }
    answer, asked = await run(
        made,
        BOOKS,
        "{books{fee}}",
        lambda: {name: Scripted(reply) for name, reply in clients.items()},
    )
    assert asked["lend"].representations == [[{"__typename": "Book", "isbn": "A", "price": None}]]
    assert response(answer) == {"data": {"books": [{"fee": 7}, {"fee": None}]}}


async def test_numbers_texts_and_truths_are_different_keys() -> None:
    values = [1, 1.0, True, "1", 1]
    cat = {"data": {"books": [{"__typename": "Book", "isbn": v, "title": None} for v in values]}}
    lend = {"data": {"_entities": [{"copies": n} for n in range(4)]}}
    answer, clients = await run(
        plan(CAT, entities(1, "lend", [0], LEND)), BOOKS, "{books{copies}}", of(cat, lend)
    )
    assert len(clients["lend"].representations[0]) == 4
    assert [b["copies"] for b in response(answer)["data"]["books"]] == [0, 1, 2, 3, 0]


async def test_lists_of_lists_are_walked_whether_the_path_spells_their_levels_or_not() -> None:
    for path in [("grid", "@", "@"), ("grid", "@"), ("grid",)]:
        made = plan(
            root(0, "cat", "{ grid { __typename isbn } }"),
            entities(1, "lend", [0], call(path, {"Book": ["isbn"]}, "... on Book { copies }")),
        )
        cat = {"data": {"grid": [[book("A"), None], None, [book("B")]]}}
        lend = {"data": {"_entities": [{"copies": 1}, {"copies": 2}]}}
        answer, _ = await run(made, BOOKS, "{grid{copies}}", of(cat, lend))
        assert response(answer)["data"] == {"grid": [[{"copies": 1}, None], None, [{"copies": 2}]]}


@pytest.mark.parametrize(
    "items", [[], [{"copies": 1}], [{"copies": 1}] * 3, {"copies": 1}, "entities"]
)
async def test_a_wrong_number_of_entities_is_an_error_and_merges_nothing(items: object) -> None:
    cat = {"data": {"books": [book("A"), book("B")]}}
    answer, _ = await run(
        plan(CAT, entities(1, "lend", [0], LEND)),
        BOOKS,
        "{books{copies}}",
        of(cat, {"data": {"_entities": items}}),
    )
    assert response(answer)["data"] == {"books": [{"copies": None}, {"copies": None}]}
    assert errors(answer) == [(["books"], "SUBREQUEST_MALFORMED_RESPONSE")]


async def test_an_entity_that_is_no_object_is_said_and_its_neighbours_stay() -> None:
    cat = {"data": {"books": [book("A"), book("B"), book("C")]}}
    lend = {"data": {"_entities": ["x", None, {"copies": 2}]}}
    made = plan(CAT, entities(1, "lend", [0], LEND))
    answer, _ = await run(made, BOOKS, "{books{copies}}", of(cat, lend))
    assert response(answer)["data"] == {
        "books": [{"copies": None}, {"copies": None}, {"copies": 2}]
    }
    assert errors(answer) == [(["books"], "SUBREQUEST_MALFORMED_RESPONSE")]


async def test_two_calls_travel_as_one_request_and_share_nothing() -> None:
    made = plan(
        root(0, "cat", "{ books { __typename isbn } book { __typename isbn } }"),
        entities(
            1,
            "lend",
            [0],
            call(
                ("books", "@"), {"Book": ["isbn"]}, "... on Book{copies}", alias="e0", variable="r0"
            ),
            call(("book",), {"Book": ["isbn"]}, "... on Book{due}", alias="e1", variable="r1"),
        ),
    )
    cat = {"data": {"books": [], "book": book("A")}}
    lend = {"data": {"e0": [], "e1": [{"due": 3}]}}
    answer, clients = await run(made, BOOKS, "{books{copies} book{due}}", of(cat, lend))
    assert clients["lend"].representations == [[], [{"__typename": "Book", "isbn": "A"}]]
    assert response(answer)["data"] == {"books": [], "book": {"due": 3}}


MEDIA = """
type Query { top: [Media] s: [U] }
interface Media { id: ID! stars: Int title: String }
type Film implements Media { id: ID! stars: Int title: String length: Int }
type Song implements Media { id: ID! stars: Int title: String beats: Int }
union U = Film | Song
"""


async def test_a_path_may_mean_some_runtime_types_only() -> None:
    made = plan(
        root(0, "a", "{ top { __typename id } }"),
        entities(
            1,
            "b",
            [0],
            call(("top", "@", OnTypes(("Film",))), {"Film": ["id"]}, "... on Film { length }"),
        ),
    )
    top = [{"__typename": "Song", "id": "1"}, {"__typename": "Film", "id": "2"}]
    answer, clients = await run(
        made,
        MEDIA,
        "{top{__typename ... on Film{length}}}",
        lambda: {
            "a": Scripted({"data": {"top": top}}),
            "b": Scripted({"data": {"_entities": [{"length": 90}]}}),
        },
    )
    assert clients["b"].representations == [[{"__typename": "Film", "id": "2"}]]
    assert response(answer)["data"]["top"] == [
        {"__typename": "Song"},
        {"__typename": "Film", "length": 90},
    ]


async def test_a_target_that_is_an_interface_there_gets_the_name_of_the_interface() -> None:
    made = plan(
        root(0, "a", "{ top { __typename id } }"),
        entities(
            1,
            "b",
            [0],
            call(
                ("top", "@"),
                [Input("Media", (InputField("id", "id"),), typename="Media")],
                "... on Media { stars }",
            ),
        ),
    )
    top = [{"__typename": "Song", "id": "1"}, {"__typename": "Film", "id": "1"}]
    answer, clients = await run(
        made,
        MEDIA,
        "{top{stars}}",
        lambda: {
            "a": Scripted({"data": {"top": top}}),
            "b": Scripted({"data": {"_entities": [{"__typename": "Media", "stars": 4}]}}),
        },
    )
    assert clients["b"].representations == [[{"__typename": "Media", "id": "1"}]]
    assert response(answer)["data"]["top"] == [{"stars": 4}, {"stars": 4}]


async def test_an_object_that_does_not_tell_its_type_is_not_sent_though_one_type_alone_is_meant() -> (
    None
):
    made = plan(
        root(0, "a", "{ top { __typename id } }"),
        entities(1, "b", [0], call(("top", "@"), {"Film": ["id"]}, "... on Film { length }")),
    )
    top = [{"id": "1"}, {"__typename": "Film", "id": "2"}]
    _, clients = await run(
        made,
        MEDIA,
        "{top{... on Film{length}}}",
        lambda: {
            "a": Scripted({"data": {"top": top}}),
            "b": Scripted({"data": {"_entities": [{"length": 90}]}}),
        },
    )
    assert clients["b"].representations == [[{"__typename": "Film", "id": "2"}]]


async def test_an_internal_alias_becomes_the_name_again_on_its_type_even_where_it_is_null() -> None:
    made = plan(
        root(
            0,
            "a",
            "{ s { __typename ... on Film { title } ... on Song { title__1: title } } }",
            renames=(Rename(("s", OnTypes(("Song",))), "title__1", "title"),),
        )
    )
    found = [
        {"__typename": "Film", "title": "f"},
        {"__typename": "Song", "title__1": None},
        {"__typename": "Song", "title__1": ""},
    ]
    answer, _ = await run(
        made,
        MEDIA,
        "{s{... on Film{title} ... on Song{title}}}",
        lambda: {"a": Scripted({"data": {"s": found}})},
    )
    assert response(answer)["data"]["s"] == [{"title": "f"}, {"title": None}, {"title": ""}]


async def test_an_error_below_an_internal_alias_names_the_client_s_field() -> None:
    made = plan(
        CAT,
        entities(
            1,
            "lend",
            [0],
            call(
                ("books", "@"),
                {"Book": ["isbn"]},
                "... on Book { copies__1: copies }",
                renames=(Rename((), "copies__1", "copies"),),
            ),
        ),
    )
    lend = {
        "data": {"_entities": [{"copies__1": 5}, {"copies__1": None}]},
        "errors": [{"message": "m", "path": ["_entities", 1, "copies__1"]}],
    }
    answer, _ = await run(
        made, BOOKS, "{books{copies}}", of({"data": {"books": [book("A"), book("B")]}}, lend)
    )
    assert response(answer)["data"] == {"books": [{"copies": 5}, {"copies": None}]}
    assert errors(answer)[0][0] == ["books", 1, "copies"]


async def test_nested_values_are_copied_into_representations_with_their_order() -> None:
    shelf = InputField(
        "shelf", "shelf", (InputField("row", "row"), InputField("place", "place")), required=True
    )
    made = plan(
        root(0, "cat", "{ books { __typename isbn shelf { place row } } }"),
        entities(
            1, "lend", [0], call(("books", "@"), {"Book": ["isbn", shelf]}, "... on Book { fee }")
        ),
    )
    cat = {
        "data": {
            "books": [
                {"__typename": "Book", "isbn": "A", "shelf": {"place": 2, "row": 1}},
                {"__typename": "Book", "isbn": "B", "shelf": None},
            ]
        }
    }
    lend = {"data": {"_entities": [{"fee": 1}, {"fee": 2}]}}
    answer, clients = await run(made, BOOKS, "{books{fee}}", of(cat, lend))
    assert clients["lend"].representations[0] == [
        {"__typename": "Book", "isbn": "A", "shelf": {"row": 1, "place": 2}},
        {"__typename": "Book", "isbn": "B", "shelf": None},
    ]
    assert response(answer)["data"] == {"books": [{"fee": 1}, {"fee": 2}]}


async def test_a_fragment_that_fails_contributes_nothing_but_does_not_stop_the_entity() -> None:
    inputs = [
        Input(
            "Film",
            (
                InputField("id", "id"),
                InputFragment("Film", (InputField("title", "absent", required=True),)),
            ),
        )
    ]
    made = plan(
        root(0, "a", "{ s { __typename ... on Film { id } } }"),
        entities(1, "b", [0], call(("s", "@"), inputs, "... on Film { length }")),
    )
    answer, clients = await run(
        made,
        MEDIA,
        "{s{... on Film{length}}}",
        lambda: {
            "a": Scripted({"data": {"s": [{"__typename": "Film", "id": "1"}]}}),
            "b": Scripted({"data": {"_entities": [{"length": 1}]}}),
        },
    )
    assert clients["b"].representations == [[{"__typename": "Film", "id": "1"}]]
    assert response(answer)["data"]["s"] == [{"length": 1}]


@pytest.mark.parametrize("wanted", [True, False])
async def test_a_conditional_requirement_is_not_missed_where_it_was_not_fetched(
    wanted: bool,
) -> None:
    title = InputField("title", "title", required=True, when=(When("s", True),))
    made = plan(
        root(0, "cat", "query($s:Boolean!){ books { __typename isbn title @include(if:$s) } }"),
        entities(
            1, "lend", [0], call(("books", "@"), {"Book": ["isbn", title]}, "... on Book{copies}")
        ),
    )
    found: dict[str, object] = {"__typename": "Book", "isbn": "A"}
    if wanted:
        found["title"] = "t"
    answer, clients = await run(
        made,
        BOOKS,
        "query($s:Boolean!){books{copies title @include(if:$s)}}",
        of({"data": {"books": [found]}}, {"data": {"_entities": [{"copies": 1}]}}),
        variables={"s": wanted},
    )
    sent = clients["lend"].representations[0][0]
    assert ("title" in sent) is wanted
    assert response(answer)["data"]["books"][0]["copies"] == 1


async def test_one_entity_in_two_places_may_be_asked_different_things() -> None:
    made = plan(
        root(0, "cat", "{ books { __typename isbn } book { __typename isbn } }"),
        entities(
            1,
            "shelf",
            [0],
            call([("books", "@"), ("book",)], {"Book": ["isbn"]}, "... on Book { shelf { row } }"),
        ),
        entities(2, "x", [0], call(("books", "@"), {"Book": ["isbn"]}, "... on Book { x: title }")),
        entities(3, "y", [0], call(("book",), {"Book": ["isbn"]}, "... on Book { x: price }")),
    )
    answer, _ = await run(
        made,
        BOOKS,
        "{books{x:title shelf{row}} book{x:price shelf{row}}}",
        lambda: {
            "cat": Scripted({"data": {"books": [book("A")], "book": book("A")}}),
            "shelf": Scripted({"data": {"_entities": [{"shelf": {"row": 1}}]}}),
            "x": Scripted({"data": {"_entities": [{"x": "title"}]}}),
            "y": Scripted({"data": {"_entities": [{"x": 1.5}]}}),
        },
    )
    assert response(answer)["data"] == {
        "books": [{"x": "title", "shelf": {"row": 1}}],
        "book": {"x": 1.5, "shelf": {"row": 1}},
    }


async def test_a_dead_subgraph_takes_nothing_from_a_later_call_for_the_same_objects() -> None:
    by_isbn = {"Book": ["isbn"]}
    made = plan(
        CAT,
        entities(1, "price", [0], call(("books", "@"), by_isbn, "... on Book{price}")),
        entities(2, "lend", [1], LEND),
    )
    answers: dict[str, object] = {
        "cat": {"data": {"books": [book("A"), book("B")]}},
        "price": SubgraphError("away"),
        "lend": {"data": {"_entities": [{"copies": 1}, {"copies": 2}]}},
    }
    answer, _ = await run(
        made,
        BOOKS,
        "{books{price copies}}",
        lambda: {name: Scripted(reply) for name, reply in answers.items()},
    )
    assert response(answer)["data"]["books"] == [
        {"price": None, "copies": 1},
        {"price": None, "copies": 2},
    ]


async def test_a_requirement_that_a_dead_root_fetch_should_bring_is_not_sent_as_null() -> None:
    made = plan(
        root(0, "cat", "{ book { __typename isbn } }"),
        root(1, "price", "{ book { price } }"),
        entities(
            2,
            "lend",
            [0, 1],
            call(("book",), {"Book": ["isbn", needs("price")]}, "... on Book{copies}"),
        ),
    )
    answers: dict[str, object] = {
        "cat": {"data": {"book": {"__typename": "Book", "isbn": "A"}}},
        "price": SubgraphError("away"),
        "lend": {"data": {"_entities": [{"copies": 1}]}},
    }
    answer, asked = await run(
        made,
        BOOKS,
        "{book{copies}}",
        lambda: {name: Scripted(reply) for name, reply in answers.items()},
    )
    assert asked["lend"].representations == []
    assert response(answer)["data"] == {"book": {"copies": None}}


async def test_a_requirement_that_lacks_below_an_entity_not_found_is_not_sent_as_null() -> None:
    by_isbn = call(("book",), {"Book": ["isbn"]}, "... on Book{shelf{row place}}")
    shelf = call(("book", "shelf"), {"Shelf": ["row", needs("place")]}, "... on Shelf{load}")
    made = plan(
        root(0, "cat", "{ book { __typename isbn shelf { row } } }"),
        entities(1, "halls", [0], by_isbn),
        entities(2, "lend", [1], shelf),
    )
    answers: dict[str, object] = {
        "cat": {"data": {"book": {"__typename": "Book", "isbn": "A", "shelf": {"row": 1}}}},
        "halls": {"data": {"_entities": [None]}},
        "lend": {"data": {"_entities": [{"load": 2}]}},
    }
    answer, asked = await run(
        made,
        BOOKS.replace("place: Int", "place: Int load: Int"),
        "{book{shelf{load}}}",
        lambda: {name: Scripted(reply) for name, reply in answers.items()},
    )
    assert asked["lend"].representations == []
    assert response(answer)["data"] == {"book": {"shelf": {"load": None}}}


async def test_a_type_name_that_is_no_text_gives_way_to_one_that_is() -> None:
    made = plan(
        root(0, "cat", "{ book { shelf { __typename row } } }"),
        root(1, "lend", "{ book { shelf { __typename place } } }"),
    )
    cat = {"data": {"book": {"shelf": {"__typename": [], "row": 1}}}}
    lend = {"data": {"book": {"shelf": {"__typename": "Shelf", "place": 2}}}}
    answer, _ = await run(made, BOOKS, "{book{shelf{row place}}}", of(cat, lend))
    assert response(answer) == {"data": {"book": {"shelf": {"row": 1, "place": 2}}}}


@pytest.mark.parametrize("skipped", [True, False])
async def test_a_dead_request_is_told_where_something_was_asked_for(skipped: bool) -> None:
    lists = call(("books", "@"), {"Book": ["isbn"]}, "... on Book{copies}", alias="_e0")
    one = call(("book",), {"Book": ["isbn"]}, "... on Book{copies}", alias="_e1", variable="others")
    made = plan(
        root(0, "cat", "{ books { __typename isbn } book { __typename isbn } }"),
        entities(1, "lend", [0], lists, one),
    )
    brought = {"book": book("A"), **({} if skipped else {"books": []})}
    answers: dict[str, object] = {"cat": {"data": brought}, "lend": SubgraphError("away")}
    answer, _ = await run(
        made,
        BOOKS,
        "query($s: Boolean!) { books @skip(if: $s) { copies } book { copies } }",
        lambda: {name: Scripted(reply) for name, reply in answers.items()},
        variables={"s": skipped},
    )
    assert errors(answer) == [(["book"], "SUBREQUEST_HTTP_ERROR")]
