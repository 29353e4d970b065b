"""World -> SDL: one merged schema, or what one subgraph shows."""

from __future__ import annotations

from collections.abc import Iterable

from .world import Entity, Field, UnionType, World

__all__ = ["merged_sdl", "subgraph_sdl"]

LINK = (
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: ["@key", '
    '"@shareable", "@external", "@requires", "@provides", "@override", "@interfaceObject"])'
)
SHADE = "enum Shade { RED GREEN BLUE }"


def merged_sdl(world: World) -> str:
    """Return the schema without any federation: what clients see."""
    parts = [SHADE]
    roots = [("Query", world.query)]
    if world.mutation:
        roots.append(("Mutation", world.mutation))
    for name, root in roots:
        parts.append(_block(f"type {name}", (_plain(each) for each in root.fields.values())))
    for value in world.values.values():
        parts.append(_block(f"type {value.name}", (_plain(each) for each in value.fields.values())))
    for entity in world.entities.values():
        head = f"type {entity.name}{_implements(entity.interfaces)}"
        fields = world.fields_of(entity.name).values()
        parts.append(_block(head, (_plain(each) for each in fields)))
    for abstract in world.abstracts.values():
        parts.append(_merged_abstract(world, abstract))
    return "\n\n".join(parts)


def _merged_abstract(world: World, abstract: UnionType) -> str:
    if not abstract.is_interface:
        return f"union {abstract.name} = {' | '.join(abstract.members)}"
    fields = world.fields_of(abstract.members[0])
    common = [fields[name] for name in abstract.common]
    everything = [*common, *abstract.extra.values()]
    return _block(f"interface {abstract.name}", (_plain(each) for each in everything))


def subgraph_sdl(world: World, subgraph: str) -> str:
    """Return the subgraph's Federation 2 SDL."""
    parts = [LINK]
    for name, root in (("Query", world.query), ("Mutation", world.mutation)):
        if root is None:
            continue
        lines = [_shown(each, subgraph) for each in root.fields.values() if subgraph in each.homes]
        if name == "Query" and not lines:
            lines = [f"{subgraph}Here: Boolean"]
        if lines:
            parts.append(_block(f"type {name}", lines))
    for value in world.values.values():
        lines = [_plain(each) for each in value.fields.values() if subgraph in each.homes]
        if lines:
            parts.append(_block(f"type {value.name} @shareable", lines))
    for entity in world.entities.values():
        if subgraph in entity.keys:
            parts.append(_entity(world, entity, subgraph))
    for abstract in world.abstracts.values():
        parts.extend(_abstract(world, abstract, subgraph))
    text = "\n\n".join(parts)
    return f"{text}\n\n{SHADE}\n" if "Shade" in text else text


def _entity(world: World, entity: Entity, subgraph: str) -> str:
    keys = "".join(
        f' @key(fields: "{" ".join(fields)}"{"" if resolvable else ", resolvable: false"})'
        for fields, resolvable in entity.keys[subgraph]
    )
    here = [name for name in entity.interfaces if subgraph in world.abstracts[name].homes]
    names = {name for fields, _ in entity.keys[subgraph] for name in fields}
    lines = []
    for each in entity.fields.values():
        if each.name in names or subgraph in each.homes:
            lines.append(
                _shown(
                    each, subgraph, key=each.name in names, provided=_provided(world, entity, each)
                )
            )
        elif subgraph in externals(world, entity, each):
            lines.append(f"{_plain(each)} @external")
        elif each.overridden == subgraph:
            lines.append(_plain(each))
    return _block(f"type {entity.name}{_implements(here)}{keys}", lines)


def _provided(world: World, entity: Entity, field: Field) -> bool:
    """Tell whether some subgraph provides the field: then its owner must share it."""
    return any(
        field.name in names
        for owner in (world.query, *world.entities.values())
        for other in owner.fields.values()
        if other.type.named == entity.name
        for names in other.provides.values()
    )


def externals(world: World, entity: Entity, field: Field) -> set[str]:
    """Return the subgraphs that declare the field only to require or provide it."""
    found = {
        subgraph
        for other in entity.fields.values()
        for subgraph, names in other.requires.items()
        if field.name in names
    }
    every = [world.query, *world.entities.values()]
    for owner in every:
        for other in owner.fields.values():
            if other.type.named == entity.name:
                found |= {s for s, names in other.provides.items() if field.name in names}
    return found - set(field.homes)


def _abstract(world: World, abstract: UnionType, subgraph: str) -> Iterable[str]:
    if abstract.object_in == subgraph:
        lines = ["id: ID!", *(_plain(each) for each in abstract.extra.values())]
        head = f'type {abstract.name} @interfaceObject @key(fields: "id")'
        yield _block(head, lines)
    elif subgraph in abstract.homes:
        if not abstract.is_interface:
            yield f"union {abstract.name} = {' | '.join(abstract.members)}"
            return
        fields = world.entities[abstract.members[0]].fields
        here = [
            fields[name]
            for name in abstract.common
            if name == "id"
            or all(
                subgraph in world.entities[member].fields[name].homes for member in abstract.members
            )
        ]
        key = ' @key(fields: "id")' if abstract.keyed else ""
        yield _block(f"interface {abstract.name}{key}", (_plain(each) for each in here))


def _shown(field: Field, subgraph: str, *, key: bool = False, provided: bool = False) -> str:
    text = _plain(field)
    if names := field.requires.get(subgraph):
        text += f' @requires(fields: "{" ".join(names)}")'
    if names := field.provides.get(subgraph):
        text += f' @provides(fields: "{" ".join(names)}")'
    if (len(field.homes) > 1 or provided) and not key:
        text += " @shareable"
    if field.overridden and field.homes == [subgraph]:
        text += f' @override(from: "{field.overridden}")'
    return text


def _plain(field: Field) -> str:
    args = ", ".join(
        f"{arg.name}: {arg.type}" + (f" = {arg.default}" if arg.default is not None else "")
        for arg in field.args
    )
    return f"{field.name}{f'({args})' if args else ''}: {field.type}"


def _implements(names: list[str]) -> str:
    return f" implements {' & '.join(names)}" if names else ""


def _block(head: str, lines: Iterable[str]) -> str:
    return head + " {\n" + "\n".join(f"  {line}" for line in lines) + "\n}"
