"""The rules for one subgraph: GraphQL's own, then federation's.

GraphQL's come first, and all their problems are reported; federation's rules are asked only of a
schema that is valid GraphQL. A rule is a function; it notes problems and goes on.
"""

from __future__ import annotations

from typing import Final, Protocol

from router.composition.model import Subgraph
from router.composition.parsed import ParsedSubgraph
from router.composition.problems import Problems
from router.composition.validation.applications import check_applications
from router.composition.validation.contexts import check_contexts
from router.composition.validation.field_sets import check_keys, check_provides, check_requires
from router.composition.validation.limits import check_access, check_cost, check_list_sizes
from router.composition.validation.shadowing import check_shadowing
from router.composition.validation.tags import check_tag_definition
from router.composition.validation.types import check_types
from router.composition.validation.usage import (
    check_external,
    check_interface_keys,
    check_interface_objects,
    check_shareable,
)

__all__ = ["check_federation", "check_graphql"]


class FederationRule(Protocol):
    """One idea of federation, asked of a whole subgraph."""

    def __call__(self, subgraph: Subgraph, problems: Problems) -> None: ...


FEDERATION_RULES: Final[tuple[FederationRule, ...]] = (
    check_keys,
    check_requires,
    check_provides,
    check_contexts,
    check_external,
    check_interface_keys,
    check_interface_objects,
    check_tag_definition,
    check_shareable,
    check_cost,
    check_list_sizes,
    check_access,
)


def check_graphql(subgraph: ParsedSubgraph, problems: Problems) -> None:
    """Raise ``SubgraphRefused`` with everything that GraphQL forbids in a subgraph's schema."""
    check_applications(subgraph, problems)
    check_types(subgraph, problems)
    check_shadowing(subgraph, problems)
    problems.settle()


def check_federation(subgraph: Subgraph, problems: Problems) -> None:
    """Raise ``SubgraphRefused`` with everything that federation forbids in a subgraph."""
    for rule in FEDERATION_RULES:
        rule(subgraph, problems)
    problems.settle()
