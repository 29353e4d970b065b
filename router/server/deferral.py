"""What of an operation is deferred, where variables decide (``@defer(if: $v)``).

A part that is not deferred belongs to the answer around it, and is planned with it: an operation
has a plan for each set of parts that requests ask for, made when the first one does.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from graphql import (
    REMOVE,
    DirectiveNode,
    DocumentNode,
    FragmentDefinitionNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    Visitor,
    VisitorAction,
    visit,
)

__all__ = ["in_one", "questions", "without"]

MAX_QUESTIONS: Final = 4
"""Variables beyond which one plan serves all their values: each may double the plans."""


def questions(document: DocumentNode) -> frozenset[str] | None:
    """The variables that decide which parts are deferred; None where no part is.

    None of them is named where there are too many.
    """
    found = [
        directive
        for definition in document.definitions
        if isinstance(definition, OperationDefinitionNode | FragmentDefinitionNode)
        for directive in _deferring(definition.selection_set)
    ]
    if not found:
        return None
    names = frozenset(filter(None, map(_question, found)))
    return names if len(names) <= MAX_QUESTIONS else frozenset()


def in_one(document: DocumentNode) -> DocumentNode:
    """The document with its deferred fragments as ordinary ones."""
    found: DocumentNode = visit(document, _Without(None))
    return found


def without(document: DocumentNode, variables: frozenset[str]) -> DocumentNode:
    """The document with those fragments as ordinary ones that are deferred if one of these is true."""
    if not variables:
        return document
    found: DocumentNode = visit(document, _Without(variables))
    return found


class _Without(Visitor):
    def __init__(self, variables: frozenset[str] | None) -> None:
        super().__init__()
        self._variables = variables

    def enter_directive(self, node: DirectiveNode, *_: Any) -> VisitorAction:
        if node.name.value != "defer":
            return None
        return REMOVE if self._variables is None or _question(node) in self._variables else None


def _deferring(selections: SelectionSetNode) -> Iterator[DirectiveNode]:
    for selection in selections.selections:
        for directive in getattr(selection, "directives", None) or ():
            if directive.name.value == "defer":
                yield directive
        inner = getattr(selection, "selection_set", None)
        if inner is not None:
            yield from _deferring(inner)


def _question(directive: DirectiveNode) -> str | None:
    for argument in directive.arguments or ():
        if argument.name.value == "if" and isinstance(argument.value, VariableNode):
            return argument.value.name.value
    return None
