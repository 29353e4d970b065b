"""What one wild subgraph has of the world: which types, and which fields of them."""

from __future__ import annotations

from copy import deepcopy

from tests.router.composition.wild.model import Argument, Field, Type
from tests.router.composition.wild.world import World

__all__ = ["Part"]


class Part:
    """What one subgraph has of the world."""

    def __init__(self, world: World, index: int) -> None:
        self.world = world
        self.random = world.random
        self.index = index
        self.is_fed1 = world.has("federation 1") and world.chance(0.5)
        self.minor = (
            self.random.randrange(15)
            if world.has("versions") and world.chance(0.6)
            else world.version
        )
        self.types: dict[str, Type] = {}
        self.stands_in = world.has("interface objects") and index > 0 and world.chance(0.6)
        self._choose()
        self.executable = ""

    def _choose(self) -> None:
        world = self.world
        query = self.types["Query"] = Type("type", "Query")
        names = [name for name, each in world.types.items() if each.keyword == "type"]
        if self.stands_in:
            names = [name for name in names if "I" not in world.types[name].interfaces]
            self._stand_in()
        chosen = [name for name in names if world.chance(0.7)]
        for name in chosen:
            self.add(name)
            if world.chance(0.7):
                suffix = self.random.choice(("", "[]"))
                shared = world.chance(0.2)
                key = f"all{name}" if shared else f"{name.lower()}_{self.index}"
                query.fields[key] = Field(f"[{name}]" if suffix or shared else name)
                if shared:
                    query.fields[key].marks.append("shareable")
        for name in ("I", "J", "H", "M"):
            if name in world.types and not self.stands_in and world.chance(0.6):
                self.add(name)
                if name in self.types:
                    query.fields[f"{name.lower()}_{self.index}"] = Field(name)
        query.fields[f"q{self.index}"] = Field(
            "E" if world.chance(0.3) else "Int", world.arguments()
        )
        for each in list(self.types.values()):
            self.close(each)

    def _stand_in(self) -> None:
        fields = {"id": Field("ID!"), f"o{self.index}": Field("Int")}
        if self.world.chance(0.2):
            fields["o"] = Field("String", marks=["shareable"])
        marks = ["interfaceObject", 'key(fields: "id")']
        self.types["I"] = Type("type", "I", marks=marks, fields=fields)
        if self.world.chance(0.5):
            self.types["Query"].fields[f"stand{self.index}"] = Field("I")

    def add(self, name: str) -> None:
        if name in self.types or name not in self.world.types:
            return
        found = deepcopy(self.world.types[name])
        if self.stands_in and (name == "M" or "I" in found.interfaces):
            return
        if found.keyword == "type":
            found.fields = {
                key: each for key, each in found.fields.items() if self._takes(found, key, each)
            }
        if found.keyword == "union":
            found.members = [each for each in found.members if self.world.chance(0.7)] or ["T"]
        self.types[name] = found
        self.close(found)

    def _takes(self, owner: Type, key: str, each: Field) -> bool:
        """Decide on a field of an object; shared ones are marked so."""
        if any(
            f'"{key}"' in mark or f'"{key} ' in mark or f' {key}"' in mark for mark in owner.marks
        ):
            return True
        target = self.world.types.get(each.base)
        if self.stands_in and target is not None and "I" in target.interfaces:
            return False
        if "shareable" in owner.marks:
            return self.world.chance(0.97) or key.endswith("0")
        owners = self.world.owners[owner.name, key]
        if key == "i0" or (self.index in owners and len(owners) > 1):
            each.marks.append("shareable")
        return key == "i0" or self.index in owners

    def close(self, found: Type) -> None:
        """Add what a type names."""
        for name in (*found.interfaces, *found.members):
            if name not in self.types:
                self.add(name)
        for each in found.fields.values():
            self.add(each.base)
            for argument in each.arguments.values():
                self.add(argument.type.strip("[]!"))
        for entry in found.entries.values():
            self.add(entry.type.strip("[]!"))

    def objects(self) -> list[Type]:
        return [each for each in self.types.values() if each.fields and each.keyword == "type"]

    def fields(self) -> list[Field]:
        """All fields of objects that are not external."""
        return [
            each
            for found in self.objects()
            for each in found.fields.values()
            if "external" not in each.marks
        ]

    def inputs(self) -> list[Argument]:
        return [
            each
            for found in self.types.values()
            for each in (
                *found.entries.values(),
                *(a for f in found.fields.values() for a in f.arguments.values()),
            )
        ]

    def sprinkle(self, marks: tuple[str, ...], places: list[list[str]], scale: float = 1.0) -> None:
        for place in places:
            if self.world.chance(self.world.density * scale):
                place.append(self.random.choice(marks))
