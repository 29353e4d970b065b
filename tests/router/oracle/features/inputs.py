"""Inputs of which clients may use what all subgraphs know."""

from __future__ import annotations

from ..maker import Maker
from ..world import Arg, Field, Ref

__all__ = ["enum_inputs", "input_objects"]


def input_objects(maker: Maker) -> None:
    """Input objects, one in another, whose fields differ; used by fields of several subgraphs."""
    name, inner = maker.fresh("In"), maker.fresh("Inner")
    every = [
        Arg("a", Ref("Int"), "2"),
        Arg("b", Ref("String", (True, False))),
        Arg("deeper", Ref(name)),
        Arg("many", Ref(name, (True, False))),
        Arg("inner", Ref(inner), "{c: 1}"),
        Arg("shade", Ref("Shade")),
        Arg("json", Ref("Json")),
    ]
    within = [Arg("c", Ref("Int", (True,))), Arg("d", Ref("Shade"), "RED"), Arg("e", Ref("ID"))]
    own = [Arg("mine", Ref("String"), '"m"'), Arg("other", Ref("Int"))]
    arg = Arg("input", Ref(name, (maker.chance(0.3),)))
    for subgraph in _users(maker, arg):
        declared = maker.type(subgraph, name, "input")
        for each in [every[0], *maker.some(every[1:]), *maker.some(own)[:1]]:
            declared.inputs[each.name] = each
        for each in [within[0], *maker.some(within[1:])]:
            maker.type(subgraph, inner, "input").inputs[each.name] = each


def enum_inputs(maker: Maker) -> None:
    """An enum that is input only: clients have the values that all subgraphs have."""
    name = maker.fresh("Mode")
    arg = Arg("mode", Ref(name), "ON" if maker.chance(0.3) else None)
    for subgraph in _users(maker, arg):
        values = ["ON", "OFF", *maker.some(["AUTO", "SLOW", "FAST"])]
        maker.type(subgraph, name, "enum").values = {each: [] for each in values}


def _users(maker: Maker, arg: Arg) -> list[str]:
    """Give the argument to a few fields, and return the subgraphs that have them."""
    users: dict[str, None] = {}
    for _ in range(maker.rng.randint(1, 3)):
        owner = maker.rng.choice([*maker.objects(entities=True), "Query"])
        field = Field(maker.fresh("with"), Ref("String"), [arg])
        homes = maker.homes(owner)
        for subgraph in maker.some(homes) if homes and maker.chance(0.4) else homes[:1]:
            maker.declare(subgraph, owner, field)
            users[subgraph] = None
    return list(users)
