"""@context and @fromContext."""

from __future__ import annotations

from tests.router.planning.kit import plan_lines, supergraph


def test_a_context_argument_makes_the_object_come_back_with_its_value() -> None:
    graph = supergraph(
        a="""
            type Query { w: Ward }
            type Ward @context(name: "wc") { id: ID! lang: String bed: Bed }
            type Bed @key(fields: "id") {
              id: ID!
              sign(l: String @fromContext(field: "$wc{lang}")): String
            }
        """,
        b="type Query { z: Int }",
    )
    assert plan_lines(graph, "{w{bed{sign}}}") == [
        "0 a {w{bed{id} lang}}",
        "1 a after 0: w.bed Bed{id} -> ...on Bed{sign(l: $contextualArgument_0_0)} [contextualArgument_0_0: up 1 {lang!}]",
    ]
