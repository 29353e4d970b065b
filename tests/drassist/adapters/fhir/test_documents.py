"""What we write is R4, carries our numbers, and loses no digit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from drassist.adapters.fhir import FhirClient, FhirServer
from drassist.adapters.fhir.documents import FhirDocuments
from drassist.fhir.validation import faults
from drassist.fhir.writing import Systems, note_document, patient_stub
from drassist.testing.fhir_server import FhirServerStandIn

FACILITY = "http://hospital.example/facility"


@dataclass(frozen=True)
class Subject:
    id: str = "Patient:1"
    identifiers: tuple[tuple[str, str], ...] = ()
    name: str | None = "Asha Test"
    birth_date: str | None = "1979"
    gender: str | None = "female"


@dataclass(frozen=True)
class Section:
    title: str
    code: str | None
    text: str


@dataclass(frozen=True)
class Note:
    id: str = "Note:1"
    version: int = 1
    title: str = "Consultation"
    amended: bool = False
    signed_at: datetime = datetime(2026, 11, 24, 5, tzinfo=UTC)
    author: str = "Dr. Rao"
    author_number: str | None = "MH-1001"
    encounter: str | None = "Encounter:1"
    subject: Subject = Subject()
    sections: tuple[Section, ...] = (
        Section("Subjective", "10164-2", "Fever < 3 days & cough\nno breathlessness"),
        Section("Plan", None, ""),
    )


def test_a_note_is_a_document_with_the_composition_first() -> None:
    bundle = note_document(Note(), Systems(FACILITY))
    assert faults(bundle) == ()
    composition = bundle["entry"][0]["resource"]
    assert composition["resourceType"] == "Composition"
    assert composition["attester"][0]["mode"] == "legal"
    said = composition["section"][0]["text"]["div"]
    assert "Fever &lt; 3 days &amp; cough<br/>no breathlessness" in said
    links = {entry["fullUrl"] for entry in bundle["entry"]}
    assert composition["subject"]["reference"] in links
    assert composition["author"][0]["reference"] in links


def test_an_empty_section_says_that_it_is_empty() -> None:
    composition = note_document(Note(), Systems(FACILITY))["entry"][0]["resource"]
    empty = composition["section"][1]
    assert "text" not in empty
    assert empty["emptyReason"]["coding"][0]["code"] == "notasked"


@pytest.mark.parametrize(("amended", "status"), [(False, "final"), (True, "amended")])
def test_an_amendment_is_another_document(amended: bool, status: str) -> None:
    note = Note(version=2 if amended else 1, amended=amended)
    bundle = note_document(note, Systems(FACILITY))
    assert bundle["entry"][0]["resource"]["status"] == status
    assert bundle["identifier"]["value"] == f"Note:1-v{note.version}"


def test_a_patient_is_found_by_her_first_identifier_or_by_our_id() -> None:
    systems = Systems(FACILITY)
    stub, search = patient_stub(Subject(identifiers=(("urn:mrn", "7"), ("urn:abha", "9"))), systems)
    assert faults(stub) == ()
    assert search == "identifier=urn:mrn|7"
    _, search = patient_stub(Subject(), systems)
    assert search == f"identifier={FACILITY}/patient|Patient:1"


async def test_a_version_of_a_note_is_published_once(stand_in: FhirServerStandIn) -> None:
    async with FhirClient(FhirServer(stand_in.url)) as client:
        documents = FhirDocuments(client, FACILITY)
        stand_in.forget_next_answer()
        first = await documents.publish(Note())
        assert await documents.publish(Note()) == first
        assert await documents.publish(Note(version=2, amended=True)) != first
    assert len(stand_in.all("Bundle")) == 2
