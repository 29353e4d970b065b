"""A random operation that validates against a schema, with its variables."""

from __future__ import annotations

from random import Random
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    OperationType,
    get_named_type,
    is_composite_type,
    is_object_type,
    parse,
    validate,
)

__all__ = ["random_operation"]


class _Writer:
    """Writes one operation; remembers the variables and fragments that it uses."""

    def __init__(self, rng: Random, schema: GraphQLSchema, *, defer: bool) -> None:
        self.rng = rng
        self.schema = schema
        self.defer = defer
        self.variables: dict[str, tuple[str, Any]] = {}
        self.defaults: dict[str, str] = {}
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
        if self.defer and roll > 0.9:
            return self.fragment(kind, depth, deferred=True)
        if not isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            return self.fragment(self.rng.choice(possible), depth)
        name, definition = self.rng.choice(list(kind.fields.items()))
        return self.field(name, definition, depth)

    def possible(self, kind: Any) -> list[Any]:
        """Return type conditions that make sense on the type: unions around it too."""
        if is_object_type(kind):
            around = [
                each
                for each in self.schema.type_map.values()
                if each.name in self.unions and kind in self.schema.get_possible_types(each)
            ]
            return [kind, *kind.interfaces, *around]
        members = list(self.schema.get_possible_types(kind))
        return [*members, kind]

    @property
    def unions(self) -> set[str]:
        """The names of all unions."""
        return {name for name, each in self.schema.type_map.items() if hasattr(each, "types")}

    def fragment(self, on: Any, depth: int, *, deferred: bool = False) -> str:
        if depth <= 0 or self.budget <= 0:
            return "__typename"
        body = self.selections(on, depth - 1)
        defer = self.deferral() if deferred else ""
        if self.rng.random() < 0.2:
            name = f"F{len(self.fragments)}"
            self.fragments.append("")
            self.fragments[int(name[1:])] = f"fragment {name} on {on.name} {{ {body} }}"
            return f"...{name}{self.condition()}{defer}"
        return f"... on {on.name}{self.condition()}{defer} {{ {body} }}"

    def deferral(self) -> str:
        args = []
        if self.rng.random() < 0.5:
            args.append(f'label: "l{self.rng.randrange(10**6)}"')
        if self.rng.random() < 0.3:
            self.variables.setdefault("d0", ("Boolean!", self.rng.random() < 0.5))
            args.append("if: $d0")
        return f" @defer({', '.join(args)})" if args else " @defer"

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
            if self.rng.random() < 0.3 and not isinstance(arg.type, GraphQLNonNull):
                continue
            parts.append(f"{name}: {self.written(arg.type, 2)}")
        return f"({', '.join(parts)})" if parts else ""

    def written(self, kind: Any, depth: int) -> str:
        """Return an input value as text, with variables here and there."""
        value = self.raw(kind, depth)
        if self.rng.random() < 0.35:
            name = f"w{len(self.variables)}"
            self.variables[name] = (str(kind), value)
            if not isinstance(kind, GraphQLNonNull) and self.rng.random() < 0.3:
                self.defaults[name] = self.literal(kind, self.raw(kind, depth))
                if self.rng.random() < 0.5:
                    self.variables[name] = (str(kind), ...)
            return f"${name}"
        if isinstance(get_named_type(kind), GraphQLInputObjectType) and value is not None:
            named = get_named_type(kind)
            assert isinstance(named, GraphQLInputObjectType)
            parts = [
                f"{each}: {self.written(named.fields[each].type, depth - 1)}" for each in value
            ]
            return "{" + ", ".join(parts) + "}"
        return self.literal(kind, value)

    def raw(self, kind: Any, depth: int) -> Any:
        """Return an input value as JSON."""
        if isinstance(kind, GraphQLNonNull):
            found = None
            while found is None:
                found = self.raw(kind.of_type, depth)
            return found
        if self.rng.random() < 0.08:
            return None
        if isinstance(kind, GraphQLList):
            return [self.raw(kind.of_type, depth) for _ in range(self.rng.randint(0, 2))]
        if isinstance(kind, GraphQLEnumType):
            return self.rng.choice(list(kind.values))
        if isinstance(kind, GraphQLInputObjectType):
            return {
                name: self.raw(each.type, depth - 1)
                for name, each in kind.fields.items()
                if isinstance(each.type, GraphQLNonNull)
                or (self.rng.random() < 0.6 and (depth > 0 or each.type is not kind))
            }
        if kind.name == "Int":
            return self.rng.randint(0, 3)
        return self.rng.choice(["p", "q"])

    def literal(self, kind: Any, value: Any) -> str:
        """Return JSON as GraphQL writes it."""
        if isinstance(kind, GraphQLNonNull):
            return self.literal(kind.of_type, value)
        match value:
            case None:
                return "null"
            case list() if isinstance(kind, GraphQLList):
                return "[" + ", ".join(self.literal(kind.of_type, each) for each in value) + "]"
            case dict() if isinstance(kind, GraphQLInputObjectType):
                parts = (f"{k}: {self.literal(kind.fields[k].type, v)}" for k, v in value.items())
                return "{" + ", ".join(parts) + "}"
            case str() if not isinstance(kind, GraphQLEnumType):
                return f'"{value}"'
        return str(value)

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
    rng: Random, schema: GraphQLSchema, kind: str = "query", *, defer: bool = False
) -> tuple[str, dict[str, Any]]:
    """Return (document, variables); conflicting aliases are retried, then left out."""
    root = schema.get_root_type(OperationType(kind))
    assert root is not None
    for _ in range(20):
        writer = _Writer(rng, schema, defer=defer)
        if kind == "subscription":
            name, definition = rng.choice(list(root.fields.items()))
            body = writer.field(name, definition, 5)
        else:
            body = writer.selections(root, 5)
        heads = ", ".join(
            f"${name}: {type_}" + (f" = {writer.defaults[name]}" if name in writer.defaults else "")
            for name, (type_, _) in writer.variables.items()
        )
        text = f"{kind} Q{f'({heads})' if heads else ''} {{ {body} }} " + " ".join(writer.fragments)
        if not validate(schema, parse(text)):
            given = {n: value for n, (_, value) in writer.variables.items() if value is not ...}
            return text, given
    if kind == "query":
        return "query { __typename }", {}
    return random_operation(rng, schema, "query", defer=defer)
