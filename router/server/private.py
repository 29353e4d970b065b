"""Private values: what fields and inputs with the private tag (``phi``) hold never leaves in text.

Logs and error messages are made of text that others wrote; a subgraph may well say ``no patient
named Asha Rao``. By the schema's tags we know which values of a request are private, and which
paths of an answer: the values are cut out of every message, and a message about a private path
is replaced as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    InlineFragmentNode,
    SelectionSetNode,
    get_named_type,
    value_from_ast_untyped,
)

from router.server.operations import Operation

__all__ = ["MASK", "PrivateValues"]

MASK: Final = "[private]"
_SHORTEST: Final = 2
"""Values shorter than this are left alone: they would mask half of any message."""


class PrivateValues:
    """The private values of one request, and the private paths of its answer."""

    def __init__(
        self, places: frozenset[str], operation: Operation, variables: Mapping[str, Any]
    ) -> None:
        self.places = places
        self.operation = operation
        self.variables = dict(variables)
        self.schema = operation.client.schema
        self._fragments = {
            definition.name.value: definition
            for definition in operation.document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        root = self.schema.get_root_type(operation.node.operation)
        found = {value for value in self._inputs(operation.node.selection_set, root) if value}
        # the longest first: one value may be part of another
        self.values = sorted((v for v in found if len(v) >= _SHORTEST), key=len, reverse=True)

    def text(self, message: str, path: Sequence[Any] | None = None) -> str:
        """The message without private values; replaced as a whole for a private path."""
        if path and self.is_private(path):
            return f"The value is {MASK}."
        for value in self.values:
            message = message.replace(value, MASK)
        return message

    def is_private(self, path: Sequence[Any]) -> bool:
        """Whether the response path runs through a private field or type."""
        keys = [key for key in path if isinstance(key, str)]
        root = self.schema.get_root_type(self.operation.node.operation)
        return self._leads(self.operation.node.selection_set, root, keys)

    def _leads(self, node: SelectionSetNode, parent: Any, keys: list[str]) -> bool:
        if not keys:
            return False
        for field, owner in self._fields(node, parent):
            if (field.alias or field.name).value != keys[0]:
                continue
            place = f"{owner.name}.{field.name.value}"
            definition = owner.fields.get(field.name.value)
            if place in self.places:
                return True
            if definition is None:
                continue
            target = get_named_type(definition.type)
            if target.name in self.places:
                return True
            if field.selection_set and self._leads(field.selection_set, target, keys[1:]):
                return True
        return False

    def _inputs(self, node: SelectionSetNode, parent: Any) -> Iterator[str]:
        for field, owner in self._fields(node, parent):
            definition = owner.fields.get(field.name.value)
            if definition is None:
                continue
            for argument in field.arguments or ():
                name = argument.name.value
                expected = definition.args.get(name)
                if expected is None:
                    continue
                value = value_from_ast_untyped(argument.value, self.variables)
                tagged = f"{owner.name}.{field.name.value}({name}:)" in self.places
                yield from self._leaves(value, get_named_type(expected.type), tagged)
            if field.selection_set:
                yield from self._inputs(field.selection_set, get_named_type(definition.type))

    def _leaves(self, value: Any, expected: Any, tagged: bool) -> Iterator[str]:
        tagged = tagged or expected.name in self.places
        if isinstance(value, list):
            for item in value:
                yield from self._leaves(item, expected, tagged)
        elif isinstance(value, Mapping):
            fields = expected.fields if isinstance(expected, GraphQLInputObjectType) else {}
            for key, item in value.items():
                field = fields.get(key)
                inner = tagged or f"{expected.name}.{key}" in self.places
                if field is None:
                    yield from _texts(item) if inner else ()
                else:
                    yield from self._leaves(item, get_named_type(field.type), inner)
        elif tagged:
            yield from _texts(value)

    def _fields(self, node: SelectionSetNode, parent: Any) -> Iterator[tuple[FieldNode, Any]]:
        for selection in node.selections:
            match selection:
                case FieldNode() if isinstance(parent, GraphQLObjectType | GraphQLInterfaceType):
                    yield selection, parent
                case InlineFragmentNode():
                    on = selection.type_condition
                    target = self.schema.get_type(on.name.value) if on else parent
                    yield from self._fields(selection.selection_set, target)
                case FragmentSpreadNode():
                    fragment = self._fragments[selection.name.value]
                    target = self.schema.get_type(fragment.type_condition.name.value)
                    yield from self._fields(fragment.selection_set, target)
                case _:
                    pass


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, bool) or value is None:
        return
    if isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    else:
        yield str(value)
