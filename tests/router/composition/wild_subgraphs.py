"""Subgraphs with everything federation has, by seed: what random subgraphs leave out.

One small schema is drawn; each subgraph is given a part of it, in its own version of federation
(or federation 1), with its own way of linking, and written in its own style: extensions,
descriptions, names of roots, what libraries print for the router. Per draw only some themes are
there, so that most draws get as far as satisfiability. Noise lets the parts differ a little.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from random import Random
from typing import Final

from router.composition.sources import SubgraphSource

__all__ = ["wild_subgraphs"]

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
SINCE: Final = {
    "key": 0, "requires": 0, "provides": 0, "external": 0, "tag": 0, "extends": 0, "shareable": 0,
    "inaccessible": 0, "override": 0, "composeDirective": 1, "interfaceObject": 3,
    "authenticated": 5, "requiresScopes": 5, "policy": 6, "context": 8, "fromContext": 8,
    "cost": 9, "listSize": 9, "cacheTag": 12,
}  # fmt: skip
APART: Final = {
    # not access: the reference forgets to carry it to interfaces when it is linked so
    "cost": ("cost/v0.1", ("cost", "listSize")),
    "tag": ("tag/v0.3", ("tag",)),
    "inaccessible": ("inaccessible/v0.2", ("inaccessible",)),
}
FEDERATION_1: Final = frozenset({"key", "requires", "provides", "external", "extends", "tag"})
BUILT_IN: Final = frozenset({"deprecated", "specifiedBy", "run"})
NAMES: Final = ("a", "b", "c-1", "c_1", "D", "3d", "éa", "e.e", "_x", "Z9", "f_2")
TEXTS: Final = (
    '"one"',
    '"two"',
    '""',
    '"""\nin two\n  lines\n"""',
    '"with \\"quotes\\" and \\\\ and \\u00e9 and \\n"',
    '"""with ""quotes"" and \\ and \\""" inside"""',
    '"""ends in "quotes" """',
    '"ünïcödé \U0001f600"',
    f'"{"long " * 20}"',
    '"""\n    indented\n\n  more\n"""',
)
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
TAGS: Final = tuple(f'tag(name: "{name}")' for name in ("a", "b", "c:d"))
ACCESS: Final = (
    "authenticated",
    'requiresScopes(scopes: [["a"], ["b"]])',
    'requiresScopes(scopes: [["a", "b"]])',
    'requiresScopes(scopes: [["c", "a"], ["b"], ["a"]])',
    "requiresScopes(scopes: [[]])",
    "requiresScopes(scopes: [])",
    'policy(policies: [["p"], ["q", "r"]])',
    'policy(policies: [["r", "q"]])',
    "policy(policies: [])",
)
COSTS: Final = tuple(f"cost(weight: {weight})" for weight in (1, 3, 5))
SIZES: Final = (
    "listSize(assumedSize: 3)",
    "listSize(assumedSize: 10, requireOneSlicingArgument: false)",
    'listSize(slicingArguments: ["first"])',
    'listSize(slicingArguments: ["first", "last"], requireOneSlicingArgument: false)',
    'listSize(slicingArguments: ["last"], requireOneSlicingArgument: true)',
)
DEPRECATIONS: Final = ("deprecated", 'deprecated(reason: "old")', 'deprecated(reason: "older")')
CUSTOM: Final = ("custom", "custom(a: 2)", 'custom(b: ["x"])', "custom(e: B)", "custom(i: {a: 1})")
CACHE: Final = ('cacheTag(format: "x")', 'cacheTag(format: "y-{$key.id}")')
EXECUTABLE: Final = (
    "directive @run(a: Int) on FIELD | QUERY",
    "directive @run(a: Int!, b: In) on QUERY | FIELD | FIELD_DEFINITION",
    '"how" directive @run(a: Int = 2, "which" b: E = A) repeatable on FIELD',
    "directive @run on VARIABLE_DEFINITION",
    "directive @run(e: E) on FIELD | ARGUMENT_DEFINITION",
)


