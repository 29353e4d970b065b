"""Fields that must not share a response key (GraphQL spec, 5.3.2), judged by the subgraph's types.

The client's document is valid against the API schema; what is sent to a subgraph must be valid
against *its* schema, in which types may differ, and in which keys of the planner stand between
the client's fields.
"""

from __future__ import annotations

from router.planning.tree import On, SelectedField, Tree
from router.supergraph import SubgraphView, TypeRef

__all__ = ["disjoint", "mergeable", "same_shape", "shape"]

Selected = tuple[str, SelectedField]
"""A field with the type it is selected on."""


def mergeable(subgraph: SubgraphView, one: Tree, other: Tree) -> bool:
    """Whether two selections on one object can be one, without any field taking a new key.

    Fields on types that exclude each other may differ: printing gives one of them an alias.
    """
    first: dict[str, list[tuple[On, SelectedField]]] = {}
    for types, picked in one.by_key():
        first.setdefault(picked.key, []).append((types, picked))
    for types, picked in other.by_key():
        for own_types, own in first.get(picked.key, ()):
            if all(disjoint(subgraph, a, b) for a in own_types for b in types):
                continue
            if (own.name, own.arguments) != (picked.name, picked.arguments):
                return False
            one_child, other_child = own.child, picked.child
            if one_child is None or other_child is None:
                continue
            if not mergeable(subgraph, one_child, other_child):
                return False
    return True


def disjoint(subgraph: SubgraphView, one: str, other: str) -> bool:
    """Whether no object is of both types: two different object types."""
    if one == other or "_Entity" in (one, other):
        return False
    first, second = subgraph.types.get(one), subgraph.types.get(other)
    if first is None or second is None:
        return False
    return not first.is_abstract and not second.is_abstract


def same_shape(subgraph: SubgraphView, one: Selected, other: Selected) -> bool:
    """SameResponseShape: equal wrappers, equal leaf types; sub-selections are compared apart."""
    first, second = shape(subgraph, one), shape(subgraph, other)
    return first is None or second is None or first == second


def shape(subgraph: SubgraphView, selected: Selected) -> tuple[str, str] | None:
    """List and non-null wrappers, and the type of a leaf; None where nothing is known."""
    declared = _declared(subgraph, selected)
    if declared is None:
        return None
    wrappers = declared.text.replace(declared.named, "")
    return wrappers, declared.named if selected[1].child is None else ""


def _declared(subgraph: SubgraphView, selected: Selected) -> TypeRef | None:
    type_name, picked = selected
    if picked.name == "__typename":
        return TypeRef("String", 0, "String!")
    view = subgraph.types.get(type_name)
    field = view.fields.get(picked.name) if view is not None else None
    return field.type if field is not None else None
