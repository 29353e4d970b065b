"""The cheapest combination, also where there are too many to try them all."""

from __future__ import annotations

from tests.router.planning.kit import plan_lines, supergraph


def test_a_choice_is_changed_where_later_ones_make_another_cheaper() -> None:
    known = {
        "s0": "f0 f5 n",
        "s1": "f1 f2 f4 f5 n",
        "s2": "f1 f2 n",
        "s3": "f1 f2 f3 f5",
        "s4": "f0 f1 f2 f5 n",
    }
    types = {"n": "P"}
    graph = supergraph(
        **{
            name: 'type Query { p: P @shareable } type P @key(fields: "id") { id: ID! @shareable '
            + " ".join(f"{each}: {types.get(each, 'Int')} @shareable" for each in fields.split())
            + " }"
            for name, fields in known.items()
        }
    )
    leaves = "f0 f1 f2 f3 f4 f5"
    found = plan_lines(graph, f"{{p{{{leaves} n{{{leaves} n{{{leaves}}}}}}}}}")
    assert [line.split()[1] for line in found] == ["s0", "s1", "s3"]
