"""A world that composed: its supergraph, its planner and its subgraphs, beside the oracle."""

from __future__ import annotations

import re
from collections.abc import Iterable
from random import Random

from graphql import (
    GraphQLSchema,
    lexicographic_sort_schema,
    print_schema,
)

from router.composition.compose import compose
from router.composition.errors import CompositionFailed
from router.composition.sources import SubgraphSource
from router.planning.planner import Planner, PlannerOptions
from router.supergraph import Supergraph

from .generate import random_world
from .one_schema import merged_schema
from .subgraph import OracleClient
from .truth import Truth
from .world import World

__all__ = ["Federation", "without_the_unreachable"]


class Federation:
    """A world that composed: its supergraph, planner and punishing subgraphs."""

    def __init__(self, world: World) -> None:
        self.world = world
        sources = [
            SubgraphSource(name, f"http://{name}", world.sdl(name)) for name in world.schemas
        ]
        self.composition = compose(sources)
        self.truth = Truth(world)
        self.clients = {name: OracleClient(self.truth, name) for name in world.schemas}
        self.supergraph = Supergraph.load(self.composition.supergraph_sdl)
        self.planner = Planner(self.supergraph, PlannerOptions(defer=True))
        self.oracle: GraphQLSchema = merged_schema(self.truth)
        assert _shown(self.oracle) == _shown(self.supergraph.api_schema), (
            f"{world.source()}\n\nmerged:\n{_shown(self.oracle)}\n\ncomposed:\n"
            f"{_shown(self.supergraph.api_schema)}"
        )

    @classmethod
    def random(cls, rng: Random) -> Federation | None:
        """Return a random federation, or None when its world does not compose."""
        world = random_world(rng)
        for _ in range(8):
            try:
                return cls(world)
            except CompositionFailed as failed:
                if not without_the_unreachable(world, failed):
                    return None
        return None


def without_the_unreachable(world: World, failed: CompositionFailed) -> bool:
    """Take out the fields that nobody can reach, or uses; tell whether there were any."""
    found = False
    for error in failed.errors:
        match error.code:
            case "SATISFIABILITY_ERROR":
                lost = re.findall(r'cannot find field "(\w+)\.(\w+)"', error.message)
                subgraphs: Iterable[str] = world.schemas
            case "EXTERNAL_UNUSED":
                lost = re.findall(r'Field "(\w+)\.(\w+)"', error.message)
                subgraphs = error.subgraphs
            case _:
                return False
        for kind, name in lost:
            declarations = world.declarations(kind)
            if any(re.search(rf"\b{name}\b", str(k)) for _, d in declarations for k in d.keys):
                continue
            for subgraph, declared in declarations:
                if subgraph in subgraphs:
                    found |= declared.fields.pop(name, None) is not None
    return found


def _shown(schema: GraphQLSchema) -> str:
    return re.sub(r'"""(.|\n)*?"""\s*', "", print_schema(lexicographic_sort_schema(schema)))
