"""One device of one person: GraphQL over HTTP, and graphql-transport-ws for what changes."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import aiohttp
from websockets.asyncio.client import connect

__all__ = ["Device", "GraphQLFailed"]


class GraphQLFailed(Exception):
    """The answer has errors; ``errors`` are the GraphQL errors, or a payload's user errors."""

    def __init__(self, errors: Any) -> None:
        codes = [
            e.get("code") or (e.get("extensions") or {}).get("code") or e.get("message")
            for e in errors
        ]
        messages = "; ".join(str(e.get("message")) for e in errors[:3])
        super().__init__(f"{', '.join(map(str, codes[:3]))}: {messages}")
        self.errors = errors


class Device:
    """``client`` is the contract that it uses: web, mobile or tablet."""

    def __init__(self, http: aiohttp.ClientSession, base: str, client: str, token: str) -> None:
        self._http = http
        self._client = client
        self.base = base
        self.token = token

    @property
    def _url(self) -> str:
        return f"{self.base}/{self._client}/graphql"

    async def ask(self, document: str, **variables: Any) -> dict[str, Any]:
        """Execute a document; raises :class:`GraphQLFailed`."""
        return await self._post({"query": document, "variables": variables})

    async def run(self, saved: str, **variables: Any) -> dict[str, Any]:
        """Execute a persisted operation by its name."""
        return await self._post({"id": saved, "documentId": saved, "variables": variables})

    async def change(self, document: str, **variables: Any) -> Any:
        """Execute a mutation of one field; its user errors raise too."""
        data = await self.ask(document, **variables)
        (payload,) = data.values()
        if payload["errors"]:
            raise GraphQLFailed(payload["errors"])
        return payload

    async def _post(self, body: dict[str, Any]) -> dict[str, Any]:
        headers = {"authorization": f"Bearer {self.token}"}
        async with self._http.post(self._url, json=body, headers=headers) as answer:
            response = await answer.json(content_type=None)
        if response.get("errors"):
            raise GraphQLFailed(response["errors"])
        data: dict[str, Any] = response["data"]
        return data

    @asynccontextmanager
    async def watch(self, document: str, **variables: Any) -> AsyncIterator[AsyncIterator[Any]]:
        """Subscribe: ``async with device.watch(...) as events`` is subscribed when it is entered."""
        url = self._url.replace("http", "ws", 1)
        async with connect(url, subprotocols=["graphql-transport-ws"]) as socket:  # type: ignore[list-item]
            await socket.send(
                json.dumps(
                    {
                        "type": "connection_init",
                        "payload": {"authorization": f"Bearer {self.token}"},
                    }
                )
            )
            ack = json.loads(await socket.recv())
            assert ack["type"] == "connection_ack", ack
            payload = {"query": document, "variables": variables}
            await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
            # A ping comes back in order, so after it the subscription has been received.
            await socket.send('{"type":"ping"}')
            async with aclosing(_events(socket)) as events:
                yield events


async def _events(socket: Any) -> AsyncGenerator[Any, None]:
    async for frame in socket:
        message = json.loads(frame)
        match message["type"]:
            case "next":
                if errors := message["payload"].get("errors"):
                    raise GraphQLFailed(errors)
                (value,) = message["payload"]["data"].values()
                yield value
            case "error":
                raise GraphQLFailed(message["payload"])
            case "ping":
                await socket.send('{"type":"pong"}')
            case "complete":
                return
