"""Shared values, overrides, hidden elements and mutations."""

from __future__ import annotations

from typing import Any

from tests.router.traps.kit import Federation, Subgraph


async def test_three_roots_of_one_shared_field_are_merged_by_index() -> None:
    def one(letter: str, sub: str) -> Subgraph:
        items = [{"name": {sub: f"{letter}{n}"}} for n in (1, 2)]
        return Subgraph(
            f"""type Query {{ products: [Product] @shareable product: Product @shareable }}
            type Product {{ name: Name @shareable }} type Name {{ {sub}: String }}""",
            roots={"products": items, "product": items[0]},
        )

    federation = Federation(a=one("a", "one"), b=one("b", "two"), c=one("c", "three"))
    await federation.answers(
        "{ products { name { one two three } } product { name { two } } }",
        {
            "products": [
                {"name": {"one": f"a{n}", "two": f"b{n}", "three": f"c{n}"}} for n in (1, 2)
            ],
            "product": {"name": {"two": "b1"}},
        },
        "a b c",
    )


async def test_an_enum_value_that_is_hidden_is_null_and_refused_as_input() -> None:
    users = [{"kind": "ADMIN", "kinds": ["ADMIN"]}, {"kind": "ROBOT", "kinds": ["ROBOT", "ADMIN"]}]
    federation = Federation(
        a=Subgraph(
            """enum Kind { ADMIN ROBOT @inaccessible }
            type Query { users: [User] find(kind: Kind = ROBOT @inaccessible): String }
            type User { kind: Kind kinds: [Kind!] }""",
            roots={"users": users, "find": lambda _, kind: kind},
        ),
    )
    await federation.answers(
        "{ users { kind } }", {"users": [{"kind": "ADMIN"}, {"kind": None}]}, "a"
    )
    strict = await federation.ask("{ users { kinds } }")
    assert strict.data == {"users": [{"kinds": ["ADMIN"]}, {"kinds": None}]}
    (error,) = strict.errors
    assert error["path"] == ["users", 1, "kinds", 0]
    assert "ROBOT" not in str(error)
    assert federation.refuses("{ find(kind: ROBOT) }")
    await federation.answers("{ find }", {"find": "ROBOT"}, "a")


async def test_a_hidden_argument_keeps_its_default() -> None:
    federation = Federation(
        a=Subgraph(
            "type Query { sum(x: Int, y: Int = 5 @inaccessible): Int }",
            roots={"sum": lambda _, x=0, y=0: x + y},
        )
    )
    assert federation.refuses("{ sum(x: 1, y: 2) }")
    await federation.answers("{ sum(x: 1) }", {"sum": 6}, "a")


async def test_an_input_object_has_only_what_all_subgraphs_know() -> None:
    def one(extra: str, root: str) -> Subgraph:
        return Subgraph(
            f"input Filter {{ first: Int {extra} }} type Query {{ {root}(by: Filter): Int }}",
            roots={root: lambda _, by: by["first"]},
        )

    federation = Federation(a=one("onlyA: Int", "inA"), b=one("", "inB"))
    await federation.answers("{ inA(by: {first: 3}) }", {"inA": 3}, "a")
    assert federation.refuses("{ inA(by: {first: 3, onlyA: 1}) }")


OLD = 'type Post @key(fields: "id") { id: ID! at: String }'


async def test_an_overridden_field_is_asked_of_its_new_owner_only() -> None:
    federation = Federation(
        a=Subgraph(f"type Query {{ post: Post }} {OLD}", roots={"post": {"id": "1"}}),
        b=Subgraph(
            OLD.replace("String", 'String @override(from: "a")'),
            entities={"Post": [{"id": "1", "at": "new"}]},
        ),
    )
    await federation.answers("{ post { id at } }", {"post": {"id": "1", "at": "new"}}, "a b")


async def test_an_override_from_nobody_changes_nothing() -> None:
    federation = Federation(
        a=Subgraph(
            "type Query { post: Post } "
            + OLD.replace("String", 'String @override(from: "non-existing")'),
            roots={"post": {"id": "1", "at": "here"}},
        )
    )
    await federation.answers("{ post { at } }", {"post": {"at": "here"}}, "a")


async def test_an_override_on_one_type_is_kept_through_its_interface() -> None:
    text = 'type TextPost implements Post @key(fields: "id") { id: ID! at: String }'
    feed = [
        {"__typename": "ImagePost", "id": "1"},
        {"__typename": "TextPost", "id": "2", "at": "a"},
    ]
    federation = Federation(
        a=Subgraph(
            f"""type Query {{ feed: [Post] }} interface Post {{ id: ID! at: String }} {text}
            type ImagePost implements Post @key(fields: "id") {{ id: ID! at: String }}""",
            roots={"feed": feed},
        ),
        b=Subgraph(
            """interface Post { id: ID! at: String } type Query { other: [Post] }
            type ImagePost implements Post @key(fields: "id") {
              id: ID! at: String @override(from: "a") }""",
            roots={"other": [{"__typename": "ImagePost", "id": "1", "at": "b"}]},
            entities={"ImagePost": [{"id": "1", "at": "b"}]},
        ),
    )
    both = [{"at": "b", "id": "1"}, {"at": "a", "id": "2"}]
    await federation.answers("{ feed { at id } }", {"feed": both}, "a b")
    await federation.answers("{ other { at } }", {"other": [{"at": "b"}]}, "b")
    outcome = await federation.ask("{ feed { ... on TextPost { at } __typename } }")
    assert (outcome.asked, outcome.errors) == (["a"], [])


