"""Which runtime types fit which type conditions, by one schema, looked up once."""

from __future__ import annotations

from graphql import (
    GraphQLEnumType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
)

__all__ = ["Types"]


class Types:
    """A schema's types by name; unknown names fit only themselves."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self.schema = schema
        self._possible: dict[str, frozenset[str]] = {}

    def possible(self, name: str) -> frozenset[str]:
        """Return the object types that ``name`` can stand for."""
        found = self._possible.get(name)
        if found is None:
            kind = self.schema.type_map.get(name)
            if isinstance(kind, (GraphQLInterfaceType, GraphQLUnionType)):
                found = frozenset(each.name for each in self.schema.get_possible_types(kind))
            else:
                found = frozenset((name,))
            self._possible[name] = found
        return found

    def is_object(self, name: str) -> bool:
        """Return whether ``name`` is an object type of the schema."""
        return isinstance(self.schema.type_map.get(name), GraphQLObjectType)

    def has_value(self, name: str, value: object) -> bool:
        """Return whether ``name`` is an enum of the schema with this value."""
        kind = self.schema.type_map.get(name)
        return isinstance(kind, GraphQLEnumType) and isinstance(value, str) and value in kind.values

    def fits(self, runtime: str, condition: str) -> bool:
        """Return whether an object whose ``__typename`` is ``runtime`` meets ``condition``.

        The name of an interface (an interface object's ``__typename``) meets only that
        interface and those it implements.
        """
        if runtime == condition or runtime in self.possible(condition):
            return True
        kind = self.schema.type_map.get(runtime)
        return isinstance(kind, GraphQLInterfaceType) and any(
            each.name == condition for each in kind.interfaces
        )

    def covers(self, condition: str, runtime: str) -> bool:
        """Return whether every object of the abstract type ``runtime`` meets ``condition``."""
        possible = self.possible(runtime)
        return bool(possible) and possible <= self.possible(condition)
