"""The cheapest wrong-patient guard: a visit that is known as one patient's is not another's."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from drassist.graph.errors import DomainError, ErrorCode
from subgraphs.orders.models import Order, Prescription, Report

__all__ = ["check_context"]

_OF_A_VISIT: tuple[Any, ...] = (Order, Prescription, Report)


async def check_context(session: AsyncSession, patient_id: str, encounter_id: str | None) -> None:
    """Refuse a command whose visit belongs to another patient, as far as orders know."""
    if encounter_id is None:
        return
    for model in _OF_A_VISIT:
        other = await session.scalar(
            sa.select(model.id)
            .where(model.encounter_id == encounter_id, model.patient_id != patient_id)
            .limit(1)
        )
        if other is not None:
            raise DomainError(
                ErrorCode.STALE_CONTEXT, "This visit is another patient's.", "encounterId"
            )
