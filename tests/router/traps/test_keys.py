"""Entities: which key, from where, and what may never be sent."""

from __future__ import annotations

import pytest

from tests.router.traps.kit import Federation, Subgraph


async def test_an_entity_is_entered_by_the_key_that_is_at_hand_not_the_first() -> None:
    federation = Federation(
        mail=Subgraph(
            'type Query { user: User } type User @key(fields: "email") { email: ID! }',
            roots={"user": {"email": "a@b"}},
        ),
        people=Subgraph(
            'type User @key(fields: "id") @key(fields: "email") { id: ID! email: ID! name: String }',
            entities={"User": [{"id": "1", "email": "a@b", "name": "Ann"}]},
        ),
    )
    await federation.answers(
        "{ user { id name } }", {"user": {"id": "1", "name": "Ann"}}, "mail people"
    )


CATEGORIES = [
    {"id": n, "category": {"id": f"c{n}", "tag": f"t{n}", "mainProduct": {"id": n}}} for n in "12"
]
LINKS = [{"id": "1", "pid": "p1"}, {"id": "2", "pid": "p2"}]
COMPLEX = {
    "products": Subgraph(
        """
        type Query { top: List! }
        type List @key(fields: "products { id }") { products: [Product!]! @shareable }
        type Product @key(fields: "id") { id: String! category: Category @shareable }
        type Category @key(fields: "id") { id: String! tag: String @shareable
          mainProduct: Product! @shareable }
        """,
        roots={"top": {"products": CATEGORIES}},
    ),
    "link": Subgraph(
        """
        type Product @key(fields: "id") @key(fields: "id pid") {
          id: String! @shareable pid: String! @shareable }
        """,
        entities={"Product": LINKS},
    ),
    "list": Subgraph(
        """
        type List @key(fields: "products { id pid }") {
          products: [Product!]! first: Product @shareable selected: Product @shareable }
        type Product @key(fields: "id pid") { id: String! pid: String }
        """,
        entities={"List": [{"products": LINKS, "first": LINKS[0], "selected": LINKS[1]}]},
    ),
    "price": Subgraph(
        """
        type List @key(fields: "products { id pid category { id tag } } selected { id }") {
          products: [Product!]! first: Product @shareable selected: Product @shareable }
        type Product @key(fields: "id pid category { id tag }") {
          id: String! pid: String category: Category price: Price }
        type Category @key(fields: "id tag") { id: String! tag: String }
        type Price { price: Float! }
        """,
        entities={
            "Product": [
                {
                    "id": n,
                    "pid": f"p{n}",
                    "category": {"id": f"c{n}", "tag": f"t{n}"},
                    "price": {"price": float(n)},
                }
                for n in "12"
            ]
        },
    ),
}


async def test_keys_of_nested_lists_are_put_together_over_four_subgraphs() -> None:
    query = """{ top { products { id pid price { price }
      category { mainProduct { id } id tag } } selected { id } first { id } } }"""
    products = [
        {
            "id": n,
            "pid": f"p{n}",
            "price": {"price": float(n)},
            "category": {"mainProduct": {"id": n}, "id": f"c{n}", "tag": f"t{n}"},
        }
        for n in "12"
    ]
    outcome = await Federation(**COMPLEX).ask(query)
    assert outcome.errors == []
    top = {"products": products, "selected": {"id": "2"}, "first": {"id": "1"}}
    assert outcome.data == {"top": top}
    assert outcome.asked.count("list") == outcome.asked.count("price") == 1