async def test_mutations_run_in_order_and_a_shared_one_runs_once() -> None:
    log: list[str] = []
    state: dict[str, int] = {"n": 0}

    def step(name: str, by: int) -> Any:
        def run(_obj: object, **_args: object) -> int:
            log.append(name)
            state["n"] = state["n"] * 2 + by
            return state["n"]

        return run

    def item(_obj: object) -> dict[str, Any]:
        step("add", 1)(None)
        return {"id": "1", "name": "n", "price": 3}

    shared = "type Mutation { %s: Int add: Item @shareable }"
    federation = Federation(
        a=Subgraph(
            "type Query { x: Int } type Mutation { one: Int three: Int add: Item @shareable }"
            ' type Item @key(fields: "id") { id: ID! @shareable name: String }',
            roots={"one": step("one", 1), "three": step("three", 3), "add": item},
            entities={"Item": [{"id": "1", "name": "n"}]},
        ),
        b=Subgraph(
            shared % "two" + ' type Item @key(fields: "id") { id: ID! @shareable price: Int }',
            roots={"two": step("two", 2), "add": item},
            entities={"Item": [{"id": "1", "price": 3}]},
        ),
    )
    outcome = await federation.ask("mutation { one two three }")
    assert (outcome.data, outcome.asked) == ({"one": 1, "two": 4, "three": 11}, ["a", "a", "b"])
    await federation.answers(
        "mutation { add { name price } }", {"add": {"name": "n", "price": 3}}, "a b"
    )
    assert log == ["one", "two", "three", "add"]


async def test_values_of_the_object_around_reach_each_field_that_takes_one() -> None:
    def bed(number: str) -> dict[str, str]:
        return {"id": number}

    wards = [
        {"lang": "hi", "floor": 1, "beds": [bed("1"), bed("2")]},
        {"lang": "hi", "floor": 2, "beds": [bed("3")]},
        {"lang": None, "floor": 1, "beds": [bed("4")]},
    ]

    def said(bed: Any, **given: Any) -> str:
        return f"{bed['id']} {given}"

    federation = Federation(
        a=Subgraph(
            """type Query { wards: [Ward] }
            type Ward @context(name: "ward") { lang: String floor: Int beds: [Bed] }
            type Bed @key(fields: "id") {
              id: ID!
              sign(lang: String @fromContext(field: "$ward { lang }")): String
              near(floor: Int @fromContext(field: "$ward { floor }"), at: Int): String
            }""",
            roots={"wards": wards},
            entities={"Bed": [{"id": n, "sign": said, "near": said} for n in "1234"]},
        ),
        b=Subgraph("type Query { b: Int }"),
    )

    def answered(number: str, lang: str | None, floor: int) -> dict[str, str]:
        return {
            "s": f"{number} {{'lang': {lang!r}}}",
            "near": f"{number} {{'at': 7, 'floor': {floor}}}",
        }

    await federation.answers(
        "{ wards { beds { s: sign near(at: 7) } } }",
        {
            "wards": [
                {"beds": [answered("1", "hi", 1), answered("2", "hi", 1)]},
                {"beds": [answered("3", "hi", 2)]},
                {"beds": [answered("4", None, 1)]},
            ]
        },
        "a a",
    )


async def test_what_a_call_without_objects_alone_uses_is_not_declared() -> None:
    federation = Federation(
        a=Subgraph(
            """type Query { wards: [Ward] }
            type Ward @context(name: "ward") { lang: String beds: [Bed] }
            type Bed @key(fields: "id") { id: ID!
              sign(lang: String @fromContext(field: "$ward { lang }"), at: Int): String }""",
            roots={"wards": [{"lang": "hi", "beds": [{"id": "1"}]}]},
            entities={"Bed": [{"id": "1", "sign": lambda bed, lang, at=0: f"{lang} {at}"}]},
        ),
        b=Subgraph("type Query { b: Int }"),
    )
    query = """query($on: Boolean!, $at: Int) {
      wards { beds { sign } } others: wards @include(if: $on) { beds { sign(at: $at) } } }"""
    told = {"wards": [{"beds": [{"sign": "hi 0"}]}]}
    await federation.answers(query, told, "a a", on=False, at=7)
    told["others"] = [{"beds": [{"sign": "hi 7"}]}]
    await federation.answers(query, told, "a a", on=True, at=7)
