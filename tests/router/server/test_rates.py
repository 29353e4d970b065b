"""Rates in memory and in Redis."""

from __future__ import annotations

import secrets

import pytest

from router.server.rates import Rates
from router.server.refusals import Refused


@pytest.mark.parametrize("shared", [False, True])
async def test_a_limit_counts_per_key(shared: bool, redis_url: str) -> None:
    rates = Rates(redis_url if shared else None)
    key = secrets.token_hex(4)
    await rates.hit("2/minute", key, "asha")
    await rates.hit("2/minute", key, "asha")
    await rates.hit("2/minute", key, "ben")
    with pytest.raises(Refused) as refusal:
        await rates.hit("2/minute", key, "asha")
    assert refusal.value.http_status == 429
    await rates.aclose()


async def test_an_absent_redis_opens_the_door() -> None:
    rates = Rates("redis://127.0.0.1:1/0")
    for _ in range(3):
        await rates.hit("1/minute", "asha")
    await rates.aclose()
