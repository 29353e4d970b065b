"""What is ready together travels together."""

from __future__ import annotations

from tests.router.planning.kit import plan_lines, supergraph


def test_equal_fetches_at_several_places_share_one_list() -> None:
    graph = supergraph(
        a="""
            type Query { me: U best: U }
            type U @key(fields: "id") { id: ID! boss: U }
        """,
        b="""
            type U @key(fields: "id") { id: ID! n: Int }
        """,
    )
    assert plan_lines(graph, "{me{n boss{n}} best{n}}") == [
        "0 a {me{id boss{id}} best{id}}",
        "1 b after 0: me, me.boss, best U{id} -> ...on U{n}",
    ]
