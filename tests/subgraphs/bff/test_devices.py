"""Device fields give what the domains know the device's shape, and store nothing."""

from __future__ import annotations

from typing import Any

import pytest

from drassist.runtime.identity import ANONYMOUS, Identity, Role
from drassist.runtime.settings import FeatureSettings, Settings
from subgraphs.bff.app import DeviceSubgraph, create_app
from subgraphs.bff.mobile import parts_of_day


def bff(identity: Identity, **features: bool) -> DeviceSubgraph:
    async def authenticate(_: Any) -> Identity:
        return identity

    settings = Settings(features=FeatureSettings(**features))
    return create_app(settings, authenticate=authenticate)


PRIYA = Identity.of(Role.PATIENT, patient_id="Patient:1")
DOCTOR = Identity.of(Role.DOCTOR, name="Dr Rao", practitioner_id="Practitioner:1")
ENTITIES = "query($r: [_Any!]!) { _entities(representations: $r) { %s } }"


async def entity(subgraph: DeviceSubgraph, selection: str, **representation: Any) -> Any:
    response = await subgraph.execute(ENTITIES % selection, {"r": [representation]})
    assert "errors" not in response, response
    return response["data"]["_entities"][0]


async def test_the_phone_opens_on_the_patients_own_home() -> None:
    response = await bff(PRIYA).execute("{ home { id patient { id } } }")
    assert response["data"]["home"] == {"id": "Patient:1", "patient": {"id": "Patient:1"}}


async def test_home_returns_appointments_and_results_by_key() -> None:
    home = await entity(
        bff(PRIYA),
        "... on Home { nextAppointment { id } newResults { id } }",
        __typename="Home",
        id="Patient:1",
        patient={
            "id": "Patient:1",
            "appointments": {"edges": [{"node": {"id": "Appointment:1"}}]},
            "labResults": {"edges": [{"node": {"id": "R:2"}}, {"node": {"id": "R:1"}}]},
        },
    )
    assert home == {
        "nextAppointment": {"id": "Appointment:1"},
        "newResults": [{"id": "R:2"}, {"id": "R:1"}],
    }


async def test_medicines_are_due_in_the_days_order_and_those_as_needed_come_last() -> None:
    def request(id: str, medicine: str, **dosage: Any) -> dict[str, Any]:
        known = {"text": "1 tablet", "when": [], "asNeeded": False, "frequency": 1, **dosage}
        return {
            "__typename": "MedicationRequest",
            "id": id,
            "medicine": medicine,
            "dosages": [known],
        }

    home = await entity(
        bff(PRIYA),
        "... on Home { medicinesDue { line times asNeeded request { id } } }",
        __typename="Home",
        id="Patient:1",
        patient={
            "id": "Patient:1",
            "activeMedications": [
                request("1", "Paracetamol", asNeeded=True),
                request("2", "Atorvastatin", when=["HS"]),
                request("3", "Metformin", when=["PCV", "PCM"]),
            ],
        },
    )
    assert [(due["line"], due["times"]) for due in home["medicinesDue"]] == [
        ("Metformin: 1 tablet", ["MORNING", "EVENING"]),
        ("Atorvastatin: 1 tablet", ["NIGHT"]),
        ("Paracetamol: 1 tablet", []),
    ]


async def test_a_patient_gets_nobody_elses_home() -> None:
    found = await entity(bff(PRIYA), "... on Home { id }", __typename="Home", id="Patient:2")
    assert found is None


async def test_a_card_has_name_vitals_and_what_must_not_be_missed() -> None:
    found = await entity(
        bff(DOCTOR),
        "... on Patient { wardCard { headline vitals alerts { kind text } } }",
        __typename="Patient",
        id="Patient:1",
        name="Priya Sharma",
        gender="FEMALE",
        age=43,
        allergies={"items": [{"code": {"text": "Penicillin"}}]},
        latestVitals=[
            {
                "display": "Blood pressure",
                "value": None,
                "components": [
                    {"value": {"value": "150", "unit": "mmHg"}},
                    {"value": {"value": "95", "unit": "mmHg"}},
                ],
                "interpretation": "HIGH",
            },
            {
                "display": "Heart rate",
                "value": {"value": "72", "unit": "/min"},
                "components": [],
                "interpretation": "NORMAL",
            },
        ],
    )
    assert found["wardCard"] == {
        "headline": "Priya Sharma, 43 F",
        "vitals": "Blood pressure 150/95 mmHg · Heart rate 72 /min",
        "alerts": [
            {"kind": "ALLERGY", "text": "Penicillin"},
            {"kind": "VITAL_SIGN", "text": "Blood pressure 150/95 mmHg"},
        ],
    }


async def test_a_card_does_without_what_could_not_be_read() -> None:
    found = await entity(
        bff(DOCTOR),
        "... on Patient { wardCard { headline vitals alerts { text } } }",
        __typename="Patient",
        id="Patient:1",
        name="Priya Sharma",
        gender="UNKNOWN",
        age=None,
        allergies=None,
        latestVitals=None,
    )
    assert found["wardCard"] == {"headline": "Priya Sharma", "vitals": "", "alerts": []}


async def test_features_are_off_where_the_hospital_or_the_role_says_so() -> None:
    query = "{ workspace { practitioner { id } features { name enabled reason } } }"
    desk = (await bff(DOCTOR, prescribing=False).execute(query))["data"]["workspace"]
    features = {each["name"]: each for each in desk["features"]}
    assert desk["practitioner"] == {"id": "Practitioner:1"}
    assert features["live-transcription"]["enabled"]
    assert features["prescribing"]["reason"] == "Switched off at this hospital."
    nurse = (await bff(Identity.of(Role.NURSE)).execute(query))["data"]["workspace"]
    assert {f["reason"] for f in nurse["features"] if not f["enabled"]} == {
        "Your role does not include it."
    }


@pytest.mark.parametrize(
    ("identity", "query", "code"),
    [
        (ANONYMOUS, "{ workspace { user { name } } }", "UNAUTHENTICATED"),
        (PRIYA, "{ wardBoard { practitioner { id } } }", "FORBIDDEN"),
        (DOCTOR, "{ home { id } }", "FORBIDDEN"),
        (DOCTOR, "{ nothing }", "BAD_USER_INPUT"),
        (
            DOCTOR,
            '{ _entities(representations: [{__typename: "Home"}]) { __typename } }',
            "BAD_USER_INPUT",
        ),
    ],
)
async def test_who_asks_wrongly_gets_a_code(identity: Identity, query: str, code: str) -> None:
    response = await bff(identity).execute(query)
    assert response["errors"][0]["extensions"]["code"] == code


def test_parts_of_the_day_come_once_and_in_order() -> None:
    assert parts_of_day(["HS", "PCM", "ACM", "nonsense"]) == ["MORNING", "NIGHT"]
