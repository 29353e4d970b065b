"""Values and closed lists of codes, as the graph shows them."""

from __future__ import annotations

from decimal import Decimal
from enum import Enum
from typing import TypeVar

from drassist.graph import fields as graph
from drassist.graph.values import Quantity
from subgraphs.orders.services.warnings import Warn

__all__ = [
    "DispenseStatus",
    "MedicationRequestStatus",
    "OrderCategory",
    "OrderPriority",
    "OrderStatus",
    "OrderWarning",
    "ReferenceRange",
    "ResultFlag",
    "ResultStatus",
    "known",
    "quantity",
]

E = TypeVar("E", bound=Enum)


@graph.enum("What kind of examination is ordered.")
class OrderCategory(Enum):
    LABORATORY = graph.value("laboratory", "A test on a specimen.")
    IMAGING = graph.value("imaging", "An X-ray, ultrasound, CT or MR study.")


@graph.enum("How soon an order is wanted (FHIR request-priority).")
class OrderPriority(Enum):
    ROUTINE = graph.value("routine", "In the normal course of work.")
    URGENT = graph.value("urgent", "Sooner than routine.")
    ASAP = graph.value("asap", "As soon as possible.")
    STAT = graph.value("stat", "At once.")


@graph.enum("Where an order stands (FHIR request-status). UNKNOWN is a code that we do not know.")
class OrderStatus(Enum):
    DRAFT = graph.value("draft", "Being written.")
    ACTIVE = graph.value("active", "Ordered, not answered.")
    ON_HOLD = graph.value("on-hold", "Paused; may go on.")
    REVOKED = graph.value("revoked", "Cancelled before it was done.")
    COMPLETED = graph.value("completed", "Answered by a released report.")
    ENTERED_IN_ERROR = graph.value("entered-in-error", "Should never have existed.")
    UNKNOWN = graph.value("unknown", "Not known.")


@graph.enum("Where a report or a value stands; it never goes back to a weaker status.")
class ResultStatus(Enum):
    REGISTERED = graph.value("registered", "Awaited, nothing to see yet.")
    PARTIAL = graph.value("partial", "Some values are there, others are pending.")
    PRELIMINARY = graph.value("preliminary", "Not verified yet.")
    FINAL = graph.value("final", "Verified and released.")
    AMENDED = graph.value("amended", "Changed after release, values as they were.")
    CORRECTED = graph.value("corrected", "A released value was wrong and is replaced.")
    APPENDED = graph.value("appended", "Something was added after release.")
    CANCELLED = graph.value("cancelled", "There will be no result.")
    ENTERED_IN_ERROR = graph.value("entered-in-error", "Withdrawn: it was not this patient's.")
    UNKNOWN = graph.value("unknown", "Not known.")


@graph.enum("How a value lies against what is usual (FHIR observation-interpretation).")
class ResultFlag(Enum):
    NORMAL = graph.value("N", "Within the reference range.")
    LOW = graph.value("L", "Below the reference range.")
    HIGH = graph.value("H", "Above the reference range.")
    CRITICAL_LOW = graph.value("LL", "So low that somebody must act.")
    CRITICAL_HIGH = graph.value("HH", "So high that somebody must act.")
    ABNORMAL = graph.value("A", "Not normal.")
    CRITICAL_ABNORMAL = graph.value("AA", "So abnormal that somebody must act.")
    POSITIVE = graph.value("POS", "Positive.")
    NEGATIVE = graph.value("NEG", "Negative.")


@graph.enum("Where a prescribed medicine stands (FHIR medicationrequest-status).")
class MedicationRequestStatus(Enum):
    DRAFT = graph.value("draft", "Being written.")
    ACTIVE = graph.value("active", "To be taken.")
    ON_HOLD = graph.value("on-hold", "Paused; may go on.")
    CANCELLED = graph.value("cancelled", "Withdrawn before the first dose.")
    COMPLETED = graph.value("completed", "Taken as prescribed.")
    STOPPED = graph.value("stopped", "Stopped before its end.")
    ENTERED_IN_ERROR = graph.value("entered-in-error", "Should never have existed.")
    UNKNOWN = graph.value("unknown", "Not known.")


@graph.enum("Where a hand-over stands (FHIR medicationdispense-status).")
class DispenseStatus(Enum):
    PREPARATION = graph.value("preparation", "Being looked at.")
    IN_PROGRESS = graph.value("in-progress", "Being prepared.")
    ON_HOLD = graph.value("on-hold", "Paused; may go on.")
    COMPLETED = graph.value("completed", "Handed over.")
    CANCELLED = graph.value("cancelled", "Not handed over after all.")
    DECLINED = graph.value("declined", "Refused by the pharmacist, with a reason.")
    STOPPED = graph.value("stopped", "Ended before it was complete.")
    ENTERED_IN_ERROR = graph.value("entered-in-error", "Should never have existed.")
    UNKNOWN = graph.value("unknown", "Not known.")


def known(kind: type[E], code: str | None) -> E | None:
    """The enum's member for a code; UNKNOWN, where there is one, for a code that is not ours."""
    if code is None:
        return None
    try:
        return kind(code)
    except ValueError:
        return getattr(kind, "UNKNOWN", None)


def quantity(
    value: Decimal | None, unit: str | None, code: str | None = None, comparator: str | None = None
) -> Quantity | None:
    """An exact amount, or None without a number; what has no unit is counted in nothing."""
    if value is None:
        return None
    shown = unit or code or ""
    text = f"{comparator or ''}{value:f} {shown}".strip()
    return Quantity(value=value, comparator=comparator, unit=shown, code=code, display=text)


@graph.type("What is usual, by the laboratory that measured. Either bound may be missing.")
class ReferenceRange:
    low: Decimal | None = graph.field("The lower bound, in the value's unit.", default=None)
    high: Decimal | None = graph.field("The upper bound, in the value's unit.", default=None)
    text: str | None = graph.field("The range in words, when it is no interval.", default=None)


@graph.type("Something to look at that did not stop the command.")
class OrderWarning:
    code: str = graph.field("ORDERED_LATELY or TAKEN_ALREADY.")
    message: str = graph.field("The warning in words, in English.", phi=True)
    field: list[str] = graph.field("Path to the input field concerned.", default_factory=list)
    about: str | None = graph.field("Id of what it collides with.", default=None)

    @classmethod
    def of(cls, warning: Warn) -> OrderWarning:
        return cls(
            code=warning.code,
            message=warning.message,
            field=list(warning.path),
            about=warning.about,
        )
