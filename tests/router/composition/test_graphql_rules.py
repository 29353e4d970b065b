"""GraphQL's own rules, each broken once; and what looks wrong but is allowed."""

from __future__ import annotations

import pytest

from router.composition.errors import CompositionFailed
from router.composition.sources import SubgraphSource
from router.composition.subgraph import read_subgraphs
from tests.router.composition.reading_support import codes, fed2, refusals


@pytest.mark.parametrize(
    ("sdl", "count"),
    [
        ("type Query {", 1),
        ("query { a } type Query { a: Int }", 1),
        ("type Query { a: T b: T }", 1),
        ("type Query { a: Int a: Int }", 1),
        ("type Query { a: Int } type Query { b: Int }", 1),
        ("type Query { a(x: Int, x: Int): Int }", 1),
        ("enum E { A A } type Query { e: E }", 1),
        ("input I { a: Int a: Int } type Query { e(i: I): Int }", 1),
        ("type Query { a: Int @foo @bar }", 2),
        ("type Query @deprecated { a: Int }", 1),
        ("type Query { a: I } input I { x: Query }", 2),
        ("type Query { __a: Int b(__c: Int): Int }", 2),
        ("enum E { __A } input I { __a: Int } type Query { e(i: I): E }", 2),
        ("type Query implements I { a: Int } interface I { b: Int c: Int }", 2),
        ("type Query implements I & I { a: Int } interface I { a: Int }", 1),
        ("type Query implements J { a: Int } type J { a: Int }", 1),
        ("type Query implements Z { a: Int }", 1),
        ("union U = A | A type Query { a: U } type A { x: Int }", 1),
        ("union U = E type Query { a: U } enum E { A }", 1),
        ("union U type Query { a: U }", 1),
        ("type T type Query { a: T }", 1),
        ("interface I type Query { a: I }", 1),
        ("enum E type Query { a: E }", 1),
        ("input I type Query { a(i: I): Int }", 1),
        ("input I { a: I! } type Query { a(i: I): Int }", 1),
        ("input I { a: J! } input J { a: I! } type Query { a(i: I): Int }", 1),
        ('type Query { a(i: Int = "x", j: [Int] = ["a"], k: Int! = null): Int }', 3),
        ("input I { a: Int! @deprecated } type Query { a(i: Int! @deprecated, j: I): Int }", 2),
        ("schema { query: Q } input Q { a: Int }", 1),
        ("schema { query: Nope } type Query { a: Int }", 1),
        ("schema { query: Query mutation: Query } type Query { a: Int }", 1),
        ("interface Query { a: Int }", 1),
        ("type Query { a: Int @deprecated(reason: 3) }", 1),
        ("type Query { a: Int @deprecated(foo: 3) b: Int @deprecated @deprecated }", 2),
        ("directive @d(x: Int!) on FIELD_DEFINITION type Query { a: Int @d b: Int @d(x: A) }", 2),
        ("directive @d on OBJECT directive @d on FIELD type Query { a: Int }", 1),
        ("directive @d(a: Int, a: Int) on OBJECT type Query { a: Int }", 1),
        ("directive @__d(__a: Int) on OBJECT type Query { a: Int }", 2),
        ("directive @d(a: Zork) on OBJECT type Query { a: Int }", 1),
        ("directive @d(a: Query) on OBJECT type Query { a: Int }", 1),
        ("directive @d(x: Int @e) on OBJECT type Query { a: Int }", 1),
        ("type Query { a: Int } extend enum Query { A }", 1),
        ("type String { a: Int } type Query { a: Int }", 1),
        ('type Query { a: Int } extend scalar Int @specifiedBy(url: "x")', 1),
        ("type Query { a(i: Float = 1e999, j: Int = -1e999): Int }", 2),
        (
            f"scalar J type Query {{ a(i: J = [{{a: {'9' * 5000}}}], j: ID = {'9' * 5000}): Int }}",
            2,
        ),
        ("interface I implements I { a: Int } type Query { a: I }", 1),
        ("interface I implements J {a: Int} interface J implements I {a: Int} type Query{a: I}", 2),
        ("interface I implements J {a: I} interface J {a: I} type Query implements I {a: I}", 1),
        ("type Query implements I { a(x: Int!): Int } interface I { a: Int }", 1),
        ("type Query implements I { a: String } interface I { a(x: Int): Int }", 2),
        ("type Query implements I { a(x: Int!): Int } interface I { a(x: Int): Int }", 1),
        ("input I @oneOf { a: Int } type Query { a(i: I): Int }", 1),
        ("scalar S @specifiedBy type Query { a: S }", 1),
        ("type Query { a: Int @key }", 2),
        ("type Query { a(i: E = B): E } enum E { A }", 1),
        ("input I { a: Int } type Query { a(i: I = { c: 1 }): Int }", 1),
    ],
)
def test_a_broken_rule_is_invalid_graphql(sdl: str, count: int) -> None:
    assert codes(fed2(sdl)) == ["INVALID_GRAPHQL"] * count


@pytest.mark.parametrize(
    "sdl",
    [
        "type Query { a: Int } extend type Nope { x: Int }",
        'type Query { a: Int } extend scalar Z @specifiedBy(url: "x")',
        "extend type Query { a: A } type A { x: Int } interface B { x: Int } extend type A implements B",
        "directive @oneOf on INPUT_OBJECT input I @oneOf { a: Int } type Query { a(i: I): Int }",
        "scalar J type Query { a(x: J = { a: 1 }, y: J = FOO, z: [Int] = 1, w: ID = 1): Int }",
        "type Mutation { a: Int }",
        "type Query { a: Int } input Mutation { a: Int }",
        "type Query",
        "interface I { a: J } interface J { b: Int } type K implements J { b: Int } "
        "type T implements I { a: K } type Query { t: T }",
        "union U = A | B type A { x: Int } type B { x: Int } interface I { u: [U!] } "
        "type T implements I { u: [A!]! } type Query { t: T }",
        "input I { a: J } input J { a: I! } type Query { a(i: I): Int }",
    ],
)
def test_what_is_allowed_is_read(sdl: str) -> None:
    assert codes(fed2(sdl)) == []


def test_a_syntax_error_names_its_line() -> None:
    [(code, message)] = refusals("type Query {\n  a: Int\n  b Int\n}")
    assert code == "INVALID_GRAPHQL"
    assert "line 3" in message


def test_every_subgraph_is_attempted_in_the_order_given() -> None:
    found = refusals("type Query { a: T }", "type Query { a: Int }", "type Query { a: U }")
    assert [message[:3] for _, message in found] == ["[a]", "[c]"]


def test_the_name_of_a_subgraph_must_be_usable_and_its_own() -> None:
    def read_named(*names: str) -> list[str]:
        with pytest.raises(CompositionFailed) as failed:
            read_subgraphs(SubgraphSource(name, "", "type Query { a: Int }") for name in names)
        return [error.code for error in failed.value.errors]

    assert read_named("_") == ["INVALID_SUBGRAPH_NAME"]
    assert read_named("a", "b", "a") == ["INVALID_SUBGRAPH_NAME"]


def test_default_names_of_roots_are_kept_for_roots() -> None:
    sdl = (
        "schema { query: Q mutation: M subscription: S } type Q { a: Int } type M { a: Int } "
        "type S { a: Int } type Query { b: Int } type Mutation { b: Int } "
        "type Subscription { b: Int }"
    )
    assert codes(fed2(sdl)) == ["ROOT_MUTATION_USED", "ROOT_QUERY_USED", "ROOT_SUBSCRIPTION_USED"]
