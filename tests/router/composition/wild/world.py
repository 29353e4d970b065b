"""The schema of which each wild subgraph has a part, and the themes of a draw."""

from __future__ import annotations

from copy import deepcopy
from random import Random
from typing import Final

from tests.router.composition.wild.model import Argument, Field, Type

__all__ = ["VALUES", "World"]

THEMES: Final = (
    "access",
    "arguments",
    "caching",
    "contexts",
    "cost",
    "custom",
    "deprecated",
    "described",
    "executable",
    "extended",
    "extending",
    "federation 1",
    "hidden",
    "interface objects",
    "interfaces",
    "linked apart",
    "mutation",
    "names",
    "overrides",
    "printed",
    "provides",
    "renamed",
    "requires",
    "roots",
    "stubs",
    "subscription",
    "tags",
    "unions",
    "versions",
)
NAMES: Final = ("a", "b", "c-1", "c_1", "D", "3d", "éa", "e.e", "_x", "Z9", "f_2")
VALUES: Final[dict[str, tuple[str, ...]]] = {
    "Int": ("1", "2", "-3", "null"),
    "Float": ("1.5", "1", "1e3", "-0.25", "1e-7", "123456789012345678"),
    "String": ('"x"', '"y"', '"q\\"uo\\\\te\\n"', '"""block\n  text"""', '"é\\u00e9"', "null"),
    "Boolean": ("true", "false"),
    "ID": ('"x"', "7", '"7"', '"007"'),
    "E": ("A", "B"),
    "S": ("1", '"x"', "X", "{a: 1, b: [X, 2.0]}", "null", "[]", "{}"),
    "In": ("{a: 1}", "{}", '{a: 2, s: "x"}', "{e: A, n: {a: 3}}", "{l: [1, 2]}"),
    "[Int!]": ("[1, 2]", "[]", "3", "null"),
    "[In!]": ("[{a: 1}]", "{a: 1}"),
}
APART: Final = {
    # not access: the reference forgets to carry it to interfaces when it is linked so
    "cost": ("cost/v0.1", ("cost", "listSize")),
    "tag": ("tag/v0.3", ("tag",)),
    "inaccessible": ("inaccessible/v0.2", ("inaccessible",)),
}


class World:
    """The schema of which each subgraph has a part."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.themes = frozenset(random.sample(THEMES, random.randint(2, 7)))
        self.noise = random.choice((0.0, 0.0, 0.0, 0.03, 0.1))
        self.density = random.choice((0.1, 0.3))
        self.count = random.choice((1, 2, 2, 2, 3, 3, 4))
        self.names = (
            sorted(random.sample(NAMES, self.count)) if "names" in self.themes else list("abcd")
        )[: self.count]
        self.version = random.choice((9, 11, 12, 14))
        # mostly all subgraphs link the same specifications apart from federation
        self.apart = {name for name in APART if self.chance(0.5)}
        self.apart_chance = random.choice((0.0, 0.0, 0.0, 0.5))
        self.types = {each.name: each for each in self._types()}
        self.owners = {
            (name, key): random.sample(range(self.count), min(self.count, random.choice((1, 1, 2))))
            for name, each in self.types.items()
            for key in each.fields
        }

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def has(self, theme: str) -> bool:
        return theme in self.themes

    def _types(self) -> list[Type]:
        entity = {"id": Field("ID!"), **self._fields("t", 4)}
        other = {"id": Field("ID!"), "code": Field("String!"), **self._fields("u", 3)}
        types = [
            Type("type", "T", marks=['key(fields: "id")'], fields=entity),
            Type("type", "U", marks=['key(fields: "id code")'], fields=other),
            Type("type", "V", marks=["shareable"], fields=self._fields("v", 3)),
            Type("type", "W", marks=["shareable"], fields=self._fields("w", 2)),
            Type("enum", "E", values={name: [] for name in "ABC"}),
            Type("scalar", "S", marks=self.random.choice(([], ['specifiedBy(url: "https://s")']))),
            Type(
                "input",
                "In",
                entries={
                    "a": Argument("Int"),
                    "s": Argument("String", '"d"'),
                    "e": Argument("E"),
                    "n": Argument("In"),
                    "l": Argument("[Int!]"),
                    "k": Argument("Boolean!", "true"),
                },
            ),
        ]
        if self.chance(0.4):
            types[1].marks.append('key(fields: "code")')
        if self.has("interfaces") or self.has("interface objects"):
            types.append(Type("interface", "I", fields={"id": Field("ID!"), "i0": Field("Int")}))
            for each in types[:2]:
                each.interfaces.append("I")
                each.fields["i0"] = Field("Int")
            if self.chance(0.7):
                types[-1].marks.append('key(fields: "id")')
                types[1].marks.append('key(fields: "id")')
        if self.has("interfaces"):
            types.append(Type("interface", "J", fields={"v0": deepcopy(types[2].fields["v0"])}))
            types[2].interfaces.append("J")
            if self.chance(0.5):  # an interface of interfaces
                base = {"v0": deepcopy(types[2].fields["v0"])}
                types.append(Type("interface", "H", fields=base))
                types[-2].interfaces.append("H")
                types[2].interfaces.append("H")
        if self.has("unions"):
            types.append(Type("union", "M", members=["T", "U", "V"]))
        return types

    def _fields(self, prefix: str, count: int) -> dict[str, Field]:
        outputs = ("Int", "String", "E", "S", "[Int]", "Float!", "Boolean", "ID")
        links = ("T", "[T!]", "U", "V", "[V]", "W!")
        found: dict[str, Field] = {}
        for number in range(count):
            is_link = number and self.chance(0.4)
            found[f"{prefix}{number}"] = Field(self.random.choice(links if is_link else outputs))
        if self.has("arguments") or self.has("cost"):
            for each in found.values():
                if self.chance(0.4):
                    each.arguments = self.arguments()
        return found

    def arguments(self) -> dict[str, Argument]:
        kinds = self.random.sample(sorted(VALUES), self.random.randint(1, 3))
        found = {f"p{index}": self._argument(kind) for index, kind in enumerate(kinds)}
        if self.has("cost"):
            found["first"] = Argument("Int")
            found["last"] = Argument("Int!", "5")
        return found

    def _argument(self, kind: str) -> Argument:
        if self.chance(0.4):
            return Argument(kind)
        default = self.random.choice(VALUES[kind])
        strict = "!" if default != "null" and self.chance(0.2) else ""
        return Argument(f"{kind}{strict}", default)
