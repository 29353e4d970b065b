"""One valid subgraph, as merging reads it.

A :class:`Subgraph` holds tables of types, fields and directive applications in document order:
what definitions say first, then what extensions add. Every element of a specification that this
composer knows is known by its *canonical* name whatever the subgraph calls it: a directive
imported as ``@primaryKey`` from federation's ``@key`` is applied under the name ``primaryKey``
and has the canonical name ``key``. ``@tag`` and its like have one canonical name, whether they
come from federation or from their own specification.

Blocks: a type may be written in several pieces. Block 0 is its definition, blocks 1, 2, ... are
its ``extend`` pieces in document order; fields and applications remember their block.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from graphql import ConstValueNode
from msgspec import Struct, field

from router.composition.fieldsets import Selection
from router.composition.links import Feature, Links, Version

__all__ = [
    "ROOT_KINDS",
    "Applied",
    "Argument",
    "CompositeType",
    "DirectiveDefinition",
    "EnumType",
    "EnumValue",
    "FieldDefinition",
    "FieldFacts",
    "ImplicitUpgrade",
    "InputObjectType",
    "InterfaceType",
    "Key",
    "ListOf",
    "Named",
    "NonNull",
    "ObjectType",
    "ScalarType",
    "SchemaDefinition",
    "Subgraph",
    "TypeDefinition",
    "TypeRef",
    "UnionType",
    "base_name",
]

ROOT_KINDS: Final = ("query", "mutation", "subscription")


# -- references to types -------------------------------------------------------------------


class Named(Struct, frozen=True):
    """``T``"""

    name: str

    def __str__(self) -> str:
        return self.name


class ListOf(Struct, frozen=True):
    """``[of]``"""

    of: TypeRef

    def __str__(self) -> str:
        return f"[{self.of}]"


class NonNull(Struct, frozen=True):
    """``of!``"""

    of: Named | ListOf

    def __str__(self) -> str:
        return f"{self.of}!"


TypeRef: TypeAlias = Named | ListOf | NonNull


def base_name(ref: TypeRef) -> str:
    """Return the name inside all lists and non-nulls."""
    while not isinstance(ref, Named):
        ref = ref.of
    return ref.name


# -- elements ------------------------------------------------------------------------------


class Applied(Struct, eq=False):
    """One application of a directive.

    ``name`` is the name used in the subgraph (without ``@``); ``canonical`` is the name in the
    specification that defines it, or None for a directive of no known specification. Arguments
    are as written: defaults are in the directive's definition.
    """

    name: str
    canonical: str | None
    arguments: dict[str, ConstValueNode]
    block: int = 0


class Element(Struct, eq=False):
    """Whatever directives may be applied to."""

    name: str
    description: str | None = None
    directives: list[Applied] = field(default_factory=list)

    def applications(self, canonical: str) -> list[Applied]:
        """Return the applications of a known directive, in order."""
        return [applied for applied in self.directives if applied.canonical == canonical]

    def first(self, canonical: str) -> Applied | None:
        """Return the first application of a known directive, if there is one."""
        for applied in self.directives:
            if applied.canonical == canonical:
                return applied
        return None

    def is_applied(self, canonical: str) -> bool:
        """Tell whether a known directive is applied here."""
        return self.first(canonical) is not None


class Argument(Element, eq=False, kw_only=True):
    """An argument of a field or directive, or a field of an input object."""

    type: TypeRef
    default: ConstValueNode | None = None
    block: int = 0

    @property
    def is_required(self) -> bool:
        """Non-null and without a default."""
        return isinstance(self.type, NonNull) and self.default is None


class FieldDefinition(Element, eq=False, kw_only=True):
    """A field of an object or interface; ``parent`` is that type's name."""

    type: TypeRef
    parent: str
    arguments: dict[str, Argument] = field(default_factory=dict)
    block: int = 0

    @property
    def coordinate(self) -> str:
        """``Type.field``"""
        return f"{self.parent}.{self.name}"


class EnumValue(Element, eq=False):
    """A value of an enum."""

    block: int = 0


class _Type(Element, eq=False):
    """What all types share; see the module's docstring about blocks."""

    has_definition: bool = True
    extensions: int = 0


class ScalarType(_Type, eq=False):
    """A scalar."""


class CompositeType(_Type, eq=False):
    """What objects and interfaces share."""

    interfaces: list[str] = field(default_factory=list)
    fields: dict[str, FieldDefinition] = field(default_factory=dict)


class ObjectType(CompositeType, eq=False):
    """An object type; maybe a root, maybe an interface object."""


class InterfaceType(CompositeType, eq=False):
    """An interface."""


class UnionType(_Type, eq=False):
    """A union; ``members`` are names of object types."""

    members: list[str] = field(default_factory=list)


class EnumType(_Type, eq=False):
    """An enum."""

    values: dict[str, EnumValue] = field(default_factory=dict)


