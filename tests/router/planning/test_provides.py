"""@provides: external fields that are at hand on one path."""

from __future__ import annotations

import pytest

from router.composition.errors import CompositionFailed
from tests.router.planning.kit import plan_lines, supergraph


def test_a_provided_field_is_taken_only_along_its_path() -> None:
    graph = supergraph(
        a="""
            type Query { review: Review }
            type Review { user: User @provides(fields: "name") raw: User }
            type User @key(fields: "id") { id: ID! name: String @external }
        """,
        b="""
            type User @key(fields: "id") { id: ID! name: String @shareable age: Int }
        """,
    )
    assert plan_lines(graph, "{review{user{name}}}") == [
        "0 a {review{user{name}}}",
    ]
    assert plan_lines(graph, "{review{raw{name}}}") == [
        "0 a {review{raw{id}}}",
        "1 b after 0: review.raw User{id} -> ...on User{name}",
    ]


def test_a_nested_provided_field_lets_the_jump_wait_until_the_deepest_entity() -> None:
    graph = supergraph(
        a="""
            type Query { order: Order @provides(fields: "item{maker{name}}") }
            type Order @key(fields: "id") { id: ID! item: Item @external }
            type Item @key(fields: "id") { id: ID! maker: Maker @external }
            type Maker @key(fields: "id") { id: ID! name: String @external }
        """,
        b="""
            type Order @key(fields: "id") { id: ID! item: Item @shareable }
            type Item @key(fields: "id") { id: ID! maker: Maker @shareable }
            type Maker @key(fields: "id") { id: ID! name: String @shareable country: String }
        """,
    )
    assert plan_lines(graph, "{order{item{maker{name country}}}}") == [
        "0 a {order{item{maker{name id}}}}",
        "1 b after 0: order.item.maker Maker{id} -> ...on Maker{country}",
    ]


def test_a_field_provided_for_one_type_explodes_the_interface() -> None:
    graph = supergraph(
        a="""
            type Query { owner: Owner }
            type Owner { pets: [Pet] @provides(fields: "... on Dog{name}") }
            interface Pet { name: String }
            type Dog implements Pet @key(fields: "id") { id: ID! name: String @external }
            type Cat implements Pet @key(fields: "id") { id: ID! name: String @external }
        """,
        b="""
            type Dog @key(fields: "id") { id: ID! name: String @shareable }
            type Cat @key(fields: "id") { id: ID! name: String @shareable }
        """,
    )
    assert plan_lines(graph, "{owner{pets{name}}}") == [
        "0 a {owner{pets{__typename ...on Cat{id} ...on Dog{name}}}}",
        "1 b after 0: owner.pets.@ Cat{id} -> ...on Cat{name}",
    ]


def test_the_root_that_provides_is_chosen() -> None:
    graph = supergraph(
        a="""
            type Query { m: M @shareable }
            type M @key(fields: "id") { id: ID! }
        """,
        b="""
            type Query { m: M @shareable @provides(fields: "t") }
            type M @key(fields: "id") { id: ID! t: Int @external }
        """,
        c="""
            type M @key(fields: "id") { id: ID! t: Int @shareable }
        """,
    )
    assert plan_lines(graph, "{m{t}}") == [
        "0 b {m{t}}",
    ]


def test_a_field_that_is_provided_on_another_path_only_does_not_compose() -> None:
    sdl = """
        type Query { u: A v: E @provides(fields: "f") }
        interface A { c: ID }
        type E implements A @key(fields: "id") {
          id: ID! f: ID @external c: ID @shareable q: Int @requires(fields: "f")
        }
    """
    owner = """
        interface A { c: ID }
        type E implements A @key(fields: "id"%s) {
          id: ID! f: ID @shareable c: ID @shareable
        }
    """
    graph = supergraph(a=sdl, b=owner % "")
    assert plan_lines(graph, "{v{f}}") == ["0 a {v{f}}"]
    with pytest.raises(CompositionFailed, match=r"u \{"):
        supergraph(a=sdl, b=owner % ", resolvable: false")


def test_a_requirement_that_is_provided_on_the_way_is_met() -> None:
    graph = supergraph(
        a="""
            type Query { p: P @provides(fields: "w") }
            type P @key(fields: "id") { id: ID! w: Int @external x: Int @requires(fields: "w") }
        """,
        b="""
            type Query { q: P }
            type P @key(fields: "id") { id: ID! w: Int @shareable }
        """,
    )
    assert plan_lines(graph, "{p{x}}") == ["0 a {p{x}}"]
    assert plan_lines(graph, "{q{x}}") == [
        "0 b {q{id w}}",
        "1 a after 0: q P{id w!} -> ...on P{x}",
    ]
