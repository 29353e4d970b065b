"""Clinical value types, shared by subgraphs and adapters; no input or output, no framework."""

from drassist.clinical.days import HospitalCalendar
from drassist.clinical.ids import EHR, imported_id
from drassist.clinical.subject import Subject
from drassist.clinical.values import (
    UCUM,
    AbhaAddress,
    AbhaNumber,
    Address,
    CodedConcept,
    Coding,
    ContactPoint,
    HumanName,
    Identifier,
    InvalidValue,
    Mrn,
    PartialDate,
    Period,
    Quantity,
    normalise_phone,
    verhoeff_check,
)

__all__ = [
    "EHR",
    "UCUM",
    "AbhaAddress",
    "AbhaNumber",
    "Address",
    "CodedConcept",
    "Coding",
    "ContactPoint",
    "HospitalCalendar",
    "HumanName",
    "Identifier",
    "InvalidValue",
    "Mrn",
    "PartialDate",
    "Period",
    "Quantity",
    "Subject",
    "imported_id",
    "normalise_phone",
    "verhoeff_check",
]
