"""Definitions that a user wrote for elements of a known specification: may they differ?

A definition may say less than the specification (fewer locations, missing optional arguments)
or be stricter (non-null where nullable is allowed), never more. For a scalar of the specification
it may have anything that is no scalar of its own: libraries write ``String``, or a list of texts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from typing import TypeAlias

from graphql import ConstValueNode, print_ast

from router.composition.model import (
    DirectiveDefinition,
    EnumType,
    ListOf,
    Named,
    NonNull,
    ScalarType,
    TypeDefinition,
    TypeRef,
)

__all__ = [
    "Deviation",
    "directive_deviations",
    "is_simplified_federation_1",
    "type_deviations",
]

Deviation: TypeAlias = tuple[str, str]
"""What is wrong with a definition, for people, and the coordinate of it."""


def directive_deviations(
    found: DirectiveDefinition,
    expected: DirectiveDefinition,
    scalars: Set[str],
    types: Mapping[str, TypeDefinition],
) -> Iterator[Deviation]:
    """Compare a user's definition with the specification's.

    ``scalars`` are those of the specifications, as they are named here.
    """
    at = f"@{found.name}"
    intro = f'Invalid definition for directive "{at}": '
    for argument in expected.arguments.values():
        if argument.name not in found.arguments and argument.is_required:
            yield f'{intro}missing required argument "{argument.name}"', at
    for argument in found.arguments.values():
        where = f"{at}({argument.name}:)"
        spec = expected.arguments.get(argument.name)
        if spec is None:
            yield f'{intro}unknown/unsupported argument "{argument.name}"', where
            continue
        if not _may_stand_for(argument.type, spec.type, scalars, types):
            yield (
                f'{intro}argument "{argument.name}" should have type "{spec.type}" but found '
                f'type "{argument.type}"',
                where,
            )
        # a default of a non-null argument only saves writing it
        elif not isinstance(argument.type, NonNull) and _said(argument.default) != _said(
            spec.default
        ):
            yield (
                f'{intro}argument "{argument.name}" should have {_said(spec.default)} but found '
                f"{_said(argument.default)}",
                where,
            )
    if found.repeatable and not expected.repeatable:
        yield f'{intro}"{at}" should not be repeatable', at
    if not set(found.locations) <= set(expected.locations):
        yield (
            f'{intro}"{at}" should have locations {", ".join(expected.locations)}, but found '
            f"(non-subset) {', '.join(found.locations)}",
            at,
        )


def type_deviations(found: TypeDefinition, expected: ScalarType | EnumType) -> Iterator[Deviation]:
    """Demand that a specification's scalar is a scalar, and its enum has the same values."""
    if isinstance(expected, ScalarType):
        if not isinstance(found, ScalarType):
            yield f"Invalid definition for type {found.name}: it should be a scalar.", found.name
        return
    actual = found.values.keys() if isinstance(found, EnumType) else set[str]()
    if actual != expected.values.keys():
        yield (
            f'Invalid definition for type "{found.name}": expected the enum values '
            f"[{', '.join(sorted(expected.values))}] but found [{', '.join(sorted(actual))}].",
            found.name,
        )


def is_simplified_federation_1(found: DirectiveDefinition) -> bool:
    """Tell whether a federation 1 schema spells ``@key`` and the like in one of its old ways.

    Federation 1 libraries print these without arguments, or with ``fields`` as a plain string;
    such definitions are replaced by the right ones.
    """
    if not found.arguments:
        return True
    fields = found.arguments.get("fields")
    if fields is None or len(found.arguments) != 1:
        return False
    bare = fields.type.of if isinstance(fields.type, NonNull) else fields.type
    return isinstance(bare, Named) and bare.name in ("String", "_FieldSet", "FieldSet")


def _may_stand_for(
    found: TypeRef, expected: TypeRef, scalars: Set[str], types: Mapping[str, TypeDefinition]
) -> bool:
    if isinstance(expected, NonNull):
        return isinstance(found, NonNull) and _may_stand_for(found.of, expected.of, scalars, types)
    bare = found.of if isinstance(found, NonNull) else found
    if isinstance(expected, ListOf):
        return isinstance(bare, ListOf) and _may_stand_for(bare.of, expected.of, scalars, types)
    if bare == expected or expected.name not in scalars:
        return bare == expected
    return not (isinstance(found, Named) and isinstance(types.get(found.name), ScalarType))


def _said(default: ConstValueNode | None) -> str:
    return "no default value" if default is None else f"default value {print_ast(default)}"
