"""World -> for each subgraph a client over an executable schema that punishes.

A subgraph does what its directives say and nothing else: it refuses an external field that was
neither provided nor required, an overridden field, a requirement that did not come along, a
representation by no resolvable key.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    GraphQLUnionType,
    SelectionSetNode,
    build_schema,
    execute_sync,
    parse,
    validate,
)

from router.execution.client import SubgraphAnswer, SubgraphRequest

from .fieldsets import arguments, fields_for, parse_field_set
from .truth import Coordinate, Obj, Truth, canonical
from .world import Directive, Field, Type, print_types

__all__ = ["EVENTS", "OracleClient"]

EVENTS = 3
"""How many events a subscription has."""

FEDERATION = """
scalar _Any
scalar FieldSet
directive @key(fields: FieldSet!, resolvable: Boolean = true) repeatable on OBJECT | INTERFACE
directive @shareable repeatable on OBJECT | FIELD_DEFINITION
directive @external on OBJECT | FIELD_DEFINITION
directive @requires(fields: FieldSet!) on FIELD_DEFINITION
directive @provides(fields: FieldSet!) on FIELD_DEFINITION
directive @override(from: String!, label: String) on FIELD_DEFINITION
directive @interfaceObject on OBJECT
directive @extends on OBJECT | INTERFACE
directive @inaccessible on OBJECT | FIELD_DEFINITION | ARGUMENT_DEFINITION | ENUM_VALUE | ENUM |
  INTERFACE | UNION | INPUT_OBJECT | INPUT_FIELD_DEFINITION | SCALAR
