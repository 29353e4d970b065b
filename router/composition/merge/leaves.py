"""Merging unions, enums and scalars."""

from __future__ import annotations

from collections.abc import Sequence

from router.composition import model
from router.composition.merge.applied import AppliedMerger
from router.composition.merge.descriptions import merge_description
from router.composition.merge.join import join_enum_value, join_union_member
from router.composition.merge.state import EnumUsage, Merge, Source
from router.composition.merge.types import merge_type_itself
from router.composition.merge.wording import in_subgraphs, subgraph_names
from router.composition.merged import EnumType, EnumValue, UnionType

__all__ = ["merge_enum", "merge_union"]


# -- unions --------------------------------------------------------------------------------


def merge_union(merge: Merge, applied: AppliedMerger, merged: UnionType) -> None:
    """Unite the members."""
    merge_type_itself(merge, applied, merged)
    sources = [
        Source(subgraph, declared)
        for subgraph, declared in merge.sources[merged.name]
        if isinstance(declared, model.UnionType)
    ]
    merged.members = list(dict.fromkeys(m for _, declared in sources for m in declared.members))
    for member in merged.members:
        having = [subgraph.name for subgraph, declared in sources if member in declared.members]
        for subgraph, declared in sources:
            if member in declared.members:
                merged.directives.append(join_union_member(merge.graph(subgraph), member))
        lacking = [s.name for s, declared in sources if member not in declared.members]
        if lacking:
            merge.findings.hint(
                "INCONSISTENT_UNION_MEMBER",
                f'Union "{merged.name}" has the member "{member}" {in_subgraphs(having)} but not '
                f"{in_subgraphs(lacking)}.",
                merged.name,
            )


# -- enums ---------------------------------------------------------------------------------


def merge_enum(merge: Merge, applied: AppliedMerger, merged: EnumType) -> None:
    """Unite the values of what is read, intersect those of what is written."""
    merge_type_itself(merge, applied, merged)
    sources = [
        Source(subgraph, declared)
        for subgraph, declared in merge.sources[merged.name]
        if isinstance(declared, model.EnumType)
    ]
    usage = _usage(merge, merged.name)
    for name in dict.fromkeys(name for _, declared in sources for name in declared.values):
        coordinate = f"{merged.name}.{name}"
        having = [Source(s, found.values[name]) for s, found in sources if name in found.values]
        value = EnumValue(name)
        what = f'enum value "{coordinate}"'
        value.description = merge_description(merge.findings, having, what, coordinate)
        applied.note(value, having, what, coordinate)
        hidden = any(element.is_applied("inaccessible") for _, element in having)
        lacking = [s.name for s, found in sources if name not in found.values]
        if lacking and not _keeps_value(merge, coordinate, usage, having, lacking, hidden=hidden):
            applied.forget(value)
            continue
        value.directives += [join_enum_value(merge.graph(subgraph)) for subgraph, _ in having]
        merged.values[name] = value
    if not merged.values:
        merge.findings.error(
            "EMPTY_MERGED_ENUM_TYPE",
            f'No value of enum type "{merged.name}", which is only used as an input, is defined '
            f"in all of {subgraph_names(source.name for source in sources)}.",
            [source.name for source in sources],
            merged.name,
        )


def _usage(merge: Merge, name: str) -> EnumUsage:
    usage = merge.enum_usages.get(name)
    if usage is None:
        merge.findings.hint(
            "UNUSED_ENUM_TYPE",
            f'Enum type "{name}" is used by no field and no argument; all values are kept.',
            name,
        )
        return EnumUsage(output=name)
    return usage


def _keeps_value(
    merge: Merge,
    coordinate: str,
    usage: EnumUsage,
    having: Sequence[Source[model.EnumValue]],
    lacking: Sequence[str],
    *,
    hidden: bool,
) -> bool:
    """Decide about a value that some subgraphs lack, and say so."""
    names = [source.name for source in having]
    where = f"defined {in_subgraphs(names)} but not {in_subgraphs(lacking)}"
    if usage.input is None:
        merge.findings.hint(
            "INCONSISTENT_ENUM_VALUE_FOR_OUTPUT_ENUM",
            f'Value "{coordinate}" of an enum that is only read is {where}; it is kept.',
            coordinate,
        )
        return True
    if hidden:
        return True
    if usage.output is None:
        merge.findings.hint(
            "INCONSISTENT_ENUM_VALUE_FOR_INPUT_ENUM",
            f'Value "{coordinate}" of an enum that is only written is {where}; it is dropped.',
            coordinate,
        )
        return False
    merge.findings.error(
        "ENUM_VALUE_MISMATCH",
        f'Value "{coordinate}" is {where}, but the enum is used as both input (as in '
        f'"{usage.input}") and output (as in "{usage.output}") and must be the same everywhere.',
        [*names, *lacking],
        coordinate,
    )
    return True
