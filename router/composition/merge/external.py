"""External declarations: they add nothing, but must agree with the field they refer to."""

from __future__ import annotations

from collections.abc import Sequence

from graphql import print_ast

from router.composition.merge.features import Features
from router.composition.merge.inputs import argument_coordinate
from router.composition.merge.state import Merge, Source
from router.composition.merge.subtypes import TypeMerge, is_subtype
from router.composition.merge.values import identity, read_value
from router.composition.merge.wording import differences, in_subgraphs, tellers
from router.composition.merged import ABSENT, BUILT_IN_DIRECTIVES, Argument, Field
from router.composition.model import Argument as Declared
from router.composition.model import FieldDefinition

__all__ = ["check_directives_on_external", "check_external"]


def check_directives_on_external(
    merge: Merge, features: Features, external: Sequence[Source[FieldDefinition]]
) -> None:
    """Refuse directives that would reach the supergraph, had they been on a real field."""
    for subgraph, field in external:
        for applied in field.directives:
            propagated = applied.canonical in features.names if applied.canonical else False
            if not propagated and not (
                applied.canonical is None and applied.name in BUILT_IN_DIRECTIVES
            ):
                continue
            merge.findings.error_in(
                subgraph.name,
                "MERGED_DIRECTIVE_APPLICATION_ON_EXTERNAL",
                f'Directive @{applied.name} cannot be on external field "{field.coordinate}": '
                "put it where the field is resolved.",
                field.coordinate,
            )


def check_external(
    merge: Merge,
    merged: Field,
    types: TypeMerge,
    coordinate: str,
    external: Sequence[Source[FieldDefinition]],
) -> None:
    """Compare each external declaration of a field with the merged one."""
    unlike = [source for source in external if not _type_fits(merge, source, types)]
    if unlike:
        merge.findings.error(
            "EXTERNAL_TYPE_MISMATCH",
            f'Field "{coordinate}" has type "{merged.type}", but it is declared external with '
            + " and ".join(f'"{s.element.type}" in subgraph "{s.name}"' for s in unlike)
            + ".",
            [source.name for source in unlike],
            coordinate,
        )
    for argument in merged.arguments.values():
        _check_argument(merge, argument, argument_coordinate(coordinate, argument.name), external)


def _type_fits(merge: Merge, source: Source[FieldDefinition], types: TypeMerge) -> bool:
    declared = str(source.element.type)
    if declared == types.type:
        return True
    return not types.uniform and is_subtype(merge.schema, declared, types.type)


def _check_argument(
    merge: Merge,
    merged: Argument,
    coordinate: str,
    external: Sequence[Source[FieldDefinition]],
) -> None:
    lacking = [s.name for s in external if merged.name not in s.element.arguments]
    if lacking:
        merge.findings.error(
            "EXTERNAL_ARGUMENT_MISSING",
            f'Argument "{coordinate}" is missing from the external field {in_subgraphs(lacking)}: '
            "please add it there.",
            lacking,
            coordinate,
        )
    having = [
        Source(subgraph, field.arguments[merged.name])
        for subgraph, field in external
        if merged.name in field.arguments
    ]
    unlike = [
        source
        for source in having
        if not is_subtype(merge.schema, merged.type, str(source.element.type))
    ]
    if unlike:
        types = tellers((f'"{source.element.type}"', source.name) for source in unlike)
        merge.findings.error(
            "EXTERNAL_ARGUMENT_TYPE_MISMATCH",
            f'Argument "{coordinate}" has type "{merged.type}", but on the external field it is '
            f"{differences(types)}.",
            [source.name for source in unlike],
            coordinate,
        )
    differing = [source for source in having if not _same_default(source, merged)]
    if differing:
        texts = tellers((_default(source.element), source.name) for source in differing)
        merge.findings.error(
            "EXTERNAL_ARGUMENT_DEFAULT_MISMATCH",
            f'The default of argument "{coordinate}" is another on the external field: it has '
            f"{differences(texts)}.",
            [source.name for source in differing],
            coordinate,
        )


def _default(argument: Declared) -> str:
    if argument.default is None:
        return "no default"
    return f"the default {print_ast(argument.default)}"


def _same_default(source: Source[Declared], merged: Argument) -> bool:
    declared = source.element
    if declared.default is None or merged.default is ABSENT:
        return declared.default is None and merged.default is ABSENT
    value = read_value(declared.default, declared.type, source.subgraph.types)
    return identity(value) == identity(merged.default)
