"""A small world: what each subgraph says it has. Everything else is derived from that.

The SDLs are the whole of it: a subgraph's behaviour is read off its directives, the values are a
function of place and arguments, and the schema that clients see is merged here a second time,
by other code than the composer's. So a shrunk failure is a few SDLs that a test can hold.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from graphql import (
    ConstDirectiveNode,
    DirectiveNode,
    DocumentNode,
    EnumTypeDefinitionNode,
    FieldDefinitionNode,
    InputObjectTypeDefinitionNode,
    InputValueDefinitionNode,
    InterfaceTypeDefinitionNode,
    ObjectTypeDefinitionNode,
    ScalarTypeDefinitionNode,
    TypeDefinitionNode,
    UnionTypeDefinitionNode,
    parse,
    print_ast,
    value_from_ast_untyped,
)

__all__ = [
    "ROOTS",
    "SCALARS",
    "Arg",
    "Directive",
    "Field",
    "Ref",
    "Schema",
    "Type",
    "World",
    "print_types",
]

SCALARS: Final = ("Int", "String", "Boolean", "Float", "ID")
ROOTS: Final = ("Query", "Mutation", "Subscription")


@dataclass(frozen=True)
class Ref:
    """A type: ``named`` below list levels; ``required`` tells ``!`` from inside out."""

    named: str
    required: tuple[bool, ...] = (False,)

    @property
    def lists(self) -> int:
        """How many lists there are around the named type."""
        return len(self.required) - 1

    @classmethod
    def parse(cls, text: str) -> Ref:
        """Return the type that is written ``text``."""
        name = re.sub(r"[\[\]!]", "", text)
        marks = text[text.count("[") + len(name) :]
        return cls(name, tuple(each.endswith("!") for each in re.findall(r"^!?|\]!?", marks)))

    def __str__(self) -> str:
        text = self.named + ("!" if self.required[0] else "")
        for mark in self.required[1:]:
            text = f"[{text}]" + ("!" if mark else "")
        return text


@dataclass(frozen=True)
class Directive:
    """A directive's application; arguments are texts and truths."""

    name: str
    args: tuple[tuple[str, str | bool], ...] = ()

    @classmethod
    def of(cls, name: str, /, **args: str | bool) -> Directive:
        """Return ``@name(args)``."""
        return cls(name, tuple(args.items()))

    def get(self, name: str) -> Any:
        """Return an argument, or None."""
        return dict(self.args).get(name)

    def __str__(self) -> str:
        def shown(value: str | bool) -> str:
            return str(value).lower() if isinstance(value, bool) else json.dumps(value)

        args = ", ".join(f"{name}: {shown(value)}" for name, value in self.args)
        return f"@{self.name}({args})" if args else f"@{self.name}"


class _Directed:
    directives: list[Directive]

    def has(self, name: str) -> bool:
        """Tell whether it carries the directive."""
        return any(each.name == name for each in self.directives)

    def all(self, name: str) -> list[Directive]:
        """Return the directive's applications."""
        return [each for each in self.directives if each.name == name]

    def add(self, name: str, /, **args: str | bool) -> None:
        """Add a directive unless it is there already."""
        made = Directive.of(name, **args)
        if made not in self.directives:
            self.directives.append(made)


@dataclass
class Arg(_Directed):
    """An argument or input field; ``default`` as printed."""

    name: str
    type: Ref
    default: str | None = None
    directives: list[Directive] = field(default_factory=list)

    def __str__(self) -> str:
        default = "" if self.default is None else f" = {self.default}"
        return " ".join([f"{self.name}: {self.type}{default}", *map(str, self.directives)])