@dataclass
class Argument:
    """An argument, or a field of an input object."""

    type: str
    default: str | None = None
    marks: list[str] = field(default_factory=list)
    description: str = ""

    def text(self, name: str) -> str:
        default = f" = {self.default}" if self.default is not None else ""
        return _line(self.description, f"{name}: {self.type}{default}", self.marks)


@dataclass
class Field:
    """A field of an object or interface."""

    type: str
    arguments: dict[str, Argument] = field(default_factory=dict)
    marks: list[str] = field(default_factory=list)
    description: str = ""

    @property
    def base(self) -> str:
        return self.type.strip("[]!")

    def text(self, name: str) -> str:
        arguments = ", ".join(each.text(key) for key, each in self.arguments.items())
        head = f"{name}({arguments})" if arguments else name
        return _line(self.description, f"{head}: {self.type}", self.marks)


@dataclass
class Type:
    """A type as one subgraph has it."""

    keyword: str
    name: str
    interfaces: list[str] = field(default_factory=list)
    marks: list[str] = field(default_factory=list)
    fields: dict[str, Field] = field(default_factory=dict)
    entries: dict[str, Argument] = field(default_factory=dict)
    values: dict[str, list[str]] = field(default_factory=dict)
    members: list[str] = field(default_factory=list)
    description: str = ""

    def parts(self) -> list[str]:
        return [
            *(each.text(name) for name, each in self.fields.items()),
            *(each.text(name) for name, each in self.entries.items()),
            *(_line("", name, marks) for name, marks in self.values.items()),
        ]


def _line(description: str, text: str, marks: list[str]) -> str:
    return " ".join(filter(None, (description, text, *(f"@{mark}" for mark in marks))))


def wild_subgraphs(seed: int) -> list[SubgraphSource]:
    """Return two to four subgraphs."""
    return _World(Random(seed)).sources()


class _World:
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

    def sources(self) -> list[SubgraphSource]:
        return [
            SubgraphSource(name, f"http://{index}", _Part(self, index).sdl())
            for index, name in enumerate(self.names)
        ]

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


