"""Random sets of subgraphs, by seed: mostly composable, often not quite.

A small world is drawn (entities with keys, value types, an interface, a union, an enum, an
input), then each subgraph is given a part of it. Nothing guarantees that the parts fit: that is
for the composer to say.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from router.composition.sources import SubgraphSource

__all__ = ["random_subgraphs"]

LINK = (
    'extend schema @link(url: "https://specs.apollo.dev/federation/VERSION", import: ["@key", '
    '"@requires", "@provides", "@external", "@shareable", "@override", "@inaccessible", "@tag", '
    '"@interfaceObject", "@authenticated", "@requiresScopes", "@policy", "@cost", "@listSize", '
    '"@context", "@fromContext", "@composeDirective"])'
)
VERSIONS = ("v2.9", "v2.9", "v2.11", "v2.12", "v2.14")
SCALARS = ("Int", "String", "Boolean", "ID!", "[Int!]", "C")
MARKS = (
    '@tag(name: "a")',
    '@tag(name: "b")',
    "@authenticated",
    '@requiresScopes(scopes: [["s"], ["t"]])',
    "@cost(weight: 2)",
    "@cost(weight: 3)",
    "@deprecated",
    '@deprecated(reason: "old")',
    '@policy(policies: [["p"], ["q", "r"]])',
    '@policy(policies: [["q"]])',
    '@requiresScopes(scopes: [["s", "u"]])',
)
TYPE_MARKS = (
    '@tag(name: "a")',
    '@tag(name: "d")',
    "@authenticated",
    '@requiresScopes(scopes: [["s"], ["t"]])',
    '@policy(policies: [["p"]])',
    "@cost(weight: 4)",
    "@inaccessible",
)
VALUE_MARKS = ("@inaccessible", '@tag(name: "v")', "@deprecated", '@deprecated(reason: "no")')
CUSTOM = (
    'extend schema @link(url: "https://custom.example/cust/v1.MINOR", import: ["@custom"])COMPOSED'
    "\n\ndirective @custom(a: Int = 1, b: [String!])REPEATABLE on FIELD_DEFINITION | OBJECT"
)
EXECUTABLE = (
    "directive @run(a: Int) on FIELD | QUERY",
    "directive @run(a: Int) on FIELD | QUERY",
    '"how" directive @run(a: Int, b: String) repeatable on FIELD',
    "directive @run(a: Int!) on FIELD | FRAGMENT_SPREAD | FIELD_DEFINITION",
)


@dataclass
class Entity:
    """An entity of the world: its keys, its fields with their types, and who owns each."""

    name: str
    keys: list[str]
    fields: dict[str, str]
    owners: dict[str, list[int]]


@dataclass
class Part:
    """What one subgraph says of one type."""

    header: str
    directives: list[str] = field(default_factory=list)
    fields: dict[str, str] = field(default_factory=dict)

    def text(self) -> str:
        lines = [f"  {name}: {rest}" for name, rest in self.fields.items()]
        return " ".join([self.header, *self.directives]) + " {\n" + "\n".join(lines) + "\n}"


def random_subgraphs(seed: int) -> list[SubgraphSource]:
    """Return two to four subgraphs."""
    return _World(Random(seed)).sources()


class _World:
    def __init__(self, random: Random) -> None:
        self.random = random
        self.count = random.choice((2, 2, 3, 3, 4))
        self.with_interface = random.random() < 0.5
        self.with_union = random.random() < 0.3
        self.with_interface_object = self.with_interface and random.random() < 0.5
        self.with_mutation = random.random() < 0.3
        self.marks = random.choice((0.0, 0.0, 0.1))
        # in an easy world every subgraph can be moved to, and all that may be shared is
        self.easy = random.random() < 0.6
        self.version = random.choice(VERSIONS)
        self.with_custom = self.marks > 0 and random.random() < 0.4
        self.with_executable = random.random() < 0.2
        self.with_subscription = random.random() < 0.15
        self.with_scalar = random.random() < 0.2
        # loose worlds let what is shared differ between subgraphs
        self.loose = random.choice((0.0, 0.0, 0.15))
        self.values = {
            f"V{index}": {f"a{number}": random.choice(SCALARS) for number in range(3)}
            for index in range(random.randint(0, 2))
        }
        self.entities = [self._entity(index) for index in range(random.randint(1, 3))]
        self.federation_1 = {
            index for index in range(self.count) if self.marks == 0 and random.random() < 0.1
        }
        # which subgraph has the interface; the others may stand in for it
        self.interface_home = random.randrange(self.count)

    def _entity(self, index: int) -> Entity:
        random = self.random
        keys = random.choice(
            (["k0"], ["k0"], ["k0", "k1"], ["k0 k1"], ["k0", "k0 k1"], ["nest { k2 }"])
        )
        fields = {f"f{number}": random.choice(SCALARS) for number in range(random.randint(2, 4))}
        if random.random() < 0.6:
            fields["link"] = f"E{random.randrange(index + 1)}"
        if self.values and random.random() < 0.4:
            fields["value"] = f"[{random.choice(list(self.values))}]"
        owners = {
            name: random.sample(range(self.count), k=2 if random.random() < 0.25 else 1)
            for name in fields
        }
        return Entity(f"E{index}", list(keys), fields, owners)

    def sources(self) -> list[SubgraphSource]:
        return [
            SubgraphSource(f"s{index}", f"http://s{index}", self._subgraph(index))
            for index in range(self.count)
        ]

    # one subgraph -------------------------------------------------------------------------

    def _subgraph(self, index: int) -> str:
        random = self.random
        parts: dict[str, Part] = {}
        for entity in self.entities:
            owned = [name for name, owners in entity.owners.items() if index in owners]
            if owned or random.random() < 0.5:
                parts[entity.name] = self._entity_part(entity, owned, index)
        for name, fields in self.values.items():
            if random.random() < 0.6:
                parts[name] = self._value_part(name, fields)
        self._add_requires(parts)
        self._close_references(parts, index)
        if index in self.federation_1:
            self._extend(parts, index)
        else:
            self._add_contexts(parts)
        interface = self._interface(parts, index)
        union = ""
        members = [name for name in parts if name.startswith("E")]
        if self.with_union and members:
            union = (
                f"union U = {' | '.join(random.sample(members, random.randint(1, len(members))))}"
            )
        federation_2 = index not in self.federation_1
        custom = self._custom() if federation_2 and self.with_custom else ""
        texts = [
            LINK.replace("VERSION", self.version) if federation_2 else "",
            custom,
            random.choice(EXECUTABLE) if self.with_executable and random.random() < 0.9 else "",
            self._subscription(parts, index),
            self._scalar(),
            self._query(parts, index, bool(union), bool(interface)),
            self._mutation(parts, index),
            union,
            interface,
            *(self._marked(part.text(), custom=bool(custom)) for part in parts.values()),
        ]
        sdl = "\n\n".join(text for text in texts if text)
        sdl += self._marked_leaves(self._leaves(sdl))
        if index in self.federation_1:
            return _without_federation_2(sdl)
        return _renamed(sdl, random) if random.random() < 0.15 else sdl

    def _custom(self) -> str:
        """Link and define a directive of one's own, and mostly compose it."""
        random = self.random
        composed = ' @composeDirective(name: "@custom")' if random.random() < 0.75 else ""
        repeatable = " repeatable" if random.random() < 0.3 else ""
        minor = random.choice("001")
        return (
            CUSTOM.replace("MINOR", minor)
            .replace("COMPOSED", composed)
            .replace("REPEATABLE", repeatable)
        )

    def _subscription(self, parts: dict[str, Part], index: int) -> str:
        if not self.with_subscription or not parts:
            return ""
        return f"type Subscription {{\n  on{index}: {self.random.choice(sorted(parts))}\n}}"

    def _scalar(self) -> str:
        if not self.with_scalar:
            return ""
        return self.random.choice(
            (
                "",
                "scalar Date",
                'scalar Date @specifiedBy(url: "https://example.org/date")',
                '"a day"\nscalar Date @specifiedBy(url: "https://example.org/day") @tag(name: "d")',
            )
        )

    def _entity_part(self, entity: Entity, owned: Sequence[str], index: int) -> Part:
        random = self.random
        part = Part(f"type {entity.name}")
        keys = [key for key in entity.keys if self.easy or random.random() < 0.8]
        keys = keys or entity.keys[:1]
        for key in keys:
            resolvable = ", resolvable: false" if not self.easy and random.random() < 0.12 else ""
            part.directives.append(f'@key(fields: "{key}"{resolvable})')
            for name in key.split():
                if name.startswith("k") and "{" not in key:
                    part.fields[name] = "ID!"
            if "{" in key:
                part.fields["nest"] = "Nest!"
        for name in owned:
            part.fields[name] = self._owned(entity, name, index)
        return part

    def _owned(self, entity: Entity, name: str, index: int) -> str:
        random = self.random
        others = [owner for owner in entity.owners[name] if owner != index]
        text = self._loosened(entity.fields[name])
        if others and index == min(entity.owners[name]) and random.random() < 0.4:
            label = ', label: "percent(5)"' if random.random() < 0.5 else ""
            text += f' @override(from: "s{others[0]}"{label})'
        elif self.easy or (others and random.random() < 0.97):
            text += " @shareable"
        if random.random() < 0.03:
            text += " @inaccessible"
        return text

    def _loosened(self, text: str) -> str:
        random = self.random
        if random.random() >= self.loose:
            return text
        return text.removesuffix("!") if text.endswith("!") else f"{text}!"

    def _value_part(self, name: str, fields: dict[str, str]) -> Part:
        random = self.random
        chosen = {
            key: self._loosened(text)
            for key, text in fields.items()
            if self.easy or random.random() < 0.8
        }
        part = Part(f"type {name}", ["@shareable"], chosen or dict(fields))
        chance = 0.0 if self.easy else 0.2
        linked = [entity.name for entity in self.entities if random.random() < chance]
        if linked:
            part.fields["to"] = linked[0]
        return part

    def _add_requires(self, parts: dict[str, Part]) -> None:
        random = self.random
        for entity in self.entities:
            part = parts.get(entity.name)
            if part is None or random.random() < 0.5:
                continue
            missing = [name for name in entity.fields if name not in part.fields and name[0] == "f"]
            if missing:
                wanted = random.choice(missing)
                part.fields[wanted] = f"{entity.fields[wanted]} @external"
                name = f"r{random.randrange(3)}"
                part.fields[name] = f'Int @shareable @requires(fields: "{wanted}")'

    def _close_references(self, parts: dict[str, Part], index: int) -> None:
        """Give every type that is named here at least a stub."""
        waiting = list(parts.values())
        while waiting:
            part = waiting.pop()
            for text in list(part.fields.values()):
                target = text.split()[0].strip("[]!")
                if target in parts:
                    continue
                if target[0] == "E":
                    entity = self.entities[int(target[1:])]
                    parts[target] = self._entity_part(entity, [], index)
                elif target[0] == "V":
                    parts[target] = self._value_part(target, self.values[target])
                elif target == "Nest":
                    parts[target] = Part("type Nest", ["@shareable"], {"k2": "ID!"})
                else:
                    continue
                waiting.append(parts[target])

    def _extend(self, parts: dict[str, Part], index: int) -> None:
        """Write entities as federation 1 extends those of others."""
        random = self.random
        for entity in self.entities:
            part = parts.get(entity.name)
            if part is None or index == 0 or random.random() < 0.3:
                continue
            if random.random() < 0.5:
                part.header = f"extend {part.header}"
            else:
                part.directives.append("@extends")
            for name, text in part.fields.items():
                if name.startswith("k"):
                    part.fields[name] = f"{text} @external"

    def _add_contexts(self, parts: dict[str, Part]) -> None:
        """Let an entity read from another that may stand around it."""
        random = self.random
        entities = [part for name, part in parts.items() if name.startswith("E")]
        if len(entities) < 2 or random.random() < 0.85:
            return
        outer, inner = random.sample(entities, 2)
        readable = [
            (name, text.split()[0])
            for name, text in outer.fields.items()
            if text.split()[0] in ("Int", "String", "Boolean") and "@external" not in text
        ]
        if readable:
            name, kind = random.choice(readable)
            outer.directives.append('@context(name: "c")')
            selection = f"$c {{ {name} }}"
            inner.fields["ctx"] = "Int @shareable"
            inner.fields[f'ctx(a: {kind} @fromContext(field: "{selection}"))'] = inner.fields.pop(
                "ctx"
            )

    def _interface(self, parts: dict[str, Part], index: int) -> str:
        random = self.random
        if not self.with_interface:
            return ""
        if index != self.interface_home:
            if not self.with_interface_object or any(name.startswith("E") for name in parts):
                return ""
            return f'type N @interfaceObject @key(fields: "k0") {{\n  k0: ID!\n  n{index}: Int\n}}'
        members = [part for name, part in parts.items() if name.startswith("E")]
        members = [
            part
            for part in members
            if '@key(fields: "k0")' in part.directives or random.random() < 0.2
        ]
        if not members:
            return ""
        for part in members:
            part.header += " implements N"
            part.fields.setdefault("k0", "ID!")
        keyed = all('@key(fields: "k0")' in part.directives for part in members)
        key = ' @key(fields: "k0")' if keyed and random.random() < 0.9 else ""
        fields = ["  k0: ID!"]
        if random.random() < 0.5:
            fields.append("  nf: Int")
            for part in members:
                part.fields.setdefault("nf", "Int @shareable")
        for part in members:
            if random.random() < 0.2:
                part.fields["some"] = "[N] @shareable"
        return f"interface N{key} {{\n" + "\n".join(fields) + "\n}"

    def _query(
        self, parts: dict[str, Part], index: int, has_union: bool, has_interface: bool
    ) -> str:
        random = self.random
        argument = random.choice(
            ("", "", "(a: Int = 1)", "(i: In)", "(c: C)", "(a: Int!, c: C = X)")
        )
        fields = [f"  q{index}{argument}: Int"]
        shared = random.choice(("", "", "(a: Int = 1)", "(a: Int)", "(a: Int = 2)"))
        if random.random() < self.loose:
            fields.append(f"  loose{shared}: {self._loosened('Int')} @shareable")
        for name, part in parts.items():
            if random.random() < 0.6:
                provides = ""
                externals = [key for key, text in part.fields.items() if text.endswith("@external")]
                if externals and random.random() < 0.3:
                    provides = f' @provides(fields: "{externals[0]}")'
                fields.append(f"  {name.lower()}_{index}: {name}{provides}")
            if random.random() < 0.15:
                fields.append(f"  shared_{name.lower()}: [{name}] @shareable")
        if has_union:
            fields.append(f"  u: U @shareable{self._provided_through(parts)}")
        if has_interface:
            provided = self._provided_through(parts)
            shared = random.random() < 0.5
            fields.append("  n: N @shareable" if shared else f"  n{index}: N{provided}")
        return "type Query {\n" + "\n".join(fields) + "\n}"

    def _provided_through(self, parts: dict[str, Part]) -> str:
        """Return a ``@provides`` with a type condition, if an entity here has external fields."""
        random = self.random
        for name, part in parts.items():
            external = [key for key, text in part.fields.items() if text.endswith("@external")]
            if name.startswith("E") and external and random.random() < 0.3:
                return f' @provides(fields: "... on {name} {{ {external[0]} }}")'
        return ""

    def _mutation(self, parts: dict[str, Part], index: int) -> str:
        random = self.random
        if not self.with_mutation or not parts or random.random() < 0.4:
            return ""
        target = random.choice(sorted(parts))
        shared = min(parts)
        return (
            f"type Mutation {{\n  m{index}: {target}\n  shared: {shared} @shareable\n}}"
            if random.random() < 0.5
            else f"type Mutation {{\n  m{index}: {target}\n}}"
        )

    def _leaves(self, sdl: str) -> str:
        """Define the enum and the input if they are used; the input uses the enum."""
        random = self.random
        text = ""
        if ": In" in sdl:
            entries = ["a: Int", 'b: String = "x"', "c: C", "d: Int! = 3"]
            chosen = [entry for entry in entries if random.random() > self.loose]
            text += "\n\ninput In {\n  " + "\n  ".join(chosen or entries) + "\n}"
        if any(use in sdl + text for use in (": C", "[C")):
            values = [value for value in ("Y", "Z") if random.random() > self.loose]
            text += "\n\nenum C {\n  X\n  " + "\n  ".join(values) + "\n}"
        return text

    def _marked(self, text: str, *, custom: bool = False) -> str:
        """Put directives and descriptions on some of the lines of a type."""
        random = self.random
        lines = []
        marks = (
            (*MARKS, *("@custom", "@custom(a: 2)", '@custom(b: ["x"])') * 2) if custom else MARKS
        )
        for line in text.split("\n"):
            marked = line
            if line.startswith("  ") and "@external" not in line and random.random() < self.marks:
                marked = f"{line} {random.choice(marks)}"
            elif line.endswith(" {") and random.random() < self.marks:
                marked = f"{line[:-2]} {random.choice(TYPE_MARKS)} {{"
            if line.startswith("  ") and random.random() < self.loose / 2:
                marked = f'  "says {random.randrange(2)}"\n{marked}'
            lines.append(marked)
        return "\n".join(lines)

    def _marked_leaves(self, text: str) -> str:
        """Put directives on some values of enums and fields of inputs."""
        random = self.random
        return "\n".join(
            f"{line} {random.choice(VALUE_MARKS)}"
            if line.startswith("  ") and random.random() < self.marks
            else line
            for line in text.split("\n")
        )


