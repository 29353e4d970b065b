"""The schema that clients see, merged by other code than the composer's.

The rules of federation in their plainest form: objects and outputs are united, inputs are
intersected, nullability is what all can keep, hidden things go.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce

from .world import ROOTS, Arg, Field, Ref, Schema, Type, World

__all__ = ["merge"]


def merge(world: World) -> Schema:
    """Return the client's types by name, without directives."""
    names = dict.fromkeys(name for schema in world.schemas.values() for name in schema)
    used_in, used_out = _enum_uses(world)
    merged: Schema = {}
    for name in names:
        declared = [each for _, each in world.declarations(name)]
        if any(each.has("inaccessible") for each in declared):
            continue
        kinds = {each.kind for each in declared if not each.has("interfaceObject")}
        assert len(kinds) == 1, f"{name} is {kinds}"
        made = Type(name, kinds.pop())
        match made.kind:
            case "enum":
                _values(made, declared, common=name in used_in, every=name in used_out)
            case "input":
                made.inputs = _arguments([list(each.inputs.values()) for each in declared])
            case "union":
                made.members = world.implementations(name)
            case "type" | "interface":
                made.interfaces = list(dict.fromkeys(i for d in declared for i in d.interfaces))
                made.fields = _fields(world, [*declared, *_interface_objects(world, name)])
        merged[name] = made
    _forget_hidden(merged)
    return merged


def _interface_objects(world: World, name: str) -> list[Type]:
    """Return the interface objects that give the object type their fields."""
    interfaces = {i for _, each in world.declarations(name) for i in each.interfaces}
    return [
        each
        for interface in interfaces
        for _, each in world.declarations(interface)
        if each.has("interfaceObject")
    ]


def _fields(world: World, declared: Sequence[Type]) -> dict[str, Field]:
    found: dict[str, Field] = {}
    for name in dict.fromkeys(f for each in declared for f in each.fields):
        every = [each.fields[name] for each in declared if name in each.fields]
        if any(each.has("inaccessible") for each in every):
            continue
        owned = [each for each in every if not each.has("external")] or every
        args = _arguments(
            [[arg for arg in each.args if not arg.has("fromContext")] for each in owned]
        )
        ref = reduce(lambda a, b: _wider(world, a, b), (each.type for each in owned))
        found[name] = Field(name, ref, list(args.values()))
    return found


def _wider(world: World, one: Ref, other: Ref) -> Ref:
    named = one.named
    if one.named != other.named and one.named in world.implementations(other.named):
        named = other.named
    marks = zip(one.required, other.required, strict=True)
    return Ref(named, tuple(a and b for a, b in marks))


def _arguments(lists: Sequence[Iterable[Arg]]) -> dict[str, Arg]:
    tables = [{arg.name: arg for arg in each} for each in lists]
    found: dict[str, Arg] = {}
    for name in tables[0]:
        if not all(name in table for table in tables):
            continue
        every = [table[name] for table in tables]
        if any(each.has("inaccessible") for each in every):
            continue
        marks = zip(*(each.type.required for each in every), strict=True)
        ref = Ref(every[0].type.named, tuple(any(each) for each in marks))
        found[name] = Arg(name, ref, every[0].default)
    return found


def _values(made: Type, declared: Sequence[Type], *, common: bool, every: bool) -> None:
    names = dict.fromkeys(v for each in declared for v in each.values)
    hidden = {
        v
        for each in declared
        for v, directives in each.values.items()
        if any(d.name == "inaccessible" for d in directives)
    }
    for name in names:
        here = all(name in each.values for each in declared)
        if name not in hidden and (here or not common):
            made.values[name] = []
    assert here_or_equal(common, every, declared), f"{made.name} differs and is used both ways"


def here_or_equal(common: bool, every: bool, declared: Sequence[Type]) -> bool:
    """Tell whether an enum that is input and output alike is the same everywhere."""
    return not (common and every) or len({frozenset(each.values) for each in declared}) == 1


def _enum_uses(world: World) -> tuple[set[str], set[str]]:
    inputs: set[str] = set()
    outputs: set[str] = set()
    for schema in world.schemas.values():
        for each in schema.values():
            inputs.update(arg.type.named for arg in each.inputs.values())
            for field in each.fields.values():
                outputs.add(field.type.named)
                inputs.update(arg.type.named for arg in field.args)
    return inputs, outputs


def _forget_hidden(merged: Schema) -> None:
    """Take out what mentions types that are not there, and roots without fields."""
    for each in merged.values():
        each.members = [name for name in each.members if name in merged]
        each.interfaces = [name for name in each.interfaces if name in merged]
    for root in ROOTS:
        if root in merged and not merged[root].fields:
            del merged[root]
