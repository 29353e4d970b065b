"""Fields that moved, all at once or for a part of the requests."""

from __future__ import annotations

from ..maker import Maker

__all__ = ["LABEL", "overrides"]

LABEL = "moving"


def overrides(maker: Maker) -> None:
    """Move one or two fields from a subgraph to another."""
    for _ in range(maker.rng.choice([1, 1, 2])):
        moves = [
            (owner, loser, name, field.name)
            for name in maker.objects(entities=True)
            for field in maker.fields(name).values()
            for owner in maker.owners(name, field.name)
            if len(maker.owners(name, field.name)) == 1
            and field.name not in maker.key_names(name)
            and not field.directives
            for loser in maker.homes(name)
            if loser != owner
            and field.name not in maker.type(loser, name).fields
            and (maker.leaf(field.type) or field.type.named in maker.world.schemas[loser])
        ]
        if not moves:
            return
        owner, loser, name, moved = maker.rng.choice(moves)
        field = maker.type(owner, name).fields[moved]
        maker.declare(loser, name, field)
        if maker.chance(0.5):
            field.add("override", **{"from": loser, "label": LABEL})
        elif maker.chance(0.1):
            field.add("override", **{"from": "nobody"})
            del maker.type(loser, name).fields[moved]
        else:
            field.add("override", **{"from": loser})
