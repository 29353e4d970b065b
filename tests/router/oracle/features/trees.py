"""Random field sets: what a subgraph may require or provide, declared external on the way."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..maker import Maker
from ..world import Field, Ref, Type

__all__ = ["Tree", "declare", "print_tree", "random_tree", "stub"]


@dataclass
class Tree:
    """The fields chosen of one type; ``on`` holds those that only some members have."""

    type: str
    fields: list[tuple[Field, str, Tree | None]] = field(default_factory=list)
    on: list[Tree] = field(default_factory=list)


def random_tree(
    maker: Maker, subgraph: str, name: str, depth: int, *, args: bool, within: bool = False
) -> Tree | None:
    """Return fields of the type that ``subgraph`` cannot resolve itself, or None.

    ``args``: with literal arguments. ``within``: below an external field everything is somebody
    else's, what the subgraph could resolve too.
    """
    tree = Tree(name)
    if maker.stands_in(subgraph, name):
        return None
    if maker.abstract(name):
        return _abstract_tree(maker, subgraph, tree, depth, args=args, within=within)
    keys = maker.key_names(name)
    for each in _some_fields(maker, name, deep=depth > 0):
        if each.contextual or _hidden(maker, name, each.name):
            continue
        here = subgraph in maker.owners(name, each.name)
        literal = _literals(each) if args else ""
        if each.args and not (args and (literal or _optional(each))):
            continue
        if maker.leaf(each.type):
            if within or (not here and each.name not in keys):
                tree.fields.append((each, literal, None))
        elif depth > 0 and each.name not in keys:
            below = random_tree(
                maker, subgraph, each.type.named, depth - 1, args=args, within=within or not here
            )
            if below:
                tree.fields.append((each, literal, below))
    return tree if tree.fields else None


def _some_fields(maker: Maker, name: str, *, deep: bool) -> list[Field]:
    """Return up to three fields of an object type, rather those that lead on if ``deep``."""
    fields = list(maker.fields(name).values())
    if deep and maker.chance(0.6):
        fields = [each for each in fields if not maker.leaf(each.type)] or fields
    return maker.some(fields, everywhere=0.1)[:3] if fields else []


def _abstract_tree(
    maker: Maker, subgraph: str, tree: Tree, depth: int, *, args: bool, within: bool
) -> Tree | None:
    here = maker.world.schemas[subgraph].get(tree.type)
    if here is not None and here.has("interfaceObject"):
        return None
    for each in _of_all(maker, subgraph, tree.type) if within else ():
        if maker.chance(0.3):
            tree.fields.append((each, "", None))
    members = maker.world.implementations(tree.type, subgraph if here else None)
    for member in maker.some(members or [""], everywhere=0.2)[:2]:
        if not member:
            continue
        part = random_tree(maker, subgraph, member, depth - 1, args=args, within=within)
        if part:
            tree.on.append(part)
    return tree if tree.on or tree.fields else None


def _of_all(maker: Maker, subgraph: str, name: str) -> list[Field]:
    """Return the leaves that an interface has in the subgraph, or will have once it is there."""
    declared = maker.world.schemas[subgraph].get(name) or _definition(maker, name)
    return [
        each
        for each in declared.fields.values()
        if maker.leaf(each.type) and not each.args and each.name != "id"
    ]


def _definition(maker: Maker, name: str) -> Type:
    """Return the first declaration of an abstract type that is one."""
    return next(
        each for _, each in maker.world.declarations(name) if not each.has("interfaceObject")
    )


def _hidden(maker: Maker, name: str, field_name: str) -> bool:
    return any(
        declared.fields[field_name].type.named not in {"Org", "Part"}
        and declared.fields[field_name].has("override")
        for _, declared in maker.world.declarations(name)
        if field_name in declared.fields
    )


def _optional(each: Field) -> bool:
    return all(not arg.type.required[-1] or arg.default is not None for arg in each.args)


def _literals(each: Field) -> str:
    made = {"Int": "7", "String": '"r"', "Shade": "BLUE"}
    parts = [f"{a.name}: {made[a.type.named]}" for a in each.args if a.type.named in made]
    return f"({', '.join(parts)})" if parts else ""


def print_tree(tree: Tree) -> str:
    """Return the field set."""
    parts = [
        f"{each.name}{literal}" + (f" {{ {print_tree(below)} }}" if below else "")
        for each, literal, below in tree.fields
    ]
    parts += [f"... on {part.type} {{ {print_tree(part)} }}" for part in tree.on]
    return " ".join(parts)


def declare(maker: Maker, subgraph: str, tree: Tree) -> None:
    """Give the subgraph what the tree mentions: external, where it cannot resolve it."""
    known = tree.type in maker.world.schemas[subgraph]
    stub(maker, subgraph, tree.type)
    here = maker.type(subgraph, tree.type)
    for each, _, below in tree.fields:
        if below:
            declare(maker, subgraph, below)
        if each.name not in here.fields:
            field = maker.bare(each)
            if known or not _is_value(maker, tree.type):
                field.add("external")
            here.fields[each.name] = field
    for part in tree.on:
        declare(maker, subgraph, part)


def _is_value(maker: Maker, name: str) -> bool:
    return not maker.world.is_entity(name)


def stub(maker: Maker, subgraph: str, name: str) -> None:
    """Declare a type in a subgraph that does not have it, with no more than it needs."""
    if name in maker.world.schemas[subgraph]:
        return
    if not maker.abstract(name):
        made = maker.type(subgraph, name)
        if "id" in maker.fields(name) and maker.world.is_entity(name):
            made.add("key", fields="id", resolvable=False)
            made.fields["id"] = Field("id", Ref("ID", (True,)))
        return
    declared = _definition(maker, name)
    owner = next(s for s, each in maker.world.declarations(name) if each is declared)
    members = maker.world.implementations(name, owner)
    made = maker.type(subgraph, name, declared.kind)
    if declared.kind == "union":
        made.members = list(members)
    for member in members:
        stub(maker, subgraph, member)
        if declared.kind == "interface":
            _implement(maker, subgraph, name, declared, member)


def _implement(maker: Maker, subgraph: str, name: str, declared: Type, member: str) -> None:
    here = maker.type(subgraph, member)
    here.interfaces.append(name)
    for each in declared.fields.values():
        if not maker.leaf(each.type) and each.type.named not in maker.world.schemas[subgraph]:
            continue
        maker.type(subgraph, name).fields.setdefault(each.name, maker.bare(each))
        if each.name not in here.fields:
            field = maker.bare(maker.fields(member).get(each.name, each))
            if maker.world.is_entity(member):
                field.add("external")
            here.fields[each.name] = field
