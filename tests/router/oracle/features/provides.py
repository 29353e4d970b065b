"""Values that a subgraph knows along one field only, several levels deep."""

from __future__ import annotations

from ..maker import Maker
from ..world import Field
from .trees import declare, print_tree, random_tree

__all__ = ["provides"]


def provides(maker: Maker) -> None:
    """Let one or two fields provide."""
    for _ in range(maker.rng.choice([1, 1, 2])):
        places = _places(maker)
        for subgraph, field in maker.rng.sample(places, min(6, len(places))):
            deep = maker.rng.choice([0, 0, 1, 2])
            tree = random_tree(maker, subgraph, field.type.named, deep, args=False)
            if tree is not None:
                declare(maker, subgraph, tree)
                field.add("provides", fields=print_tree(tree))
                break


def _places(maker: Maker) -> list[tuple[str, Field]]:
    return [
        (subgraph, field)
        for subgraph, schema in maker.world.schemas.items()
        for declared in schema.values()
        if declared.kind == "type"
        for field in declared.fields.values()
        if not maker.leaf(field.type)
        and not field.directives
        and field.type.named not in {"Org", "Part"}
    ]
