"""Which fetches conditions spare: what another fetch brings in any case is no reason for one.

``outermost`` fields say when a fetch is wanted. An object that lies in the answer anyway is none of
them, only what is selected below it; and of several roots that bring nothing but objects where
conditions leave out all else, one brings them for all::

    {v{a @include(if: $x)} w{b @include(if: $y)}}     with v, w shared, a and b in two subgraphs:
                                                      one of them is asked for {v{..} w{..}}
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from typing import Final

from router.planning.alternatives import least, worlds_of
from router.planning.drafts import Draft, Spot
from router.planning.graph import Node
from router.planning.plan import OperationKind, When, keys_of
from router.planning.tree import Tree

__all__ = ["spare"]

MAX_ALTERNATIVES: Final = 64
"""A fetch with more alternatives than these is hardly ever spared."""


def spare(drafts: Sequence[Draft]) -> None:
    """Send a fetch only for what it adds to the objects that others bring in any case."""
    roots = [d for d in drafts if not (d.is_entity or d.parents) and d.kind is OperationKind.QUERY]
    if len(roots) > 1:
        _share_objects(roots)
        asked_again = {id(p) for d in drafts if not d.is_entity for p in d.parents}
        _spare_roots([root for root in roots if id(root) not in asked_again], roots)
    for draft in drafts:
        if draft.is_entity:
            _spare_entities(draft)


def _spare_roots(sparable: Sequence[Draft], roots: Sequence[Draft]) -> None:
    """What is wanted most often brings the objects for those that are wanted more seldom."""
    wanted = {draft.id: _wanted_apart(draft, roots) for draft in sparable}
    worlds = worlds_of(when for sets in wanted.values() for when in sets)
    often = {
        id: sum(any(when <= world for when in sets) for world in worlds)
        for id, sets in wanted.items()
    }
    for draft in sorted(sparable, key=lambda each: often[each.id]):
        _spare_root(draft, [root for root in roots if root.beside is None])


def _wanted_apart(draft: Draft, roots: Sequence[Draft]) -> Set[frozenset[When]]:
    """When a root is wanted for more than the objects that another one brings too."""
    _spare_root(draft, roots)
    found = draft.alternatives()
    draft.beside = None
    return found


def _spare_root(draft: Draft, roots: Sequence[Draft]) -> None:
    for other in roots:
        if other is not draft and other.defer is draft.defer:
            _lay_beside(draft, other.tree)
            if draft.beside is not None:
                return


def _spare_entities(draft: Draft) -> None:
    """Entities that repeat an object on the way to what is conditional: it is held already."""
    for above in _above(draft):
        held = _held(above, draft.spot)
        if held is None:
            continue
        tree, node = held
        if _asks_all(draft, node):
            objects = _hollow(*draft.tree.fragments.values())
            if objects is not None and _brings(node, objects):
                _select(tree, node, objects)
        beside = dict.fromkeys(draft.tree.fragments, tree)
        _lay_beside(draft, Tree(draft.tree.type_name, {}, beside))
        if draft.beside is not None:
            return


def _asks_all(draft: Draft, node: Node) -> bool:
    """Whether all objects that stand at the draft's place are asked, and nothing by type."""
    if draft.inputs.keys() != {node.name} or draft.tree.fragments.keys() != {_only(node)}:
        return False
    return all(isinstance(item, str) or item.types >= item.possible for item in draft.spot)


def _only(node: Node) -> tuple[tuple[str, ...], tuple[()], str]:
    """The fragment on the node's own type."""
    return (node.name,), (), ""


def _lay_beside(draft: Draft, tree: Tree) -> None:
    """Let a draft go without the objects of another tree, where that spares it in some case."""
    before = _least(draft)
    draft.beside = tree
    if _least(draft) == before:
        draft.beside = None


def _least(draft: Draft) -> Set[frozenset[When]]:
    found = draft.alternatives()
    return found if len(found) > MAX_ALTERNATIVES else least(found)


def _above(draft: Draft) -> Iterator[Draft]:
    """The fetches that it comes after, nearest first."""
    seen = {draft.id}
    pending = list(draft.parents)
    while pending:
        parent = pending.pop(0)
        if parent.id not in seen:
            seen.add(parent.id)
            pending += parent.parents
            yield parent


def _held(draft: Draft, spot: Spot) -> tuple[Tree, Node] | None:
    """What a draft selects, in any case, of the objects at a place, and what they are there."""
    keys, own = keys_of(spot), keys_of(draft.spot)
    if keys[: len(own)] != own:
        return None
    tree, node = draft.tree, draft.node
    if draft.is_entity:
        if draft.tree.fragments.keys() != {_only(node)}:
            return None
        (tree,) = draft.tree.fragments.values()
    for key in keys[len(own) :]:
        picked = next((e for e in tree.fields.values() if e.key == key and not e.when), None)
        edge = node.edge(picked.name) if picked is not None else None
        if picked is None or picked.child is None or edge is None or edge.tail is None:
            return None
        tree, node = picked.child, edge.tail
    return tree, node


def _share_objects(roots: Sequence[Draft]) -> None:
    """Let one root bring the objects of those that may have nothing else to bring."""
    hollow = {draft.id: objects for draft in roots if (objects := _hollow(draft.tree)) is not None}
    full = [d for d in roots if d.id not in hollow and frozenset() in d.alternatives()]
    for draft in roots:
        objects = hollow.get(draft.id)
        if objects is None:
            continue
        peers = [other for other in full if other.defer is draft.defer]
        bringing = next((other for other in peers if _brings(other.node, objects)), None)
        if bringing is not None:
            _select(bringing.tree, bringing.node, objects)
        else:
            full.append(draft)


def _hollow(tree: Tree) -> Tree | None:
    """The objects that a tree selects in any case, if it selects nothing else in any case."""
    found = Tree(tree.type_name)
    for place, picked in tree.fields.items():
        if picked.name == "__typename" or picked.when or picked.wanted:
            continue
        inner = _hollow(picked.child) if picked.child is not None else None
        if inner is None:
            return None
        copied = picked.copy()
        copied.child = inner
        found.fields[place] = copied
    for (_, when, _), inner_tree in tree.fragments.items():
        inside = _hollow(inner_tree)
        if not when and (inside is None or inside.fields):
            return None
    return found


def _brings(node: Node, objects: Tree) -> bool:
    for picked in objects.fields.values():
        edge = node.edge(picked.name)
        if edge is None or edge.requires or edge.view.context or edge.tail is None:
            return False
        if picked.child is not None and not _brings(edge.tail, picked.child):
            return False
    return True


def _select(tree: Tree, node: Node, objects: Tree) -> None:
    for picked in objects.fields.values():
        edge = node.edge(picked.name)
        assert edge is not None
        assert edge.tail is not None
        own = tree.add(
            picked.key,
            picked.name,
            arguments=picked.arguments,
            directives=picked.directives,
            variables=picked.variables,
            child_type=edge.tail.name,
        )
        if own.child is None or picked.child is None:
            continue
        if edge.tail.is_abstract:
            own.child.add_typename()
        _select(own.child, edge.tail, picked.child)
