"""A small world: types, data and who serves what. Everything else is derived from it.

The same world becomes one merged schema (the oracle) and several subgraphs (the federation).
Values are a function of (type, id, field, arguments), so that all agree on them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

__all__ = ["SCALARS", "Arg", "Entity", "Field", "Obj", "Ref", "UnionType", "Value", "World"]

SCALARS: Final = ("Int", "String", "Boolean", "Float", "ID", "Shade")


@dataclass(frozen=True)
class Ref:
    """A field's type: ``named`` below ``lists`` list levels; ``required`` from inside out."""

    named: str
    lists: int = 0
    required: tuple[bool, ...] = (False,)

    def __str__(self) -> str:
        text = self.named + ("!" if self.required[0] else "")
        for level in range(self.lists):
            text = f"[{text}]" + ("!" if self.required[level + 1] else "")
        return text


@dataclass(frozen=True)
class Arg:
    """An argument with its default, both as printed."""

    name: str
    type: str
    default: str | None


@dataclass
class Field:
    """A field and where it lives.

    ``homes`` resolve it; ``requires[subgraph]`` names sibling fields from which that subgraph
    computes it; ``provides[subgraph]`` names fields of the returned entity that the subgraph
    knows only along this field; ``overridden`` lost it and must never be asked.
    """

    name: str
    type: Ref
    homes: list[str]
    args: list[Arg] = field(default_factory=list)
    requires: dict[str, list[str]] = field(default_factory=dict)
    provides: dict[str, list[str]] = field(default_factory=dict)
    overridden: str | None = None


@dataclass
class Entity:
    """An object type with keys, or a query/mutation root (no keys).

    ``keys[subgraph]`` lists (field names, resolvable).
    """

    name: str
    fields: dict[str, Field] = field(default_factory=dict)
    keys: dict[str, list[tuple[tuple[str, ...], bool]]] = field(default_factory=dict)
    interfaces: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)


@dataclass
class Value:
    """An object type without identity, shareable wherever it occurs."""

    name: str
    fields: dict[str, Field] = field(default_factory=dict)


@dataclass
class UnionType:
    """A union, or an interface when ``common`` fields are given; ``members`` are entities.

    ``object_in``: the subgraph that knows the interface as an interface object, with the
    fields of ``extra``; ``homes`` have it as a true interface.
    """

    name: str
    members: list[str]
    homes: list[str]
    common: list[str] = field(default_factory=list)
    keyed: bool = False
    object_in: str | None = None
    extra: dict[str, Field] = field(default_factory=dict)

    @property
    def is_interface(self) -> bool:
        return bool(self.common)


@dataclass
class Obj:
    """An object at run time, as one subgraph (or the oracle) holds it."""

    type: str
    id: str
    given: dict[str, Any] = field(default_factory=dict)
    provided: frozenset[str] = frozenset()
    shown: str | None = None


@dataclass
class World:
    """All of it. ``seed`` makes the values."""

    seed: int
    subgraphs: list[str]
    entities: dict[str, Entity]
    values: dict[str, Value]
    abstracts: dict[str, UnionType]
    query: Entity
    mutation: Entity | None

    def owner(self, type_name: str) -> Entity | Value:
        """Return the object type of this name."""
        if type_name == "Query":
            return self.query
        if type_name == "Mutation" and self.mutation:
            return self.mutation
        return self.entities.get(type_name) or self.values[type_name]

    def fields_of(self, type_name: str) -> dict[str, Field]:
        """Return all fields of an object type, those of interface objects too."""
        fields = dict(self.owner(type_name).fields)
        if type_name in self.entities:
            for name in self.entities[type_name].interfaces:
                fields.update(self.abstracts[name].extra)
        return fields
