"""The values of a world: a pure function of place and arguments."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from .world import Field, Obj, Ref, World

__all__ = ["key_value", "value_of"]

SHADES = ("RED", "GREEN", "BLUE")


def value_of(world: World, obj: Obj, field: Field, args: dict[str, Any]) -> Any:
    """Return the field's value; entities come as :class:`Obj`, value types too."""
    if field.requires:
        source = next(iter(field.requires.values()))
        fields = world.fields_of(obj.type)
        inputs = {name: value_of(world, obj, fields[name], {}) for name in source}
        return derived(field.name, inputs)
    place = (obj.type, obj.id, field.name)
    if field.name in {"id", "code", "region"}:
        return key_value(obj, field.name)
    if any(field.name in abstract.extra for abstract in world.abstracts.values()):
        place = ("interface", obj.id, field.name)
    return build(world, place, field.type, args, len(field.type.required) - 1)


def key_value(obj: Obj, name: str) -> str:
    """Return a key field's value: never null, unique by id (``region`` is not unique alone)."""
    match name:
        case "id":
            return obj.id
        case "code":
            return f"code-{obj.id}"
        case _:
            return f"region-{len(obj.id) % 2}"


def derived(name: str, inputs: dict[str, Any]) -> str:
    """Return what a requiring field computes from its inputs."""
    return f"{name}<{json.dumps(inputs, sort_keys=True)}>"


def build(world: World, place: tuple[Any, ...], ref: Ref, args: dict[str, Any], level: int) -> Any:
    number = _hash(world.seed, *place, json.dumps(args, sort_keys=True))
    if not ref.required[level] and number % 7 == 0:
        return None
    if level > 0:
        length = number % 4
        return [build(world, (*place, index), ref, args, level - 1) for index in range(length)]
    return leaf(world, place, ref.named, number, args)


def leaf(
    world: World, place: tuple[Any, ...], named: str, number: int, args: dict[str, Any]
) -> Any:
    suffix = "".join(f",{name}={args[name]}" for name in sorted(args))
    match named:
        case "Int":
            return number % 1000
        case "Float":
            return (number % 1000) / 4
        case "Boolean":
            return number % 2 == 0
        case "String" | "ID":
            return f"{place[-1]}-{number % 100}{suffix}"
        case "Shade":
            return SHADES[number % 3]
    if named in world.entities:
        ids = world.entities[named].ids
        return Obj(named, ids[number % len(ids)])
    if named in world.abstracts:
        members = world.abstracts[named].members
        member = members[number % len(members)]
        ids = world.entities[member].ids
        return Obj(member, ids[(number // 7) % len(ids)])
    return Obj(named, "/".join(map(str, place)))


def _hash(*parts: Any) -> int:
    digest = hashlib.blake2b(repr(parts).encode(), digest_size=6).digest()
    return int.from_bytes(digest, "big")
