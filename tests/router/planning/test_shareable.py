"""Shareable fields and roots."""

from __future__ import annotations

from tests.router.planning.kit import plan_lines, supergraph


def test_a_value_type_is_assembled_from_two_roots() -> None:
    graph = supergraph(
        a="""
            type Query { cfg: Cfg @shareable }
            type Cfg { host: String @shareable a: Int }
        """,
        b="""
            type Query { cfg: Cfg @shareable }
            type Cfg { host: String @shareable port: Int }
        """,
    )
    assert plan_lines(graph, "{cfg{host a port}}") == [
        "0 a {cfg{host a}}",
        "1 b {cfg{port}}",
    ]
