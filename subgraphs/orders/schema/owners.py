"""Whose an order is, of which visit, and who gave it: entities of other subgraphs, by id.

A patient lists orders and an order names its patient. This is the one place where that circle of the
graph is one of the code: the types are named here and looked up when the schema is built.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeAlias

import strawberry
from strawberry import ID

if TYPE_CHECKING:
    from subgraphs.orders.schema.charts import Encounter, Patient, Practitioner

__all__ = ["APatient", "APractitioner", "AnEncounter", "encounter", "patient", "practitioner"]

_CHARTS = "subgraphs.orders.schema.charts"
APatient: TypeAlias = Annotated["Patient", strawberry.lazy(_CHARTS)]
AnEncounter: TypeAlias = Annotated["Encounter", strawberry.lazy(_CHARTS)]
APractitioner: TypeAlias = Annotated["Practitioner", strawberry.lazy(_CHARTS)]


def patient(id: str) -> Patient:
    from subgraphs.orders.schema.charts import Patient

    return Patient(id=ID(id))


def encounter(id: str | None) -> Encounter | None:
    from subgraphs.orders.schema.charts import Encounter

    return Encounter(id=ID(id)) if id else None


def practitioner(id: str | None) -> Practitioner | None:
    from subgraphs.orders.schema.charts import Practitioner

    return Practitioner(id=ID(id)) if id else None
