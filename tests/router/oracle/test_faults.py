"""Random worlds in which something is wrong, and every transport between router and subgraphs."""

from __future__ import annotations

import asyncio
from random import Random

import pytest

from tests.router.oracle.case import Case, random_cases
from tests.router.oracle.faults import dead, liar, poisoned, unknown


def answered_once(seed: int, count: int) -> list[tuple[Random, Case]]:
    """Return operations of a seed that are no subscriptions."""
    rng, cases = random_cases(seed, count)
    return [(rng, case) for case in cases if not case.is_subscription]


@pytest.mark.parametrize("seed", range(600, 608))
async def test_a_value_that_nobody_has_is_null_as_in_one_schema(seed: int) -> None:
    for rng, case in answered_once(seed, 4):
        await poisoned(rng, case)


@pytest.mark.parametrize("seed", range(700, 708))
async def test_a_dead_subgraph_costs_its_own_values_and_is_told(seed: int) -> None:
    for rng, case in answered_once(seed, 4):
        await dead(rng, case)


@pytest.mark.parametrize("seed", range(800, 806))
async def test_an_entity_that_a_subgraph_does_not_know_costs_no_other(seed: int) -> None:
    for rng, case in answered_once(seed, 4):
        await unknown(rng, case)


@pytest.mark.parametrize("seed", range(900, 908))
async def test_a_subgraph_that_lies_is_answered_for(seed: int) -> None:
    for rng, case in answered_once(seed, 4):
        async with asyncio.timeout(20):
            await liar(rng, case)


@pytest.mark.parametrize("seed", range(500, 504))
async def test_the_answer_does_not_tell_which_transport_brought_it(seed: int) -> None:
    _, cases = random_cases(seed, 3)
    for case in cases:
        await case.check_transports()
