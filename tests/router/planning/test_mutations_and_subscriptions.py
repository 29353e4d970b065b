"""Root fields with effects run once and in order; events start a plan."""

from __future__ import annotations

import pytest

from router.errors import OperationInvalid
from tests.router.planning.kit import plan_lines, supergraph


def test_the_query_root_below_a_payload_is_asked_in_another_subgraph() -> None:
    graph = supergraph(
        a="""
            type Query { x: Int }
            type Mutation { add: Add }
            type Add { ok: Boolean query: Query }
        """,
        b="type Query { y: Int }",
    )
    assert plan_lines(graph, "mutation{add{ok query{x y}}}") == [
        "0 a mutation {add{ok query{x}}}",
        "1 b after 0 at add.query: {y}",
    ]


def test_a_shareable_mutation_runs_in_one_subgraph_only() -> None:
    graph = supergraph(
        a="""
            type Query { q: Int }
            type Mutation { set: T @shareable }
            type T @key(fields: "id") { id: ID! a: Int }
        """,
        b="""
            type Mutation { set: T @shareable }
            type T @key(fields: "id") { id: ID! b: Int }
        """,
    )
    assert plan_lines(graph, "mutation{set{a b}}") == [
        "0 a mutation {set{a id}}",
        "1 b after 0: set T{id} -> ...on T{b}",
    ]


def test_mutations_run_in_the_order_of_the_client() -> None:
    graph = supergraph(
        a="""
            type Query { q: Int }
            type Mutation { a1: Int a2: T }
            type T @key(fields: "id") { id: ID! }
        """,
        b="""
            type Mutation { b1: Int }
            type T @key(fields: "id") { id: ID! n: Int }
        """,
    )
    assert plan_lines(graph, "mutation{a1 b1 a2{n}}") == [
        "0 a mutation {a1}",
        "1 b after 0 mutation {b1}",
        "2 a after 1 mutation {a2{id}}",
        "3 b after 2: a2 T{id} -> ...on T{n}",
    ]


def test_the_source_of_a_subscription_comes_first() -> None:
    graph = supergraph(
        a="""
            type Query { q: Int }
            type Subscription { ev: T }
            type T @key(fields: "id") { id: ID! }
        """,
        b="""
            type T @key(fields: "id") { id: ID! n: Int }
        """,
    )
    assert plan_lines(graph, "subscription{ev{id n}}") == [
        "0 a subscription {ev{id}}",
        "1 b after 0: ev T{id} -> ...on T{n}",
    ]


TWO = {
    "a": """
        type Query { q: Int }
        type Mutation { m: T }
        type T @key(fields: "id") { id: ID! a: Int }
    """,
    "b": """
        type Mutation { n: Int }
        type T @key(fields: "id") { id: ID! b: Int }
    """,
}


def test_a_root_field_that_is_written_twice_runs_once_where_it_stands_first() -> None:
    assert plan_lines(supergraph(**TWO), "mutation{m{a} n m{b}}") == [
        "0 a mutation {m{a id}}",
        "1 b after 0: m T{id} -> ...on T{b}",
        "2 b after 1 mutation {n}",
    ]


def test_a_root_field_that_is_written_again_under_a_condition_runs_once() -> None:
    query = "mutation($c: Boolean!) { m { a } n m @include(if: $c) { id } }"
    assert plan_lines(supergraph(**TWO), query) == [
        "0 a mutation {m{a} m @include(if:$c){id}}",
        "1 b after 0 mutation {n}",
    ]


def test_a_condition_that_moves_a_root_field_moves_its_call() -> None:
    query = "mutation($c: Boolean!) { m @include(if: $c) { a } n m { id } }"
    assert plan_lines(supergraph(**TWO), query) == [
        "0 a if $c mutation {m{a id}}",
        "1 b after 0 mutation {n @include(if:$c) n @skip(if:$c)}",
        "2 a after 1 if not $c mutation {m{id}}",
    ]


def test_an_order_that_depends_on_too_many_variables_is_refused() -> None:
    names = [f"c{number}" for number in range(7)]
    fields = " ".join(f"m @include(if: ${name}) {{ a }} n @skip(if: ${name})" for name in names)
    declared = " ".join(f"${name}: Boolean!" for name in names)
    with pytest.raises(OperationInvalid, match="depends on 7 variables"):
        plan_lines(supergraph(**TWO), f"mutation({declared}) {{ {fields} }}")
