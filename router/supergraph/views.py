"""The types of a supergraph as each subgraph sees them: frozen, shared by threads.

Names of types are the supergraph's. ``possible`` of an abstract type are its object types *in
that subgraph*.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from graphql import ListTypeNode, NonNullTypeNode, TypeNode, print_ast
from msgspec import Struct

from router.supergraph.fieldset import FieldSet

__all__ = [
    "ContextSource",
    "FieldView",
    "KeyView",
    "SubgraphView",
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


class TypeRef(Struct, frozen=True):
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


class ContextSource(Struct, frozen=True):
    """An argument that is filled from an enclosing object (``@fromContext``).

    ``context`` is the name without the subgraph; ``by_type`` the selection for each type that
    sets the context, ``None`` standing for any.
    """

    argument: str
    type: str
    context: str
    selection: FieldSet


class FieldView(Struct, frozen=True, kw_only=True):
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


class KeyView(Struct, frozen=True):
    """A ``@key``; one that is not resolvable cannot be used to enter the subgraph."""

    selection: FieldSet
    resolvable: bool


class TypeView(Struct, frozen=True, kw_only=True):
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


class SubgraphView(Struct, frozen=True, kw_only=True):
    """One subgraph: ``graph`` is its id in ``join__Graph``, ``index`` its place there."""

    name: str
    url: str
    graph: str
    index: int
    types: Mapping[str, TypeView]
