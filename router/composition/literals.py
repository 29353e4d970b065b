"""Is a literal good for a type?

As lenient as the reference: absent input fields are no matter, a name without quotes is a text
too, and a whole number may be written with a point.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any, Final

from graphql import (
    BooleanValueNode,
    ConstListValueNode,
    ConstValueNode,
    EnumValueNode,
    FloatValueNode,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    StringValueNode,
    ValueNode,
)

from router.composition.model import (
    EnumType,
    InputObjectType,
    ListOf,
    Named,
    NonNull,
    TypeDefinition,
    TypeRef,
    base_name,
)

__all__ = ["is_valid_literal", "with_quotes"]

_BUILT_IN: Final[Mapping[str, Any]] = {
    "Int": IntValueNode,
    "Float": (IntValueNode, FloatValueNode),
    "String": (StringValueNode, EnumValueNode),
    "ID": (IntValueNode, StringValueNode, EnumValueNode),
    "Boolean": BooleanValueNode,
}


def is_valid_literal(value: ValueNode, ref: TypeRef, types: Mapping[str, TypeDefinition]) -> bool:
    """Tell whether a literal can be coerced to a type (GraphQL spec, section 5.6.1)."""
    match ref:
        case NonNull(of):
            return not isinstance(value, NullValueNode) and is_valid_literal(value, of, types)
        case ListOf(of):
            if isinstance(value, ListValueNode):
                return all(is_valid_literal(each, of, types) for each in value.values)
            return isinstance(value, NullValueNode) or is_valid_literal(value, of, types)
        case Named(name):
            return isinstance(value, NullValueNode) or _is_valid_named(value, name, types)


def _is_valid_named(value: ValueNode, name: str, types: Mapping[str, TypeDefinition]) -> bool:
    if not _is_countable(value):
        return False
    if name == "Int" and isinstance(value, FloatValueNode):
        return float(value.value).is_integer()
    built_in = _BUILT_IN.get(name)
    if built_in is not None:
        return isinstance(value, built_in)
    found = types.get(name)
    if isinstance(found, EnumType):
        return isinstance(value, EnumValueNode | StringValueNode) and value.value in found.values
    if isinstance(found, InputObjectType):
        return isinstance(value, ObjectValueNode) and all(
            field.name.value in found.fields
            and is_valid_literal(field.value, found.fields[field.name.value].type, types)
            for field in value.fields
        )
    return True


def _is_countable(value: ValueNode) -> bool:
    """A custom scalar takes anything, but no number that nobody can read."""
    match value:
        case IntValueNode() | FloatValueNode():
            return isfinite(float(value.value))
        case ListValueNode():
            return all(map(_is_countable, value.values))
        case ObjectValueNode():
            return all(_is_countable(field.value) for field in value.fields)
        case _:
            return True


def with_quotes(value: ConstValueNode, ref: TypeRef) -> ConstValueNode:
    """Return a literal with its names as the texts that they are where the type is ``String``."""
    if isinstance(value, ListValueNode):
        return ConstListValueNode(values=tuple(with_quotes(each, ref) for each in value.values))
    if isinstance(value, EnumValueNode) and base_name(ref) == "String":
        return StringValueNode(value=value.value)
    return value
