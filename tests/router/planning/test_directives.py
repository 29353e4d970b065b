"""Directives that are no conditions: which go along to subgraphs, and where (R3.3, R6.26)."""

from __future__ import annotations

from tests.router.planning.kit import plan_lines, planned, supergraph

MARK = "directive @mark(x: Int) on QUERY | MUTATION | FIELD | INLINE_FRAGMENT | FRAGMENT_SPREAD"
NOTE = "directive @note on MUTATION | FRAGMENT_SPREAD | FRAGMENT_DEFINITION | VARIABLE_DEFINITION"
GRAPH = supergraph(
    a=f"""
        {MARK} {NOTE}
        type Query {{ p: P }}
        type Mutation {{ set: P }}
        type P @key(fields: "id") {{ id: ID! a: Int }}
    """,
    b=f"""
        {MARK} {NOTE}
        type P @key(fields: "id") {{ id: ID! b: Int }}
    """,
)


def test_a_directive_goes_where_its_field_goes_with_its_variables() -> None:
    plan = planned(GRAPH, "query($v: Int){p{a @mark b @mark(x: $v)}}")
    first, second = (fetch.operation for fetch in plan.fetches)
    assert first == "{p{a @mark id}}"
    assert "b @mark(x: $v)" in second
    assert [[use.name for use in fetch.variables] for fetch in plan.fetches] == [[], ["v"]]


def test_a_field_with_a_directive_is_another_one_than_without() -> None:
    assert plan_lines(GRAPH, "{p{a a @mark id @mark b}}") == [
        "0 a {p{a a @mark id @mark id}}",
        "1 b after 0: p P{id} -> ...on P{b}",
    ]


def test_a_directive_of_a_fragment_stays_around_what_its_fetch_has_of_it() -> None:
    assert plan_lines(GRAPH, "{p{... @mark{a b}}}") == [
        "0 a {p{id ... @mark{a}}}",
        "1 b after 0: p P{id} -> ...on P{b}",
    ]


def test_a_spread_is_printed_inline_with_those_directives_that_may_stand_there() -> None:
    assert plan_lines(GRAPH, "{p{...F @mark @note}} fragment F on P @note {a}") == [
        "0 a {p{... @mark{a}}}"
    ]


def test_a_directive_of_the_operation_goes_into_every_request_that_may_have_it() -> None:
    plan = planned(GRAPH, "mutation($v: Int) @mark(x: $v) @note {set{b}}")
    assert [fetch.operation for fetch in plan.fetches] == [
        "mutation($v:Int) @mark(x: $v) @note{set{id}}",
        "query($representations:[_Any!]!,$v:Int) @mark(x: $v)"
        "{_entities(representations:$representations){...on P{b}}}",
    ]
