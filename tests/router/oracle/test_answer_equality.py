"""The federated answer equals the same operation on one merged schema.

Random partitions, random data, random operations; ``-m long`` runs thousands, ``python -m
tests.router.oracle SEED COUNT`` prints each failure as it is found, and ``python -m
tests.router.oracle.reduce SEED`` makes one small.
"""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.router.oracle.case import Case, random_cases
from tests.router.oracle.federation import Federation

SLICE = settings(
    max_examples=22,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)


async def check(rng: Random, operations: int) -> None:
    federation = Federation.random(rng)
    assume(federation is not None)
    assert federation is not None
    for _ in range(operations):
        await Case.random(rng, federation).check()


@given(rng=st.randoms(use_true_random=False))
@SLICE
async def test_the_federated_answer_equals_the_merged_one(rng: Random) -> None:
    await check(rng, operations=4)


@pytest.mark.parametrize("seed", range(24))
async def test_known_seeds_stay_equal(seed: int) -> None:
    _, cases = random_cases(seed, 5)
    for case in cases:
        await case.check()


@pytest.mark.long
@given(rng=st.randoms(use_true_random=False))
@settings(parent=SLICE, max_examples=5000, derandomize=False)
async def test_thousands_of_worlds_answer_alike(rng: Random) -> None:
    await check(rng, operations=6)
