"""A random operation that validates against a schema, with its variables."""

from __future__ import annotations

from collections.abc import Collection
from random import Random
from typing import Any

from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    OperationType,
    do_types_overlap,
    is_composite_type,
    is_object_type,
    parse,
    validate,
)
from graphql import get_named_type as named_type

from .literals import Literals

__all__ = ["random_operation"]

ALIASES = ("a", "b", "id", "code")
"""Few, so that they meet each other and the names of fields."""

CONDITIONS = ("c0", "c1", "c2", "c3", "c4", "c5")
"""Variables; all values of so many are more than the planner weighs."""


class _Writer:
    """Writes one operation; remembers the fragments that it uses."""

    def __init__(
        self, rng: Random, schema: GraphQLSchema, *, defer: bool, favoured: Collection[str]
    ) -> None:
        self.rng = rng
        self.schema = schema
        self.defer = defer
        self.favoured = favoured
        self.literals = Literals(rng)
        self.fragments: list[tuple[str, str]] = []
        """Type condition and text by number; the text is empty while it is written."""
        self.budget = rng.randint(4, 40)
        self.aliased = rng.choice([0.0, 0.12, 0.12, 0.4])
        self.conditional = rng.choice([0.1, 0.1, 0.1, 0.45])
        self.conditions = CONDITIONS[: rng.choice([3, 3, 3, 6])]

    def selections(self, kind: Any, depth: int) -> str:
        parts = []
        for _ in range(self.rng.randint(1, 4)):
            self.budget -= 1
            part = self.selection(kind, depth)
            if part:
                parts.append(part)
        return " ".join(parts) or "__typename"

    def selection(self, kind: Any, depth: int) -> str | None:
        roll = self.rng.random()
        if roll < 0.05:
            return self.rng.choice(["", "t: "]) + "__typename" + self.condition()
        if kind is self.schema.query_type and roll > 0.97:
            return self.introspection()
        possible = self.possible(kind)
        abstract = not is_object_type(kind)
        if (abstract and roll < 0.6) or roll < 0.12:
            return self.fragment(self.rng.choice(possible), depth)
        if self.defer and roll > 0.9:
            return self.fragment(kind, depth, deferred=True)
        if not isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            return self.fragment(self.rng.choice(possible), depth)
        favoured = [name for name in kind.fields if name in self.favoured]
        names = favoured if favoured and self.rng.random() < 0.4 else list(kind.fields)
        name = self.rng.choice(names)
        return self.field(name, kind.fields[name], depth)

    def introspection(self) -> str:
        """Return a question about the schema, to be answered beside the data."""
        name = self.rng.choice([*self.schema.type_map, "Nobody"])
        return self.rng.choice(
            [
                "__schema { queryType { name } mutationType { name } }",
                f'__type(name: "{name}"){self.condition()} {{ kind name }}',
                f'{self.alias(0.5)}__type(name: "{name}") {{ fields {{ name type {{ name }} }} }}',
            ]
        )

    def possible(self, kind: Any) -> list[Any]:
        """Return type conditions that make sense on the type: what may be of both."""
        around = [
            each
            for each in self.schema.type_map.values()
            if is_composite_type(each)
            and not is_object_type(each)
            and each is not kind
            and do_types_overlap(self.schema, each, kind)
        ]
        if is_object_type(kind):
            return [kind, *around]
        members = list(self.schema.get_possible_types(kind))
        return [*members, *members, kind, *around]

    def fragment(self, on: Any, depth: int, *, deferred: bool = False) -> str:
        if depth <= 0 or self.budget <= 0:
            return "__typename"
        known = [n for n, (name, text) in enumerate(self.fragments) if text and name == on.name]
        if known and self.rng.random() < 0.2:
            return f"...F{self.rng.choice(known)}{self.condition()}"
        body = self.selections(on, depth - 1)
        directives = self.condition() + (self.deferral() if deferred else "")
        if self.rng.random() < 0.2:
            number = len(self.fragments)
            self.fragments.append((on.name, ""))
            text = f"fragment F{number} on {on.name} {{ {body} }}"
            self.fragments[number] = (on.name, text)
            return f"...F{number}{directives}"
        return f"... on {on.name}{directives} {{ {body} }}"

    def deferral(self) -> str:
        args = []
        if self.rng.random() < 0.5:
            args.append(f'label: "l{self.rng.randrange(10**6)}"')
        if self.rng.random() < 0.3:
            args.append(f"if: {self.literals.boolean(self.rng.choice(['d0', 'd1', 'c0']))}")
        return f" @defer({', '.join(args)})" if args else " @defer"

    def field(self, name: str, definition: GraphQLField, depth: int) -> str | None:
        kind = named_type(definition.type)
        body = ""
        if is_composite_type(kind):
            if depth <= 0 or self.budget <= 0:
                return None
            body = f" {{ {self.selections(kind, depth - 1)} }}"
        alias = self.alias(self.aliased)
        return f"{alias}{name}{self.arguments(definition)}{self.condition()}{body}"

    def alias(self, probability: float) -> str:
        return f"{self.rng.choice(ALIASES)}: " if self.rng.random() < probability else ""

    def arguments(self, definition: GraphQLField) -> str:
        parts = []
        for name, arg in definition.args.items():
            if self.rng.random() < 0.3 and not isinstance(arg.type, GraphQLNonNull):
                continue
            parts.append(f"{name}: {self.literals.written(arg.type, 2)}")
        return f"({', '.join(parts)})" if parts else ""

    def condition(self) -> str:
        """Return no condition mostly, else one, else both."""
        roll = self.rng.random()
        if roll > self.conditional:
            return ""
        directives = (
            ["skip", "include"]
            if roll < self.conditional / 10
            else [self.rng.choice(["skip", "include"])]
        )
        return "".join(f" @{each}(if: {self.truth()})" for each in directives)

    def truth(self) -> str:
        if self.rng.random() < 0.3:
            return self.rng.choice(["true", "false"])
        return self.literals.boolean(self.rng.choice(self.conditions))


def random_operation(
    rng: Random,
    schema: GraphQLSchema,
    kind: str = "query",
    *,
    defer: bool = False,
    favoured: Collection[str] = (),
) -> tuple[str, dict[str, Any]]:
    """Return (document, variables); what conflicts is tried again, then given up.

    ``favoured`` are the names of fields that are chosen more often than by chance.
    """
    root = schema.get_root_type(OperationType(kind))
    assert root is not None
    for _ in range(20):
        writer = _Writer(rng, schema, defer=defer, favoured=favoured)
        if kind == "subscription":
            name, definition = rng.choice(list(root.fields.items()))
            body = writer.field(name, definition, 5)
        else:
            body = writer.selections(root, 5)
        fragments = " ".join(text for _, text in writer.fragments)
        text = f"{kind} Q{writer.literals.heads} {{ {body} }} {fragments}"
        if not validate(schema, parse(text)):
            return text, writer.literals.given
    if kind == "query":
        return "query { __typename }", {}
    return random_operation(rng, schema, "query", defer=defer, favoured=favoured)
