from __future__ import annotations

import asyncio
from typing import Any

from sqlalchemy import event

from drassist import graph
from drassist.runtime.identity import Identity, Role
from drassist.runtime.migrations import drift
from subgraphs.patients import models, schema
from subgraphs.patients.services.wiring import Services
from tests.patience import PATIENCE

REGISTER = """mutation($input: RegisterPatientInput!) { registerPatient(input: $input) {
  patient { id mrn version name age birthDate birthDateEstimated phone abhaNumberMasked }
  candidates { score matchedOn patient { id } } errors { code field message } } }"""
SEARCH = """query($text: String!, $first: Int, $after: String) {
  searchPatients(text: $text, first: $first, after: $after) {
    edges { cursor node { score matchedOn patient { name mrn } } }
    pageInfo { hasNextPage endCursor } } }"""


async def register(ask: Any, name: str, **more: Any) -> dict[str, Any]:
    given = {"names": [{"text": name}], "notADuplicateBecause": "a test", **more}
    answer = (await ask(REGISTER, input=given))["registerPatient"]
    assert answer["errors"] == []
    patient: dict[str, Any] = answer["patient"]
    return patient


async def found(ask: Any, text: str) -> list[str]:
    edges = (await ask(SEARCH, text=text))["searchPatients"]["edges"]
    return [edge["node"]["patient"]["name"] for edge in edges]


async def test_a_registered_patient_has_a_number_a_version_and_a_masked_abha(ask: Any) -> None:
    patient = await register(
        ask,
        "Sunita Devi",
        age=45,
        contacts=[{"value": "98765 43210"}],
        abhaNumber="12-3456-7890-1234",
    )
    assert patient["mrn"] == "DRA0000001"
    assert patient["version"] == 1
    assert patient["age"] == 45
    assert patient["birthDateEstimated"] is True
    assert len(patient["birthDate"]) == 4
    assert patient["phone"] == "+919876543210"
    assert patient["abhaNumberMasked"] == "XX-XXXX-XXXX-1234"


async def test_people_like_a_new_patient_are_shown_before_a_second_chart_is_made(ask: Any) -> None:
    first = await register(ask, "Sunita Devi", age=45, gender="FEMALE")
    again = {"names": [{"text": "Sunitha Devi"}], "age": 46, "gender": "FEMALE"}
    answer = (await ask(REGISTER, input=again))["registerPatient"]
    assert answer["patient"] is None
    assert [e["code"] for e in answer["errors"]] == ["DUPLICATE"]
    assert [c["patient"]["id"] for c in answer["candidates"]] == [first["id"]]


async def test_the_same_idempotency_key_gives_the_same_patient(ask: Any) -> None:
    one, two = await asyncio.gather(
        register(ask, "Ravi Kumar", idempotencyKey="k1"),
        register(ask, "Ravi Kumar", idempotencyKey="k1"),
    )
    assert one["id"] == two["id"]


MALFORMED: list[tuple[str, Any, str]] = [
    ("abhaNumber", "123", "abhaNumber"),
    ("abhaAddress", "nobody", "abhaAddress"),
    ("names", [], "names"),
    ("names", [{"text": " "}], "names"),
    ("age", 400, "age"),
    ("birthDate", "2999", "birthDate"),
    ("mrn", "?", "mrn"),
    ("contacts", [{"value": "no number"}], "contacts"),
]


async def test_a_malformed_value_is_a_user_error_at_its_field(ask: Any) -> None:
    for field, value, where in MALFORMED:
        given = {"names": [{"text": "Anybody"}], field: value}
        answer = (await ask(REGISTER, input=given))["registerPatient"]
        assert answer["errors"][0]["code"] == "VALIDATION_FAILED"
        assert where in answer["errors"][0]["field"]


async def test_a_search_forgives_typing_errors_and_hears_sounds(ask: Any) -> None:
    await register(
        ask, "Sunita Devi", contacts=[{"value": "9876543210"}], abhaAddress="sunita.d@abdm"
    )
    await register(ask, "Mohammed Iqbal", abhaNumber="12345678901234", mrn="OLD/77")
    await register(ask, "सुनीता देवी")
    assert (await found(ask, "Sunitha Devy"))[0] == "Sunita Devi"
    assert (await found(ask, "devi sunita"))[0] == "Sunita Devi"
    assert (await found(ask, "muhammad ikbal"))[0] == "Mohammed Iqbal"
    assert (await found(ask, "moham"))[0] == "Mohammed Iqbal"
    assert (await found(ask, "सुनीता"))[0] == "सुनीता देवी"
    assert await found(ask, "98765 43210") == ["Sunita Devi"]
    assert await found(ask, "9876543211") == ["Sunita Devi"]  # one digit wrong
    assert await found(ask, "43210") == ["Sunita Devi"]
    assert await found(ask, "12-3456-7890-1234") == ["Mohammed Iqbal"]
    assert await found(ask, "old/77") == ["Mohammed Iqbal"]
    assert (await found(ask, "sunita.d@abdm"))[0] == "Sunita Devi"
    assert await found(ask, "Zacharias Quux") == []


