"""Interfaces and unions whose members, fields and owners differ per subgraph."""

from __future__ import annotations

from typing import Any

import pytest

from tests.router.traps.kit import Federation, Subgraph

MIXED = Federation(
    a=Subgraph(
        """
        type Query { users: [User] accounts: [Account] }
        union Account = User | Admin
        type User @key(fields: "id") { id: ID name: String similar: Account }
        type Admin @key(fields: "id") { id: ID! name: String similar: Account }
        """,
        roots={
            "users": [{"id": "u1", "name": "Uma"}],
            "accounts": [
                {
                    "__typename": "User",
                    "id": "u1",
                    "name": "Uma",
                    "similar": {"__typename": "Admin", "id": "0", "name": "Abe"},
                },
                {
                    "__typename": "Admin",
                    "id": "0",
                    "name": "Abe",
                    "similar": {"__typename": "User", "id": "u1", "name": "Uma"},
                },
            ],
        },
    ),
    b=Subgraph(
        """
        type User @key(fields: "id") { id: ID age: Int }
        type Admin @key(fields: "id") { id: ID level: Int }
        """,
        entities={"User": [{"id": "u1", "age": 3}], "Admin": [{"id": "0", "level": 9}]},
    ),
)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("{ accounts { ... on User { id name } ... on Admin { id name } } }",
         [{"id": "u1", "name": "Uma"}, {"id": "0", "name": "Abe"}]),
        ("{ accounts { ... on User { age } ... on Admin { level } } }", [{"age": 3}, {"level": 9}]),
        ("{ accounts { ... on User { x: name age similar { ... on User { id } ... on Admin "
         "{ id level } } } ... on Admin { x: name similar { ... on User { id age } "
         "... on Admin { id } } } } }",
         [{"x": "Uma", "age": 3, "similar": {"id": "0", "level": 9}},
          {"x": "Abe", "similar": {"id": "u1", "age": 3}}]),
    ],
)  # fmt: skip
async def test_siblings_of_different_nullability_share_one_response_name(
    query: str, expected: list[dict[str, Any]]
) -> None:
    outcome = await MIXED.ask(query)
    assert outcome.errors == []
    assert outcome.data == {"accounts": expected}


async def test_an_interface_that_returns_itself_narrower_in_its_object() -> None:
    same = {"__typename": "Book", "id": "2", "price": 5.0}
    federation = Federation(
        a=Subgraph(
            """type Query { products: [Product] } interface Product { same: Product }
            type Book implements Product @key(fields: "id", resolvable: false) {
              id: ID! same: Book @provides(fields: "price") price: Float @external }""",
            roots={"products": [{"__typename": "Book", "id": "1", "same": {
                **same, "same": {"__typename": "Book", "id": "1", "price": 4.0}}}]},
        ),
        b=Subgraph(
            """interface Product { price: Float }
            type Book implements Product @key(fields: "id") { id: ID! price: Float @shareable }""",
            entities={"Book": [{"id": "1", "price": 4.0}]},
        ),
    )  # fmt: skip
    await federation.answers(
        "{ products { same { same { ... on Book { id } } ... on Book { price } } } }",
        {"products": [{"same": {"same": {"id": "1"}, "price": 5.0}}]},
        "a",
    )
    await federation.answers("{ products { ... on Book { price } } }",
                             {"products": [{"price": 4.0}]}, "a b")  # fmt: skip


async def test_a_node_is_followed_over_a_subgraph_that_only_knows_its_key() -> None:
    federation = Federation(
        stub=Subgraph('type Product @key(fields: "id", resolvable: false) { id: ID! }'),
        node=Subgraph(
            """type Query { node: Node } interface Node { id: ID! }
            type Product implements Node @key(fields: "id") { id: ID! }""",
            roots={"node": {"__typename": "Product", "id": "p"}},
        ),
        types=Subgraph(
            'type Product @key(fields: "id") { id: ID! name: String }',
            entities={"Product": [{"id": "p", "name": "n"}]},
        ),
    )
    await federation.answers(
        "{ node { __typename id ... on Product { name } } }",
        {"node": {"__typename": "Product", "id": "p", "name": "n"}},
        "node types",
    )


