"""What subgraphs know and clients must not."""

from __future__ import annotations

from ..maker import Maker
from ..world import ROOTS, Directive, Field, Ref

__all__ = ["hidden_fields", "hidden_members", "hidden_values"]

HIDDEN = Directive.of("inaccessible")


def hidden_fields(maker: Maker) -> None:
    """Hide fields and arguments; keys and requirements go on using them."""
    interfaces = {
        name
        for each in maker.world.names("interface")
        for _, declared in maker.world.declarations(each)
        for name in declared.fields
    }
    for _ in range(maker.rng.choice([1, 1, 2])):
        name = maker.rng.choice(maker.objects())
        hideable = [each for each in maker.fields(name) if each not in interfaces]
        visible = [
            each
            for each in maker.fields(name)
            if not any(
                declared.fields[each].has("inaccessible")
                for _, declared in maker.world.declarations(name)
                if each in declared.fields
            )
        ]
        if len(visible) < 2 or not set(hideable) & set(visible):
            continue
        chosen = maker.rng.choice([each for each in hideable if each in visible])
        field = maker.type(maker.owners(name, chosen)[0], name).fields[chosen]
        optional = [
            arg for arg in field.args if not arg.type.required[-1] and not arg.has("fromContext")
        ]
        if optional and maker.chance(0.6):
            optional[0].add("inaccessible")
        else:
            field.add("inaccessible")


def hidden_members(maker: Maker) -> None:
    """A type that comes out of a union or an interface and has no name for the client."""
    abstract = [*maker.world.names("union"), *maker.world.names("interface")]
    if not abstract:
        return
    name = maker.rng.choice(abstract)
    declarations = maker.world.declarations(name)
    subgraph, declared = maker.rng.choice(declarations)
    if any(each.has("interfaceObject") or each.keys for _, each in declarations):
        return
    made = maker.type(subgraph, maker.fresh("H"))
    made.add("inaccessible")
    made.fields["secret"] = Field("secret", Ref("String"))
    if declared.kind == "union":
        declared.members.append(made.name)
        return
    made.interfaces.append(name)
    for field in declared.fields.values():
        made.fields[field.name] = maker.bare(field)


def hidden_values(maker: Maker) -> None:
    """An enum, not the same everywhere, with a value that clients do not see and that subgraphs
    send all the same.
    """
    name = maker.fresh("Mood")
    owner = maker.rng.choice([*maker.objects(), "Query"])
    homes = maker.homes(owner) or maker.subgraphs
    for subgraph in maker.some(homes):
        declared = maker.type(subgraph, name, "enum")
        values = ["CALM", *maker.some(["SLY", "GAY", "WRY"])]
        declared.values = {each: [HIDDEN] if each == "SLY" else [] for each in values}
        lists = maker.rng.choice([0, 1])
        required = (maker.chance(0.3),) * (lists + 1)
        field = Field(maker.fresh("mood"), Ref(name, required))
        if owner in ROOTS or maker.world.is_entity(owner) or maker.chance(0.5):
            maker.declare(subgraph, owner, field)
    if not any(
        field.type.named == name
        for _, d in maker.world.declarations(owner)
        for field in d.fields.values()
    ):
        for schema in maker.world.schemas.values():
            schema.pop(name, None)
