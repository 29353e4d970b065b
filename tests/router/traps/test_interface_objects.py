"""Interface objects: objects whose type only another subgraph knows."""

from __future__ import annotations

from typing import Any

import pytest

from tests.router.traps.kit import Federation, Subgraph


async def test_a_third_subgraph_extends_the_concrete_type_only() -> None:
    federation = Federation(
        a=Subgraph(
            """interface Media @key(fields: "id") { id: ID! }
            type Film implements Media @key(fields: "id") { id: ID! }
            type Song implements Media @key(fields: "id") { id: ID! }""",
            entities={
                "Media": [{"__typename": "Film", "id": "1"}, {"__typename": "Song", "id": "2"}]
            },
        ),
        b=Subgraph(
            'type Film @key(fields: "id") { id: ID! cut: Int }',
            entities={"Film": [{"id": "1", "cut": 7}]},
        ),
        c=Subgraph(
            """type Query { all: [Media] }
            type Media @key(fields: "id") @interfaceObject { id: ID! }""",
            roots={"all": [{"id": "1"}, {"id": "2"}]},
        ),
    )
    await federation.answers("{ all { id } }", {"all": [{"id": "1"}, {"id": "2"}]}, "c")
    outcome = await federation.ask("{ all { id ... on Film { cut } } }")
    assert (outcome.data, outcome.errors) == (
        {"all": [{"id": "1", "cut": 7}, {"id": "2"}]}, [])  # fmt: skip
    assert outcome.representations[2:] == [{"__typename": "Film", "id": "1"}]


USERS = """
interface User @key(fields: "id") { id: ID! name: String! }
type Admin implements User @key(fields: "id") { id: ID! name: String! level: Int }
type Guest implements User @key(fields: "id") { id: ID! name: String! since: Int }
"""
PEOPLE: list[dict[str, Any]] = [
    {"__typename": "Admin", "id": "1", "name": "Ann", "level": 9},
    {"__typename": "Guest", "id": "2", "name": "Bob", "since": 1999},
]
DUTY = Federation(
    a=Subgraph(
        f"type Query {{ users: [User] }} {USERS}",
        roots={"users": PEOPLE},
        entities={"User": PEOPLE, "Admin": PEOPLE[:1], "Guest": PEOPLE[1:]},
    ),
    b=Subgraph(
        """type Query { onDuty: [User] }
        type User @key(fields: "id") @interfaceObject { id: ID! name: String! @external
          badge: String @requires(fields: "name") }""",
        roots={"onDuty": [{"__typename": "Never", "id": "2"}, {"__typename": "Never", "id": "1"}]},
        entities={"User": [{"id": n, "badge": lambda it: f"#{it['name']}"} for n in "12"]},
    ),
)


@pytest.mark.parametrize(
    ("query", "expected", "asked"),
    [
        ("{ users { name badge } }",
         {"users": [{"name": "Ann", "badge": "#Ann"}, {"name": "Bob", "badge": "#Bob"}]}, "a b"),
        ("{ onDuty { badge } }", {"onDuty": [{"badge": "#Bob"}, {"badge": "#Ann"}]}, "a b b"),
        ("{ onDuty { id } }", {"onDuty": [{"id": "2"}, {"id": "1"}]}, "b"),
        ("{ onDuty { t: __typename } }", {"onDuty": [{"t": "Guest"}, {"t": "Admin"}]}, "a b"),
        ("{ onDuty { ... on Admin { badge level } ... on Guest { since } } }",
         {"onDuty": [{"since": 1999}, {"badge": "#Ann", "level": 9}]}, "a b b"),
        ("{ users { ... on Admin { badge } } }", {"users": [{"badge": "#Ann"}, {}]}, "a b"),
    ],
)  # fmt: skip
async def test_an_interface_object_with_a_requirement(
    query: str, expected: dict[str, Any], asked: str
) -> None:
    await DUTY.answers(query, expected, asked)


