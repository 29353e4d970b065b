"""The merged tree -> the client's response, value by value, by the rules.

This is the plain form of what :mod:`router.execution.projection` generates; it runs where
something went wrong, and says what (GraphQL spec, section 6.4.3 CompleteValue).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from graphql import (
    FieldNode,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    is_abstract_type,
)

from router.execution.failures import Failures
from router.execution.fields import ClientField, FieldKind, Spot, View
from router.execution.leaves import INVALID, checker
from router.execution.representations import ClientPath
from router.execution.types import Types

__all__ = ["Completion"]

_PROPAGATE: Final[Any] = object()


class Completion:
    """Completes objects of one response; errors go to ``failures``.

    ``full_types`` are the supergraph's: an enum value or runtime type that it has and the client's
    schema has not is no mistake of the subgraph's; it is null, and nothing is said of it.
    ``introspected`` holds the values of introspection fields by the identity of their first node.
    """

    def __init__(
        self, view: View, full_types: Types, failures: Failures, introspected: Mapping[int, Any]
    ) -> None:
        self._view = view
        self._types = view.types
        self._full_types = full_types
        self._failures = failures
        self._introspected = introspected

    def root(self, tree: dict[str, Any]) -> dict[str, Any] | None:
        """Complete the whole operation; None where a null propagated to the top."""
        return self.object(self._view.root, self._view.root_type, tree, ())

    def object(
        self, spot: Spot, runtime: str, value: dict[str, Any], path: ClientPath
    ) -> dict[str, Any] | None:
        """Complete one object of a known type; None where one of its fields cannot be null."""
        output: dict[str, Any] = {}
        for field in spot.fields(runtime):
            match field.kind:
                case FieldKind.TYPENAME:
                    output[field.key] = runtime
                case FieldKind.INTROSPECTION:
                    output[field.key] = self._introspected.get(id(field.nodes[0]))
                case FieldKind.DATA:
                    assert field.type is not None
                    found = value.get(field.key)
                    where = (*path, field.key)
                    completed = self._value(field.type, field, runtime, found, where)
                    if completed is _PROPAGATE:
                        return None
                    output[field.key] = completed
        return output

    def placed(
        self, kind: GraphQLNamedType, spot: Spot, value: dict[str, Any], path: ClientPath
    ) -> dict[str, Any] | None:
        """Complete the object at a place of its own (a deferred block)."""
        return self._composite(kind, spot, "the deferred object", value, path)

    def _value(
        self,
        kind: GraphQLOutputType,
        field: ClientField,
        parent: str,
        value: Any,
        path: ClientPath,
    ) -> Any:
        if not isinstance(kind, GraphQLNonNull):
            return self._nullable(kind, field, parent, value, path)
        completed = self._nullable(kind.of_type, field, parent, value, path)
        if completed is not None:
            return completed
        if not self._failures.explains(path):
            self._wrong(f"Cannot return null for non-nullable field {parent}.{field.name}.", path)
        return _PROPAGATE

    def _nullable(
        self, kind: Any, field: ClientField, parent: str, value: Any, path: ClientPath
    ) -> Any:
        if value is None:
            return None
        if isinstance(kind, GraphQLList):
            return self._list(kind, field, parent, value, path)
        if field.spot is not None:
            return self._composite(kind, field.spot, f"field {parent}.{field.name}", value, path)
        completed = checker(kind)(value)
        if completed is INVALID:
            if not self._full_types.has_value(kind.name, value):
                self._wrong(f"Invalid value for field {parent}.{field.name} of type {kind}.", path)
            return None
        return completed

    def _list(
        self,
        kind: GraphQLList[Any],
        field: ClientField,
        parent: str,
        value: Any,
        path: ClientPath,
    ) -> list[Any] | None:
        if not isinstance(value, list):
            self._wrong(f"Expected a list for field {parent}.{field.name}.", path)
            return None
        items = [
            self._value(kind.of_type, field, parent, item, (*path, index))
            for index, item in enumerate(value)
        ]
        return None if any(item is _PROPAGATE for item in items) else items

    def _composite(
        self,
        kind: GraphQLNamedType,
        spot: Spot,
        what: str,
        value: Any,
        path: ClientPath,
    ) -> dict[str, Any] | None:
        if not isinstance(value, dict):
            self._wrong(f"Expected an object for {what}.", path)
            return None
        if isinstance(kind, GraphQLObjectType):
            return self.object(spot, kind.name, value, path)
        name = value.get("__typename")
        if name is None or (isinstance(name, str) and self._is_interface_name(name)):
            return self._undecided(kind.name if name is None else name, spot, value, path)
        if not isinstance(name, str) or name not in self._types.possible(kind.name):
            if not isinstance(name, str) or name not in self._full_types.possible(kind.name):
                self._wrong(f"Invalid __typename for {what}.", path)
            return None
        return self.object(spot, name, value, path)

    def _undecided(
        self, name: str, spot: Spot, value: dict[str, Any], path: ClientPath
    ) -> dict[str, Any] | None:
        """Complete an object of which only an interface is known (interface objects).

        Where the interface has one implementation only, nobody was asked which it is; its name is
        shown if somebody said it all the same. Null where it matters which it is: an answer
        without the fields of its type would say that it is of another.
        """
        possible = self._full_types.possible(name)
        runtime = next(iter(possible)) if len(possible) == 1 else name
        if runtime not in self._types.schema.type_map:
            return None  # hidden from this client
        asked = spot.fields(runtime)
        if any(field.kind is FieldKind.TYPENAME for field in asked):
            return None
        if any(_what(spot.fields(each)) != _what(asked) for each in self._types.possible(name)):
            return None
        return self.object(spot, runtime, value, path)

    def _is_interface_name(self, name: str) -> bool:
        return is_abstract_type(self._types.schema.type_map.get(name))

    def _wrong(self, message: str, path: ClientPath) -> None:
        error = {"message": message, "extensions": {"code": "RESPONSE_VALIDATION_FAILED"}}
        self._failures.add(error, path)


def _what(fields: tuple[ClientField, ...]) -> list[tuple[str, tuple[FieldNode, ...]]]:
    """Return what is asked of an object, to be compared between types."""
    return [(each.key, each.nodes if each.spot is not None else ()) for each in fields]
