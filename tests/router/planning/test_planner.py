"""The planner as a whole: cache, labels, names, limits, determinism."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from graphql import parse

from router.errors import NoPlan, OperationInvalid
from router.planning.planner import Planner, PlannerOptions
from router.planning.search import Budget
from tests.patience import PATIENCE
from tests.router.planning.kit import lines, plan_lines, planned, supergraph

PAIR = {
    "a": """
        type Query { p(n: Int = 3, f: Filter): P many: [P] }
        input Filter { like: [String!] }
        type P @key(fields: "id") { id: ID! a(x: Int): Int next: P }
    """,
    "b": """
        type P @key(fields: "id") { id: ID! b(y: Int): Int }
    """,
}

LABELLED = {
    "a": """
        type V @key(fields: "id") { id: ID! mail: String @override(from: "b", label: "moved") }
    """,
    "b": """
        type Query { v: V }
        type V @key(fields: "id") { id: ID! mail: String }
    """,
}


def test_a_plan_is_made_once_for_one_document_however_it_is_written() -> None:
    planner = Planner(supergraph(**PAIR))
    first = planner.plan(parse("{p{a b}}"))
    assert planner.plan(parse("query { p { a, b } }")) is first


def test_active_labels_are_part_of_the_cache_key_and_unknown_ones_are_not() -> None:
    planner = Planner(supergraph(**LABELLED))
    document = parse("{v{mail}}")
    inactive = planner.plan(document)
    assert planner.plan(document, labels=frozenset({"moved"})) != inactive
    assert planner.plan(document, labels=frozenset({"something else"})) is inactive


def test_the_cache_keeps_no_more_plans_than_it_was_told() -> None:
    planner = Planner(supergraph(**PAIR), PlannerOptions(cached_plans=1))
    first = planner.plan(parse("{p{a}}"))
    planner.plan(parse("{p{b}}"))
    assert planner.plan(parse("{p{a}}")) is not first


def test_a_fetch_declares_exactly_the_variables_it_uses() -> None:
    query = """
        query Q($n: Int = 7, $x: Int, $y: Int!, $like: String!, $s: Boolean!) {
          p(n: $n, f: {like: [$like]}) { a(x: $x) b(y: $y) @include(if: $s) }
        }
    """
    first, second = planned(supergraph(**PAIR), query).fetches
    assert [(use.name, use.type, use.default) for use in first.variables] == [
        ("n", "Int", "7"),
        ("x", "Int", None),
        ("like", "String!", None),
    ]
    assert [use.name for use in second.variables] == ["y"]
    assert [(when.variable, when.value) for when in second.when] == [("s", True)]


def test_operations_are_named_after_the_client_s_and_the_subgraph() -> None:
    fetches = planned(supergraph(**PAIR), "query Chart{p{b}}").fetches
    assert [fetch.operation_name for fetch in fetches] == ["Chart__a__0", "Chart__b__1"]
    assert fetches[1].operation.startswith("query Chart__b__1(")


def test_a_client_variable_named_representations_keeps_its_name() -> None:
    query = "query($representations: Int){p{b(y: $representations)}}"
    (call,) = planned(supergraph(**PAIR), query).fetches[1].entities
    assert call.variable == "_representations"


def test_one_of_several_operations_is_planned() -> None:
    planner = Planner(supergraph(**PAIR))
    document = parse("query A{p{a}} query B{p{b}}")
    assert len(planner.plan(document, "A").fetches) == 1
    assert len(planner.plan(document, "B").fetches) == 2
    with pytest.raises(OperationInvalid, match="operation name"):
        planner.plan(document)
    with pytest.raises(OperationInvalid, match="'C'"):
        planner.plan(document, "C")


def test_conditions_on_both_sides_of_one_element_are_both_kept() -> None:
    graph = supergraph(**PAIR)
    query = "query($s:Boolean!,$t:Boolean!){p{a @skip(if:$s) @include(if:$t) id}}"
    assert plan_lines(graph, query) == ["0 a {p{a @skip(if:$s) @include(if:$t) id}}"]
    nested = "query($s:Boolean!,$t:Boolean!){p{... @include(if:$s){... @include(if:$t){a}} id}}"
    expected = ["0 a {p{...@include(if:$t){a @include(if:$s)} id}}"]
    assert plan_lines(graph, nested) == expected


def test_conditions_that_exclude_each_other_select_nothing() -> None:
    query = "query($s:Boolean!){p{... @include(if:$s){b @skip(if:$s)}}}"
    assert plan_lines(supergraph(**PAIR), query) == ["0 a {p{__typename}}"]


@pytest.mark.parametrize(
    "query",
    [
        "{p{__typename: id}}",
        "{p{id __typename: a @include(if: false)}}",
        "{t: __typename p @skip(if: true){...F}} fragment F on P{__typename: id}",
    ],
)
def test_an_alias_that_would_hide_the_runtime_type_is_refused_whatever_the_conditions(
    query: str,
) -> None:
    with pytest.raises(OperationInvalid, match="alias"):
        Planner(supergraph(**PAIR)).plan(parse(query))


def test_an_operation_that_is_too_large_is_refused_before_it_is_expanded() -> None:
    levels = 20
    fragments = " ".join(f"fragment F{n} on P {{ ...F{n + 1} ...F{n + 1} }}" for n in range(levels))
    document = parse(f"{{p{{...F0}}}} {fragments} fragment F{levels} on P {{ id }}")
    with pytest.raises(OperationInvalid, match="are allowed"):
        Planner(supergraph(**PAIR)).plan(document)


def test_a_field_out_of_reach_is_named() -> None:
    graph = supergraph(
        a="""
            type Query { node: N @shareable }
            interface N { id: ID! }
            type A implements N @key(fields: "id") { id: ID! @shareable x: Int }
            type B implements N @key(fields: "id") { id: ID! @external }
        """,
        b="""
            type Query { node: N @shareable }
            interface N { id: ID! }
            type A implements N @key(fields: "id") { id: ID! @external }
            type B implements N @key(fields: "id") { id: ID! @shareable y: Int }
        """,
    )
    with pytest.raises(NoPlan, match=r"node\.id.*N/a, N/b"):
        planned(graph, "{node{id}}")


def test_a_plan_without_a_budget_is_still_a_plan() -> None:
    shared = "type Query { c: C @shareable } type C { x: Int @shareable %s: Int }"
    graph = supergraph(**{name: shared % name for name in ("p", "q", "r")})
    options = PlannerOptions(budget=Budget(evaluations=0))
    plan = planned(graph, "{c{x p q r}}", options=options)
    assert lines(plan) == ["0 p {c{x p}}", "1 q {c{q}}", "2 r {c{r}}"]


def test_an_operation_that_takes_too_long_to_plan_is_refused() -> None:
    with pytest.raises(OperationInvalid, match="too complex"):
        planned(supergraph(**PAIR), "{p{a b}}", options=PlannerOptions(seconds=-1))


_SCRIPT = """
import sys
from tests.router.planning.kit import planned, supergraph
from router.planning.serialise import dump
from router.planning.stages import STAGES, stage_text
from router.planning.planner import Planner
from graphql import parse
graph = supergraph(
    a='type Query { m: [M] @shareable u: U } interface M { id: ID! s: Int } union U = F | G '
      'type F implements M @key(fields: "id") { id: ID! s: Int @shareable } '
      'type G implements M @key(fields: "id") { id: ID! s: Int @external }',
    b='type Query { m: [M] @shareable } interface M { id: ID! s: Int } '
      'type F implements M @key(fields: "id") { id: ID! s: Int @shareable t: Int } '
      'type G implements M @key(fields: "id") { id: ID! s: Int @shareable t: Int }',
    c='type F @key(fields: "id") { id: ID! t: Int @external w: Int @requires(fields: "t") }',
)
query = 'query($i: Boolean!){m{s ... on F{w t @skip(if: $i)} ... on G{t}} u{... on F{w} ... on G{s}}}'
print(dump(planned(graph, query)))
for stage in STAGES:
    print(stage_text(stage, Planner(graph), parse(query)))
"""


def test_the_same_plan_comes_out_whatever_the_hash_seed() -> None:
    outputs = {
        subprocess.run(
            [sys.executable, "-c", _SCRIPT],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": "."},
            cwd=Path(__file__).parents[3],
            capture_output=True,
            check=True,
            timeout=PATIENCE,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(outputs) == 1
    assert outputs.pop()


def test_one_field_is_asked_once_however_its_arguments_are_ordered() -> None:
    graph = supergraph(a="type Query { f(a: Int = 1, b: Int): Int }")
    (fetch,) = planned(graph, "{f(a: 1, b: 2) f(b: 2, a: 1) g: f(b: 2)}").fetches
    assert fetch.operation == "{f(a: 1, b: 2) g:f(b: 2)}", "and no default is added or left out"
