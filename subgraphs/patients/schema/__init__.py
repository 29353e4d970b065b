"""The patients subgraph in GraphQL."""

from drassist import graph
from drassist.runtime.settings import LimitSettings
from subgraphs.patients.schema.mutations import Mutation
from subgraphs.patients.schema.queries import Query

__all__ = ["build"]


def build(limits: LimitSettings | None = None) -> graph.GraphSchema:
    return graph.build_schema(Query, Mutation, limits=limits)
