"""Fields computed from what others know, and from what others computed of that."""

from __future__ import annotations

from ..maker import Maker
from ..world import Field, Ref
from .trees import declare, print_tree, random_tree

__all__ = ["requires"]


def requires(maker: Maker) -> None:
    """Add requirements one on another: later ones may name the fields of earlier ones."""
    for _ in range(maker.rng.choice([1, 2, 2, 3, 4])):
        if maker.chance(0.2) and _of_interface_object(maker):
            continue
        for _ in range(6):
            if _of_entity(maker):
                break


def _of_entity(maker: Maker) -> bool:
    """A field of an entity; False where what was chosen by chance has nothing to require."""
    name = maker.rng.choice([n for n in maker.objects(entities=True) if maker.entered(n)] or [""])
    if not name:
        return False
    subgraph = maker.rng.choice(maker.entered(name))
    tree = random_tree(maker, subgraph, name, maker.rng.choice([0, 0, 1, 2, 3]), args=True)
    if tree is None:
        return False
    declare(maker, subgraph, tree)
    field = Field(maker.fresh(f"{name.lower()}q"), _result(maker, subgraph), maker.args(0.2))
    field.add("requires", fields=print_tree(tree))
    maker.type(subgraph, name).fields[field.name] = field
    return True


def _result(maker: Maker, subgraph: str) -> Ref:
    """Return what is computed: mostly a text that tells of what, else a leaf, objects, lists."""
    if maker.chance(0.6):
        return Ref("String")
    known = [
        each
        for each in maker.composites()
        if subgraph in maker.homes(each) and each not in {"Org", "Part"}
    ]
    if known and maker.chance(0.5):
        return Ref(maker.rng.choice(known), (False,) * maker.rng.choice([1, 1, 2, 3]))
    return maker.scalar()


def _of_interface_object(maker: Maker) -> bool:
    """A field of an interface object that requires one of the interface."""
    found = [
        (subgraph, declared)
        for subgraph, schema in maker.world.schemas.items()
        for declared in schema.values()
        if declared.has("interfaceObject")
        and maker.entered(declared.name)
        and subgraph in maker.entered(declared.name)
    ]
    if not found:
        return False
    _, declared = maker.rng.choice(found)
    wanted = [
        field
        for _, other in maker.world.declarations(declared.name)
        for field in other.fields.values()
        if other is not declared
        and field.name != "id"
        and not field.args
        and maker.leaf(field.type)
        and not field.has("external")
        and field.name not in declared.fields
    ]
    if not wanted:
        return False
    source = maker.rng.choice(wanted)
    external = maker.bare(source)
    external.add("external")
    declared.fields[source.name] = external
    field = Field(maker.fresh(f"{declared.name.lower()}q"), Ref("String"))
    field.add("requires", fields=source.name)
    declared.fields[field.name] = field
    return True
