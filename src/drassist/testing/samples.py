"""Sample patients for development: made up, seeded, and imported like any hospital's own.

The clinical content (problems, vitals, results, medicines that fit each other) comes from
``carebundle``; here each person gets a name, a phone, a hospital number and an ABHA number with a
right check digit, as an Indian OPD has them, and some an allergy. The bundles then go through the same
FHIR import as an EHR's. Nobody here exists.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Final

from drassist.clinical import imported_id, verhoeff_check

if TYPE_CHECKING:  # who the sample people are is told to processes that import nothing
    from drassist.adapters.fhir import ImportReport, Progress, Sink

__all__ = ["CLAIMS", "DOCTOR_ID", "NURSE_ID", "PATIENT_ID", "bundles", "load"]

DOCTOR_ID: Final = imported_id("Practitioner", "asha-rao")
"""The practitioner who recorded the samples: the development user ``doctor``."""
NURSE_ID: Final = imported_id("Practitioner", "nisha-thomas")
PATIENT_ID: Final = imported_id("Patient", "sample-000")
"""The first sample patient: the development user ``patient``, Priya Sharma."""

CLAIMS: Final[Mapping[str, Mapping[str, str]]] = {
    "doctor": {"practitioner_id": DOCTOR_ID},
    "nurse": {"practitioner_id": NURSE_ID},
    "patient": {"patient_id": PATIENT_ID},
}
"""What the development users' tokens say about who they are in the samples."""

# given name, family name, sex, language
_PEOPLE: Final = (
    ("Priya", "Sharma", "F", "hi"),
    ("Ravi", "Kumar", "M", "kn"),
    ("Sunita", "Devi", "F", "hi"),
    ("Mohammed", "Iqbal", "M", "ur"),
    ("Lakshmi", "Narayanan", "F", "ta"),
    ("Arjun", "Reddy", "M", "te"),
    ("Meera", "Nair", "F", "ml"),
    ("Gurpreet", "Singh", "M", "pa"),
    ("Ananya", "Banerjee", "F", "bn"),
    ("Suresh", "Patil", "M", "mr"),
    ("Kavita", "Patel", "F", "gu"),
    ("Joseph", "Fernandes", "M", "en"),
)
_PLACES: Final = (
    ("Bengaluru", "Karnataka", "560001"),
    ("Chennai", "Tamil Nadu", "600001"),
    ("Pune", "Maharashtra", "411001"),
    ("Kolkata", "West Bengal", "700001"),
)
_PROFILES: Final = ("type2_diabetes", "hypertension", "anaemia", "healthy", "ckd_stage3")
_HOSPITAL: Final = "http://hospital.example/mrn"
_ABHA: Final = "https://healthid.ndhm.gov.in"
_LATEST_VISIT: Final = date(2026, 11, 2)


def bundles(count: int = 12, seed: int = 20261124) -> list[dict[str, Any]]:
    """FHIR R4 transaction bundles, one a patient; the same seed gives the same people."""
    return [_bundle(number, seed) for number in range(count)]


async def load(
    sink: Sink,
    *,
    count: int = 12,
    seed: int = 20261124,
    progress: Callable[[Progress], None] | None = None,
) -> ImportReport:
    """Make the samples and import them into ``sink``; doing it again changes nothing."""
    from drassist.adapters.fhir import import_from_folder

    with tempfile.TemporaryDirectory(prefix="drassist-samples-") as folder:
        await asyncio.to_thread(_write, Path(folder), count, seed)
        return await import_from_folder(Path(folder), sink, progress=progress)


def _write(folder: Path, count: int, seed: int) -> None:
    for number, bundle in enumerate(bundles(count, seed)):
        (folder / f"{number:04}.json").write_text(json.dumps(bundle))


