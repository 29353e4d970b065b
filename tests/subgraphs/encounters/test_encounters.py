from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import event

from drassist import graph
from drassist.clinical import HospitalCalendar
from drassist.events import Event
from drassist.runtime.identity import Identity, Role
from drassist.runtime.migrations import drift
from subgraphs.encounters import models, schema
from subgraphs.encounters.services.wiring import Services
from tests.patience import PATIENCE
from tests.watching import watchers

DOCTOR = Identity.of(Role.DOCTOR, practitioner_id="practitioner-asha-rao")
RAO = "practitioner-asha-rao"

BOOK = """mutation($input: BookAppointmentInput!) { bookAppointment(input: $input) {
  appointment { id version status start localStart patient { id } practitioner { name } }
  alternatives { start } errors { code message } } }"""
CHECK_IN = """mutation($id: ID!, $v: Int!) { checkIn(appointmentId: $id, expectedVersion: $v) {
  appointment { status version } encounter { id version status } token { id version number status }
  errors { code message field } } }"""
WALK_IN = """mutation($input: WalkInInput!) { walkIn(input: $input) {
  encounter { id version classCode } token { id version number urgent } errors { code } } }"""
CALL = "mutation { callNext { token { id version number status } errors { code } } }"


def soon(minutes: int = 5) -> datetime:
    """A time on this local day, whatever the clock says."""
    calendar = HospitalCalendar()
    moment = datetime.now(UTC) + timedelta(minutes=minutes)
    end = calendar.span(calendar.today()).end
    assert end is not None
    return min(moment, end - timedelta(minutes=1))


async def book(ask: Any, patient: str, start: datetime, **more: Any) -> dict[str, Any]:
    given = {"patientId": patient, "practitionerId": RAO, "start": start.isoformat(), **more}
    answer: dict[str, Any] = (await ask(BOOK, input=given))["bookAppointment"]
    return answer


async def walk_in(ask: Any, patient: str, **more: Any) -> dict[str, Any]:
    given = {"patientId": patient, "practitionerId": RAO, **more}
    answer: dict[str, Any] = (await ask(WALK_IN, input=given))["walkIn"]
    assert answer["errors"] == []
    return answer


async def test_a_booking_shows_its_time_on_the_hospitals_clock(ask: Any) -> None:
    start = datetime(2099, 11, 24, 4, 0, tzinfo=UTC)
    made = await book(ask, "Patient:1", start)
    assert made["errors"] == []
    assert made["appointment"]["start"] == "2099-11-24T04:00:00+00:00"
    assert made["appointment"]["localStart"] == "2099-11-24T09:30:00+05:30"
    assert made["appointment"]["practitioner"] == {"name": "Dr Asha Rao"}


async def test_of_two_who_book_one_slot_together_one_gets_it_and_one_gets_alternatives(
    ask: Any,
) -> None:
    start = datetime(2099, 11, 24, 4, 0, tzinfo=UTC)
    opened = await ask(
        """mutation($a: DateTime!, $b: DateTime!) { openSession(practitionerId:
        "practitioner-asha-rao", start: $a, end: $b) { slots { start } errors { code } } }""",
        a=start.isoformat(),
        b=(start + timedelta(hours=1)).isoformat(),
    )
    assert len(opened["openSession"]["slots"]) == 4
    answers = await asyncio.gather(book(ask, "Patient:1", start), book(ask, "Patient:2", start))
    refused = [a for a in answers if a["errors"]]
    assert [e["code"] for a in refused for e in a["errors"]] == ["CONFLICT"]
    assert [s["start"] for s in refused[0]["alternatives"]] == [
        (start + timedelta(minutes=m)).isoformat() for m in (15, 30, 45)
    ]


