"""Random worlds behind a whole router: what comes in by its door and what goes out."""

from __future__ import annotations

import pytest

from tests.router.oracle.case import random_cases
from tests.router.oracle.doors import at_the_door


@pytest.mark.parametrize("seed", range(400, 404))
async def test_clients_get_what_the_executor_answers_however_they_ask(seed: int) -> None:
    _, cases = random_cases(seed, 3)
    for case in cases:
        async with at_the_door(case.federation, case.labels) as door:
            await door.check(case)


@pytest.mark.parametrize("seed", range(410, 414))
async def test_what_the_reference_refuses_is_refused_and_nothing_else(seed: int) -> None:
    rng, cases = random_cases(seed, 2)
    for case in cases:
        async with at_the_door(case.federation, case.labels) as door:
            await door.check_spoiled(rng, case)
