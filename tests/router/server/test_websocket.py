"""graphql-transport-ws on a real socket."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from router.contracts.contract import Contract, TagRules
from router.server import websocket
from router.server.identity import ANONYMOUS, Identity
from router.server.refusals import Refused
from router.settings import Settings, SubscriptionSettings
from tests.patience import PATIENCE

PROTOCOL = Subprotocol("graphql-transport-ws")
ARRIVALS = "subscription { arrivals { title } }"


@asynccontextmanager
async def opened(
    address: str, path: str = "/graphql", *, init: Any = None, **options: Any
) -> AsyncIterator[ClientConnection]:
    """A socket on which connection_init was acknowledged."""
    url = f"ws://{address}{path}"
    async with connect(
        url, subprotocols=[PROTOCOL], open_timeout=PATIENCE, ping_timeout=None, **options
    ) as socket:
        await socket.send(json.dumps({"type": "connection_init", "payload": init}))
        assert await heard(socket) == {"type": "connection_ack"}
        yield socket


async def heard(socket: ClientConnection) -> Any:
    async with asyncio.timeout(PATIENCE):
        return json.loads(await socket.recv())


async def say(socket: ClientConnection, id_: str, query: str, **payload: Any) -> None:
    message = {"type": "subscribe", "id": id_, "payload": {"query": query, **payload}}
    await socket.send(json.dumps(message))


async def closed(socket: ClientConnection) -> tuple[int, str]:
    """The code and reason with which the server closes, whatever it says before."""
    async with asyncio.timeout(PATIENCE):
        await socket.wait_closed()
    assert socket.close_code is not None
    return socket.close_code, socket.close_reason or ""


async def test_queries_mutations_and_subscriptions_share_a_socket(
    served: Any, library: Any
) -> None:
    async with opened(await served()) as socket:
        await say(socket, "1", ARRIVALS)
        await library.published_to(1)
        await say(socket, "2", "{ authors }")
        assert await heard(socket) == {
            "id": "2",
            "type": "next",
            "payload": {"data": {"authors": ["Austen", "Thoreau"]}},
        }
        assert await heard(socket) == {"id": "2", "type": "complete"}
        await say(socket, "3", 'mutation { lend(id: "1") }')
        assert (await heard(socket))["payload"] == {"data": {"lend": 1}}
        await heard(socket)
        library.publish("Emma")
        assert (await heard(socket))["payload"] == {"data": {"arrivals": {"title": "Emma"}}}
        library.publish(None)
        assert await heard(socket) == {"id": "1", "type": "complete"}


async def test_a_broken_document_ends_its_operation_and_not_the_socket(
    served: Any, library: Any
) -> None:
    async with opened(await served()) as socket:
        await say(socket, "1", ARRIVALS)
        await library.published_to(1)
        for id_, query in (("2", "{"), ("3", "{ nothing }"), ("4", "subscription { nothing }")):
            await say(socket, id_, query)
            message = await heard(socket)
            assert (message["type"], message["id"]) == ("error", id_)
            assert isinstance(message["payload"], list)
        library.publish("Emma")
        assert (await heard(socket))["id"] == "1"


async def test_completing_closes_the_upstream_silently(served: Any, library: Any) -> None:
    async with opened(await served()) as socket:
        await say(socket, "1", ARRIVALS)
        await library.published_to(1)
        await socket.send('{"type":"complete","id":"1"}')
        await library.published_to(0)
        await socket.send('{"type":"ping"}')
        assert await heard(socket) == {"type": "pong"}


async def test_a_vanished_client_leaves_nothing_behind(served: Any, library: Any) -> None:
    async with opened(await served()) as socket:
        await say(socket, "1", ARRIVALS)
        await library.published_to(1)
        socket.transport.abort()
        await library.published_to(0)


async def test_another_subprotocol_is_closed_with_4406(served: Any) -> None:
    async with connect(f"ws://{await served()}/graphql") as socket:
        assert await closed(socket) == (4406, "Subprotocol not acceptable")


async def test_silence_is_closed_with_4408(served: Any) -> None:
    settings = Settings(subscriptions=SubscriptionSettings(init_timeout=0.05))
    address = await served(settings=settings)
    async with connect(f"ws://{address}/graphql", subprotocols=[PROTOCOL]) as socket:
        assert (await closed(socket))[0] == 4408


async def test_a_foreign_page_may_not_open_a_socket(served: Any) -> None:
    address = await served()
    for origin in ("https://evil.example", "null"):
        with pytest.raises(InvalidStatus):
            await connect(f"ws://{address}/graphql", subprotocols=[PROTOCOL], origin=origin)
    async with opened(address, origin=f"http://{address}") as socket:
        await socket.send('{"type":"ping"}')
        assert await heard(socket) == {"type": "pong"}


async def test_credentials_come_with_the_init_payload(served: Any) -> None:
    async def authenticate(headers: Mapping[str, str]) -> Identity:
        match headers.get("authorization"):
            case None:
                return ANONYMOUS
            case "Bearer good":
                return Identity(subject="asha")
            case _:
                raise Refused("No.", 401, "INVALID_TOKEN")

    address = await served(authenticate=authenticate)
    for init, price in ((None, None), ({"authorization": "Bearer good"}, 7)):
        async with opened(address, init=init) as socket:
            await say(socket, "1", "{ books(first: 1) { price } }")
            assert (await heard(socket))["payload"]["data"] == {"books": [{"price": price}]}
    async with connect(f"ws://{address}/graphql", subprotocols=[PROTOCOL]) as socket:
        await socket.send('{"type":"connection_init","payload":{"authorization":"Bearer bad"}}')
        assert (await closed(socket))[0] == 4401


async def test_a_socket_does_not_outlive_its_token(served: Any) -> None:
    async def authenticate(_: Mapping[str, str]) -> Identity:
        return Identity(subject="asha", expires=time.time() + 0.1)

    async with opened(await served(authenticate=authenticate)) as socket:
        assert (await closed(socket))[0] == 4403


async def test_a_client_sees_its_own_schema_over_a_socket(served: Any, library: Any) -> None:
    web = Contract(name="web", tags=TagRules(exclude=("internal",)))
    async with opened(await served(contracts=(web,)), "/web/graphql") as socket:
        for query in ("{ vaul { x } }", "subscription { arrivals { shelfCod } }"):
            await say(socket, "1", query)
            text = json.dumps(await heard(socket))
            assert "'vault'" not in text
            assert "'shelfCode'" not in text


async def test_a_client_without_the_transport_is_refused(served: Any) -> None:
    web = Contract(name="web", transports=("http",))
    address = await served(contracts=(web,))
    async with connect(f"ws://{address}/web/graphql", subprotocols=[PROTOCOL]) as socket:
        await socket.send('{"type":"connection_init"}')
        assert (await closed(socket))[0] == 4403


async def test_shutting_down_ends_subscriptions_with_a_code(
    started: Any, serving: Any, library: Any
) -> None:
    router = await started()
    async with opened(await serving(router)) as socket:
        await say(socket, "1", ARRIVALS)
        await library.published_to(1)
        await router.drain(1)
        message = await heard(socket)
        assert message["payload"][0]["extensions"]["code"] == "SUBSCRIPTION_SERVER_SHUTDOWN"
        assert (await closed(socket))[0] == 1001


async def test_a_client_that_never_reads_is_let_go_and_holds_up_nobody(
    started: Any, serving: Any, library: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket, "_GRACE", 0.2)
    router = await started(settings=Settings(subscriptions=SubscriptionSettings(queue=8)))
    address = await serving(router)
    sockets = router.server.websocket.sockets
    async with opened(address, max_queue=1) as deaf, opened(address) as quick:
        for socket in (deaf, quick):
            await say(socket, "1", ARRIVALS)
        await library.published_to(1)
        async with asyncio.timeout(PATIENCE):
            while len(sockets) > 1:  # until the kernel's buffers are full, and then the queue
                library.publish(secrets.token_hex(250_000))  # nothing to compress
                assert (await heard(quick))["type"] == "next"
        library.publish("still here")
        assert (await heard(quick))["payload"]["data"]["arrivals"]["title"] == "still here"
        await library.published_to(1)
        deaf.transport.abort()
