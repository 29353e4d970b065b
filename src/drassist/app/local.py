"""A subgraph in this process, as the router asks it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from drassist.app.subgraphs import RunningSubgraph
from router.execution.client import SubgraphAnswer, SubgraphRequest

__all__ = ["LocalClient"]


class LocalClient:
    """A :class:`router.execution.client.SubgraphClient` without a wire.

    The caller's token travels in the headers and the subgraph verifies it itself, exactly as it
    does over HTTP: the same code decides in one process and in many.
    """

    def __init__(self, subgraph: RunningSubgraph) -> None:
        self._subgraph = subgraph

    async def fetch(self, request: SubgraphRequest) -> SubgraphAnswer:
        return _answer(
            await self._subgraph.execute(
                request.operation,
                _own(request.variables),
                request.operation_name,
                request.headers,
            )
        )

    async def subscribe(self, request: SubgraphRequest) -> AsyncIterator[SubgraphAnswer]:
        events = self._subgraph.subscribe(
            request.operation,
            _own(request.variables),
            request.operation_name,
            request.headers,
        )
        try:
            async for event in events:
                yield _answer(event)
        finally:
            await events.aclose()

    async def aclose(self) -> None:
        """The subgraph's own lifespan closes it."""


def _own(variables: Mapping[str, Any]) -> dict[str, Any]:
    # Strawberry takes `__typename` out of the representations that it is given.
    return {
        name: [dict(each) if isinstance(each, Mapping) else each for each in value]
        if isinstance(value, list)
        else value
        for name, value in variables.items()
    }


def _answer(response: Mapping[str, Any]) -> SubgraphAnswer:
    return SubgraphAnswer(
        response.get("data"), tuple(response.get("errors") or ()), response.get("extensions") or {}
    )
