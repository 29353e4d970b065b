"""A fetch that has time joins a later request to its subgraph; nothing else waits for anybody."""

from __future__ import annotations

from router.planning.planner import PlannerOptions
from tests.router.planning.kit import plan_lines, supergraph

HOMES = {
    "a": """
        type Query { p: P q: Q }
        type P @key(fields: "id") { id: ID! }
        type Q @key(fields: "id") { id: ID! }
    """,
    "b": """type P @key(fields: "id") { id: ID! w: Int }""",
    "c": """
        type P @key(fields: "id") { id: ID! w: Int @external x: Int @requires(fields: "w") }
        type Q @key(fields: "id") { id: ID! y: Int }
    """,
}


S = 'type S @key(fields: "id")'


def test_a_fetch_waits_where_that_saves_a_request() -> None:
    assert plan_lines(supergraph(**HOMES), "{p{x} q{y}}") == [
        "0 a {p{id} q{id}}",
        "1 b after 0: p P{id} -> ...on P{w}",
        "2 c after 1: p P{id w!} -> ...on P{x} & q Q{id} -> ...on Q{y}",
    ]


def test_a_fetch_that_others_come_after_waits_no_longer_than_they_can() -> None:
    d = """type Q @key(fields: "id") { id: ID! y: Int @external z: Int @requires(fields: "y") }"""
    assert plan_lines(supergraph(**HOMES, d=d), "{p{x} q{y z}}") == [
        "0 a {p{id} q{id}}",
        "1 b after 0: p P{id} -> ...on P{w}",
        "2 c after 0: q Q{id} -> ...on Q{y}",
        "3 c after 1: p P{id w!} -> ...on P{x}",
        "4 d after 2: q Q{id y!} -> ...on Q{z}",
    ]


def test_a_fetch_does_not_wait_for_one_that_may_not_be_made() -> None:
    query = "query($c: Boolean!) { p @include(if: $c) { x } q { y } }"
    assert plan_lines(supergraph(**HOMES), query) == [
        "0 a {p @include(if:$c){id} q{id}}",
        "1 b after 0 if $c: p P{id} -> ...on P{w}",
        "2 c after 0: q Q{id} -> ...on Q{y}",
        "3 c after 1 if $c: p P{id w!} -> ...on P{x}",
    ]


def test_a_fetch_waits_for_one_that_is_made_only_where_the_answer_takes_as_long_anyway() -> None:
    c = """
        type P @key(fields: "id") {
            id: ID! w: Int @external x: Int @requires(fields: "w") n: Int @requires(fields: "w")
        }
        type Q @key(fields: "id") { id: ID! y: Int }
    """
    graph = supergraph(**{**HOMES, "c": c})
    some = "p { x @include(if: $c) n @include(if: $d) } q { y }"
    assert plan_lines(graph, f"query($c: Boolean! $d: Boolean!) {{ {some} }}") == [
        "0 a {p{id} q{id}}",
        "1 b after 0: p P{id} -> ...on P{w @include(if:$c) w @include(if:$d)}",
        "2 c after 1: p P{id w!} -> ...on P{x @include(if:$c) n @include(if:$d)}"
        " & q Q{id} -> ...on Q{y}",
    ]
    # where only w is asked, b would keep y waiting
    more = f"p {{ w @include(if: $e) }} {some}"
    lines = plan_lines(graph, f"query($c: Boolean! $d: Boolean! $e: Boolean!) {{ {more} }}")
    assert [line for line in lines if "...on Q{y}" in line] == [
        "2 c after 0: q Q{id} -> ...on Q{y}"
    ]


def test_a_fetch_does_not_wait_where_the_answer_would_come_later_without_a_longer_chain() -> None:
    more = {
        "a": f"{HOMES['a'].replace('Query {', 'Query { s: S')} {S} {{ id: ID! }}",
        "d": 'type Q @key(fields: "id") { id: ID! y: Int @external z: Int @requires(fields: "y") }',
        "e": f"{S} {{ id: ID! u: Int }}",
        "f": f'{S} {{ id: ID! u: Int @external v: Int @requires(fields: "u") }}',
        "g": f'{S} {{ id: ID! v: Int @external w: Int @requires(fields: "v") }}',
    }
    query = "query($c: Boolean!) { p { x } q { y z } s @include(if: $c) { w } }"
    lines = plan_lines(supergraph(**{**HOMES, **more}), query)
    assert [line for line in lines if "Q{" in line] == [
        "2 c after 0: q Q{id} -> ...on Q{y}",
        "5 d after 2: q Q{id y!} -> ...on Q{z}",
    ]
    always = plan_lines(supergraph(**{**HOMES, **more}), "{ p { x } q { y z } s { w } }")
    assert "3 c after 1: p P{id w!} -> ...on P{x} & q Q{id} -> ...on Q{y}" in always


def test_a_deferred_part_does_not_come_later_for_the_sake_of_a_request() -> None:
    query = "{ p { x } ... @defer { q { y } } }"
    lines = plan_lines(supergraph(**HOMES), query, options=PlannerOptions(defer=True))
    assert [line for line in lines if "...on Q{y}" in line] == [
        "3 c after 1: q Q{id} -> ...on Q{y}"
    ]


def test_without_batching_nothing_waits() -> None:
    lines = plan_lines(supergraph(**HOMES), "{p{x} q{y}}", options=PlannerOptions(batch=False))
    assert "2 c after 0: q Q{id} -> ...on Q{y}" in lines
