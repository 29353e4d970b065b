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
