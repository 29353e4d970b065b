"""Places of the hospital, and times that can be booked."""

from __future__ import annotations

from datetime import datetime

from drassist import graph
from drassist.graph import ID
from subgraphs.encounters import loaders, models
from subgraphs.encounters.schema.access import Info

__all__ = ["Location", "Slot", "location"]


@graph.entity("A place: hospital, ward, room or bed.")
class Location(graph.Entity):
    id: ID = graph.field("Opaque id.")
    name: str = graph.field("What it is called.")
    kind: str = graph.field("Physical type: si, bu, wi, wa, ro or bd.")
    time_zone: str = graph.field("IANA time zone of the place.")
    active: bool = graph.field("Whether it is in use.")

    @classmethod
    @graph.reference("id")
    async def by_id(cls, info: Info, id: ID) -> Location | None:
        row = await info.context.load(loaders.location_by_id, str(id))
        return None if row is None else location(row)


@graph.type("A time that can be booked.")
class Slot:
    start: datetime = graph.field("When it begins.")
    end: datetime = graph.field("When it ends.")


def location(row: models.Location) -> Location:
    return Location(
        id=ID(row.id), name=row.name, kind=row.kind, time_zone=row.time_zone, active=row.active
    )