async def test_a_patient_is_not_booked_twice_at_once(ask: Any) -> None:
    start = datetime(2099, 1, 1, tzinfo=UTC)
    other = (await ask('mutation { addPractitioner(name: "Dr B") { practitioner { id } } }'))[
        "addPractitioner"
    ]["practitioner"]["id"]
    await book(ask, "Patient:1", start)
    again = await book(ask, "Patient:1", start + timedelta(minutes=5), practitionerId=other)
    assert again["errors"][0]["code"] == "CONFLICT"


async def test_a_moved_appointment_is_one_story(ask: Any) -> None:
    start = datetime(2099, 1, 1, tzinfo=UTC)
    old = (await book(ask, "Patient:1", start))["appointment"]
    moved = await ask(
        """mutation($id: ID!, $s: DateTime!) { moveAppointment(id: $id, expectedVersion: 1,
        start: $s, reason: "busy") { appointment { id start replaces { id status endedReason
        replacedBy { id } } } errors { code } } }""",
        id=old["id"],
        s=(start + timedelta(minutes=5)).isoformat(),  # overlaps its own old time
    )
    new = moved["moveAppointment"]["appointment"]
    assert new["replaces"] == {
        "id": old["id"],
        "status": "CANCELLED",
        "endedReason": "busy",
        "replacedBy": {"id": new["id"]},
    }


async def test_the_day_of_a_doctor_from_check_in_to_finish(ask: Any) -> None:
    made = (await book(ask, "Patient:1", soon()))["appointment"]
    arrival = (await ask(CHECK_IN, id=made["id"], v=1))["checkIn"]
    assert arrival["errors"] == []
    assert arrival["appointment"]["status"] == "CHECKED_IN"
    assert arrival["encounter"]["status"] == "ARRIVED"
    assert arrival["token"] | {"id": ""} == {
        "id": "",
        "version": 1,
        "number": 1,
        "status": "WAITING",
    }
    called = (await ask(CALL, DOCTOR))["callNext"]["token"]
    assert called["status"] == "CALLED"
    started = await ask(
        """mutation($id: ID!) { startEncounter(id: $id, expectedVersion: 1) { errors { code }
        encounter { status version startedAt appointment { status } token { status } } } }""",
        DOCTOR,
        id=arrival["encounter"]["id"],
    )
    visit = started["startEncounter"]["encounter"]
    assert visit["status"] == "IN_PROGRESS"
    assert visit["appointment"] == {"status": "FULFILLED"}
    assert visit["token"] == {"status": "SERVING"}
    finished = await ask(
        """mutation($id: ID!) { finishEncounter(id: $id, expectedVersion: 2) { errors { code }
        encounter { status endedAt token { status } history { status } } } }""",
        DOCTOR,
        id=arrival["encounter"]["id"],
    )
    visit = finished["finishEncounter"]["encounter"]
    assert visit["token"] == {"status": "DONE"}
    assert [h["status"] for h in visit["history"]] == ["ARRIVED", "IN_PROGRESS", "FINISHED"]
    reopened = await ask(
        """mutation($id: ID!) { reopenEncounter(id: $id, expectedVersion: 3, reason: "forgot")
        { errors { code } encounter { status endedAt token { status } } } }""",
        DOCTOR,
        id=arrival["encounter"]["id"],
    )
    assert reopened["reopenEncounter"]["encounter"] == {
        "status": "IN_PROGRESS",
        "endedAt": None,
        "token": {"status": "SERVING"},
    }


async def test_an_appointment_of_another_day_cannot_be_checked_in(ask: Any) -> None:
    made = (await book(ask, "Patient:1", datetime(2099, 1, 1, tzinfo=UTC)))["appointment"]
    answer = (await ask(CHECK_IN, id=made["id"], v=1))["checkIn"]
    assert answer["errors"][0]["code"] == "WRONG_STATE"
    assert answer["errors"][0]["field"] == ["appointmentId"]


