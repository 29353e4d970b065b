"""The values of a world: a pure function of place and arguments, the same for all who ask."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from graphql import GraphQLError, SelectionSetNode

from .fieldsets import arguments, fields_for, parse_field_set
from .merged import merge
from .world import Arg, Field, Ref, Schema, Type, World

__all__ = ["Coordinate", "Hidden", "Obj", "Poisoned", "Truth", "canonical"]


class Hidden(GraphQLError):
    """The value is there, and the client may not see it."""


class Poisoned(GraphQLError):
    """The value cannot be had from anybody."""


@dataclass
class Obj:
    """An object at run time.

    ``given``: the representation it was entered by. ``provided``: what the field that led here
    provides. ``above``: the nearest ancestor of each context. ``shown``: the name under which an
    interface object is entered.
    """

    type: str
    id: str
    given: Mapping[str, Any] = field(default_factory=dict)
    provided: tuple[SelectionSetNode, ...] = ()
    above: Mapping[tuple[str, str], Obj] = field(default_factory=dict)
    shown: str | None = None


@dataclass
class Coordinate:
    """A field of an object type, over all subgraphs: who declares it, and what may come out."""

    declared: list[tuple[str, Field]]
    type: Ref
    allowed: list[str]
    requires: str | None = None
    key: bool = False
    optional: bool = False
    """A key that not every object has: who has none cannot be looked up by it."""

    @cached_property
    def common(self) -> dict[str, Arg]:
        """The arguments that clients may use: those that all owners have and none hides."""
        tables = [
            {arg.name: arg for arg in each.args if not arg.has("fromContext")}
            for _, each in self.declared
            if not each.has("external")
        ]
        return {
            name: arg
            for name, arg in tables[0].items()
            if all(name in table for table in tables)
            and not any(table[name].has("inaccessible") for table in tables)
        }

    def contextual(self) -> Iterator[tuple[str, Arg]]:
        """Yield (subgraph, argument) of what an ancestor fills."""
        for subgraph, declared in self.declared:
            for arg in declared.contextual:
                yield subgraph, arg


class Truth:
    """What every field of a world is, and what the client may see of it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.api: Schema = merge(world)
        self.poisoned: set[tuple[str, str]] = set()
        self.types: dict[tuple[Any, ...], Any] | None = None
        self.calls: list[tuple[str, str]] = []
        """The mutations that were called, with their arguments."""
        self._coordinates: dict[tuple[str, str], Coordinate] = {}

    def coordinate(self, type_name: str, name: str) -> Coordinate:
        """Return all that is known of a field of an object type."""
        place = (type_name, name)
        found = self._coordinates.get(place)
        if found is None:
            found = self._coordinates[place] = self._make(type_name, name)
        return found

    def value(self, obj: Obj, name: str, args: Mapping[str, Any]) -> Any:
        """Return the field's value: JSON, with :class:`Obj` for objects."""
        if obj.type == "Mutation":
            self.calls.append((name, canonical(self.pruned(self.coordinate(obj.type, name), args))))
        if (obj.type, name) in self.poisoned:
            raise Poisoned(f"{obj.type}.{name} is poisoned")
        coordinate = self.coordinate(obj.type, name)
        place: tuple[Any, ...] = (obj.type, obj.id, name)
        pruned = self.pruned(coordinate, args)
        if coordinate.requires is not None:
            inputs = canonical(self.select(obj, parse_field_set(coordinate.requires)))
            if coordinate.type.named == "String" and not coordinate.type.lists:
                return f"{name}<{inputs}{canonical(pruned) if pruned else ''}>"
            place = (*place, inputs)
        if coordinate.optional and _number(self.world.seed, *place) % 3 == 0:
            return None
        if coordinate.key and not coordinate.type.lists and coordinate.type.named in _TEXTS:
            if name.startswith("region"):
                return f"region-{len(obj.id) % 2}"
            return obj.id if name == "id" else f"{name}-{obj.id}"
        return self._build(place, coordinate, pruned, coordinate.type.lists)

    def select(self, obj: Obj, selections: SelectionSetNode) -> dict[str, Any]:
        """Return what a field set names of an object, as JSON without ``__typename``."""
        found: dict[str, Any] = {}
        for node in fields_for(selections, obj.type, self.fits):
            if node.name.value == "__typename":
                continue
            value = self.value(obj, node.name.value, arguments(node))
            found[node.name.value] = self._selected(value, node.selection_set)
        return found

    def fits(self, kind: str, condition: str) -> bool:
        """Tell whether a runtime type belongs to a type condition."""
        return kind == condition or kind in self.world.implementations(condition)

    def pruned(self, coordinate: Coordinate, args: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments that all know: each side has its own beside them."""
        contextual = {arg.name for _, arg in coordinate.contextual()}
        common = coordinate.common
        kept: dict[str, Any] = {}
        for each, value in args.items():
            if each in common:
                kept[each] = self._prune(common[each].type, value)
            elif each in contextual and value is not None:
                kept[each] = value
        return kept

    def _prune(self, ref: Ref, value: Any) -> Any:
        if isinstance(value, list):
            return [self._prune(ref, each) for each in value]
        if not isinstance(value, dict):
            return value
        if ref.named not in self.api:
            return {}
        inputs = self.api[ref.named].inputs
        return {
            name: self._prune(inputs[name].type, each)
            for name, each in value.items()
            if name in inputs
        }

    def above(self, obj: Obj) -> dict[tuple[str, str], Obj]:
        """Return the nearest ancestors that a child of the object has."""
        found = dict(obj.above)
        for subgraph, name in self._contexts.get(obj.type, ()):
            found[subgraph, name] = obj
        return found

    def from_context(self, obj: Obj, coordinate: Coordinate) -> dict[str, Any]:
        """Return the arguments that the object's ancestors fill."""
        found: dict[str, Any] = {}
        for subgraph, arg in coordinate.contextual():
            (directive,) = arg.all("fromContext")
            name, selection = directive.get("field").lstrip("$ ").split(None, 1)
            ancestor = obj.above[subgraph, name]
            text = selection if selection.startswith("...") else selection.strip("{} ")
            selected: Any = self.select(ancestor, parse_field_set(text))
            while isinstance(selected, dict):
                (selected,) = selected.values()
            found[arg.name] = selected
        return found

    @cached_property
    def _contexts(self) -> dict[str, list[tuple[str, str]]]:
        found: dict[str, list[tuple[str, str]]] = {}
        for subgraph, schema in self.world.schemas.items():
            for declared in schema.values():
                for each in declared.all("context"):
                    for kind in self.world.possible(declared.name, subgraph):
                        found.setdefault(kind, []).append((subgraph, each.get("name")))
        return found

    @cached_property
    def _keys(self) -> set[tuple[str, str]]:
        found: set[tuple[str, str]] = set()

        def walk(kind: str, selections: SelectionSetNode) -> None:
            for node in fields_for(selections, kind, self.fits):
                name = node.name.value
                found.add((kind, name))
                if node.selection_set:
                    target = next(
                        declared.fields[name].type.named
                        for _, declared in self.world.declarations(kind)
                        if name in declared.fields
                    )
                    walk(target, node.selection_set)

        for schema in self.world.schemas.values():
            for declared in schema.values():
                kinds = (
                    [declared.name]
                    if declared.kind == "type" and not declared.has("interfaceObject")
                    else self.world.implementations(declared.name)
                )
                for key in declared.keys:
                    for kind in kinds:
                        walk(kind, parse_field_set(key.get("fields")))
        return found

    def _make(self, type_name: str, name: str) -> Coordinate:
        declared = list(self._declared(type_name, name))
        assert declared, f"{type_name}.{name} is nowhere"
        every = [each for _, each in declared]
        marks = zip(*(each.type.required for each in every), strict=True)
        key = (type_name, name) in self._keys
        required = tuple(any(each) or key for each in marks)
        requires = next((each.requires for each in every if each.requires), None)
        allowed: set[str] | None = None
        for subgraph, each in declared:
            here = set(self._allowed(subgraph, each.type.named))
            allowed = here if allowed is None else allowed & here
        ref = Ref(every[0].type.named, required)
        optional = key and not any(each.type.required[-1] for each in every)
        return Coordinate(declared, ref, sorted(allowed or ()), requires, key, optional)

    @cached_property
    def loses(self) -> bool:
        """Whether some objects cannot be looked up everywhere, so that some values are lost."""
        return any(self.coordinate(kind, name).optional for kind, name in self._keys)

    @cached_property
    def agrees(self) -> bool:
        """Whether all subgraphs declare the same nullability."""
        return all(
            len({each.type.required for _, each in self.coordinate(kind, name).declared}) == 1
            for kind in self.world.names("type")
            if kind in self.api
            for name in self.api[kind].fields
        )

    def _declared(self, type_name: str, name: str) -> Iterator[tuple[str, Field]]:
        kinds = {type_name: None}
        for _, declared in self.world.declarations(type_name):
            kinds.update(dict.fromkeys(declared.interfaces))
        for kind in kinds:
            for subgraph, declared in self.world.declarations(kind):
                ours = kind == type_name or declared.has("interfaceObject")
                if ours and name in declared.fields:
                    yield subgraph, declared.fields[name]

    def _allowed(self, subgraph: str, named: str) -> list[str]:
        declared: Type | None = self.world.schemas[subgraph].get(named)
        if declared is not None and declared.kind == "enum":
            return list(declared.values)
        return self.world.possible(named, subgraph)

    def _build(
        self, place: tuple[Any, ...], coordinate: Coordinate, args: dict[str, Any], level: int
    ) -> Any:
        number = _number(self.world.seed, *place, canonical(args))
        ref = coordinate.type
        if not ref.required[level] and (number % 7 == 0 or not coordinate.allowed):
            return None
        if level > 0:
            length = number % 4 if coordinate.allowed else 0
            items = range(max(length, 1) if coordinate.key else length)
            return [self._build((*place, i), coordinate, args, level - 1) for i in items]
        return self._leaf(place, coordinate, number, args)

    def _leaf(
        self, place: tuple[Any, ...], coordinate: Coordinate, number: int, args: dict[str, Any]
    ) -> Any:
        match coordinate.type.named:
            case "Int":
                return number % 1000
            case "Float":
                return (number % 1000) / 4
            case "Boolean":
                return number % 2 == 0
            case "String" | "ID":
                suffix = f",{canonical(args)}" if args else ""
                return f"{place[-1]}-{number % 100}{suffix}"
            case "Json":
                return [{"z": number % 10, "a": [None, {"__typename": "x"}]}, {}, "text"][
                    number % 3
                ]
        assert coordinate.allowed, f"{place} can be nothing"
        member = coordinate.allowed[number % len(coordinate.allowed)]
        declared = self.world.declarations(coordinate.type.named)[0][1]
        if declared.kind == "enum":
            return member
        if self.world.is_entity(member):
            ids = self.world.ids(member)
            return Obj(member, ids[(number // 7) % len(ids)])
        return Obj(member, "/".join(map(str, [*place, canonical(args)] if args else place)))

    def _selected(self, value: Any, selections: SelectionSetNode | None) -> Any:
        if isinstance(value, list):
            return [self._selected(each, selections) for each in value]
        if isinstance(value, Obj):
            assert selections is not None
            return self.select(value, selections)
        return value


_TEXTS = ("String", "ID")


def canonical(value: Any) -> str:
    """Return JSON whose keys are in order."""
    return json.dumps(value, sort_keys=True)


def _number(*parts: Any) -> int:
    digest = hashlib.blake2b(repr(parts).encode(), digest_size=6).digest()
    return int.from_bytes(digest, "big")
