"""The schema of notes: ``types`` and the ``operations`` on them."""

from __future__ import annotations

from drassist import graph
from drassist.runtime.settings import LimitSettings
from subgraphs.notes.schema.operations import Mutation, Query, Subscription
from subgraphs.notes.schema.types import Encounter, Patient, Practitioner

__all__ = ["make_schema"]


def make_schema(limits: LimitSettings | None = None) -> graph.GraphSchema:
    """Build the schema, once per process."""
    return graph.build_schema(
        Query, Mutation, Subscription, types=[Patient, Encounter, Practitioner], limits=limits
    )
