"""Random input values: as JSON, as GraphQL writes them, and as variables here and there."""

from __future__ import annotations

from random import Random
from typing import Any

from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLList, GraphQLNonNull
from graphql import get_named_type as named_type

__all__ = ["Literals"]


class Literals:
    """Writes input values; remembers the variables that it uses."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.variables: dict[str, tuple[str, Any]] = {}
        """Type and value by name; the value is ``...`` where none is given."""
        self.defaults: dict[str, str] = {}

    @property
    def given(self) -> dict[str, Any]:
        """The variables that are sent along."""
        return {name: value for name, (_, value) in self.variables.items() if value is not ...}

    @property
    def heads(self) -> str:
        """The variables as the operation declares them."""
        heads = ", ".join(
            f"${name}: {kind}" + (f" = {self.defaults[name]}" if name in self.defaults else "")
            for name, (kind, _) in self.variables.items()
        )
        return f"({heads})" if heads else ""

    def boolean(self, name: str) -> str:
        """Return the use of a condition's variable: given, left to its default, or both."""
        if name not in self.variables:
            self.variables[name] = ("Boolean!", self.rng.random() < 0.5)
            if self.rng.random() < 0.3:
                self.defaults[name] = self.rng.choice(["true", "false"])
                if self.rng.random() < 0.5:
                    self.variables[name] = ("Boolean!", ...)
        return f"${name}"

    def written(self, kind: Any, depth: int) -> str:
        """Return an input value as text."""
        value = self.raw(kind, depth)
        if self.rng.random() < 0.35:
            name = f"w{len(self.variables)}"
            self.variables[name] = (str(kind), value)
            if not isinstance(kind, GraphQLNonNull) and self.rng.random() < 0.3:
                self.defaults[name] = self.literal(kind, self.raw(kind, depth))
                if self.rng.random() < 0.5:
                    self.variables[name] = (str(kind), ...)
            return f"${name}"
        return self._with_variables(kind, value, depth)

    def _with_variables(self, kind: Any, value: Any, depth: int) -> str:
        """Return the value as text, with variables inside of input objects and lists."""
        named = named_type(kind)
        inner = kind.of_type if isinstance(kind, GraphQLNonNull) else kind
        if isinstance(inner, GraphQLList) and value is not None:
            return f"[{', '.join(self.written(inner.of_type, depth - 1) for _ in value)}]"
        if isinstance(named, GraphQLInputObjectType) and value is not None:
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
                or (self.rng.random() < 0.6 and (depth > 0 or named_type(each.type) is not kind))
            }
        return self._scalar(kind.name)

    def _scalar(self, name: str) -> Any:
        match name:
            case "Int":
                return self.rng.randint(0, 3)
            case "Json":
                return self.rng.choice([1, "p", [None, 2], {"k": ["p"], "__typename": "x"}, {}])
        return self.rng.choice(["p", "q"])

    def literal(self, kind: Any, value: Any) -> str:
        """Return JSON as GraphQL writes it."""
        if isinstance(kind, GraphQLNonNull):
            return self.literal(kind.of_type, value)
        match value:
            case None:
                return "null"
            case list():
                inner = kind.of_type if isinstance(kind, GraphQLList) else kind
                return "[" + ", ".join(self.literal(inner, each) for each in value) + "]"
            case dict():
                fields = kind.fields if isinstance(kind, GraphQLInputObjectType) else {}
                parts = (
                    f"{k}: {self.literal(fields[k].type if k in fields else kind, v)}"
                    for k, v in value.items()
                )
                return "{" + ", ".join(parts) + "}"
            case str() if not isinstance(kind, GraphQLEnumType):
                return f'"{value}"'
        return str(value)
