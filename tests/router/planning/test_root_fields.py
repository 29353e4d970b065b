"""Root fields and what the router answers itself."""

from __future__ import annotations

from tests.router.planning.kit import plan_lines, supergraph


def test_roots_of_two_subgraphs_are_asked_at_once_and_typename_of_neither() -> None:
    graph = supergraph(
        a="""
            schema { query: RootA }
            type RootA { x: Int }
        """,
        b="type Query { y: Int }",
    )
    assert plan_lines(graph, "{x y __typename ... on Query{x}}") == [
        "0 a {x}",
        "1 b {y}",
    ]


def test_introspection_is_not_sent_on() -> None:
    graph = supergraph(
        a="type Query { x: Int }",
    )
    assert plan_lines(graph, "{__schema{queryType{name}} x}") == [
        "0 a {x}",
    ]


def test_an_object_of_which_nothing_is_wanted_takes_part_in_the_choice_of_a_root() -> None:
    graph = supergraph(
        a="""
            type Query { all: [Node] @shareable }
            interface Node @key(fields: "id") { id: ID! }
            type P implements Node @key(fields: "id") { id: ID! @shareable }
        """,
        b="""
            type Query { all: [Node] @shareable }
            interface Node @key(fields: "id") { id: ID! }
            type P implements Node @key(fields: "id") { id: ID! @shareable other: P }
        """,
    )
    assert plan_lines(graph, "{all{id ... on P{other{__typename}}}}") == [
        "0 b {all{__typename id ...on P{other{__typename}}}}",
    ]


def test_of_many_roots_the_one_that_is_asked_anyway_is_asked() -> None:
    shared = 'type Query { p: P @shareable } type P @key(fields: "id") { id: ID! }'
    graph = supergraph(
        **dict.fromkeys("abcde", shared),
        f="""
            type Query { p: P @shareable q: Int }
            type P @key(fields: "id") { id: ID! }
        """,
        g="""
            type P @key(fields: "id") { id: ID! x: Int }
        """,
    )
    assert plan_lines(graph, "{p{x} q}") == [
        "0 f {p{id} q}",
        "1 g after 0: p P{id} -> ...on P{x}",
    ]


def test_introspection_below_a_payload_is_not_sent_on_either() -> None:
    graph = supergraph(
        a="""
            type Query { s: Int }
            type Mutation { ok: R }
            type R { query: Query }
        """,
        b="type Query { q: Int }",
    )
    assert plan_lines(graph, "mutation{ok{query{t:__typename __schema{queryType{name}}}}}") == [
        "0 a mutation {ok{query{__typename}}}"
    ]
    assert plan_lines(graph, "mutation{ok{query{__schema{queryType{name}} q}}}") == [
        "0 a mutation {ok{query{__typename}}}",
        "1 b after 0 at ok.query: {q}",
    ]