class _Part:
    """What one subgraph has of the world."""

    def __init__(self, world: _World, index: int) -> None:
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
        for theme, decorate in _DECORATIONS.items():
            if world.has(theme):
                decorate(self)
        if world.noise:
            self._disturb()
        self.executable = ""
        if world.has("executable") and world.chance(0.8):
            self.executable = self.random.choice(EXECUTABLE)
        for name in ("In", "E"):
            if re.search(rf": {name}\b", self.executable):
                self._add(name)
        for each in list(self.types.values()):
            self._close(each)

    # which types and fields ---------------------------------------------------------------

    def _choose(self) -> None:
        world = self.world
        query = self.types["Query"] = Type("type", "Query")
        names = [name for name, each in world.types.items() if each.keyword == "type"]
        if self.stands_in:
            names = [name for name in names if "I" not in world.types[name].interfaces]
            self._stand_in()
        chosen = [name for name in names if world.chance(0.7)]
        for name in chosen:
            self._add(name)
            if world.chance(0.7):
                suffix = self.random.choice(("", "[]"))
                shared = world.chance(0.2)
                key = f"all{name}" if shared else f"{name.lower()}_{self.index}"
                query.fields[key] = Field(f"[{name}]" if suffix or shared else name)
                if shared:
                    query.fields[key].marks.append("shareable")
        for name in ("I", "J", "H", "M"):
            if name in world.types and not self.stands_in and world.chance(0.6):
                self._add(name)
                if name in self.types:
                    query.fields[f"{name.lower()}_{self.index}"] = Field(name)
        query.fields[f"q{self.index}"] = Field(
            "E" if world.chance(0.3) else "Int", world.arguments()
        )
        for each in list(self.types.values()):
            self._close(each)

    def _stand_in(self) -> None:
        fields = {"id": Field("ID!"), f"o{self.index}": Field("Int")}
        if self.world.chance(0.2):
            fields["o"] = Field("String", marks=["shareable"])
        marks = ["interfaceObject", 'key(fields: "id")']
        self.types["I"] = Type("type", "I", marks=marks, fields=fields)
        if self.world.chance(0.5):
            self.types["Query"].fields[f"stand{self.index}"] = Field("I")

    def _add(self, name: str) -> None:
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
        self._close(found)

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

    def _close(self, found: Type) -> None:
        """Add what a type names."""
        for name in (*found.interfaces, *found.members):
            if name not in self.types:
                self._add(name)
        for each in found.fields.values():
            self._add(each.base)
            for argument in each.arguments.values():
                self._add(argument.type.strip("[]!"))
        for entry in found.entries.values():
            self._add(entry.type.strip("[]!"))

    # decorations --------------------------------------------------------------------------

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

    def _disturb(self) -> None:
        """Let some types, defaults, members differ from the world's."""
        noise = self.world.noise
        for each in self.fields():
            if self.world.chance(noise):
                each.type = each.type.removesuffix("!") if each.type[-1] == "!" else each.type + "!"
            if self.world.chance(noise) and each.type not in ("ID!", "String!"):
                each.arguments |= self.world.arguments()
        for entry in self.inputs():
            if self.world.chance(noise):
                kind = entry.type.removesuffix("!")
                entry.default = self.random.choice(VALUES.get(kind, ("null",)))
            if self.world.chance(noise) and entry.default != "null":
                entry.type = entry.type.removesuffix("!") + self.random.choice(("", "!"))
        for found in self.types.values():
            for parts in (found.values, found.entries):
                if len(parts) > 1 and self.world.chance(noise * 2):
                    parts.pop(self.random.choice(sorted(parts)))

    # text ---------------------------------------------------------------------------------

    def sdl(self) -> str:
        world = self.world
        blocks = [text for each in self.types.values() for text in self._written(each)]
        if self.executable:
            blocks.append(self.executable)
        if world.has("printed") and world.chance(0.5):
            blocks += self._printed()
        body = "\n\n".join(blocks)
        if self.is_fed1:
            return _only(body, FEDERATION_1 | BUILT_IN)
        if world.chance(0.95):
            body = _only(
                body,
                BUILT_IN | {"custom"} | {n for n, since in SINCE.items() if since <= self.minor},
            )
        head, body = self._link(body)
        return f"{head}\n\n{body}\n"

    def _written(self, found: Type) -> list[str]:
        """Write a type, in pieces where extensions are in fashion."""
        parts = found.parts()
        implements = f" implements {' & '.join(found.interfaces)}" if found.interfaces else ""
        marks = "".join(f" @{mark}" for mark in dict.fromkeys(found.marks))
        members = f" = {' | '.join(found.members)}" if found.members else ""
        head = f"{found.keyword} {found.name}"
        if self.world.has("extended") and parts and self.world.chance(0.3):
            if self.world.chance(0.15):
                return [f"extend {head}{implements}{marks} {_braces(parts)}"]
            if len(parts) > 1:
                cut = self.random.randrange(1, len(parts))
                again = " @shareable" if "shareable" in found.marks else ""
                return [
                    f"extend {head}{again} {_braces(parts[cut:])}",
                    f"{found.description}\n{head}{implements}{marks} {_braces(parts[:cut])}",
                ]
        body = f" {_braces(parts)}" if parts else members
        return [f"{found.description}\n{head}{implements}{marks}{body}".strip()]

    def _printed(self) -> list[str]:
        """Write what libraries print for the router's own use."""
        entities = [
            each.name for each in self.objects() if any(m.startswith("key") for m in each.marks)
        ]
        if not entities:
            return ["type _Service { sdl: String! }", "extend type Query { _service: _Service! }"]
        return [
            "scalar _Any",
            f"union _Entity = {' | '.join(entities)}",
            "type _Service { sdl: String }",
            "extend type Query { _entities(representations: [_Any!]!): [_Entity]! "
            "_service: _Service! }",
        ]

    def _link(self, body: str) -> tuple[str, str]:
        """Return the schema element, and the text with directives under their names here."""
        world = self.world
        used = [name for name in SINCE if re.search(rf"@{name}\b", body)]
        names = {}
        links = []
        if world.has("linked apart"):
            for name in used[:]:
                spec, directives = APART.get(name, ("", ()))
                is_apart = name in world.apart or world.chance(world.apart_chance)
                if spec and name not in names and is_apart:
                    text, local = self._imports(spec.split("/")[0], directives, used)
                    names |= local
                    links.append(f'@link(url: "https://specs.apollo.dev/{spec}"{text})')
        rest = tuple(name for name in used if name not in names)
        text, local = self._imports("federation", rest, list(rest))
        names |= local
        federation = f'@link(url: "https://specs.apollo.dev/federation/v2.{self.minor}"{text})'
        links.insert(self.random.randint(0, len(links)), federation)
        if "@custom" in body:
            links.append(self._custom_link())
            body += f"\n\n{self._custom_definition()}"
        if world.chance(0.1):
            links.insert(0, '@link(url: "https://specs.apollo.dev/link/v1.0")')
        body = re.sub(r"@(\w+)", lambda match: f"@{names.get(match[1], match[1])}", body)
        schema, body = self._roots(body)
        head, _, roots = schema.partition("{")
        return f"{head.strip()}\n  " + "\n  ".join(links) + (f"\n{{{roots}" if roots else ""), body

    def _imports(
        self, feature: str, directives: tuple[str, ...], used: list[str]
    ) -> tuple[str, dict[str, str]]:
        """Return the rest of a link, and the names that its directives get."""
        alias, text = feature, ""
        if self.world.has("renamed") and self.world.chance(0.3):
            alias = f"{feature[:3]}"
            text = f', as: "{alias}"'
        names, imports = {}, []
        for name in directives:
            draw = self.random.random() if self.world.has("renamed") else 0.0
            if name not in used and draw < 0.5:
                continue
            if draw < 0.7:
                imports.append(f'"@{name}"')
                names[name] = name
            elif draw < 0.85:
                imports.append(f'{{name: "@{name}", as: "@my{name}"}}')
                names[name] = f"my{name}"
            else:
                names[name] = alias if name == feature else f"{alias}__{name}"
        return f"{text}, import: [{', '.join(imports)}]", names

    def _roots(self, body: str) -> tuple[str, str]:
        roots = {"query": "Query"}
        for name in ("Mutation", "Subscription"):
            if name in self.types:
                roots[name.lower()] = name
        if not self.world.has("roots") or self.world.chance(0.3):
            return self.random.choice(("schema { query: Query }", "extend schema")) if len(
                roots
            ) == 1 else "extend schema", body
        if self.world.chance(0.5):
            roots = {kind: f"My{name}" for kind, name in roots.items()}
            body = re.sub(r"\b(Query|Mutation|Subscription)\b(?!\")", r"My\1", body)
        text = " ".join(f"{kind}: {name}" for kind, name in roots.items())
        described = '"the schema"\n' if self.world.chance(0.3) else ""
        return f"{described}schema {{ {text} }}", body

    def _custom_link(self) -> str:
        minor = self.random.choice("0012")
        major = "2" if self.world.chance(0.05) else "1"
        composed = ' @composeDirective(name: "@custom")' if self.world.chance(0.8) else ""
        if self.minor < 1:
            composed = ""
        composed = composed.replace("@composeDirective", "@federation__composeDirective")
        imported = (
            f'@link(url: "https://custom.example/cust/v{major}.{minor}", import: ["@custom"])'
        )
        return imported + composed

    def _custom_definition(self) -> str:
        repeatable = " repeatable" if self.world.chance(0.3) else ""
        both = "FIELD_DEFINITION | OBJECT"
        return (
            'directive @custom("how" a: Int = 1, b: [String!], e: CE, i: CI)'
            f"{repeatable} on {both} | ARGUMENT_DEFINITION | INPUT_FIELD_DEFINITION | ENUM_VALUE\n\n"
            "enum CE { A B }\n\ninput CI { a: Int }"
        )


