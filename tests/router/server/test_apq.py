"""Where automatic persisted queries are kept."""

from __future__ import annotations

import secrets

import pytest

from router.server import apq
from router.server.apq import MemoryApq, RedisApq
from tests.valkey import start_valkey


async def test_memory_is_bounded_by_use() -> None:
    store = MemoryApq(entries=2, largest=10)
    await store.put("a", "A")
    await store.put("b", "B")
    await store.get("a")
    await store.put("c", "C")
    assert [await store.get(key) for key in "abc"] == ["A", None, "C"]
    await store.put("d", "x" * 11)
    assert await store.get("d") is None


async def test_two_routers_share_a_redis(redis_url: str) -> None:
    key = secrets.token_hex(32)
    one, two = (RedisApq(redis_url, MemoryApq(10, 1000), 60) for _ in range(2))
    await one.put(key, "{ a }")
    assert await two.get(key) == "{ a }"
    await one.aclose()
    await two.aclose()


async def test_redis_may_go_and_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apq, "_PAUSE", 0.0)
    server = start_valkey()
    port = server.port
    store = RedisApq(f"redis://127.0.0.1:{port}/0", MemoryApq(10, 1000), 60)
    fresh = RedisApq(f"redis://127.0.0.1:{port}/0", MemoryApq(10, 1000), 60)
    await store.put("a", "{ a }")
    server.stop()
    assert await store.get("a") == "{ a }"  # the memory serves what it has
    assert await fresh.get("a") is None  # and a miss is a miss, not an error
    await store.put("b", "{ b }")
    back = start_valkey(port)
    await store.put("c", "{ c }")
    assert await fresh.get("c") == "{ c }"
    await store.aclose()
    await fresh.aclose()
    back.stop()
