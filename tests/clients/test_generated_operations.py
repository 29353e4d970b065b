"""Whatever fits a client's schema is planned and answered: generated operations, subgraphs made up.

The subgraphs answer by their own schemas with values of the right types, so an answer that breaks
a client's schema is the router's fault.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import hypothesis_graphql
import orjson
import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLResolveInfo,
    GraphQLScalarType,
    build_schema,
    execute,
    is_abstract_type,
    is_specified_scalar_type,
    parse,
)
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis_graphql import nodes
from msgspec.structs import replace

from router import Identity, Router, Subgraph
from router.contracts.contract import ContractLimits, PersistedRules, load_contracts
from router.execution.client import SubgraphAnswer, SubgraphRequest
from router.server.messages import GraphQLRequest
from tests.patience import PATIENCE

ROOT: Final = Path(__file__).parents[2]
NO_LIMITS: Final = ContractLimits(
    depth=None, height=None, aliases=None, root_fields=None, directives=None, tokens=100_000
)
CONTRACTS: Final = tuple(
    replace(contract, limits=NO_LIMITS, persisted=PersistedRules(mode="off"), versions=())
    for contract in load_contracts(ROOT / "clients")
)


ENTITIES: Final = "{ _entities(representations: [_Any!]!): [_Entity]! }"


class MadeUp:
    """A subgraph that knows its schema and nothing else."""

    def __init__(self, sdl: str) -> None:
        if "_entities" not in sdl:  # some libraries leave it out of what they print
            keyed = re.findall(r"^type (\w+) .*@key", sdl, re.MULTILINE)
            sdl += f"scalar _Any union _Entity = {' | '.join(keyed)} extend type Query {ENTITIES}"
        self.schema = build_schema(sdl, assume_valid=True, assume_valid_sdl=True)

    async def fetch(self, request: SubgraphRequest) -> SubgraphAnswer:
        variables = orjson.loads(orjson.dumps(request.variables))
        result: Any = execute(
            self.schema,
            parse(request.operation),
            variable_values=variables,
            field_resolver=_made_up,
            type_resolver=_kind,
        )
        if asyncio.iscoroutine(result):
            result = await result
        errors = tuple(dict(error.formatted) for error in result.errors or ())
        return SubgraphAnswer(result.data, errors)

    async def subscribe(self, request: SubgraphRequest) -> AsyncIterator[SubgraphAnswer]:
        yield await self.fetch(request)

    async def aclose(self) -> None:
        """Nothing to close."""


def _made_up(source: Any, info: GraphQLResolveInfo, **arguments: Any) -> Any:
    if info.field_name == "_entities":
        return arguments["representations"]
    if isinstance(source, Mapping) and info.field_name in source:
        return source[info.field_name]
    return _value(info.return_type, info)


def _value(kind: Any, info: GraphQLResolveInfo) -> Any:
    match kind:
        case GraphQLNonNull():
            return _value(kind.of_type, info)
        case GraphQLList():
            return [_value(kind.of_type, info) for _ in range(2)]
        case GraphQLEnumType():
            return next(iter(kind.values.values())).value
        case GraphQLScalarType():
            plain: dict[str, Any] = {"Int": 7, "Float": 1.5, "Boolean": True}
            return plain.get(kind.name, "7")
        case _ if is_abstract_type(kind):
            return {"__typename": info.schema.get_possible_types(kind)[0].name}
        case _:
            return {"__typename": kind.name}


def _kind(value: Any, info: GraphQLResolveInfo, _: Any) -> str:
    return str(value["__typename"])


async def everything(_: Mapping[str, str]) -> Identity:
    return Identity(subject="asha", scopes=SCOPES)


async def every_policy(pairs: Sequence[tuple[str, Identity]]) -> list[bool]:
    return [True] * len(pairs)


SUPERGRAPH: Final = (ROOT / "schema" / "supergraph.graphql").read_text("utf-8")


def _scopes(sdl: str) -> frozenset[str]:
    """Every scope that any field asks for."""
    found: set[str] = set()
    for part in sdl.split("@requiresScopes(scopes: ")[1:]:
        found.update(
            part.split(")")[0].replace("[", " ").replace("]", " ").replace(",", " ").split()
        )
    return frozenset(word.strip('"') for word in found)


SCOPES: Final = _scopes(SUPERGRAPH)


def router() -> Router:
    subgraphs = {
        path.stem: Subgraph(client=MadeUp(sdl := path.read_text("utf-8")), sdl=sdl)
        for path in sorted((ROOT / "schema" / "subgraphs").glob("*.graphql"))
    }
    return Router.from_subgraphs(
        subgraphs, contracts=CONTRACTS, authenticate=everything, decide=every_policy
    )


@pytest.mark.slow
@pytest.mark.parametrize("client", [contract.name for contract in CONTRACTS])
def test_whatever_fits_a_clients_schema_is_answered(client: str) -> None:
    schema = build_schema((ROOT / "schema" / "clients" / f"{client}.graphql").read_text("utf-8"))
    scalars = {
        name: st.just(nodes.String("7"))
        for name, kind in schema.type_map.items()
        if isinstance(kind, GraphQLScalarType) and not is_specified_scalar_type(kind)
    }
    app = router()

    @settings(
        max_examples=40,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(text=hypothesis_graphql.from_schema(schema, custom_scalars=scalars))
    def check(text: str) -> None:
        loop.run_until_complete(_check(app, client, text))

    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(app.start())
        check()
    finally:
        loop.run_until_complete(app.stop())
        loop.close()


async def _check(app: Router, client: str, text: str) -> None:
    pipeline = app.server.pipeline
    exchange = pipeline.exchange(pipeline.generation.clients[client], GraphQLRequest(text), {})
    exchange.identity = await everything({})
    async with asyncio.timeout(PATIENCE):
        await pipeline.prepare(exchange)
        answer = await pipeline.run(exchange)
    assert answer.errors == (), text
    assert answer.data
