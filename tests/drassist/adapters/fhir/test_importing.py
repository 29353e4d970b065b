"""EHR in: nothing is dropped in silence, and a broken bundle is named."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from drassist.adapters.errors import InputInvalid
from drassist.adapters.fhir import (
    Collected,
    FhirClient,
    FhirServer,
    Progress,
    import_from_folder,
    import_from_server,
)
from drassist.fhir import records as r
from drassist.testing.fhir_server import FhirServerStandIn
from scripts.peers import Sekmet


def bundle(*entries: Any, type: str = "transaction") -> str:
    return json.dumps({"resourceType": "Bundle", "type": type, "entry": entries})


def entry(kind: str, id: str, **more: Any) -> dict[str, Any]:
    return {"fullUrl": f"urn:uuid:{id}", "resource": {"resourceType": kind, "id": id, **more}}


async def test_every_resource_of_real_bundles_is_taken_or_kept(shared_data: Path) -> None:
    folder = shared_data / "fhir" / "synthea"
    sink, told = Collected(), []
    report = await import_from_folder(folder, sink, progress=told.append)
    in_files: Counter[str] = Counter()
    for path in folder.glob("*.json"):
        entries = json.loads(path.read_text())["entry"]
        in_files.update(e["resource"]["resourceType"] for e in entries)
    assert report.total == in_files.total() == len(sink.records) + len(sink.leftovers)
    mapped = ("Patient", "Encounter", "Condition", "AllergyIntolerance", "MedicationRequest")
    for kind in (*mapped, "Observation", "DiagnosticReport", "Practitioner"):
        assert report.taken[kind] == in_files[kind]
    assert not report.unresolved
    assert {kind for kind, _ in report.kept} == set(in_files) - set(report.taken)
    assert told[-1] == Progress("synthea", len(list(folder.glob("*.json"))), 12)


async def test_digits_of_a_real_observation_are_exact(shared_data: Path) -> None:
    folder = shared_data / "fhir" / "synthea"
    sink = Collected()
    await import_from_folder(folder, sink)
    text = "".join(path.read_text() for path in folder.glob("*.json"))
    values = [
        str(record.quantity.value)
        for record in sink.records
        if isinstance(record, r.ObservationRecord) and record.quantity
    ]
    assert len(values) > 500
    assert all(f'"value": {value},' in text for value in values)


async def test_the_same_chart_comes_from_a_real_server_and_from_a_folder(
    shared_data: Path, sekmet_server: Sekmet, tmp_path: Path
) -> None:
    files = sorted((shared_data / "fhir" / "synthea").glob("*.json"))[:3]
    for path in files:
        sekmet_server.load(path)
        (tmp_path / path.name).write_bytes(path.read_bytes())
    from_folder, from_server = Collected(), Collected()
    report = await import_from_folder(tmp_path, from_folder)
    async with FhirClient(FhirServer(sekmet_server.url, page_size=50)) as client:
        served = await import_from_server(client, from_server)
    # other tests share the server, so it may hold more than these three patients
    mrns = {_mrn(p) for p in from_folder.records if isinstance(p, r.PatientRecord)}
    ids = {
        p.source.id
        for p in from_server.records
        if isinstance(p, r.PatientRecord) and _mrn(p) in mrns
    }
    assert len(ids) == 3
    counted = Counter(
        x.source.kind
        for x in from_server.records
        if getattr(x, "patient", None) is not None and x.patient.id in ids  # type: ignore[union-attr]
    )
    for kind in ("Encounter", "Condition", "Observation", "DiagnosticReport", "MedicationRequest"):
        assert counted[kind] == report.taken[kind], kind
    assert served.kept["Immunization", "no place for Immunization"] > 0


def _mrn(patient: r.PatientRecord) -> str | None:
    return next((i.value for i in patient.identifiers if i.type == "MR"), None)


async def test_only_changes_are_read_when_a_time_is_given(stand_in: FhirServerStandIn) -> None:
    stand_in.put({"resourceType": "Patient", "id": "old"})
    seen = stand_in.put({"resourceType": "Patient", "id": "new"})
    sink = Collected()
    async with FhirClient(FhirServer(stand_in.url)) as client:
        await import_from_server(client, sink, since=seen["meta"]["lastUpdated"])
    assert [record.source.id for record in sink.records] == ["new"]


async def test_kinds_that_are_not_read_are_counted_at_the_server(
    stand_in: FhirServerStandIn,
) -> None:
    stand_in.put({"resourceType": "Bundle", "id": "b", "type": "document"})
    async with FhirClient(FhirServer(stand_in.url)) as client:
        report = await import_from_server(client, Collected())
    assert report.elsewhere == {"Bundle": 1}


async def test_a_patient_comes_before_what_points_at_her(tmp_path: Path) -> None:
    condition = entry("Condition", "c", code={"text": "x"}, subject={"reference": "urn:uuid:p"})
    (tmp_path / "a.json").write_text(bundle(condition, entry("Patient", "p")))
    sink = Collected()
    await import_from_folder(tmp_path, sink)
    first, second = sink.records
    assert isinstance(first, r.PatientRecord)
    assert isinstance(second, r.ConditionRecord)
    assert second.patient == r.Reference("Patient", "p")


async def test_a_reference_that_leads_nowhere_is_counted_and_kept(tmp_path: Path) -> None:
    lost = entry("Condition", "c", code={"text": "x"}, subject={"reference": "urn:uuid:gone"})
    (tmp_path / "a.json").write_text(bundle(lost))
    sink = Collected()
    report = await import_from_folder(tmp_path, sink)
    assert report.unresolved == {"Condition": 1}
    assert report.taken == {"Condition": 1}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{", "bad.json: not JSON at line 1"),
        ('{"resourceType": "Patient"}', "bad.json: not a Bundle"),
        (bundle(type="message"), "Bundle.type"),
        (bundle(entry("Patient", "p"), {"fullUrl": "urn:uuid:x"}), "entry 1: has no resource"),
        (bundle({"resource": {"id": "1"}}), "entry 0: its resource has no resourceType"),
        (bundle({"resource": {"resourceType": "Patient"}}), "entry 0 (Patient): neither id"),
        (bundle(entry("Patient", "p"), entry("Patient", "p")), "entry 1 (Patient/p): fullUrl"),
        ('{"resourceType":"Bundle","type":"batch","entry":7}', "entry is no list"),
    ],
)
async def test_a_broken_bundle_is_refused_whole_and_its_entry_named(
    tmp_path: Path, text: str, fault: str
) -> None:
    (tmp_path / "bad.json").write_text(text)
    sink = Collected()
    with pytest.raises(InputInvalid) as caught:
        await import_from_folder(tmp_path, sink)
    assert fault in caught.value.message
    assert caught.value.error_code == "FHIR_BUNDLE_INVALID"
    assert sink.records == []


async def test_an_absent_or_empty_folder_is_said_so(tmp_path: Path) -> None:
    for folder, code in ((tmp_path / "no", "FHIR_FOLDER_MISSING"), (tmp_path, "FHIR_FOLDER_EMPTY")):
        with pytest.raises(InputInvalid) as caught:
            await import_from_folder(folder, Collected())
        assert caught.value.error_code == code