NODES = {
    "accounts": Subgraph(
        """type Query { node: Node @shareable } interface Node { id: ID! }
        type Account implements Node @key(fields: "id") { id: ID! nick: String }
        type Chat implements Node @key(fields: "id") { id: ID! @external }""",
        roots={"node": {"__typename": "Account", "id": "a", "nick": "n"}},
    ),
    "chats": Subgraph(
        """type Query { node: Node @shareable } interface Node { id: ID! }
        type Account implements Node @key(fields: "id") { id: ID! @external }
        type Chat implements Node @key(fields: "id") { id: ID! text: String }""",
        roots={"node": {"__typename": "Account", "id": "never"}},
    ),
}


async def test_a_node_of_several_owners_never_answers_with_a_wrong_id() -> None:
    federation = Federation(**NODES)
    outcome = await federation.ask("{ node { id } }")
    assert (outcome.data, bool(outcome.errors), outcome.asked) == (None, True, [])
    await federation.answers("{ node { ... on Account { id nick } } }",
                             {"node": {"id": "a", "nick": "n"}}, "accounts")  # fmt: skip


MEDIA_A = """
type Query { media: Media @shareable book: Media viewer: Viewer @shareable mine: Viewer }
type Viewer { media: Media @shareable }
union Media = Book | Song
type Book { title: String @shareable } type Song { title: String }
"""
MEDIA_B = """
type Query { media: Media @shareable viewer: Viewer @shareable film: Media }
type Viewer { media: Media @shareable }
union Media = Book | Film
type Book { title: String @shareable } type Film { title: String }
"""
BOOK = {"__typename": "Book", "title": "b"}
SONG = {"__typename": "Song", "title": "s"}
UNIONS = Federation(
    a=Subgraph(
        MEDIA_A,
        roots={"media": BOOK, "book": SONG, "viewer": {"media": BOOK}, "mine": {"media": SONG}},
    ),
    b=Subgraph(
        MEDIA_B,
        roots={
            "media": BOOK,
            "viewer": {"media": BOOK},
            "film": {"__typename": "Film", "title": "f"},
        },
    ),
)
ALL = "{ __typename ... on Book { title } ... on Song { s: title } ... on Film { f: title } }"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (f"{{ media {ALL} }}", {"media": BOOK}),
        ("{ media { ... on Song { title } } }", {"media": {}}),
        (f"{{ viewer {{ media {ALL} }} }}", {"viewer": {"media": BOOK}}),
        (f"{{ book {ALL} }}", {"book": {"__typename": "Song", "s": "s"}}),
        (f"{{ film {ALL} }}", {"film": {"__typename": "Film", "f": "f"}}),
        (f"{{ mine {{ media {ALL} }} }}", {"mine": {"media": {"__typename": "Song", "s": "s"}}}),
    ],
)
async def test_members_are_cut_where_any_subgraph_may_answer_and_kept_where_one_must(
    query: str, expected: dict[str, Any]
) -> None:
    outcome = await UNIONS.ask(query)
    assert (outcome.data, outcome.errors) == (expected, [])
    assert len(outcome.asked) == 1


async def test_a_member_that_only_one_side_of_an_entity_knows_is_null() -> None:
    action = "type Common { text: String @shareable } union Action = Common | %s type %s { n: Int }"
    federation = Federation(
        a=Subgraph(
            f"""type Query {{ get: Response pinned: Action }}
            type Response @key(fields: "id") {{ id: ID! actions: [Action!] @shareable }}
            {action % ("OnlyA", "OnlyA")}""",
            roots={
                "get": {
                    "id": "1",
                    "actions": [
                        {"__typename": "Common", "text": "t"},
                        {"__typename": "OnlyA", "n": 1},
                    ],
                },
                "pinned": {"__typename": "OnlyA", "n": 1},
            },
        ),
        b=Subgraph(
            f"""type Response @key(fields: "id") {{ id: ID! actions: [Action!] @shareable }}
            {action % ("OnlyB", "OnlyB")}"""
        ),
    )
    await federation.answers(
        "{ get { actions { ... on Common { text } ... on OnlyA { n } ... on OnlyB { n } } } }",
        {"get": {"actions": [{"text": "t"}, {"n": None}]}},
        "a",
    )
    await federation.answers(
        "{ pinned { ... on OnlyA { n } ... on OnlyB { n } } }", {"pinned": {"n": 1}}, "a"
    )