async def test_only_the_objects_of_the_asked_type_are_sent() -> None:
    outcome = await DUTY.ask("{ users { ... on Admin { badge } } }")
    assert outcome.representations == [{"__typename": "User", "id": "1", "name": "Ann"}]


SHARED = Federation(
    a=Subgraph(
        """type Query { users: [Node!]! }
        interface Node @key(fields: "id") { id: ID! }
        type User implements Node @key(fields: "id") { id: ID! name: String! @shareable age: Int }
        """,
        roots={"users": [{"__typename": "User", "id": "1", "name": "Ann", "age": 30}]},
        entities={
            "Node": [{"__typename": "User", "id": "1", "name": "Ann", "age": 30}],
            "User": [{"__typename": "User", "id": "1", "name": "Ann", "age": 30}],
        },
    ),
    b=Subgraph(
        """type Query { others: [Node] }
        type Node @key(fields: "id") @interfaceObject { id: ID! username: String! @shareable }""",
        roots={"others": [{"id": "1", "username": "ann"}]},
        entities={"Node": [{"id": "1", "username": "ann"}]},
    ),
    c=Subgraph(
        """type Node @key(fields: "id") @interfaceObject {
          id: ID! name: String! @shareable username: String! @shareable }""",
        entities={"Node": [{"id": "1", "name": "Ann", "username": "ann"}]},
    ),
)


@pytest.mark.parametrize(
    ("query", "expected", "asked"),
    [
        ("{ users { id name username } }",
         {"users": [{"id": "1", "name": "Ann", "username": "ann"}]}, "a b"),
        ("{ others { name username } }", {"others": [{"name": "Ann", "username": "ann"}]}, "b c"),
        ("{ others { username } }", {"others": [{"username": "ann"}]}, "b"),
        ("{ others { ... on User { age name } } }", {"others": [{"age": 30, "name": "Ann"}]},
         "a b"),
        ("{ others { __typename id } }", {"others": [{"__typename": "User", "id": "1"}]}, "a b"),
        ("{ users { ... on User { name age } } }", {"users": [{"name": "Ann", "age": 30}]}, "a"),
    ],
)  # fmt: skip
async def test_two_interface_objects_share_fields_with_the_concrete_type(
    query: str, expected: dict[str, Any], asked: str
) -> None:
    await SHARED.answers(query, expected, asked)


BROKEN = Federation(
    a=Subgraph(
        """type Query { product: Node }
        interface Node @key(fields: "id") { id: ID! }
        type Product implements Node @key(fields: "id") { id: ID! price: Int }""",
        roots={"product": {"__typename": "Product", "id": "1"}},
        entities={"Node": []},
    ),
    b=Subgraph(
        """type Query { b: Node }
        type Node @interfaceObject @key(fields: "id", resolvable: false) { id: ID! }""",
        roots={"b": {"id": "1"}},
    ),
)


async def test_an_interface_object_that_cannot_be_entered_still_gives_what_it_has() -> None:
    await BROKEN.answers("{ b { id } }", {"b": {"id": "1"}}, "b")
    await BROKEN.answers("{ product { id } }", {"product": {"id": "1"}}, "a")


async def test_without_a_type_from_the_owner_no_type_is_shown() -> None:
    outcome = await BROKEN.ask("{ b { __typename id } }")
    assert outcome.data == {"b": None}
    assert outcome.asked == ["a", "b"]


async def test_an_object_of_two_interfaces_is_sent_under_both_names() -> None:
    thing = {"__typename": "Thing", "id": "1", "own": 3}
    federation = Federation(
        a=Subgraph(
            """type Query { thing: Named } interface Named @key(fields: "id") { id: ID! }
            interface Priced @key(fields: "id") { id: ID! }
            type Thing implements Named & Priced @key(fields: "id") { id: ID! own: Int }""",
            roots={"thing": thing},
        ),
        b=Subgraph(
            """type Named @interfaceObject @key(fields: "id") { id: ID! name: String }
            type Priced @interfaceObject @key(fields: "id") { id: ID! price: Int }""",
            entities={"Named": [{"id": "1", "name": "n"}], "Priced": [{"id": "1", "price": 5}]},
        ),
    )
    await federation.answers(
        "{ thing { name ... on Thing { price own } } }",
        {"thing": {"name": "n", "price": 5, "own": 3}},
        "a b",
    )