def _renamed(sdl: str, random: Random) -> str:
    """Call federation's directives by other names."""
    for name in ("key", "shareable", "requires", "provides", "external", "override"):
        if random.random() < 0.5:
            continue
        if random.random() < 0.5:
            sdl = sdl.replace(f'"@{name}"', f'{{name: "@{name}", as: "@my_{name}"}}', 1)
            head, _, rest = sdl.partition("\n")
            sdl = f"{head}\n" + re.sub(rf"@{name}\b", f"@my_{name}", rest)
        else:
            sdl = sdl.replace(f'"@{name}", ', "", 1)
            head, _, rest = sdl.partition("\n")
            sdl = f"{head}\n" + re.sub(rf"@{name}\b", f"@federation__{name}", rest)
    return sdl


def _without_federation_2(sdl: str) -> str:
    """Rewrite a schema as federation 1 might have it."""
    lines = []
    for line in sdl.split("\n"):
        words = line.split(" @")
        kept = [
            word
            for word in words[1:]
            if not f"@{word}".startswith(
                ("@shareable", "@override", "@inaccessible", "@interfaceObject")
            )
        ]
        lines.append(" @".join([words[0], *kept]) if len(kept) < len(words) - 1 else line)
        if line.endswith("{") and not lines[-1].endswith("{"):
            lines[-1] += " {"
    return "\n".join(lines)