async def test_the_subgraph_that_returns_the_narrower_type_is_asked_for_its_fields() -> None:
    federation = Federation(
        a=Subgraph(
            """type Query { media: Media @shareable } union Media = Book | Film
            type Book { title: String @shareable } type Film { title: String @shareable }""",
            roots={"media": BOOK},
        ),
        b=Subgraph(
            "type Query { media: Book @shareable } type Book { title: String @shareable pages: Int }",
            roots={"media": {"title": "b", "pages": 3}},
        ),
    )
    await federation.answers("{ media { ... on Book { pages title } } }",
                             {"media": {"pages": 3, "title": "b"}}, "b")  # fmt: skip
    outcome = await federation.ask("{ media { ... on Film { title } } }")
    assert (outcome.data, outcome.errors) == ({"media": {}}, [])


PETS = """
type Dog implements Animal %s { id: ID! %s name: String %s }
type Cat implements Animal %s { id: ID! %s name: String %s }
"""
KEY = '@key(fields: "id")'


async def test_the_root_that_provides_through_an_interface_answers_alone() -> None:
    def pets(*how: str) -> str:
        return PETS % (how * 2)

    book = "type Book implements Media %s { id: ID! @shareable animals: [Animal] %s }"
    media = (
        "interface Media { id: ID! animals: [Animal] } interface Animal { id: ID! name: String }"
    )
    animals = [{"__typename": kind, "id": kind, "name": f"{kind} a"} for kind in ("Dog", "Cat")]
    federation = Federation(
        a=Subgraph(
            f"type Query {{ media: Media @shareable }} {media} {book % (KEY, '@external')}"
            + pets(KEY, "@external", "@external")
        ),
        b=Subgraph(
            f"""type Query {{ media: Media @shareable @provides(fields: "animals {{ id name }}")
            book: Media @provides(fields: "animals {{ id ... on Dog {{ name }} }}") }}
            {media} {book % (KEY, "@external")}"""
            + pets(KEY, "@external", "@external"),
            roots={
                "media": {"__typename": "Book", "id": "m", "animals": animals},
                "book": {
                    "__typename": "Book",
                    "id": "m",
                    "animals": [animals[0], {"__typename": "Cat", "id": "Cat"}],
                },
            },
        ),
        c=Subgraph(
            f"{media} {book % (KEY, '@shareable')}" + pets(KEY, "@shareable", "@shareable"),
            entities={
                "Book": [
                    {
                        "id": "m",
                        "animals": [
                            {"__typename": "Dog", "id": "Dog", "name": "Dog a"},
                            {"__typename": "Cat", "id": "Cat", "name": "Cat c"},
                        ],
                    }
                ],
                "Cat": [{"id": "Cat", "name": "Cat c"}],
            },
        ),
    )
    shown = [{"id": kind, "name": f"{kind} a"} for kind in ("Dog", "Cat")]
    await federation.answers(
        "{ media { animals { id name } } }", {"media": {"animals": shown}}, "b"
    )
    await federation.answers(
        "{ book { animals { ... on Dog { name } } } }",
        {"book": {"animals": [{"name": "Dog a"}, {}]}},
        "b",
    )
    await federation.answers(
        "{ book { animals { name } } }",
        {"book": {"animals": [{"name": "Dog a"}, {"name": "Cat c"}]}},
        "b c",
    )