async def test_of_many_keys_exactly_a_resolvable_one_is_collected() -> None:
    nested = {"two": "2", "three": "3"}
    federation = Federation(
        a=Subgraph(
            'type Query { b: B } type B @key(fields: "id") { id: ID! }', roots={"b": {"id": "b"}}
        ),
        b=Subgraph(
            """
            type B @key(fields: "id") { id: ID! a: [A!]! }
            type A @key(fields: "id") @key(fields: "pid", resolvable: false)
              @key(fields: "compositeId { two three }")
              @key(fields: "id compositeId { two three }", resolvable: false) {
              id: ID! pid: ID! compositeId: Composite name: String }
            type Composite { two: ID @shareable three: ID @shareable }
            """,
            entities={
                "B": [{"id": "b", "a": [{"id": "1", "compositeId": nested, "name": "n"}]}],
            },
        ),
        c=Subgraph(
            """
            type A @key(fields: "id compositeId { two three }")
              @key(fields: "pid", resolvable: false) {
              id: ID! pid: ID! compositeId: Composite name: String @external
              inC: String @requires(fields: "name") }
            type Composite { two: ID @shareable three: ID @shareable }
            """,
            entities={
                "A": [{"id": "1", "compositeId": nested, "inC": lambda it: f"{it['name']} in c"}]
            },
        ),
    )
    await federation.answers("{ b { a { inC } } }", {"b": {"a": [{"inC": "n in c"}]}}, "a b c")


async def test_a_null_entity_in_the_middle_sends_nothing_on() -> None:
    federation = Federation(
        a=Subgraph(
            """type Query { shelf: [Shelf] } type Shelf { book: Book }
            type Book @key(fields: "upc") { upc: ID! }""",
            roots={"shelf": [{"book": {"upc": "u1"}}, {"book": {"upc": "gone"}}, {"book": None}]},
        ),
        b=Subgraph(
            'type Book @key(fields: "id") @key(fields: "upc") { id: ID! upc: ID! }',
            entities={"Book": [{"id": "1", "upc": "u1"}]},
        ),
        c=Subgraph(
            """type Book @key(fields: "id") { id: ID! author: Author }
            type Author @key(fields: "id") { id: ID! name: String }""",
            entities={"Book": [{"id": "1", "author": {"id": "x", "name": "Ann"}}]},
        ),
    )
    outcome = await federation.ask("{ shelf { book { upc author { name } } } }")
    assert outcome.errors == []
    assert outcome.data == {
        "shelf": [
            {"book": {"upc": "u1", "author": {"name": "Ann"}}},
            {"book": {"upc": "gone", "author": None}},
            {"book": None},
        ]
    }
    assert outcome.representations == [
        {"__typename": "Book", "upc": "u1"},
        {"__typename": "Book", "upc": "gone"},
        {"__typename": "Book", "id": "1"},
    ]


USERS = Subgraph(
    """
    type Query { users: [User] provided: User @provides(fields: "name") }
    extend type User @key(fields: "id") { id: ID! @external name: String @external rid: ID }
    """,
    roots={
        "users": [{"id": "1", "rid": "r1"}],
        "provided": {"id": "1", "rid": "r1", "name": "local"},
    },
)
FED1 = USERS.sdl.replace("type Query", "extend type Query")
EXTENDS = "type User @extends @key"


@pytest.mark.parametrize(
    ("sdl", "fed1"),
    [
        pytest.param(FED1, True, id="fed1 extend type"),
        pytest.param(FED1.replace("extend type User @key", EXTENDS), True, id="fed1 @extends"),
        pytest.param(USERS.sdl, False, id="fed2 extend type"),
        pytest.param(
            USERS.sdl.replace("extend type User @key", EXTENDS), False, id="fed2 @extends"
        ),
    ],
)
async def test_an_extension_resolves_its_key_and_only_provides_the_rest(
    sdl: str, fed1: bool
) -> None:
    owner = 'type User @key(fields: "id") { id: ID! name: String @shareable nick: String }'
    if fed1:
        owner = owner.replace(" @shareable", "")
    federation = Federation(
        a=Subgraph(sdl, USERS.roots, fed1=fed1),
        b=Subgraph(owner, {}, {"User": [{"id": "1", "name": "owner", "nick": "n"}]}, fed1=fed1),
    )
    await federation.answers("{ users { id rid } }", {"users": [{"id": "1", "rid": "r1"}]}, "a")
    await federation.answers("{ users { name } }", {"users": [{"name": "owner"}]}, "a b")
    await federation.answers("{ provided { name } }", {"provided": {"name": "local"}}, "a")
    both = {"provided": {"id": "1", "name": "local", "nick": "n"}}
    await federation.answers("{ provided { id name nick } }", both, "a b")


