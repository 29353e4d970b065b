"""Values that several subgraphs know in part, at every level of a deep object."""

from __future__ import annotations

from ..maker import Maker
from ..world import Field, Ref

__all__ = ["deep_values"]


def deep_values(maker: Maker) -> None:
    """A chain of value types below a shared field; each subgraph has its part of each."""
    prefix = maker.fresh("D")
    names = [f"{prefix}n{number}" for number in range(maker.rng.randint(2, 4))]
    owner = maker.rng.choice(["Query", *maker.objects(entities=True)])
    homes = maker.some(maker.subgraphs if owner == "Query" else maker.entered(owner) or [""])
    if homes == [""]:
        return
    link = Field(maker.fresh("deep"), _deep(maker, names[0]))
    for subgraph in homes:
        maker.declare(subgraph, owner, link)
    for name, below in zip(names, [*names[1:], None], strict=True):
        common = Field(f"{name.lower()}c", maker.scalar())
        leaves = [Field(maker.fresh(name.lower()), maker.scalar()) for _ in range(3)]
        link = Field("next", _deep(maker, below or "Int"))
        for subgraph in homes:
            for field in [common, *maker.some(leaves), link]:
                maker.declare(subgraph, name, field)


def _deep(maker: Maker, named: str) -> Ref:
    return Ref(named, tuple(maker.chance(0.2) for _ in range(maker.rng.choice([1, 1, 2, 3]))))
