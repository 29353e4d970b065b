"""An element imported under a new name must not be used under its namespaced name as well."""

from __future__ import annotations

from router.composition.parsed import ParsedSubgraph, elements_of
from router.composition.problems import Problems

__all__ = ["check_shadowing"]


def check_shadowing(subgraph: ParsedSubgraph, problems: Problems) -> None:
    """Note definitions that are in use under a name that an import has taken away."""
    used: set[str] | None = None
    for feature in subgraph.links:
        for element, name in feature.imports.items():
            directive = element.startswith("@")
            bare = element.lstrip("@")
            namespaced = f"{feature.alias}__{bare}"
            if directive and bare == feature.name:
                namespaced = feature.alias
            if namespaced == name.lstrip("@"):
                continue
            defined = subgraph.directives if directive else subgraph.types
            if namespaced not in defined:
                continue
            if used is None:
                used = {
                    applied.name
                    for place in elements_of(subgraph.schema, subgraph.types)
                    for applied in place.element.directives
                }
            if directive and namespaced in used:
                problems.add(
                    "INVALID_LINK_DIRECTIVE_USAGE",
                    f'"{element}" of "{feature.identity}" is imported as "{name}", but '
                    f'"@{namespaced}" is defined and used too: please use the imported name only.',
                    f"@{namespaced}",
                )