def _braces(parts: list[str]) -> str:
    return "{\n  " + "\n  ".join(parts) + "\n}"


def _only(body: str, names: frozenset[str] | set[str]) -> str:
    """Leave out the applications of other directives."""
    application = r" ?@(\w+)\b(?:\((?:[^()\"]|\"[^\"]*\")*\))?"
    return re.sub(application, lambda match: match[0] if match[1] in names else "", body)


# -- decorations, in order ---------------------------------------------------------------------


def _requires(part: _Part) -> None:
    for found in part.objects():
        whole = part.world.types.get(found.name)
        if whole is None or not any(mark.startswith("key") for mark in found.marks):
            continue
        missing = [
            key
            for key, each in whole.fields.items()
            if key not in found.fields and each.base in ("Int", "String", "V", "Boolean")
        ]
        if not missing or not part.world.chance(0.6):
            continue
        wanted = part.random.choice(missing)
        external = deepcopy(whole.fields[wanted])
        external.marks = ["external"]
        selection = wanted
        if external.base == "V":
            selection = f"{wanted} {{ v0 }}"
            part._add("V")
        found.fields[wanted] = external
        part._close(found)
        found.fields[f"r{part.index}"] = Field("Int", marks=[f'requires(fields: "{selection}")'])


def _provides(part: _Part) -> None:
    for found in part.objects():
        for each in list(found.fields.values()):
            target = part.types.get(each.base)
            whole = part.world.types.get(each.base)
            if target is None or whole is None or target.keyword != "type" or target is found:
                continue
            missing = [
                key
                for key, other in whole.fields.items()
                if (key not in target.fields or "external" in target.fields[key].marks)
                and not other.arguments
                and other.base in ("Int", "String", "Boolean")
            ]
            if missing and "shareable" not in target.marks and part.world.chance(0.4):
                wanted = part.random.choice(missing)
                target.fields[wanted] = deepcopy(whole.fields[wanted])
                target.fields[wanted].marks = ["external"]
                each.marks.append(f'provides(fields: "{wanted}")')


