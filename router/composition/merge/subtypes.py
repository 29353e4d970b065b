"""Merging the types of fields and arguments: the wider output, the narrower input."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from router.composition.merge.state import Findings, Source
from router.composition.merge.wording import differences
from router.composition.merged import (
    InterfaceType,
    MergedSchema,
    ObjectType,
    UnionType,
)
from router.composition.model import Argument, FieldDefinition

__all__ = ["TypeMerge", "is_subtype", "merge_input_type", "merge_output_type"]


class TypeMerge(Struct, frozen=True):
    """The merged type, and whether every declaration says just that."""

    type: str
    uniform: bool


def is_subtype(schema: MergedSchema, sub: str, sup: str) -> bool:
    """Tell whether a type is equal to another or fits wherever the other is promised.

    ``T!`` fits ``T``, an implementation its interface, a member its union (as merged), and all
    of that inside lists.
    """
    if sub == sup:
        return True
    if sup.endswith("!"):
        return sub.endswith("!") and is_subtype(schema, sub[:-1], sup[:-1])
    if sub.endswith("!"):
        return is_subtype(schema, sub[:-1], sup)
    if sup.startswith("["):
        return sub.startswith("[") and is_subtype(schema, sub[1:-1], sup[1:-1])
    if sub.startswith("["):
        return False
    wide, narrow = schema.types.get(sup), schema.types.get(sub)
    match wide:
        case UnionType():
            return sub in wide.members
        case InterfaceType():
            return isinstance(narrow, ObjectType | InterfaceType) and sup in narrow.interfaces
        case _:
            return False


def merge_output_type(
    schema: MergedSchema,
    findings: Findings,
    sources: Sequence[Source[FieldDefinition]],
    coordinate: str,
) -> TypeMerge:
    """Return the widest of the declared types, compared pair by pair in subgraph order."""
    return _merge(
        sources,
        lambda one, other: is_subtype(schema, other, one),
        findings,
        coordinate,
        what="field",
        error="FIELD_TYPE_MISMATCH",
        hint="INCONSISTENT_BUT_COMPATIBLE_FIELD_TYPE",
    )


def merge_input_type(
    schema: MergedSchema,
    findings: Findings,
    sources: Sequence[Source[Argument]],
    coordinate: str,
    *,
    is_field: bool,
) -> TypeMerge:
    """Return the narrowest of the declared types of an argument or (``is_field``) input field."""
    return _merge(
        sources,
        lambda one, other: is_subtype(schema, one, other),
        findings,
        coordinate,
        what="input field" if is_field else "argument",
        error="FIELD_TYPE_MISMATCH" if is_field else "FIELD_ARGUMENT_TYPE_MISMATCH",
        hint=(
            "INCONSISTENT_BUT_COMPATIBLE_FIELD_TYPE"
            if is_field
            else "INCONSISTENT_BUT_COMPATIBLE_ARGUMENT_TYPE"
        ),
    )


def _merge(
    sources: Sequence[Source[FieldDefinition | Argument]],
    wins: Callable[[str, str], bool],
    findings: Findings,
    coordinate: str,
    *,
    what: str,
    error: str,
    hint: str,
) -> TypeMerge:
    merged = first = str(sources[0].element.type)
    uniform = True
    incompatible = False
    for _, element in sources[1:]:
        declared = str(element.type)
        if declared == merged:
            continue
        uniform = False
        if wins(merged, declared):
            continue
        if wins(declared, merged):
            merged = declared
        else:
            incompatible = True
    if uniform:
        return TypeMerge(merged, True)
    declared_by: dict[str, list[str]] = {}
    for subgraph, element in sources:
        declared_by.setdefault(f'"{element.type}"', []).append(subgraph.name)
    names = [source.name for source in sources]
    if incompatible:
        findings.error(
            error,
            f'The types of {what} "{coordinate}" have no common type: it is '
            f"{differences(declared_by)}.",
            names,
            coordinate,
        )
        return TypeMerge(first, False)
    findings.hint(
        hint,
        f'The types of {what} "{coordinate}" differ but are compatible: it is '
        f'{differences(declared_by)}; the supergraph has "{merged}".',
        coordinate,
    )
    return TypeMerge(merged, False)
