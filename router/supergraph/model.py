"""The frozen read model of a supergraph, and how it is made of an SDL."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLAbstractType,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    TypeDefinitionNode,
    build_ast_schema,
    is_abstract_type,
    parse,
)
from msgspec import Struct

from router.errors import SupergraphInvalid
from router.files import naming, read_text
from router.supergraph.api import derive_api_schema, with_defer
from router.supergraph.features import join_feature
from router.supergraph.reader import read_views
from router.supergraph.views import SubgraphView

__all__ = ["Supergraph"]


class Supergraph(Struct, frozen=True, kw_only=True, dict=True):
    """A loaded supergraph; immutable, shared by threads.

    ``schema`` is the full schema, inaccessible elements and join machinery included;
    ``api_schema`` is what clients see. ``possible`` gives the object types of each abstract type,
    ``roots`` the names of the root types by operation kind.
    """

    sdl: str
    schema: GraphQLSchema
    subgraphs: Mapping[str, SubgraphView]
    possible: Mapping[str, frozenset[str]]
    roots: Mapping[str, str]
    override_labels: frozenset[str]
    hidden_arguments: frozenset[tuple[str, str, str]] = frozenset()

    @classmethod
    def load(cls, sdl: str) -> Supergraph:
        """Read a supergraph SDL (join spec 0.1 to 0.5, whoever composed it).

        Raises SupergraphInvalid, naming what is wrong, the line and the mend.
        """
        document = _parse(sdl)
        join = join_feature(document)
        schema = _build(document)
        definitions = {
            node.name.value: node
            for node in document.definitions
            if isinstance(node, TypeDefinitionNode)
        }
        possible = {
            name: frozenset(item.name for item in schema.get_possible_types(_abstract(named)))
            for name, named in schema.type_map.items()
            if is_abstract_type(named)
        }
        roots = _roots(schema)
        subgraphs = read_views(join, definitions, possible, roots)
        return cls(
            sdl=sdl,
            schema=schema,
            subgraphs=MappingProxyType(subgraphs),
            possible=MappingProxyType(possible),
            roots=MappingProxyType(roots),
            override_labels=frozenset(
                found.label
                for view in subgraphs.values()
                for type_view in view.types.values()
                for found in type_view.fields.values()
                if found.label is not None
            ),
            hidden_arguments=frozenset(
                (type_view.name, found.name, source.argument)
                for view in subgraphs.values()
                for type_view in view.types.values()
                for found in type_view.fields.values()
                for source in found.context
            ),
        )

    @classmethod
    def read(cls, path: Path) -> Supergraph:
        """Load the supergraph of a file; what is wrong is said with the file's name.

        Raises SettingsInvalid where the file cannot be read, else as :meth:`load`.
        """
        sdl = read_text(path, "give a composed supergraph")
        with naming(path):
            return cls.load(sdl)

    @cached_property
    def api_schema(self) -> GraphQLSchema:
        """The schema that clients see: no machinery, nothing inaccessible."""
        return derive_api_schema(self.schema, self.hidden_arguments)

    @cached_property
    def operation_schema(self) -> GraphQLSchema:
        """The API schema with ``@defer``: what operations are validated against."""
        return with_defer(self.api_schema)

    def runtime_types(self, type_name: str) -> frozenset[str]:
        """The object types that a value of this composite type can have."""
        return self.possible.get(type_name) or frozenset((type_name,))


def _abstract(named: Any) -> GraphQLAbstractType:
    found: GraphQLAbstractType = named
    return found


def _parse(sdl: str) -> DocumentNode:
    try:
        return parse(sdl)
    except GraphQLSyntaxError as error:
        line = error.locations[0].line if error.locations else 1
        raise SupergraphInvalid(
            f"The supergraph does not parse, line {line}: {error.message} "
            "Compose it again, or load a file that a composer wrote."
        ) from error


def _build(document: DocumentNode) -> GraphQLSchema:
    try:
        schema = build_ast_schema(document, assume_valid=True, assume_valid_sdl=True)
    except (TypeError, GraphQLError) as error:
        raise SupergraphInvalid(
            f"The supergraph is no valid schema: {error} Compose it again."
        ) from error
    if schema.query_type is None:
        raise SupergraphInvalid("The supergraph has no query root; a subgraph must define Query.")
    return schema


def _roots(schema: GraphQLSchema) -> dict[str, str]:
    candidates = {
        "query": schema.query_type,
        "mutation": schema.mutation_type,
        "subscription": schema.subscription_type,
    }
    return {kind: named.name for kind, named in candidates.items() if named is not None}
