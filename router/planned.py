"""Plans made at build time, in front of the planner: a warm router never plans its own operations."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from graphql import DocumentNode, parse, print_ast

from router.files import naming, read_text
from router.planning.artifact import load_artifact
from router.planning.plan import Plan
from router.server.generation import PlansOperations
from router.supergraph import Supergraph

__all__ = ["PlannedAhead"]


class PlannedAhead:
    """Answers with a stored plan where there is one for exactly this document; else plans."""

    def __init__(self, plans: Mapping[str, Plan], planner: PlansOperations) -> None:
        self.plans = plans
        self.planner = planner
        self.found = 0

    @classmethod
    def load(cls, path: Path, supergraph: Supergraph, planner: PlansOperations) -> PlannedAhead:
        """Read an artifact made for ``supergraph``; raises SettingsInvalid for any other."""
        text = read_text(path, "give what python -m router plan --manifest wrote")
        artifact = load_artifact(text, source=str(path))
        with naming(path):
            artifact.check(supergraph)
        plans = {
            print_ast(parse(planned.body, no_location=True)): planned.plan
            for planned in artifact.operations.values()
        }
        return cls(plans, planner)

    def plan(
        self,
        document: DocumentNode,
        operation_name: str | None = None,
        *,
        labels: frozenset[str] = frozenset(),
    ) -> Plan:
        """The stored plan; override labels, or a document cut by rights, are planned as usual."""
        stored = None if labels else self.plans.get(print_ast(document))
        if stored is None:
            return self.planner.plan(document, operation_name, labels=labels)
        self.found += 1
        return stored
