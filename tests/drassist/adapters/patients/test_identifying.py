"""Who a patient is, asked in the graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from drassist.adapters.errors import PeerUnavailable
from drassist.adapters.patients import PatientsInGraph

FACILITY = "http://hospital.example/facility"
ASHA = {"mrn": "H-7", "name": "Asha Test", "gender": "FEMALE", "birthDate": "1979"}


def graph(with_numbers: Any, without: Any = None) -> PatientsInGraph:
    async def execute(query: str, variables: Mapping[str, Any]) -> Mapping[str, Any]:
        assert variables["patients"] == [{"__typename": "Patient", "id": "Patient:1"}]
        return {"data": {"_entities": [with_numbers if "identifiers" in query else without]}}

    return PatientsInGraph(execute, FACILITY)


async def test_she_is_found_by_the_number_under_the_system_that_gave_it() -> None:
    numbers = [
        {"system": "urn:abha", "value": "9", "type": None},
        {"system": "urn:old", "value": "H-1", "type": "MR"},
        {"system": "urn:mrn", "value": "H-7", "type": "MR"},
    ]
    subject = await graph({**ASHA, "identifiers": numbers}).identify("Patient:1")
    assert subject.identifiers == (("urn:mrn", "H-7"), ("urn:old", "H-1"))
    assert (subject.name, subject.gender, subject.birth_date) == ("Asha Test", "female", "1979")


async def test_without_the_right_to_numbers_our_own_has_to_do() -> None:
    subject = await graph(None, ASHA).identify("Patient:1")
    assert subject.identifiers == ((f"{FACILITY}/mrn", "H-7"),)


async def test_an_unknown_patient_delays_the_order() -> None:
    with pytest.raises(PeerUnavailable):
        await graph(None, None).identify("Patient:1")