@pytest.mark.parametrize("off", [True, False])
async def test_types_are_learnt_though_all_else_of_the_fetch_is_excluded(off: bool) -> None:
    owners = [{"__typename": "User", "id": "1", "age": 7}, {"__typename": "Admin", "id": "2"}]
    federation = Federation(
        a=Subgraph(
            """interface Node @key(fields: "id") { id: ID! }
            type User implements Node @key(fields: "id") { id: ID! age: Int }
            type Admin implements Node @key(fields: "id") { id: ID! }""",
            entities={"Node": owners},
        ),
        b=Subgraph(
            """type Query { nodes: [Node] }
            type Node @interfaceObject @key(fields: "id") { id: ID! }""",
            roots={"nodes": [{"id": "1"}, {"id": "2"}]},
        ),
        c=Subgraph(
            'type Node @interfaceObject @key(fields: "id") { id: ID! name: String }',
            entities={"Node": [{"id": each["id"], "name": f"n{each['id']}"} for each in owners]},
        ),
    )
    age: dict[str, Any] = {} if off else {"age": 7}
    await federation.answers(
        "query($off: Boolean!) { nodes { ... on User @skip(if: $off) { age } __typename } }",
        {"nodes": [{**age, "__typename": "User"}, {"__typename": "Admin"}]},
        "a b",
        off=off,
    )
    await federation.answers(
        "query($off: Boolean!) { nodes { ... on User @skip(if: $off) { age } ... on Admin { name } } }",
        {"nodes": [age, {"name": "n2"}]},
        "a b c",
        off=off,
    )


@pytest.mark.parametrize(
    ("best", "label"), [("1", "Film 1 of 90"), ("2", "Song 2 of None")], ids=["film", "song"]
)
async def test_a_requirement_with_type_conditions_starts_at_an_interface_object(
    best: str, label: str
) -> None:
    media = [
        {"__typename": "Film", "id": "1", "length": 90},
        {"__typename": "Song", "id": "2"},
    ]

    def labelled(shelf: dict[str, Any]) -> str:
        held = shelf["best"]
        return f"{held['__typename']} {held['id']} of {held.get('length')}"

    federation = Federation(
        owner=Subgraph(
            """interface Media @key(fields: "id") { id: ID! }
            type Film implements Media @key(fields: "id") { id: ID! length: Int }
            type Song implements Media @key(fields: "id") { id: ID! }""",
            entities={"Media": media, "Film": media[:1], "Song": media[1:]},
        ),
        rate=Subgraph(
            """type Query { shelf: Shelf }
            type Media @key(fields: "id") @interfaceObject { id: ID! }
            type Shelf @key(fields: "id") { id: ID! best: Media }""",
            roots={"shelf": {"id": "s", "best": {"id": best}}},
        ),
        shop=Subgraph(
            """interface Media { id: ID! }
            type Film implements Media @key(fields: "id", resolvable: false) {
              id: ID! @external length: Int @external }
            type Song implements Media @key(fields: "id", resolvable: false) { id: ID! @external }
            type Shelf @key(fields: "id") { id: ID! best: Media @external
              label: String @requires(fields: "best { id ... on Film { length } }") }""",
            entities={"Shelf": [{"id": "s", "label": labelled}]},
        ),
    )
    await federation.answers("{ shelf { label } }", {"shelf": {"label": label}}, "owner rate shop")


