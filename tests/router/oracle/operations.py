"""A random operation that validates against a schema, with its variables."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_composite_type,
    is_object_type,
    parse,
    validate,
)

__all__ = ["random_operation"]


class _Writer:
    """Writes one operation; remembers the variables and fragments that it uses."""

    def __init__(self, rng: Random, schema: GraphQLSchema) -> None:
        self.rng = rng
        self.schema = schema
        self.variables: dict[str, tuple[str, Any]] = {}
        self.fragments: list[str] = []
        self.budget = rng.randint(4, 40)

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
        possible = self.possible(kind)
        if roll < 0.05:
            return self.rng.choice(["__typename", "t: __typename"])
        abstract = not is_object_type(kind)
        if (abstract and roll < 0.6) or roll < 0.12:
            return self.fragment(self.rng.choice(possible), depth)
        if not isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            return self.fragment(self.rng.choice(possible), depth)
        name, definition = self.rng.choice(list(kind.fields.items()))
        return self.field(name, definition, depth)

    def possible(self, kind: Any) -> list[Any]:
        if is_object_type(kind):
            return [kind, *kind.interfaces]
        members = list(self.schema.get_possible_types(kind))
        return [*members, kind]

    def fragment(self, on: Any, depth: int) -> str:
        if depth <= 0 or self.budget <= 0:
            return "__typename"
        body = self.selections(on, depth - 1)
        if self.rng.random() < 0.2:
            name = f"F{len(self.fragments)}"
            self.fragments.append("")
            self.fragments[int(name[1:])] = f"fragment {name} on {on.name} {{ {body} }}"
            return f"...{name}{self.condition()}"
        return f"... on {on.name}{self.condition()} {{ {body} }}"

    def field(self, name: str, definition: GraphQLField, depth: int) -> str | None:
        kind = get_named_type(definition.type)
        body = ""
        if is_composite_type(kind):
            if depth <= 0 or self.budget <= 0:
                return None
            body = f" {{ {self.selections(kind, depth - 1)} }}"
        alias = f"{self.rng.choice(['a', 'b', 'id', 'code'])}: " if self.rng.random() < 0.12 else ""
        return f"{alias}{name}{self.arguments(definition)}{self.condition()}{body}"

    def arguments(self, definition: GraphQLField) -> str:
        parts = []
        for name, arg in definition.args.items():
            if self.rng.random() < 0.3:
                continue
            value, variable = self.value(arg.type)
            parts.append(f"{name}: {variable or value}")
        return f"({', '.join(parts)})" if parts else ""

    def value(self, kind: Any) -> tuple[str, str | None]:
        named = get_named_type(kind)
        raw: Any
        if isinstance(named, GraphQLEnumType):
            raw = self.rng.choice(list(named.values))
            text = str(raw)
        else:
            raw = self.rng.randint(0, 3) if named.name == "Int" else self.rng.choice(["p", "q"])
            text = json.dumps(raw)
        if self.rng.random() < 0.4:
            name = f"w{len(self.variables)}"
            self.variables[name] = (named.name, raw)
            return text, f"${name}"
        return text, None

    def condition(self) -> str:
        roll = self.rng.random()
        if roll > 0.1:
            return ""
        directive = self.rng.choice(["skip", "include"])
        if roll < 0.03:
            return f" @{directive}(if: {self.rng.choice(['true', 'false'])})"
        name = self.rng.choice(["c0", "c1"])
        self.variables.setdefault(name, ("Boolean!", self.rng.random() < 0.5))
        return f" @{directive}(if: ${name})"


def random_operation(
    rng: Random, schema: GraphQLSchema, kind: str = "query"
) -> tuple[str, dict[str, Any]]:
    """Return (document, variables); conflicting aliases are retried, then left out."""
    for _ in range(20):
        writer = _Writer(rng, schema)
        root = schema.query_type if kind == "query" else schema.mutation_type
        assert root is not None
        body = writer.selections(root, 5)
        heads = ", ".join(f"${name}: {type_}" for name, (type_, _) in writer.variables.items())
        text = f"{kind} Q{f'({heads})' if heads else ''} {{ {body} }} " + " ".join(writer.fragments)
        if not validate(schema, parse(text)):
            return text, {name: value for name, (_, value) in writer.variables.items()}
    return f"{kind} {{ __typename }}", {}
