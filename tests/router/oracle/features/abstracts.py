"""Unions, interfaces and interface objects, not the same everywhere."""

from __future__ import annotations

from ..maker import Maker
from ..world import Field, Ref
from .keys import enter

__all__ = ["abstracts"]


def abstracts(maker: Maker) -> None:
    """Add up to three abstract types over entities and values."""
    for number in range(maker.rng.choice([0, 0, 1, 1, 2, 3])):
        names = [each for each in maker.objects() if each not in {"Org", "Part"}]
        members = maker.some(names, everywhere=0.2)
        kind = maker.rng.randrange(5)
        if kind < 2:
            _union(maker, f"U{number}", members)
        elif kind < 3:
            _interface(maker, f"I{number}", members)
        else:
            _keyed_interface(maker, f"I{number}", members)
    if maker.chance(0.25):
        _family(maker, maker.fresh("J"))


def _union(maker: Maker, name: str, members: list[str]) -> None:
    for subgraph in maker.some(maker.subgraphs):
        here = [each for each in members if subgraph in maker.homes(each)]
        if here:
            maker.type(subgraph, name, "union").members = maker.some(here, everywhere=0.6)


def _interface(maker: Maker, name: str, members: list[str]) -> None:
    """Each subgraph has the implementations it knows and the fields that they all have."""
    common = Field(f"{name.lower()}c", _field_type(maker))
    for subgraph in maker.some(maker.subgraphs):
        here = [each for each in members if subgraph in maker.homes(each)]
        here = maker.some(here, everywhere=0.7) if here else []
        if here and (maker.leaf(common.type) or maker.homes(common.type.named).count(subgraph)):
            known = all("id" in maker.fields(each) for each in members)
            _implement(maker, subgraph, name, here, common, known=known)


def _field_type(maker: Maker) -> Ref:
    if maker.chance(0.25):
        target = maker.rng.choice(maker.objects())
        if target not in {"Org", "Part"}:
            return Ref(target, (maker.chance(0.2),) * maker.rng.choice([1, 1, 2]))
    return maker.scalar()


def _implement(
    maker: Maker, subgraph: str, name: str, members: list[str], common: Field, *, known: bool
) -> None:
    interface = maker.type(subgraph, name, "interface")
    interface.fields[common.name] = maker.bare(common)
    external = False
    for member in members:
        declared = maker.type(subgraph, member)
        declared.interfaces.append(name)
        owners = maker.owners(member, common.name)
        field = maker.declare(subgraph, member, common)
        elsewhere = owners and subgraph not in owners and maker.world.is_entity(member)
        if elsewhere and maker.chance(0.4):
            # Its interface has the field here; the value is somebody else's.
            field.add("external")
            external = True
    if known and not external and all("id" in maker.type(subgraph, m).fields for m in members):
        interface.fields["id"] = Field("id", Ref("ID", (True,)))


def _keyed_interface(maker: Maker, name: str, members: list[str]) -> None:
    """An interface with a key, and the subgraphs that know it as an object."""
    world = maker.world
    members = [each for each in members if world.is_entity(each)]
    homes = [
        subgraph
        for subgraph in maker.subgraphs
        if members
        and all(
            any(key.get("fields") == "id" and len(key.args) == 1 for key in declared.keys)
            for declared in (world.schemas[subgraph].get(each) for each in members)
            if declared is not None
        )
        and all(each in world.schemas[subgraph] for each in members)
    ]
    if not homes:
        return
    common = Field(f"{name.lower()}c", _field_type(maker))
    for member in members:
        for subgraph in maker.some(maker.homes(member)):
            if maker.leaf(common.type) or subgraph in maker.homes(common.type.named):
                maker.declare(subgraph, member, common)
    for subgraph in maker.some(homes):
        interface = maker.type(subgraph, name, "interface")
        interface.add("key", fields="id")
        interface.fields["id"] = Field("id", Ref("ID", (True,)))
        for member in members:
            maker.type(subgraph, member).interfaces.append(name)
        if all(common.name in maker.type(subgraph, each).fields for each in members):
            interface.fields[common.name] = maker.bare(common)
    free = [s for s in maker.subgraphs if not any(s in maker.homes(each) for each in members)]
    for subgraph in free[: maker.rng.choice([0, 1, 1, 2, 2])]:
        _interface_object(maker, subgraph, name)


def _family(maker: Maker, name: str) -> None:
    """An interface over entities of its own; the others know it as an object, or one of these."""
    home, *others = maker.rng.sample(maker.subgraphs, len(maker.subgraphs))
    interface = maker.type(home, name, "interface")
    interface.add("key", fields="id")
    common = Field(f"{name.lower()}c", maker.scalar())
    for each in (Field("id", Ref("ID", (True,))), common):
        interface.fields[each.name] = maker.bare(each)
    members = [maker.fresh("M") for _ in range(maker.rng.randint(1, 3))]
    for member in members:
        enter(maker, home, member, [("id", True)])
        maker.type(home, member).interfaces.append(name)
        own = Field(maker.fresh(member.lower()), maker.scalar(), maker.args(0.2))
        for each in (common, own):
            maker.declare(home, member, each)
    for subgraph in others:
        if maker.chance(0.7):
            _interface_object(maker, subgraph, name)
        else:
            member = maker.rng.choice(members)
            enter(maker, subgraph, member, [("id", True)])
            own = Field(maker.fresh(member.lower()), maker.scalar(), maker.args(0.2))
            maker.declare(subgraph, member, own)


def _interface_object(maker: Maker, subgraph: str, name: str) -> None:
    declared = maker.type(subgraph, name)
    declared.add("interfaceObject")
    if maker.simple or maker.chance(0.8):
        declared.add("key", fields="id")
    else:
        declared.add("key", fields="id", resolvable=False)
    declared.fields["id"] = Field("id", Ref("ID", (True,)))
    for _ in range(maker.rng.randint(1, 2)):
        field = Field(maker.fresh(f"{name.lower()}x"), maker.scalar(), maker.args(0.2))
        declared.fields[field.name] = field
