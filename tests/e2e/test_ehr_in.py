"""A hospital's own records: Synthea charts on a FHIR server that nobody here wrote.

They are imported over HTTP by the command, a consultation is played on one of these patients by
one of these doctors, and the signed note arrives on the server as a document.
"""

from __future__ import annotations

import json
import os
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from drassist.clinical import imported_id
from drassist.demo import Consultation, Played
from scripts.peers import PeerMissing, Sekmet, sekmet
from tests.e2e.system import PASSWORD, embedded, play, run, serving
from tests.patience import PATIENCE

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

CHARTS = 2


@dataclass(frozen=True)
class Hospital:
    """The EHR, one of its patients and doctors, what the import said, and one consultation."""

    ehr: Sekmet
    patient: dict[str, Any]
    imported: str
    played: Played


@pytest.fixture(scope="module")
def ehr(shared_data: Path) -> Iterator[Sekmet]:
    try:
        with sekmet() as server:
            charts = sorted((shared_data / "fhir" / "synthea").glob("*.json"), key=_size)
            for chart in charts[:CHARTS]:
                server.load(chart)
            yield server
    except PeerMissing as missing:
        if os.environ.get("DRASSIST_REQUIRE_SERVICES"):
            pytest.fail(str(missing))
        pytest.skip(f"PEER ABSENT: {missing}")


@pytest.fixture(scope="module")
def hospital(ehr: Sekmet, tmp_path_factory: pytest.TempPathFactory) -> Hospital:
    folder = tmp_path_factory.mktemp("ehr-in")
    patient = _search(ehr, "Patient")[0]
    doctor = _search(ehr, "Practitioner")[0]
    own = {
        "patient": {"patient_id": imported_id("Patient", patient["id"])},
        "doctor": {"practitioner_id": imported_id("Practitioner", doctor["id"])},
    }
    environment = embedded(folder) | {
        "DRASSIST_ADAPTERS__FHIR__URL": ehr.url,
        "DRASSIST_ADAPTERS__LAB__URL": ehr.url,
        "DRASSIST_ADAPTERS__PHARMACY__URL": ehr.url,
        "DRASSIST_IDENTITY__DEVELOPMENT_CLAIMS": json.dumps(own),
    }
    imported = run("import", folder=folder, environment=environment)
    assert imported.returncode == 0, imported.stdout + imported.stderr
    with serving(folder, environment) as base:
        name = patient["name"][0]
        search = f"{name['given'][0]} {name['family']}"
        played = play(Consultation(base, password=PASSWORD, search=search))
        _until_a_document(ehr)
    return Hospital(ehr, patient, imported.stdout, played)


def test_the_import_takes_what_it_knows_and_counts_what_it_does_not(hospital: Hospital) -> None:
    lines = [line for line in hospital.imported.splitlines() if line.startswith("│")]
    rows = [[cell.strip() for cell in line.split("│")[1:5]] for line in lines]
    taken = {kind: int(count) for kind, count, _, _ in rows if count}
    assert taken["Patient"] == CHARTS
    assert {"Encounter", "Condition", "Observation", "DiagnosticReport"} <= set(taken)
    kept = {kind: why for kind, _, count, why in rows if count}
    assert kept
    assert all(kept.values()), "what is kept unmapped has a reason"


def test_the_patient_of_the_ehr_is_the_one_in_the_consultation(hospital: Hospital) -> None:
    assert hospital.played.patient["id"] == imported_id("Patient", hospital.patient["id"])
    assert hospital.played.summary["patient"]["name"]


def test_her_phone_shows_the_result_of_a_laboratory_that_nobody_here_wrote(
    hospital: Hospital,
) -> None:
    (report,) = hospital.played.order["reports"]
    assert report["status"] == "FINAL"
    assert report["id"] in {each["id"] for each in hospital.played.home["newResults"]}


def test_the_signed_note_is_a_document_of_this_patient_on_the_server(hospital: Hospital) -> None:
    (document,) = _documents(hospital.ehr)
    kinds = [entry["resource"]["resourceType"] for entry in document["entry"]]
    assert kinds[0] == "Composition"
    composition = document["entry"][0]["resource"]
    assert composition["status"] == "final"
    text = json.dumps(composition)
    assert "chest pain" in text
    named = json.dumps(document)
    assert hospital.patient["name"][0]["family"] in named


def _size(path: Path) -> int:
    return path.stat().st_size


def _search(ehr: Sekmet, kind: str, **query: str) -> list[dict[str, Any]]:
    url = f"{ehr.url}/{kind}?{urllib.parse.urlencode(query)}"
    with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
        found = json.load(answer)
    return [entry["resource"] for entry in found.get("entry", ())]


def _documents(ehr: Sekmet) -> list[dict[str, Any]]:
    return [each for each in _search(ehr, "Bundle") if each.get("type") == "document"]


def _until_a_document(ehr: Sekmet) -> None:
    deadline = time.monotonic() + PATIENCE
    while not _documents(ehr) and time.monotonic() < deadline:
        time.sleep(0.3)
