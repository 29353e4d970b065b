"""Random sets of subgraphs, by seed: mostly composable, often not quite.

A small world is drawn (entities with keys, value types, an interface, a union), then each
subgraph is given a part of it. Nothing guarantees that the parts fit: that is for the composer
to say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from router.composition.sources import SubgraphSource

__all__ = ["random_subgraphs"]

LINK = (
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", '
    '"@requires", "@provides", "@external", "@shareable", "@override", "@inaccessible", "@tag", '
    '"@interfaceObject"])'
)
SCALARS = ("Int", "String", "Boolean", "ID!")


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
        self.entities = [self._entity(index) for index in range(random.randint(1, 3))]
        self.values = {
            f"V{index}": {f"a{number}": random.choice(SCALARS) for number in range(3)}
            for index in range(random.randint(0, 2))
        }
        # which subgraph has the interface; the others may stand in for it
        self.interface_home = random.randrange(self.count)

    def _entity(self, index: int) -> Entity:
        random = self.random
        keys = random.choice((["k0"], ["k0"], ["k0", "k1"], ["k0 k1"], ["k0", "k0 k1"]))
        fields = {f"f{number}": random.choice(SCALARS) for number in range(random.randint(2, 4))}
        if random.random() < 0.6:
            fields["link"] = f"E{random.randrange(index + 1)}"
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
        interface = self._interface(parts, index)
        union = ""
        members = [name for name in parts if name.startswith("E")]
        if self.with_union and members:
            union = (
                f"union U = {' | '.join(random.sample(members, random.randint(1, len(members))))}"
            )
        query = self._query(parts, index, bool(union), bool(interface))
        texts = [LINK, query, union, interface, *(part.text() for part in parts.values())]
        return "\n\n".join(text for text in texts if text)

    def _entity_part(self, entity: Entity, owned: Sequence[str], index: int) -> Part:
        random = self.random
        part = Part(f"type {entity.name}")
        keys = [key for key in entity.keys if random.random() < 0.8] or entity.keys[:1]
        for key in keys:
            resolvable = ", resolvable: false" if random.random() < 0.12 else ""
            part.directives.append(f'@key(fields: "{key}"{resolvable})')
            for name in key.split():
                part.fields[name] = "ID!"
        for name in owned:
            others = [owner for owner in entity.owners[name] if owner != index]
            text = entity.fields[name]
            if others and index == min(entity.owners[name]) and random.random() < 0.4:
                label = ', label: "percent(5)"' if random.random() < 0.5 else ""
                text += f' @override(from: "s{others[0]}"{label})'
            elif others:
                text += " @shareable" if random.random() < 0.95 else ""
            if random.random() < 0.04:
                text += " @inaccessible"
            part.fields[name] = text
        return part

    def _value_part(self, name: str, fields: dict[str, str]) -> Part:
        random = self.random
        chosen = {key: text for key, text in fields.items() if random.random() < 0.75}
        part = Part(f"type {name}", ["@shareable"], chosen or dict(fields))
        linked = [entity.name for entity in self.entities if random.random() < 0.3]
        if linked:
            part.fields["to"] = linked[0]
        return part

    def _add_requires(self, parts: dict[str, Part]) -> None:
        random = self.random
        for entity in self.entities:
            part = parts.get(entity.name)
            if part is None or random.random() < 0.5:
                continue
            missing = [name for name in entity.fields if name not in part.fields and name != "link"]
            if missing:
                wanted = random.choice(missing)
                part.fields[wanted] = f"{entity.fields[wanted]} @external"
                name = f"r{random.randrange(3)}"
                part.fields[name] = f'Int @shareable @requires(fields: "{wanted}")'

    def _close_references(self, parts: dict[str, Part], index: int) -> None:
        """Give every type that is named here at least a stub."""
        for part in list(parts.values()):
            for text in list(part.fields.values()):
                target = text.split()[0].strip("[]!")
                if target.startswith("E") and target not in parts:
                    entity = self.entities[int(target[1:])]
                    parts[target] = self._entity_part(entity, [], index)

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
        key = ' @key(fields: "k0")' if keyed else ""
        return f"interface N{key} {{\n  k0: ID!\n}}"

    def _query(
        self, parts: dict[str, Part], index: int, has_union: bool, has_interface: bool
    ) -> str:
        random = self.random
        fields = [f"  q{index}: Int"]
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
            fields.append("  u: U @shareable")
        if has_interface:
            fields.append("  n: N @shareable" if random.random() < 0.5 else f"  n{index}: N")
        return "type Query {\n" + "\n".join(fields) + "\n}"
