"""What takes long to make ready holds up nobody but those who ask for it."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Callable
from typing import Any

import pytest

from router.errors import NoPlan
from router.planning.plan import Plan
from router.server.messages import GraphQLRequest
from router.server.refusals import Refused
from router.server.workshop import Workshop
from router.settings import HttpSettings, Settings
from tests.patience import PATIENCE


class Held:
    """A planner that plans when it is told to."""

    def __init__(self, planner: Any) -> None:
        self.planner = planner
        self.gate = threading.Event()
        self.begun = threading.Semaphore(0)
        self.documents = 0

    def plan(self, *arguments: Any, **options: Any) -> Plan:
        self.documents += 1
        self.begun.release()
        assert self.gate.wait(PATIENCE), "nobody was answered meanwhile"
        found: Plan = self.planner.plan(*arguments, **options)
        return found

    async def planning(self) -> None:
        """Wait until it has something to plan."""
        assert await asyncio.to_thread(self.begun.acquire, timeout=PATIENCE)


def hold(http: Any) -> Held:
    generation = http._transport.app.generation
    generation.planner = held = Held(generation.planner)
    return held


async def test_known_operations_are_answered_while_another_is_planned(client: Any) -> None:
    http = await client()
    known, fresh = {"query": "{ authors }"}, {"query": "{ books { title } }"}
    await http.post("/graphql", json=known)
    held = hold(http)
    asked = [asyncio.create_task(http.post("/graphql", json=fresh)) for _ in range(2)]
    await held.planning()
    answer = await http.post("/graphql", json=known)
    assert answer.json() == {"data": {"authors": ["Austen", "Thoreau"]}}
    held.gate.set()
    for each in await asyncio.gather(*asked):
        assert each.json()["data"]["books"][0] == {"title": "Emma"}
    assert held.documents == 1  # it was planned for both


async def test_who_waits_too_long_for_a_plan_is_told(client: Any) -> None:
    http = await client(settings=Settings(http=HttpSettings(request_timeout=0.05)))
    held = hold(http)
    answer = await http.post("/graphql", json={"query": "{ books { title } }"})
    held.gate.set()
    assert answer.status_code == 504
    assert answer.json()["errors"][0]["extensions"]["code"] == "GATEWAY_TIMEOUT"


async def test_work_goes_on_for_those_who_did_not_give_up() -> None:
    workshop, gate = Workshop(), threading.Event()

    def work() -> int:
        assert gate.wait(PATIENCE)
        return 7

    hasty, patient = (asyncio.create_task(workshop.make("key", work)) for _ in range(2))
    await asyncio.sleep(0)
    hasty.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hasty
    gate.set()
    assert await patient == 7
    workshop.close()


async def test_what_fails_is_told_to_all_and_tried_again() -> None:
    workshop, results = Workshop(), iter([False, True])

    def work() -> str:
        if next(results):
            return "made"
        raise NoPlan("not yet")

    for each in await asyncio.gather(
        *(workshop.make("key", work) for _ in range(2)), return_exceptions=True
    ):
        assert isinstance(each, NoPlan)
    assert await workshop.make("key", work) == "made"
    workshop.close()


async def test_the_wait_is_limited() -> None:
    workshop, gate = Workshop(), threading.Event()
    with pytest.raises(Refused, match="took too long"):
        await workshop.make("key", lambda: gate.wait(PATIENCE), 0.01)
    gate.set()
    workshop.close()


async def test_no_full_collection_goes_through_unfinished_work() -> None:
    workshop, before = Workshop(), gc.get_threshold()
    full: list[int] = []

    def count(phase: str, info: dict[str, int]) -> None:
        if phase == "start" and info["generation"] == 2:
            full.append(threading.get_ident())

    def work() -> int:
        made = [[number] for number in range(500_000)]
        return len(made)

    gc.callbacks.append(count)
    try:
        assert await workshop.make("key", work) == 500_000
    finally:
        gc.callbacks.remove(count)
    assert not full
    assert gc.get_threshold() == before
    workshop.close()


async def test_of_deferred_parts_only_the_form_asked_for_is_planned(
    started: Callable[..., Any],
) -> None:
    router = await started()
    planned: list[str] = []
    generation = router.generation

    class Counted:
        planner = generation.planner

        def plan(self, document: Any, *arguments: Any, **options: Any) -> Plan:
            plan: Plan = self.planner.plan(document, *arguments, **options)
            planned.append("in parts" if plan.deferred else "whole")
            return plan

    generation.planner = Counted()
    for apart, kind in ((False, "whole"), (True, "in parts")):
        planned.clear()
        exchange = _deferring(router, {"apart": apart})
        await router.server.pipeline.prepare(exchange)
        assert planned == [kind]


def _deferring(router: Any, variables: dict[str, Any]) -> Any:
    query = """query($apart: Boolean! = true) {
      books { title ... @defer(if: $apart) { author } }
    }"""
    request = GraphQLRequest(query=query, variables=variables)
    exchange = router.server.pipeline.exchange(router.generation.default, request, {})
    exchange.in_parts = True
    return exchange
