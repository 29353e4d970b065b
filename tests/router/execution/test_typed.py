"""Operations that come often read their answers as typed objects; nobody can tell but by the cost."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest

from router.execution import (
    ExecutionOptions,
    InFlight,
    SubgraphAnswer,
    SubgraphClient,
    SubgraphRequest,
)
from router.execution.compiled import CompiledOperation
from router.execution.program import MISREAD
from router.execution.typed import MAX_NEW
from router.planning.plan import OperationKind
from router.server.keyed import keyed
from tests.router.execution.scripted import (
    Scripted,
    call,
    compiled,
    entities,
    errors,
    plan,
    response,
    root,
    run,
)
from tests.router.execution.wired import TYPED, wired

SDL = """
scalar Any
enum Kind { ONE TWO }
type Query { list: [Thing] must: Thing! class: Thing }
type Mutation { make: Thing }
type Thing { id: ID! from: String count: Int ratio: Float ok: Boolean kind: Kind any: Any
  grid: [[Int!]] self: Thing }
"""
ALL = "{list{id from count ratio ok kind any grid self{id}}}"
THING = {
    "id": "1", "from": "here", "count": 3, "ratio": 0.5, "ok": True, "kind": "ONE",
    "any": {"deep": [1, None, "x"]}, "grid": [[1, 2], None, []], "self": {"id": "2"},
}  # fmt: skip


class Watched(Scripted):
    """Counts the requests that would have typed answers."""

    def __init__(self, *replies: Any) -> None:
        super().__init__(*replies)
        self.read = 0

    async def fetch(self, request: SubgraphRequest) -> SubgraphAnswer:
        self.read += request.reader is not None
        return await super().fetch(request)


def often(document: str, after: int = 0) -> CompiledOperation:
    made = plan(root(0, "s", document))
    return compiled(made, SDL, document, options=ExecutionOptions(typed_after=after))


async def ask(operation: CompiledOperation, subgraph: SubgraphClient) -> Any:
    return response(await operation.execute({}, wired({"s": subgraph})))


async def test_a_well_made_answer_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> Any:
        raise AssertionError("the plain form was needed")

    monkeypatch.setattr("router.execution.compiled.CompiledOperation._plain_answer", fail)
    subgraph = Watched({"data": {"list": [THING, None, {**THING, "self": None, "any": None}]}})
    found = await ask(often(ALL), subgraph)
    assert found["data"]["list"] == [THING, None, {**THING, "self": None, "any": None}]
    assert subgraph.read == 1


async def test_only_an_operation_that_came_before_has_types() -> None:
    subgraph = Watched({"data": {"list": [THING]}})
    operation = often(ALL, after=3)
    for _ in range(3):
        await ask(operation, subgraph)
    assert subgraph.read == 0
    assert (await ask(operation, subgraph))["data"]["list"] == [THING]
    assert subgraph.read == 1


@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        ("id", 7, "7"),
        ("id", 2**64 - 1, "18446744073709551615"),
        ("from", 7, None),
        ("count", 3.0, 3),
        ("count", 2**31, None),
        ("count", True, None),
        ("ratio", 2, 2),
        ("ratio", "2", None),
        ("ok", 1, None),
        ("kind", "THREE", None),
        ("any", [1.5, {"b": 2**63}], [1.5, {"b": 2**63}]),
        ("grid", [[1, None]], [None]),
        ("grid", 5, None),
        ("self", [], None),
        ("self", {}, None),
    ],
)
async def test_an_unexpected_value_is_shown_as_ever(field: str, value: Any, shown: Any) -> None:
    answer, _ = await run(
        plan(root(0, "s", ALL)), SDL, ALL, lambda: {"s": Scripted({"data": {"list": [{**THING, field: value}]}})}
    )  # fmt: skip
    (found,) = response(answer)["data"]["list"]
    assert found == {**THING, field: shown}


async def test_null_where_none_may_be_travels_up() -> None:
    document = "{must{id self{from}}}"
    answer, _ = await run(
        plan(root(0, "s", document)), SDL, document, lambda: {"s": Scripted({"data": {"must": {"id": None, "self": None}}})}
    )  # fmt: skip
    assert response(answer)["data"] is None
    assert errors(answer)[0][0] == ["must", "id"]


@pytest.mark.parametrize("data", [None, {}, {"list": None}])
async def test_an_answer_without_anything_is_an_answer(data: Any) -> None:
    await run(plan(root(0, "s", ALL)), SDL, ALL, lambda: {"s": Scripted({"data": data})})


async def test_keys_may_be_words_of_python() -> None:
    document = "{class{from if:id None:count def:self{lambda:from}}}"
    reply = {"from": "x", "if": "1", "None": 2, "def": {"lambda": "y"}}
    answer, _ = await run(
        plan(root(0, "s", document)), SDL, document, lambda: {"s": Scripted({"data": {"class": reply}})}
    )  # fmt: skip
    assert response(answer)["data"] == {"class": reply}


async def test_an_answer_with_errors_is_read_plainly() -> None:
    error = {"message": "no", "path": ["list", 0, "from"]}
    reply = {"data": {"list": [{**THING, "from": None}]}, "errors": [error]}
    answer, _ = await run(plan(root(0, "s", ALL)), SDL, ALL, lambda: {"s": Scripted(reply)})
    assert errors(answer)[0][0] == ["list", 0, "from"]


async def test_a_subgraph_that_is_often_misread_is_asked_as_before() -> None:
    subgraph = Watched({"data": {"list": [{**THING, "count": 3.0}]}})
    operation = often(ALL)
    for _ in range(MISREAD + 1):
        assert (await ask(operation, subgraph))["data"]["list"] == [THING]
    assert subgraph.read == MISREAD + 1
    await ask(operation, subgraph)
    assert subgraph.read == MISREAD + 1


async def test_a_rare_misread_changes_nothing() -> None:
    good, odd = ({"data": {"list": [{**THING, "count": each}]}} for each in (3, 3.0))
    subgraph = Watched(*[odd if n % 100 == 99 else good for n in range(2_500)], good)
    operation = often(ALL)
    for _ in range(2_501):
        await ask(operation, subgraph)
    assert subgraph.read == 2_501


async def test_what_the_reader_passes_over_must_be_json_all_the_same() -> None:
    """The plain form reads the whole answer, and says what is wrong with it."""

    class Broken:
        reads = True

        async def fetch(self, request: SubgraphRequest) -> SubgraphAnswer:
            body = b'{"data":{"list":[{"id":"1","kind":"THREE","more":"\xff"}]}}'
            assert request.reader is not None
            answer = request.reader(body)
            assert answer is not None
            return answer

        def subscribe(self, request: SubgraphRequest) -> Any:
            raise AssertionError

        async def aclose(self) -> None:
            """Nothing to close."""

    document = "{list{id kind}}"
    operation = compiled(plan(root(0, "s", document)), SDL, document, options=TYPED)
    answer = await operation.execute({}, {"s": Broken()})
    assert response(answer)["data"] == {"list": None}
    assert errors(answer) == [(["list"], "SUBREQUEST_MALFORMED_RESPONSE")]


async def test_who_reads_no_bytes_is_not_asked_for_types() -> None:
    subgraph = Watched({"data": {"list": [THING]}})
    operation = often(ALL)
    for _ in range(3):
        answer = await operation.execute({}, {"s": subgraph})
        assert response(answer)["data"]["list"] == [THING]
    assert subgraph.read == 0


async def test_typed_answers_are_shared_too() -> None:
    gate = asyncio.Event()

    async def slowly(_: SubgraphRequest) -> Any:
        await gate.wait()
        return {"data": {"list": [THING]}}

    subgraph = Watched(lambda request: slowly(request))
    shared = InFlight(wired({"s": subgraph})["s"])
    operation = often(ALL)
    asking = [asyncio.create_task(operation.execute({}, {"s": shared})) for _ in range(3)]
    await asyncio.sleep(0)
    gate.set()
    for answer in await asyncio.gather(*asking):
        assert orjson.loads(answer.body)["data"]["list"] == [THING]
    assert (len(subgraph.requests), subgraph.read) == (1, 1)


@pytest.mark.parametrize("with_key", [False, True])
async def test_entities_of_a_mutation_are_typed_too(with_key: bool) -> None:
    mutation = OperationKind.MUTATION
    made = plan(
        root(0, "s", "mutation{make{__typename id}}", kind=mutation),
        entities(1, "t", [0], call(("make",), {"Thing": ["id"]}, "...on Thing{from count}")),
        kind=mutation,
    )
    first = Watched({"data": {"make": {"__typename": "Thing", "id": "1"}}})
    second = Watched({"data": {"_entities": [{"from": "x", "count": 1}]}})
    operation = compiled(made, SDL, "mutation{make{count from id}}", options=TYPED)
    clients = wired({"s": first, "t": second})
    answer = await operation.execute({}, keyed(clients, "a scope")[0] if with_key else clients)
    assert answer.body == b'{"data":{"make":{"count":1,"from":"x","id":"1"}}}'
    assert (first.read, second.read) == (1, 1)


async def test_an_operation_whose_types_would_be_too_many_has_none() -> None:
    inside = "".join(f"a{n}:self{{b{n}:ok}}" for n in range(MAX_NEW))
    subgraph = Watched({"data": {"class": None}})
    assert (await ask(often(f"{{class{{{inside}}}}}"), subgraph))["data"] == {"class": None}
    assert subgraph.read == 0


@pytest.mark.parametrize("levels", [50, 100, 150])
async def test_a_deep_operation_is_answered_too(levels: int) -> None:
    document = "{class{" + "self{" * levels + "id" + "}" * levels + "}}"
    found: Any = {"id": "1"}
    for _ in range(levels):
        found = {"self": found}
    answer = await ask(often(document), Scripted({"data": {"class": found}}))
    assert answer == {"data": {"class": found}}


@pytest.mark.parametrize(
    ("field", "one", "other"),
    [
        ("count", 1, 2),
        ("count", 1, None),
        ("ok", True, False),
        ("kind", "ONE", "TWO"),
        ("id", "1", 1),
        ("ratio", 1, 1.0),
        ("ratio", 0.0, -0.0),
        ("any", 1, True),
        ("any", [{"a": 1}], [{"a": 1.0}]),
        ("grid", [[1], None], [[1], []]),
        ("self", None, {"id": "2", "ok": True}),
        ("self", {"id": "2", "ok": True}, {"id": "3", "ok": True}),
        ("self", {"id": "2", "ok": True}, {"id": "2", "ok": None}),
    ],
)
async def test_one_entity_in_many_places_is_shown_as_it_is_in_each(
    field: str, one: Any, other: Any
) -> None:
    """Equal objects of one entity are written once; those that differ are not."""
    selected = f"{field}{{id ok}}" if field == "self" else field
    made = plan(
        root(0, "s", f"{{list{{from {selected}}}}}"),
        entities(
            1, "t", [0], call(("list", "@"), {"Thing": ["from"]}, "...on Thing{count2:count}")
        ),
    )
    values = (one, one, other, one, other, other) * 3
    things = [{"from": "x", field: value} for value in values]
    document = f"{{list{{count2:count from {selected}}}}}"
    answer, clients = await run(
        made, SDL, document,
        lambda: {
            "s": Scripted({"data": {"list": things}}),
            "t": Scripted({"data": {"_entities": [{"count2": 5}]}}),
        },
    )  # fmt: skip
    shown = ["1" if field == "id" else value for value in values]
    listed = [{"count2": 5, "from": "x", field: value} for value in shown]
    assert answer.body == orjson.dumps({"data": {"list": listed}})
    assert len(clients["t"].representations[0]) == 1


async def test_an_entity_below_equal_ones_is_shown_with_what_was_brought_for_it() -> None:
    made = plan(
        root(0, "s", "{list{id self{id}}}"),
        entities(1, "t", [0], call(("list", "@"), {"Thing": ["id"]}, "...on Thing{from}")),
        entities(2, "u", [0], call(("list", "@", "self"), {"Thing": ["id"]}, "...on Thing{count}")),
    )
    things = [{"id": "1", "self": {"id": each}} for each in "223233" * 2]
    answer, _ = await run(
        made, SDL, "{list{id from self{count id}}}",
        lambda: {
            "s": Scripted({"data": {"list": things}}),
            "t": Scripted({"data": {"_entities": [{"from": "x"}]}}),
            "u": Scripted({"data": {"_entities": [{"count": 2}, {"count": 3}]}}),
        },
    )  # fmt: skip
    assert response(answer)["data"]["list"] == [
        {"id": "1", "from": "x", "self": {"count": int(each), "id": each}} for each in "223233" * 2
    ]
