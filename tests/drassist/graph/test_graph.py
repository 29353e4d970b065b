from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, TypeAlias

import pytest
import strawberry
from starlette.testclient import TestClient

from drassist import graph
from drassist.graph import ID
from drassist.runtime.database import VersionConflict
from drassist.runtime.identity import Identity, Role, TrustedIdentity, command, reads
from drassist.runtime.settings import LimitSettings


class Services:
    """Counts how often it is asked."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.closed = 0


Info: TypeAlias = strawberry.Info[graph.Context[Services], None]


async def texts(services: Services, ids: Sequence[str]) -> dict[str, str]:
    services.batches.append(list(ids))
    return {id: f"text of {id}" for id in ids if id != "gone"}


@graph.entity("A note.", keys=["id", "number author { id }"])
class Note(graph.Entity):
    id: ID = graph.field("Its id.")
    text: str = graph.field("What it says.", phi=True, scopes=reads("Composition"))

    @classmethod
    @graph.reference("id")
    async def by_id(cls, info: Info, id: ID) -> Note | None:
        text = await info.context.load(texts, str(id))
        return None if text is None else cls(id=id, text=text)

    @classmethod
    @graph.reference("number author { id }")
    async def by_number(cls, info: Info, number: int, author: dict[str, Any]) -> Note | None:
        return cls(id=ID(f"{author['id']}/{number}"), text="by number")


@graph.entity("Somebody known elsewhere.")
class Person(graph.Entity):
    id: ID = graph.field("Their id.")
    body_weight: Decimal | None = graph.field("Known elsewhere.", external=True, default=None)
    born_at: datetime | None = graph.field("Known elsewhere.", external=True, default=None)

    @graph.resolver("Twice the weight.", requires=["bodyWeight"])
    def double(self) -> Decimal | None:
        return None if self.body_weight is None else self.body_weight * 2

    @graph.resolver("The year.", requires=["bornAt"])
    def year(self) -> int | None:
        return None if self.born_at is None else self.born_at.year


@graph.type("What saving gives.")
class SavePayload(graph.Payload):
    note: Note | None = graph.field("The note.", default=None)


@graph.type("Questions.")
class Query:
    @graph.resolver("Fails.")
    async def broken(self) -> int | None:
        raise RuntimeError("Sunita Devi has dengue")

    @graph.resolver("Gives back.")
    async def echo(
        self,
        amount: Annotated[Decimal | None, graph.arg("An amount.")] = None,
        at: Annotated[datetime | None, graph.arg("An instant.")] = None,
        birth: Annotated[graph.PartialDateText | None, graph.arg("A date.")] = None,
        text: Annotated[str | None, graph.arg("A text.")] = None,
    ) -> list[str]:
        return [repr(value) for value in (amount, at, birth, text) if value is not None]


@graph.type("Changes.")
class Mutation:
    @graph.mutation("Save.", scopes=command("note.sign"))
    async def save(self, info: Info, how: Annotated[str, graph.arg("How to fail.")]) -> SavePayload:
        match how:
            case "domain":
                raise graph.DomainError(graph.ErrorCode.NOT_FOUND, "There is none.", "how")
            case "version":
                raise VersionConflict("x", 1)
            case "bug":
                raise KeyError("Sunita")
            case _:
                return SavePayload(note=Note(id=ID("1"), text="x"))


@graph.type("Watching.")
class Subscription:
    @graph.subscription("Counts.", scopes=reads("Composition"))
    async def count(self, info: Info) -> AsyncIterator[int]:
        try:
            for number in range(1_000):
                yield number
                await asyncio.sleep(0)
        finally:
            info.context.services.closed += 1

    @graph.subscription("Notes.")
    async def notes(self, info: Info) -> AsyncIterator[Note]:
        for _ in range(3):
            note = await Note.by_id(info, ID("1"))
            assert note is not None
            yield note


schema = graph.build_schema(Query, Mutation, Subscription, types=[Note, Person])
DOCTOR = Identity.of(Role.DOCTOR)
AS_DOCTOR = TrustedIdentity.header({"sub": "doctor", "roles": ["doctor"]})


def make(services: Services, **options: Any) -> graph.Subgraph[Services]:
    @asynccontextmanager
    async def open_services() -> AsyncIterator[Services]:
        yield services

    return graph.Subgraph("things", schema, open_services, TrustedIdentity(), **options)


@pytest.fixture
async def things() -> AsyncIterator[graph.Subgraph[Services]]:
    async with make(Services()).lifespan() as running:
        yield running


ENTITIES = """query($r: [_Any!]!) { _entities(representations: $r) {
  ... on Note { id text } ... on Person { id double year } } }"""


async def test_entities_are_batched_typed_and_leave_the_representations_as_they_were(
    things: graph.Subgraph[Services],
) -> None:
    asked: list[dict[str, Any]] = [
        {"__typename": "Note", "id": "1"},
        {"__typename": "Note", "id": 2},
        {"__typename": "Note", "id": "1"},
        {"__typename": "Note", "id": "gone"},
        {"__typename": "Note", "number": 7, "author": {"__typename": "Person", "id": "p"}},
        {
            "__typename": "Person",
            "id": "p",
            "bodyWeight": "31.00",
            "bornAt": "1979-04-02T00:00:00Z",
        },
    ]
    before = copy.deepcopy(asked)
    answer = await things.execute(ENTITIES, {"r": asked}, identity=DOCTOR)
    assert "errors" not in answer
    assert answer["data"]["_entities"] == [
        {"id": "1", "text": "text of 1"},
        {"id": "2", "text": "text of 2"},
        {"id": "1", "text": "text of 1"},
        None,
        {"id": "p/7", "text": "by number"},
        {"id": "p", "double": "62.00", "year": 1979},
    ]
    assert things.services.batches == [["1", "2", "gone"]]
    assert asked == before


async def test_one_bad_representation_does_not_spoil_the_others(
    things: graph.Subgraph[Services],
) -> None:
    bad: list[Any] = [{"__typename": "Zork", "id": "1"}, {"__typename": "Note"}, "x", {}, {"id": "1"},
        {"__typename": "Query"}, {"__typename": "Note", "id": {"a": 1}}]  # fmt: skip
    answer = await things.execute(
        ENTITIES, {"r": [*bad, {"__typename": "Note", "id": "1"}]}, identity=DOCTOR
    )
    assert answer["data"]["_entities"] == [None] * len(bad) + [{"id": "1", "text": "text of 1"}]
    assert {e["extensions"]["code"] for e in answer["errors"]} == {"BAD_REPRESENTATION"}
    assert [e["path"][1] for e in answer["errors"]] == list(range(len(bad)))


async def test_our_faults_have_an_id_and_no_words(
    things: graph.Subgraph[Services], capsys: pytest.CaptureFixture[str]
) -> None:
    answer = await things.execute("{ broken }")
    [error] = answer["errors"]
    assert error["extensions"]["code"] == "INTERNAL_ERROR"
    log = capsys.readouterr().err
    assert error["extensions"]["errorId"] in log
    assert "Sunita" not in str(answer) + log


async def test_a_refusal_of_the_business_is_in_the_payload(
    things: graph.Subgraph[Services],
) -> None:
    save = "mutation($how: String!) { save(how: $how) { note { id } errors { code field } } }"

    async def saved(how: str) -> Any:
        return await things.execute(save, {"how": how}, identity=DOCTOR)

    assert (await saved("well"))["data"]["save"] == {"note": {"id": "1"}, "errors": []}
    assert (await saved("domain"))["data"]["save"]["errors"] == [
        {"code": "NOT_FOUND", "field": ["how"]}
    ]
    assert (await saved("version"))["data"]["save"]["errors"][0]["code"] == "VERSION_CONFLICT"
    assert (await saved("bug"))["errors"][0]["extensions"]["code"] == "INTERNAL_ERROR"


async def test_scopes_are_enforced_in_the_subgraph_too(things: graph.Subgraph[Services]) -> None:
    note = {"r": [{"__typename": "Note", "id": "1"}]}
    for identity, code in ((None, "UNAUTHENTICATED"), (Identity.of(Role.LAB), "FORBIDDEN")):
        answer = await things.execute(ENTITIES, note, identity=identity)
        assert answer["errors"][0]["extensions"]["code"] == code
        assert answer["errors"][0]["path"] == ["_entities", 0, "text"]
    watching = things.subscribe("subscription { count }")
    assert (await anext(watching))["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_scalars_are_exact_and_refuse_what_is_half_said(
    things: graph.Subgraph[Services],
) -> None:
    asked = """query($a: Decimal, $t: DateTime, $b: PartialDate, $s: String) {
      echo(amount: $a, at: $t, birth: $b, text: $s) }"""
    given = {"a": "7.00", "t": "2026-11-24T09:30:00+05:30", "b": "1979-04"}
    answer = await things.execute(asked, given)
    moment = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
    assert answer["data"]["echo"] == [repr(Decimal("7.00")), repr(moment), "'1979-04'"]
    for wrong in (
        {"a": 7.5},
        {"a": "NaN"},
        {"a": "1e999999"},
        {"t": "2026-11-24T09:30:00"},
        {"t": "yesterday"},
        {"b": "79"},
        {"s": "a\x00b"},
        {"s": "\ud800"},
    ):
        answer = await things.execute(asked, wrong)
        assert answer["errors"][0]["extensions"]["code"] == "BAD_REQUEST", wrong
    literal = await things.execute('{ echo(text: "a\\u0000b") }')
    assert literal["errors"][0]["extensions"]["code"] == "BAD_REQUEST"


async def test_an_operation_that_is_too_deep_or_too_long_is_refused() -> None:
    small = graph.build_schema(
        Query, types=[Note], limits=LimitSettings(depth=3, aliases=2, tokens=40)
    )
    subgraph = graph.Subgraph("small", small, _nothing, TrustedIdentity())
    async with subgraph.lifespan():
        for operation in (
            "{ __schema { types { fields { type { ofType { name } } } } } _service { sdl } "
            + "a: echo b: echo c: echo }",
            "{ " + " ".join(f"echo{n}: echo" for n in range(40)) + " }",
        ):
            answer = await subgraph.execute(operation)
            assert answer["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
        assert (await subgraph.execute("{ echo }"))["data"] == {"echo": []}


@asynccontextmanager
async def _nothing() -> AsyncIterator[Services]:
    yield Services()


async def test_closing_a_subscription_ends_what_it_listens_to(
    things: graph.Subgraph[Services],
) -> None:
    watching = things.subscribe("subscription { count }", identity=DOCTOR)
    assert (await anext(watching))["data"] == {"count": 0}
    await watching.aclose()  # type: ignore[attr-defined]
    assert things.services.closed == 1


async def test_each_event_of_a_subscription_is_read_afresh(
    things: graph.Subgraph[Services],
) -> None:
    async for _ in things.subscribe("subscription { notes { text } }", identity=DOCTOR):
        pass
    assert things.services.batches == [["1"]] * 3


def test_over_http_a_wrong_identity_is_401_and_health_says_ready() -> None:
    with TestClient(make(Services())) as client:
        good = client.post("/graphql", json={"query": "{ echo }"}, headers=AS_DOCTOR)
        assert good.json()["data"] == {"echo": []}
        wrong = client.post(
            "/graphql", json={"query": "{ echo }"}, headers={"x-drassist-identity": "{"}
        )
        assert wrong.status_code == 401
        assert wrong.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
        assert client.get("/health/live").status_code == 200
        assert client.get("/health/ready").json()["status"] == "ready"
        assert "type Note" in client.get("/schema.graphql").text


def test_a_subgraph_whose_peer_is_away_is_not_ready() -> None:
    async def away(_: Services) -> None:
        raise OSError

    with TestClient(make(Services(), health=away)) as client:
        assert client.get("/health/ready").status_code == 503


def test_a_body_that_is_too_large_is_refused_unread() -> None:
    with TestClient(make(Services(), limits=LimitSettings(body_bytes=10_000))) as client:
        answer = client.post("/graphql", json={"query": "{ echo }" + " " * 20_000})
        assert answer.status_code == 413
        assert answer.json()["errors"][0]["extensions"]["code"] == "REQUEST_TOO_LARGE"

        def chunks() -> Any:
            for _ in range(30):
                yield b" " * 1_000

        streamed = client.post(
            "/graphql", content=chunks(), headers={"content-type": "application/json"}
        )
        assert streamed.status_code == 413


def test_over_a_websocket_the_identity_may_come_with_the_connection() -> None:
    with TestClient(make(Services())) as client:
        for sent in ({}, AS_DOCTOR, {"headers": AS_DOCTOR}):
            with client.websocket_connect("/graphql", subprotocols=["graphql-transport-ws"]) as ws:
                ws.send_json({"type": "connection_init", "payload": sent})
                assert ws.receive_json()["type"] == "connection_ack"
                operation = {"query": "subscription { count }"}
                ws.send_json({"id": "1", "type": "subscribe", "payload": operation})
                first = ws.receive_json()
                if sent:
                    assert first["payload"]["data"] == {"count": 0}
                else:
                    text = str(first)
                    assert "UNAUTHENTICATED" in text


def test_over_a_websocket_a_wrong_identity_is_refused() -> None:
    from starlette.websockets import WebSocketDisconnect

    with (
        TestClient(make(Services())) as client,
        client.websocket_connect("/graphql", subprotocols=["graphql-transport-ws"]) as ws,
    ):
        ws.send_json({"type": "connection_init", "payload": {"x-drassist-identity": "{"}})
        with pytest.raises(WebSocketDisconnect) as closed:
            ws.receive_json()
        assert closed.value.code == 4403


def test_the_sdl_says_what_federation_needs() -> None:
    sdl = schema.sdl()
    assert 'type Note @key(fields: "id") @key(fields: "number author { id }")' in sdl
    assert '@tag(name: "phi")' in sdl
    assert 'double: Decimal @requires(fields: "bodyWeight")' in sdl
    assert "= null" not in sdl
    assert graph.undescribed(schema) == []
