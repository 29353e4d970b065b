"""Plans as text, as JSON, as stored data, and each stage of planning alone."""

from __future__ import annotations

import json

import pytest
from graphql import parse

from router.errors import SettingsInvalid
from router.planning.explain import to_json, to_text
from router.planning.plan import OperationKind, Plan
from router.planning.planner import Planner, PlannerOptions
from router.planning.serialise import dump, load
from router.planning.stages import stage_text
from tests.router.planning.kit import planned, supergraph

BOOKS = {
    "cat": """
        type Query { books: [Book] best: Book }
        type Mutation { add: Book }
        type Subscription { added: Book }
        type Book @key(fields: "isbn") { isbn: ID! title: String pages: Int }
    """,
    "lend": """
        type Query { hours: Int }
        type Book @key(fields: "isbn") {
          isbn: ID! copies: Int pages: Int @external due(pages: Int): Int @requires(fields: "pages")
        }
    """,
}


def test_text_reads_as_the_field_reads_it() -> None:
    plan = planned(supergraph(**BOOKS), "query($s: Boolean!){books{copies} hours @include(if: $s)}")
    assert (
        to_text(plan)
        == """\
QueryPlan {
  Parallel {
    Sequence {
      Fetch(service: "cat") {
        {
          books {
            isbn
          }
        }
      },
      Flatten(path: "books.@") {
        Fetch(service: "lend") {
          {
            ... on Book {
              __typename
              isbn
            }
          } =>
          {
            ... on Book {
              copies
            }
          }
        },
      },
    },
    Include(if: $s) {
      Fetch(service: "lend") {
        {
          hours
        }
      },
    },
  }
}"""
    )


def test_an_empty_plan_has_no_node() -> None:
    empty = Plan(kind=OperationKind.QUERY, fetches=())
    assert to_text(empty) == "QueryPlan {}"
    assert "node" not in to_json(empty)
    assert empty.depth == 0


def test_json_has_the_standard_nodes_and_the_dag() -> None:
    data = to_json(planned(supergraph(**BOOKS), "{books{copies due}}"))
    assert (data["kind"], data["fetchCount"], data["depth"]) == ("QueryPlan", 2, 2)
    first, second = data["node"]["nodes"]
    assert (first["kind"], first["serviceName"], first["operationKind"]) == (
        "Fetch",
        "cat",
        "query",
    )
    assert (second["kind"], second["path"]) == ("Flatten", ["books", "@"])
    (requires,) = second["node"]["requires"]
    assert [item["name"] for item in requires["selections"]] == ["__typename", "isbn", "pages"]
    assert [fetch.get("after", []) for fetch in data["fetches"]] == [[], [0]]
    json.dumps(data)


def test_a_batch_of_several_lists_is_one_node() -> None:
    data = to_json(planned(supergraph(**BOOKS), "{books{copies} best{copies due}}"))
    batch = data["node"]["nodes"][1]
    assert batch["kind"] == "BatchFetch"
    assert [alias["paths"] for alias in batch["entityBatch"]["aliases"]] == [
        [["books", "@"]],
        [["best"]],
    ]


def test_a_subscription_shows_its_source_and_the_rest() -> None:
    plan = planned(supergraph(**BOOKS), "subscription{added{copies}}")
    node = to_json(plan)["node"]
    assert (node["kind"], node["primary"]["operationKind"]) == ("Subscription", "subscription")
    assert node["rest"]["kind"] == "Flatten"
    assert "Primary: {" in to_text(plan)


def test_deferred_blocks_stand_in_each_other_and_name_what_they_wait_for() -> None:
    plan = planned(
        supergraph(**BOOKS),
        'query($i:Boolean!){best{title ... @defer(if:$i,label:"x"){copies ... @defer{due}}}}',
        options=PlannerOptions(defer=True),
    )
    assert [line.strip() for line in to_text(plan).splitlines() if "(" in line] == [
        'Fetch(service: "cat", id: 0) {',
        'Deferred(depends: [0], path: "best", label: "x", if: $i) {',
        'Flatten(path: "best") {',
        'Fetch(service: "lend") {',
        'Deferred(depends: [0], path: "best") {',
        'Flatten(path: "best") {',
        'Fetch(service: "lend") {',
    ]
    (outer,) = to_json(plan)["node"]["deferred"]
    assert (outer["label"], outer["if"], outer["queryPath"]) == ("x", "i", ["best"])
    assert outer["node"]["kind"] == "Defer"
    assert [each["subselection"] for each in outer["node"]["deferred"]] == ["due"]