class InputObjectType(_Type, eq=False):
    """An input object."""

    fields: dict[str, Argument] = field(default_factory=dict)


TypeDefinition: TypeAlias = (
    ScalarType | ObjectType | InterfaceType | UnionType | EnumType | InputObjectType
)


class DirectiveDefinition(Struct, eq=False):
    """A directive's definition, by the user or by a specification.

    ``feature`` is the linked feature it belongs to and ``canonical`` its name there when the
    composer knows that feature; ``element`` is its name in the feature even when it does not.
    """

    name: str
    description: str | None
    arguments: dict[str, Argument]
    locations: tuple[str, ...]
    repeatable: bool
    by_user: bool = True
    canonical: str | None = None
    feature: Feature | None = None
    element: str | None = None


class SchemaDefinition(Element, eq=False):
    """The schema element: its directives and its roots (``query`` -> ``Query``)."""

    roots: dict[str, str] = field(default_factory=dict)


# -- derived notions -----------------------------------------------------------------------


class Key(Struct, frozen=True):
    """One ``@key``.

    ``fields`` is the raw text; ``resolvable_written`` whether the user wrote the argument;
    ``in_extension`` whether it stands in an ``extend`` block or on a type with ``@extends``.
    """

    fields: str
    selection: Selection
    resolvable: bool
    resolvable_written: bool
    in_extension: bool
    applied: Applied


class FieldFacts(Struct, frozen=True):
    """Derived sets of field coordinates, as ``(type, field)`` pairs.

    ``external`` excludes ``fake_external`` (key fields of federation extensions, which the
    subgraph does resolve). ``provided`` is reached by some ``@provides``; ``used`` by any key,
    ``@requires``, ``@provides``, context selection, or by an interface. ``shareable`` covers
    fields of object types: marked so, part of a key, or external and provided.
    """

    external: frozenset[tuple[str, str]]
    fake_external: frozenset[tuple[str, str]]
    provided: frozenset[tuple[str, str]]
    used: frozenset[tuple[str, str]]
    shareable: frozenset[tuple[str, str]]


class ImplicitUpgrade(Struct, frozen=True):
    """A linked feature asked for a newer federation than the subgraph links (a hint)."""

    feature: Feature
    linked: Version
    effective: Version


class Subgraph(Struct, eq=False):
    """A subgraph that was read, upgraded if it was federation 1, and found valid.

    ``types`` holds everything but built-in scalars; :meth:`mergeable_types` is what merging
    walks. Root types have their default names already. ``directives`` is keyed by the name used
    in the subgraph: user-written definitions first, then those of specifications, in the order
    of the specification; built-in ones are absent unless the user wrote them.
    """

    name: str
    url: str
    is_fed2: bool
    """Written for federation 2; False for a federation 1 schema, even after its upgrade."""
    federation_version: Version
    links: Links
    schema: SchemaDefinition
    types: dict[str, TypeDefinition]
    directives: dict[str, DirectiveDefinition]
    facts: FieldFacts
    keys: Mapping[str, Sequence[Key]]
    """By type name, in order of application; absent without a key."""
    implicit_upgrade: ImplicitUpgrade | None = None

    # fields -------------------------------------------------------------------------------

    def is_external(self, field: FieldDefinition) -> bool:
        """External, fully or partially (fake externals are not)."""
        return (field.parent, field.name) in self.facts.external

    def is_fully_external(self, field: FieldDefinition) -> bool:
        """External and never provided."""
        at = (field.parent, field.name)
        return at in self.facts.external and at not in self.facts.provided

    def is_used(self, field: FieldDefinition) -> bool:
        """Used by a directive of the subgraph, or by an interface."""
        return (field.parent, field.name) in self.facts.used

    def is_shareable(self, field: FieldDefinition) -> bool:
        """Other subgraphs may resolve the field too."""
        return (field.parent, field.name) in self.facts.shareable

    # types --------------------------------------------------------------------------------

    def is_entity(self, name: str) -> bool:
        """An object or interface with a key."""
        return name in self.keys

    def is_interface_object(self, name: str) -> bool:
        """An object type that stands for an interface of other subgraphs."""
        found = self.types.get(name)
        return isinstance(found, ObjectType) and found.is_applied("interfaceObject")

    def implementations(self, interface: str) -> Iterator[ObjectType]:
        """Yield the object types that implement an interface here."""
        for found in self.types.values():
            if isinstance(found, ObjectType) and interface in found.interfaces:
                yield found

    def mergeable_types(self) -> Iterator[TypeDefinition]:
        """Yield the types that merging looks at, in declaration order.

        Left out: ``_Any``, ``_Service``, ``_Entity`` and the types of federation, link, core and
        connect. ``Query`` is always there, without ``_service`` and ``_entities``: with no field
        at all when the subgraph asks nothing of its own.
        """
        for found in self.types.values():
            if not self.links.is_machinery(found.name):
                yield found
