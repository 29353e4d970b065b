"""One GraphQL request under way, as every stage of the pipeline sees it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Protocol, TypeAlias

import orjson
from msgspec import Struct, field

from router.contracts.contract import VersionRules
from router.execution import Answer, CompiledOperation, SubgraphClient
from router.planning.plan import OperationKind, Plan
from router.server.generation import Client, Generation
from router.server.identity import ANONYMOUS, Identity
from router.server.messages import GraphQLRequest
from router.server.operations import Operation, Operations
from router.server.rights import Need
from router.server.uploads import IncomingFiles

__all__ = ["Exchange", "Run", "Stage", "rights_key"]

_PER_REQUEST: Final = frozenset({"traceparent", "tracestate", "x-request-id"})
"""Forwarded headers that differ in every request and say nothing about rights."""


class Exchange(Struct):
    """One GraphQL request under way.

    ``headers`` are the request's, lower-case; ``forward`` those that travel to subgraphs.
    ``operation``, ``plan``, ``variables`` and ``runnable`` are set by :meth:`Pipeline.prepare`; ``notes``
    is free for stages. ``transport`` is http, websocket, sse or multipart; ``in_parts``: the client takes
    an answer part by part. ``files`` are the
    uploads among the variables, which may still be arriving. ``keyed`` clients send the request's
    ``Idempotency-Key`` on.
    """

    generation: Generation
    operations: Operations
    client: Client
    request: GraphQLRequest
    headers: Mapping[str, str]
    transport: str = "http"
    in_parts: bool = False
    identity: Identity = ANONYMOUS
    version: str | None = None
    version_rules: VersionRules | None = None
    persisted: bool = False
    text: str = ""
    forward: Mapping[str, str] = None  # type: ignore[assignment]  # set by Pipeline.prepare
    operation: Operation = None  # type: ignore[assignment]  # set before any stage sees it
    runnable: CompiledOperation = None  # type: ignore[assignment]  # set with it
    plan: Plan = None  # type: ignore[assignment]  # set with it
    variables: dict[str, Any] = None  # type: ignore[assignment]  # set with it
    denied: tuple[Need, ...] = ()
    files: IncomingFiles | None = None
    keyed: Mapping[str, SubgraphClient] | None = None
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def kind(self) -> OperationKind:
        """Query, mutation or subscription; known after :meth:`Pipeline.prepare`."""
        return self.operation.kind


Run: TypeAlias = Callable[[Exchange], Awaitable[Answer]]


class Stage(Protocol):
    """Something around the execution of queries and mutations.

    It may answer itself, change ``exchange.notes``, or look at the answer of ``run``. Stages
    nest in the order given, the first outermost. A stage that raises
    :class:`~router.errors.RequestError` refuses the request.
    """

    async def __call__(self, exchange: Exchange, run: Run, /) -> Answer: ...


def rights_key(exchange: Exchange) -> bytes:
    """The variables and forwarded rights of a request: equal keys may share an execution."""
    rights = sorted(
        (name, value) for name, value in exchange.forward.items() if name not in _PER_REQUEST
    )
    return orjson.dumps([exchange.variables, rights], option=orjson.OPT_SORT_KEYS, default=id)
