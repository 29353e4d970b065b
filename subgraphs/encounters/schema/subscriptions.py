"""Watching: the queue of a practitioner, and bookings.

Each stream begins with the present state, so that nothing is missed between a query and a
subscription; a client that lost its connection subscribes again and is up to date.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, datetime
from typing import Annotated

from drassist import graph
from drassist.graph import ID
from drassist.runtime.identity import reads
from subgraphs.encounters.schema.access import Info
from subgraphs.encounters.schema.queries import PRACTITIONER, own_practitioner
from subgraphs.encounters.schema.types import Appointment, Queue

__all__ = ["Subscription"]


@graph.type("A change of a queue.")
class QueueChange:
    reason: str = graph.field(
        "CURRENT at the beginning, then issued, called, serving, done, skipped, on-hold, waiting or "
        "cancelled."
    )
    at: datetime | None = graph.field("When it happened; null at the beginning.")
    queue: Queue = graph.field("The queue as it is now.")


@graph.type("A change of a booking.")
class AppointmentChange:
    change: str = graph.field("booked, moved, cancelled, missed or checked_in.")
    at: datetime = graph.field("When it happened.")
    appointment: Appointment | None = graph.field("The booking as it is now.")


@graph.type("What can be watched.")
class Subscription:
    @graph.subscription(
        "The queue of a practitioner, now and whenever it changes.", scopes=reads("QueueToken")
    )
    async def queue_changed(
        self, info: Info, practitioner_id: Annotated[ID | None, PRACTITIONER] = None
    ) -> AsyncIterator[QueueChange]:
        id = own_practitioner(info, practitioner_id)
        services = info.context.services
        async with await services.bus.subscribe("encounters.queue.changed") as events:

            def now_is(reason: str, at: datetime | None, day: date | None = None) -> QueueChange:
                today = day or services.calendar.today()
                return QueueChange(reason=reason, at=at, queue=Queue(practitioner_id=id, day=today))

            yield now_is("CURRENT", None)
            async for event in events:
                if event.data.get("practitioner_id") == id:
                    yield now_is(str(event.data.get("reason")), event.time)

    @graph.subscription(
        "Bookings of a practitioner or of a patient, whenever one changes.",
        scopes=reads("Appointment"),
    )
    async def appointments_changed(
        self,
        info: Info,
        practitioner_id: Annotated[ID | None, graph.arg("Of this practitioner.")] = None,
        patient_id: Annotated[ID | None, graph.arg("Of this patient.")] = None,
    ) -> AsyncIterator[AppointmentChange]:
        identity = info.context.identity
        async with await info.context.services.bus.subscribe("encounters.appointment.*") as events:
            async for event in events:
                data = event.data
                patient = str(data.get("patient_id"))
                if not identity.may_see_patient(patient):
                    continue
                if practitioner_id not in (None, data.get("practitioner_id")):
                    continue
                if patient_id not in (None, patient):
                    continue
                yield AppointmentChange(
                    change=event.topic.rpartition(".")[2],
                    at=event.time,
                    appointment=await Appointment.by_id(info, ID(str(data.get("appointment_id")))),
                )
