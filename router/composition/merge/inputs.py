"""Merging what clients write: arguments, their defaults, input objects."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

from router.composition.emit import Emitter
from router.composition.merge.applied import AppliedMerger
from router.composition.merge.descriptions import merge_description
from router.composition.merge.state import Merge, Source
from router.composition.merge.subtypes import merge_input_type
from router.composition.merge.values import identity, read_value
from router.composition.merge.wording import differences, in_subgraphs, subgraph_names
from router.composition.merged import (
    ABSENT,
    Absent,
    Application,
    Argument,
    EnumType,
    InputType,
    Value,
    base_name,
)
from router.composition.model import Argument as Declared
from router.composition.model import FieldDefinition, InputObjectType, Subgraph

__all__ = ["argument_coordinate", "contextual_arguments", "merge_arguments", "merge_input_object"]


def argument_coordinate(owner: str, name: str) -> str:
    """Return ``Type.field(arg:)``."""
    return f"{owner}({name}:)"


def contextual_arguments(field: FieldDefinition) -> list[Declared]:
    """Return the arguments that a context fills."""
    return [each for each in field.arguments.values() if each.is_applied("fromContext")]


# -- arguments -----------------------------------------------------------------------------


def merge_arguments(
    merge: Merge,
    applied: AppliedMerger,
    sources: Sequence[tuple[Subgraph, Mapping[str, Declared]]],
    owner: str,
) -> dict[str, Argument]:
    """Return the arguments that every source has; ``owner`` is the coordinate they belong to.

    An argument that a context fills in some subgraph is in no supergraph.
    """
    kept: dict[str, list[Source[Declared]]] = {}
    for name in dict.fromkeys(name for _, declared in sources for name in declared):
        coordinate = argument_coordinate(owner, name)
        having = [
            Source(subgraph, declared[name]) for subgraph, declared in sources if name in declared
        ]
        lacking = [subgraph.name for subgraph, declared in sources if name not in declared]
        if any(element.is_applied("fromContext") for _, element in having):
            _check_contextual(merge, having, coordinate)
        elif lacking:
            _check_dropped_argument(merge, having, lacking, coordinate)
        else:
            kept[name] = having
    merged: dict[str, Argument] = {}
    for name, having in kept.items():
        coordinate = argument_coordinate(owner, name)
        merged[name], _ = _merge_input(merge, applied, having, coordinate, is_field=False)
    return merged


def _check_contextual(merge: Merge, having: Sequence[Source[Declared]], coordinate: str) -> None:
    contextual = [s.name for s in having if s.element.is_applied("fromContext")]
    for subgraph, element in having:
        if element.is_applied("fromContext"):
            continue
        message = (
            f'Argument "{coordinate}" comes from a context {in_subgraphs(contextual)}, but not '
            f'in subgraph "{subgraph.name}"'
        )
        code = "CONTEXTUAL_ARGUMENT_NOT_CONTEXTUAL_IN_ALL_SUBGRAPHS"
        if element.is_required:
            names = [*contextual, subgraph.name]
            merge.findings.error(code, f"{message}, where it is required.", names, coordinate)
        else:
            merge.findings.hint(code, f"{message}: no client can set it there.")


def _check_dropped_argument(
    merge: Merge, having: Sequence[Source[Declared]], lacking: Sequence[str], coordinate: str
) -> None:
    requiring = [source.name for source in having if source.element.is_required]
    if requiring:
        merge.findings.error(
            "REQUIRED_ARGUMENT_MISSING_IN_SOME_SUBGRAPH",
            f'Argument "{coordinate}" is required {in_subgraphs(requiring)} but does not exist '
            f"{in_subgraphs(lacking)}.",
            [*requiring, *lacking],
            coordinate,
        )
        return
    merge.findings.hint(
        "INCONSISTENT_ARGUMENT_PRESENCE",
        f'Optional argument "{coordinate}" is not in the supergraph: it exists '
        f"{in_subgraphs(source.name for source in having)} but not {in_subgraphs(lacking)}.",
        coordinate,
    )


# -- input objects -------------------------------------------------------------------------


def merge_input_object(
    merge: Merge,
    applied: AppliedMerger,
    merged: InputType,
    sources: Sequence[Source[InputObjectType]],
) -> None:
    """Give an input object the fields that all subgraphs know, and those that are inaccessible."""
    names = dict.fromkeys(name for _, declared in sources for name in declared.fields)
    knowing = [subgraph for subgraph in merge.subgraphs if merged.name in subgraph.types]
    for name in names:
        coordinate = f"{merged.name}.{name}"
        having = [Source(s, found.fields[name]) for s, found in sources if name in found.fields]
        # those for whom the type is of another kind lack its fields too
        lacking = [each.name for each in knowing if each.name not in {s.name for s in having}]
        argument, uniform = _merge_input(merge, applied, having, coordinate, is_field=True)
        hidden = any(element.is_applied("inaccessible") for _, element in having)
        if lacking and not hidden:
            _check_dropped_field(merge, having, lacking, coordinate)
            applied.forget(argument)
            continue
        _add_join_fields(merge, argument, having, everywhere=not lacking, uniform=uniform)
        merged.fields[name] = argument
    if not merged.fields and names:
        merge.findings.error(
            "EMPTY_MERGED_INPUT_TYPE",
            f'No field of input object type "{merged.name}" is defined in all of '
            f"{subgraph_names(source.name for source in sources)}.",
            [source.name for source in sources],
            merged.name,
        )


def _check_dropped_field(
    merge: Merge, having: Sequence[Source[Declared]], lacking: Sequence[str], coordinate: str
) -> None:
    requiring = [source.name for source in having if source.element.is_required]
    if requiring:
        merge.findings.error(
            "REQUIRED_INPUT_FIELD_MISSING_IN_SOME_SUBGRAPH",
            f'Input field "{coordinate}" is required {in_subgraphs(requiring)} but does not '
            f"exist {in_subgraphs(lacking)}.",
            [*requiring, *lacking],
            coordinate,
        )
        return
    merge.findings.hint(
        "INCONSISTENT_INPUT_OBJECT_FIELD",
        f'Input field "{coordinate}" is not in the supergraph: it exists '
        f"{in_subgraphs(source.name for source in having)} but not {in_subgraphs(lacking)}.",
        coordinate,
    )


def _add_join_fields(
    merge: Merge,
    argument: Argument,
    having: Sequence[Source[Declared]],
    *,
    everywhere: bool,
    uniform: bool,
) -> None:
    if everywhere and uniform:
        return
    for subgraph, element in having:
        arguments: dict[str, Value] = {"graph": merge.graph(subgraph)}
        if not uniform:
            arguments["type"] = str(element.type)
        argument.directives.append(Application("join__field", arguments))


# -- both ----------------------------------------------------------------------------------


def _merge_input(
    merge: Merge,
    applied: AppliedMerger,
    sources: Sequence[Source[Declared]],
    coordinate: str,
    *,
    is_field: bool,
) -> tuple[Argument, bool]:
    """Return a merged argument or input field, and whether its type is the same everywhere."""
    what = f'{"input field" if is_field else "argument"} "{coordinate}"'
    name = sources[0].element.name
    merged = Argument(name, "")
    merged.description = merge_description(merge.findings, sources, what, coordinate)
    applied.note(merged, sources, what, coordinate)
    types = merge_input_type(merge.schema, merge.findings, sources, coordinate, is_field=is_field)
    merged.type = types.type
    merged.default = _merge_default(merge, sources, what, coordinate, is_field=is_field)
    named = base_name(types.type)
    if isinstance(merge.schema.types.get(named), EnumType):
        merge.enum_usage(named).input = coordinate
    return merged, types.uniform


def _merge_default(
    merge: Merge,
    sources: Sequence[Source[Declared]],
    what: str,
    coordinate: str,
    *,
    is_field: bool,
) -> Value | Absent:
    if all(element.default is None for _, element in sources):
        return ABSENT
    defaults: dict[Hashable, Value] = {}
    tellers: dict[str, list[str]] = {}
    for subgraph, element in sources:
        if element.default is None:
            tellers.setdefault("no default", []).append(subgraph.name)
            continue
        value = read_value(element.default, element.type, subgraph.types)
        defaults.setdefault(identity(value), value)
        text = Emitter(merge.schema).value(value, str(element.type))
        tellers.setdefault(f"the default {text}", []).append(subgraph.name)
    first = next(iter(defaults.values()))
    if len(defaults) > 1:
        merge.findings.error(
            "INPUT_FIELD_DEFAULT_MISMATCH" if is_field else "FIELD_ARGUMENT_DEFAULT_MISMATCH",
            f"The defaults of {what} are incompatible: it has {differences(tellers)}.",
            [source.name for source in sources],
            coordinate,
        )
        return first  # what external fields are compared with
    if "no default" in tellers:
        merge.findings.hint(
            "INCONSISTENT_DEFAULT_VALUE_PRESENCE",
            f"The default of {what} is not in the supergraph: it has {differences(tellers)}.",
            coordinate,
        )
        return ABSENT
    return first