async def test_a_member_whose_title_is_provided_needs_no_jump_and_the_other_does() -> None:
    members = """union Media = Book | Movie
    type Book @key(fields: "id") { id: ID! @shareable title: String %s }
    type Movie @key(fields: "id") { id: ID! @shareable %s }"""
    federation = Federation(
        a=Subgraph(
            'type Query { media: [Media] @provides(fields: "... on Book { title }") }'
            + members % ("@external", ""),
            roots={
                "media": [
                    {"__typename": "Book", "id": "1", "title": "given"},
                    {"__typename": "Movie", "id": "2"},
                ]
            },
        ),
        b=Subgraph(
            members % ("@shareable", "title: String"),
            entities={"Movie": [{"id": "2", "title": "fetched"}]},
        ),
    )
    await federation.answers(
        "{ media { ... on Book { title } ... on Movie { title } } }",
        {"media": [{"title": "given"}, {"title": "fetched"}]},
        "a b",
    )
    await federation.answers(
        "{ media { ... on Book { title } } }", {"media": [{"title": "given"}, {}]}, "a"
    )


async def test_of_two_roots_that_cost_the_same_the_one_that_provides_is_asked() -> None:
    types = 'union Media = Book | Movie type Movie @key(fields: "id") { id: ID! %s }'
    key = 'type Book @key(fields: "id") { id: ID! %s }'
    media = "type Query { media: [Media] @shareable %s } " + types % ""
    shown = [{"__typename": "Book", "id": "1"}, {"__typename": "Movie", "id": "2"}]
    federation = Federation(
        a=Subgraph(media % "" + key % "", roots={"media": shown}),
        b=Subgraph(
            media % '@provides(fields: "... on Book { title }")' + key % "title: String @external",
            roots={"media": [{**shown[0], "title": "given"}, shown[1]]},
        ),
        c=Subgraph(
            types.removeprefix("union Media = Book | Movie ") % "title: String"
            + key % "title: String @shareable",
            entities={"Movie": [{"id": "2", "title": "fetched"}]},
        ),
    )
    await federation.answers(
        "{ media { ... on Book { title } ... on Movie { title } } }",
        {"media": [{"title": "given"}, {"title": "fetched"}]},
        "b c",
    )


async def test_an_interface_is_a_condition_where_only_one_subgraph_implements_it() -> None:
    federation = Federation(
        a=Subgraph(
            """type Query { products: [Product] node: Node }
            union Product = Oven | Toaster interface Node { id: ID! }
            type Oven @key(fields: "id") { id: ID! }
            type Toaster implements Node @key(fields: "id") { id: ID! }""",
            roots={
                "products": [
                    {"__typename": "Oven", "id": "o"},
                    {"__typename": "Toaster", "id": "t"},
                ],
                "node": {"__typename": "Oven", "id": "o"},
            },
        ),
        b=Subgraph(
            """interface Node { id: ID! }
            type Oven implements Node @key(fields: "id") { id: ID! warranty: Int }
            type Toaster @key(fields: "id") { id: ID! warranty: Int }""",
            entities={
                "Oven": [{"id": "o", "warranty": 1}],
                "Toaster": [{"id": "t", "warranty": 2}],
            },
        ),
    )
    await federation.answers(
        "{ products { ... on Node { __typename id } ... on Oven { warranty } } }",
        {
            "products": [
                {"__typename": "Oven", "id": "o", "warranty": 1},
                {"__typename": "Toaster", "id": "t"},
            ]
        },
        "a b",
    )
    surfaced = await federation.ask("{ node { id } }")
    assert surfaced.data == {"node": None}
    assert surfaced.errors


async def test_names_of_types_come_under_every_alias() -> None:
    outcome = await MIXED.ask("{ q: __typename accounts { t: __typename u: __typename } }")
    assert outcome.data == {
        "q": "Query",
        "accounts": [{"t": "User", "u": "User"}, {"t": "Admin", "u": "Admin"}],
    }


