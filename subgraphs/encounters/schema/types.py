"""Who sees whom and when: practitioners, queues, bookings, visits, vital signs, patients.

These types name each other, so they stand in one module.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

import strawberry
from sqlmodel import col, select

from drassist import clinical, graph
from drassist.graph import ID
from drassist.runtime.database import now
from drassist.runtime.identity import reads
from subgraphs.encounters import loaders, models
from subgraphs.encounters.schema.access import Info, own
from subgraphs.encounters.schema.kinds import (
    AppointmentKind,
    AppointmentStatus,
    EncounterStatus,
    Interpretation,
    TokenStatus,
    known,
)
from subgraphs.encounters.schema.places import Location, Slot
from subgraphs.encounters.services.people import free_slots
from subgraphs.encounters.services.queueing import order

__all__ = [
    "DAY",
    "Appointment",
    "Encounter",
    "Patient",
    "Practitioner",
    "Queue",
    "QueueToken",
    "VitalSign",
    "appointment",
    "encounter",
    "practitioner",
    "queue_token",
    "vital_sign",
]

DAY = graph.arg("The local day; today in the hospital's time zone when left out.")


@graph.entity("Somebody who sees patients.")
class Practitioner(graph.Entity):
    id: ID = graph.field("Opaque id.")
    version: int = graph.field("Grows with every change.")
    name: str = graph.field("Name, as on the door.")
    specialty: str | None = graph.field("Specialty.")
    registration_number: str | None = graph.field(
        "Number in the register of the council; printed on prescriptions."
    )
    council: str | None = graph.field("Whose register it is.")
    active: bool = graph.field("Whether they see patients now.")

    @graph.resolver("The queue of a local day.", scopes=reads("QueueToken"), cost=2)
    async def queue(self, info: Info, day: Annotated[date | None, DAY] = None) -> Queue:
        return Queue(
            practitioner_id=str(self.id), day=day or info.context.services.calendar.today()
        )

    @graph.resolver("Times of a local day that nobody has booked.", scopes=reads("Schedule"))
    async def free_slots(self, info: Info, day: Annotated[date | None, DAY] = None) -> list[Slot]:
        services = info.context.services
        free = await free_slots(services, str(self.id), day or services.calendar.today())
        return [Slot(start=p.start, end=p.end) for p in free if p.start and p.end]

    @graph.resolver(
        "Appointments of a local day, in order of time.", scopes=reads("Appointment"), cost=2
    )
    async def appointments(
        self,
        info: Info,
        day: Annotated[date | None, DAY] = None,
        first: graph.First = None,
        after: graph.After = None,
        last: graph.Last = None,
        before: graph.Before = None,
    ) -> graph.Connection[Appointment]:
        services = info.context.services
        page = graph.Page.of(first, after, last, before, limit=services.page_limit)
        span = services.calendar.span(day or services.calendar.today())
        statement = own(
            select(models.Appointment).where(
                models.Appointment.practitioner_id == str(self.id),
                col(models.Appointment.start_at) >= span.start,
                col(models.Appointment.start_at) < span.end,
            ),
            models.Appointment.patient_id,
            info.context.identity,
        )
        return await _bookings(info, statement, page)

    @classmethod
    @graph.reference("id")
    async def by_id(cls, info: Info, id: ID) -> Practitioner | None:
        row = await info.context.load(loaders.practitioner_by_id, str(id))
        return None if row is None else practitioner(row)


@graph.type("The queue of a practitioner on one local day.")
class Queue:
    day: date = graph.field("The local day.")
    practitioner_id: strawberry.Private[str]

    @graph.resolver("Whose queue it is.")
    async def practitioner(self, info: Info) -> Practitioner | None:
        return await Practitioner.by_id(info, ID(self.practitioner_id))

    @graph.resolver("Those who wait, the next one first.", list_size=20)
    async def waiting(self, info: Info) -> list[QueueToken]:
        tokens = [t for t in await self._open(info) if t.status == "waiting"]
        return [queue_token(token) for token in sorted(tokens, key=order)]

    @graph.resolver("Those who were called and have not come in yet.", list_size=3)
    async def called(self, info: Info) -> list[QueueToken]:
        return await self._with(info, "called")

    @graph.resolver("Those in consultation.", list_size=2)
    async def serving(self, info: Info) -> list[QueueToken]:
        return await self._with(info, "serving")

    @graph.resolver("Those away for a test or payment, and those who did not answer.", list_size=5)
    async def aside(self, info: Info) -> list[QueueToken]:
        return await self._with(info, "on-hold", "skipped")

    @graph.resolver("How many wait.")
    async def waiting_count(self, info: Info) -> int:
        return sum(token.status == "waiting" for token in await self._open(info))

    async def _with(self, info: Info, *statuses: str) -> list[QueueToken]:
        tokens = [t for t in await self._open(info) if t.status in statuses]
        return [queue_token(token) for token in sorted(tokens, key=lambda t: t.number)]

    async def _open(self, info: Info) -> list[models.Token]:
        identity = info.context.identity
        tokens = await info.context.load(loaders.queue_of, (self.practitioner_id, self.day)) or []
        return [token for token in tokens if identity.may_see_patient(token.patient_id)]


@graph.entity("A place in a queue.")
class QueueToken(graph.Entity):
    id: ID = graph.field("Opaque id.")
    version: int = graph.field("Grows with every change; send it back as expectedVersion.")
    number: int = graph.field("The number on the slip; from 1 each day.")
    day: date = graph.field("The local day.")
    status: TokenStatus = graph.field("Where it stands.")
    urgent: bool = graph.field("Whether it comes before all others.")
    issued_at: datetime = graph.field("When it was given out.")
    called_at: datetime | None = graph.field("When it was last called.")
    patient: Patient = graph.field("Whose it is.")
    practitioner_id: strawberry.Private[str]
    encounter_id: strawberry.Private[str]

    @graph.resolver("For which visit.", scopes=reads("Encounter"))
    async def encounter(self, info: Info) -> Encounter | None:
        return await Encounter.by_id(info, ID(self.encounter_id))

    @graph.resolver("Whose queue it is in.")
    async def practitioner(self, info: Info) -> Practitioner | None:
        return await Practitioner.by_id(info, ID(self.practitioner_id))

    @classmethod
    @graph.reference("id")
    async def by_id(cls, info: Info, id: ID) -> QueueToken | None:
        info.context.demand(reads("QueueToken"))
        row = info.context.visible(await info.context.load(loaders.token_by_id, str(id)))
        return None if row is None else queue_token(row)


@graph.entity("A booking.")
class Appointment(graph.Entity):
    id: ID = graph.field("Opaque id.")
    version: int = graph.field("Grows with every change; send it back as expectedVersion.")
    updated_at: datetime = graph.field("When it was last changed.")
    start: datetime = graph.field("When it begins.")
    end: datetime = graph.field("When it ends.")
    local_start: str = graph.field(
        "When it begins on the clock of the place: ISO 8601 with that place's offset."
    )
    status: AppointmentStatus = graph.field("Where it stands.")
    kind: AppointmentKind = graph.field("What it is for.")
    reason: str | None = graph.field("Why the patient comes.", phi=True)
    ended_reason: str | None = graph.field("Why it was moved, cancelled or missed.", phi=True)
    patient: Patient = graph.field("Who comes.")
    practitioner_id: strawberry.Private[str]
    location_id: strawberry.Private[str | None]
    replaces_id: strawberry.Private[str | None]
    replaced_by_id: strawberry.Private[str | None]

    @graph.resolver("Who is visited.")
    async def practitioner(self, info: Info) -> Practitioner | None:
        return await Practitioner.by_id(info, ID(self.practitioner_id))

    @graph.resolver("Where.")
    async def location(self, info: Info) -> Location | None:
        return (
            None if self.location_id is None else await Location.by_id(info, ID(self.location_id))
        )

    @graph.resolver("The earlier booking that this one replaces.")
    async def replaces(self, info: Info) -> Appointment | None:
        return (
            None
            if self.replaces_id is None
            else await Appointment.by_id(info, ID(self.replaces_id))
        )

    @graph.resolver("The later booking that replaced this one.")
    async def replaced_by(self, info: Info) -> Appointment | None:
        id = self.replaced_by_id
        return None if id is None else await Appointment.by_id(info, ID(id))

    @classmethod
    @graph.reference("id")
    async def by_id(cls, info: Info, id: ID) -> Appointment | None:
        info.context.demand(reads("Appointment"))
        row = info.context.visible(await info.context.load(loaders.appointment_by_id, str(id)))
        return None if row is None else appointment(row, info)


@graph.type("A status that a visit had.")
class StatusChange:
    status: EncounterStatus = graph.field("The status.")
    at: datetime = graph.field("When it came.")
    reason: str | None = graph.field("Why, where somebody said so.", phi=True)


@graph.entity("A visit.")
class Encounter(graph.Entity):
    id: ID = graph.field("Opaque id.")
    version: int = graph.field("Grows with every change; send it back as expectedVersion.")
    updated_at: datetime = graph.field("When it was last changed.")
    status: EncounterStatus = graph.field("Where it stands.")
    class_code: str = graph.field("AMB, EMER, IMP, VR, HH, SS or OBSENC (v3 ActCode).")
    reason: str | None = graph.field("Why the patient came.", phi=True)
    arrived_at: datetime = graph.field("When the patient arrived.")
    started_at: datetime | None = graph.field("When the consultation started.")
    ended_at: datetime | None = graph.field("When it ended.")
    history: list[StatusChange] = graph.field("Every status it had, oldest first.")
    patient: Patient = graph.field("Whose visit it is.")
    practitioner_id: strawberry.Private[str | None]
    location_id: strawberry.Private[str | None]
    appointment_id: strawberry.Private[str | None]

    @graph.resolver("Who sees the patient.")
    async def practitioner(self, info: Info) -> Practitioner | None:
        id = self.practitioner_id
        return None if id is None else await Practitioner.by_id(info, ID(id))

    @graph.resolver("Where.")
    async def location(self, info: Info) -> Location | None:
        return (
            None if self.location_id is None else await Location.by_id(info, ID(self.location_id))
        )

    @graph.resolver("The booking that led to it.", scopes=reads("Appointment"))
    async def appointment(self, info: Info) -> Appointment | None:
        id = self.appointment_id
        return None if id is None else await Appointment.by_id(info, ID(id))

    @graph.resolver("Its token in the queue.", scopes=reads("QueueToken"))
    async def token(self, info: Info) -> QueueToken | None:
        row = await info.context.load(loaders.token_of_encounter, str(self.id))
        return None if row is None else queue_token(row)

    @graph.resolver(
        "Vital signs measured at this visit, the newest first.",
        phi=True,
        scopes=reads("Observation"),
        list_size=10,
    )
    async def vitals(self, info: Info) -> list[VitalSign]:
        rows = await info.context.load(loaders.vitals_of_encounter, str(self.id)) or []
        return [vital_sign(row) for row in rows]

    @classmethod
    @graph.reference("id")
    async def by_id(cls, info: Info, id: ID) -> Encounter | None:
        info.context.demand(reads("Encounter"))
        row = info.context.visible(await info.context.load(loaders.encounter_by_id, str(id)))
        return None if row is None else encounter(row)


@graph.type("One of several values of one sign, such as systolic and diastolic pressure.")
class VitalComponent:
    code: str | None = graph.field("LOINC code.")
    display: str | None = graph.field("What it is.")
    value: graph.Quantity | None = graph.field("The value.", phi=True)
    interpretation: Interpretation | None = graph.field("Against the usual range.", phi=True)
    absent_reason: str | None = graph.field("Why there is no value.", phi=True)


@graph.entity("A vital sign that was measured.")
class VitalSign(graph.Entity):
    id: ID = graph.field("Opaque id.")
    version: int = graph.field("Grows with every change; send it back as expectedVersion.")
    code: str = graph.field("LOINC code.")
    display: str = graph.field("What was measured.")
    status: str = graph.field("FHIR status: final, amended, corrected …")
    effective_at: datetime = graph.field("When it was measured.")
    value: graph.Quantity | None = graph.field(
        "The value in the sign's own unit; null for a panel or when absent.", phi=True
    )
    original: graph.Quantity | None = graph.field(
        "The value as it was typed, where that was another unit.", phi=True
    )
    components: list[VitalComponent] = graph.field("The parts of a panel.", phi=True)
    interpretation: Interpretation | None = graph.field(
        "Against the usual range at that age; null where there is none.", phi=True
    )
    absent_reason: str | None = graph.field("Why there is no value.", phi=True)
    correction_reason: str | None = graph.field("Why it corrects an earlier value.", phi=True)
    corrected: bool = graph.field("Whether a later value has replaced it.")
    patient: Patient = graph.field("Whose it is.")
    encounter_id: strawberry.Private[str | None]

    @graph.resolver("At which visit.", scopes=reads("Encounter"))
    async def encounter(self, info: Info) -> Encounter | None:
        id = self.encounter_id
        return None if id is None else await Encounter.by_id(info, ID(id))

    @classmethod
    @graph.reference("id")
    async def by_id(cls, info: Info, id: ID) -> VitalSign | None:
        info.context.demand(reads("Observation"))
        row = info.context.visible(await info.context.load(loaders.vital_by_id, str(id)))
        return None if row is None else vital_sign(row)


@graph.entity("A person with a chart in this hospital.")
class Patient(graph.Entity):
    id: ID = graph.field("Opaque id; never the hospital number.")

    @graph.resolver(
        "Visits, the newest first.", phi=True, scopes=reads("Encounter"), cost=2, list_size=20
    )
    async def encounters(
        self,
        info: Info,
        status: Annotated[EncounterStatus | None, graph.arg("Only in this status.")] = None,
        first: graph.First = None,
        after: graph.After = None,
        last: graph.Last = None,
        before: graph.Before = None,
    ) -> graph.Connection[Encounter]:
        page = graph.Page.of(first, after, last, before, limit=info.context.services.page_limit)
        statement = own(
            select(models.Encounter).where(models.Encounter.patient_id == str(self.id)),
            models.Encounter.patient_id,
            info.context.identity,
        )
        if status is not None:
            statement = statement.where(models.Encounter.status == status.value)
        keys = [
            graph.Key(col(models.Encounter.arrived_at), descending=True),
            graph.Key(col(models.Encounter.id)),
        ]
        async with info.context.services.database.session() as session:
            rows = await graph.paginate(session, statement, keys, page)
        return graph.connect(rows, encounter)

    @graph.resolver(
        "Appointments, the soonest first.", phi=True, scopes=reads("Appointment"), cost=2
    )
    async def appointments(
        self,
        info: Info,
        upcoming: Annotated[bool, graph.arg("Only those that are still to come.")] = True,
        first: graph.First = None,
        after: graph.After = None,
        last: graph.Last = None,
        before: graph.Before = None,
    ) -> graph.Connection[Appointment]:
        page = graph.Page.of(first, after, last, before, limit=info.context.services.page_limit)
        statement = own(
            select(models.Appointment).where(models.Appointment.patient_id == str(self.id)),
            models.Appointment.patient_id,
            info.context.identity,
        )
        if upcoming:
            statement = statement.where(
                models.Appointment.end_at > now(),
                col(models.Appointment.status).in_(("booked", "arrived", "checked-in")),
            )
        return await _bookings(info, statement, page)

    @graph.resolver(
        "The newest value of each vital sign.",
        phi=True,
        scopes=reads("Observation"),
        cost=2,
        list_size=10,
    )
    async def latest_vitals(self, info: Info) -> list[VitalSign]:
        if not info.context.identity.may_see_patient(str(self.id)):
            return []
        rows = await info.context.load(loaders.latest_vitals_of, str(self.id)) or []
        return [vital_sign(row) for row in rows]

    @graph.resolver(
        "One vital sign over time, the newest first.",
        phi=True,
        scopes=reads("Observation"),
        cost=2,
        list_size=20,
    )
    async def vital_trend(
        self,
        info: Info,
        code: Annotated[str, graph.arg("LOINC code of the sign.")],
        first: graph.First = None,
        after: graph.After = None,
        last: graph.Last = None,
        before: graph.Before = None,
    ) -> graph.Connection[VitalSign]:
        page = graph.Page.of(first, after, last, before, limit=info.context.services.page_limit)
        statement = own(
            select(models.Vital).where(
                models.Vital.patient_id == str(self.id),
                models.Vital.code == code,
                col(models.Vital.corrected_by).is_(None),
            ),
            models.Vital.patient_id,
            info.context.identity,
        )
        keys = [
            graph.Key(col(models.Vital.effective_at), descending=True),
            graph.Key(col(models.Vital.id)),
        ]
        async with info.context.services.database.session() as session:
            rows = await graph.paginate(session, statement, keys, page)
        return graph.connect(rows, vital_sign)


async def _bookings(info: Info, statement: Any, page: graph.Page) -> graph.Connection[Appointment]:
    table = models.Appointment
    keys = [graph.Key(col(table.start_at)), graph.Key(col(table.id))]
    async with info.context.services.database.session() as session:
        rows: graph.Slice[models.Appointment] = await graph.paginate(session, statement, keys, page)
    return graph.connect(rows, lambda row: appointment(row, info))


def practitioner(row: models.Practitioner) -> Practitioner:
    return Practitioner(
        id=ID(row.id),
        version=row.version,
        name=row.name,
        specialty=row.specialty,
        registration_number=row.registration_number,
        council=row.council,
        active=row.active,
    )


def queue_token(row: models.Token) -> QueueToken:
    return QueueToken(
        id=ID(row.id),
        version=row.version,
        number=row.number,
        day=row.day,
        status=TokenStatus(row.status),
        urgent=row.urgent,
        issued_at=row.issued_at,
        called_at=row.called_at,
        patient=Patient(id=ID(row.patient_id)),
        practitioner_id=row.practitioner_id,
        encounter_id=row.encounter_id,
    )


def appointment(row: models.Appointment, info: Info) -> Appointment:
    zone = info.context.services.calendar.zone
    return Appointment(
        id=ID(row.id),
        version=row.version,
        updated_at=row.updated_at,
        start=row.start_at,
        end=row.end_at,
        local_start=row.start_at.astimezone(zone).isoformat(),
        status=AppointmentStatus(row.status),
        kind=AppointmentKind(row.kind),
        reason=row.reason,
        ended_reason=row.ended_reason,
        patient=Patient(id=ID(row.patient_id)),
        practitioner_id=row.practitioner_id,
        location_id=row.location_id,
        replaces_id=row.replaces,
        replaced_by_id=row.replaced_by,
    )


def encounter(row: models.Encounter) -> Encounter:
    return Encounter(
        id=ID(row.id),
        version=row.version,
        updated_at=row.updated_at,
        status=known(EncounterStatus, row.status),
        class_code=row.class_code,
        reason=row.reason,
        arrived_at=row.arrived_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
        history=[
            StatusChange(
                status=known(EncounterStatus, entry["status"]),
                at=datetime.fromisoformat(entry["at"]),
                reason=entry.get("reason"),
            )
            for entry in row.history
        ],
        patient=Patient(id=ID(row.patient_id)),
        practitioner_id=row.practitioner_id,
        location_id=row.location_id,
        appointment_id=row.appointment_id,
    )


def vital_sign(row: models.Vital) -> VitalSign:
    return VitalSign(
        id=ID(row.id),
        version=row.version,
        code=row.code,
        display=row.display,
        status=row.status,
        effective_at=row.effective_at,
        value=_quantity(row.value, row.unit),
        original=_quantity(row.original["value"], row.original["unit"]) if row.original else None,
        components=[
            VitalComponent(
                code=part.get("code"),
                display=part.get("display"),
                value=_quantity(part.get("value"), part.get("unit")),
                interpretation=known(Interpretation, part.get("interpretation")),
                absent_reason=part.get("absent_reason"),
            )
            for part in row.components
        ],
        interpretation=known(Interpretation, row.interpretation),
        absent_reason=row.absent_reason,
        correction_reason=row.reason,
        corrected=row.corrected_by is not None,
        patient=Patient(id=ID(row.patient_id)),
        encounter_id=row.encounter_id,
    )


def _quantity(value: Decimal | str | None, unit: str | None) -> graph.Quantity | None:
    if value is None:
        return None
    return graph.Quantity.of(clinical.Quantity(Decimal(value), unit or "1"))
