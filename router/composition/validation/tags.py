"""A user's definition of ``@tag`` fits the newest one, whatever version is linked."""

from __future__ import annotations

from msgspec.structs import replace

from router.composition.definitions import directive_deviations
from router.composition.links import Version
from router.composition.model import Subgraph
from router.composition.problems import Problems
from router.composition.specs import find_spec

__all__ = ["check_tag_definition"]

_NEWEST = ("https://specs.apollo.dev/tag", Version(0, 3))


def check_tag_definition(subgraph: Subgraph, problems: Problems) -> None:
    """Compare a user's ``@tag`` with the newest specification."""
    spec = find_spec(*_NEWEST)
    assert spec is not None
    for definition in subgraph.directives.values():
        if definition.canonical == "tag" and definition.by_user:
            newest = replace(spec.directives[0], name=definition.name)
            deviations = directive_deviations(definition, newest, frozenset(), subgraph.types)
            problems.add_all("DIRECTIVE_DEFINITION_INVALID", deviations)
