"""@requires: fields that need what other subgraphs know."""

from __future__ import annotations

from tests.router.planning.kit import plan_lines, supergraph

SHIP = {
    "shop": """
        type Query { item: Item }
        type Item @key(fields: "id") { id: ID! weight: Int name: Int }
    """,
    "ship": """
        type Query { cargo: Item }
        type Item @key(fields: "id") {
          id: ID!
          weight: Int @external
          fee: Int @requires(fields: "weight")
        }
    """,
}


def test_a_subgraph_is_entered_again_with_what_it_requires() -> None:
    graph = supergraph(**SHIP)
    assert plan_lines(graph, "{cargo{fee}}") == [
        "0 ship {cargo{id}}",
        "1 shop after 0: cargo Item{id} -> ...on Item{weight}",
        "2 ship after 1: cargo Item{id weight!} -> ...on Item{fee}",
    ]


def test_a_subgraph_is_never_entered_again_by_a_key_it_cannot_resolve() -> None:
    graph = supergraph(
        shop="""
            type Query { item: Item }
            type Item @key(fields: "id") @key(fields: "sku") { id: ID! sku: ID! weight: Int }
        """,
        ship="""
            type Query { cargo: Item }
            type Item @key(fields: "sku", resolvable: false) @key(fields: "id") {
              id: ID!
              sku: ID!
              weight: Int @external
              fee: Int @requires(fields: "weight")
            }
        """,
    )
    assert plan_lines(graph, "{cargo{fee}}") == [
        "0 ship {cargo{id}}",
        "1 shop after 0: cargo Item{id} -> ...on Item{weight}",
        "2 ship after 1: cargo Item{id weight!} -> ...on Item{fee}",
    ]


def test_requirements_at_hand_share_one_step_with_fields_that_need_none() -> None:
    graph = supergraph(
        a="""
            type Query { p: P }
            type P @key(fields: "id") { id: ID! w: Int }
        """,
        b="""
            type P @key(fields: "id") {
              id: ID!
              w: Int @external
              x: Int @requires(fields: "w")
              y: Int @requires(fields: "w")
              z: Int
            }
        """,
    )
    assert plan_lines(graph, "{p{x y z}}") == [
        "0 a {p{id w}}",
        "1 b after 0: p P{id w!} -> ...on P{x y z}",
    ]


def test_fields_wait_for_a_requirement_only_where_no_chain_grows() -> None:
    graph = supergraph(
        a="""
            type Query { p: P }
            type P @key(fields: "id") { id: ID! w: Int }
        """,
        c="""
            type P @key(fields: "id") { id: ID! v: Int }
        """,
        b="""
            type P @key(fields: "id") {
              id: ID!
              w: Int @external
              v: Int @external
              x: Int @requires(fields: "w")
              y: Int @requires(fields: "v")
              z: Int
            }
        """,
    )
    assert plan_lines(graph, "{p{x y z}}") == [
        "0 a {p{id w}}",
        "1 c after 0: p P{id} -> ...on P{v}",
        "2 b after 1: p P{id v! w!} -> ...on P{y x z}",
    ]


def test_requirements_may_depend_on_each_other_where_they_end() -> None:
    graph = supergraph(
        a="""
            type Query { p: P }
            type P @key(fields: "id") {
              id: ID!
              x: Int
              y: Int @external
              z: Int @requires(fields: "y")
            }
        """,
        b="""
            type P @key(fields: "id") { id: ID! x: Int @external y: Int @requires(fields: "x") }
        """,
    )
    assert plan_lines(graph, "{p{z}}") == [
        "0 a {p{id x}}",
        "1 b after 0: p P{id x!} -> ...on P{y}",
        "2 a after 1: p P{id y!} -> ...on P{z}",
    ]


