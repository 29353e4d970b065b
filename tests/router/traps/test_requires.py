"""Requirements and provisions: what is asked first, under which name, and when not at all."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

import pytest

from tests.router.traps.kit import Federation, Subgraph

A = Subgraph(
    'type Query { product: P } type P @key(fields: "id") { id: ID! price: Int! }',
    roots={"product": {"id": "1", "price": 10}},
)
B = Subgraph(
    """type P @key(fields: "id") { id: ID! price: Int! @external
    isExpensive: Boolean @requires(fields: "price") }""",
    entities={"P": [{"id": "1", "isExpensive": lambda it: it["price"] > 5}]},
)
C = Subgraph(
    """type P @key(fields: "id") { id: ID! isExpensive: Boolean @external
    included: Boolean @requires(fields: "isExpensive") skipped: Boolean
    @requires(fields: "isExpensive") plain: Int }""",
    entities={"P": [{"id": "1", "included": lambda it: it["isExpensive"], "plain": 1}]},
)


@pytest.mark.parametrize(
    ("query", "variables", "expected", "asked"),
    [
        ("($on: Boolean! = true) { product { price included @include(if: $on) } }", {},
         {"price": 10, "included": True}, "a b c"),
        ("($on: Boolean! = false) { product { price included @include(if: $on) } }", {},
         {"price": 10}, "a"),
        ("($off: Boolean = true) { product { price skipped @skip(if: $off) } }", {},
         {"price": 10}, "a"),
        ("($on: Boolean! = false) { product { ... on P @include(if: $on) { skipped } plain } }", {},
         {"plain": 1}, "a c"),
        ("($on: Boolean!, $off: Boolean!) { product { price ... @include(if: $on) "
         "{ skipped @skip(if: $off) } } }", {"on": True, "off": True}, {"price": 10}, "a"),
        ("($on: Boolean!, $off: Boolean!) { product { price included @include(if: $on) "
         "skipped @skip(if: $off) } }", {"on": False, "off": True}, {"price": 10}, "a"),
        ("($on: Boolean!, $off: Boolean!) { product { price included @include(if: $on) "
         "skipped @skip(if: $off) } }", {"on": True, "off": True}, {"price": 10, "included": True}, "a b c"),
        ("($on: Boolean!, $off: Boolean!) { product { price ... @include(if: $on) { included } "
         "isExpensive @skip(if: $off) } }", {"on": False, "off": False}, {"price": 10, "isExpensive": True}, "a b"),
    ],
)  # fmt: skip
async def test_fetches_of_excluded_fields_do_not_run(
    query: str, variables: dict[str, Any], expected: dict[str, Any], asked: str
) -> None:
    federation = Federation(a=A, b=B, c=C)
    await federation.answers(f"query{query}", {"product": expected}, asked, **variables)


async def test_requirements_play_ping_pong_and_end() -> None:
    federation = Federation(
        a=Subgraph(
            """
            type Query { feed: [Post] }
            type Post @key(fields: "id") { id: ID! byNovice: Boolean! @external
              byExpert: Boolean! @requires(fields: "byNovice") }
            type Author @key(fields: "id") { id: ID! years: Int! }
            """,
            roots={"feed": [{"id": "1"}, {"id": "2"}]},
            entities={
                "Post": [{"id": n, "byExpert": lambda it: not it["byNovice"]} for n in "12"],
                "Author": [{"id": "x", "years": 1}, {"id": "y", "years": 9}],
            },
        ),
        b=Subgraph(
            """
            type Post @key(fields: "id") { id: ID! author: Author!
              byNovice: Boolean! @requires(fields: "author { years }") }
            type Author @key(fields: "id") { id: ID! years: Int! @external }
            """,
            entities={
                "Post": [
                    {
                        "id": n,
                        "author": {"id": a},
                        "byNovice": lambda it: it["author"]["years"] < 5,
                    }
                    for n, a in (("1", "x"), ("2", "y"))
                ]
            },
        ),
    )
    await federation.answers(
        "{ feed { byExpert } }", {"feed": [{"byExpert": False}, {"byExpert": True}]}, "a b a b a"
    )


PLACES = """
type Query { %s: User }
type User @key(fields: "id") { id: ID! %s }
interface Address { id: ID! }
type Home implements Address @key(fields: "id") { id: ID! city: String %s }
type Work implements Address @key(fields: "id") { id: ID! city: String %s }
type Boat implements Address @key(fields: "id") { id: ID! %s }
"""


@pytest.mark.parametrize("kind", ["Home", "Work", "Boat"])
async def test_type_conditions_inside_a_requirement_concern_their_types_only(kind: str) -> None:
    requires = '@requires(fields: "address { id ... on Home { city } ... on Work { city } }")'
    address = {"__typename": kind, "id": "h", "city": "Bern"}

    def name(it: dict[str, Any]) -> str:
        return f"{it['address']['id']} {it['address'].get('city')}"

    federation = Federation(
        a=Subgraph(
            PLACES
            % (
                "mine",
                f"name: String {requires} address: Address @external",
                "@external",
                "@external",
                "",
            ),
            roots={"mine": {"id": "1"}},
            entities={"User": [{"id": "1", "name": name}]},
        ),
        b=Subgraph(
            PLACES % ("yours", "address: Address", "", "", "city: String"),
            roots={"yours": {"id": "1", "address": address}},
            entities={"User": [{"id": "1", "address": address}]},
        ),
    )
    said = {"name": "h None" if kind == "Boat" else "h Bern"}
    await federation.answers("{ yours { name } }", {"yours": said}, "a b")
    await federation.answers("{ mine { name } }", {"mine": said}, "a b a")


async def test_a_chain_of_requirements_over_an_inaccessible_field_is_shared() -> None:
    federation = Federation(
        a=Subgraph(
            'type Query { p: P } type P @key(fields: "id") { id: ID! price: Int! @inaccessible }',
            roots={"p": {"id": "1", "price": 10}},
        ),
        b=Subgraph(
            """type P @key(fields: "id") { id: ID! price: Int! @external
            hasDiscount: Boolean! @requires(fields: "price") }""",
            entities={"P": [{"id": "1", "hasDiscount": lambda it: it["price"] > 5}]},
        ),
        c=Subgraph(
            """type P @key(fields: "id") { id: ID! hasDiscount: Boolean! @external
            isExpensive: Boolean! @requires(fields: "hasDiscount") }""",
            entities={"P": [{"id": "1", "isExpensive": lambda it: not it["hasDiscount"]}]},
        ),
        d=Subgraph(
            """type P @key(fields: "id") { id: ID! isExpensive: Boolean! @external
            canAfford: Boolean! @requires(fields: "isExpensive")
            canAfford2: Boolean! @requires(fields: "isExpensive") }""",
            entities={
                "P": [
                    {
                        "id": "1",
                        "canAfford": lambda it: not it["isExpensive"],
                        "canAfford2": lambda it: it["isExpensive"],
                    }
                ]
            },
        ),
    )
    assert federation.refuses("{ p { price } }")
    await federation.answers(
        "{ p { canAfford canAfford2 } }", {"p": {"canAfford": True, "canAfford2": False}}, "a b c d"
    )
    await federation.answers("{ p { isExpensive } }", {"p": {"isExpensive": False}}, "a b c")


POSTS = Federation(
    posts=Subgraph(
        """type Query { feed: [Post] }
        type Post @key(fields: "id") { id: ID! comments(limit: Int!): [Comment]
          price(currency: String!): Float }
        type Comment @key(fields: "id") { id: ID! }""",
        roots={
            "feed": [
                {
                    "id": "1",
                    "comments": lambda _, limit: [{"id": f"c{n}"} for n in range(limit)],
                    "price": lambda _, currency: {"USD": 2.0, "EUR": 1.0, "CHF": 3.0}[currency],
                }
            ]
        },
    ),
    authors=Subgraph(
        """type Post @key(fields: "id") { id: ID!
          comments(limit: Int!): [Comment] @external price(currency: String!): Float @external
          author: String @requires(fields: "comments(limit: 3) { who }")
          usd: Float @requires(fields: "price(currency: \\"USD\\")")
          eur: Float @requires(fields: "price(currency: \\"EUR\\")") }
        type Comment @key(fields: "id") { id: ID! who: String @external }""",
        entities={
            "Post": [
                {
                    "id": "1",
                    "author": lambda it: ",".join(each["who"] for each in it["comments"]),
                    "usd": lambda it: it["price"],
                    "eur": lambda it: it["price"],
                }
            ]
        },
    ),
    comments=Subgraph(
        'type Comment @key(fields: "id") { id: ID! who: String }',
        entities={"Comment": [{"id": f"c{n}", "who": f"w{n}"} for n in range(5)]},
    ),
)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("{ feed { author } }", {"author": "w0,w1,w2"}),
        ("{ feed { author comments(limit: 1) { id } } }",
         {"author": "w0,w1,w2", "comments": [{"id": "c0"}]}),
        ("query($n: Int! = 2) { feed { ... F author } } fragment F on Post "
         "{ comments(limit: $n) { who } }",
         {"comments": [{"who": "w0"}, {"who": "w1"}], "author": "w0,w1,w2"}),
        ("{ feed { comments: author author: comments(limit: 1) { id } } }",
         {"comments": "w0,w1,w2", "author": [{"id": "c0"}]}),
    ],
)  # fmt: skip
async def test_a_required_field_with_arguments_leaves_the_client_s_alone(
    query: str, expected: dict[str, Any]
) -> None:
    await POSTS.answers(query, {"feed": [expected]}, "authors comments posts")


async def test_two_requirements_with_different_arguments_each_get_theirs() -> None:
    await POSTS.answers(
        '{ feed { usd price(currency: "CHF") eur } }',
        {"feed": [{"usd": 2.0, "price": 3.0, "eur": 1.0}]},
        "authors posts",
    )


async def test_a_requirement_through_nested_interfaces_sends_what_the_client_may_not_see() -> None:
    federation = Federation(
        a=Subgraph(
            """
            type Query { thing: Thing }
            type Thing @key(fields: "id") { id: ID! data: Foo }
            interface Foo { foo: String! }
            interface Bar implements Foo { foo: String! bar: String! }
            type Both implements Foo & Bar { foo: String! bar: String! }
            type Qux implements Foo & Bar @inaccessible { foo: String! bar: String! qux: String! }
            """,
            roots={"thing": {"id": "1", "data": {
                "__typename": "Qux", "foo": "f", "bar": "b", "qux": "q"}}},
        ),
        b=Subgraph(
            """
            type Thing @key(fields: "id") { id: ID! data: Foo @external
              requirer: String! @requires(fields: "data { foo ... on Bar { bar ... on Qux { qux } } }")
            }
            interface Foo { foo: String! }
            interface Bar implements Foo { foo: String! bar: String! }
            type Both implements Foo & Bar { foo: String! @external bar: String! @external }
            type Qux implements Foo & Bar @inaccessible {
              foo: String! @external bar: String! @external qux: String! @external }
            """,
            entities={"Thing": [{
                "id": "1",
                "requirer": lambda it: "".join(it["data"][n] for n in ("foo", "bar", "qux"))}]},
        ),
    )  # fmt: skip
    await federation.answers("{ thing { requirer } }", {"thing": {"requirer": "fbq"}}, "a b")
    hidden = {"thing": {"data": None, "requirer": "fbq"}}
    await federation.answers("{ thing { data { __typename foo } requirer } }", hidden, "a b")


async def test_a_requirement_that_is_itself_made_of_lists_of_lists_keeps_their_nulls() -> None:
    """``z`` needs the sums of the boxes inside, which need the weights of what is in those."""

    def box(name: str, *inside: object) -> dict[str, Any]:
        return {"id": name, "weight": 1, "inside": [[*inside], None, []]}

    def total(it: Mapping[str, Any]) -> int:
        return sum(each["weight"] for row in it["inside"] if row for each in row if each)

    def label(it: Mapping[str, Any]) -> str:
        inside = [[each and each["total"] for each in row or ()] for row in it["inside"]]
        return f"{it['total']} {inside}"

    inner = box("2", None)
    outer = box("1", inner, None, inner)
    key = 'type Box @key(fields: "id") { id: ID!'
    federation = Federation(
        a=Subgraph(
            f"type Query {{ box: Box }} {key} inside: [[Box]] weight: Int }}",
            roots={"box": outer},
            entities={"Box": [outer, inner]},
        ),
        b=Subgraph(
            f"""{key} inside: [[Box]] @external weight: Int @external
            total: Int @requires(fields: "inside {{ weight }}") }}""",
            entities={"Box": [{"id": name, "total": total} for name in "12"]},
        ),
        c=Subgraph(
            f"""{key} inside: [[Box]] @external total: Int @external
            label: String @requires(fields: "total inside {{ total }}") }}""",
            entities={"Box": [{"id": name, "label": label} for name in "12"]},
        ),
    )
    told = {"label": "2 [[0, None, 0], [], []]"}
    await federation.answers("{ box { label } }", {"box": told}, "a b c")
    await federation.answers(
        "{ box { inside: id label } }", {"box": {"inside": "1", **told}}, "a b c"
    )


async def test_an_overridden_field_is_required_from_its_new_owner() -> None:
    key = 'type User @key(fields: "id") { id: ID! name: String'
    federation = Federation(
        a=Subgraph(
            f'type Query {{ a: User }} {key} @override(from: "b") }}',
            roots={"a": {"id": "1", "name": "new"}},
            entities={"User": [{"id": "1", "name": "new"}]},
        ),
        b=Subgraph(f"type Query {{ b: User }} {key} }}", roots={"b": {"id": "1"}}),
        c=Subgraph(
            f"""type Query {{ c: User }} {key} @external
            said: String @requires(fields: "name") }}""",
            roots={"c": {"id": "1"}},
            entities={"User": [{"id": "1", "said": lambda it: it["name"]}]},
        ),
        d=Subgraph(
            f'{key} @external heard: String @requires(fields: "name") }}',
            entities={"User": [{"id": "1", "heard": lambda it: it["name"]}]},
        ),
    )
    both = {"said": "new", "heard": "new"}
    await federation.answers("{ a { said heard } }", {"a": both}, "a c d")
    await federation.answers("{ b { said heard } }", {"b": both}, "a b c d")
    await federation.answers("{ c { said heard } }", {"c": both}, "a c c d")


async def test_the_classic_demonstration_shares_one_entity_fetch() -> None:
    federation = Federation(
        accounts=Subgraph(
            'type Query { me: User } type User @key(fields: "id") { id: ID! name: String @shareable }',
            roots={"me": {"id": "1", "name": "Ann"}},
        ),
        products=Subgraph(
            """type Product @key(fields: "upc") {
            upc: ID! weight: Int price: Int name: String }""",
            entities={"Product": [{"upc": "u", "weight": 3, "price": 5, "name": "chair"}]},
        ),
        reviews=Subgraph(
            """type User @key(fields: "id") { id: ID! name: String @external reviews: [Review] }
            type Review { body: String author: User @provides(fields: "name") product: Product }
            type Product @key(fields: "upc") { upc: ID! }""",
            entities={
                "User": [
                    {
                        "id": "1",
                        "reviews": [
                            {
                                "body": "good",
                                "author": {"id": "1", "name": "Ann"},
                                "product": {"upc": "u"},
                            }
                        ],
                    }
                ]
            },
        ),
        inventory=Subgraph(
            """type Product @key(fields: "upc") { upc: ID! weight: Int @external
            price: Int @external inStock: Boolean shipping: Int @requires(fields: "price weight") }""",
            entities={
                "Product": [
                    {
                        "upc": "u",
                        "inStock": True,
                        "shipping": lambda it: it["price"] * it["weight"],
                    }
                ]
            },
        ),
    )
    product = {"name": "chair", "inStock": True, "shipping": 15}
    await federation.answers(
        "{ me { reviews { body author { name } product { name inStock shipping } } } }",
        {"me": {"reviews": [{"body": "good", "author": {"name": "Ann"}, "product": product}]}},
        "accounts inventory products reviews",
    )


async def test_a_provision_two_levels_deep_is_taken_where_it_is() -> None:
    federation = Federation(
        a=Subgraph(
            """type Query { products: [Product] @provides(fields: "categories { id name }") }
            type Product @key(fields: "id") { id: ID! categories: [Category] @external }
            type Category @key(fields: "id") { id: ID! name: String @external }""",
            roots={"products": [{"id": "1", "categories": [{"id": "c", "name": "given"}]}]},
        ),
        b=Subgraph(
            """type Product @key(fields: "id") { id: ID! categories: [Category] @shareable }
            type Category @key(fields: "id") { id: ID! name: String @shareable subject: String }""",
            entities={"Category": [{"id": "c", "subject": "s"}]},
        ),
    )
    await federation.answers(
        "{ products { categories { name } } }",
        {"products": [{"categories": [{"name": "given"}]}]},
        "a",
    )
    await federation.answers(
        "{ products { categories { name subject } } }",
        {"products": [{"categories": [{"name": "given", "subject": "s"}]}]},
        "a b",
    )


@pytest.mark.parametrize("on", [True, False])
async def test_a_condition_inside_a_shared_requirement_is_decided_by_the_variables(
    on: bool,
) -> None:
    address = {"__typename": "Home", "id": "h1", "city": "Ulm"}
    federation = Federation(
        a=Subgraph(
            """type Query { user: User } interface Address { id: ID! }
            type Home implements Address { id: ID! @external city: String @external }
            type User @key(fields: "id") { id: ID! address: Address @external
              label: String @requires(fields: "address { ... on Home { city } }")
              place: String @requires(fields: "address { id }") }""",
            roots={"user": {"id": "1"}},
            entities={
                "User": [
                    {
                        "id": "1",
                        "label": lambda it: it["address"]["city"],
                        "place": lambda it: it["address"]["id"],
                    }
                ]
            },
        ),
        b=Subgraph(
            """interface Address { id: ID! }
            type Home implements Address { id: ID! city: String }
            type User @key(fields: "id") { id: ID! address: Address }""",
            entities={"User": [{"id": "1", "address": address}]},
        ),
    )
    await federation.answers(
        "query($on: Boolean!) { user { label place @include(if: $on) } }",
        {"user": {"label": "Ulm", **({"place": "h1"} if on else {})}},
        "a a b",
        on=on,
    )


@pytest.mark.parametrize("values", [*product((True, False), repeat=3)], ids=str)
async def test_what_is_required_under_one_of_several_conditions_is_not_missed_under_none(
    values: tuple[bool, ...],
) -> None:
    """``size`` is asked of the same subgraph in any case, ``price`` under one of three conditions."""
    key = 'type Item @key(fields: "id") { id: ID!'
    federation = Federation(
        a=Subgraph(f"type Query {{ item: Item }} {key} }}", roots={"item": {"id": "1"}}),
        b=Subgraph(f"{key} price: Int! }}", entities={"Item": [{"id": "1", "price": 5}]}),
        c=Subgraph(
            f"""{key} price: Int! @external size: Int!
            dear: Boolean! @requires(fields: "price") cheap: Boolean! @requires(fields: "price") }}""",
            entities={
                "Item": [
                    {
                        "id": "1",
                        "size": 7,
                        "dear": lambda it: it["price"] > 4,
                        "cheap": lambda it: it["price"] < 4,
                    }
                ]
            },
        ),
        d=Subgraph(
            f'{key} dear: Boolean! @external mine: Boolean! @requires(fields: "dear") }}',
            entities={"Item": [{"id": "1", "mine": lambda it: it["dear"]}]},
        ),
    )
    x, y, z = values
    expected = {"size": 7}
    if x:
        expected["dear"] = True
    if y:
        expected["mine"] = True
    if z:
        expected["cheap"] = False
    await federation.answers(
        """query($x: Boolean!, $y: Boolean!, $z: Boolean!) { item {
          size dear @include(if: $x) mine @include(if: $y) cheap @include(if: $z) } }""",
        {"item": expected},
        "a b c" * (x or y or z) + " d" * y or "a c",
        x=x,
        y=y,
        z=z,
    )
