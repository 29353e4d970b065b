"""Fields that must not share a response key (GraphQL spec, 5.3.2), judged by the subgraph's types.

The client's document is valid against the API schema; what is sent to a subgraph must be valid
against *its* schema, in which types may differ, and in which keys of the planner stand between
the client's fields.
"""

from __future__ import annotations

from router.planning.tree import On, SelectedField, Tree
from router.supergraph import SubgraphView, TypeRef

__all__ = ["Joint", "disjoint", "same_shape", "shape"]

Selected = tuple[str, SelectedField]
"""A field with the type it is selected on."""

_Variant = tuple[On, str, str]
"""The types, the name and the arguments of a field that stands under some response key."""


class Joint:
    """What several selections ask together of one object, and whether another one can join.

    It can where no field has to take a new key. Fields on types that exclude each other may differ:
    printing gives one of them an alias.
    """

    def __init__(self, subgraph: SubgraphView, *trees: Tree) -> None:
        self._subgraph = subgraph
        self._by_key: dict[str, dict[_Variant, Joint]] = {}
        for tree in trees:
            self.add(tree)

    def add(self, tree: Tree) -> None:
        """Ask for what a tree selects, too."""
        for types, picked in tree.by_key():
            variants = self._by_key.setdefault(picked.key, {})
            variant = (types, picked.name, picked.arguments)
            below = variants.get(variant)
            if below is None:
                below = variants[variant] = Joint(self._subgraph)
            if picked.child is not None:
                below.add(picked.child)

    def admits(self, tree: Tree) -> bool:
        """Whether a tree can be selected together with all of these."""
        for types, picked in tree.by_key():
            for (own, name, arguments), below in self._by_key.get(picked.key, {}).items():
                if all(disjoint(self._subgraph, a, b) for a in own for b in types):
                    continue
                if (name, arguments) != (picked.name, picked.arguments):
                    return False
                if picked.child is not None and not below.admits(picked.child):
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
