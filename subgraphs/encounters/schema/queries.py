"""Reading encounters."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from sqlmodel import col, select

from drassist import graph
from drassist.graph import ID
from drassist.runtime.identity import reads
from subgraphs.encounters import models
from subgraphs.encounters.schema.access import Info
from subgraphs.encounters.schema.kinds import OwnerRole, TaskStatus
from subgraphs.encounters.schema.places import Location, location
from subgraphs.encounters.schema.tasks import Task, task
from subgraphs.encounters.schema.types import (
    DAY,
    Appointment,
    Encounter,
    Practitioner,
    Queue,
    practitioner,
)

__all__ = ["Query", "own_practitioner"]

PRACTITIONER = graph.arg("Whose; the caller's own when left out.")


def own_practitioner(info: Info, id: ID | None) -> str:
    """The practitioner that is meant: the one named, or the caller."""
    chosen = str(id) if id is not None else info.context.identity.practitioner_id
    if chosen is None:
        raise graph.ClientError("BAD_REQUEST", "Say whose queue: you are not a practitioner.")
    return chosen


@graph.type("What can be asked.")
class Query:
    @graph.resolver("A visit by id.", scopes=reads("Encounter"))
    async def encounter(
        self, info: Info, id: Annotated[ID, graph.arg("Opaque id.")]
    ) -> Encounter | None:
        return await Encounter.by_id(info, id)

    @graph.resolver("A booking by id.", scopes=reads("Appointment"))
    async def appointment(
        self, info: Info, id: Annotated[ID, graph.arg("Opaque id.")]
    ) -> Appointment | None:
        return await Appointment.by_id(info, id)

    @graph.resolver("A practitioner by id; oneself when left out.")
    async def practitioner(
        self, info: Info, id: Annotated[ID | None, PRACTITIONER] = None
    ) -> Practitioner | None:
        return await Practitioner.by_id(info, ID(own_practitioner(info, id)))

    @graph.resolver("Practitioners, by name.", scopes=reads("Practitioner"), cost=2)
    async def practitioners(
        self,
        info: Info,
        first: graph.First = None,
        after: graph.After = None,
        last: graph.Last = None,
        before: graph.Before = None,
    ) -> graph.Connection[Practitioner]:
        page = graph.Page.of(first, after, last, before, limit=info.context.services.page_limit)
        statement = select(models.Practitioner).where(col(models.Practitioner.active).is_(True))
        keys = [graph.Key(col(models.Practitioner.name)), graph.Key(col(models.Practitioner.id))]
        async with info.context.services.database.session() as session:
            rows = await graph.paginate(session, statement, keys, page)
        return graph.connect(rows, practitioner)

    @graph.resolver("Places, by name.", scopes=reads("Location"), cost=2)
    async def locations(
        self,
        info: Info,
        first: graph.First = None,
        after: graph.After = None,
        last: graph.Last = None,
        before: graph.Before = None,
    ) -> graph.Connection[Location]:
        page = graph.Page.of(first, after, last, before, limit=info.context.services.page_limit)
        statement = select(models.Location).where(col(models.Location.active).is_(True))
        keys = [graph.Key(col(models.Location.name)), graph.Key(col(models.Location.id))]
        async with info.context.services.database.session() as session:
            rows = await graph.paginate(session, statement, keys, page)
        return graph.connect(rows, location)

    @graph.resolver("The queue of a practitioner.", scopes=reads("QueueToken"), cost=2)
    async def queue(
        self,
        info: Info,
        practitioner_id: Annotated[ID | None, PRACTITIONER] = None,
        day: Annotated[date | None, DAY] = None,
    ) -> Queue:
        return Queue(
            practitioner_id=own_practitioner(info, practitioner_id),
            day=day or info.context.services.calendar.today(),
        )

    @graph.resolver(
        "Tasks of a role, the oldest first.", scopes=(("user/Task.rs",),), cost=2, list_size=20
    )
    async def tasks(
        self,
        info: Info,
        owner_role: Annotated[OwnerRole, graph.arg("For whom.")],
        status: Annotated[TaskStatus | None, graph.arg("Only in this status.")] = None,
        first: graph.First = None,
        after: graph.After = None,
        last: graph.Last = None,
        before: graph.Before = None,
    ) -> graph.Connection[Task]:
        page = graph.Page.of(first, after, last, before, limit=info.context.services.page_limit)
        statement = select(models.Task).where(models.Task.owner_role == owner_role.value)
        if status is not None:
            statement = statement.where(models.Task.status == status.value)
        keys = [graph.Key(col(models.Task.created_at)), graph.Key(col(models.Task.id))]
        async with info.context.services.database.session() as session:
            rows = await graph.paginate(session, statement, keys, page)
        return graph.connect(rows, task)
