"""Entities, value types, fields and links: what every world has."""

from __future__ import annotations

from ..maker import Maker
from ..world import Field, Ref
from .keys import chains, draw, enter

__all__ = ["entities", "links", "plain_fields", "roots", "values"]


def entities(maker: Maker) -> None:
    """Entities that can be entered by ``id`` everywhere, or by a mixture of keys."""
    for number in range(maker.rng.randint(1, 4)):
        optional = not maker.simple and maker.chance(0.1)
        for subgraph in maker.some(maker.subgraphs):
            enter(maker, subgraph, f"E{number}", draw(maker), optional=optional)
    if maker.chance(0.2):
        chains(maker)


def values(maker: Maker) -> None:
    """Types without identity, each subgraph with its part of them."""
    for number in range(maker.rng.randint(0, 2)):
        for index in range(maker.rng.randint(1, 3)):
            field = Field(f"v{index}", maker.scalar(), maker.args(0.1))
            for subgraph in maker.some(maker.subgraphs, everywhere=0.97 if maker.simple else 0.7):
                maker.declare(subgraph, f"V{number}", field)
    for name in ("Org", "Part"):
        if name in maker.world.names("type") and maker.chance(0.5):
            field = Field(f"{name.lower()}x", maker.scalar())
            for subgraph in maker.some(maker.homes(name)):
                maker.declare(subgraph, name, field)


def plain_fields(maker: Maker) -> None:
    """Leaves of entities, mostly known to one subgraph."""
    for name in maker.objects(entities=True):
        for index in range(maker.rng.randint(1, 5)):
            field = Field(f"{name.lower()}f{index}", maker.scalar(), maker.args(0.25))
            homes = maker.some(maker.homes(name), everywhere=0.1)
            for subgraph in homes if maker.chance(0.3) else homes[:1]:
                maker.declare(subgraph, name, field)


def links(maker: Maker) -> None:
    """Fields that lead from objects to objects."""
    for name in maker.objects():
        if name in {"Org", "Part"}:
            continue
        most = 3 if maker.world.is_entity(name) else 1
        for index in range(maker.rng.randint(0, most)):
            _link(maker, name, f"{name.lower()}l{index}", maker.homes(name))
    for subgraph, name in maker.interface_objects():
        if maker.chance(0.4):
            _link(maker, name, maker.fresh(f"{name.lower()}l"), [subgraph])


def roots(maker: Maker) -> None:
    """Fields that lead into the graph; mutations and subscriptions sometimes."""
    for index in range(maker.rng.randint(1, 4)):
        _link(maker, "Query", f"q{index}", maker.subgraphs)
    if not maker.homes("Query"):
        name = maker.composites()[0]
        maker.declare(maker.homes(name)[0], "Query", Field("q", Ref(name)))
    for kind in ("Mutation", "Subscription"):
        if maker.chance(0.25):
            for index in range(maker.rng.randint(1, 3)):
                _link(maker, kind, f"{kind[0].lower()}{index}", maker.subgraphs)


def _link(maker: Maker, owner: str, name: str, among: list[str]) -> None:
    rng = maker.rng
    target = rng.choice(
        [each for each in maker.composites() if each not in {"Org", "Part"}] or [""]
    )
    homes = [subgraph for subgraph in maker.homes(target) if subgraph in among]
    if not homes:
        return
    rng.shuffle(homes)
    shared = maker.chance(0.25) and owner not in {"Mutation", "Subscription"}
    if shared and maker.abstract(target):
        shared = maker.chance(0.5) and _common_members(maker, target, homes)
    lists = rng.choice([0, 0, 0, 1, 1, 2, 2, 3]) if owner != "Subscription" else 0
    required = tuple(maker.chance(0.2) for _ in range(lists + 1))
    field = Field(name, Ref(target, required), maker.args(0.2))
    for subgraph in homes if shared else homes[:1]:
        maker.declare(subgraph, owner, field)


def _common_members(maker: Maker, name: str, homes: list[str]) -> bool:
    each = [set(maker.world.possible(name, subgraph)) for subgraph in homes]
    return bool(set.intersection(*each))
