"""Well-made answers never need the plain form, and trusted ones are not even read."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from graphql import build_schema, parse

from router.execution import ExecutionOptions, InFlight, SubgraphAnswer, SubgraphRequest
from router.execution.client import UNREAD
from router.execution.compiled import CompiledOperation, compile_operation
from router.planning.plan import OnTypes, Plan
from tests.router.execution.scripted import (
    Graph,
    Scripted,
    call,
    compiled,
    entities,
    needs,
    plan,
    response,
    root,
)

SDL = """
enum K { ONE TWO }
type Query { list: [T!]! s: [U] k: K text: String! m: [M] }
interface M { id: ID! n: Int }
type T implements M { id: ID! n: Int a: Int b: Int c: Int part: Part }
type Part { x: Int y: Int list: [Part] }
type V { id: ID! v: String }
union U = T | V
"""


def only_generated(monkeypatch: pytest.MonkeyPatch, made: Plan, document: str) -> CompiledOperation:
    def fail(*_: Any) -> Any:
        raise AssertionError("the plain form was needed")

    monkeypatch.setattr("router.execution.compiled.CompiledOperation._plain_answer", fail)
    monkeypatch.setattr("router.execution.run.Run._gather_plainly", fail)
    return compiled(made, SDL, document)


async def test_entities_that_follow_each_other_are_gathered_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = ("list", "@")
    made = plan(
        root(0, "a", "{list{__typename id}}"),
        entities(1, "b", [0], call(path, {"T": ["id"]}, "... on T{a}")),
        entities(2, "c", [1], call(path, {"T": ["id", needs("a")]}, "... on T{b}")),
        entities(3, "d", [2], call(path, {"T": ["id", needs("b")]}, "... on T{c}")),
    )
    operation = only_generated(monkeypatch, made, "{list{id a b c}}")
    ids = ["1", "2", "1", "3", "1", "2", "1", "2", "1", "1", "2", "3"]
    clients = {
        "a": Scripted({"data": {"list": [{"__typename": "T", "id": i} for i in ids]}}),
        # the second entity is unknown, so nothing more is asked about it
        "b": Scripted({"data": {"_entities": [{"a": 7}, None, {"a": None}]}}),
        "c": Scripted({"data": {"_entities": [{"b": 1}, {"b": 1}]}}),
        "d": Scripted({"data": {"_entities": [{"c": 8}, {"c": 9}]}}),
    }
    answer = await operation.execute({}, clients)
    assert clients["c"].representations == [
        [{"__typename": "T", "id": "1", "a": 7}, {"__typename": "T", "id": "3", "a": None}]
    ]
    wanted = {
        "1": {"id": "1", "a": 7, "b": 1, "c": 8},
        "2": {"id": "2", "a": None, "b": None, "c": None},
        "3": {"id": "3", "a": None, "b": 1, "c": 9},
    }
    assert response(answer)["data"] == {"list": [wanted[i] for i in ids]}
    assert not answer.errors


async def test_objects_that_two_answers_bring_together_are_joined(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = plan(
        root(0, "a", "{list{__typename id part{x list{x}}}}"),
        entities(1, "b", [0], call(("list", "@"), {"T": ["id"]}, "... on T{part{y list{y}} n}")),
        root(2, "c", "{list{__typename a part{x}}}"),
    )
    operation = only_generated(monkeypatch, made, "{list{id a n part{x y list{x y}}}}")
    one = {"__typename": "T", "id": "1", "part": {"x": 1, "list": [{"x": 2}, None]}}
    two = {"__typename": "T", "id": "2", "part": None}
    part = {"n": 5, "part": {"y": 3, "list": [{"y": 4}, {"y": 5}]}}
    clients = {
        "a": Scripted({"data": {"list": [one, two]}}),
        "b": Scripted({"data": {"_entities": [part, {"n": None, "part": {"y": 6}}]}}),
        "c": Scripted({"data": {"list": [{"__typename": "T", "a": 9}, {"__typename": "T"}]}}),
    }
    answer = await operation.execute({}, clients)
    assert response(answer)["data"]["list"] == [
        {"id": "1", "a": 9, "n": 5, "part": {"x": 1, "y": 3, "list": [{"x": 2, "y": 4}, {"x": None, "y": 5}]}},
        {"id": "2", "a": None, "n": None, "part": {"x": None, "y": 6, "list": None}},
    ]  # fmt: skip


async def test_abstract_types_and_type_conditions(monkeypatch: pytest.MonkeyPatch) -> None:
    made = plan(
        root(0, "a", "{s{__typename ... on T{id} ... on V{id}} m{__typename id}}"),
        entities(
            1,
            "b",
            [0],
            call(
                [("s", "@", OnTypes(("T",))), ("m", "@")],
                {"T": ["id"], "M": ["id"]},
                "... on T{n}",
            ),
        ),
    )
    operation = only_generated(
        monkeypatch, made, "{s{t:__typename ... on T{n} ... on V{id}} m{n __typename}}"
    )
    clients = {
        "a": Scripted(
            {
                "data": {
                    "s": [{"__typename": "V", "id": "v"}, {"__typename": "T", "id": "1"}, None],
                    "m": [{"__typename": "T", "id": "1"}, {"__typename": "T", "id": "2"}],
                }
            }
        ),
        "b": Scripted({"data": {"_entities": [{"n": 1}, {"n": 2}]}}),
    }
    answer = await operation.execute({}, clients)
    assert len(clients["b"].representations[0]) == 2
    assert response(answer)["data"] == {
        "s": [{"t": "V", "id": "v"}, {"t": "T", "n": 1}, None],
        "m": [{"n": 1, "__typename": "T"}, {"n": 2, "__typename": "T"}],
    }


async def test_requests_that_share_all_answers_share_the_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = plan(
        root(0, "a", "{list{__typename id}}"),
        entities(1, "b", [0], call(("list", "@"), {"T": ["id"]}, "... on T{a}")),
    )
    operation = only_generated(monkeypatch, made, "{list{a}}")
    clients = {
        "a": InFlight(Scripted({"data": {"list": [{"__typename": "T", "id": "1"}]}})),
        "b": InFlight(Scripted({"data": {"_entities": [{"a": 1}]}})),
    }
    answers = await asyncio.gather(*(operation.execute({}, clients) for _ in range(4)))
    assert len({id(each) for each in answers}) == 1
    assert answers[0].body == b'{"data":{"list":[{"a":1}]}}'
    alone = await operation.execute({}, clients)
    assert alone is not answers[0]


def test_generated_code_holds_no_text_of_the_client() -> None:
    document = "{ list { n } text } # import os"
    text = compiled(plan(root(0, "a", "{list{n} text}")), SDL, document).generated_text()
    assert "import os" not in text
    compile(text, "generated", "exec")


async def test_an_object_of_more_answers_than_python_nests_is_written_all_the_same() -> None:
    count = 250
    fields = " ".join(f"f{n}: Int" for n in range(count))
    sdl = f"type Query {{ list: [T!]! }} type T {{ id: ID! {fields} }}"
    path = ("list", "@")
    made = plan(
        root(0, "a", "{list{__typename id}}"),
        *(
            entities(n + 1, "b", [n], call(path, {"T": ["id"]}, f"... on T{{f{n}}}"))
            for n in range(count)
        ),
    )
    operation = compiled(made, sdl, f"{{list{{{' '.join(f'f{n}' for n in range(count))}}}}}")
    listed = [{"__typename": "T", "id": id} for id in "1212"]
    clients = {
        "a": Scripted({"data": {"list": listed}}),
        "b": Scripted(
            *({"data": {"_entities": [{f"f{n}": n}, {f"f{n}": -n}]}} for n in range(count))
        ),
    }
    found = response(await operation.execute({}, clients))["data"]["list"]
    one, two = ({f"f{n}": sign * n for n in range(count)} for sign in (1, -1))
    assert found == [one, two, one, two]


async def test_code_that_would_take_long_to_compile_is_done_without() -> None:
    names = [f"n{number}" for number in range(3_000)]
    selection = " ".join(f"{name}:n" for name in names)
    made = plan(root(0, "a", f"{{m{{__typename {selection}}}}}"))
    operation = compiled(made, SDL, f"{{m{{{selection}}}}}")
    brought = {"m": [{"__typename": "T", **dict.fromkeys(names, 1)}]}
    answer = await operation.execute({}, {"a": Scripted({"data": brought})})
    assert operation.prepared({}).projector is None
    assert response(answer) == {"data": {"m": [dict.fromkeys(names, 1)]}}


class Raw:
    def __init__(self, body: bytes) -> None:
        self.body = body
        self.asked_raw: list[bool] = []

    async def fetch(self, request: SubgraphRequest) -> SubgraphAnswer:
        self.asked_raw.append(request.raw)
        return SubgraphAnswer(UNREAD, raw=self.body)

    def subscribe(self, request: SubgraphRequest) -> Any:
        raise AssertionError

    async def aclose(self) -> None:
        """Nothing to close."""


def trusting(
    sent: str, asked: str, *, trusted: frozenset[str] = frozenset({"a"}), api: str = SDL
) -> CompiledOperation:
    return compile_operation(
        plan(root(0, "a", sent)),
        parse(asked),
        None,
        build_schema(api),
        Graph(build_schema(SDL)),
        options=ExecutionOptions(trusted=trusted),
    )


async def test_a_trusted_subgraph_s_bytes_pass_through_unread() -> None:
    operation = trusting("{list{id k:n}text}", "{list{id k:n}text}")
    client = Raw(b'{"data":{"anything":"at all"}}')
    answer = await operation.execute({}, {"a": client})
    assert client.asked_raw == [True]
    assert answer.body == client.body


@pytest.mark.parametrize(
    ("sent", "asked"),
    [
        ("{list{id n}}", "{list{n id}}"),
        ("{list{id n}}", "{list{id}}"),
        ("{list{__typename id}}", "{list{id}}"),
        ("{list{id}}", "{list{id} __typename}"),
        ("{list{id}}", "query($a:Boolean=true){list{id @include(if:$a)}}"),
        ("{m{id}}", "{m{id}}"),
        ("{s{__typename}}", "{s{__typename}}"),
    ],
)
def test_what_needs_reshaping_is_read(sent: str, asked: str) -> None:
    assert not trusting(sent, asked).program.raw


def test_what_could_hold_a_hidden_value_or_comes_from_elsewhere_is_read() -> None:
    assert trusting("{k}", "{k}").program.raw
    assert not trusting("{k}", "{k}", api=SDL.replace("ONE TWO", "ONE")).program.raw
    assert not trusting("{k}", "{k}", trusted=frozenset({"b"})).program.raw