async def test_an_extension_with_two_keys_is_entered_by_a_key_of_its_external_fields() -> None:
    federation = Federation(
        a=Subgraph(
            """
            extend type Query { product: Product }
            extend type Product @key(fields: "id name") @key(fields: "upc") {
              id: ID! @external name: String @external upc: ID! @external price: Int }
            """,
            roots={"product": {"upc": "u", "price": 5}},
            entities={"Product": [{"id": "1", "name": "n", "upc": "u", "price": 7}]},
            fed1=True,
        ),
        b=Subgraph(
            """
            extend type Query { other: Product }
            type Product @key(fields: "id name") @key(fields: "upc") {
              id: ID! name: String upc: ID! weight: Int }
            """,
            roots={"other": {"id": "1", "name": "n", "upc": "u"}},
            entities={"Product": [{"id": "1", "name": "n", "upc": "u", "weight": 3}]},
            fed1=True,
        ),
    )
    await federation.answers(
        "{ product { price weight } }", {"product": {"price": 5, "weight": 3}}, "a b"
    )
    await federation.answers("{ other { price } }", {"other": {"price": 7}}, "a b")


async def test_an_external_key_serves_in_both_directions() -> None:
    federation = Federation(
        price=Subgraph(
            """type Query { prices: [Product] }
            extend type Product @key(fields: "id") { id: ID! @external price: Float }""",
            roots={"prices": [{"id": "1", "price": 2.5}]},
            entities={"Product": [{"id": "1", "price": 2.5}]},
        ),
        product=Subgraph(
            """type Query { product: Product }
            type Product @key(fields: "id") { id: ID! name: String }""",
            roots={"product": {"id": "1", "name": "n"}},
            entities={"Product": [{"id": "1", "name": "n"}]},
        ),
    )
    whole = {"id": "1", "name": "n", "price": 2.5}
    await federation.answers("{ product { id name price } }", {"product": whole}, "price product")
    await federation.answers("{ prices { id name price } }", {"prices": [whole]}, "price product")


KEYED = 'type Product @key(fields: "id pid") { id: ID! pid: ID! category: Category @shareable }'


def part(**category: object) -> dict[str, list[dict[str, object]]]:
    return {"Product": [{"id": "1", "pid": "p", "category": category}]}


async def test_a_missing_child_field_goes_back_to_the_parent_entity() -> None:
    federation = Federation(
        a=Subgraph(
            f"""type Query {{ product: Product }} {KEYED}
            type Category {{ details: Details @shareable }} type Details {{ products: Int }}""",
            roots={"product": {"id": "1", "pid": "p", "category": {"details": {"products": 2}}}},
        ),
        b=Subgraph(f"{KEYED} type Category {{ id: ID }}", entities=part(id="c")),
        c=Subgraph(
            f"""{KEYED} type Category {{ name: String details: Details @shareable }}
            type Details {{ n: Int }}""",
            entities=part(name="cat", details={"n": 3}),
        ),
    )
    await federation.answers(
        "{ product { category { id name details { products n } } } }",
        {"product": {"category": {"id": "c", "name": "cat", "details": {"products": 2, "n": 3}}}},
        "a b c",
    )


async def test_a_child_put_together_from_three_subgraphs_leads_to_one_more_entity() -> None:
    federation = Federation(
        a=Subgraph(
            f"type Query {{ product: Product }} {KEYED} type Category {{ a: Int }}",
            roots={"product": {"id": "1", "pid": "p", "category": {"a": 1}}},
        ),
        b=Subgraph(
            f"""{KEYED} type Category {{ owner: Owner }}
            type Owner @key(fields: "id") {{ id: ID! }}""",
            entities=part(owner={"id": "o"}),
        ),
        c=Subgraph(f"{KEYED} type Category {{ c: Int }}", entities=part(c=3)),
        d=Subgraph(
            'type Owner @key(fields: "id") { id: ID! name: String }',
            entities={"Owner": [{"id": "o", "name": "Ann"}]},
        ),
    )
    await federation.answers(
        "{ product { category { a owner { name } c } } }",
        {"product": {"category": {"a": 1, "owner": {"name": "Ann"}, "c": 3}}},
        "a b c d",
    )
