"""The supergraph as text: the same schema always gives the same bytes.

Definitions are sorted by name as people sort names (letters without regard to case, digits
before letters, ``_`` first); within a definition the order of the merge is kept. The layout is
that of the reference composer, so that two supergraphs can be compared line by line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TypeVar, assert_never

from router.composition.merged import (
    ABSENT,
    BUILT_IN_DIRECTIVES,
    Application,
    Argument,
    DirectiveDefinition,
    EnumLiteral,
    EnumType,
    EnumValue,
    Field,
    InputType,
    InterfaceType,
    MergedSchema,
    NamedType,
    ObjectType,
    ScalarType,
    UnionType,
    Value,
    base_name,
    item_type,
)

__all__ = ["Emitter", "emit", "name_order"]

_Member = TypeVar("_Member", Field, EnumValue, Argument)

_LONG_DESCRIPTION = 70
_EXPONENT_FROM = 1e21
_LEAST_PLAIN_POWER = -6
_INTEGER_TEXT = re.compile(r"-?(?:0|[1-9][0-9]*)\Z")


def emit(schema: MergedSchema) -> str:
    """Return the SDL of a merged schema."""
    return Emitter(schema).sdl()


def name_order(name: str) -> tuple[tuple[int, ...], tuple[bool, ...]]:
    """Return a sort key that equals the locale order (ICU root) for GraphQL names."""
    weights = tuple(
        0 if char == "_" else 1 + int(char) if char.isdigit() else 20 + ord(char.lower())
        for char in name
    )
    return weights, tuple(char.isupper() for char in name)


class Emitter:
    """Prints parts of one schema; values are printed as their type wants them."""

    def __init__(self, schema: MergedSchema) -> None:
        self._schema = schema

    def sdl(self) -> str:
        schema = self._schema
        directives = sorted(schema.directives.values(), key=lambda each: name_order(each.name))
        types = sorted(schema.types.values(), key=lambda each: name_order(each.name))
        blocks = [
            self._schema_definition(),
            *(self.directive_definition(each) for each in directives),
            *(self.type_definition(each) for each in types),
        ]
        return "\n\n".join(blocks)

    def _schema_definition(self) -> str:
        schema = self._schema
        lines = [f"  {kind}: {name}" for kind, name in schema.roots.items()]
        header = _description(schema.description) + "schema"
        return header + self._own_lines(schema.applications) + _block(lines, True)

    def directive_definition(self, directive: DirectiveDefinition) -> str:
        """Return ``directive @name(...) repeatable on A | B``."""
        repeatable = " repeatable" if directive.repeatable else ""
        return (
            f"{_description(directive.description)}directive @{directive.name}"
            f"{self._arguments(directive.arguments.values())}{repeatable}"
            f" on {' | '.join(directive.locations)}"
        )

    def type_definition(self, merged: NamedType) -> str:
        """Return the definition of one type, without a line break at its end."""
        head = _description(merged.description)
        applied = self._own_lines(merged.directives)
        has_directives = bool(merged.directives)
        match merged:
            case ScalarType():
                return f"{head}scalar {merged.name}{applied}"
            case UnionType():
                members = " | ".join(merged.members)
                separator = "\n = " if has_directives else " = "
                return f"{head}union {merged.name}{applied}{separator}{members}"
            case ObjectType() | InterfaceType():
                keyword = "type" if isinstance(merged, ObjectType) else "interface"
                parents = (
                    f" implements {' & '.join(merged.interfaces)}" if merged.interfaces else ""
                )
                body = self._members(merged.fields.values(), self._field)
                return (
                    f"{head}{keyword} {merged.name}{parents}{applied}{_block(body, has_directives)}"
                )
            case EnumType():
                values = self._members(
                    merged.values.values(),
                    self._enum_value,
                )
                return f"{head}enum {merged.name}{applied}{_block(values, has_directives)}"
            case InputType():
                inputs = self._members(merged.fields.values(), self._argument)
                return f"{head}input {merged.name}{applied}{_block(inputs, has_directives)}"
            case _:
                assert_never(merged)

    def _members(
        self, members: Iterable[_Member], text: Callable[[_Member], str], indent: str = "  "
    ) -> list[str]:
        lines: list[str] = []
        for member in members:
            # a described member stands apart, except at the top of its block
            gap = "\n" if lines and member.description is not None else ""
            lines.append(f"{gap}{_description(member.description, indent)}{indent}{text(member)}")
        return lines

    def _field(self, field: Field) -> str:
        arguments = self._arguments(field.arguments.values(), "  ")
        return f"{field.name}{arguments}: {field.type}{self._inline(field.directives)}"

    def _argument(self, argument: Argument) -> str:
        text = f"{argument.name}: {argument.type}"
        if argument.default is not ABSENT:
            text += f" = {self.value(argument.default, argument.type)}"
        return text + self._inline(argument.directives)

    def _enum_value(self, value: EnumValue) -> str:
        return value.name + self._inline(value.directives)

    def _arguments(self, arguments: Collection[Argument], indent: str = "") -> str:
        if not arguments:
            return ""
        if not any(argument.description for argument in arguments):
            return f"({', '.join(map(self._argument, arguments))})"
        lines = self._members(arguments, self._argument, indent + "  ")
        return "(\n" + "\n".join(lines) + f"\n{indent})"

    def _own_lines(self, applications: Iterable[Application]) -> str:
        return "".join(f"\n  {self.application(each)}" for each in applications)

    def _inline(self, applications: Iterable[Application]) -> str:
        return "".join(f" {self.application(each)}" for each in applications)

    def application(self, applied: Application) -> str:
        """Return ``@name(argument: value)``."""
        if not applied.arguments:
            return f"@{applied.name}"
        definition = self._schema.directives.get(applied.name) or BUILT_IN_DIRECTIVES[applied.name]
        texts = (
            f"{name}: {self.value(value, definition.arguments[name].type)}"
            for name, value in applied.arguments.items()
        )
        return f"@{applied.name}({', '.join(texts)})"

    def value(self, value: Value, type_text: str) -> str:
        """Return a value as a literal of the given type."""
        match value:
            case None:
                return "null"
            case bool():
                return "true" if value else "false"
            case str():
                return self._text(value, type_text)
            case int():
                return str(value)
            case float():
                return _float(value)
            case list():
                item = item_type(type_text) or type_text
                return f"[{', '.join(self.value(each, item) for each in value)}]"
            case dict():
                known = self._schema.types.get(base_name(type_text))
                fields = known.fields if isinstance(known, InputType) else {}
                texts = (
                    f"{name}: {self.value(each, fields[name].type if name in fields else 'String')}"
                    for name, each in value.items()
                )
                return f"{{{', '.join(texts)}}}"
            case _:
                assert_never(value)

    def _text(self, value: str, type_text: str) -> str:
        name = base_name(type_text)
        if isinstance(value, EnumLiteral) and isinstance(self._schema.types.get(name), EnumType):
            return value
        if name == "ID" and _INTEGER_TEXT.match(value):
            return value
        return json.dumps(value, ensure_ascii=False)


def _block(lines: Sequence[str], after_directives: bool) -> str:
    if not lines:
        return ""
    opening = "\n{" if after_directives else " {"
    return opening + "\n" + "\n".join(lines) + "\n}"


def _description(text: str | None, indent: str = "") -> str:
    """Return an indented block string and a line break, or nothing without a description."""
    if text is None:
        return ""
    one_line = "\n" not in text
    long = not one_line or text.endswith(('"', "\\")) or len(text) > _LONG_DESCRIPTION
    opening = "\n" if long and not (one_line and text.startswith((" ", "\t"))) else ""
    closing = "\n" if long else ""
    escaped = text.replace('"""', '\\"""')
    block = f'{indent}"""{opening}{escaped}{closing}"""'
    return block.replace("\n", f"\n{indent}") + "\n"


def _float(value: float) -> str:
    """Return the shortest form, as ECMAScript prints numbers."""
    if value.is_integer() and abs(value) < _EXPONENT_FROM:
        return str(int(value))
    mantissa, _, exponent = repr(value).partition("e")
    if not exponent:
        return mantissa
    power = int(exponent)
    if _LEAST_PLAIN_POWER <= power < 0:
        digits = len(mantissa.lstrip("-").replace(".", ""))
        return f"{value:.{digits - 1 - power}f}"
    return f"{mantissa}e{power:+d}"