def _overrides(part: _Part) -> None:
    world = part.world
    for found in part.objects():
        for key, each in found.fields.items():
            owners = world.owners.get((found.name, key), [])
            others = [index for index in owners if index != part.index]
            if others and part.index == min(owners) and world.chance(0.6):
                source = world.names[others[0]] if not world.chance(0.05) else "nobody"
                label = part.random.choice(("", "", ', label: "percent(5)"', ', label: "l"'))
                each.marks = [mark for mark in each.marks if mark != "shareable"]
                each.marks.append(f'override(from: "{source}"{label})')


def _hidden(part: _Part) -> None:
    places = [each.marks for each in part.fields()]
    places += [each.marks for each in part.inputs()]
    places += [each.marks for each in part.types.values() if each.name != "Query"]
    places += [marks for each in part.types.values() for marks in each.values.values()]
    part.sprinkle(("inaccessible",), places, 0.3)


def _tags(part: _Part) -> None:
    places = [each.marks for each in part.fields()]
    places += [each.marks for each in part.inputs()]
    places += [each.marks for each in part.types.values()]
    places += [marks for each in part.types.values() for marks in each.values.values()]
    part.sprinkle(TAGS, places)


def _access(part: _Part) -> None:
    places = [each.marks for each in part.fields()]
    places += [each.marks for each in part.objects() if "interfaceObject" not in each.marks]
    places += [each.marks for each in part.types.values() if each.keyword in ("enum", "scalar")]
    part.sprinkle(ACCESS, places, 0.7)


def _cost(part: _Part) -> None:
    places = [each.marks for each in (*part.fields(), *part.inputs(), *part.objects())]
    part.sprinkle(COSTS, places)
    lists = [each for each in part.fields() if each.type.startswith("[")]
    plain = [each.marks for each in lists if "first" not in each.arguments]
    part.sprinkle(SIZES[:2], plain, 2)
    part.sprinkle(SIZES, [each.marks for each in lists if "first" in each.arguments], 2)


def _deprecated(part: _Part) -> None:
    places = [each.marks for each in part.fields()]
    places += [
        each.marks
        for each in part.inputs()
        if not each.type.endswith("!") or each.default is not None
    ]
    places += [marks for each in part.types.values() for marks in each.values.values()]
    part.sprinkle(DEPRECATIONS, places)


def _custom(part: _Part) -> None:
    places = [each.marks for each in (*part.fields(), *part.inputs(), *part.objects())]
    places += [marks for each in part.types.values() for marks in each.values.values()]
    part.sprinkle(CUSTOM, places)


