from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from drassist import graph
from drassist.adapters.fhir import import_from_folder
from drassist.fhir.records import Leftover, PatientRecord, Source
from drassist.runtime.identity import Identity, Role
from drassist.testing import samples
from subgraphs.patients.services.importing import PatientImport, unmapped_counts
from subgraphs.patients.services.wiring import Services

COUNT = "{ unmappedResources { kind reason count } }"


async def test_synthea_patients_come_in_and_what_has_no_place_is_kept_and_counted(
    patients: graph.Subgraph[Services], ask: Any, shared_data: Path
) -> None:
    folder = shared_data / "fhir" / "synthea"
    first, again = PatientImport(patients.services), PatientImport(patients.services)
    report = await import_from_folder(folder, first)
    assert first.counts.mapped == {"Patient": 12, "Condition": 40, "AllergyIntolerance": 1}
    assert sum(first.counts.unmapped.values()) == report.kept.total() == 545
    await import_from_folder(folder, again)  # doubles nothing
    counted = (await ask(COUNT))["unmappedResources"]
    assert sum(row["count"] for row in counted) == 541  # bundles share some organizations
    found = await ask(
        '{ searchPatients(text: "Heredia Hernan") { edges { node { patient { name } } } } }'
    )
    names = [edge["node"]["patient"]["name"] for edge in found["searchPatients"]["edges"]]
    assert names[0] == "Hernán Heredia"


async def test_the_samples_are_people_that_the_development_users_know(
    patients: graph.Subgraph[Services], ask: Any
) -> None:
    sink = PatientImport(patients.services)
    await samples.load(sink, count=4)
    me = Identity.of(Role.PATIENT, **samples.CLAIMS["patient"])
    chart = await ask(
        "{ myChart { name mrn phone abhaNumber abhaAddress conditions { id } "
        "allergies { completeness } } }",
        me,
    )
    assert chart["myChart"]["name"] == "Priya Sharma"
    assert chart["myChart"]["mrn"] == "UH1000"
    assert chart["myChart"]["phone"].startswith("+9198")
    assert chart["myChart"]["abhaAddress"] == "priya.sharma0@sbx"
    assert chart["myChart"]["conditions"]
    assert chart["myChart"]["allergies"]["completeness"] == "RECORDED"


async def test_a_patient_without_a_name_is_kept_with_the_reason(
    patients: graph.Subgraph[Services],
) -> None:
    nameless = PatientRecord(
        source=Source("Patient", "1"),
        identifiers=(),
        names=(),
        telecoms=(),
        addresses=(),
        gender=None,
        birth_date=None,
        deceased=None,
        deceased_at=None,
        active=True,
        languages=(),
    )
    await PatientImport(patients.services).take([nameless])
    assert await unmapped_counts(patients.services) == [("Patient", "a patient without a name", 1)]


async def test_leftovers_are_kept_once(patients: graph.Subgraph[Services]) -> None:
    left: Sequence[Leftover] = [Leftover(Source("Claim", "1"), "no place for Claim", {"id": "1"})]
    sink = PatientImport(patients.services)
    await sink.keep(left)
    await sink.keep(left)
    assert await unmapped_counts(patients.services) == [("Claim", "no place for Claim", 1)]
