"""When fetches start, what they share, and how executions end (R8.1, R8.6, R8.12, R8.25, R8.26)."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest

from router.errors import OperationInvalid, SubgraphError
from router.execution import (
    Admission,
    InFlight,
    SubgraphAnswer,
    SubgraphRequest,
    execute_incrementally,
)
from router.planning.plan import (
    ContextArgument,
    Deferred,
    InputField,
    OperationKind,
    VariableUse,
    When,
)
from tests.patience import PATIENCE
from tests.router.execution.scripted import (
    UNREACHABLE,
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

SDL = """
type Query { a: T b: T }
type T { id: ID! x: Int y: Int z: Int! n: T }
type Mutation { one: Int two: Int }
type Subscription { ev: T }
"""
KEY = {"T": ["id"]}


def entity(number: int, name: str, after: list[int], path: tuple[str, ...], field: str) -> Any:
    return entities(number, name, after, call(path, KEY, f"... on T{{{field}}}"))


async def test_a_fetch_waits_only_for_its_own_parents() -> None:
    started = asyncio.Event()

    async def slow(_: SubgraphRequest) -> Any:
        await asyncio.wait_for(started.wait(), PATIENCE)
        return {"data": {"a": {"__typename": "T", "id": "1"}}}

    def second(_: SubgraphRequest) -> Any:
        started.set()
        return {"data": {"_entities": [{"x": 1}]}}

    made = plan(
        root(0, "slow", "{a{__typename id}}"),
        root(1, "quick", "{b{__typename id}}"),
        entity(2, "second", [1], ("b",), "x"),
    )
    quick = {"data": {"b": {"__typename": "T", "id": "2"}}}
    operation = compiled(made, SDL, "{a{id} b{x}}")
    clients = {"slow": Scripted(slow), "quick": Scripted(quick), "second": Scripted(second)}
    answer = await operation.execute({}, clients)
    assert response(answer)["data"] == {"a": {"id": "1"}, "b": {"x": 1}}


async def test_a_failed_parent_releases_its_children_and_siblings_live() -> None:
    made = plan(
        root(0, "dead", "{a{__typename id}}"),
        root(1, "alive", "{b{__typename id x}}"),
        entity(2, "child", [0], ("a",), "x"),
        entities(3, "both", [0, 1], call([("a",), ("b",)], KEY, "... on T{y}")),
    )
    answer, asked = await run(
        made,
        SDL,
        "{a{x} b{x y}}",
        lambda: {
            "dead": Scripted(UNREACHABLE),
            "alive": Scripted({"data": {"b": {"__typename": "T", "id": "2", "x": 5}}}),
            "child": Scripted({"data": {"_entities": []}}),
            "both": Scripted({"data": {"_entities": [{"y": 6}]}}),
        },
    )
    assert not asked["child"].requests
    assert asked["both"].representations == [[{"__typename": "T", "id": "2"}]]
    assert response(answer)["data"] == {"a": None, "b": {"x": 5, "y": 6}}
    assert errors(answer) == [(["a"], "SUBREQUEST_HTTP_ERROR")]


@pytest.mark.parametrize("wanted", [True, False])
async def test_a_fetch_whose_condition_fails_is_not_sent_and_counts_as_finished(
    wanted: bool,
) -> None:
    made = plan(
        root(0, "s", "{a{__typename id}}", when=(When("c", True),)),
        entity(1, "t", [0], ("a",), "x"),
    )
    answer, asked = await run(
        made,
        SDL,
        "query($c:Boolean!){a @include(if:$c){x}}",
        lambda: {
            "s": Scripted({"data": {"a": {"__typename": "T", "id": "1"}}}),
            "t": Scripted({"data": {"_entities": [{"x": 1}]}}),
        },
        variables={"c": wanted},
    )
    assert len(asked["s"].requests) == len(asked["t"].requests) == int(wanted)
    assert response(answer)["data"] == ({"a": {"x": 1}} if wanted else {})


async def test_mutations_run_in_the_order_of_the_plan() -> None:
    log: list[str] = []

    def note(name: str) -> Any:
        async def reply(request: SubgraphRequest) -> Any:
            assert request.mutation
            log.append(f"{name} starts")
            await asyncio.sleep(0.01)
            log.append(f"{name} ends")
            return {"data": {name: 1}}

        return Scripted(reply)

    kind = OperationKind.MUTATION
    made = plan(
        root(0, "p", "mutation{one}", kind=kind),
        root(1, "q", "mutation{two}", kind=kind, after=(0,)),
        kind=kind,
    )
    operation = compiled(made, SDL, "mutation{two one}")
    answer = await operation.execute({}, {"p": note("one"), "q": note("two")})
    assert log == ["one starts", "one ends", "two starts", "two ends"]
    assert answer.body == b'{"data":{"two":1,"one":1}}'


async def test_only_variables_that_are_present_are_sent() -> None:
    made = plan(
        root(
            0,
            "s",
            "query($i:Int,$j:Int=4){a{x}}",
            variables=(VariableUse("i", "Int"), VariableUse("j", "Int", "4")),
        )
    )
    operation = compiled(made, SDL, "query($i:Int,$j:Int=4,$k:[Int!]){a{x}}")
    client = Scripted({"data": {"a": None}})
    await operation.execute(operation.coerce({"k": 3}), {"s": client})
    assert client.requests[0].variables == {"j": 4}
    await operation.execute(operation.coerce({"i": None}), {"s": client})
    assert client.requests[1].variables == {"i": None, "j": 4}


@pytest.mark.parametrize(
    ("document", "variables"),
    [
        ("query($i:Int!){a{x}}", {}),
        ("query($i:Int!){a{x}}", None),
        ("query($i:Int!){a{x}}", {"i": None}),
        ("query($i:Int){a{x}}", {"i": "1"}),
        ("query($i:Int){a{x}}", {"i": 2**40}),
        ("query($i:[Int!]){a{x}}", {"i": [1, None]}),
        ("query($i:Boolean){a{x}}", {"i": "true"}),
        ("query($i:I){a{x}}", {"i": {"unknown": 1}}),
        ("query($i:I){a{x}}", {"i": {}}),
        ("query($i:I){a{x}}", {"i": {"k": "NOPE", "r": 1}}),
        ("query($i:Boolean=true){a{x @include(if:$i)}}", {"i": None}),
        ("query($i:Boolean){a{x ...@defer(if:$i){y}}}", {"i": None}),
    ],
)
async def test_variables_that_do_not_fit_are_refused_before_anything_is_sent(
    document: str, variables: Any
) -> None:
    sdl = SDL + "enum K{A} input I{k:K r:Int! d:Int!=3 i:[I!]}"
    operation = compiled(plan(), sdl, document)
    with pytest.raises(OperationInvalid) as caught:
        operation.coerce(variables)
    assert caught.value.error_code == "BAD_USER_INPUT"
    assert caught.value.errors


async def test_variables_that_fit_travel_as_they_came() -> None:
    sdl = SDL + "enum K{A} input I{k:K r:Int! d:Int!=3 i:[I!]}"
    operation = compiled(plan(), sdl, "query($i:[I!],$d:ID,$f:Float=1){a{x}}")
    given = {"i": {"r": 1, "k": "A", "i": [{"r": 2.0, "k": None}]}, "d": 7, "other": 1}
    assert operation.coerce(given) == {"i": given["i"], "d": 7, "f": 1}


async def test_a_variable_that_decides_a_condition_may_be_left_out_for_its_default() -> None:
    document = "query($i:Boolean=false,$d:Boolean){a{x @include(if:$i) ...@defer(if:$d){y}}}"
    operation = compiled(plan(), SDL, document)
    assert operation.coerce({}) == {"i": False}
    assert operation.coerce({"i": True, "d": False}) == {"i": True, "d": False}


async def test_cancelling_an_execution_cancels_its_requests() -> None:
    cancelled = asyncio.Event()

    async def forever(_: SubgraphRequest) -> Any:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    operation = compiled(plan(root(0, "s", "{a{x}}")), SDL, "{a{x}}")
    task = asyncio.ensure_future(operation.execute({}, {"s": Scripted(forever)}))
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.wait_for(cancelled.wait(), PATIENCE)
    with pytest.raises(asyncio.CancelledError):
        await task


# in flight


def waiting(release: asyncio.Event) -> Any:
    async def reply(_: SubgraphRequest) -> Any:
        await release.wait()
        return {"data": {"a": 1}}

    return reply


async def test_identical_queries_in_flight_are_sent_once() -> None:
    release = asyncio.Event()
    inner = Scripted(waiting(release))
    client = InFlight(inner)
    same = [client.fetch(SubgraphRequest("{a}", {"i": 1})) for _ in range(3)]
    other = [
        client.fetch(SubgraphRequest("{a}", {"i": 2})),
        client.fetch(SubgraphRequest("{a}", {"i": 1}, headers={"authorization": "x"})),
        client.fetch(SubgraphRequest("{b}", {"i": 1})),
    ]
    tasks = [asyncio.ensure_future(each) for each in same + other]
    await asyncio.sleep(0.01)
    assert len(inner.requests) == 4
    release.set()
    answers = await asyncio.gather(*tasks)
    assert answers[0] is answers[1] is answers[2]
    await client.fetch(SubgraphRequest("{a}", {"i": 1}))
    assert len(inner.requests) == 5, "an answer is not kept once it is given"


async def test_mutations_are_never_shared() -> None:
    release = asyncio.Event()
    inner = Scripted(waiting(release))
    client = InFlight(inner)
    request = SubgraphRequest("mutation{a}", {}, mutation=True)
    tasks = [asyncio.ensure_future(client.fetch(request)) for _ in range(2)]
    await asyncio.sleep(0.01)
    assert len(inner.requests) == 2
    release.set()
    await asyncio.gather(*tasks)


async def test_a_leader_that_is_cancelled_does_not_cancel_its_followers() -> None:
    release = asyncio.Event()
    inner = Scripted(waiting(release))
    client = InFlight(inner)
    leader, follower = (
        asyncio.ensure_future(client.fetch(SubgraphRequest("{a}", {}))) for _ in range(2)
    )
    await asyncio.sleep(0.01)
    leader.cancel()
    await asyncio.sleep(0)
    release.set()
    assert (await follower).data == {"a": 1}
    assert len(inner.requests) == 1


async def test_a_shared_request_is_cancelled_when_the_last_has_left() -> None:
    cancelled = asyncio.Event()

    async def forever(_: SubgraphRequest) -> Any:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    client = InFlight(Scripted(forever))
    tasks = [asyncio.ensure_future(client.fetch(SubgraphRequest("{a}", {}))) for _ in range(2)]
    await asyncio.sleep(0.01)
    for task in tasks:
        task.cancel()
    await asyncio.wait_for(cancelled.wait(), PATIENCE)
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_shared_failure_is_everybody_s_failure() -> None:
    async def fail(_: SubgraphRequest) -> Any:
        await asyncio.sleep(0.01)
        return SubgraphError("no", code="SUBREQUEST_TIMEOUT")

    client = InFlight(Scripted(fail))
    outcomes = await asyncio.gather(
        *(client.fetch(SubgraphRequest("{a}", {})) for _ in range(3)), return_exceptions=True
    )
    assert all(isinstance(each, SubgraphError) for each in outcomes)


async def test_shared_answers_serve_requests_that_complete_them_differently() -> None:
    made = plan(
        root(0, "s", "{a{__typename id x}}"),
        entity(1, "t", [0], ("a",), "y"),
        entity(2, "u", [0], ("a",), "z"),
    )
    shared = {
        "s": InFlight(Scripted({"data": {"a": {"__typename": "T", "id": "1", "x": 1}}})),
        "t": InFlight(Scripted({"data": {"_entities": [{"y": 2}]}})),
        "u": InFlight(Scripted({"data": {"_entities": [{"z": None}]}})),
    }
    documents = ["{a{x y}}", "{a{z}}", "{a{y id}}", "{a{__typename}}"]
    answers = await asyncio.gather(
        *(compiled(made, SDL, each).execute({}, shared) for each in documents)
    )
    assert [response(each)["data"] for each in answers] == [
        {"a": {"x": 1, "y": 2}},
        {"a": None},
        {"a": {"y": 2, "id": "1"}},
        {"a": {"__typename": "T"}},
    ]


# admission


async def test_admission_holds_back_while_answers_come_and_opens_when_none_comes() -> None:
    gate = Admission()
    order: list[int] = []
    for number in range(6):
        gate.when_idle(lambda number=number: order.append(number))
    assert order == [0, 1]
    for _ in range(5):
        gate.answered()
        await asyncio.sleep(0.0005)
    gate.leave()
    assert order[:3] == [0, 1, 2]
    async with asyncio.timeout(PATIENCE):
        while len(order) < 6:
            await asyncio.sleep(0.001)
    assert order == list(range(6))
    assert (gate.running, gate.waiting) == (5, 0)


async def test_requests_that_are_over_at_once_pass_one_after_the_other() -> None:
    gate = Admission()
    gate.enter_now()
    gate.enter_now()
    passed = 0

    def start() -> None:
        nonlocal passed
        passed += 1
        gate.leave()

    for _ in range(5_000):  # nested, they would not fit on the stack
        gate.when_idle(start)
    gate.leave()
    assert (passed, gate.running, gate.waiting) == (5_000, 1, 0)


# context arguments


WARDS = "type Query{w:[Ward]} type Ward{lang:String bed:[Bed]} type Bed{id:ID! sign:String}"
SIGN = plan(
    root(0, "a", "{w{__typename lang bed{__typename id}}}"),
    entities(
        1,
        "a2",
        [0],
        call(
            ("w", "@", "bed", "@"),
            {"Bed": ["id"]},
            "... on Bed{sign(l:$ctx)}",
            context=(ContextArgument("ctx", "String", 1, (InputField("lang", "lang"),)),),
        ),
    ),
)


def ward(lang: str, *beds: str) -> dict[str, Any]:
    return {
        "__typename": "Ward",
        "lang": lang,
        "bed": [{"__typename": "Bed", "id": each} for each in beds],
    }


async def test_objects_with_different_context_have_a_field_each_in_one_request() -> None:
    def sign(request: SubgraphRequest) -> Any:
        given = request.variables
        return {
            "data": {
                "_entities": [
                    {"sign": f"{given['ctx']}{b['id']}"} for b in given["representations"]
                ],
                "_entities_1": [
                    {"sign": f"{given['ctx_1']}{b['id']}"} for b in given["representations_1"]
                ],
            }
        }

    wards = [ward("hi", "1", "2"), ward("ta", "1"), ward("hi", "2")]
    answer, asked = await run(
        SIGN,
        WARDS,
        "{w{bed{sign}}}",
        lambda: {"a": Scripted({"data": {"w": wards}}), "a2": Scripted(sign)},
    )
    (request,) = asked["a2"].requests
    assert "_entities_1:_entities(representations:$representations_1)" in request.operation
    assert "sign(l:$ctx_1)" in request.operation
    assert response(answer)["data"]["w"] == [
        {"bed": [{"sign": "hi1"}, {"sign": "hi2"}]},
        {"bed": [{"sign": "ta1"}]},
        {"bed": [{"sign": "hi2"}]},
    ]


async def test_errors_of_objects_with_different_context_find_their_places() -> None:
    reply = {
        "data": {"_entities": [{"sign": "x"}], "_entities_1": [{"sign": None}]},
        "errors": [{"message": "no", "path": ["_entities_1", 0, "sign"]}],
    }
    answer, _ = await run(
        SIGN,
        WARDS,
        "{w{bed{sign}}}",
        lambda: {
            "a": Scripted({"data": {"w": [ward("hi", "1"), ward("ta", "2")]}}),
            "a2": Scripted(reply),
        },
    )
    found = response(answer)
    assert found["data"]["w"] == [{"bed": [{"sign": "x"}]}, {"bed": [{"sign": None}]}]
    assert [error["path"] for error in found["errors"]] == [["w", 1, "bed", 0, "sign"]]


async def test_more_contexts_than_fields_in_a_request_travel_in_several() -> None:
    def sign(request: SubgraphRequest) -> Any:
        lists = [name for name in request.variables if name.startswith("representations")]
        names = [name.replace("representations", "_entities") for name in lists]
        return {"data": {name: [{"sign": "x"}] for name in names}}

    wards = [ward(f"l{number}", str(number)) for number in range(150)]
    answer, asked = await run(
        SIGN,
        WARDS,
        "{w{bed{sign}}}",
        lambda: {"a": Scripted({"data": {"w": wards}}), "a2": Scripted(sign)},
    )
    assert len(asked["a2"].requests) == 2
    assert response(answer)["data"]["w"] == [{"bed": [{"sign": "x"}]}] * 150


# subscriptions


SUBSCRIPTION = plan(
    root(0, "s", "subscription{ev{__typename id}}", kind=OperationKind.SUBSCRIPTION),
    entity(1, "t", [0], ("ev",), "x"),
    kind=OperationKind.SUBSCRIPTION,
)


async def test_every_event_is_completed_by_the_rest_of_the_plan() -> None:
    operation = compiled(SUBSCRIPTION, SDL, "subscription{ev{x id}}")
    source = Scripted(
        {"data": {"ev": {"__typename": "T", "id": "1"}}},
        {"data": {"ev": None}, "errors": [{"message": "once", "path": ["ev"]}]},
        {"data": {"ev": {"__typename": "T", "id": "2"}}},
    )
    rest = Scripted({"data": {"_entities": [{"x": 1}]}}, {"data": {"_entities": [{"x": 2}]}})
    found = [answer async for answer in operation.subscribe({}, {"s": source, "t": rest})]
    assert [response(each)["data"] for each in found] == [
        {"ev": {"x": 1, "id": "1"}},
        {"ev": None},
        {"ev": {"x": 2, "id": "2"}},
    ]
    assert errors(found[1]) == [(["ev"], "DOWNSTREAM_SERVICE_ERROR")]


async def test_a_source_that_breaks_yields_one_last_error() -> None:
    operation = compiled(SUBSCRIPTION, SDL, "subscription{ev{id}}")
    source = Scripted({"data": {"ev": None}}, SubgraphError("broke off"))
    found = [answer async for answer in operation.subscribe({}, {"s": source, "t": Scripted({})})]
    assert [errors(each) for each in found] == [[], [(["ev"], "SUBREQUEST_HTTP_ERROR")]]
    found = [answer async for answer in operation.subscribe({}, {})]
    assert len(found) == 1
    assert found[0].errors


async def test_closing_the_iterator_closes_the_source() -> None:
    closed = asyncio.Event()

    class Source(Scripted):
        async def subscribe(self, request: SubgraphRequest) -> Any:
            try:
                while True:
                    yield SubgraphAnswer({"ev": None})
            finally:
                closed.set()

    events = compiled(SUBSCRIPTION, SDL, "subscription{ev{id}}").subscribe(
        {}, {"s": Source(), "t": Scripted({})}
    )
    await anext(events)
    await events.aclose()  # type: ignore[attr-defined]
    assert closed.is_set()


# @defer

DEFERRED = plan(
    root(0, "s", "{a{__typename id}}"),
    entity(1, "t", [0], ("a",), "x"),
    entity(2, "u", [0], ("a",), "z n{id}"),
    deferred=(
        Deferred(label="d0", client_label="late", path=("a",), selection="{z n{id}}", fetches=(2,)),
    ),
)
DEFERRING = '{a{id x ... @defer(label:"late"){z n{id}}}}'


def deferring(z: Any) -> dict[str, Scripted]:
    async def late(_: SubgraphRequest) -> Any:
        await asyncio.sleep(0.02)
        return z

    return {
        "s": Scripted({"data": {"a": {"__typename": "T", "id": "1"}}}),
        "t": Scripted({"data": {"_entities": [{"x": 1}]}}),
        "u": Scripted(late),
    }


async def test_a_deferred_part_comes_when_its_fetches_are_in() -> None:
    operation = compiled(DEFERRED, SDL, DEFERRING)
    assert operation.is_incremental
    clients = deferring({"data": {"_entities": [{"z": 3, "n": {"id": "9"}}]}})
    parts = [part async for part in execute_incrementally(operation, {}, clients)]
    assert [orjson.loads(part.body) for part in parts] == [
        {
            "data": {"a": {"id": "1", "x": 1}},
            "pending": [{"id": "0", "path": ["a"], "label": "late"}],
            "hasNext": True,
        },
        {
            "incremental": [{"id": "0", "data": {"z": 3, "n": {"id": "9"}}}],
            "completed": [{"id": "0"}],
            "hasNext": False,
        },
    ]
    assert [part.has_next for part in parts] == [True, False]
    clients = deferring({"data": {"_entities": [{"z": 3, "n": None}]}})
    parts = [p async for p in execute_incrementally(operation, {}, clients, legacy=True)]
    assert [orjson.loads(part.body) for part in parts] == [
        {"data": {"a": {"id": "1", "x": 1}}, "hasNext": True},
        {
            "incremental": [{"data": {"z": 3, "n": None}, "path": ["a"], "label": "late"}],
            "hasNext": False,
        },
    ]


async def test_a_null_that_cannot_be_fails_its_deferred_part_alone() -> None:
    operation = compiled(DEFERRED, SDL, DEFERRING)
    clients = deferring({"data": {"_entities": [{"z": None, "n": None}]}})
    parts = [part async for part in execute_incrementally(operation, {}, clients)]
    last = orjson.loads(parts[-1].body)
    assert last["completed"][0]["id"] == "0"
    assert last["completed"][0]["errors"][0]["path"] == ["a", "z"]
    assert "incremental" not in last


async def test_without_increments_the_whole_answer_comes_at_once() -> None:
    operation = compiled(DEFERRED, SDL, DEFERRING)
    clients = deferring({"data": {"_entities": [{"z": 3, "n": None}]}})
    answer = await operation.execute({}, clients)
    assert response(answer) == {"data": {"a": {"id": "1", "x": 1, "z": 3, "n": None}}}


async def test_a_deferred_part_of_nothing_is_not_announced() -> None:
    operation = compiled(DEFERRED, SDL, DEFERRING)
    clients = deferring({"data": {}}) | {"s": Scripted({"data": {"a": None}})}
    parts = [part async for part in execute_incrementally(operation, {}, clients)]
    assert [orjson.loads(part.body) for part in parts] == [{"data": {"a": None}, "hasNext": False}]
