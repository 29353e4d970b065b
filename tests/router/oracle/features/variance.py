"""The same field, not quite the same type."""

from __future__ import annotations

from ..maker import Maker
from ..world import Ref

__all__ = ["variance"]


def variance(maker: Maker) -> None:
    """Let one of several owners promise more: never null, or a member of the abstract type."""
    for _ in range(maker.rng.choice([1, 2, 3])):
        shared = [
            (name, field)
            for name in [*maker.objects(), "Query"]
            for field in maker.fields(name).values()
            if len(maker.owners(name, field.name)) > 1 and field.name not in maker.key_names(name)
        ]
        if not shared:
            return
        name, chosen = maker.rng.choice(shared)
        subgraph = maker.rng.choice(maker.owners(name, chosen.name))
        declared = maker.type(subgraph, name)
        field = declared.fields[chosen.name]
        bound = [
            interface
            for interface in declared.interfaces
            if field.name in maker.type(subgraph, interface).fields
        ]
        if maker.abstract(field.type.named) and not bound and maker.chance(0.6):
            members = maker.world.possible(field.type.named, subgraph)
            members = [each for each in members if each in maker.world.schemas[subgraph]]
            if members:
                field.type = Ref(maker.rng.choice(members), field.type.required)
                continue
        field.type = Ref(field.type.named, tuple(True for _ in field.type.required))
