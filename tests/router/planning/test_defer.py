"""@defer: what may come later is fetched apart, and nothing waits for it."""

from __future__ import annotations

import pytest

from router.planning.explain import to_text
from router.planning.plan import Plan, When
from router.planning.planner import PlannerOptions
from router.supergraph import Supergraph
from tests.router.planning.kit import lines, planned, supergraph

AB = {
    "a": """
        type Query { p: P v: V }
        type P @key(fields: "id") { id: ID! a: Int }
        type V { x: Int y: Int }
    """,
    "b": """
        type P @key(fields: "id") { id: ID! b: Int next: P }
    """,
}


def deferred(graph: Supergraph, query: str) -> Plan:
    plan = planned(graph, query, options=PlannerOptions(defer=True))
    assert to_text(plan).startswith("QueryPlan {")
    return plan


def test_a_deferred_block_is_entered_by_key_even_in_its_own_subgraph() -> None:
    plan = deferred(supergraph(**AB), '{p{id ... @defer(label:"later"){a b}}}')
    assert lines(plan) == [
        "0 a {p{id}}",
        "1 a after 0: p P{id} -> ...on P{a}",
        "2 b after 0: p P{id} -> ...on P{b}",
    ]
    (block,) = plan.deferred
    assert (block.client_label, block.path, block.fetches) == ("later", ("p",), (1, 2))
    assert block.selection == "a b"


def test_without_a_key_only_the_delivery_is_deferred() -> None:
    plan = deferred(supergraph(**AB), "{v{x ... @defer{y}}}")
    assert lines(plan) == ["0 a {v{x y}}"]
    assert plan.deferred[0].fetches == ()


def test_a_deferred_root_field_is_its_own_fetch() -> None:
    plan = deferred(supergraph(**AB), "{v{x} ... @defer{p{b}}}")
    assert lines(plan) == [
        "0 a {v{x}}",
        "1 a {p{id}}",
        "2 b after 1: p P{id} -> ...on P{b}",
    ]
    assert plan.deferred[0].fetches == (1, 2)


def test_inner_blocks_name_the_block_around_them() -> None:
    plan = deferred(supergraph(**AB), "{p{id ... @defer{b ... @defer{next{id}}}}}")
    outer, inner = plan.deferred
    assert inner.parent == outer.label
    assert outer.selection == "b ... @defer { next { id } }", "its if decides at run time"
    assert inner.selection == "next { id }"
    assert set(outer.fetches).isdisjoint(inner.fetches)


def test_a_leaf_of_the_first_answer_is_not_fetched_again() -> None:
    plan = deferred(supergraph(**AB), "{p{a ... @defer{a b}}}")
    assert lines(plan) == ["0 a {p{a id}}", "1 b after 0: p P{id} -> ...on P{b}"]


@pytest.mark.parametrize(
    "query",
    [
        "query($d:Boolean!){p{b ... @defer{ ... @defer(if:$d){b}}}}",
        "query($d:Boolean!){p{b ... on P{__typename ... on P @defer{ ... on P @include(if:$d){b}}}}}",
    ],
)
def test_a_leaf_of_an_earlier_answer_is_not_fetched_again_however_deep_it_stands(
    query: str,
) -> None:
    plan = deferred(supergraph(**AB), query)
    assert lines(plan) == ["0 a {p{id}}", "1 b after 0: p P{id} -> ...on P{b}"]


def test_a_block_takes_an_object_of_the_answer_before_it_from_there() -> None:
    plan = deferred(supergraph(**AB), "{p{next{b} ... @defer{next{b a}}}}")
    assert lines(plan) == [
        "0 a {p{id}}",
        "1 b after 0: p P{id} -> ...on P{next{b id}}",
        "2 a after 1: p.next P{id} -> ...on P{a}",
    ]
    (block,) = plan.deferred
    assert (block.path, block.selection) == (("p",), "next { b a }"), "it is delivered as written"


def test_a_root_field_is_asked_again_where_its_object_would_come_later() -> None:
    graph = supergraph(**AB)
    assert lines(deferred(graph, "{p{id} ... @defer{p{id a}}}")) == ["0 a {p{id}}", "1 a {p{a}}"]
    assert lines(deferred(graph, "{p{b} ... @defer{p{a b}}}")) == [
        "0 a {p{id}}",
        "1 a {p{a}}",
        "2 b after 0: p P{id} -> ...on P{b}",
    ], "b comes with the first answer"


