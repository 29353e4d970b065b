"""Following other subgraphs: when two patients become one, what points at the duplicate moves."""

from __future__ import annotations

from sqlalchemy import update
from sqlmodel import col

from drassist.events import Event, Handler
from drassist.runtime.database import Database
from subgraphs.encounters.models import Appointment, Encounter, Task, Token, Vital

__all__ = ["follow_merges"]


def follow_merges(database: Database) -> Handler:
    """A handler of ``patients.patient.merged``; doing it twice changes nothing."""

    async def on_merged(event: Event) -> None:
        survivor, duplicate = event.data.get("patient_id"), event.data.get("duplicate_id")
        if not (isinstance(survivor, str) and isinstance(duplicate, str)):
            return
        async with database.transaction() as session:
            for table in (Appointment, Encounter, Token, Vital, Task):
                await session.execute(
                    update(table)
                    .where(col(table.patient_id) == duplicate)
                    .values(patient_id=survivor)
                )

    return on_merged
