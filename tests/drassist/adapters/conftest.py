"""Peers that the adapters' tests talk to."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator

import pytest

from drassist.testing.fhir_server import FhirServerStandIn
from scripts.peers import PeerMissing, Sekmet, sekmet


@pytest.fixture(scope="session")
def sekmet_server() -> Iterator[Sekmet]:
    """A FHIR server with laboratory and pharmacy that nobody here wrote."""
    try:
        with sekmet() as server:
            yield server
    except PeerMissing as missing:
        if os.environ.get("DRASSIST_REQUIRE_SERVICES"):
            pytest.fail(str(missing))
        pytest.skip(f"PEER ABSENT: {missing}")


@pytest.fixture
async def stand_in() -> AsyncIterator[FhirServerStandIn]:
    async with FhirServerStandIn() as server:
        yield server
