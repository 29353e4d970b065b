"""The merged schema: what the supergraph SDL says, as plain data.

The merge fills it, the checks read it and :mod:`router.composition.emit` prints it. Types are
written as GraphQL writes them (``"[Int!]!"``): such texts are short, hashable and equal when
the types are. Dictionaries keep the order of the supergraph.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from types import MappingProxyType
from typing import Final, TypeAlias

from msgspec import Struct, field

__all__ = [
    "ABSENT",
    "BUILT_IN_DIRECTIVES",
    "Absent",
    "Application",
    "Argument",
    "DirectiveDefinition",
    "EnumLiteral",
    "EnumType",
    "EnumValue",
    "Field",
    "InputType",
    "InterfaceType",
    "MergedSchema",
    "NamedType",
    "ObjectType",
    "ScalarType",
    "UnionType",
    "Value",
    "base_name",
    "item_type",
]


class Absent(Enum):
    """No value at all, which is not the value ``null``."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT


class EnumLiteral(str):
    """A value of an enum type; printed bare, where other texts are quoted."""

    __slots__ = ()


Value: TypeAlias = "bool | int | float | str | list[Value] | dict[str, Value] | None"


class Application(Struct):
    """A directive applied to an element: ``@name(arguments)``."""

    name: str
    arguments: dict[str, Value] = field(default_factory=dict)


class Argument(Struct):
    """An argument of a field or directive, or a field of an input object."""

    name: str
    type: str
    default: Value | Absent = ABSENT
    description: str | None = None
    directives: list[Application] = field(default_factory=list)

    @property
    def is_required(self) -> bool:
        return self.type.endswith("!") and self.default is ABSENT


class Field(Struct):
    """A field of an object or interface type."""

    name: str
    type: str
    arguments: dict[str, Argument] = field(default_factory=dict)
    description: str | None = None
    directives: list[Application] = field(default_factory=list)


class EnumValue(Struct):
    """A value of an enum type."""

    name: str
    description: str | None = None
    directives: list[Application] = field(default_factory=list)


class ScalarType(Struct):
    """A custom scalar."""

    name: str
    description: str | None = None
    directives: list[Application] = field(default_factory=list)


class ObjectType(Struct):
    """An object type."""

    name: str
    description: str | None = None
    directives: list[Application] = field(default_factory=list)
    interfaces: list[str] = field(default_factory=list)
    fields: dict[str, Field] = field(default_factory=dict)


class InterfaceType(Struct):
    """An interface; interface objects of subgraphs are merged into it."""

    name: str
    description: str | None = None
    directives: list[Application] = field(default_factory=list)
    interfaces: list[str] = field(default_factory=list)
    fields: dict[str, Field] = field(default_factory=dict)


class UnionType(Struct):
    """A union of object types."""

    name: str
    description: str | None = None
    directives: list[Application] = field(default_factory=list)
    members: list[str] = field(default_factory=list)


class EnumType(Struct):
    """An enum type."""

    name: str
    description: str | None = None
    directives: list[Application] = field(default_factory=list)
    values: dict[str, EnumValue] = field(default_factory=dict)


class InputType(Struct):
    """An input object type."""

    name: str
    description: str | None = None
    directives: list[Application] = field(default_factory=list)
    fields: dict[str, Argument] = field(default_factory=dict)


NamedType: TypeAlias = ScalarType | ObjectType | InterfaceType | UnionType | EnumType | InputType


class DirectiveDefinition(Struct):
    """``directive @name(arguments) repeatable on locations``."""

    name: str
    arguments: dict[str, Argument] = field(default_factory=dict)
    repeatable: bool = False
    locations: tuple[str, ...] = ()
    description: str | None = None


BUILT_IN_DIRECTIVES: Final[Mapping[str, DirectiveDefinition]] = MappingProxyType(
    {
        "deprecated": DirectiveDefinition(
            "deprecated", {"reason": Argument("reason", "String", "No longer supported")}
        ),
        "specifiedBy": DirectiveDefinition("specifiedBy", {"url": Argument("url", "String!")}),
    }
)
"""The type-system directives that every schema has; they are merged, but not printed."""


class MergedSchema(Struct):
    """A supergraph, ``@join__*`` applications included.

    ``roots`` maps ``"query"``, ``"mutation"`` and ``"subscription"`` to type names;
    ``applications`` are the schema's own, its links first. ``inaccessible`` is the name that
    ``@inaccessible`` has here, if it is linked. ``feature_directives`` and ``feature_types``
    belong to linked features: machinery that no client sees.
    """

    description: str | None = None
    applications: list[Application] = field(default_factory=list)
    roots: dict[str, str] = field(default_factory=dict)
    directives: dict[str, DirectiveDefinition] = field(default_factory=dict)
    types: dict[str, NamedType] = field(default_factory=dict)
    inaccessible: str | None = None
    feature_directives: set[str] = field(default_factory=set)
    feature_types: set[str] = field(default_factory=set)

    def composites(self) -> Iterator[ObjectType | InterfaceType]:
        """Yield object and interface types, in the order of their creation."""
        for merged in self.types.values():
            if isinstance(merged, ObjectType | InterfaceType):
                yield merged

    def implementations(self, interface: str) -> list[ObjectType]:
        """Return the object types that implement an interface, in the order of creation."""
        return [
            merged
            for merged in self.types.values()
            if isinstance(merged, ObjectType) and interface in merged.interfaces
        ]


def base_name(type_text: str) -> str:
    """Return the named type under lists and non-null: ``[Int!]!`` gives ``Int``."""
    return type_text.strip("[]!")


def item_type(type_text: str) -> str | None:
    """Return what a list type holds, or None when the type is no list: ``[A!]!`` gives ``A!``."""
    nullable = type_text.removesuffix("!")
    return nullable[1:-1] if nullable.startswith("[") else None
