from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest

from drassist import graph
from drassist.events import MemoryBus
from drassist.runtime.identity import Identity, Role
from drassist.runtime.settings import Settings
from subgraphs.encounters.app import create_app
from subgraphs.encounters.services.people import add_practitioner
from subgraphs.encounters.services.wiring import Services

Ask = Callable[..., Coroutine[Any, Any, Any]]

DOCTOR = Identity.of(Role.DOCTOR, practitioner_id="practitioner-asha-rao")


@pytest.fixture
async def encounters(settings: Settings) -> AsyncIterator[graph.Subgraph[Services]]:
    async with create_app(settings, bus=MemoryBus()).lifespan() as running:
        await add_practitioner(running.services, "Dr Asha Rao", id="practitioner-asha-rao")
        yield running


@pytest.fixture
def ask(encounters: graph.Subgraph[Services]) -> Ask:
    """Ask the running subgraph; gives ``data``, and fails on errors unless they are wanted."""

    async def ask(
        operation: str,
        who: Role | Identity = Role.FRONT_DESK,
        *,
        errors: bool = False,
        **values: Any,
    ) -> Any:
        identity = who if isinstance(who, Identity) else Identity.of(who)
        answer = await encounters.execute(operation, values, identity=identity)
        if errors:
            return answer["errors"]
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    return ask
