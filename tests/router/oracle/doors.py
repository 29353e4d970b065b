"""The whole router around a federation, asked over HTTP as its clients ask it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from random import Random
from typing import Any

import httpx2
import orjson

from router import Router, Settings, Subgraph
from tests.router.asgi import http_to

from .case import Case
from .federation import Federation
from .incremental import assembled
from .spoiling import bent, fits, is_valid, spoiled

__all__ = ["Door", "at_the_door"]

JSON = "application/graphql-response+json"
SSE = "text/event-stream"
MULTIPART = "multipart/mixed;subscriptionSpec=1.0"
PARTS = ("multipart/mixed;deferSpec=20220824", "multipart/mixed;incrementalSpec=v0.2", SSE)
"""How the parts of a deferred answer may come."""


class Door:
    """A router that serves a federation."""

    def __init__(self, federation: Federation, client: httpx2.AsyncClient) -> None:
        self.federation = federation
        self._client = client

    async def ask(
        self, operation: str, variables: Mapping[str, Any], accept: str = JSON
    ) -> httpx2.Response:
        """Send a request."""
        return await self._client.post(
            "/graphql",
            content=orjson.dumps({"query": operation, "variables": variables}),
            headers={"content-type": "application/json", "accept": accept},
        )

    async def bodies(self, case: Case) -> AsyncIterator[list[bytes]]:
        """Yield what the client gets, in every form that the operation has."""
        if not case.is_subscription:
            yield [(await self.ask(case.operation, case.variables)).content]
            return
        streamed = await self.ask(case.operation, case.variables, SSE)
        yield re.findall(rb"^event: next\ndata: (.*)$", streamed.content, re.MULTILINE)
        streamed = await self.ask(case.operation, case.variables, MULTIPART)
        yield re.findall(rb'^\{"payload":(\{.+\})\}\r?$', streamed.content, re.MULTILINE)

    async def check(self, case: Case) -> None:
        """Expect what the executor answers."""
        expected = await case.bodies()
        async for found in self.bodies(case):
            assert found == expected, case.explain(f"at the door: {found}\nexpected: {expected}")
        if case.compiled().is_incremental:
            for accept in PARTS:
                await self._check_parts(case, accept, orjson.loads(expected[0]))

    async def _check_parts(self, case: Case, accept: str, expected: dict[str, Any]) -> None:
        streamed = await self.ask(case.operation, case.variables, f"{accept}, {JSON};q=0.1")
        found = re.findall(rb"^(?:data: )?(\{.*\})\r?$", streamed.content, re.MULTILINE)
        payloads = [orjson.loads(each) for each in found]
        told = any("errors" in str(each) for each in payloads)
        assert "errors" in expected or not told, case.explain(f"{accept}: {payloads}")
        if "errors" not in expected:  # else it depends on the part how far a null goes up
            data = assembled(payloads)
            said = f"{accept}: {payloads}\nexpected: {expected}"
            assert data == expected["data"], case.explain(said)

    async def check_spoiled(self, rng: Random, case: Case) -> None:
        """Expect a refusal exactly where the reference refuses, and else an answer as any."""
        schema = self.federation.supergraph.operation_schema
        for operation in [spoiled(rng, case.operation) for _ in range(4)]:
            changed = replace(case, operation=operation, plan=None, _compiled={})
            if not is_valid(schema, operation):
                await self._refused(changed, "GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED")
            elif not fits(schema, operation, case.variables):
                await self._refused(changed, "BAD_USER_INPUT")
            else:
                await changed.check()
                await self.check(changed)
        variables = bent(rng, case.variables)
        changed = replace(case, variables=variables)
        if fits(schema, case.operation, variables):
            await changed.check()
            await self.check(changed)
        else:
            await self._refused(changed, "BAD_USER_INPUT")

    async def _refused(self, case: Case, *codes: str) -> None:
        answer = await self.ask(case.operation, case.variables)
        found = answer.json()
        told = {error["extensions"]["code"] for error in found.get("errors", ())}
        said = case.explain(f"not refused: {answer.status_code} {found}")
        assert answer.status_code == 400, said
        assert told & set(codes), said
        assert "data" not in found, said


@asynccontextmanager
async def at_the_door(
    federation: Federation, labels: frozenset[str] = frozenset()
) -> AsyncIterator[Door]:
    """Start a router on the federation; ``labels`` are on for every request."""
    subgraphs = {
        name: Subgraph(f"http://{name}", client=client)
        for name, client in federation.clients.items()
    }
    settings = Settings(labels=tuple(labels))
    sdl = federation.composition.supergraph_sdl
    async with (
        Router.from_supergraph(sdl, subgraphs=subgraphs, settings=settings) as router,
        http_to(router) as client,
    ):
        yield Door(federation, client)