def test_an_object_is_asked_again_where_waiting_for_it_takes_longer() -> None:
    graph = supergraph(
        a="""
            type Query { p: P }
            type P @key(fields: "id") { id: ID! }
        """,
        b="""
            type P @key(fields: "id") { id: ID! next: P }
            extend type P { x: Int y: Int }
        """,
    )
    assert lines(deferred(graph, "{p{next{x} ... @defer{next{x y}}}}")) == [
        "0 a {p{id}}",
        "1 b after 0: p P{id} -> ...on P{next{x}}",
        "2 b after 0: p P{id} -> ...on P{next{y}}",
    ]


def test_a_value_of_the_answer_before_is_asked_again_for_it_has_no_key() -> None:
    graph = supergraph(
        a="""
            type Query { p: P }
            type P @key(fields: "id") { id: ID! v: V }
            type V { x: Int y: Int }
        """,
        b='type P @key(fields: "id") { id: ID! b: Int }',
    )
    assert lines(deferred(graph, "{p{v{x} ... @defer{v{x y}}}}")) == [
        "0 a {p{v{x} id}}",
        "1 a after 0: p P{id} -> ...on P{v{y}}",
    ]


def test_what_a_fragment_of_the_answer_before_has_is_not_fetched_again() -> None:
    graph = supergraph(
        a="""
            type Query { u: U }
            union U = P | Q
            type P @key(fields: "id") { id: ID! a: Int }
            type Q @key(fields: "id") { id: ID! q: Int }
        """,
        b='type P @key(fields: "id") { id: ID! b: Int }',
    )
    plan = deferred(graph, "{u{... on P{a} ... @defer{... on P{a b} ... on Q{q}}}}")
    assert lines(plan) == [
        "0 a {u{__typename ...on P{a id} ...on Q{id}}}",
        "1 b after 0: u P{id} -> ...on P{b}",
        "2 a after 0: u Q{id} -> ...on Q{q}",
    ]


def test_the_name_of_a_type_is_at_hand_where_the_object_is() -> None:
    graph = supergraph(
        a="""
            type Query { n: N }
            interface N @key(fields: "id") { id: ID! x: Int }
            type P implements N @key(fields: "id") { id: ID! x: Int }
        """,
        b='type N @key(fields: "id") @interfaceObject { id: ID! io: Int }',
    )
    plan = deferred(graph, "{n{... @defer{__typename io}}}")
    assert lines(plan) == [
        "0 a {n{__typename id}}",
        "1 b after 0: n N{id} -> ...on N{io}",
    ]


def test_a_leaf_that_the_answer_before_has_under_a_condition_is_fetched_where_it_does_not_hold() -> (
    None
):
    graph = supergraph(**AB)
    plan = deferred(graph, "query($s:Boolean!){p{a @include(if:$s) ... @defer{a}}}")
    assert lines(plan) == [
        "0 a {p{a @include(if:$s) id}}",
        "1 a after 0 if not $s: p P{id} -> ...on P{a}",
    ]


def test_a_key_is_not_asked_for_by_itself() -> None:
    plan = deferred(supergraph(**AB), "{p{a ... @defer{id b}}}")
    assert lines(plan) == ["0 a {p{a id}}", "1 b after 0: p P{id} -> ...on P{b}"]
    assert plan.deferred[0].selection == "id b"


def test_a_key_for_a_block_comes_along_with_what_the_first_answer_asks_of_the_object() -> None:
    graph = supergraph(
        a="""
            type Query { p: P }
            type P @key(fields: "id") { id: ID! a: Int }
        """,
        b='type P @key(fields: "id") @key(fields: "k") { id: ID! k: ID! b: Int }',
        c='type P @key(fields: "k") { k: ID! c: Int }',
    )
    assert lines(deferred(graph, "{p{b ... @defer{c}}}")) == [
        "0 a {p{id}}",
        "1 b after 0: p P{id} -> ...on P{b k}",
        "2 c after 1: p P{k} -> ...on P{c}",
    ]
    assert lines(deferred(graph, "{p{a ... @defer{c}}}")) == [
        "0 a {p{a id}}",
        "1 b after 0: p P{id} -> ...on P{k}",
        "2 c after 1: p P{k} -> ...on P{c}",
    ]
    plan = deferred(graph, "query($x:Boolean!){p{b @include(if:$x) ... @defer{c}}}")
    assert len(plan.fetches) == 4, "the first answer asks b only if $x"


