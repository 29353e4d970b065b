"""The closed sets of words that encounters know: statuses, kinds, priorities."""

from __future__ import annotations

from enum import Enum
from typing import Any

from drassist import graph
from drassist.runtime.identity import Role

__all__ = [
    "AppointmentKind",
    "AppointmentStatus",
    "EncounterStatus",
    "Interpretation",
    "OwnerRole",
    "Priority",
    "TaskStatus",
    "TokenStatus",
    "VitalKind",
    "known",
]


@graph.enum("Where an appointment stands (FHIR).")
class AppointmentStatus(Enum):
    BOOKED = graph.value("booked", "Agreed.")
    ARRIVED = graph.value("arrived", "The patient is in the house.")
    CHECKED_IN = graph.value("checked-in", "The desk has checked the patient in.")
    FULFILLED = graph.value("fulfilled", "The consultation has started.")
    CANCELLED = graph.value("cancelled", "It will not take place.")
    NOSHOW = graph.value("noshow", "The patient did not come.")


@graph.enum("What an appointment is for.")
class AppointmentKind(Enum):
    CHECKUP = graph.value("CHECKUP", "A routine check-up.")
    EMERGENCY = graph.value("EMERGENCY", "An emergency.")
    FOLLOWUP = graph.value("FOLLOWUP", "A follow-up of an earlier visit.")
    ROUTINE = graph.value("ROUTINE", "An ordinary visit.")
    WALKIN = graph.value("WALKIN", "Came without an appointment.")
    TELECONSULT = graph.value("TELECONSULT", "A consultation by video or phone.")


@graph.enum("Where a visit stands (FHIR).")
class EncounterStatus(Enum):
    PLANNED = graph.value("planned", "Not begun.")
    ARRIVED = graph.value("arrived", "The patient is here and waits.")
    TRIAGED = graph.value("triaged", "Urgency has been assessed.")
    IN_PROGRESS = graph.value("in-progress", "The consultation is going on.")
    ONLEAVE = graph.value("onleave", "The patient is away for a while.")
    FINISHED = graph.value("finished", "Over.")
    CANCELLED = graph.value("cancelled", "The patient left before being seen.")
    UNKNOWN = graph.value("UNKNOWN", "The source said something else.")


@graph.enum("Where a token stands.")
class TokenStatus(Enum):
    WAITING = graph.value("waiting", "In the line.")
    CALLED = graph.value("called", "Called to the room.")
    SERVING = graph.value("serving", "In consultation.")
    SKIPPED = graph.value("skipped", "Called and not there.")
    ON_HOLD = graph.value("on-hold", "Away for a test, a measurement or payment.")
    DONE = graph.value("done", "Seen.")
    CANCELLED = graph.value("cancelled", "Out of the queue.")


@graph.enum("The vital signs that can be recorded.")
class VitalKind(Enum):
    HEART_RATE = graph.value("HEART_RATE", "Heart rate, /min.")
    RESPIRATORY_RATE = graph.value("RESPIRATORY_RATE", "Breaths per minute.")
    BODY_TEMPERATURE = graph.value("BODY_TEMPERATURE", "Body temperature, Cel or [degF].")
    SYSTOLIC = graph.value("SYSTOLIC", "Systolic blood pressure, mm[Hg]; with DIASTOLIC.")
    DIASTOLIC = graph.value("DIASTOLIC", "Diastolic blood pressure, mm[Hg]; with SYSTOLIC.")
    OXYGEN_SATURATION = graph.value("OXYGEN_SATURATION", "Oxygen saturation, %.")
    BODY_WEIGHT = graph.value("BODY_WEIGHT", "Body weight, kg, g or [lb_av].")
    BODY_HEIGHT = graph.value("BODY_HEIGHT", "Body height, cm, m or [in_i].")
    BMI = graph.value("BMI", "Body mass index; derived when weight and height are given.")
    HEAD_CIRCUMFERENCE = graph.value("HEAD_CIRCUMFERENCE", "Head circumference, cm.")
    PAIN = graph.value("PAIN", "Pain from 0 to 10.")
    GLASGOW_COMA_SCORE = graph.value("GLASGOW_COMA_SCORE", "Glasgow coma score, 3 to 15.")
    CAPILLARY_GLUCOSE = graph.value("CAPILLARY_GLUCOSE", "Glucose by meter, mg/dL.")


@graph.enum("How a value lies to its usual range.")
class Interpretation(Enum):
    LOW = graph.value("L", "Below.")
    NORMAL = graph.value("N", "Within.")
    HIGH = graph.value("H", "Above.")
    CRITICALLY_LOW = graph.value("LL", "Dangerously below.")
    CRITICALLY_HIGH = graph.value("HH", "Dangerously above.")
    ABNORMAL = graph.value("A", "Not as it should be.")
    UNKNOWN = graph.value("UNKNOWN", "The source said something else.")


@graph.enum("Where a task stands.")
class TaskStatus(Enum):
    REQUESTED = graph.value("requested", "Nobody has taken it yet.")
    IN_PROGRESS = graph.value("in-progress", "Somebody is on it.")
    COMPLETED = graph.value("completed", "Done.")
    CANCELLED = graph.value("cancelled", "No longer wanted.")


@graph.enum("How soon something is wanted.")
class Priority(Enum):
    ROUTINE = graph.value("routine", "In its turn.")
    URGENT = graph.value("urgent", "Before the routine.")
    ASAP = graph.value("asap", "As soon as possible.")
    STAT = graph.value("stat", "At once.")


@graph.enum("Who a task is for.")
class OwnerRole(Enum):
    DOCTOR = graph.value("doctor", "Doctors.")
    NURSE = graph.value("nurse", "Nurses.")
    FRONT_DESK = graph.value("front_desk", "The front desk.")
    LAB = graph.value("lab", "The laboratory.")
    PHARMACY = graph.value("pharmacy", "The pharmacy.")

    @property
    def role(self) -> Role:
        return Role(self.value)


def known(kind: Any, value: str | None) -> Any:
    """The member of a closed set, or its UNKNOWN for words from outside."""
    if value is None:
        return None
    try:
        return kind(value)
    except ValueError:
        return kind.UNKNOWN
