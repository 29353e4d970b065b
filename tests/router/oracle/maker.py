"""What the features of a world are made with: a growing world and its random choices."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import deepcopy
from random import Random
from typing import TypeVar

from .world import SCALARS, Arg, Field, Ref, Type, World

__all__ = ["Maker"]

T = TypeVar("T")

ARGS = (
    Arg("x", Ref("Int")),
    Arg("x", Ref("Int"), "3"),
    Arg("shade", Ref("Shade"), "RED"),
    Arg("text", Ref("String")),
    Arg("ids", Ref("ID", (True, False))),
    Arg("json", Ref("Json")),
    Arg("need", Ref("Int", (True,))),
)


class Maker:
    """A world under construction. Fields are shared and leaf types copied at the end."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        names = [f"s{number}" for number in range(rng.randint(2, 5))]
        self.world = World(rng.randrange(1000), {name: {} for name in names})
        self.subgraphs = names
        self.simple = rng.random() < 0.6
        """Every entity can be entered by ``id`` everywhere, so that most of it composes."""
        self._count = 0

    def fresh(self, prefix: str) -> str:
        """Return a new name."""
        self._count += 1
        return f"{prefix}{self._count}"

    def chance(self, probability: float) -> bool:
        """Return True with this probability."""
        return self.rng.random() < probability

    def some(self, among: Sequence[T], *, everywhere: float = 0.3) -> list[T]:
        """Return a part of the sequence in its order, at least one."""
        if self.chance(everywhere):
            return list(among)
        chosen = self.rng.sample(range(len(among)), self.rng.randint(1, len(among)))
        return [among[index] for index in sorted(chosen)]

    def scalar(self, *, lists: bool = True) -> Ref:
        """Return the type of a leaf."""
        levels = self.rng.choice([0] * 12 + [1, 1, 2, 3]) if lists else 0
        named = self.rng.choice([*SCALARS, "Shade", "Json"])
        return Ref(named, tuple(self.chance(0.2) for _ in range(levels + 1)))

    def args(self, probability: float) -> list[Arg]:
        """Return the arguments of a field, mostly none."""
        return [deepcopy(self.rng.choice(ARGS))] if self.chance(probability) else []

    def type(self, subgraph: str, name: str, kind: str = "type") -> Type:
        """Return the subgraph's declaration of a type, made where there is none."""
        return self.world.schemas[subgraph].setdefault(name, Type(name, kind))

    def declare(self, subgraph: str, type_name: str, field: Field) -> Field:
        """Give the subgraph a copy of the field, unless it has one."""
        return self.type(subgraph, type_name).fields.setdefault(field.name, deepcopy(field))

    def objects(self, *, entities: bool | None = None) -> list[str]:
        """Return the names of object types that clients see."""
        return [
            name
            for name in self.world.names("type")
            if not any(each.has("inaccessible") for _, each in self.world.declarations(name))
            if entities is None or self.world.is_entity(name) is entities
        ]

    def composites(self) -> list[str]:
        """Return the names of all types that have selections."""
        return [*self.objects(), *self.world.names("interface"), *self.world.names("union")]

    def interface_objects(self) -> list[tuple[str, str]]:
        """Return the interfaces that are objects to a subgraph, as (subgraph, name)."""
        return [
            (subgraph, name)
            for name in self.world.names("interface")
            for subgraph, declared in self.world.declarations(name)
            if declared.has("interfaceObject")
        ]

    def stands_in(self, subgraph: str, name: str) -> bool:
        """Tell whether a subgraph knows an object type as the object that its interface is."""
        return any(
            home == subgraph and name in self.world.implementations(interface)
            for home, interface in self.interface_objects()
        )

    def abstract(self, name: str) -> bool:
        """Tell whether the type is an interface or a union."""
        return name in self.world.names("interface") or name in self.world.names("union")

    def homes(self, name: str) -> list[str]:
        """Return the subgraphs that declare the type."""
        return [subgraph for subgraph, _ in self.world.declarations(name)]

    def entered(self, name: str) -> list[str]:
        """Return the subgraphs in which the entity can be entered."""
        return [
            subgraph
            for subgraph, declared in self.world.declarations(name)
            if any(key.get("resolvable") is not False for key in declared.keys)
        ]

    def owners(self, type_name: str, name: str) -> list[str]:
        """Return the subgraphs that resolve the field wherever they have its object."""
        return [
            subgraph
            for subgraph, declared in self.world.declarations(type_name)
            if name in declared.fields
            and not declared.fields[name].has("external")
            and not self.lost(subgraph, type_name, name)
        ]

    def lost(self, subgraph: str, type_name: str, name: str) -> bool:
        """Tell whether another subgraph has taken the field over."""
        return any(
            override.get("from") == subgraph
            for _, declared in self.world.declarations(type_name)
            if name in declared.fields
            for override in declared.fields[name].all("override")
        )

    def fields(self, type_name: str) -> dict[str, Field]:
        """Return one owner's declaration of each field of an object type."""
        found: dict[str, Field] = {}
        for _, declared in self.world.declarations(type_name):
            for field in declared.fields.values():
                if not field.has("external"):
                    found.setdefault(field.name, field)
        return found

    def key_names(self, type_name: str) -> set[str]:
        """Return the names that some key of the type mentions at its top."""
        return {
            word
            for _, declared in self.world.declarations(type_name)
            for key in declared.keys
            for word in str(key.get("fields")).replace("{", " ").replace("}", " ").split()
        }

    def leaf(self, ref: Ref) -> bool:
        """Tell whether the type has no selections."""
        return ref.named in {*SCALARS, "Shade", "Json"} or ref.named in self.world.names("enum")

    def bare(self, field: Field) -> Field:
        """Return the field without its directives."""
        made = deepcopy(field)
        made.directives = []
        return made

    def finish(self) -> World:
        """Share what several resolve, and give everybody the leaf types they mention."""
        self._share()
        self._copy_leaf_types()
        for schema in self.world.schemas.values():
            for name in [n for n, t in schema.items() if t.kind in _OBJECTS and not t.fields]:
                del schema[name]
        return self.world

    def _share(self) -> None:
        provided = _provided_names(self.world)
        for name in [*self.world.names("type"), "Query", "Mutation"]:
            declared = self.world.declarations(name)
            for field in dict.fromkeys(f for _, each in declared for f in each.fields):
                objects = [
                    (subgraph, each)
                    for interface in {i for _, d in declared for i in d.interfaces}
                    for subgraph, each in self.world.declarations(interface)
                    if each.has("interfaceObject") and field in each.fields
                ]
                having = [
                    (subgraph, each)
                    for subgraph, each in [*declared, *objects]
                    if field in each.fields
                    and not each.fields[field].has("external")
                    and not self.lost(subgraph, name, field)
                ]
                if len(having) > 1 or field in provided:
                    for _, each in having:
                        each.fields[field].add("shareable")

    def _copy_leaf_types(self) -> None:
        known = {"Shade": _enum("Shade", "RED", "GREEN", "BLUE"), "Json": Type("Json", "scalar")}
        for schema in self.world.schemas.values():
            for each in schema.values():
                if each.kind in {"enum", "input", "scalar"}:
                    known.setdefault(each.name, each)
        for schema in self.world.schemas.values():
            while missing := [n for n in _mentioned(schema.values()) if n not in schema]:
                for name in missing:
                    schema[name] = deepcopy(known[name])


_OBJECTS = {"type", "interface"}


def _enum(name: str, *values: str) -> Type:
    return Type(name, "enum", values={each: [] for each in values})


def _mentioned(types: Iterable[Type]) -> list[str]:
    found: dict[str, None] = {}
    for each in types:
        args = [*each.inputs.values(), *(a for f in each.fields.values() for a in f.args)]
        for named in [*(f.type.named for f in each.fields.values()), *(a.type.named for a in args)]:
            if named not in SCALARS:
                found[named] = None
    return list(found)


def _provided_names(world: World) -> set[str]:
    return {
        word
        for schema in world.schemas.values()
        for each in schema.values()
        for field in each.fields.values()
        for provides in field.all("provides")
        for word in str(provides.get("fields")).replace("{", " ").replace("}", " ").split()
    }
