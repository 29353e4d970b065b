"""@override: one field, another owner."""

from __future__ import annotations

from tests.router.planning.kit import plan_lines, supergraph


def test_the_overridden_subgraph_does_not_answer() -> None:
    graph = supergraph(
        a="""
            type V @key(fields: "id") { id: ID! mail: String @override(from: "b") }
        """,
        b="""
            type Query { v: V }
            type V @key(fields: "id") { id: ID! mail: String phone: String }
        """,
    )
    assert plan_lines(graph, "{v{mail phone}}") == [
        "0 b {v{id phone}}",
        "1 a after 0: v V{id} -> ...on V{mail}",
    ]


def test_an_inactive_label_leaves_the_field_where_it_was() -> None:
    graph = supergraph(
        a="""
            type V @key(fields: "id") {
              id: ID!
              mail: String @override(from: "b", label: "moved")
            }
        """,
        b="""
            type Query { v: V }
            type V @key(fields: "id") { id: ID! mail: String phone: String }
        """,
    )
    assert plan_lines(graph, "{v{mail phone}}") == [
        "0 b {v{mail phone}}",
    ]


def test_an_active_label_moves_the_field() -> None:
    graph = supergraph(
        a="""
            type V @key(fields: "id") {
              id: ID!
              mail: String @override(from: "b", label: "moved")
            }
        """,
        b="""
            type Query { v: V }
            type V @key(fields: "id") { id: ID! mail: String phone: String }
        """,
    )
    assert plan_lines(graph, "{v{mail phone}}", labels=("moved",)) == [
        "0 b {v{id phone}}",
        "1 a after 0: v V{id} -> ...on V{mail}",
    ]


def test_an_override_on_one_implementation_explodes_the_interface() -> None:
    graph = supergraph(
        a="""
            type Query { feed: [Post] }
            interface Post { at: Int }
            type Img implements Post @key(fields: "id") { id: ID! at: Int }
            type Txt implements Post @key(fields: "id") { id: ID! at: Int }
        """,
        b="""
            type Img @key(fields: "id") { id: ID! at: Int @override(from: "a") }
        """,
    )
    assert plan_lines(graph, "{feed{at}}") == [
        "0 a {feed{__typename ...on Img{id} ...on Txt{at}}}",
        "1 b after 0: feed.@ Img{id} -> ...on Img{at}",
    ]


def test_an_overridden_field_is_required_from_its_new_owner() -> None:
    graph = supergraph(
        a="""
            type P @key(fields: "id") { id: ID! a: Int @override(from: "b") }
        """,
        b="""
            type Query { p: P }
            type P @key(fields: "id") { id: ID! a: Int }
        """,
        c="""
            type P @key(fields: "id") { id: ID! a: Int @external c: Int @requires(fields: "a") }
        """,
    )
    assert plan_lines(graph, "{p{c}}") == [
        "0 b {p{id}}",
        "1 a after 0: p P{id} -> ...on P{a}",
        "2 c after 1: p P{id a!} -> ...on P{c}",
    ]