def test_a_context_argument_tells_where_its_value_is() -> None:
    graph = supergraph(
        a="""
            type Query { w: Ward }
            type Ward @context(name: "wc") { id: ID! unit: Unit bed: Bed }
            type Unit { name: String }
            type Bed @key(fields: "id") {
              id: ID! sign(u: String @fromContext(field: "$wc { unit { name } }")): String
            }
        """,
    )
    plan = planned(graph, "{w{bed{sign}}}")
    assert 'Fetch(service: "a", contextualArgument_0_0: "../unit/name") {' in to_text(plan)
    flatten = to_json(plan)["node"]["nodes"][1]
    assert flatten["node"]["contextRewrites"] == [
        {
            "kind": "KeyRenamer",
            "path": ["..", "unit", "name"],
            "renameKeyTo": "contextualArgument_0_0",
        }
    ]


@pytest.mark.parametrize(
    "query",
    [
        "{books{copies due}}",
        "query Q($s: Boolean! = true, $n: Int){books @skip(if: $s){due(pages: $n)}}",
        "mutation{add{copies}}",
    ],
)
def test_a_stored_plan_is_the_same_plan(query: str) -> None:
    plan = planned(supergraph(**BOOKS), query)
    stored = json.loads(json.dumps(dump(plan)))
    assert load(stored) == plan
    assert dump(load(stored)) == stored


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({}, "format None"),
        ({"format": 99}, "format 99"),
        ({"format": 1, "kind": "query"}, "no plan"),
        ({"format": 1, "kind": "x", "fetches": []}, "no plan"),
        ({"format": 1, "kind": "query", "fetches": [1]}, "no plan"),
    ],
)
def test_what_is_no_plan_is_refused(data: dict[str, object], says: str) -> None:
    with pytest.raises(SettingsInvalid, match=says):
        load(data)


def test_each_stage_prints_alone() -> None:
    planner = Planner(supergraph(**BOOKS))
    document = parse("query($s: Boolean!){b: books @include(if: $s){... on Book{copies}}}")
    assert stage_text("operation", planner, document) == "b: books if $s\n  copies"
    assert "Book/lend at depth 1 by key {isbn from cat}" in stage_text("graph", planner, document)
    assert stage_text("paths", planner, document) == "b.copies\n * cat .b -> lend .copies"
    assert stage_text("fetches", planner, document).splitlines() == [
        "0 cat at (root) after nothing, given nothing",
        "    b:books @include(if:$s){isbn}",
        "1 lend at b.@ after 0, given Book",
        "    ...on Book{... @include(if:$s){copies}}",
    ]
    with pytest.raises(ValueError, match="no stage"):
        stage_text("nonsense", planner, document)


def test_json_tells_what_is_renamed_on_the_way_and_where_the_root_is_asked_again() -> None:
    media = supergraph(
        a="""
            type Query { media: Media u: U }
            interface Media @key(fields: "id") { id: ID! }
            type Film implements Media @key(fields: "id") { id: ID! }
            union U = One | Two
            type One @key(fields: "id") { id: ID! }
            type Two @key(fields: "id") { id: ID }
        """,
        b="""
            type Media @interfaceObject @key(fields: "id") { id: ID! stars: Int }
            type One @key(fields: "id") { id: ID! z: Int }
            type Two @key(fields: "id") { id: ID z: Int }
        """,
    )
    _, rated = to_json(planned(media, "{media{... on Film{stars}}}"))["node"]["nodes"]
    assert rated["node"]["inputRewrites"] == [
        {"kind": "ValueSetter", "path": ["... on Film", "__typename"], "setValueTo": "Media"}
    ]
    first, _ = to_json(planned(media, "{u{... on One{z} ... on Two{z}}}"))["node"]["nodes"]
    assert first["outputRewrites"] == [
        {"kind": "KeyRenamer", "path": ["u", "... on Two", "id__1"], "renameKeyTo": "id"}
    ]
    graph = supergraph(
        a="""
            type Query { s: Int }
            type Mutation { ok: R }
            type R { query: Query }
        """,
        b="type Query { q: Int }",
    )
    _, again = to_json(planned(graph, "mutation{ok{query{q}}}"))["node"]["nodes"]
    assert (again["kind"], again["path"]) == ("Flatten", ["ok", "query"])
    assert "requires" not in again["node"]
