"""Operations and variables in which one thing was changed: most are wrong now, some are not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from copy import deepcopy
from random import Random
from typing import Any

from graphql import (
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    Visitor,
    get_variable_values,
    parse,
    validate,
    visit,
)

__all__ = ["bent", "fits", "is_valid", "spoiled"]

_TOKENS = re.compile(r'"[^"]*"|\.\.\.|[$@\w]+|[^\s\w]')
_STRANGERS = ("nobody", "{", "}", "!", "null", "3", '"x"', "$c0", "@skip(if: true)", "[", "id")
_NONSENSE = (None, True, 7, 1.5, 2**40, "x", "", [], {}, [[None]], {"a": "x"}, {"nobody": 1})


def spoiled(rng: Random, operation: str) -> str:
    """Return the operation with one token gone, doubled or another's in its place."""
    tokens = _TOKENS.findall(operation)
    place = rng.randrange(len(tokens))
    other = rng.choice([*tokens, *_STRANGERS])
    tokens[place : place + 1] = rng.choice([[], [tokens[place]] * 2, [other], [other]])
    return " ".join(tokens)


def is_valid(schema: GraphQLSchema, operation: str) -> bool:
    """Tell whether the reference parses and accepts it, and it has one operation to run.

    The alias ``__typename`` is refused here: the field would be taken for its object's type.
    """
    try:
        document = parse(operation, allow_empty_selection_sets=False)
    except GraphQLError:
        return False
    operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
    hiding = _Hiding()
    visit(document, hiding)
    return len(operations) == 1 and not hiding.found and not validate(schema, document)


class _Hiding(Visitor):
    """Looks for fields that take the place of ``__typename``."""

    found = False

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        alias = node.alias.value if node.alias else node.name.value
        self.found |= alias == "__typename" != node.name.value


def bent(rng: Random, variables: Mapping[str, Any]) -> dict[str, Any]:
    """Return the variables with one value changed, somewhere inside of them, or gone."""
    made = deepcopy(dict(variables))
    place: Any = made
    while place:
        step = rng.choice(list(place) if isinstance(place, dict) else range(len(place)))
        if rng.random() < 0.5 and isinstance(place[step], dict | list) and place[step]:
            place = place[step]
            continue
        if rng.random() < 0.2:
            del place[step]
        else:
            place[step] = deepcopy(rng.choice(_NONSENSE))
        return made
    return made


def fits(schema: GraphQLSchema, operation: str, variables: Mapping[str, Any]) -> bool:
    """Tell whether the reference accepts the variables."""
    node = next(d for d in parse(operation).definitions if isinstance(d, OperationDefinitionNode))
    found = get_variable_values(schema, node.variable_definitions or (), dict(variables))
    return not isinstance(found, list)
