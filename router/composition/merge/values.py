"""Values of defaults and directive arguments: read with their type, compared deeply."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping

from graphql import (
    BooleanValueNode,
    ConstValueNode,
    EnumValueNode,
    FloatValueNode,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    StringValueNode,
)

from router.composition import model
from router.composition.merged import EnumLiteral, Value

__all__ = ["identity", "read_value"]

_INTEGER_TEXT = re.compile(r"(?:0|-?[1-9][0-9]{0,17})\Z")


def read_value(
    node: ConstValueNode, ref: model.TypeRef, types: Mapping[str, model.TypeDefinition]
) -> Value:
    """Return a literal as a value of its type.

    An ``ID`` that is written like a number is one, in quotes or not; what is an enum's value and
    what a text depends on the type (in a custom scalar all are texts), not on the quotes.
    """
    while isinstance(ref, model.NonNull):
        ref = ref.of
    named = model.base_name(ref)  # a single value stands for a list of it
    match node:
        case NullValueNode():
            return None
        case BooleanValueNode(value=value):
            return value
        case IntValueNode(value=value):
            # a float holds no more than 53 bits of a whole number
            return float(value) + 0.0 if named == "Float" else int(value)
        case FloatValueNode(value=value):
            return float(value)
        case StringValueNode(value=value):
            if isinstance(types.get(named), model.EnumType):
                return EnumLiteral(value)
            return int(value) if named == "ID" and _INTEGER_TEXT.match(value) else value
        case EnumValueNode(value=value):
            known = types.get(named)
            return EnumLiteral(value) if isinstance(known, model.EnumType) else value
        case ListValueNode(values=values):
            item = ref.of if isinstance(ref, model.ListOf) else ref
            return [read_value(each, item, types) for each in values]
        case ObjectValueNode(fields=fields):
            known = types.get(named)
            known_fields = known.fields if isinstance(known, model.InputObjectType) else {}
            return {
                each.name.value: read_value(
                    each.value,
                    known_fields[each.name.value].type if each.name.value in known_fields else ref,
                    types,
                )
                for each in fields
            }
        case _:
            raise TypeError(f"not a constant value: {node}")


def identity(value: Value) -> Hashable:
    """Return what equal values have in common, and others not.

    Numbers are equal by size, so ``1`` is ``1.0``, but not ``true``; objects in whatever order.
    """
    match value:
        case bool():
            return bool, value
        case list():
            return list, tuple(map(identity, value))
        case dict():
            return dict, frozenset((name, identity(each)) for name, each in value.items())
        case _:
            return value