def _bundle(number: int, seed: int) -> dict[str, Any]:
    import carebundle  # takes a second to load, and only an empty system needs it

    random = Random(seed * 1_000 + number)  # noqa: S311  repeatable, not secret
    given, family, sex, language = _PEOPLE[number % len(_PEOPLE)]
    made = carebundle.generate_bundle(
        profile=_PROFILES[number % len(_PROFILES)],
        seed=seed + number,
        sex=sex,
        age_range=(24, 72),
        reference_date=_LATEST_VISIT,
        index=number,
    )
    bundle: dict[str, Any] = json.loads(carebundle.to_json(made))
    resources = [entry["resource"] for entry in bundle["entry"]]
    for resource in resources:
        resource.pop("text", None)  # its narrative names the person that carebundle had in mind
        if resource["resourceType"] == "Patient":
            _become(resource, number, given, family, language, random)
            patient_url = next(e["fullUrl"] for e in bundle["entry"] if e["resource"] is resource)
        elif resource["resourceType"] == "Practitioner":
            _doctor(resource)
    if number % 3 == 0:
        bundle["entry"].append(_allergy(number, patient_url))
    return bundle


def _become(
    patient: dict[str, Any], number: int, given: str, family: str, language: str, random: Random
) -> None:
    city, state, pin = _PLACES[number % len(_PLACES)]
    again = number // len(_PEOPLE)
    patient["id"] = f"sample-{number:03}"
    patient["name"] = [
        {
            "use": "official",
            "text": f"{given} {family}" + (f" {'I' * again}" if again else ""),
            "family": family,
            "given": [given],
        }
    ]
    patient["identifier"] = [
        {
            "type": {"coding": [{"system": _V2_0203, "code": "MR"}]},
            "system": _HOSPITAL,
            "value": f"UH{1000 + number}",
        },
        {"system": _ABHA, "value": _abha(random)},
        {"system": _ABHA, "value": f"{given}.{family}{number}@sbx".lower()},
    ]
    patient["telecom"] = [
        {"system": "phone", "use": "mobile", "value": f"+9198{random.randrange(10**8):08}"}
    ]
    patient["address"] = [
        {"use": "home", "city": city, "state": state, "postalCode": pin, "country": "IN"}
    ]
    patient["communication"] = [
        {"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": language}]}}
    ]


_V2_0203: Final = "http://terminology.hl7.org/CodeSystem/v2-0203"


def _doctor(practitioner: dict[str, Any]) -> None:
    practitioner["id"] = "asha-rao"
    practitioner["name"] = [
        {
            "use": "official",
            "text": "Dr Asha Rao",
            "family": "Rao",
            "given": ["Asha"],
            "prefix": ["Dr"],
        }
    ]
    practitioner["identifier"] = [
        {
            "type": {"coding": [{"system": _V2_0203, "code": "MD"}]},
            "system": "http://karnatakamedicalcouncil.example",
            "value": "KMC-48213",
        }
    ]


def _allergy(number: int, patient_url: str) -> dict[str, Any]:
    what, manifestation = (("Penicillin", "Hives"), ("Peanut", "Wheezing"))[number // 3 % 2]
    status = "http://terminology.hl7.org/CodeSystem/allergyintolerance"
    return {
        "fullUrl": f"urn:uuid:00000000-0000-4000-8000-{number:012}",
        "resource": {
            "resourceType": "AllergyIntolerance",
            "id": f"sample-allergy-{number:03}",
            "clinicalStatus": {"coding": [{"system": f"{status}-clinical", "code": "active"}]},
            "verificationStatus": {
                "coding": [{"system": f"{status}-verification", "code": "confirmed"}]
            },
            "type": "allergy",
            "category": ["medication" if what == "Penicillin" else "food"],
            "criticality": "high",
            "code": {"text": what},
            "patient": {"reference": patient_url},
            "reaction": [{"manifestation": [{"text": manifestation}], "severity": "moderate"}],
        },
        "request": {"method": "POST", "url": "AllergyIntolerance"},
    }


def _abha(random: Random) -> str:
    """Fourteen digits that pass the check, in the range that is not given out."""
    body = f"91{random.randrange(10**11):011}"
    digits = next(body + check for check in "0123456789" if verhoeff_check(body + check))
    return f"{digits[:2]}-{digits[2:6]}-{digits[6:10]}-{digits[10:]}"
