"""Documents in ABDM's profiles: the published examples, our counterpart's, and broken ones."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from drassist.adapters.abdm import HEALTH_INFORMATION_TYPES, Artefact, read_document
from drassist.adapters.errors import InputInvalid
from drassist.fhir import codec
from drassist.fhir.validation import faults
from drassist.testing.abdm import Hospital, document_bundle

ARTEFACT = Artefact(
    id="a",
    request_id="r",
    facility_id="IN1",
    facility="City Hospital",
    abha_address="asha.t@sbx",
    purpose="CAREMGT",
    hi_types=HEALTH_INFORMATION_TYPES,
    start=datetime(2024, 1, 1, tzinfo=UTC),
    end=datetime(2026, 1, 1, tzinfo=UTC),
    erase_at=datetime(2027, 1, 1, tzinfo=UTC),
    access_mode="VIEW",
    care_contexts=("v1",),
)

PUBLISHED = {
    "DiagnosticReport-Imaging-DCM-example-01": "DiagnosticReport",
    "DiagnosticReport-Imaging-Media-example-02": "DiagnosticReport",
    "DiagnosticReport-Lab-example-03": "DiagnosticReport",
    "DischargeSummary-example-04": "DischargeSummary",
    "HealthDocumentRecord-example-01": "HealthDocumentRecord",
    "ImmunizationRecord-example-07": "ImmunizationRecord",
    "OPConsultNote-example-05": "OPConsultation",
    "Prescription-example-06": "Prescription",
    "WellnessRecord-example-01": "WellnessRecord",
}


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_each_published_example_is_read(shared_data: Path, name: str) -> None:
    text = (shared_data / "abdm" / f"Bundle-{name}--v2.0.1.json").read_bytes()
    document = read_document(codec.loads(text))
    assert document.hi_type == PUBLISHED[name]
    assert document.author in ("Dr. DEF", "DEF")
    assert document.identifiers == ("22-7225-4829-5255",)
    assert document.sections
    assert any(said for _, said in document.sections)


@pytest.mark.parametrize("kind", HEALTH_INFORMATION_TYPES)
def test_the_counterparts_documents_are_r4_and_say_what_they_are(kind: str) -> None:
    bundle = document_bundle(kind, ARTEFACT, Hospital("IN1", "City Hospital", "Dr. Joshi"))
    assert faults(bundle) == ()
    document = read_document(bundle)
    assert (document.hi_type, document.author) == (kind, "Dr. Joshi")
    assert document.identifiers == ("asha.t@sbx",)


def test_markup_of_a_stranger_becomes_text() -> None:
    bundle = document_bundle("OPConsultation", ARTEFACT, Hospital("IN1", "X", "Dr. Y"))
    section = bundle["entry"][0]["resource"]["section"][0]
    section["text"]["div"] = (
        '<div xmlns="http://www.w3.org/1999/xhtml"><p>K &lt; 3</p><script>alert(1)</script></div>'
    )
    ((_, said),) = read_document(bundle).sections
    assert said == "K < 3\nalert(1)"


@pytest.mark.parametrize(
    "change",
    [
        {"type": "collection"},
        {"resourceType": "Patient"},
        {"entry": []},
        {"entry": [{"resource": {"resourceType": "Patient"}}]},
        {"timestamp": "yesterday"},
    ],
)
def test_what_is_no_document_is_refused_with_a_code(change: dict[str, Any]) -> None:
    bundle = document_bundle("Prescription", ARTEFACT, Hospital("IN1", "X", "Dr. Y"))
    with pytest.raises(InputInvalid) as caught:
        read_document({**bundle, **change})
    assert caught.value.error_code == "DOCUMENT_INVALID"
