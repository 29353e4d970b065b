"""The text of a wild subgraph: its version, its links, its names for directives, its style."""

from __future__ import annotations

import re
from typing import Final

from tests.router.composition.wild.model import Type
from tests.router.composition.wild.part import Part
from tests.router.composition.wild.world import APART

__all__ = ["write"]

SINCE: Final = {
    "key": 0, "requires": 0, "provides": 0, "external": 0, "tag": 0, "extends": 0, "shareable": 0,
    "inaccessible": 0, "override": 0, "composeDirective": 1, "interfaceObject": 3,
    "authenticated": 5, "requiresScopes": 5, "policy": 6, "context": 8, "fromContext": 8,
    "cost": 9, "listSize": 9, "cacheTag": 12,
}  # fmt: skip
FEDERATION_1: Final = frozenset({"key", "requires", "provides", "external", "extends", "tag"})
BUILT_IN: Final = frozenset({"deprecated", "specifiedBy", "run"})


def write(part: Part) -> str:
    """Return the SDL of a subgraph."""
    return _Text(part).sdl()


class _Text:
    """The schema of one subgraph, written in its style."""

    def __init__(self, part: Part) -> None:
        self.part = part
        self.world = part.world
        self.random = part.random

    def sdl(self) -> str:
        world = self.world
        blocks = [text for each in self.part.types.values() for text in self._written(each)]
        if self.part.executable:
            blocks.append(self.part.executable)
        if world.has("printed") and world.chance(0.5):
            blocks += self._printed()
        body = "\n\n".join(blocks)
        if self.part.is_fed1:
            return _only(body, FEDERATION_1 | BUILT_IN)
        if world.chance(0.95):
            body = _only(
                body,
                BUILT_IN
                | {"custom"}
                | {n for n, since in SINCE.items() if since <= self.part.minor},
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
            each.name
            for each in self.part.objects()
            if any(m.startswith("key") for m in each.marks)
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
        federation = f'@link(url: "https://specs.apollo.dev/federation/v2.{self.part.minor}"{text})'
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
            if name in self.part.types:
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
        if self.part.minor < 1:
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
