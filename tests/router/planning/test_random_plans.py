"""Random subgraphs, random operations: what is printed is valid where it is sent (R6.32)."""

from __future__ import annotations

from random import Random

import pytest
from graphql import parse, validate

from router.errors import NoPlan
from router.planning.planner import Planner, PlannerOptions
from tests.router.oracle.federation import Federation
from tests.router.oracle.operations import random_operation
from tests.router.planning.kit import check

OPERATIONS = 4


@pytest.mark.parametrize("seed", range(9000, 9040))
def test_every_printed_operation_is_valid_in_its_subgraph(seed: int) -> None:
    rng = Random(seed)
    federation = Federation.random(rng)
    if federation is None:
        return  # a world whose subgraphs do not compose says nothing about plans
    planner = Planner(federation.supergraph)
    alone = Planner(federation.supergraph, PlannerOptions(batch=False))
    for _ in range(OPERATIONS):
        kind = "mutation" if federation.world.mutation and rng.random() < 0.3 else "query"
        text, _ = random_operation(rng, federation.oracle, kind)
        document = parse(text)
        if validate(federation.supergraph.api_schema, document):
            continue
        try:
            plan = planner.plan(document)
        except NoPlan:
            continue  # a requirement whose subgraph resolves no key: nothing to come back by
        check(federation.supergraph, plan)
        single = alone.plan(document)
        check(federation.supergraph, single)
        assert single.depth == plan.depth, "travelling together must not lengthen a chain"
        assert len(plan.fetches) <= len(single.fetches)
