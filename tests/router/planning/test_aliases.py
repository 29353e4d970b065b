"""Response keys: the client keeps its own, internal fields step aside."""

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

TAX = {
    "shop": """
        type Query { item: Item }
        type Item @key(fields: "id") { id: ID! price(cur: String!): Int }
    """,
    "tax": r"""
        type Item @key(fields: "id") {
          id: ID!
          price(cur: String!): Int @external
          tax: Int @requires(fields: "price(cur:\"EUR\")")
          vat: Int @requires(fields: "price(cur:\"USD\")")
        }
    """,
}


def test_a_path_uses_the_alias() -> None:
    graph = supergraph(**BOOKS)
    assert plan_lines(graph, "{a:book(isbn:1){title} b:book(isbn:2){copies}}") == [
        "0 cat {a:book(isbn: 1){title} b:book(isbn: 2){isbn}}",
        "1 lend after 0: b Book{isbn} -> ...on Book{copies}",
    ]


def test_a_key_steps_aside_for_a_client_alias() -> None:
    graph = supergraph(**BOOKS)
    assert plan_lines(graph, "{book(isbn:1){isbn:title copies}}") == [
        "0 cat {book(isbn: 1){isbn:title _k0_isbn:isbn}}",
        "1 lend after 0: book Book{isbn<_k0_isbn} -> ...on Book{copies}",
    ]


def test_a_required_field_steps_aside_for_a_client_alias() -> None:
    graph = supergraph(**SHIP)
    assert plan_lines(graph, "{item{weight:name fee}}") == [
        "0 shop {item{weight:name id _k0_weight:weight}}",
        "1 ship after 0: item Item{id weight<_k0_weight!} -> ...on Item{fee}",
    ]


def test_an_aliased_copy_does_not_serve_as_a_required_field() -> None:
    graph = supergraph(**SHIP)
    assert plan_lines(graph, "{item{w:weight fee}}") == [
        "0 shop {item{w:weight id weight}}",
        "1 ship after 0: item Item{id weight!} -> ...on Item{fee}",
    ]


def test_a_required_field_with_other_arguments_gets_its_own_key() -> None:
    graph = supergraph(**TAX)
    assert plan_lines(graph, '{item{price(cur:"USD") tax}}') == [
        '0 shop {item{price(cur: "USD") id _k0_price:price(cur: "EUR")}}',
        "1 tax after 0: item Item{id price<_k0_price!} -> ...on Item{tax}",
    ]


def test_two_arguments_of_one_required_field_travel_as_two_representations() -> None:
    graph = supergraph(**TAX)
    assert plan_lines(graph, "{item{tax vat}}") == [
        '0 shop {item{id _k0_price:price(cur: "EUR") _k1_price:price(cur: "USD")}}',
        "1 tax after 0: item Item{id price<_k0_price!} -> ...on Item{tax} & item Item{id price<_k1_price!} -> ...on Item{vat}",
    ]


def test_keys_of_different_shapes_are_aliased_and_renamed_back() -> None:
    graph = supergraph(
        a="""
            type Query { s: S }
            union S = U | V
            type U @key(fields: "id") { id: ID! }
            type V @key(fields: "id") { id: ID }
        """,
        b="""
            type U @key(fields: "id") { id: ID! z: Int }
            type V @key(fields: "id") { id: ID z: Int }
        """,
    )
    assert plan_lines(graph, "{s{... on U{z} ... on V{y:z}}}") == [
        "0 a {s{__typename ...on U{id} ...on V{id__1:id}}} [s|[V].id__1 => id]",
        "1 b after 0: s U{id} V{id} -> ...on U{z} ...on V{y:z}",
    ]


def test_fields_below_different_types_keep_their_arguments_apart() -> None:
    graph = supergraph(
        a="""
            type Query { s: [S] }
            union S = U | V
            type U { w: W }
            type V { w: W }
            type W @key(fields: "id") { id: ID! }
        """,
        b="""
            type W @key(fields: "id") { id: ID! f(x: Int): Int }
        """,
    )
    assert plan_lines(graph, "{s{... on U{w{f(x:1)}} ... on V{w{f(x:2)}}}}") == [
        "0 a {s{__typename ...on U{w{id}} ...on V{w{id}}}}",
        "1 b after 0: s.@|[U].w W{id} -> ...on W{f(x: 1)} & s.@|[V].w W{id} -> ...on W{f(x: 2)}",
    ]