async def test_cancelling_takes_the_token_out_of_the_queue(ask: Any) -> None:
    made = (await book(ask, "Patient:1", soon()))["appointment"]
    await ask(CHECK_IN, id=made["id"], v=1)
    await ask(
        """mutation($id: ID!) { cancelAppointment(id: $id, expectedVersion: 2, reason: "left")
        { errors { code } } }""",
        id=made["id"],
    )
    queue = await ask("{ queue { waitingCount } }", DOCTOR)
    assert queue["queue"] == {"waitingCount": 0}


async def test_urgent_first_then_who_returns_from_a_test_then_by_number(ask: Any) -> None:
    tokens = [await walk_in(ask, f"Patient:{n}") for n in range(3)]
    held = tokens[2]["token"]
    await ask(
        "mutation($id: ID!) { holdToken(id: $id, expectedVersion: 1) { errors { code } } }",
        Role.NURSE,
        id=held["id"],
    )
    await ask(
        "mutation($id: ID!) { resumeToken(id: $id, expectedVersion: 2) { errors { code } } }",
        Role.NURSE,
        id=held["id"],
    )
    await walk_in(ask, "Patient:9", emergency=True)
    waiting = await ask("{ queue { waiting { number urgent } } }", DOCTOR)
    assert [t["number"] for t in waiting["queue"]["waiting"]] == [4, 3, 1, 2]


async def test_two_rooms_that_press_together_call_two_people(ask: Any) -> None:
    await walk_in(ask, "Patient:1")
    await walk_in(ask, "Patient:2")
    answers = await asyncio.gather(*(ask(CALL, DOCTOR) for _ in range(3)))
    numbers = sorted(a["callNext"]["token"]["number"] for a in answers if a["callNext"]["token"])
    assert numbers == [1, 2]
    assert [e["code"] for a in answers for e in a["callNext"]["errors"]] == ["NOT_FOUND"]


async def test_simultaneous_walk_ins_get_different_numbers(ask: Any) -> None:
    arrivals = await asyncio.gather(*(walk_in(ask, f"Patient:{n}") for n in range(4)))
    assert sorted(a["token"]["number"] for a in arrivals) == [1, 2, 3, 4]


VITALS = """mutation($input: RecordVitalsInput!) { recordVitals(input: $input) {
  errors { code message } vitals { id version code value { value code display } original { value code }
  interpretation components { code value { value } interpretation } } } }"""


async def vitals(ask: Any, encounter: str, *readings: dict[str, Any], **more: Any) -> Any:
    given = {"encounterId": encounter, "readings": list(readings), **more}
    return (await ask(VITALS, Role.NURSE, input=given))["recordVitals"]


def sign(name: str, value: str | None, unit: str | None = None, **more: Any) -> dict[str, Any]:
    return {"sign": name, "value": value, "unit": unit, **more}


async def test_vitals_keep_digits_convert_units_and_derive_the_bmi(ask: Any) -> None:
    visit = (await walk_in(ask, "Patient:1"))["encounter"]["id"]
    made = await vitals(
        ask,
        visit,
        sign("SYSTOLIC", "150"),
        sign("DIASTOLIC", "95"),
        sign("BODY_TEMPERATURE", "99.6", "[degF]"),
        sign("BODY_WEIGHT", "62.0"),
        sign("BODY_HEIGHT", "165"),
        sign("OXYGEN_SATURATION", None, absentReason="asked-declined"),
    )
    assert made["errors"] == []
    by_code = {v["code"]: v for v in made["vitals"]}
    assert by_code["8310-5"]["value"]["value"] == "37.6"
    assert by_code["8310-5"]["original"] == {"value": "99.6", "code": "[degF]"}
    assert by_code["8310-5"]["interpretation"] == "HIGH"
    assert by_code["29463-7"]["value"] == {"value": "62.0", "code": "kg", "display": "62.0 kg"}
    assert by_code["39156-5"]["value"]["value"] == "22.8"
    pressure = by_code["85354-9"]
    assert pressure["value"] is None
    assert [c["value"]["value"] for c in pressure["components"]] == ["150", "95"]
    assert by_code["2708-6"]["value"] is None