def test_a_required_value_below_another_entity_is_fetched_there() -> None:
    graph = supergraph(
        orders="""
            type Query { o: Order }
            type Order @key(fields: "id") { id: ID! who: User }
            type User @key(fields: "id") { id: ID! }
        """,
        users="""
            type User @key(fields: "id") { id: ID! age: Int }
        """,
        risk="""
            type Order @key(fields: "id") {
              id: ID!
              who: User @external
              ok: Boolean @requires(fields: "who{age}")
            }
            type User @key(fields: "id") { id: ID! age: Int @external }
        """,
    )
    assert plan_lines(graph, "{o{ok}}") == [
        "0 orders {o{id who{id}}}",
        "1 users after 0: o.who User{id} -> ...on User{age}",
        "2 risk after 1: o Order{id who{age!}!} -> ...on Order{ok}",
    ]


def test_a_required_list_keeps_its_list_level() -> None:
    graph = supergraph(
        a="""
            type Query { o: O }
            type O @key(fields: "id") { id: ID! ls: [L] }
            type L @key(fields: "id") { id: ID! }
        """,
        b="""
            type L @key(fields: "id") { id: ID! w: Int }
        """,
        c="""
            type O @key(fields: "id") {
              id: ID!
              ls: [L] @external
              t: Int @requires(fields: "ls{w}")
            }
            type L @key(fields: "id") { id: ID! w: Int @external }
        """,
    )
    assert plan_lines(graph, "{o{t}}") == [
        "0 a {o{id ls{id}}}",
        "1 b after 0: o.ls.@ L{id} -> ...on L{w}",
        "2 c after 1: o O{id ls{w!}!} -> ...on O{t}",
    ]


def test_a_type_condition_inside_a_requirement_concerns_that_type_only() -> None:
    graph = supergraph(
        a="""
            type Query { v: V }
            type V @key(fields: "id") { id: ID! place: Place }
            interface Place { id: ID! }
            type Home implements Place @key(fields: "id") { id: ID! }
            type Clinic implements Place @key(fields: "id") { id: ID! }
        """,
        h="""
            type Home @key(fields: "id") { id: ID! city: String }
        """,
        b="""
            type V @key(fields: "id") {
              id: ID!
              place: Place @external
              cost: Int @requires(fields: "place{... on Home{city}}")
            }
            interface Place { id: ID! }
            type Home implements Place @key(fields: "id") { id: ID! city: String @external }
            type Clinic implements Place @key(fields: "id") { id: ID! }
        """,
    )
    assert plan_lines(graph, "{v{cost}}") == [
        "0 a {v{id place{__typename ...on Home{id}}}}",
        "1 h after 0: v.place Home{id} -> ...on Home{city}",
        "2 b after 1: v V{id place{__typename! ...on Home{city!}}!} -> ...on V{cost}",
    ]


def test_an_inaccessible_field_may_be_required() -> None:
    graph = supergraph(
        a="""
            type Query { o: O }
            type O @key(fields: "id") { id: ID! cost: Int @inaccessible }
        """,
        b="""
            type O @key(fields: "id") {
              id: ID!
              cost: Int @external
              margin: Int @requires(fields: "cost")
            }
        """,
    )
    assert plan_lines(graph, "{o{margin}}") == [
        "0 a {o{id cost}}",
        "1 b after 0: o O{id cost!} -> ...on O{margin}",
    ]


def test_of_equal_suppliers_the_one_that_is_asked_anyway_supplies_what_is_required() -> None:
    graph = supergraph(
        a="""
            type Query { p: P }
            type P @key(fields: "id") { id: ID! }
        """,
        b="""
            type P @key(fields: "id") { id: ID! w: Int @shareable y: Int }
        """,
        c="""
            type P @key(fields: "id") { id: ID! w: Int @shareable z: Int }
        """,
        d="""
            type P @key(fields: "id") { id: ID! w: Int @external x: Int @requires(fields: "w") }
        """,
    )
    for wanted, supplier in (("y", "b"), ("z", "c")):
        assert plan_lines(graph, f"{{p{{x {wanted}}}}}") == [
            "0 a {p{id}}",
            f"1 {supplier} after 0: p P{{id}} -> ...on P{{w {wanted}}}",
            "2 d after 1: p P{id w!} -> ...on P{x}",
        ]
