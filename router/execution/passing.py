"""Whether the bytes of a plan's only fetch are already the client's response.

They are when the operation sent asks for the same keys in the same order as the client's, every
type involved is a plain object or leaf whose values no contract hides, and the subgraph is
trusted to keep to its schema: what is not read cannot be checked.
"""

from __future__ import annotations

from typing import Any

from graphql import GraphQLEnumType, GraphQLSchema, OperationDefinitionNode, parse
from graphql import get_named_type as named_type

from router.execution.fields import FieldKind, Spot, View
from router.execution.types import Types
from router.planning.plan import OperationKind, Plan

__all__ = ["can_pass"]


def can_pass(plan: Plan, asked: View, schema: GraphQLSchema, trusted: frozenset[str]) -> bool:
    """Return whether a single answer's bytes may be handed on unread.

    ``asked`` is the client's operation, ``schema`` the supergraph's.
    """
    if len(plan.fetches) != 1 or plan.kind is not OperationKind.QUERY:
        return False
    (fetch,) = plan.fetches
    if fetch.subgraph not in trusted or fetch.entities or fetch.renames or fetch.at or fetch.when:
        return False
    document = parse(fetch.operation, no_location=True)
    sent = next(node for node in document.definitions if isinstance(node, OperationDefinitionNode))
    view = View(document, sent, Types(schema), {})
    return _same(asked.root, asked.root_type, view.root, view.root_type, schema)


def _same(asked: Spot, asked_type: str, sent: Spot, sent_type: str, schema: GraphQLSchema) -> bool:
    wanted, given = asked.fields(asked_type), sent.fields(sent_type)
    if asked_type != sent_type or len(wanted) != len(given):
        return False
    for one, two in zip(wanted, given, strict=True):
        if one.kind is not FieldKind.DATA or (one.key, one.name) != (two.key, two.name):
            return False
        if str(one.type) != str(two.type) or one.type is None:
            return False
        if not _same_below(one, two, schema):
            return False
    return True


def _same_below(one: Any, two: Any, schema: GraphQLSchema) -> bool:
    kind = named_type(one.type)
    if one.spot is None or two.spot is None:
        known = schema.type_map.get(kind.name)
        if isinstance(kind, GraphQLEnumType) and isinstance(known, GraphQLEnumType):
            return set(kind.values) == set(known.values)
        return one.spot is None and two.spot is None
    if not Types(schema).is_object(kind.name):
        return False
    return _same(one.spot, kind.name, two.spot, kind.name, schema)
