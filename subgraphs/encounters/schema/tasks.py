"""Tasks: what somebody is asked to do about a patient or a visit."""

from __future__ import annotations

from datetime import datetime

import strawberry

from drassist import graph
from drassist.graph import ID
from drassist.runtime.identity import reads
from subgraphs.encounters import loaders, models
from subgraphs.encounters.schema.access import Info
from subgraphs.encounters.schema.kinds import OwnerRole, Priority, TaskStatus
from subgraphs.encounters.schema.types import Encounter, Patient

__all__ = ["Task", "task"]


@graph.entity("Something to be done.")
class Task(graph.Entity):
    id: ID = graph.field("Opaque id.")
    version: int = graph.field("Grows with every change; send it back as expectedVersion.")
    created_at: datetime = graph.field("When it was asked for.")
    description: str = graph.field("What is to be done.", phi=True)
    status: TaskStatus = graph.field("Where it stands.")
    priority: Priority = graph.field("How soon.")
    owner_role: OwnerRole = graph.field("Who it is for.")
    claimed_by: str | None = graph.field("Login of whoever took it.")
    due_at: datetime | None = graph.field("When it is due.")
    outcome: str | None = graph.field("What came of it.", phi=True)
    patient: Patient | None = graph.field("Whom it is about.")
    encounter_id: strawberry.Private[str | None]

    @graph.resolver("Which visit it is about.", scopes=reads("Encounter"))
    async def encounter(self, info: Info) -> Encounter | None:
        id = self.encounter_id
        return None if id is None else await Encounter.by_id(info, ID(id))

    @classmethod
    @graph.reference("id")
    async def by_id(cls, info: Info, id: ID) -> Task | None:
        info.context.demand((("user/Task.rs",),))
        row = await info.context.load(loaders.task_by_id, str(id))
        return None if row is None else task(row)


def task(row: models.Task) -> Task:
    return Task(
        id=ID(row.id),
        version=row.version,
        created_at=row.created_at,
        description=row.description,
        status=TaskStatus(row.status),
        priority=Priority(row.priority),
        owner_role=OwnerRole(row.owner_role),
        claimed_by=row.claimed_by,
        due_at=row.due_at,
        outcome=row.outcome,
        patient=Patient(id=ID(row.patient_id)) if row.patient_id else None,
        encounter_id=row.encounter_id,
    )
