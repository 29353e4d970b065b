"""World -> the one executable schema that all federated answers are held against."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphql import GraphQLObjectType, GraphQLResolveInfo, GraphQLSchema, build_schema

from .truth import Hidden, Obj, Truth
from .world import print_types

__all__ = ["merged_schema", "type_of"]


def merged_schema(truth: Truth) -> GraphQLSchema:
    """Return the oracle's schema, executable."""
    schema = build_schema(print_types(truth.api))
    for kind in schema.type_map.values():
        if isinstance(kind, GraphQLObjectType) and not kind.name.startswith("__"):
            for name, definition in kind.fields.items():
                definition.resolve = _oracle_resolver(truth, kind.name, name)
    return schema


def type_of(truth: Truth, obj: Obj) -> str:
    """Return the runtime type; one that the client may not know is an error."""
    if obj.type not in truth.api:
        raise Hidden("the type is hidden")
    return obj.type


def _oracle_resolver(truth: Truth, owner: str, name: str) -> Any:
    coordinate = truth.coordinate(owner, name)
    declared = truth.api.get(coordinate.type.named)

    def visible(value: Any, above: Mapping[tuple[str, str], Obj]) -> Any:
        if isinstance(value, list):
            return [visible(each, above) for each in value]
        if isinstance(value, Obj):
            return Obj(value.type, value.id, above=above)
        if declared is not None and declared.kind == "enum" and value is not None:
            # An error as a value is the error of its place alone, in lists too.
            return value if value in declared.values else Hidden("the value is hidden")
        return value

    def resolve(obj: Obj | None, info: GraphQLResolveInfo[Any], **args: Any) -> Any:
        here = obj or Obj(owner, owner)
        if truth.types is not None:
            truth.types[tuple(info.path.as_list())] = info.return_type
        context = truth.from_context(here, coordinate)
        return visible(truth.value(here, name, {**args, **context}), truth.above(here))

    return resolve
