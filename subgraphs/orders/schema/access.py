"""Who may see a row: staff by scope, a patient only what is her own."""

from __future__ import annotations

from typing import Any, Protocol, TypeAlias, TypeVar

import strawberry

from drassist.graph.context import Context
from subgraphs.orders.services import Services

__all__ = ["Info", "open_chart", "visible"]

Info: TypeAlias = strawberry.Info[Context[Services], Any]


class _OfPatient(Protocol):
    patient_id: str


R = TypeVar("R", bound=_OfPatient)


def visible(info: Info, row: R | None) -> R | None:
    """The row, or None when it is in a chart that is closed to the caller: as if it were not."""
    if row is None or not info.context.identity.may_see_patient(row.patient_id):
        return None
    return row


def open_chart(info: Info, patient_id: str) -> None:
    """Raise FORBIDDEN when the chart is closed to the caller."""
    if not info.context.identity.may_see_patient(patient_id):
        raise info.context.refusal()
