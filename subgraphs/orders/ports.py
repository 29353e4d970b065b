"""What orders needs of others: a laboratory, a pharmacy, and who a patient is.

Adapters fit these protocols by shape (``drassist.adapters.lab``, ``.pharmacy``); what they take is
made here, what they give is described here. They raise ``drassist.adapters.errors``:
``retryable`` errors delay a delivery, others end it with a reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from drassist.clinical import Subject

__all__ = [
    "Dispense",
    "Dispenses",
    "DosageInstruction",
    "IncomingObservation",
    "IncomingReport",
    "LabReports",
    "Laboratory",
    "OutgoingMedicine",
    "OutgoingOrder",
    "Patients",
    "Pharmacy",
]


# What goes out.


@dataclass(frozen=True, slots=True)
class OutgoingOrder:
    """One test or study; ``category`` is ``laboratory`` or ``imaging``, ``code`` is the catalogue's.

    Its codes are LOINC's; ``code_verified`` says whether this one was checked there.
    """

    placer_number: str
    requisition: str
    category: str
    code: str
    code_verified: bool
    display: str
    priority: str
    reason: str | None
    note: str | None
    requester: str | None
    authored: datetime
    subject: Subject


@dataclass(frozen=True, slots=True)
class DosageInstruction:
    """One dosage; ``when`` are R4 EventTiming codes, periods and durations UCUM time units."""

    text: str
    dose: Decimal | None = None
    dose_unit: str | None = None
    frequency: int | None = None
    period: Decimal | None = None
    period_unit: str | None = None
    when: tuple[str, ...] = ()
    as_needed: bool = False
    route: str | None = None
    duration: Decimal | None = None
    duration_unit: str | None = None


@dataclass(frozen=True, slots=True)
class OutgoingMedicine:
    """One medicine of a prescription, under a placer number of its own."""

    placer_number: str
    prescription_number: str
    medicine: str
    medicine_code: str | None
    dosages: tuple[DosageInstruction, ...]
    quantity: Decimal | None
    quantity_unit: str | None
    repeats: int
    substitution_allowed: bool
    note: str | None
    requester: str | None
    authored: datetime
    subject: Subject


# What comes back.


class IncomingObservation(Protocol):
    """One value of a report, with the laboratory's digits, unit, range and flag."""

    @property
    def source_id(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def code(self) -> str | None: ...
    @property
    def display(self) -> str: ...
    @property
    def effective(self) -> datetime | None: ...
    @property
    def value(self) -> Decimal | None: ...
    @property
    def comparator(self) -> str | None: ...
    @property
    def unit(self) -> str | None: ...
    @property
    def ucum(self) -> str | None: ...
    @property
    def text(self) -> str | None: ...
    @property
    def absent_reason(self) -> str | None: ...
    @property
    def interpretation(self) -> str | None: ...
    @property
    def low(self) -> Decimal | None: ...
    @property
    def high(self) -> Decimal | None: ...
    @property
    def range_text(self) -> str | None: ...
    @property
    def note(self) -> str | None: ...


class IncomingReport(Protocol):
    """One version of a report; ``placer_number`` None when it names no order of ours."""

    @property
    def source_id(self) -> str: ...
    @property
    def source_version(self) -> str: ...
    @property
    def placer_number(self) -> str | None: ...
    @property
    def filler_number(self) -> str | None: ...
    @property
    def status(self) -> str: ...
    @property
    def code(self) -> str | None: ...
    @property
    def display(self) -> str: ...
    @property
    def effective(self) -> datetime | None: ...
    @property
    def issued(self) -> datetime | None: ...
    @property
    def conclusion(self) -> str | None: ...
    @property
    def observations(self) -> Sequence[IncomingObservation]: ...


class LabReports(Protocol):
    """What a sweep found: reports, what could not be read (kind, id, reason), the next cursor."""

    @property
    def reports(self) -> Sequence[IncomingReport]: ...
    @property
    def unreadable(self) -> Sequence[tuple[str, str, str]]: ...
    @property
    def cursor(self) -> str: ...


class Laboratory(Protocol):
    """A laboratory or imaging department."""

    async def place(self, order: OutgoingOrder) -> str:
        """Send an order and return the peer's reference; once, however often it is called."""

    async def cancel(self, placer_number: str, reason: str) -> None:
        """Revoke an order that is not done yet."""

    async def sweep(self, cursor: str | None) -> LabReports:
        """Return what changed since the cursor of the last sweep; None asks for everything."""


class Dispense(Protocol):
    """One version of a hand-over of one medicine."""

    @property
    def source_id(self) -> str: ...
    @property
    def source_version(self) -> str: ...
    @property
    def placer_number(self) -> str | None: ...
    @property
    def status(self) -> str: ...
    @property
    def medicine(self) -> str: ...
    @property
    def quantity(self) -> Decimal | None: ...
    @property
    def unit(self) -> str | None: ...
    @property
    def days_supply(self) -> Decimal | None: ...
    @property
    def prepared(self) -> datetime | None: ...
    @property
    def handed_over(self) -> datetime | None: ...
    @property
    def substituted(self) -> bool: ...
    @property
    def reason(self) -> str | None: ...


class Dispenses(Protocol):
    """What a sweep found: dispenses, what could not be read (kind, id, reason), the next cursor."""

    @property
    def dispenses(self) -> Sequence[Dispense]: ...
    @property
    def unreadable(self) -> Sequence[tuple[str, str, str]]: ...
    @property
    def cursor(self) -> str: ...


class Pharmacy(Protocol):
    """A pharmacy."""

    async def send(self, item: OutgoingMedicine) -> str:
        """Send a medicine and return the peer's reference; once, however often it is called."""

    async def cancel(self, placer_number: str, reason: str) -> None:
        """Stop a medicine that was not handed out yet."""

    async def sweep(self, cursor: str | None) -> Dispenses:
        """Return what changed since the cursor of the last sweep; None asks for everything."""


class Patients(Protocol):
    """Who a patient is, for those who must find her in a system of their own."""

    async def identify(self, patient_id: str) -> Subject:
        """Return what may be told to a laboratory or pharmacy; at least the id."""
