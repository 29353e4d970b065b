"""Directives that clients write in operations: kept when every subgraph knows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from router.composition.merge.applied import AppliedMerger
from router.composition.merge.descriptions import merge_description
from router.composition.merge.inputs import merge_arguments
from router.composition.merge.state import Merge, Source
from router.composition.merge.wording import differences, in_subgraphs
from router.composition.merged import DirectiveDefinition
from router.composition.model import DirectiveDefinition as Declared

__all__ = ["create_executable_directives", "merge_executable_directives"]

EXECUTABLE_LOCATIONS: Final = frozenset(
    {
        "QUERY",
        "MUTATION",
        "SUBSCRIPTION",
        "FIELD",
        "FRAGMENT_DEFINITION",
        "FRAGMENT_SPREAD",
        "INLINE_FRAGMENT",
        "VARIABLE_DEFINITION",
    }
)
_BUILT_IN: Final = frozenset(
    {"skip", "include", "deprecated", "specifiedBy", "defer", "stream", "oneOf"}
)


def create_executable_directives(merge: Merge) -> dict[str, list[Source[Declared]]]:
    """Return the executable directives that users defined, in the order first seen."""
    names = dict.fromkeys(
        declared.name
        for subgraph in merge.subgraphs
        for declared in subgraph.directives.values()
        if _is_users_own(merge, declared)
        and not EXECUTABLE_LOCATIONS.isdisjoint(declared.locations)
    )
    return {
        name: [
            Source(subgraph, declared)
            for subgraph in merge.subgraphs
            if (declared := subgraph.directives.get(name)) is not None
            and _is_users_own(merge, declared)
        ]
        for name in names
    }


def _is_users_own(merge: Merge, declared: Declared) -> bool:
    return (
        declared.by_user
        and declared.canonical is None
        and declared.name not in _BUILT_IN
        and declared.name not in merge.schema.directives
    )


def merge_executable_directives(
    merge: Merge, applied: AppliedMerger, found: dict[str, list[Source[Declared]]]
) -> None:
    """Define the directives that all subgraphs have, with what all of them allow."""
    for name, sources in found.items():
        if _is_everywhere(merge, name, sources):
            locations = _locations(merge, name, sources)
            if locations:
                merge.schema.directives[name] = _merge_one(merge, applied, name, sources, locations)


def _is_everywhere(merge: Merge, name: str, sources: Sequence[Source[Declared]]) -> bool:
    having = [source.name for source in sources]
    lacking = [each.name for each in merge.subgraphs if each.name not in having]
    if not lacking:
        return True
    merge.findings.hint(
        "INCONSISTENT_EXECUTABLE_DIRECTIVE_PRESENCE",
        f'Executable directive "@{name}" is not in the supergraph: it is defined '
        f"{in_subgraphs(having)} but not {in_subgraphs(lacking)}.",
        f"@{name}",
    )
    return False


def _locations(merge: Merge, name: str, sources: Sequence[Source[Declared]]) -> tuple[str, ...]:
    allowed = [EXECUTABLE_LOCATIONS.intersection(declared.locations) for _, declared in sources]
    common = tuple(sorted(frozenset.intersection(*allowed)))
    if all(len(each) == len(common) for each in allowed):
        return common
    tellers: dict[str, list[str]] = {}
    for (subgraph, _), each in zip(sources, allowed, strict=True):
        tellers.setdefault(f"on {', '.join(sorted(each)) or 'nothing'}", []).append(subgraph.name)
    if common:
        merge.findings.hint(
            "INCONSISTENT_EXECUTABLE_DIRECTIVE_LOCATIONS",
            f'Executable directive "@{name}" has different locations: it is '
            f"{differences(tellers)}; the supergraph has {', '.join(common)}.",
            f"@{name}",
        )
    else:
        merge.findings.hint(
            "NO_EXECUTABLE_DIRECTIVE_INTERSECTION",
            f'Executable directive "@{name}" is not in the supergraph, for it has no location '
            f"that all subgraphs share: it is {differences(tellers)}.",
            f"@{name}",
        )
    return common


def _merge_one(
    merge: Merge,
    applied: AppliedMerger,
    name: str,
    sources: Sequence[Source[Declared]],
    locations: tuple[str, ...],
) -> DirectiveDefinition:
    named, coordinate = f'directive "@{name}"', f"@{name}"
    repeatable = [source.name for source in sources if source.element.repeatable]
    if repeatable and len(repeatable) < len(sources):
        once = [source.name for source in sources if not source.element.repeatable]
        merge.findings.hint(
            "INCONSISTENT_EXECUTABLE_DIRECTIVE_REPEATABLE",
            f'Executable directive "@{name}" is repeatable {in_subgraphs(repeatable)} but not '
            f"{in_subgraphs(once)}; it is not repeatable in the supergraph.",
            coordinate,
        )
    return DirectiveDefinition(
        name,
        merge_arguments(merge, applied, [(s, d.arguments) for s, d in sources], coordinate),
        repeatable=len(repeatable) == len(sources),
        locations=locations,
        description=merge_description(merge.findings, sources, named, coordinate),
    )