IMPOSSIBLE: list[list[dict[str, Any]]] = [
    [sign("SYSTOLIC", "80"), sign("DIASTOLIC", "90")],
    [sign("SYSTOLIC", "120")],
    [sign("BODY_TEMPERATURE", "996")],
    [sign("BODY_TEMPERATURE", "37", "kg")],
    [sign("HEART_RATE", None)],
    [sign("HEART_RATE", "80"), sign("HEART_RATE", "81")],
    [sign("BODY_WEIGHT", "400"), sign("BODY_HEIGHT", "20")],
    [],
]


async def test_vitals_that_cannot_be_are_refused_as_a_whole(ask: Any) -> None:
    visit = (await walk_in(ask, "Patient:1"))["encounter"]["id"]
    for readings in IMPOSSIBLE:
        made = await vitals(ask, visit, *readings)
        assert made["errors"][0]["code"] == "VALIDATION_FAILED", readings
        assert made["vitals"] == []


async def test_a_childs_pulse_is_judged_as_a_childs(ask: Any) -> None:
    visit = (await walk_in(ask, "Patient:1"))["encounter"]["id"]
    child = await vitals(ask, visit, sign("HEART_RATE", "130"), ageYears=1)
    adult = await vitals(ask, visit, sign("HEART_RATE", "130"))
    assert child["vitals"][0]["interpretation"] == "NORMAL"
    assert adult["vitals"][0]["interpretation"] == "HIGH"


async def test_vitals_of_the_wrong_patient_are_refused(ask: Any) -> None:
    visit = (await walk_in(ask, "Patient:1"))["encounter"]["id"]
    made = await vitals(ask, visit, sign("HEART_RATE", "80"), patientId="Patient:2")
    assert made["errors"][0]["code"] == "STALE_CONTEXT"


async def test_a_corrected_weight_leaves_the_wrong_one_readable(ask: Any) -> None:
    visit = (await walk_in(ask, "Patient:1"))["encounter"]["id"]
    wrong = (await vitals(ask, visit, sign("BODY_WEIGHT", "62")))["vitals"][0]
    await ask(
        """mutation($id: ID!) { correctVital(id: $id, expectedVersion: 1,
        reading: {sign: BODY_WEIGHT, value: "26"}, reason: "swapped digits") { errors { code } } }""",
        Role.NURSE,
        id=wrong["id"],
    )
    answer = await ask(
        """query($p: [_Any!]!) { _entities(representations: $p) { ... on Patient { latestVitals {
        status value { value } correctionReason } } ... on VitalSign { corrected value { value } } } }""",
        DOCTOR,
        p=[
            {"__typename": "Patient", "id": "Patient:1"},
            {"__typename": "VitalSign", "id": wrong["id"]},
        ],
    )
    latest, old = answer["_entities"]
    assert latest["latestVitals"] == [
        {"status": "corrected", "value": {"value": "26"}, "correctionReason": "swapped digits"}
    ]
    assert old == {"corrected": True, "value": {"value": "62"}}


async def test_the_doctors_queue_is_watched_from_its_present_state_on(
    ask: Any, encounters: graph.Subgraph[Services]
) -> None:
    watching = encounters.subscribe(
        "subscription { queueChanged { reason queue { waiting { number patient { id } } } } }",
        identity=DOCTOR,
    )
    first = (await asyncio.wait_for(anext(watching), PATIENCE))["data"]["queueChanged"]
    assert first == {"reason": "CURRENT", "queue": {"waiting": []}}
    await walk_in(ask, "Patient:1")
    second = (await asyncio.wait_for(anext(watching), PATIENCE))["data"]["queueChanged"]
    assert second["reason"] == "issued"
    assert second["queue"]["waiting"] == [{"number": 1, "patient": {"id": "Patient:1"}}]
    await watching.aclose()  # type: ignore[attr-defined]


