"""Arguments that an ancestor fills."""

from __future__ import annotations

from ..maker import Maker
from ..world import Arg, Field, Ref, Type

__all__ = ["contexts"]


def contexts(maker: Maker) -> None:
    """Add an entity that is reached below one or two types with a context, and nowhere else."""
    rng = maker.rng
    subgraph = rng.choice(maker.subgraphs)
    holders = [
        (name, field)
        for name in maker.objects()
        if subgraph in maker.homes(name) and name not in {"Org", "Part"}
        for field in maker.world.schemas[subgraph][name].fields.values()
        if field.type.named in {"Int", "String", "Float", "Boolean", "ID"}
        and not field.type.lists
        and not field.args
        and not field.directives
    ]
    if not holders:
        return
    context, target = maker.fresh("ctx"), maker.fresh("X")
    name, source = rng.choice(holders)
    # What the argument takes must be one type, whatever nullability the places have.
    chosen = {name: source}
    for other, field in holders:
        if field.type == source.type and maker.chance(0.3):
            chosen.setdefault(other, field)
    entity = maker.type(subgraph, target)
    entity.add("key", fields="id")
    entity.fields["id"] = Field("id", Ref("ID", (True,)))
    entity.fields["plain"] = Field("plain", maker.scalar())
    where = (
        f"{{ {source.name} }}"
        if len(chosen) == 1
        else " ".join(f"... on {on} {{ {field.name} }}" for on, field in chosen.items())
    )
    arg = Arg("given", Ref(source.type.named))
    arg.add("fromContext", field=f"${context} {where}")
    own = [Arg("x", Ref("Int"))] if maker.chance(0.4) else []
    entity.fields["told"] = Field("told", Ref("String"), [arg, *own])
    for on in chosen:
        holder: Type = maker.world.schemas[subgraph][on]
        holder.add("context", name=context)
        lists = rng.choice([0, 1, 2])
        link = Field(f"{on.lower()}{target.lower()}", Ref(target, (False,) * (lists + 1)))
        holder.fields[link.name] = link
    others = [each for each in maker.subgraphs if each != subgraph]
    if maker.chance(0.5):
        # Another subgraph knows more of the entity, and never leads to it.
        elsewhere = maker.type(rng.choice(others), target)
        elsewhere.add("key", fields="id")
        elsewhere.fields["id"] = Field("id", Ref("ID", (True,)))
        elsewhere.fields["more"] = Field("more", maker.scalar())