@dataclass
class Field(_Directed):
    """A field as one subgraph declares it."""

    name: str
    type: Ref
    args: list[Arg] = field(default_factory=list)
    directives: list[Directive] = field(default_factory=list)

    def __str__(self) -> str:
        args = f"({', '.join(map(str, self.args))})" if self.args else ""
        return " ".join([f"{self.name}{args}: {self.type}", *map(str, self.directives)])

    @property
    def requires(self) -> str | None:
        """The field set of ``@requires``."""
        found = self.all("requires")
        return found[0].get("fields") if found else None

    @property
    def contextual(self) -> list[Arg]:
        """The arguments that an ancestor fills."""
        return [arg for arg in self.args if arg.has("fromContext")]


@dataclass
class Type(_Directed):
    """A type as one subgraph declares it; ``kind`` is its keyword. ``extend``: Federation 1."""

    name: str
    kind: str = "type"
    fields: dict[str, Field] = field(default_factory=dict)
    inputs: dict[str, Arg] = field(default_factory=dict)
    interfaces: list[str] = field(default_factory=list)
    members: list[str] = field(default_factory=list)
    values: dict[str, list[Directive]] = field(default_factory=dict)
    directives: list[Directive] = field(default_factory=list)
    extend: bool = False

    @property
    def keys(self) -> list[Directive]:
        """The applications of ``@key``."""
        return self.all("key")

    def print(self, *, extend: bool = True) -> str:
        """Return the definition."""
        head = f"{'extend ' if extend and self.extend else ''}{self.kind} {self.name}"
        if self.interfaces:
            head += f" implements {' & '.join(self.interfaces)}"
        head = " ".join([head, *map(str, self.directives)])
        match self.kind:
            case "scalar":
                return head
            case "union":
                return f"{head} = {' | '.join(self.members)}"
            case "enum":
                lines = [
                    " ".join([name, *map(str, directives)])
                    for name, directives in self.values.items()
                ]
            case "input":
                lines = list(map(str, self.inputs.values()))
            case _:
                lines = list(map(str, self.fields.values()))
        return head + " {\n" + "\n".join(f"  {line}" for line in lines) + "\n}"


Schema = dict[str, Type]


def print_types(types: Schema) -> str:
    """Return the definitions as one SDL."""
    return "\n\n".join(each.print(extend=False) for each in types.values())