def _caching(part: _Part) -> None:
    query = part.types["Query"]
    part.sprinkle(CACHE[:1], [each.marks for each in query.fields.values()])
    keyed = [each for each in part.objects() if 'key(fields: "id")' in each.marks]
    part.sprinkle(CACHE, [each.marks for each in keyed])


def _described(part: _Part) -> None:
    for each in (*part.fields(), *part.inputs(), *part.types.values()):
        if part.world.chance(part.world.density):
            each.description = part.random.choice(TEXTS)


def _contexts(part: _Part) -> None:
    world = part.world
    setters = [each for each in part.objects() if each.name in ("T", "U", "V")]
    takers = [each for each in part.objects() if each.name in ("T", "U")]
    if not setters or not takers or not world.chance(0.7):
        return
    setter, taker = part.random.choice(setters), part.random.choice(takers)
    readable = [
        (key, each.base)
        for key, each in setter.fields.items()
        if each.type in ("Int", "String", "Boolean", "E") and not each.arguments
        if "external" not in each.marks
    ]
    if readable:
        key, kind = part.random.choice(readable)
        setter.marks.append('context(name: "ctx")')
        selection = part.random.choice((f"$ctx {{ {key} }}", f" $ctx{{ {key} }} "))
        marks = [f'fromContext(field: "{selection}")']
        taker.fields[f"c{part.index}"] = Field("Int", {"from": Argument(kind, marks=marks)})


def _mutation(part: _Part) -> None:
    targets = [each.name for each in part.objects() if each.name != "Query"]
    if targets and part.world.chance(0.7):
        fields = {f"m{part.index}": Field(part.random.choice(targets), part.world.arguments())}
        if part.world.chance(0.3):
            fields["m"] = Field("Int", marks=["shareable"])
        part.types["Mutation"] = Type("type", "Mutation", fields=fields)
        part._close(part.types["Mutation"])


def _subscription(part: _Part) -> None:
    targets = [each.name for each in part.objects() if each.name not in ("Query", "Mutation")]
    if targets and part.world.chance(0.7):
        fields = {f"s{part.index}": Field(part.random.choice(targets))}
        if part.world.chance(0.1):
            fields["s"] = Field("Int", marks=["shareable"])
        if part.world.chance(0.1):
            fields["sameName"] = Field("Int")
        part.types["Subscription"] = Type("type", "Subscription", fields=fields)


def _stubs(part: _Part) -> None:
    """Let some entities be named only, not resolved, here."""
    for found in part.objects():
        whole = part.world.types.get(found.name)
        if whole is None or found.name not in ("T", "U") or not part.world.chance(0.5):
            continue
        keys = [mark for mark in found.marks if mark.startswith("key")]
        key = part.random.choice(keys)
        resolvable = part.random.choice((", resolvable: false", ", resolvable: false", ""))
        found.marks = [f"{key[:-1]}{resolvable})"]
        named = set(re.findall(r"\w+", key.partition('"')[2].partition('"')[0])) | {"i0"}
        found.fields = {name: each for name, each in found.fields.items() if name in named}


def _extending(part: _Part) -> None:
    """Extend entities as federation 1 does: keys are external there."""
    for found in part.objects():
        keyed = any(mark.startswith("key") for mark in found.marks)
        if not keyed or "interfaceObject" in found.marks or not part.world.chance(0.5):
            continue
        found.marks.append("extends")
        for name in ("id", "code"):
            if name in found.fields and part.world.chance(0.8):
                found.fields[name].marks.append("external")


_DECORATIONS: Final[dict[str, Callable[[_Part], None]]] = {
    "stubs": _stubs,
    "extending": _extending,
    "mutation": _mutation,
    "subscription": _subscription,
    "requires": _requires,
    "provides": _provides,
    "overrides": _overrides,
    "contexts": _contexts,
    "hidden": _hidden,
    "tags": _tags,
    "access": _access,
    "cost": _cost,
    "deprecated": _deprecated,
    "custom": _custom,
    "caching": _caching,
    "described": _described,
}
