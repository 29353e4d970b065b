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
        reach = _reach(merge, name, sources)
        if reach is not None:
            merge.schema.directives[name] = _merge_one(merge, applied, name, sources, reach)


def _reach(merge: Merge, name: str, sources: Sequence[Source[Declared]]) -> _Locations | None:
    """Return where the directive may be used; None when it is dropped, which is hinted at.

    The first subgraph, by name, that ends it is what the hint is about.
    """
    declared = {source.name: source for source in sources}
    seen: list[Source[Declared]] = []
    for subgraph in merge.subgraphs:
        if subgraph.name not in declared:
            _hint_absence(merge, name, list(declared))
            return None
        seen.append(declared[subgraph.name])
        locations = _Locations(seen)
        if not locations.common:
            merge.findings.hint(
                "NO_EXECUTABLE_DIRECTIVE_INTERSECTION",
                f'Executable directive "@{name}" is not in the supergraph, for it has no location '
                f"that all subgraphs share: it is {locations.told()}.",
                f"@{name}",
            )
            return None
    return _Locations(sources)


def _hint_absence(merge: Merge, name: str, having: Sequence[str]) -> None:
    lacking = [each.name for each in merge.subgraphs if each.name not in having]
    merge.findings.hint(
        "INCONSISTENT_EXECUTABLE_DIRECTIVE_PRESENCE",
        f'Executable directive "@{name}" is not in the supergraph: it is defined '
        f"{in_subgraphs(having)} but not {in_subgraphs(lacking)}.",
        f"@{name}",
    )


class _Locations:
    """Where each subgraph allows a directive in operations, and where all of them do."""

    def __init__(self, sources: Sequence[Source[Declared]]) -> None:
        self._allowed = [
            (subgraph.name, EXECUTABLE_LOCATIONS.intersection(declared.locations))
            for subgraph, declared in sources
        ]
        self.common = tuple(sorted(frozenset.intersection(*(each for _, each in self._allowed))))
        self.differ = any(len(each) != len(self.common) for _, each in self._allowed)

    def told(self) -> str:
        """Return what each subgraph allows, for people."""
        tellers: dict[str, list[str]] = {}
        for name, allowed in self._allowed:
            tellers.setdefault(f"on {', '.join(sorted(allowed)) or 'nothing'}", []).append(name)
        return differences(tellers)


def _merge_one(
    merge: Merge,
    applied: AppliedMerger,
    name: str,
    sources: Sequence[Source[Declared]],
    locations: _Locations,
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
    if locations.differ:
        merge.findings.hint(
            "INCONSISTENT_EXECUTABLE_DIRECTIVE_LOCATIONS",
            f'Executable directive "@{name}" has different locations: it is {locations.told()}; '
            f"the supergraph has {', '.join(locations.common)}.",
            coordinate,
        )
    description = merge_description(merge.findings, sources, named, coordinate)
    return DirectiveDefinition(
        name,
        merge_arguments(merge, applied, [(s, d.arguments) for s, d in sources], coordinate),
        repeatable=len(repeatable) == len(sources),
        locations=locations.common,
        description=description,
    )
