from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest

from drassist import graph
from drassist.events import MemoryBus
from drassist.runtime.identity import Identity, Role
from drassist.runtime.settings import Settings
from subgraphs.patients.app import create_app
from subgraphs.patients.services.wiring import Services

Ask = Callable[..., Coroutine[Any, Any, Any]]


@pytest.fixture
async def patients(settings: Settings) -> AsyncIterator[graph.Subgraph[Services]]:
    async with create_app(settings, bus=MemoryBus()).lifespan() as running:
        yield running


@pytest.fixture
def ask(patients: graph.Subgraph[Services]) -> Ask:
    """Ask the running subgraph; gives ``data``, and fails on errors unless they are wanted."""

    async def ask(
        operation: str,
        role: Role | Identity = Role.FRONT_DESK,
        *,
        errors: bool = False,
        **values: Any,
    ) -> Any:
        identity = role if isinstance(role, Identity) else Identity.of(role)
        answer = await patients.execute(operation, values, identity=identity)
        if errors:
            return answer["errors"]
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    return ask
