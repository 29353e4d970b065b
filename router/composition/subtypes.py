"""Which output type may stand where another is expected (GraphQL spec, section 3.6.1)."""

from __future__ import annotations

from collections.abc import Mapping

from router.composition.model import (
    CompositeType,
    ListOf,
    Named,
    NonNull,
    ObjectType,
    TypeDefinition,
    TypeRef,
    UnionType,
)

__all__ = ["is_subtype", "possible_types"]

Types = Mapping[str, TypeDefinition]


def is_subtype(ref: TypeRef, of: TypeRef, types: Types) -> bool:
    """Tell whether every value of one type is a value of the other."""
    if ref == of:
        return True
    if isinstance(ref, NonNull):
        inner = of.of if isinstance(of, NonNull) else of
        return is_subtype(ref.of, inner, types)
    if isinstance(ref, ListOf):
        return isinstance(of, ListOf) and is_subtype(ref.of, of.of, types)
    if not isinstance(of, Named):
        return False
    found, target = types.get(ref.name), types.get(of.name)
    if isinstance(target, UnionType):
        return ref.name in target.members
    return isinstance(found, CompositeType) and of.name in found.interfaces


def possible_types(name: str, types: Types) -> frozenset[str]:
    """Return the object types that a composite type can be at run time."""
    found = types.get(name)
    if isinstance(found, ObjectType):
        return frozenset({name})
    if isinstance(found, UnionType):
        return frozenset(found.members)
    return frozenset(
        other.name
        for other in types.values()
        if isinstance(other, ObjectType) and name in other.interfaces
    )
