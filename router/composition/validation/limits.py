"""Cost, list sizes and access: directives whose arguments refer to the schema."""

from __future__ import annotations

from collections.abc import Iterator

from graphql import ConstValueNode, FloatValueNode, IntValueNode, ListValueNode, StringValueNode

from router.composition.model import (
    Applied,
    CompositeType,
    FieldDefinition,
    InterfaceType,
    ListOf,
    Named,
    NonNull,
    ObjectType,
    Subgraph,
    TypeRef,
    UnionType,
    base_name,
)
from router.composition.problems import Problems

__all__ = ["check_access", "check_cost", "check_list_sizes"]


def check_cost(subgraph: Subgraph, problems: Problems) -> None:
    """``@cost`` is on no interface field."""
    for found in subgraph.types.values():
        if isinstance(found, InterfaceType):
            for field in found.fields.values():
                if field.is_applied("cost"):
                    problems.add(
                        "COST_APPLIED_TO_INTERFACE_FIELD",
                        f'@cost cannot be applied to interface field "{field.coordinate}".',
                        field.coordinate,
                    )


def check_list_sizes(subgraph: Subgraph, problems: Problems) -> None:
    """What ``@listSize`` counts are lists, and what it counts by are integers."""
    for found in subgraph.types.values():
        if isinstance(found, CompositeType):
            for field in found.fields.values():
                applied = field.first("listSize")
                if applied is not None:
                    for code, message in _list_size(field, applied, subgraph):
                        problems.add(f"LIST_SIZE_{code}", message, field.coordinate)


def _list_size(
    field: FieldDefinition, applied: Applied, subgraph: Subgraph
) -> Iterator[tuple[str, str]]:
    at = f'"{field.coordinate}"'
    sized = tuple(_names(applied.arguments.get("sizedFields")))
    if not _is_list(field.type) and not sized:
        yield "APPLIED_TO_NON_LIST", f"@listSize is on {at}, which is no list."
    assumed = applied.arguments.get("assumedSize")
    if isinstance(assumed, IntValueNode | FloatValueNode) and float(assumed.value) < 0:
        yield "INVALID_ASSUMED_SIZE", f"The assumed size of {at} is negative."
    for name in _names(applied.arguments.get("slicingArguments")):
        argument = field.arguments.get(name)
        if argument is None:
            yield "INVALID_SLICING_ARGUMENT", f'Slicing argument "{name}" is no argument of {at}.'
        elif argument.type not in (Named("Int"), NonNull(Named("Int"))):
            yield "INVALID_SLICING_ARGUMENT", f'Slicing argument "{name}" of {at} must be Int.'
    if not sized:
        return
    target = subgraph.types.get(base_name(field.type))
    if not isinstance(target, CompositeType | UnionType):
        yield (
            "INVALID_SIZED_FIELD",
            f'{at} cannot have sized fields: its type "{field.type}" has no fields.',
        )
        return
    for name in sized:
        member = target.fields.get(name) if isinstance(target, CompositeType) else None
        if member is None:
            yield "INVALID_SIZED_FIELD", f'Sized field "{name}" is no field of "{target.name}".'
        elif not _is_list(member.type):
            yield "APPLIED_TO_NON_LIST", f'Sized field "{member.coordinate}" is no list.'


def _is_list(ref: TypeRef) -> bool:
    return isinstance(ref.of if isinstance(ref, NonNull) else ref, ListOf)


def _names(value: ConstValueNode | None) -> Iterator[str]:
    values = value.values if isinstance(value, ListValueNode) else (value,)
    for each in values:
        if isinstance(each, StringValueNode):
            yield each.value


def check_access(subgraph: Subgraph, problems: Problems) -> None:
    """Access is restricted on objects, not on interfaces or what stands for them."""
    for canonical in ("authenticated", "requiresScopes", "policy"):
        for found in subgraph.types.values():
            if isinstance(found, InterfaceType):
                kind, fields = "interface", tuple(found.fields.values())
            elif isinstance(found, ObjectType) and subgraph.is_interface_object(found.name):
                kind, fields = "interface object", ()
            else:
                continue
            places = [(kind, found.name, found.applications(canonical))]
            places += [
                (f"{kind} field", field.coordinate, field.applications(canonical))
                for field in fields
            ]
            for what, coordinate, applications in places:
                for applied in applications:
                    problems.add(
                        "AUTH_REQUIREMENTS_APPLIED_ON_INTERFACE",
                        f'Invalid @{applied.name} on {what} "{coordinate}": please restrict '
                        "access on the implementations.",
                        coordinate,
                    )
