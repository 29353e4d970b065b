"""Peers that the adapters' tests talk to."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from drassist.testing.fhir_server import FhirServerStandIn
from scripts.peers import PeerMissing, Sekmet, sekmet


@pytest.fixture(scope="session")
def test_data() -> Path:
    root = Path(__file__).parents[3]
    folder = Path(os.environ.get("DRASSIST_TEST_DATA", root / "../shared/data")).resolve()
    if not folder.is_dir():
        pytest.skip(f"SHARED TEST DATA ABSENT: no {folder}; set DRASSIST_TEST_DATA")
    return folder


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