def test_the_first_answer_waits_for_no_chain_that_only_saves_a_later_request() -> None:
    graph = supergraph(
        a="""
            type Query { one: P @shareable two: P }
            type P @key(fields: "id") { id: ID! x: Int @shareable }
        """,
        b="""
            type Query { one: P @shareable }
            type P @key(fields: "id") { id: ID! x: Int @shareable y: Int }
        """,
    )
    plan = deferred(graph, "{one{y} two{x ... @defer{y}}}")
    assert lines(plan) == [
        "0 b {one{y}}",
        "1 a {two{x id}}",
        "2 b after 1: two P{id} -> ...on P{y}",
    ]


def test_conditions_of_and_around_a_block_are_kept() -> None:
    query = "query($d:Boolean!,$s:Boolean!){p{id ... @include(if:$s) @defer(if:$d){b}}}"
    plan = deferred(supergraph(**AB), query)
    assert lines(plan) == ["0 a {p{id}}", "1 b after 0 if $s: p P{id} -> ...on P{b}"]
    assert plan.deferred[0].when == (When("d", True),)
    assert plan.deferred[0].exists == (When("s", True),)


@pytest.mark.parametrize(
    "query",
    [
        "query($s:Boolean!){... @include(if:$s) @defer{p{b}}}",
        "query($s:Boolean!){... @include(if:$s){... @defer{p{b}}}}",
    ],
)
def test_a_deferred_root_field_is_not_fetched_where_it_is_excluded(query: str) -> None:
    plan = deferred(supergraph(**AB), query)
    assert lines(plan) == ["0 a if $s {p{id}}", "1 b after 0 if $s: p P{id} -> ...on P{b}"]


def test_a_block_that_is_never_deferred_is_an_ordinary_fragment() -> None:
    plan = deferred(supergraph(**AB), "{p{id ... @defer(if:false){a}}}")
    assert lines(plan) == ["0 a {p{id a}}"]
    assert plan.deferred == ()


def test_fragments_are_inlined_in_the_selection_of_a_block() -> None:
    query = "{p{id ...F @defer}} fragment F on P { b ...G } fragment G on P { next { id } }"
    plan = deferred(supergraph(**AB), query)
    assert plan.deferred[0].selection == "b ... on P { next { id } }"


def test_what_is_below_a_mutation_can_come_later() -> None:
    graph = supergraph(
        a="""
            type Query { q: Int }
            type Mutation { set: P }
            type P @key(fields: "id") { id: ID! a: Int }
        """,
        b="""
            type P @key(fields: "id") { id: ID! b: Int }
        """,
    )
    plan = deferred(graph, "mutation{set{a ... @defer{b}}}")
    assert lines(plan) == ["0 a mutation {set{a id}}", "1 b after 0: set P{id} -> ...on P{b}"]
    assert plan.deferred[0].fetches == (1,)


def test_the_next_field_of_a_mutation_does_not_wait_for_what_comes_later() -> None:
    graph = supergraph(
        a="""
            type Query { q: Int }
            type Mutation { set: P }
            type P @key(fields: "id") { id: ID! a: Int }
        """,
        b="""
            type Mutation { put: P }
            type P @key(fields: "id") { id: ID! b: Int }
        """,
    )
    assert lines(deferred(graph, "mutation{set{a ... @defer{b}} put{b}}")) == [
        "0 a mutation {set{a id}}",
        "1 b after 0: set P{id} -> ...on P{b}",
        "2 b after 0 mutation {put{b}}",
    ]


def test_defer_is_ignored_where_it_is_not_planned() -> None:
    plan = planned(supergraph(**AB), "{p{id ... @defer{a}}}", options=PlannerOptions(defer=False))
    assert lines(plan) == ["0 a {p{id a}}"]