async def test_conditions_on_fragments_of_an_interface_choose_what_is_fetched() -> None:
    query = """query($on: Boolean!, $off: Boolean!) { accounts {
      ... on User @include(if: $on) { age } ... on Admin @skip(if: $off) { level } } }"""
    nothing = await MIXED.ask(query, on=False, off=True)
    assert (nothing.data, nothing.asked) == ({"accounts": [{}, {}]}, ["a"])
    users = await MIXED.ask(query, on=True, off=True)
    assert users.data == {"accounts": [{"age": 3}, {}]}
    assert users.representations == [{"__typename": "User", "id": "u1"}]


async def test_what_is_below_a_field_taken_per_type_is_asked_for() -> None:
    """Several types go apart by their keys and meet in one field of one fetch."""
    entities = {
        kind: [{"id": kind, "reviews": [{"id": 1, "body": f"of {kind}"}]}]
        for kind in ("Book", "Film")
    }
    federation = Federation(
        a=Subgraph(
            """type Query { products: [Product] } interface Product { id: ID! }
            type Book implements Product @key(fields: "id") { id: ID! }
            type Film implements Product @key(fields: "id") { id: ID! }""",
            roots={"products": [{"__typename": kind, "id": kind} for kind in ("Book", "Film")]},
        ),
        b=Subgraph(
            """interface Product { id: ID! reviews: [Review] } type Review { id: Int! body: String }
            type Book implements Product @key(fields: "id") { id: ID! reviews: [Review] }
            type Film implements Product @key(fields: "id") { id: ID! reviews: [Review] }""",
            entities=entities,
        ),
    )
    await federation.answers(
        "{ products { reviews { id body } } }",
        {"products": [{"reviews": entities[kind][0]["reviews"]} for kind in ("Book", "Film")]},
        "a b",
    )


async def test_what_all_types_are_asked_below_a_field_joins_what_the_client_asks_there() -> None:
    size = {"size": "small", "weight": 5}
    kinds = ("Book", "Film")
    types = """interface Product { id: ID! box: Box } type Box @shareable { size: String weight: Int }
        type Book implements Product @key(fields: "id") { id: ID! box: Box %s }
        type Film implements Product @key(fields: "id") { id: ID! box: Box %s }"""
    ships = '@external fee: Int @requires(fields: "box { weight }")'
    federation = Federation(
        a=Subgraph(
            "type Query { products: [Product] }" + types % ("", ""),
            roots={"products": [{"__typename": kind, "id": kind, "box": size} for kind in kinds]},
        ),
        b=Subgraph(
            types.replace("box: Box }", "box: Box fee: Int }", 1) % (ships, ships),
            entities={
                kind: [{"id": kind, "fee": lambda it: it["box"]["weight"] * 2}] for kind in kinds
            },
        ),
    )
    await federation.answers(
        "{ products { box { size } fee } }",
        {"products": [{"box": {"size": "small"}, "fee": 10}] * 2},
        "a b",
    )


@pytest.mark.parametrize("on", [True, False])
async def test_a_type_that_is_certain_needs_no_one_whom_a_condition_keeps_back(on: bool) -> None:
    """``nexts`` are nodes at one place and any items at the other; they are the same objects."""
    leaf = {"__typename": "Node", "id": "2"}
    federation = Federation(
        a=Subgraph(
            """type Query { start: Item } interface Item { id: ID! nexts: [Item!] }
            type Node implements Item @key(fields: "id", resolvable: false) {
              id: ID! nexts: [Node!] }""",
            roots={"start": {"__typename": "Node", "id": "1", "nexts": [leaf]}},
        ),
        b=Subgraph(
            """interface Item { weight: Int }
            type Node implements Item @key(fields: "id") { id: ID! weight: Int }""",
            entities={"Node": [{"id": "2", "weight": 5}]},
        ),
    )
    await federation.answers(
        """query($on: Boolean!) { start @include(if: $on) { nexts { weight } }
          start { ... on Node { nexts { weight } } } }""",
        {"start": {"nexts": [{"weight": 5}]}},
        "a b",
        on=on,
    )
