"""The frozen read model: a supergraph and, per subgraph, the types as that subgraph sees them.

Names of types are the supergraph's. ``possible`` of an abstract type are its object types *in
that subgraph*; the supergraph's own are in :attr:`Supergraph.possible`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

from graphql import GraphQLSchema, ListTypeNode, NonNullTypeNode, TypeNode, print_ast

from router.supergraph.fieldset import FieldSet

__all__ = [
    "ContextSource",
    "FieldView",
    "KeyView",
    "SubgraphView",
    "Supergraph",
    "TypeKind",
    "TypeRef",
    "TypeView",
]


class TypeKind(Enum):
    """The kind of a type inside one subgraph; an interface object counts as OBJECT."""

    OBJECT = "object"
    INTERFACE = "interface"
    UNION = "union"
    SCALAR = "scalar"
    ENUM = "enum"
    INPUT = "input"


@dataclass(frozen=True, slots=True)
class TypeRef:
    """A type as written: its name, its list levels, its text (``[Book!]!``)."""

    named: str
    lists: int
    text: str

    @classmethod
    def of(cls, node: TypeNode) -> TypeRef:
        """Read a type from its syntax tree."""
        text = print_ast(node)
        lists = 0
        while isinstance(node, (ListTypeNode, NonNullTypeNode)):
            lists += isinstance(node, ListTypeNode)
            node = node.type
        return cls(print_ast(node), lists, text)


@dataclass(frozen=True, slots=True)
class ContextSource:
    """An argument that is filled from an enclosing object (``@fromContext``).

    ``context`` is the name without the subgraph; ``by_type`` the selection for each type that
    sets the context, ``None`` standing for any.
    """

    argument: str
    type: str
    context: str
    selection: FieldSet


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldView:
    """A field as one subgraph sees it.

    ``external``: declared, but not resolvable here except where provided. ``label``: usable only
    while the override label is active (``label_active``) or inactive. ``arguments`` are the
    printed argument definitions by name.
    """

    name: str
    type: TypeRef
    external: bool = False
    requires: FieldSet = ()
    provides: FieldSet = ()
    label: str | None = None
    label_active: bool = True
    arguments: Mapping[str, str]
    context: tuple[ContextSource, ...] = ()


@dataclass(frozen=True, slots=True)
class KeyView:
    """A ``@key``; one that is not resolvable cannot be used to enter the subgraph."""

    selection: FieldSet
    resolvable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeView:
    """A type as one subgraph sees it; ``possible`` is sorted, an object's is itself."""

    name: str
    kind: TypeKind
    fields: Mapping[str, FieldView]
    interfaces: tuple[str, ...] = ()
    possible: tuple[str, ...] = ()
    keys: tuple[KeyView, ...] = ()
    is_interface_object: bool = False
    enum_values: tuple[str, ...] = ()
    contexts: frozenset[str] = frozenset()

    @property
    def is_abstract(self) -> bool:
        """Whether objects of several types can stand here."""
        return self.kind in (TypeKind.INTERFACE, TypeKind.UNION)

    @property
    def is_composite(self) -> bool:
        """Whether it has a selection set."""
        return self.kind in (TypeKind.OBJECT, TypeKind.INTERFACE, TypeKind.UNION)


@dataclass(frozen=True, slots=True, kw_only=True)
class SubgraphView:
    """One subgraph: ``graph`` is its id in ``join__Graph``, ``index`` its place there."""

    name: str
    url: str
    graph: str
    index: int
    types: Mapping[str, TypeView]

    @property
    def has_entities(self) -> bool:
        """Whether the subgraph answers ``_entities``."""
        return any(key.resolvable for view in self.types.values() for key in view.keys)


@dataclass(frozen=True, kw_only=True)
class Supergraph:
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
        # The reader needs this module's classes.
        from router.supergraph.reader import read_supergraph

        return read_supergraph(sdl)

    @cached_property
    def api_schema(self) -> GraphQLSchema:
        """The schema that clients see: no machinery, nothing inaccessible."""
        from router.supergraph.api import derive_api_schema

        return derive_api_schema(self.schema, self.hidden_arguments)

    @cached_property
    def operation_schema(self) -> GraphQLSchema:
        """The API schema with ``@defer``: what operations are validated against."""
        from router.supergraph.api import with_defer

        return with_defer(self.api_schema)

    def runtime_types(self, type_name: str) -> frozenset[str]:
        """The object types that a value of this composite type can have."""
        return self.possible.get(type_name) or frozenset((type_name,))
