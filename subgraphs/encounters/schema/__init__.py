"""The encounters subgraph in GraphQL."""

from drassist import graph
from drassist.runtime.settings import LimitSettings
from subgraphs.encounters.schema.mutations import Mutation
from subgraphs.encounters.schema.queries import Query
from subgraphs.encounters.schema.subscriptions import Subscription

__all__ = ["build"]


def build(limits: LimitSettings | None = None) -> graph.GraphSchema:
    return graph.build_schema(Query, Mutation, Subscription, limits=limits)
