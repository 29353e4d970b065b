"""An element imported under a new name must not be used under its namespaced name as well."""

from __future__ import annotations

from collections.abc import Iterator

from router.composition.links import LINK, Feature
from router.composition.model import CompositeType, InputObjectType, base_name
from router.composition.parsed import ParsedSubgraph, elements_of
from router.composition.problems import Problems
from router.composition.specs import BUILT_IN_DIRECTIVES

__all__ = ["check_shadowing"]


def check_shadowing(subgraph: ParsedSubgraph, problems: Problems) -> None:
    """Note definitions that are in use under a name that an import has taken away.

    Nothing is said where a directive is unknown: it may be the one that an import is missing; and
    nothing where a link is wrong.
    """
    if subgraph.links.broken:
        return
    used: set[str] | None = None
    for feature in subgraph.links:
        for element, name in feature.imports.items():
            namespaced = _namespaced(element, feature)
            if namespaced == name:
                continue
            by_link = _is_named_by_link(element, feature, subgraph)
            if not by_link and not _is_defined(namespaced, subgraph):
                continue
            if used is None:
                used = set(_used(subgraph))
                if any(each.startswith("@") and not _is_defined(each, subgraph) for each in used):
                    return
            if by_link or namespaced in used:
                problems.add(
                    "INVALID_LINK_DIRECTIVE_USAGE",
                    f'"{element}" of "{feature.identity}" is imported as "{name}", but '
                    f'"{namespaced}" is defined and used too: please use the imported name only.',
                    namespaced,
                )


def _namespaced(element: str, feature: Feature) -> str:
    """Return what an element would be called had it not been imported; directives with ``@``."""
    if element.startswith("@"):
        bare = element[1:]
        return f"@{feature.alias}" if bare == feature.name else f"@{feature.alias}__{bare}"
    return f"{feature.alias}__{element}"


def _is_named_by_link(element: str, feature: Feature, subgraph: ParsedSubgraph) -> bool:
    """Tell whether ``@link``, of which the user wrote no definition, has used a type already."""
    link = subgraph.directives.get(feature.directive_name("link"))
    return feature.late and not element.startswith("@") and link is not None and not link.by_user


def _is_defined(name: str, subgraph: ParsedSubgraph) -> bool:
    if name.startswith("@"):
        return name[1:] in subgraph.directives or name[1:] in BUILT_IN_DIRECTIVES
    return name in subgraph.types


def _used(subgraph: ParsedSubgraph) -> Iterator[str]:
    """Yield the names of the directives applied and of the types that fields and arguments have.

    A directive of a specification counts by what the specification says, not by what a user's
    definition of it does: that is compared with it anyway. But ``@link`` is read before its own
    link is, so that whatever its definition names is in use.
    """
    for place in elements_of(subgraph.schema, subgraph.types):
        for applied in place.element.directives:
            yield f"@{applied.name}"
    for found in subgraph.types.values():
        if isinstance(found, InputObjectType):
            yield from (base_name(entry.type) for entry in found.fields.values())
        elif isinstance(found, CompositeType):
            for field in found.fields.values():
                yield base_name(field.type)
                yield from (base_name(each.type) for each in field.arguments.values())
    for directive in subgraph.directives.values():
        if directive.canonical is None or (
            directive.feature and directive.feature.identity == LINK
        ):
            yield from (base_name(each.type) for each in directive.arguments.values())
