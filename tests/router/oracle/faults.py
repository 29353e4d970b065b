"""Subgraphs in which something is wrong, and what must hold of the answer all the same.

A value that nobody can give (``poisoned``) is an error in the merged schema too: the answers are
equal, null propagation and all. Where only some subgraph fails (it is dead, does not know an
entity, lies), what is left must be sound: every value is the true one or null, no null stands
where the client's schema allows none, and a loss is told.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Mapping
from copy import deepcopy
from random import Random
from typing import Any

import orjson

from router.errors import SubgraphError
from router.execution import SubgraphAnswer, SubgraphClient, SubgraphRequest
from tests.router.execution.wired import FORMS, wired

from .blame import astray
from .case import Case
from .soundness import unsound

__all__ = ["FAULTS", "dead", "liar", "poisoned", "unknown"]


async def poisoned(rng: Random, case: Case) -> None:
    """Let nobody know a few fields that nothing else is made of.

    Fields that are never null only where all agree what may be null: else a subgraph's null goes
    further up than the client's.
    """
    federation = case.federation
    truth = federation.truth
    wanted = {
        word
        for schema in federation.world.schemas.values()
        for declared in schema.values()
        for field in declared.fields.values()
        for text in (field.requires or "", *(str(arg) for arg in field.contextual))
        for word in re.findall(r"\w+", text)
    }
    places = [
        (kind, name)
        for kind in federation.world.names("type")
        if kind in truth.api
        for name in truth.api[kind].fields
        if name not in wanted
        and not truth.coordinate(kind, name).key
        and (truth.agrees or not truth.coordinate(kind, name).type.required[-1])
        and not any(each.contextual for _, each in truth.coordinate(kind, name).declared)
    ]
    truth.poisoned = set(rng.sample(places, min(len(places), rng.randint(1, 3))))
    try:
        await case.check()
    finally:
        truth.poisoned = set()


async def dead(rng: Random, case: Case) -> None:
    """Let a subgraph be unreachable."""
    name = rng.choice(list(case.federation.clients))
    found = await _damaged(case, {name: _Dead()})
    if case.federation.truth.loses:
        return  # some values are lost without anybody's fault
    assert found == case.oracle()[0] or case.errors, case.explain("a loss that nobody tells")
    if all(fetch.subgraph != name for fetch in case.compiled().plan.fetches):
        assert found == case.oracle()[0], case.explain("it was not even asked")


async def unknown(rng: Random, case: Case) -> None:
    """Let a subgraph have lost some entities that others refer to."""
    name = rng.choice(list(case.federation.clients))
    client = case.federation.clients[name]
    world = case.federation.world
    ids = [i for kind in world.names("type") if world.is_entity(kind) for i in world.ids(kind)]
    client.unknown = set(rng.sample(ids, (len(ids) + 1) // 2))
    try:
        await _damaged(case, {})
    finally:
        client.unknown = set()


async def liar(rng: Random, case: Case) -> None:
    """Let a subgraph answer nonsense: no promise but an answer, whatever reads it."""
    name = rng.choice(list(case.federation.clients))
    seed = rng.random()
    clients = dict(case.federation.clients)
    clients[name] = _Liar(clients[name], seed)  # type: ignore[assignment]
    case.label_clients()
    for options in FORMS:
        bodies = [each async for each in case.answers(wired(clients), options)]
        for body in bodies:
            found = orjson.loads(body)
            assert "data" in found, case.explain(str(found))
            assert not astray(found), case.explain(f"{found}\nastray: {astray(found)}")
            assert b"INTERNAL_SERVER_ERROR" not in body, case.explain(str(found))


FAULTS: list[Callable[[Random, Case], Any]] = [poisoned, dead, unknown, liar]


async def _damaged(case: Case, others: Mapping[str, SubgraphClient]) -> Any:
    """Return the data of the answer with some clients replaced; it must be sound."""
    (body,) = await case.bodies({**case.federation.clients, **others})
    found = orjson.loads(body)
    said = f"federated: {found}\noracle: {case.oracle()[0]}"
    assert "INTERNAL_SERVER_ERROR" not in str(found.get("errors")), case.explain(said)
    types: dict[tuple[Any, ...], Any] = {}
    expected, _ = case.oracle(types=types)
    if found["data"] is None:
        assert found["errors"], case.explain(said)
    elif expected is not None:
        wrong = unsound(expected, found["data"], (), types)
        assert wrong is None, case.explain(f"{said}\nat {wrong}")
    case.errors = found.get("errors", [])
    return found["data"]


class _Dead:
    """Nobody is there."""

    async def fetch(self, request: SubgraphRequest) -> SubgraphAnswer:
        """Fail."""
        raise SubgraphError("The subgraph cannot be reached.")

    async def subscribe(self, request: SubgraphRequest) -> AsyncIterator[SubgraphAnswer]:
        """Fail."""
        raise SubgraphError("The subgraph cannot be reached.")
        yield SubgraphAnswer(None)

    async def aclose(self) -> None:
        """Nothing to close."""


_NONSENSE = (None, 7, "x", [], {}, [[]], {"__typename": "Nobody"}, True, 1.5, [None, 3])


class _Liar:
    """Puts nonsense at random places of true answers; the same request gets the same answer."""

    def __init__(self, client: SubgraphClient, seed: float) -> None:
        self._client = client
        self._seed = seed

    async def fetch(self, request: SubgraphRequest) -> SubgraphAnswer:
        """Answer, and lie."""
        answer = await self._client.fetch(request)
        rng = Random(f"{self._seed}{request.operation}")
        return SubgraphAnswer(self._bent(rng, deepcopy(answer.data), 0), answer.errors)

    def _bent(self, rng: Random, value: Any, depth: int) -> Any:
        if rng.random() < 0.04 * (depth + 1):
            return deepcopy(rng.choice(_NONSENSE))
        if isinstance(value, list):
            items = [self._bent(rng, each, depth + 1) for each in value]
            if items and rng.random() < 0.05:
                return rng.choice([items[:-1], [*items, items[0]]])
            return items
        if isinstance(value, dict):
            kept = {k: self._bent(rng, each, depth + 1) for k, each in value.items()}
            if kept and rng.random() < 0.05:
                del kept[rng.choice(list(kept))]
            return kept
        return value

    def subscribe(self, request: SubgraphRequest) -> AsyncIterator[SubgraphAnswer]:
        """Tell the truth."""
        return self._client.subscribe(request)

    async def aclose(self) -> None:
        """Nothing to close."""
