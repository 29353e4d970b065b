"""Keys: how objects are carried from one subgraph to the next."""

from __future__ import annotations

from tests.router.planning.kit import plan_lines, supergraph

BOOKS = {
    "cat": """
        type Query { books: [Book] book(isbn: ID!): Book }
        type Book @key(fields: "isbn") { isbn: ID! title: String }
    """,
    "lend": """
        type Book @key(fields: "isbn") { isbn: ID! copies: Int }
    """,
}


def test_a_key_is_added_where_the_client_did_not_ask_for_it() -> None:
    graph = supergraph(**BOOKS)
    assert plan_lines(graph, "{books{copies}}") == [
        "0 cat {books{isbn}}",
        "1 lend after 0: books.@ Book{isbn} -> ...on Book{copies}",
    ]


def test_a_composite_key_is_put_together_from_two_subgraphs() -> None:
    graph = supergraph(
        a="""
            type Query { bed: Bed }
            type Bed @key(fields: "id") { id: ID! }
        """,
        b="""
            type Bed @key(fields: "id") { id: ID! ward: Ward @shareable }
            type Ward { code: Int @shareable }
        """,
        c="""
            type Bed @key(fields: "id") { id: ID! number: Int @shareable }
        """,
        d="""
            type Bed @key(fields: "number ward{code}") {
              number: Int @external
              ward: Ward @external
              price: Int
            }
            type Ward { code: Int @external }
        """,
    )
    assert plan_lines(graph, "{bed{price}}") == [
        "0 a {bed{id}}",
        "1 c after 0: bed Bed{id} -> ...on Bed{number}",
        "2 b after 0: bed Bed{id} -> ...on Bed{ward{code}}",
        "3 d after 1,2: bed Bed{number ward{code}} -> ...on Bed{price}",
    ]


def test_keys_chain_over_a_subgraph_that_knows_both() -> None:
    graph = supergraph(
        a="""
            type Query { item: Item }
            type Item @key(fields: "id") { id: ID! }
        """,
        b="""
            type Item @key(fields: "id") @key(fields: "sku") { id: ID! sku: ID! }
        """,
        c="""
            type Item @key(fields: "sku") { sku: ID! stock: Int }
        """,
    )
    assert plan_lines(graph, "{item{stock}}") == [
        "0 a {item{id}}",
        "1 b after 0: item Item{id} -> ...on Item{sku}",
        "2 c after 1: item Item{sku} -> ...on Item{stock}",
    ]


def test_a_nested_key_is_sent_as_nested_objects() -> None:
    graph = supergraph(
        a="""
            type Query { d: Doc }
            type Doc @key(fields: "org{id} no") { org: Org no: Int }
            type Org { id: ID @shareable }
        """,
        b="""
            type Doc @key(fields: "org{id} no") { org: Org no: Int size: Int }
            type Org { id: ID @shareable }
        """,
    )
    assert plan_lines(graph, "{d{size}}") == [
        "0 a {d{org{id} no}}",
        "1 b after 0: d Doc{org{id} no} -> ...on Doc{size}",
    ]


def test_each_subgraph_is_entered_by_a_key_it_can_resolve() -> None:
    graph = supergraph(
        a="""
            type Query { x: X }
            type X @key(fields: "id") @key(fields: "code") { id: ID! code: ID! }
        """,
        b="""
            type X @key(fields: "id") { id: ID! b: Int }
        """,
        c="""
            type X @key(fields: "code") { code: ID! c: Int }
        """,
        d="""
            type X @key(fields: "id") @key(fields: "code") { id: ID! code: ID! d: Int }
        """,
    )
    assert plan_lines(graph, "{x{b c d}}") == [
        "0 a {x{id code}}",
        "1 b after 0: x X{id} -> ...on X{b}",
        "2 c after 0: x X{code} -> ...on X{c}",
        "3 d after 0: x X{id} -> ...on X{d}",
    ]


def test_a_value_type_spread_over_subgraphs_goes_back_to_the_entity_above() -> None:
    graph = supergraph(
        a="""
            type Query { p: Patient }
            type Patient @key(fields: "id") { id: ID! record: Rec @shareable }
            type Rec { a: Int }
        """,
        b="""
            type Patient @key(fields: "id") { id: ID! record: Rec @shareable }
            type Rec { b: Int }
        """,
    )
    assert plan_lines(graph, "{p{record{a b}}}") == [
        "0 a {p{record{a} id}}",
        "1 b after 0: p Patient{id} -> ...on Patient{record{b}}",
    ]


def test_a_path_has_a_mark_for_each_list_level() -> None:
    graph = supergraph(
        a="""
            type Query { cube: [[[Cell]]] }
            type Cell @key(fields: "id") { id: ID! }
        """,
        b="""
            type Cell @key(fields: "id") { id: ID! v: Int }
        """,
    )
    assert plan_lines(graph, "{cube{v}}") == [
        "0 a {cube{id}}",
        "1 b after 0: cube.@.@.@ Cell{id} -> ...on Cell{v}",
    ]


def test_of_equal_suppliers_the_one_that_is_asked_anyway_supplies_the_key() -> None:
    graph = supergraph(
        a="""
            type Query { p: P }
            type P @key(fields: "id") { id: ID! }
        """,
        b="""
            type P @key(fields: "id") { id: ID! w: ID! @shareable y: Int }
        """,
        c="""
            type P @key(fields: "id") @key(fields: "w") { id: ID! w: ID! @shareable z: Int }
        """,
        d="""
            type P @key(fields: "w") { w: ID! @shareable q: Q }
            type Q { x: Int }
        """,
    )
    for wanted, supplier in (("y", "b"), ("z", "c")):
        assert plan_lines(graph, f"{{p{{q{{x}} {wanted}}}}}") == [
            "0 a {p{id}}",
            f"1 {supplier} after 0: p P{{id}} -> ...on P{{w {wanted}}}",
            "2 d after 1: p P{w} -> ...on P{q{x}}",
        ]