async def test_a_search_pages_without_repeating_or_skipping(ask: Any) -> None:
    for number in range(7):
        await register(ask, f"Asha Rao {chr(65 + number)}")
    names: list[str] = []
    after = None
    while True:
        page = (await ask(SEARCH, text="Asha Rao", first=3, after=after))["searchPatients"]
        names += [edge["node"]["patient"]["name"] for edge in page["edges"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert len(names) == 7 == len(set(names))


async def test_a_page_that_is_too_large_or_a_strange_cursor_is_refused(ask: Any) -> None:
    await register(ask, "Asha Rao")
    assert (await ask(SEARCH, text="Asha", first=1000, errors=True))[0]["extensions"] == {
        "code": "BAD_PAGE"
    }
    for cursor in ("zzz", "W10", "e30", "WzEsMl0"):
        [error] = await ask(SEARCH, text="Asha", after=cursor, errors=True)
        assert error["extensions"]["code"] == "BAD_CURSOR"


UPDATE = """mutation($id: ID!, $version: Int!, $input: UpdatePatientInput!) {
  updatePatient(id: $id, expectedVersion: $version, input: $input) {
    patient { id version name gender language } errors { code field } } }"""


async def test_an_update_needs_the_version_that_was_seen(ask: Any) -> None:
    patient = await register(ask, "Ravi Kumar", language="hi")
    change = {"gender": "MALE", "language": None}
    answers = await asyncio.gather(
        *(ask(UPDATE, id=patient["id"], version=1, input=change) for _ in range(2))
    )
    codes = sorted(
        a["updatePatient"]["errors"][0]["code"] if a["updatePatient"]["errors"] else "done"
        for a in answers
    )
    assert codes == ["VERSION_CONFLICT", "done"]
    done = next(a["updatePatient"]["patient"] for a in answers if a["updatePatient"]["patient"])
    assert done["version"] == 2
    assert done["gender"] == "MALE"
    assert done["language"] is None
    assert done["name"] == "Ravi Kumar"


MERGE = """mutation($a: ID!, $av: Int!, $b: ID!, $bv: Int!) {
  mergePatients(survivorId: $a, survivorVersion: $av, duplicateId: $b, duplicateVersion: $bv,
    reason: "same person") { patient { id phone } errors { code } } }"""
ALLERGY = """mutation($id: ID!) { recordAllergy(input: {patientId: $id, code: {text: "Penicillin"},
  criticality: HIGH, category: "medication", reactions: [{manifestation: "Hives"}]}) {
  allergy { id version clinicalStatus } errors { code } } }"""


async def test_after_a_merge_both_ids_lead_to_the_survivor_with_everything(
    ask: Any, patients: graph.Subgraph[Services]
) -> None:
    kept = await register(ask, "Sunita Devi")
    gone = await register(ask, "Sunita D", contacts=[{"value": "9876543210"}])
    await ask(ALLERGY, Role.NURSE, id=gone["id"])
    async with await patients.services.bus.subscribe("patients.patient.merged") as events:
        merged = (await ask(MERGE, a=kept["id"], av=1, b=gone["id"], bv=1))["mergePatients"]
        assert merged["errors"] == []
        assert merged["patient"]["phone"] == "+919876543210"
        heard = await asyncio.wait_for(anext(events), PATIENCE)
    assert heard.data["duplicate_id"] == gone["id"]
    query = """query($id: ID!) { patient(id: $id) { id redirectedFrom
      allergies { completeness items { code { label } } } } }"""
    seen = (await ask(query, Role.DOCTOR, id=gone["id"]))["patient"]
    assert seen["id"] == kept["id"]
    assert seen["redirectedFrom"] == gone["id"]
    assert [a["code"]["label"] for a in seen["allergies"]["items"]] == ["Penicillin"]
    assert await found(ask, "9876543210") == ["Sunita Devi"]
    again = (await ask(UPDATE, id=gone["id"], version=2, input={}))["updatePatient"]
    assert again["errors"][0]["code"] == "STALE_CONTEXT"


async def test_two_abha_numbers_are_two_people(ask: Any) -> None:
    one = await register(ask, "Sunita Devi", abhaNumber="12345678901234")
    two = await register(ask, "Sunita Devi", abhaNumber="12345678901235")
    answer = (await ask(MERGE, a=one["id"], av=1, b=two["id"], bv=1))["mergePatients"]
    assert answer["errors"] == [{"code": "CONFLICT"}]


async def test_an_empty_allergy_list_says_whether_somebody_asked(ask: Any) -> None:
    patient = await register(ask, "Ravi Kumar")
    query = "query($id: ID!) { patient(id: $id) { allergies { completeness } } }"

    async def completeness() -> str:
        answer = await ask(query, Role.NURSE, id=patient["id"])
        return str(answer["patient"]["allergies"]["completeness"])

    assert await completeness() == "NOT_ASKED"
    declare = "mutation($id: ID!) { declareNoKnownAllergies(patientId: $id) { errors { code } } }"
    await ask(declare, Role.NURSE, id=patient["id"])
    assert await completeness() == "NIL_KNOWN"
    await ask(ALLERGY, Role.NURSE, id=patient["id"])
    assert await completeness() == "RECORDED"
    refused = await ask(declare, Role.NURSE, id=patient["id"])
    assert refused["declareNoKnownAllergies"]["errors"] == [{"code": "CONFLICT"}]


async def test_a_condition_moves_only_as_its_states_allow(ask: Any) -> None:
    patient = await register(ask, "Ravi Kumar")
    recorded = await ask(
        """mutation($id: ID!) { recordCondition(input: {patientId: $id, onset: "2019",
        code: {codings: [{system: "http://hl7.org/fhir/sid/icd-10", code: "I10",
        display: "Essential hypertension"}]}}) { condition { id version onset code { label } } } }""",
        Role.DOCTOR,
        id=patient["id"],
    )
    condition = recorded["recordCondition"]["condition"]
    assert condition["code"]["label"] == "Essential hypertension"
    change = """mutation($id: ID!, $v: Int!, $to: ClinicalStatus!) {
      changeCondition(id: $id, expectedVersion: $v, clinicalStatus: $to) {
        condition { version clinicalStatus } errors { code } } }"""
    done = await ask(change, Role.DOCTOR, id=condition["id"], v=1, to="RESOLVED")
    assert done["changeCondition"]["condition"] == {"version": 2, "clinicalStatus": "RESOLVED"}
    wrong = await ask(change, Role.DOCTOR, id=condition["id"], v=2, to="REMISSION")
    assert wrong["changeCondition"]["errors"] == [{"code": "WRONG_STATE"}]


async def test_many_patients_with_allergies_and_conditions_cost_three_queries(
    ask: Any, patients: graph.Subgraph[Services]
) -> None:
    ids = [(await register(ask, f"Patient Number {n}"))["id"] for n in range(5)]
    statements: list[str] = []

    def count(_: Any, __: Any, statement: str, *___: Any) -> None:
        if statement.startswith("SELECT") and "outbox" not in statement:  # not the relay's
            statements.append(statement)

    engine = patients.services.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", count)
    answer = await ask(
        """query($r: [_Any!]!) { _entities(representations: $r) { ... on Patient {
          name allergies { items { id } } conditions { id } } } }""",
        Role.DOCTOR,
        r=[{"__typename": "Patient", "id": id} for id in ids],
    )
    event.remove(engine, "before_cursor_execute", count)
    assert len(answer["_entities"]) == 5
    assert len(statements) == 3


async def test_a_patient_sees_only_their_own_chart(ask: Any) -> None:
    mine = await register(ask, "Priya Sharma", abhaNumber="12345678901234")
    other = await register(ask, "Ravi Kumar")
    me = Identity.of(Role.PATIENT, patient_id=mine["id"])
    query = "query($id: ID!) { patient(id: $id) { name abhaNumber } myChart { name } }"
    seen = await ask(query, me, id=mine["id"])
    assert seen["patient"] == {"name": "Priya Sharma", "abhaNumber": "12-3456-7890-1234"}
    assert seen["myChart"] == {"name": "Priya Sharma"}
    assert (await ask(query, me, id=other["id"]))["patient"] is None
    [error] = await ask(SEARCH, me, text="Ravi", errors=True)
    assert error["extensions"]["code"] == "FORBIDDEN"


async def test_a_doctor_sees_the_abha_number_masked_only(ask: Any) -> None:
    patient = await register(ask, "Priya Sharma", abhaNumber="12345678901234")
    query = "query($id: ID!) { patient(id: $id) { abhaNumberMasked abhaNumber } }"
    [error] = await ask(query, Role.DOCTOR, id=patient["id"], errors=True)
    assert error["path"] == ["patient", "abhaNumber"]


async def test_the_migrations_make_what_the_models_say(
    patients: graph.Subgraph[Services],
) -> None:
    assert await drift(patients.services.database, models.metadata) == []


def test_every_type_and_field_is_described() -> None:
    assert graph.undescribed(schema.build()) == []