async def test_bookings_are_watched_by_practitioner(
    ask: Any, encounters: graph.Subgraph[Services]
) -> None:
    watching = encounters.subscribe(
        """subscription { appointmentsChanged(practitionerId: "practitioner-asha-rao") {
        change appointment { patient { id } } } }""",
        identity=DOCTOR,
    )
    watched = watchers(encounters.services.bus)
    waiting = asyncio.ensure_future(anext(watching))
    await watched(1)
    await book(ask, "Patient:1", datetime(2099, 1, 1, tzinfo=UTC))
    heard = (await asyncio.wait_for(waiting, PATIENCE))["data"]["appointmentsChanged"]
    assert heard == {"change": "booked", "appointment": {"patient": {"id": "Patient:1"}}}
    await watching.aclose()  # type: ignore[attr-defined]


async def test_a_merge_of_patients_takes_their_visits_along(
    ask: Any, encounters: graph.Subgraph[Services]
) -> None:
    await walk_in(ask, "Patient:gone")
    merged = Event(
        "patients.patient.merged",
        "Patient:kept",
        {"patient_id": "Patient:kept", "duplicate_id": "Patient:gone"},
    )
    await encounters.services.bus.publish(merged)
    answer = await ask(
        """query($p: [_Any!]!) { _entities(representations: $p) { ... on Patient {
        encounters { edges { node { status } } } } } }""",
        DOCTOR,
        p=[{"__typename": "Patient", "id": "Patient:kept"}],
    )
    assert len(answer["_entities"][0]["encounters"]["edges"]) == 1


async def test_a_task_is_claimed_by_one_of_its_role(ask: Any) -> None:
    made = await ask(
        """mutation { createTask(input: {description: "Weigh again", ownerRole: NURSE}) {
        task { id version status } errors { code } } }""",
        DOCTOR,
    )
    id = made["createTask"]["task"]["id"]
    claim = """mutation($id: ID!) { claimTask(id: $id, expectedVersion: 1) {
      task { status claimedBy } errors { code } } }"""
    wrong = (await ask(claim, DOCTOR, id=id))["claimTask"]
    assert wrong["errors"] == [{"code": "NOT_ALLOWED"}]
    answers = await asyncio.gather(*(ask(claim, Role.NURSE, id=id) for _ in range(2)))
    outcomes = [a["claimTask"]["errors"] for a in answers]
    assert sorted(map(len, outcomes)) == [0, 1]


async def test_a_patient_sees_only_their_own_place_in_the_queue(ask: Any) -> None:
    await walk_in(ask, "Patient:1")
    await walk_in(ask, "Patient:2")
    me = Identity.of(Role.PATIENT, patient_id="Patient:2")
    answer = await ask(
        '{ queue(practitionerId: "practitioner-asha-rao") { waiting { number } } }', me
    )
    assert answer["queue"]["waiting"] == [{"number": 2}]


async def test_many_encounters_with_all_around_them_cost_a_query_a_table(
    ask: Any, encounters: graph.Subgraph[Services]
) -> None:
    ids = [(await walk_in(ask, f"Patient:{n}"))["encounter"]["id"] for n in range(5)]
    statements: list[str] = []

    def count(_: Any, __: Any, statement: str, *___: Any) -> None:
        if statement.startswith("SELECT") and "outbox" not in statement:  # not the relay's
            statements.append(statement)

    engine = encounters.services.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", count)
    await ask(
        """query($r: [_Any!]!) { _entities(representations: $r) { ... on Encounter { status
        practitioner { name } token { number } vitals { id } } } }""",
        DOCTOR,
        r=[{"__typename": "Encounter", "id": id} for id in ids],
    )
    event.remove(engine, "before_cursor_execute", count)
    assert len(statements) == 4


async def test_the_migrations_make_what_the_models_say(
    encounters: graph.Subgraph[Services],
) -> None:
    assert await drift(encounters.services.database, models.metadata) == []


def test_every_type_and_field_is_described() -> None:
    assert graph.undescribed(schema.build()) == []