async def test_the_only_implementation_needs_no_one_to_tell_it() -> None:
    """And fields of an interface object that cannot be entered again are taken where they are."""
    federation = Federation(
        a=Subgraph(
            """type Query { x: Int } interface Node @key(fields: "id") { id: ID! }
            type User implements Node @key(fields: "id") { id: ID! age: Int }""",
            entities={"Node": [{"__typename": "User", "id": "1", "age": 7}]},
        ),
        b=Subgraph(
            """type Query { node: Node }
            type Node @interfaceObject @key(fields: "id", resolvable: false) {
              id: ID! name: String }""",
            roots={"node": {"id": "1", "name": "One"}},
        ),
    )
    await federation.answers("{ node { ... on User { name } } }", {"node": {"name": "One"}}, "b")
    await federation.answers(
        "{ node { ... on User { name age __typename } } }",
        {"node": {"name": "One", "age": 7, "__typename": "User"}},
        "a b",
    )


@pytest.mark.parametrize(
    ("query", "second"),
    [
        ("{ all { id } }", {"id": "2"}),
        ("{ all { id ... on Media { id } } }", {"id": "2"}),
        ("{ all { id __typename } }", None),
        ("{ all { id ... on Film { cut } } }", None),
    ],
)
async def test_an_object_whose_type_nobody_tells_is_null_where_its_type_matters(
    query: str, second: Any
) -> None:
    federation = Federation(
        a=Subgraph(
            """interface Media @key(fields: "id") { id: ID! }
            type Film implements Media @key(fields: "id") { id: ID! cut: Int }
            type Song implements Media @key(fields: "id") { id: ID! }""",
            entities={"Media": [{"__typename": "Film", "id": "1", "cut": 7}]},
        ),
        b=Subgraph(
            """type Query { all: [Media] }
            type Media @key(fields: "id") @interfaceObject { id: ID! }""",
            roots={"all": [{"id": "1"}, {"id": "2"}]},
        ),
    )
    outcome = await federation.ask(query)
    assert outcome.data["all"][0]["id"] == "1"
    assert outcome.data["all"][1] == second


@pytest.mark.parametrize("on", [True, False])
@pytest.mark.parametrize(
    "query",
    [
        """query($on: Boolean!) { staff {
          peer { rating @include(if: $on) } ... on Doctor { peer { __typename } } } }""",
        """query($on: Boolean!, $too: Boolean!) { staff {
          ... @include(if: $on) { peer @skip(if: $too) { rating @skip(if: $on) } }
          peer { rating @include(if: $on) ... on Nurse { __typename } } } }""",
    ],
)
async def test_types_are_learnt_though_a_condition_keeps_back_who_else_would_tell_them(
    query: str, on: bool
) -> None:
    nurse = {"__typename": "Nurse", "id": "n", "name": "Nan"}
    doctor = {"__typename": "Doctor", "id": "d", "name": "Dan"}
    rated = {
        "id": "d",
        "peer": {"id": "n"},
        "rating": lambda it: len(it["name"]),
    }
    federation = Federation(
        a=Subgraph(
            """type Query { a: Staff } interface Staff @key(fields: "id") { id: ID! name: String }
            type Nurse implements Staff @key(fields: "id") { id: ID! name: String }
            type Doctor implements Staff @key(fields: "id") { id: ID! name: String }""",
            entities={"Staff": [nurse, doctor]},
        ),
        b=Subgraph(
            """type Query { staff: Staff }
            type Staff @key(fields: "id") @interfaceObject { id: ID! name: String @external
              peer: Staff rating: Int @requires(fields: "name") }""",
            roots={"staff": rated},
            entities={"Staff": [rated, {**rated, "id": "n"}]},
        ),
    )
    outcome = await federation.ask(query, on=on, too=on)
    expected = {"rating": 3, "__typename": "Nurse"} if on else {"__typename": "Nurse"}
    assert outcome.errors == []
    assert outcome.data == {"staff": {"peer": expected}}