directive @context(name: String!) repeatable on OBJECT | INTERFACE | UNION
directive @fromContext(field: String) on ARGUMENT_DEFINITION
directive @tag(name: String!) repeatable on OBJECT | FIELD_DEFINITION
"""


class OracleClient:
    """One subgraph in process, over graphql-core, checked at every step."""

    def __init__(self, truth: Truth, subgraph: str) -> None:
        self.truth = truth
        self.subgraph = subgraph
        self.types = truth.world.schemas[subgraph]
        self.requests: list[SubgraphRequest] = []
        self.unknown: set[str] = set()
        self.labels: frozenset[str] = frozenset()
        self.schema = self._build()
        self._documents: dict[str, DocumentNode] = {}

    def _build(self) -> GraphQLSchema:
        text = print_types(self.types)
        members = [each.name for each in self.types.values() if each.kind == "type" and each.keys]
        if "Query" not in self.types:
            text += "\ntype Query { _unused: Int }"
        if members:
            # Interfaces with a key are entered by their objects' concrete types.
            text += f"\nunion _Entity = {' | '.join(members)}\n"
            text += "extend type Query { _entities(representations: [_Any!]!): [_Entity]! }\n"
        schema = build_schema(FEDERATION + text, assume_valid_sdl=True)
        for kind in schema.type_map.values():
            if isinstance(kind, GraphQLObjectType) and not kind.name.startswith("__"):
                for name, definition in kind.fields.items():
                    definition.resolve = self._resolver(kind.name, name)
                    if kind.name == "Subscription":
                        definition.subscribe = _events
            elif isinstance(kind, GraphQLInterfaceType | GraphQLUnionType):
                kind.resolve_type = lambda obj, *_: obj.shown or obj.type
        return schema

    def _resolver(self, type_name: str, name: str) -> Any:
        if name == "_entities":
            return lambda _obj, _info, representations: [
                self._entity(each) for each in representations
            ]
        if name == "_unused":
            return None
        declared = self.types[type_name]
        field = declared.fields[name]
        losers = list(self._overrides(declared, name))
        keys = {
            node.name.value
            for key in declared.keys
            for node in fields_for(parse_field_set(key.get("fields")), None, self.truth.fits)
        }

        def resolve(obj: Obj | None, _info: GraphQLResolveInfo[Any], **args: Any) -> Any:
            here = obj or Obj(type_name, type_name)
            for override, mine in losers:
                label = override.get("label")
                moved = label is None or label in self.labels
                if moved is not mine:
                    raise LookupError(f"{self.subgraph}: {type_name}.{name} lives elsewhere")
            coordinate = self.truth.coordinate(here.type, name)
            value = self._value(here, field, args, key=name in keys)
            return self._follow(field, coordinate, value, self._provided(here, field))

        return resolve

    def _overrides(self, declared: Type, name: str) -> Iterator[tuple[Directive, bool]]:
        """Yield the overrides that concern the field here, and whether it moves here."""
        for each in declared.fields[name].all("override"):
            yield each, True
        for _, other in self.truth.world.declarations(declared.name):
            if name in other.fields:
                for each in other.fields[name].all("override"):
                    if each.get("from") == self.subgraph:
                        yield each, False

    def _value(self, obj: Obj, field: Field, args: dict[str, Any], *, key: bool) -> Any:
        name = field.name
        if name in self._names_provided(obj):
            return self.truth.value(obj, name, args)
        if field.has("external") and not key:
            raise LookupError(f"{self.subgraph} cannot resolve {obj.type}.{name}")
        if requires := field.requires:
            selections = parse_field_set(requires)
            if self._has(obj, selections):
                return self.truth.value(obj, name, args)
            meant = self.truth.select(obj, selections)
            known = {each: meant[each] for each in self._names_provided(obj) if each in meant}
            came = self._chosen({**known, **obj.given}, selections, obj.type, obj.type)
            if canonical(came) != canonical(meant):
                raise LookupError(f"{self.subgraph}.{name} came with {came}, it needs {meant}")
        return self.truth.value(obj, name, args)

    def _has(self, obj: Obj, selections: SelectionSetNode) -> bool:
        """Tell whether the subgraph itself has what a field set names, by what is provided here."""
        provided, declared = self._names_provided(obj), self.types.get(obj.type)
        for node in fields_for(selections, obj.type, self.truth.fits):
            name = node.name.value
            field = declared.fields.get(name) if declared else None
            if name == "__typename":
                continue
            if declared is None or field is None or field.requires:
                return False
            if list(self._overrides(declared, name)) or (
                field.has("external") and name not in provided
            ):
                return False
            value = self.truth.value(obj, name, arguments(node))
            found = self._follow(
                field, self.truth.coordinate(obj.type, name), value, self._provided(obj, field)
            )
            if node.selection_set and not all(
                self._has(each, node.selection_set) for each in _objects(found)
            ):
                return False
        return True

    def _names_provided(self, obj: Obj) -> dict[str, list[SelectionSetNode]]:
        found: dict[str, list[SelectionSetNode]] = {}
        for selections in obj.provided:
            for node in fields_for(selections, obj.type, self.truth.fits):
                below = found.setdefault(node.name.value, [])
                if node.selection_set:
                    below.append(node.selection_set)
        return found

    def _provided(self, obj: Obj, field: Field) -> tuple[SelectionSetNode, ...]:
        own = [parse_field_set(each.get("fields")) for each in field.all("provides")]
        return (*own, *self._names_provided(obj).get(field.name, ()))

    def _follow(
        self,
        field: Field,
        coordinate: Coordinate,
        value: Any,
        provided: tuple[SelectionSetNode, ...],
    ) -> Any:
        if isinstance(value, list):
            return [self._follow(field, coordinate, each, provided) for each in value]
        if isinstance(value, Obj):
            return Obj(value.type, value.id, provided=provided)
        return value

    def _chosen(
        self, given: Any, selections: SelectionSetNode, kind: str | None, static: str
    ) -> dict[str, Any]:
        """Return what a field set names of a representation; what is missing is an error."""
        found: dict[str, Any] = {}
        for node in fields_for(selections, kind, self.truth.fits):
            name = node.name.value
            if name == "__typename":
                continue
            if name not in given:
                raise LookupError(f"{self.subgraph}: {static} came without {name}")
            below = self._static(kind or static, name)
            found[name] = self._chosen_value(given[name], node.selection_set, below)
        return found

    def _static(self, kind: str, name: str) -> str:
        coordinate = self.truth.coordinate(kind, name) if kind in self._objects() else None
        here = self.types.get(kind)
        if here is not None and name in here.fields:
            return here.fields[name].type.named
        return coordinate.type.named if coordinate else "?"

    def _objects(self) -> list[str]:
        return self.truth.world.names("type")

    def _chosen_value(self, value: Any, selections: SelectionSetNode | None, static: str) -> Any:
        if selections is None or value is None:
            return value
        if isinstance(value, list):
            return [self._chosen_value(each, selections, static) for each in value]
        declared = self.types.get(static)
        concrete = declared is None or declared.kind == "type"
        kind = value.get("__typename", static if concrete else None)
        return self._chosen(value, selections, kind, static)

    def _entity(self, representation: dict[str, Any]) -> Obj | None:
        given = dict(representation)
        name = given.pop("__typename")
        declared = self.types.get(name)
        if declared is None or not declared.keys:
            raise LookupError(f"{self.subgraph} has no entity {name}")
        for key in declared.keys:
            if key.get("resolvable") is False:
                continue
            selections = parse_field_set(key.get("fields"))
            try:
                chosen = self._chosen(given, selections, None, name)
            except LookupError:
                continue
            if None in chosen.values():
                continue
            wanted = canonical(chosen)
            for kind in self.truth.world.possible(name, self.subgraph):
                for each in self.truth.world.ids(kind):
                    found = Obj(kind, each, given, shown=self._shown(declared))
                    if each not in self.unknown and wanted == canonical(
                        self.truth.select(found, selections)
                    ):
                        return found
            return None
        if self.truth.loses:
            return None  # a composite key with a part that is null
        raise LookupError(f"{self.subgraph} cannot enter {name} by {sorted(given)}")

    def _shown(self, declared: Type) -> str | None:
        return declared.name if declared.has("interfaceObject") else None

    async def fetch(self, request: SubgraphRequest) -> SubgraphAnswer:
        """Execute the request; an operation that this subgraph's schema refuses is our fault."""
        self.requests.append(request)
        return self.answer(request)

    def answer(self, request: SubgraphRequest, event: int | None = None) -> SubgraphAnswer:
        """Execute the request now; ``event`` counts those of a subscription."""
        document = self._document(request.operation)
        root = None if event is None else Obj("Subscription", f"event-{event}")
        result = execute_sync(
            self.schema,
            document,
            root,
            variable_values=dict(request.variables),
        )
        assert isinstance(result, ExecutionResult)
        errors = tuple(dict(error.formatted) for error in result.errors or ())
        return SubgraphAnswer(result.data, errors)

    def _document(self, operation: str) -> DocumentNode:
        document = self._documents.get(operation)
        if document is None:
            document = parse(operation)
            if found := validate(self.schema, document):
                raise AssertionError(f"{self.subgraph} refuses {operation}: {found[0].message}")
            self._documents[operation] = document
        return document

    async def subscribe(self, request: SubgraphRequest) -> AsyncIterator[SubgraphAnswer]:
        """Yield a few events."""
        self.requests.append(request)
        for number in range(EVENTS):
            yield self.answer(request, number)

    async def aclose(self) -> None:
        """Nothing to close."""


def _objects(value: Any) -> Iterator[Obj]:
    """Yield the objects of a value, through its lists."""
    if isinstance(value, list):
        for each in value:
            yield from _objects(each)
    elif isinstance(value, Obj):
        yield value


async def _events(_obj: None, _info: GraphQLResolveInfo[Any], **_args: Any) -> AsyncIterator[Obj]:
    for number in range(EVENTS):
        yield Obj("Subscription", f"event-{number}")
