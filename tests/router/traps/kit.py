"""Small federations in process whose subgraphs refuse whatever they need not be asked.

A subgraph is SDL and data. ``roots`` holds the values of root fields, ``entities`` the objects
that ``_entities`` finds by any of their type's resolvable keys. A field that its object does not
hold is an error, so data left out is a punishment: what no good plan asks for is not there.
A callable is called with the object (its representation included) and the field's arguments.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from graphql import (
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    execute_sync,
    parse,
    validate,
)

from router.composition.compose import compose
from router.composition.sources import SubgraphSource
from router.errors import NoPlan
from router.execution import compile_operation
from router.execution.client import SubgraphAnswer, SubgraphRequest
from router.planning.planner import Planner
from router.supergraph import Supergraph
from router.supergraph.fieldset import top_level_fields
from router.supergraph.subgraph_schema import subgraph_schema
from router.supergraph.views import SubgraphView

LINK = """
extend schema @link(url: "https://specs.apollo.dev/federation/v2.8", import: ["@key", "@external",
  "@requires", "@provides", "@shareable", "@override", "@inaccessible", "@interfaceObject",
  "@extends", "@context", "@fromContext"])
"""


@dataclass
class Subgraph:
    """One subgraph: what it says it can do and what it has. ``fed1``: without a link."""

    sdl: str
    roots: Mapping[str, Any] = field(default_factory=dict)
    entities: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    fed1: bool = False


@dataclass
class Outcome:
    """``data`` and ``errors`` as the client gets them; ``asked``: subgraphs, one a request."""

    data: Any
    errors: list[dict[str, Any]]
    asked: list[str]
    representations: list[Mapping[str, Any]]


class Federation:
    """Composed once, asked often."""

    def __init__(self, **subgraphs: Subgraph) -> None:
        sources = [
            SubgraphSource(name, f"http://{name}", each.sdl if each.fed1 else LINK + each.sdl)
            for name, each in subgraphs.items()
        ]
        self.supergraph = Supergraph.load(compose(sources).supergraph_sdl)
        self._planner = Planner(self.supergraph)
        self._subgraphs = subgraphs

    def refuses(self, query: str) -> bool:
        """Whether the client's API schema refuses the operation."""
        return bool(validate(self.supergraph.api_schema, parse(query)))

    async def ask(self, query: str, labels: Sequence[str] = (), **variables: Any) -> Outcome:
        """Validate, plan and execute."""
        document = parse(query)
        found = validate(self.supergraph.api_schema, document)
        assert not found, found
        log: list[tuple[str, SubgraphRequest]] = []
        clients = {
            name: _Client(self.supergraph, self.supergraph.subgraphs[name], each, log)
            for name, each in self._subgraphs.items()
        }
        try:
            plan = self._planner.plan(document, labels=frozenset(labels))
        except NoPlan as error:
            return Outcome(None, [{"message": str(error)}], [], [])
        compiled = compile_operation(
            plan, document, None, self.supergraph.api_schema, self.supergraph
        )
        answer = await compiled.execute(compiled.coerce(variables), clients)
        body = orjson.loads(answer.body)
        return Outcome(
            body.get("data"),
            body.get("errors", []),
            sorted(name for name, _ in log),
            [
                each
                for _, request in log
                for name, sent in request.variables.items()
                if name.startswith("representations")
                for each in sent
            ],
        )

    async def answers(self, query: str, expected: Any, asked: str, **variables: Any) -> None:
        """Expect this data without errors, from one request to each of the named subgraphs."""
        outcome = await self.ask(query, **variables)
        assert outcome.errors == [], outcome
        assert outcome.data == expected, outcome
        assert orjson.dumps(outcome.data) == orjson.dumps(expected), "keys in the client's order"
        assert outcome.asked == sorted(asked.split())


class _Client:
    """A subgraph over graphql-core that looks only into its own data."""

    def __init__(
        self,
        supergraph: Supergraph,
        view: SubgraphView,
        subgraph: Subgraph,
        log: list[tuple[str, SubgraphRequest]],
    ) -> None:
        self._name = view.name
        self._view = view
        self._subgraph = subgraph
        self._log = log
        self._schema = _resolving(subgraph_schema(supergraph, view), self)

    async def fetch(self, request: SubgraphRequest) -> SubgraphAnswer:
        self._log.append((self._name, request))
        document = parse(request.operation)
        found = validate(self._schema, document)
        assert not found, f"{self._name} refuses {request.operation}: {found}"
        result = execute_sync(
            self._schema,
            document,
            dict(self._subgraph.roots),
            variable_values=dict(request.variables),
            type_resolver=lambda obj, *_: obj["__typename"],
        )
        errors = tuple(dict(error.formatted) for error in result.errors or ())
        return SubgraphAnswer(result.data, errors)

    async def subscribe(self, request: SubgraphRequest) -> AsyncIterator[SubgraphAnswer]:
        """Yield one event: the root field's value as it is."""
        yield await self.fetch(request)

    async def aclose(self) -> None:
        """Nothing to close."""

    def entity(self, representation: Mapping[str, Any]) -> dict[str, Any] | None:
        """Find an object by a resolvable key; without one the representation is refused."""
        name = representation["__typename"]
        keys = [key for key in self._view.types[name].keys if key.resolvable]
        usable = [
            key
            for key in keys
            if all(each in representation for each in top_level_fields(key.selection))
        ]
        if not usable:
            raise LookupError(f"{self._name} cannot enter {name} by {sorted(representation)}")
        names = top_level_fields(usable[0].selection)
        for record in self._subgraph.entities.get(name, ()):
            if all(_within(representation[each], record.get(each)) for each in names):
                return {**record, **representation, "__typename": record.get("__typename", name)}
        return None


def _within(part: Any, whole: Any) -> bool:
    match part, whole:
        case dict(), dict():
            return all(_within(value, whole.get(name)) for name, value in part.items())
        case list(), list():
            return len(part) == len(whole) and all(map(_within, part, whole))
    return bool(part == whole)


def _resolving(schema: GraphQLSchema, client: _Client) -> GraphQLSchema:
    for kind in schema.type_map.values():
        if isinstance(kind, GraphQLObjectType) and not kind.name.startswith("__"):
            for name, definition in kind.fields.items():
                definition.resolve = _resolver(client, kind.name, name)
    return schema


def _resolver(client: _Client, kind: str, name: str) -> Any:
    def entities(_obj: Any, _info: GraphQLResolveInfo[Any], representations: list[Any]) -> Any:
        return [client.entity(each) for each in representations]

    def resolve(obj: Mapping[str, Any], _info: GraphQLResolveInfo[Any], **args: Any) -> Any:
        if name not in obj:
            raise LookupError(f"{client._name} was asked for {kind}.{name}")
        value = obj[name]
        return value(obj, **args) if callable(value) else value

    return entities if name == "_entities" else resolve
