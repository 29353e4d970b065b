"""Clients that hand over their answers as a wire would: bytes, read by who asked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Final

import orjson

from router.execution import (
    ExecutionOptions,
    SubgraphAnswer,
    SubgraphClient,
    SubgraphRequest,
)

__all__ = ["DICTIONARIES", "FORMS", "PLAIN", "TYPED", "Wired", "wired"]

DICTIONARIES: Final = ExecutionOptions(typed_after=None)
TYPED: Final = ExecutionOptions(typed_after=0)
PLAIN: Final = ExecutionOptions(generated=False)
FORMS: Final = (DICTIONARIES, TYPED, PLAIN)
"""The ways to read and write an answer, which must not tell by which it was."""


class Wired:
    """A client whose answers go through the request's reader, where it has one."""

    reads: Final = True

    def __init__(self, client: SubgraphClient) -> None:
        self.client = client

    async def fetch(self, request: SubgraphRequest) -> SubgraphAnswer:
        """Ask, write the answer as bytes, and read those."""
        answer = await self.client.fetch(request)
        response = {"data": answer.data, **({"errors": answer.errors} if answer.errors else {})}
        body = orjson.dumps(response)
        typed = request.reader(body) if request.reader is not None else None
        if typed is None:
            return SubgraphAnswer(orjson.loads(body)["data"], answer.errors)
        return typed

    def subscribe(self, request: SubgraphRequest) -> AsyncIterator[SubgraphAnswer]:
        """Subscribe as ever."""
        return self.client.subscribe(request)

    async def aclose(self) -> None:
        """Close the client behind."""
        await self.client.aclose()


def wired(clients: Mapping[str, SubgraphClient]) -> dict[str, SubgraphClient]:
    """Put every client on a wire that is not on one."""
    return {
        name: client if getattr(client, "reads", False) else Wired(client)
        for name, client in clients.items()
    }
