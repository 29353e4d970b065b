"""The schema of orders.

values         closed lists of codes, amounts, ranges
access         whose rows the caller may see
results        ServiceRequest, DiagnosticReport, LabObservation
medications    Prescription, MedicationRequest, MedicationDispense, the history
catalogue      LabTest, Medicine
charts         what is added to Patient, Encounter, Practitioner
query, mutation, subscription
"""

from __future__ import annotations

from drassist.graph.schema import GraphSchema, build_schema
from drassist.runtime.settings import LimitSettings
from subgraphs.orders.schema.charts import Encounter, Patient, Practitioner
from subgraphs.orders.schema.mutation import Mutation
from subgraphs.orders.schema.query import Query
from subgraphs.orders.schema.subscription import Subscription

__all__ = ["make_schema"]


def make_schema(limits: LimitSettings | None = None) -> GraphSchema:
    """Build the schema; costs some 50 ms, so once per process."""
    return build_schema(
        Query,
        Mutation,
        Subscription,
        types=[Patient, Encounter, Practitioner],
        limits=limits,
    )
