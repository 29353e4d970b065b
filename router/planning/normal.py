"""A document's normal form as text: the same for documents that differ in white space and comments.

It is made for every document that is planned, and ``print_ast`` would take a tenth of the plan's
time; only what it prints of arguments and definitions of variables is taken from it.
"""

from __future__ import annotations

from collections.abc import Sequence

from graphql import (
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    print_ast,
)

__all__ = ["normal_form"]


def normal_form(document: DocumentNode) -> str:
    """Return the text of an executable document without anything that carries no meaning."""
    parts: list[str] = []
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            name = f" {definition.name.value}" if definition.name else ""
            head = f"{definition.operation.value}{name}"
            if definition.variable_definitions:
                head = f"{head}({','.join(map(print_ast, definition.variable_definitions))})"
        elif isinstance(definition, FragmentDefinitionNode):
            head = f"fragment {definition.name.value} on {definition.type_condition.name.value}"
        else:  # nothing executable, and nothing that is planned
            parts.append(print_ast(definition))
            continue
        parts.append(head + _directives(definition.directives))
        _write(definition.selection_set, parts)
    return "".join(parts)


def _write(selections: SelectionSetNode, parts: list[str]) -> None:
    parts.append("{")
    for node in selections.selections:
        if isinstance(node, FieldNode):
            text = node.name.value
            if node.alias is not None:
                text = f"{node.alias.value}:{text}"
            if node.arguments:
                text = f"{text}({','.join(map(print_ast, node.arguments))})"
            inner = node.selection_set
        elif isinstance(node, FragmentSpreadNode):
            text, inner = f"...{node.name.value}", None
        else:
            assert isinstance(node, InlineFragmentNode)
            on = node.type_condition
            text = f"... on {on.name.value}" if on is not None else "... "
            inner = node.selection_set
        parts.append(text + _directives(node.directives) if node.directives else text)
        if inner is not None:
            _write(inner, parts)
        parts.append(" ")
    parts.append("}")


def _directives(directives: Sequence[DirectiveNode] | None) -> str:
    return "".join(map(print_ast, directives or ()))
