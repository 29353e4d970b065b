"""One world through the real composer, planner and executor, beside the oracle."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

import orjson
from graphql import GraphQLSchema, execute_sync, parse, validate

from router.composition.compose import compose
from router.composition.errors import CompositionFailed
from router.composition.sources import SubgraphSource
from router.execution import compile_operation
from router.planning.plan import Plan
from router.planning.planner import Planner
from router.supergraph import Supergraph

from .generate import random_world
from .operations import random_operation
from .schemas import OracleClient, merged_schema
from .world import World

__all__ = ["Case", "Federation"]


class Federation:
    """A world that composed: its supergraph, planner and punishing subgraphs."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.clients = {name: OracleClient(world, name) for name in world.subgraphs}
        sources = [
            SubgraphSource(name, f"http://{name}", c.sdl) for name, c in self.clients.items()
        ]
        self.composition = compose(sources)
        self.supergraph = Supergraph.load(self.composition.supergraph_sdl)
        self.planner = Planner(self.supergraph)
        self.oracle: GraphQLSchema = merged_schema(world)

    @classmethod
    def random(cls, rng: Random) -> Federation | None:
        """Return a random federation, or None when its world does not compose."""
        try:
            return cls(random_world(rng))
        except CompositionFailed:
            return None


@dataclass
class Case:
    """One operation on one federation, and what both sides answered."""

    federation: Federation
    operation: str
    variables: dict[str, Any]
    expected: Any = None
    plan: Plan | None = None

    @classmethod
    def random(cls, rng: Random, federation: Federation) -> Case:
        kind = "mutation" if federation.world.mutation and rng.random() < 0.4 else "query"
        for _ in range(10):
            operation, variables = random_operation(rng, federation.oracle, kind)
            # An interface has only the fields that some subgraph gives it.
            if not validate(federation.supergraph.api_schema, parse(operation)):
                return cls(federation, operation, variables)
        return cls(federation, "{ __typename }", {})

    def oracle(self) -> dict[str, Any]:
        result = execute_sync(
            self.federation.oracle,
            parse(self.operation),
            variable_values=self.variables,
            type_resolver=lambda obj, *_: obj.type,
        )
        assert not result.errors, result.errors
        return result.data or {}

    async def federated(self) -> dict[str, Any]:
        document = parse(self.operation)
        supergraph = self.federation.supergraph
        self.plan = self.federation.planner.plan(document)
        compiled = compile_operation(self.plan, document, None, supergraph.api_schema, supergraph)
        answer = await compiled.execute(
            compiled.coerce(self.variables), dict(self.federation.clients)
        )
        body: dict[str, Any] = orjson.loads(answer.body)
        return body

    async def check(self) -> None:
        """Compare bytes: values, and the order of keys as the client wrote them."""
        body = await self.federated()
        assert "errors" not in body, self.explain(body)
        assert orjson.dumps(body["data"]) == orjson.dumps(self.oracle()), self.explain(body)

    def explain(self, body: dict[str, Any]) -> str:
        """Return all one needs to find the first stage that goes wrong."""
        sdls = "\n\n".join(f"# {name}\n{c.sdl}" for name, c in self.federation.clients.items())
        fetches = "\n".join(map(str, self.plan.fetches)) if self.plan else "no plan"
        return (
            f"{sdls}\n\n{self.operation}\n{self.variables}\n\n{fetches}\n\n"
            f"federated: {body}\noracle:    {{'data': {self.oracle()}}}"
        )
