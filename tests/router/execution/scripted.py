"""Hand-written plans and subgraphs that say what they are told to say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from graphql import GraphQLSchema, build_schema, parse

from router.errors import SubgraphError
from router.execution import (
    Answer,
    CompiledOperation,
    ExecutionOptions,
    SubgraphAnswer,
    SubgraphRequest,
    compile_operation,
)
from router.planning.plan import (
    EntityCall,
    Fetch,
    Input,
    InputField,
    OperationKind,
    Path,
    Plan,
)
from tests.router.execution.wired import DICTIONARIES, FORMS, wired

Reply = Any
"""A response (dict), an error to raise, or a function of the request."""


class Scripted:
    """A subgraph client that gives its replies in turn, the last one for ever."""

    def __init__(self, *replies: Reply) -> None:
        self.replies = list(replies)
        self.requests: list[SubgraphRequest] = []

    async def fetch(self, request: SubgraphRequest) -> SubgraphAnswer:
        self.requests.append(request)
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if callable(reply):
            reply = reply(request)
        if asyncio.iscoroutine(reply):
            reply = await reply
        if isinstance(reply, Exception):
            raise reply
        # a copy as a wire would make it
        found = orjson.loads(orjson.dumps(reply))
        return SubgraphAnswer(found.get("data"), tuple(found.get("errors") or ()))

    async def subscribe(self, request: SubgraphRequest) -> AsyncIterator[SubgraphAnswer]:
        self.requests.append(request)
        for reply in self.replies:
            if isinstance(reply, Exception):
                raise reply
            yield SubgraphAnswer(reply.get("data"), tuple(reply.get("errors") or ()))

    async def aclose(self) -> None:
        """Nothing to close."""

    @property
    def representations(self) -> list[Any]:
        """All representations that were sent, request by request."""
        return [
            value
            for request in self.requests
            for value in request.variables.values()
            if isinstance(value, list)
        ]


@dataclass(frozen=True)
class Graph:
    """A supergraph as the executor sees it."""

    schema: GraphQLSchema


def root(
    number: int,
    subgraph: str,
    operation: str,
    *,
    kind: OperationKind = OperationKind.QUERY,
    **more: Any,
) -> Fetch:
    """Return a root fetch."""
    return Fetch(id=number, subgraph=subgraph, kind=kind, operation=operation, **more)


def entities(
    number: int,
    subgraph: str,
    after: Sequence[int],
    *calls: EntityCall,
    **more: Any,
) -> Fetch:
    """Return an entities fetch; its operation is written from its calls."""
    variables = ",".join(f"${call.variable}:[_Any!]!" for call in calls)
    fields = " ".join(
        (f"{call.alias}:" if call.alias != "_entities" else "")
        + f"_entities(representations:${call.variable}){{{call.selection}}}"
        for call in calls
    )
    return Fetch(
        id=number,
        subgraph=subgraph,
        kind=OperationKind.QUERY,
        operation=f"query({variables}){{{fields}}}",
        entities=calls,
        after=tuple(after),
        **more,
    )


def call(
    paths: Path | Sequence[Path],
    inputs: Mapping[str, Sequence[str | InputField]] | Sequence[Input],
    selection: str,
    *,
    alias: str = "_entities",
    variable: str = "representations",
    **more: Any,
) -> EntityCall:
    """Return an ``_entities`` call; a mapping of inputs is type -> key fields."""
    if isinstance(inputs, Mapping):
        inputs = tuple(
            Input(on, tuple(f if isinstance(f, InputField) else InputField(f, f) for f in fields))
            for on, fields in inputs.items()
        )
    several = bool(paths) and isinstance(paths[0], tuple)
    listed: Any = tuple(paths) if several else (tuple(paths),)
    return EntityCall(alias, variable, listed, tuple(inputs), selection, **more)


def needs(name: str, key: str | None = None) -> InputField:
    """Return a property of ``@requires``."""
    return InputField(name, key or name, required=True)


def plan(*fetches: Fetch, kind: OperationKind = OperationKind.QUERY, **more: Any) -> Plan:
    """Return a plan."""
    return Plan(kind=kind, fetches=fetches, **more)


def compiled(
    made: Plan,
    sdl: str,
    document: str,
    *,
    api: str | None = None,
    options: ExecutionOptions = DICTIONARIES,
) -> CompiledOperation:
    """Compile an operation against a schema."""
    schema = build_schema(sdl)
    api_schema = build_schema(api) if api is not None else schema
    parsed = parse(document, no_location=True)
    return compile_operation(made, parsed, None, api_schema, Graph(schema), options=options)


async def run(
    made: Plan,
    sdl: str,
    document: str,
    subgraphs: Callable[[], Mapping[str, Scripted]],
    *,
    variables: Mapping[str, Any] | None = None,
    api: str | None = None,
) -> tuple[Answer, Mapping[str, Scripted]]:
    """Execute in all forms, which must say the same."""
    answers = []
    for options in FORMS:
        operation = compiled(made, sdl, document, api=api, options=options)
        clients = subgraphs()
        coerced = operation.coerce(variables)
        async with asyncio.timeout(5):
            answers.append((await operation.execute(coerced, wired(clients)), clients))
    assert answers[0][0].body == answers[1][0].body == answers[2][0].body
    return answers[0]


def response(answer: Answer) -> Any:
    """Return the whole response as JSON, in the order of its keys."""
    return orjson.loads(answer.body)


def errors(answer: Answer) -> list[tuple[Any, Any]]:
    """Return (path, code) of each error."""
    return [(error.get("path"), error["extensions"].get("code")) for error in answer.errors]


UNREACHABLE = SubgraphError("The subgraph cannot be reached.")
