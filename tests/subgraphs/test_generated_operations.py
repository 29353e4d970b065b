"""Whatever operation the schema allows, a subgraph answers without a fault of their own.

schemathesis makes the operations from the schema, a server answers them over HTTP. Asking wrongly
is answered with a code; INTERNAL_ERROR is ours.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as given_settings
from schemathesis.graphql import nodes

from drassist.events import MemoryBus
from drassist.graph import Subgraph
from drassist.runtime.identity import ROLE_SCOPES, TrustedIdentity
from drassist.runtime.settings import Settings
from drassist.speech.scripted import ScriptedEngine
from drassist.testing.abdm import AbdmCounterpart
from drassist.testing.lab import SimulatedLab
from drassist.testing.pharmacy import SimulatedPharmacy
from subgraphs.bff import app as bff
from subgraphs.consents import app as consents
from subgraphs.encounters import app as encounters
from subgraphs.notes import app as notes
from subgraphs.orders import app as orders
from subgraphs.patients import app as patients
from tests.patience import PATIENCE

EVERYTHING = TrustedIdentity.header(
    {
        "sub": "system",
        "roles": ["system"],
        "scope": " ".join(frozenset().union(*ROLE_SCOPES.values())),
    }
)


def make_orders(settings: Settings) -> Subgraph[Any]:
    return orders.create_app(
        settings,
        bus=MemoryBus(),
        laboratory=SimulatedLab(delay=0),
        pharmacy=SimulatedPharmacy(delay=0),
    )


def make_consents(settings: Settings) -> Subgraph[Any]:
    return consents.create_app(settings, bus=MemoryBus(), gateway=AbdmCounterpart(after=0))


def make_patients(settings: Settings) -> Subgraph[Any]:
    return patients.create_app(settings, bus=MemoryBus())


def make_encounters(settings: Settings) -> Subgraph[Any]:
    return encounters.create_app(settings, bus=MemoryBus())


def make_notes(settings: Settings) -> Subgraph[Any]:
    return notes.create_app(settings, bus=MemoryBus(), engine=ScriptedEngine([]))


def make_bff(settings: Settings) -> Any:
    return bff.create_app(settings)


@contextlib.contextmanager
def serving(subgraph: Any) -> Iterator[str]:
    """Serve over HTTP in a thread; gives the URL of the GraphQL endpoint."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(subgraph, log_level="error", ws="none"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])))
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.02)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/graphql/"
    finally:
        server.should_exit = True
        thread.join(PATIENCE)
        listener.close()


@pytest.mark.parametrize(
    "make",
    [make_orders, make_consents, make_patients, make_encounters, make_notes, make_bff],
)
def test_no_generated_operation_is_answered_with_a_fault_of_ours(
    make: Callable[[Settings], Subgraph[Any]], settings: Settings
) -> None:
    for name, known in (
        ("DateTime", "2096-11-24T09:30:00+05:30"),
        ("Decimal", "7.0"),
        ("Date", "2026-11-24"),
        ("PartialDate", "1979-04"),
    ):
        schemathesis.graphql.scalar(name, _just(known))
    answered = 0
    with serving(make(settings)) as url:
        schema = schemathesis.graphql.from_url(url, headers=EVERYTHING)
        for found in schema.get_all_operations():
            operation = found.ok()

            @given(case=operation.as_strategy())
            @given_settings(
                max_examples=8,
                deadline=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
                database=None,
            )
            def check(case: Any) -> None:
                nonlocal answered
                answer = case.call(headers=EVERYTHING, timeout=PATIENCE)
                assert answer.status_code < 500, case.body
                said = answer.json()
                answered += said.get("data") is not None
                for error in said.get("errors") or ():
                    assert error["extensions"]["code"] != "INTERNAL_ERROR", case.body

            check()
    assert answered > 20  # refusals alone would prove nothing


def _just(value: str) -> Any:
    from hypothesis import strategies as st

    return st.just(value).map(nodes.String)
