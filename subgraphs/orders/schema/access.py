"""What the resolvers of orders have at hand."""

from __future__ import annotations

from typing import Any, TypeAlias

import strawberry

from drassist.graph.context import Context
from subgraphs.orders.services import Services

__all__ = ["Info"]

Info: TypeAlias = strawberry.Info[Context[Services], Any]
