"""Changing encounters."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated

from drassist import graph
from drassist.clinical import InvalidValue, Period
from drassist.graph import ID
from drassist.runtime.identity import writes
from subgraphs.encounters.schema import types
from subgraphs.encounters.schema.access import Info
from subgraphs.encounters.schema.kinds import AppointmentKind, OwnerRole, Priority, VitalKind
from subgraphs.encounters.schema.places import Location, Slot, location
from subgraphs.encounters.schema.queries import own_practitioner
from subgraphs.encounters.schema.tasks import Task, task
from subgraphs.encounters.schema.types import (
    Appointment,
    Encounter,
    Practitioner,
    QueueToken,
    VitalSign,
)
from subgraphs.encounters.services import booking, people, queueing, tasks, visits, vitals

__all__ = ["Mutation"]

IdArg = Annotated[ID, graph.arg("Opaque id.")]
VersionArg = Annotated[int, graph.arg("The version that the caller has seen.")]
ReasonArg = Annotated[str, graph.arg("Why, for those who read it later.")]
DESK_OR_PATIENT = (("user/Appointment.cu",), ("patient/Appointment.cu",))


@graph.input("A new booking.")
class BookAppointmentInput:
    patient_id: ID = graph.field("Who comes.")
    practitioner_id: ID = graph.field("Who is visited.")
    start: datetime = graph.field("When it begins.")
    minutes: int = graph.field("How long it takes.", default=15)
    kind: AppointmentKind = graph.field("What it is for.", default=AppointmentKind.ROUTINE)
    reason: str | None = graph.field("Why the patient comes.", default=None)
    location_id: ID | None = graph.field("Where.", default=None)


@graph.input("A patient who came without an appointment.")
class WalkInInput:
    patient_id: ID = graph.field("Who came.")
    practitioner_id: ID = graph.field("Who will see them.")
    reason: str | None = graph.field("Why they came.", default=None)
    emergency: bool = graph.field("Whether it is an emergency.", default=False)
    location_id: ID | None = graph.field("Where.", default=None)


@graph.input("One value as it was read off.")
class ReadingInput:
    sign: VitalKind = graph.field("What was measured.")
    value: Decimal | None = graph.field("The number; left out with an absentReason.", default=None)
    unit: str | None = graph.field("UCUM unit; the sign's own when left out.", default=None)
    absent_reason: str | None = graph.field(
        "Why there is no value: unknown, asked-declined, not-performed, not-applicable, error.",
        default=None,
    )

    def reading(self) -> vitals.Reading:
        return vitals.Reading(self.sign.value, self.value, self.unit, self.absent_reason)


@graph.input("Vital signs of one moment.")
class RecordVitalsInput:
    encounter_id: ID = graph.field("At which visit.")
    patient_id: ID | None = graph.field(
        "Whom the caller believes to measure; another patient's visit is refused.", default=None
    )
    readings: list[ReadingInput] = graph.field("What was measured; each sign once.")
    age_years: int | None = graph.field(
        "Age in completed years, for the usual ranges of children; an adult when left out.",
        default=None,
    )
    effective_at: datetime | None = graph.field("When; now when left out.", default=None)


@graph.input("A new task.")
class CreateTaskInput:
    description: str = graph.field("What is to be done.")
    owner_role: OwnerRole = graph.field("For whom.")
    priority: Priority = graph.field("How soon.", default=Priority.ROUTINE)
    patient_id: ID | None = graph.field("Whom it is about.", default=None)
    encounter_id: ID | None = graph.field("Which visit it is about.", default=None)
    due_at: datetime | None = graph.field("When it is due.", default=None)


@graph.type("The booking that was made or changed.")
class AppointmentPayload(graph.Payload):
    appointment: Appointment | None = graph.field("The booking as it is now.", default=None)
    alternatives: list[Slot] = graph.field(
        "Free times of that day, when the one wanted is taken.", default_factory=list
    )


@graph.type("What a check-in gives.")
class ArrivalPayload(graph.Payload):
    appointment: Appointment | None = graph.field("The booking, if there was one.", default=None)
    encounter: Encounter | None = graph.field("The visit, arrived.", default=None)
    token: QueueToken | None = graph.field("The place in the queue.", default=None)


@graph.type("The visit that was changed.")
class EncounterPayload(graph.Payload):
    encounter: Encounter | None = graph.field("The visit as it is now.", default=None)


@graph.type("The token that was changed.")
class TokenPayload(graph.Payload):
    token: QueueToken | None = graph.field("The token as it is now.", default=None)


@graph.type("What was recorded.")
class VitalsPayload(graph.Payload):
    vitals: list[VitalSign] = graph.field("The new values.", default_factory=list)


@graph.type("The task that was made or changed.")
class TaskPayload(graph.Payload):
    task: Task | None = graph.field("The task as it is now.", default=None)


@graph.type("The practitioner that was added.")
class PractitionerPayload(graph.Payload):
    practitioner: Practitioner | None = graph.field("The practitioner.", default=None)


@graph.type("The place that was added.")
class LocationPayload(graph.Payload):
    location: Location | None = graph.field("The place.", default=None)


@graph.type("The hours that were opened.")
class SessionPayload(graph.Payload):
    slots: list[Slot] = graph.field(
        "Free times of the day that it begins on.", default_factory=list
    )


@graph.type("What can be changed.")
class Mutation:
    @graph.mutation("Add somebody who sees patients.", scopes=writes("Schedule"))
    async def add_practitioner(
        self,
        info: Info,
        name: Annotated[str, graph.arg("Name, as on the door.")],
        specialty: Annotated[str | None, graph.arg("Specialty.")] = None,
        registration_number: Annotated[str | None, graph.arg("Number in the register.")] = None,
        council: Annotated[str | None, graph.arg("Whose register.")] = None,
    ) -> PractitionerPayload:
        row = await people.add_practitioner(
            info.context.services,
            name,
            specialty=_short(specialty, 120, "specialty"),
            registration_number=_short(registration_number, 64, "registrationNumber"),
            council=_short(council, 120, "council"),
        )
        return PractitionerPayload(practitioner=types.practitioner(row))

    @graph.mutation("Add a place.", scopes=writes("Schedule"))
    async def add_location(
        self,
        info: Info,
        name: Annotated[str, graph.arg("What it is called.")],
        kind: Annotated[str, graph.arg("si, bu, wi, wa, ro or bd.")] = "ro",
        time_zone: Annotated[
            str | None, graph.arg("IANA time zone; the hospital's when left out.")
        ] = None,
        part_of: Annotated[ID | None, graph.arg("The place that it is in.")] = None,
    ) -> LocationPayload:
        row = await people.add_location(
            info.context.services,
            name,
            kind=kind,
            time_zone=_short(time_zone, 64, "timeZone"),
            part_of=part_of,
        )
        return LocationPayload(location=location(row))

    @graph.mutation("Open hours for booking.", scopes=writes("Schedule"))
    async def open_session(
        self,
        info: Info,
        practitioner_id: Annotated[ID, graph.arg("Whose.")],
        start: Annotated[datetime, graph.arg("From.")],
        end: Annotated[datetime, graph.arg("To.")],
        slot_minutes: Annotated[int, graph.arg("Length of a slot.")] = 15,
        location_id: Annotated[ID | None, graph.arg("Where.")] = None,
    ) -> SessionPayload:
        services = info.context.services
        await people.open_session(
            services,
            str(practitioner_id),
            start,
            end,
            slot_minutes=slot_minutes,
            location_id=location_id,
        )
        day = services.calendar.day_of(start)
        free = await people.free_slots(services, str(practitioner_id), day)
        return SessionPayload(slots=_slots(free))

    @graph.mutation("Book a time.", scopes=DESK_OR_PATIENT)
    async def book_appointment(
        self, info: Info, input: Annotated[BookAppointmentInput, graph.arg("The booking.")]
    ) -> AppointmentPayload:
        services = info.context.services
        _own_chart(info, str(input.patient_id))
        try:
            row = await booking.book(
                services,
                _short(str(input.patient_id), 80, "patientId") or "",
                str(input.practitioner_id),
                input.start,
                info.context.identity,
                minutes=input.minutes,
                kind=input.kind.value,
                reason=input.reason,
                location_id=input.location_id,
            )
        except graph.DomainError as error:
            if error.code is graph.ErrorCode.CONFLICT:
                day = services.calendar.day_of(input.start)
                free = await people.free_slots(
                    services, str(input.practitioner_id), day, after=input.start
                )
                error.payload["alternatives"] = _slots(free)[:3]
            raise
        return AppointmentPayload(appointment=types.appointment(row, info))

    @graph.mutation("Move a booking; the new one replaces it.", scopes=DESK_OR_PATIENT)
    async def move_appointment(
        self,
        info: Info,
        id: IdArg,
        expected_version: VersionArg,
        start: Annotated[datetime, graph.arg("The new time.")],
        reason: Annotated[str | None, graph.arg("Why.")] = None,
        practitioner_id: Annotated[
            ID | None, graph.arg("Another practitioner, if it is to be one.")
        ] = None,
    ) -> AppointmentPayload:
        await _own_appointment(info, id)
        row = await booking.move(
            info.context.services,
            str(id),
            expected_version,
            start,
            info.context.identity,
            reason=_short(reason, 500, "reason"),
            practitioner_id=practitioner_id,
        )
        return AppointmentPayload(appointment=types.appointment(row, info))

    @graph.mutation("Cancel a booking, and its token with it.", scopes=DESK_OR_PATIENT)
    async def cancel_appointment(
        self, info: Info, id: IdArg, expected_version: VersionArg, reason: ReasonArg
    ) -> AppointmentPayload:
        await _own_appointment(info, id)
        row = await booking.cancel(
            info.context.services, str(id), expected_version, reason, info.context.identity
        )
        return AppointmentPayload(appointment=types.appointment(row, info))

    @graph.mutation("Say that the patient did not come.", scopes=writes("Appointment"))
    async def mark_no_show(
        self, info: Info, id: IdArg, expected_version: VersionArg
    ) -> AppointmentPayload:
        row = await booking.mark_no_show(
            info.context.services, str(id), expected_version, info.context.identity
        )
        return AppointmentPayload(appointment=types.appointment(row, info))

    @graph.mutation(
        "Check a patient in: the visit has arrived and stands in the queue.",
        scopes=writes("Appointment"),
    )
    async def check_in(
        self, info: Info, appointment_id: IdArg, expected_version: VersionArg
    ) -> ArrivalPayload:
        row, encounter, token = await queueing.check_in(
            info.context.services, str(appointment_id), expected_version, info.context.identity
        )
        return ArrivalPayload(
            appointment=types.appointment(row, info),
            encounter=types.encounter(encounter),
            token=types.queue_token(token),
        )

    @graph.mutation("Take in a patient without an appointment.", scopes=writes("QueueToken"))
    async def walk_in(
        self, info: Info, input: Annotated[WalkInInput, graph.arg("Who came.")]
    ) -> ArrivalPayload:
        encounter, token = await queueing.walk_in(
            info.context.services,
            _short(str(input.patient_id), 80, "patientId") or "",
            str(input.practitioner_id),
            info.context.identity,
            reason=input.reason,
            emergency=input.emergency,
            location_id=input.location_id,
        )
        return ArrivalPayload(encounter=types.encounter(encounter), token=types.queue_token(token))

    @graph.mutation("Call the next patient of a queue.", scopes=writes("QueueToken"))
    async def call_next(
        self,
        info: Info,
        practitioner_id: Annotated[
            ID | None, graph.arg("Whose queue; the caller's own when left out.")
        ] = None,
    ) -> TokenPayload:
        token = await queueing.call_next(
            info.context.services, own_practitioner(info, practitioner_id), info.context.identity
        )
        return TokenPayload(token=types.queue_token(token))

    @graph.mutation("The patient who was called is not there.", scopes=writes("QueueToken"))
    async def skip_token(self, info: Info, id: IdArg, expected_version: VersionArg) -> TokenPayload:
        token = await queueing.skip(
            info.context.services, str(id), expected_version, info.context.identity
        )
        return TokenPayload(token=types.queue_token(token))

    @graph.mutation("Send a patient away for a test or payment.", scopes=writes("QueueToken"))
    async def hold_token(self, info: Info, id: IdArg, expected_version: VersionArg) -> TokenPayload:
        token = await queueing.hold(
            info.context.services, str(id), expected_version, info.context.identity
        )
        return TokenPayload(token=types.queue_token(token))

    @graph.mutation("Put a token back into the line.", scopes=writes("QueueToken"))
    async def resume_token(
        self, info: Info, id: IdArg, expected_version: VersionArg
    ) -> TokenPayload:
        token = await queueing.resume(
            info.context.services, str(id), expected_version, info.context.identity
        )
        return TokenPayload(token=types.queue_token(token))

    @graph.mutation("Start the consultation.", scopes=writes("Encounter"))
    async def start_encounter(
        self, info: Info, id: IdArg, expected_version: VersionArg
    ) -> EncounterPayload:
        row = await visits.start(
            info.context.services, str(id), expected_version, info.context.identity
        )
        return EncounterPayload(encounter=types.encounter(row))

    @graph.mutation("Finish the visit.", scopes=writes("Encounter"))
    async def finish_encounter(
        self, info: Info, id: IdArg, expected_version: VersionArg
    ) -> EncounterPayload:
        row = await visits.finish(
            info.context.services, str(id), expected_version, info.context.identity
        )
        return EncounterPayload(encounter=types.encounter(row))

    @graph.mutation("The patient left before being seen.", scopes=writes("Encounter"))
    async def cancel_encounter(
        self, info: Info, id: IdArg, expected_version: VersionArg, reason: ReasonArg
    ) -> EncounterPayload:
        row = await visits.cancel(
            info.context.services, str(id), expected_version, reason, info.context.identity
        )
        return EncounterPayload(encounter=types.encounter(row))

    @graph.mutation("Continue a finished visit, within a day.", scopes=writes("Encounter"))
    async def reopen_encounter(
        self, info: Info, id: IdArg, expected_version: VersionArg, reason: ReasonArg
    ) -> EncounterPayload:
        row = await visits.reopen(
            info.context.services, str(id), expected_version, reason, info.context.identity
        )
        return EncounterPayload(encounter=types.encounter(row))

    @graph.mutation("Record vital signs; all of them, or none.", scopes=writes("Observation"))
    async def record_vitals(
        self, info: Info, input: Annotated[RecordVitalsInput, graph.arg("The signs.")]
    ) -> VitalsPayload:
        rows = await vitals.record(
            info.context.services,
            str(input.encounter_id),
            tuple(reading.reading() for reading in input.readings),
            info.context.identity,
            patient_id=input.patient_id,
            age=input.age_years,
            effective=input.effective_at,
        )
        return VitalsPayload(vitals=[types.vital_sign(row) for row in rows])

    @graph.mutation("Replace a wrong value by a right one.", scopes=writes("Observation"))
    async def correct_vital(
        self,
        info: Info,
        id: IdArg,
        expected_version: VersionArg,
        reading: Annotated[ReadingInput, graph.arg("The right value, of the same sign.")],
        reason: ReasonArg,
        age_years: Annotated[int | None, graph.arg("Age in years, for the usual range.")] = None,
    ) -> VitalsPayload:
        row = await vitals.correct(
            info.context.services,
            str(id),
            expected_version,
            reading.reading(),
            reason,
            info.context.identity,
            age=age_years,
        )
        return VitalsPayload(vitals=[types.vital_sign(row)])

    @graph.mutation("Ask a role to do something.", scopes=writes("Task"))
    async def create_task(
        self, info: Info, input: Annotated[CreateTaskInput, graph.arg("The task.")]
    ) -> TaskPayload:
        row = await tasks.create(
            info.context.services,
            input.description,
            input.owner_role.role,
            info.context.identity,
            priority=input.priority.value,
            patient_id=_short(input.patient_id, 80, "patientId"),
            encounter_id=input.encounter_id,
            due=input.due_at,
        )
        return TaskPayload(task=task(row))

    @graph.mutation("Take a task.", scopes=writes("Task"))
    async def claim_task(self, info: Info, id: IdArg, expected_version: VersionArg) -> TaskPayload:
        row = await tasks.claim(
            info.context.services, str(id), expected_version, info.context.identity
        )
        return TaskPayload(task=task(row))

    @graph.mutation("Say that a task is done.", scopes=writes("Task"))
    async def complete_task(
        self,
        info: Info,
        id: IdArg,
        expected_version: VersionArg,
        outcome: Annotated[str | None, graph.arg("What came of it.")] = None,
    ) -> TaskPayload:
        row = await tasks.complete(
            info.context.services, str(id), expected_version, outcome, info.context.identity
        )
        return TaskPayload(task=task(row))

    @graph.mutation("Say that a task is no longer wanted.", scopes=writes("Task"))
    async def cancel_task(
        self, info: Info, id: IdArg, expected_version: VersionArg, reason: ReasonArg
    ) -> TaskPayload:
        row = await tasks.cancel(
            info.context.services, str(id), expected_version, reason, info.context.identity
        )
        return TaskPayload(task=task(row))


def _slots(free: list[Period]) -> list[Slot]:
    return [Slot(start=p.start, end=p.end) for p in free if p.start and p.end]


def _short(text: str | None, longest: int, field: str) -> str | None:
    if text is not None and len(text) > longest:
        raise InvalidValue(f"At most {longest} characters", "input", field)
    return text


def _own_chart(info: Info, patient_id: str) -> None:
    """A patient books for themselves."""
    if not info.context.identity.may_see_patient(patient_id):
        raise graph.DomainError(graph.ErrorCode.NOT_ALLOWED, "This is not your chart.")


async def _own_appointment(info: Info, id: ID) -> None:
    if info.context.identity.is_patient and await Appointment.by_id(info, id) is None:
        raise graph.DomainError(graph.ErrorCode.NOT_FOUND, "There is no such appointment.", "id")
