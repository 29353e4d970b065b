"""A schema as one subgraph has it: types, their fields, arguments, and the directives on each."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Argument", "Field", "Type"]


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
