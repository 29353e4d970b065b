"""What the encounters' resolvers have at hand, and whose rows a caller may see."""

from __future__ import annotations

from typing import Any, TypeAlias

import strawberry
from sqlmodel import col

from drassist import graph
from drassist.runtime.identity import Identity
from subgraphs.encounters.services.wiring import Services

__all__ = ["Info", "own"]

Info: TypeAlias = strawberry.Info[graph.Context[Services], None]


def own(statement: Any, patient_id: Any, identity: Identity) -> Any:
    """Only what the caller may see: a patient sees rows of their own chart."""
    if not identity.is_patient:
        return statement
    return statement.where(col(patient_id) == (identity.patient_id or ""))