@dataclass
class World:
    """The subgraphs' schemas by name; ``seed`` makes the values. ``fed1`` have no ``@link``."""

    seed: int
    schemas: dict[str, Schema]
    fed1: set[str] = field(default_factory=set)
    version: str = "v2.9"

    @classmethod
    def parse(cls, sdls: Mapping[str, str], *, seed: int = 0, fed1: Iterable[str] = ()) -> World:
        """Return the world of these SDLs, which leave the link out."""
        schemas = {
            name: {t.name: t for t in _types(parse(sdl, no_location=True))}
            for name, sdl in sdls.items()
        }
        return cls(seed, schemas, set(fed1))

    @property
    def mutation(self) -> bool:
        """Whether some subgraph has mutations."""
        return any("Mutation" in schema for schema in self.schemas.values())

    @property
    def moved(self) -> set[str]:
        """The names of fields that are not simply taken from where their objects are."""
        return {
            field.name
            for schema in self.schemas.values()
            for declared in schema.values()
            for field in declared.fields.values()
            if declared.has("interfaceObject")
            or field.contextual
            or any(field.has(each) for each in ("requires", "provides", "override"))
        } - {"id"}

    def declarations(self, name: str) -> list[tuple[str, Type]]:
        """Return who declares the type, and how."""
        return [(s, schema[name]) for s, schema in self.schemas.items() if name in schema]

    def names(self, kind: str) -> list[str]:
        """Return the names of all types of a kind; interface objects are interfaces."""
        found = {
            t.name: None
            for schema in self.schemas.values()
            for t in schema.values()
            if t.kind == kind and not t.has("interfaceObject") and t.name not in ROOTS
        }
        return list(found)

    def is_entity(self, name: str) -> bool:
        """Tell whether the object type has keys."""
        return any(t.keys for _, t in self.declarations(name))

    def ids(self, name: str) -> list[str]:
        """Return the identities of an entity."""
        count = 1 + (self.seed + sum(map(ord, name))) % 4
        return [f"{name}-{number}" for number in range(count)]

    def implementations(self, name: str, subgraph: str | None = None) -> list[str]:
        """Return the object types of an abstract type, in one subgraph or in all."""
        schemas = [self.schemas[subgraph]] if subgraph else list(self.schemas.values())
        found: dict[str, None] = {}
        for schema in schemas:
            for each in schema.values():
                if each.kind == "type" and name in each.interfaces:
                    found[each.name] = None
                if each.name == name and each.kind == "union":
                    found.update(dict.fromkeys(each.members))
        return sorted(found)

    def possible(self, name: str, subgraph: str) -> list[str]:
        """Return the runtime types of a type as a subgraph knows it."""
        declared = self.schemas[subgraph].get(name)
        if declared is not None and declared.has("interfaceObject"):
            return self.implementations(name)
        if declared is None or declared.kind == "type":
            return [name]
        return self.implementations(name, subgraph)

    def sdl(self, subgraph: str) -> str:
        """Return the subgraph's SDL as it is composed."""
        types = self.schemas[subgraph].values()
        text = "\n\n".join(each.print() for each in types)
        if subgraph in self.fed1:
            return text.replace(" @shareable", "")
        used = sorted(set(re.findall(r"@\w+", text)) - {"@deprecated"})
        imports = ", ".join(f'"{name}"' for name in used)
        url = f"https://specs.apollo.dev/federation/{self.version}"
        return f'extend schema @link(url: "{url}", import: [{imports}])\n\n{text}'

    def source(self) -> str:
        """Return all of it as a person (or ``World.parse``) reads it."""
        return "\n\n".join(
            f"# {name}{' (federation 1)' if name in self.fed1 else ''}\n"
            + "\n".join(each.print() for each in schema.values())
            for name, schema in self.schemas.items()
        )


def _types(document: DocumentNode) -> Iterator[Type]:
    for node in document.definitions:
        if isinstance(node, TypeDefinitionNode):
            yield _type(node)


def _type(node: TypeDefinitionNode) -> Type:
    made = Type(node.name.value, directives=_directives(node.directives))
    match node:
        case ObjectTypeDefinitionNode() | InterfaceTypeDefinitionNode():
            made.kind = "type" if isinstance(node, ObjectTypeDefinitionNode) else "interface"
            made.interfaces = [each.name.value for each in node.interfaces or ()]
            made.fields = {each.name.value: _field(each) for each in node.fields or ()}
        case UnionTypeDefinitionNode():
            made.kind = "union"
            made.members = [each.name.value for each in node.types or ()]
        case EnumTypeDefinitionNode():
            made.kind = "enum"
            made.values = {v.name.value: _directives(v.directives) for v in node.values or ()}
        case InputObjectTypeDefinitionNode():
            made.kind = "input"
            made.inputs = {each.name.value: _arg(each) for each in node.fields or ()}
        case ScalarTypeDefinitionNode():
            made.kind = "scalar"
    return made


def _field(node: FieldDefinitionNode) -> Field:
    return Field(
        node.name.value,
        Ref.parse(print_ast(node.type)),
        [_arg(each) for each in node.arguments or ()],
        _directives(node.directives),
    )


def _arg(node: InputValueDefinitionNode) -> Arg:
    default = print_ast(node.default_value) if node.default_value else None
    ref = Ref.parse(print_ast(node.type))
    return Arg(node.name.value, ref, default, _directives(node.directives))


def _directives(nodes: Iterable[DirectiveNode | ConstDirectiveNode]) -> list[Directive]:
    return [
        Directive(
            node.name.value,
            tuple((a.name.value, value_from_ast_untyped(a.value)) for a in node.arguments or ()),
        )
        for node in nodes or ()
    ]
