"""Who resolves a field: several subgraphs may only if each of them says it is shareable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from graphql import StringValueNode

from router.composition.merge.override import Overriding
from router.composition.merge.state import Merge, Source
from router.composition.merge.wording import subgraph_names
from router.composition.model import FieldDefinition

__all__ = ["check_sharing", "check_subscription_sharing"]

_LONG_LIST = 500


def check_sharing(
    merge: Merge,
    coordinate: str,
    sources: Sequence[Source[FieldDefinition]],
    stand_ins: Sequence[Source[FieldDefinition]],
    overriding: Mapping[str, Overriding],
) -> None:
    """Refuse a field that two subgraphs resolve when one of them did not mark it shareable.

    Fully external and overridden declarations resolve nothing; interface objects (``stand_ins``)
    resolve the fields that they add.
    """
    resolving = [
        source
        for source in sources
        if not source.subgraph.is_fully_external(source.element)
        and not (source.name in overriding and overriding[source.name].overridden)
    ]
    resolving += [s for s in stand_ins if not s.subgraph.is_fully_external(s.element)]
    if len(resolving) <= 1:
        return
    exclusive = [s for s in resolving if not s.subgraph.is_shareable(s.element)]
    if not exclusive:
        return
    told = [_told(source, coordinate) for source in resolving]
    everyone = len(exclusive) == len(resolving)
    which = (
        "all of them" if everyone else subgraph_names((s.name for s in exclusive), limit=_LONG_LIST)
    )
    mend = (
        "Please keep it in one subgraph."
        if coordinate.startswith("Subscription.")
        else "If all give the same, please mark it @shareable there; else keep it in one subgraph."
    )
    merge.findings.error(
        "INVALID_FIELD_SHARING",
        f'Non-shareable field "{coordinate}" is resolved from multiple subgraphs: it is resolved '
        f"from {_list(told)} and defined as non-shareable in {which}. "
        + mend
        + _misspelt_override(merge, resolving),
        dict.fromkeys(source.name for source in resolving),
        coordinate,
    )


def check_subscription_sharing(merge: Merge, sources: Sequence[Source[FieldDefinition]]) -> None:
    """Refuse ``@shareable`` on a field of the subscription root."""
    sharing = [s.name for s in sources if s.element.is_applied("shareable")]
    if sharing:
        coordinate = sources[0].element.coordinate
        merge.findings.error(
            "INVALID_FIELD_SHARING",
            f'Subscription field "{coordinate}" is marked @shareable in '
            f"{subgraph_names(sharing)}: an event comes from one subgraph only.",
            sharing,
            coordinate,
        )


def _told(source: Source[FieldDefinition], coordinate: str) -> str:
    if source.element.coordinate == coordinate:
        return f'"{source.name}"'
    return f'"{source.name}" (through @interfaceObject field "{source.element.coordinate}")'


def _list(told: Sequence[str]) -> str:
    return f"subgraphs {', '.join(told[:-1])} and {told[-1]}"


def _misspelt_override(merge: Merge, resolving: Sequence[Source[FieldDefinition]]) -> str:
    """Return a guess when an override without effect would have solved the sharing."""
    for subgraph, field in resolving:
        applied = field.first("override") if field.directives else None
        node = applied.arguments.get("from") if applied is not None else None
        if not isinstance(node, StringValueNode) or node.value in merge.graphs:
            continue
        guesses = get_close_matches(node.value, [s.name for s in resolving], n=1)
        if guesses:
            return (
                f' The @override in subgraph "{subgraph.name}" is from "{node.value}": did you '
                f'mean "{guesses[0]}"?'
            )
    return ""
