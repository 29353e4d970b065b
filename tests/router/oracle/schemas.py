"""World -> executable schemas: the oracle and, for each subgraph, a client that punishes.

A subgraph's resolver refuses what it could not know: an external field that was not provided
or required, an overridden field, a representation without a key.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from graphql import (
    ExecutionResult,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    build_schema,
    execute_sync,
    parse,
    validate,
)

from router.execution.client import SubgraphAnswer, SubgraphRequest

from .data import derived, key_value, value_of
from .sdl import merged_sdl, subgraph_sdl
from .world import Entity, Field, Obj, World

__all__ = ["OracleClient", "merged_schema", "subgraph_sdl"]

FEDERATION = """
scalar _Any
scalar FieldSet
directive @link(url: String, import: [String]) repeatable on SCHEMA
directive @key(fields: FieldSet!, resolvable: Boolean = true) repeatable on OBJECT | INTERFACE
directive @shareable repeatable on OBJECT | FIELD_DEFINITION
directive @external on OBJECT | FIELD_DEFINITION
directive @requires(fields: FieldSet!) on FIELD_DEFINITION
directive @provides(fields: FieldSet!) on FIELD_DEFINITION
directive @override(from: String!) on FIELD_DEFINITION
directive @interfaceObject on OBJECT
"""


def merged_schema(world: World) -> GraphQLSchema:
    """Return the oracle's schema, executable."""
    schema = build_schema(merged_sdl(world))
    for kind in schema.type_map.values():
        if isinstance(kind, GraphQLObjectType) and not kind.name.startswith("__"):
            fields = world.fields_of(kind.name)
            for name, definition in kind.fields.items():
                definition.resolve = _oracle_resolver(world, kind.name, fields[name])
    return schema


def _oracle_resolver(world: World, owner: str, field: Field) -> Any:
    def resolve(obj: Obj | None, _info: GraphQLResolveInfo, **args: Any) -> Any:
        return value_of(world, obj or Obj(owner, owner), field, args)

    return resolve


class OracleClient:
    """One subgraph in process, over graphql-core, checked at every step."""

    def __init__(self, world: World, subgraph: str) -> None:
        self.world = world
        self.subgraph = subgraph
        self.sdl = subgraph_sdl(world, subgraph)
        self.requests: list[SubgraphRequest] = []
        self._schema = self._build()

    def _build(self) -> GraphQLSchema:
        text = self.sdl.replace("extend schema", "schema", 1)
        head, _, rest = text.partition("])")
        mutation = " mutation: Mutation" if "type Mutation" in text else ""
        text = f"{head}]) {{ query: Query{mutation} }}{rest}"
        members = [
            name for name, entity in self.world.entities.items() if self.subgraph in entity.keys
        ]
        members += [
            name
            for name, abstract in self.world.abstracts.items()
            if abstract.object_in == self.subgraph
        ]
        if members:
            # Interfaces with a key are entered by their objects' concrete types.
            text += f"\nunion _Entity = {' | '.join(members)}\n"
            text += "extend type Query { _entities(representations: [_Any!]!): [_Entity]! }\n"
        schema = build_schema(FEDERATION + text, assume_valid_sdl=True)
        for kind in schema.type_map.values():
            if not isinstance(kind, GraphQLObjectType) or kind.name.startswith("__"):
                continue
            for name, definition in kind.fields.items():
                definition.resolve = self._resolver(kind.name, name)
        return schema

    def _resolver(self, type_name: str, name: str) -> Any:
        if name == "_entities":
            return lambda _obj, _info, representations: [
                self._entity(each) for each in representations
            ]
        if name.endswith("Here"):
            return lambda *_: True
        world = self.world

        def resolve(obj: Obj | None, _info: GraphQLResolveInfo, **args: Any) -> Any:
            here = obj or Obj(type_name, type_name)
            field = self._field(type_name, name)
            return self._follow(field, self._value(here, field, args))

        if type_name in world.abstracts and name == "id":
            return lambda obj, _info: obj.id
        return resolve

    def _field(self, type_name: str, name: str) -> Field:
        if type_name in self.world.abstracts:
            return self.world.abstracts[type_name].extra[name]
        return self.world.owner(type_name).fields[name]

    def _value(self, obj: Obj, field: Field, args: dict[str, Any]) -> Any:
        owner = self.world.entities.get(obj.type)
        if owner is not None and self._is_key(owner, field.name):
            return key_value(obj, field.name)
        if field.requires:
            inputs = {}
            for name in field.requires[self.subgraph]:
                if name in obj.given:
                    inputs[name] = obj.given[name]
                elif name in obj.provided:
                    inputs[name] = value_of(self.world, obj, owner.fields[name], {})  # type: ignore[union-attr]
                else:
                    raise LookupError(f"{self.subgraph}: {field.name} came without {name}")
            return derived(field.name, inputs)
        if self.subgraph not in field.homes:
            if field.name in obj.provided:
                return value_of(self.world, obj, field, args)
            if field.name in obj.given:
                return obj.given[field.name]
            raise LookupError(f"{self.subgraph} cannot resolve {obj.type}.{field.name}")
        return value_of(self.world, obj, field, args)

    def _is_key(self, owner: Entity, name: str) -> bool:
        return any(name in fields for fields, _ in owner.keys.get(self.subgraph, ()))

    def _follow(self, field: Field, value: Any) -> Any:
        provided = frozenset(field.provides.get(self.subgraph, ()))
        if isinstance(value, list):
            return [self._follow(field, each) for each in value]
        if isinstance(value, Obj) and provided:
            return Obj(value.type, value.id, provided=provided)
        return value

    def _entity(self, representation: dict[str, Any]) -> Obj | None:
        given = dict(representation)
        name = given.pop("__typename")
        abstract = self.world.abstracts.get(name)
        if abstract is not None:
            if abstract.object_in == self.subgraph:
                return Obj(name, given["id"], given, shown=name)
            if self.subgraph in abstract.homes and abstract.keyed:
                for member in abstract.members:
                    if given["id"] in self.world.entities[member].ids:
                        return Obj(member, given["id"], given)
            raise LookupError(f"{self.subgraph} has no entity {name}")
        entity = self.world.entities[name]
        for fields, resolvable in entity.keys[self.subgraph]:
            if resolvable and all(given.get(key) is not None for key in fields):
                for each in entity.ids:
                    if all(key_value(Obj(name, each), key) == given[key] for key in fields):
                        return Obj(name, each, given)
                return None
        raise LookupError(f"{self.subgraph} cannot enter {name} by {sorted(given)}")

    async def fetch(self, request: SubgraphRequest) -> SubgraphAnswer:
        """Execute the request; an operation that this subgraph's schema refuses is our fault."""
        self.requests.append(request)
        document = parse(request.operation)
        if found := validate(self._schema, document):
            raise AssertionError(f"{self.subgraph} refuses {request.operation}: {found[0].message}")
        result = execute_sync(
            self._schema,
            document,
            variable_values=dict(request.variables),
            type_resolver=lambda obj, *_: obj.shown or obj.type,
        )
        assert isinstance(result, ExecutionResult)
        errors = tuple(dict(error.formatted) for error in result.errors or ())
        return SubgraphAnswer(result.data, errors)

    async def subscribe(self, request: SubgraphRequest) -> AsyncIterator[SubgraphAnswer]:
        """No world has subscriptions."""
        raise AssertionError(request.operation)
        yield SubgraphAnswer(None)

    async def aclose(self) -> None:
        """Nothing to close."""
