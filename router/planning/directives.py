"""Directives of an operation: which conditions they make, and which go along to subgraphs.

A directive that an operation may use is one that all subgraphs define. On a field it goes where the
field goes; on a fragment where that fragment is printed, which always is as an inline one; on the
operation into every request of a kind that it is defined for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from graphql import (
    BooleanValueNode,
    DirectiveLocation,
    DirectiveNode,
    GraphQLSchema,
    ListValueNode,
    ObjectValueNode,
    ValueNode,
    VariableNode,
    print_ast,
)

from router.planning.plan import When
from router.planning.selection import Conditions, conjunction

__all__ = ["conditions_of", "forwarded", "printed", "variables_in"]

_CONDITIONS: Final = {"skip": False, "include": True}
_OWN: Final = frozenset((*_CONDITIONS, "defer"))
"""What the router sees to itself."""


def conditions_of(directives: Sequence[DirectiveNode] | None) -> Conditions | None:
    """What ``@skip`` and ``@include`` demand, or None where they exclude the element for good."""
    found: list[When] = []
    for directive in directives or ():
        wanted = _CONDITIONS.get(directive.name.value)
        if wanted is None:
            continue
        for argument in directive.arguments or ():
            if isinstance(argument.value, BooleanValueNode):
                if argument.value.value is not wanted:
                    return None
            elif isinstance(argument.value, VariableNode):
                found.append(When(argument.value.name.value, wanted))
    return conjunction(found)


def forwarded(
    directives: Sequence[DirectiveNode] | None, schema: GraphQLSchema, location: DirectiveLocation
) -> list[DirectiveNode]:
    """Those that subgraphs take at a place of this kind."""
    found: list[DirectiveNode] = []
    for directive in directives or ():
        definition = schema.get_directive(directive.name.value)
        if directive.name.value not in _OWN and definition and location in definition.locations:
            found.append(directive)
    return found


def printed(directives: Sequence[DirectiveNode]) -> tuple[str, tuple[str, ...]]:
    """Directives as they are printed, and the variables in them."""
    values = (argument.value for each in directives for argument in each.arguments or ())
    return " ".join(map(print_ast, directives)), tuple(variables_in(values))


def variables_in(values: Iterable[ValueNode]) -> Iterable[str]:
    """The variables in values, nested ones too."""
    for value in values:
        match value:
            case VariableNode():
                yield value.name.value
            case ListValueNode():
                yield from variables_in(value.values)
            case ObjectValueNode():
                yield from variables_in(item.value for item in value.fields)
            case _:
                pass
