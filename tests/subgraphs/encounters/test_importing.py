from __future__ import annotations

from pathlib import Path
from typing import Any

from drassist import graph
from drassist.adapters.fhir import import_from_folder
from drassist.runtime.identity import Role
from drassist.testing import samples
from subgraphs.encounters.services.importing import EncounterImport
from subgraphs.encounters.services.wiring import Services

OF_PATIENT = """query($p: [_Any!]!) { _entities(representations: $p) { ... on Patient {
  latestVitals { code value { value code } components { code value { value } } }
  encounters { edges { node { status practitioner { name } } } } } } }"""


async def test_synthea_visits_and_vitals_come_in(
    encounters: graph.Subgraph[Services], shared_data: Path
) -> None:
    sink = EncounterImport(encounters.services)
    await import_from_folder(shared_data / "fhir" / "synthea", sink)
    assert sink.counts.mapped["Encounter"] == 140
    assert sink.counts.mapped["Observation"] == 435
    assert sink.counts.mapped["Practitioner"] == 14
    assert not sink.counts.unmapped


async def test_the_samples_have_visits_and_vitals_and_importing_twice_doubles_nothing(
    encounters: graph.Subgraph[Services], ask: Any
) -> None:
    for _ in range(2):
        await samples.load(EncounterImport(encounters.services), count=1)
    asked = [{"__typename": "Patient", "id": samples.PATIENT_ID}]
    [patient] = (await ask(OF_PATIENT, Role.DOCTOR, p=asked))["_entities"]
    codes = [vital["code"] for vital in patient["latestVitals"]]
    assert len(codes) == len(set(codes))
    assert "2708-6" in codes
    pressure = next(v for v in patient["latestVitals"] if v["code"] == "85354-9")
    assert [c["code"] for c in pressure["components"]] == ["8480-6", "8462-4"]
    assert len(patient["encounters"]["edges"]) == 1
