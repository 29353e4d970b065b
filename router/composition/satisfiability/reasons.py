"""Why a subgraph cannot go on: one sentence per way that was tried."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from router.composition.satisfiability.graph import Graph, Vertex
from router.composition.satisfiability.resolution import Resolver
from router.composition.satisfiability.views import FieldView, Kind, TypeView

__all__ = ["cast_reasons", "field_reasons"]


def field_reasons(
    start: Vertex, type_name: str, field: str, labels: Mapping[str, bool], resolver: Resolver
) -> Iterator[str]:
    """Yield why a field of an object type cannot be had from a vertex."""
    graph = resolver.graph
    here = start.cast(type_name) if start.type.is_abstract else start
    at = f"{type_name}.{field}"
    if here is not None:
        yield from _local_reasons(here, field, at, labels, resolver)
    for other, types in graph.landscape.types.items():
        if other == start.type.graph:
            continue
        for view in _offering(types, type_name, field, graph):
            yield from _move_reasons(here or start, view, at, resolver)


def cast_reasons(start: Vertex, type_name: str, resolver: Resolver) -> Iterator[str]:
    """Yield why an object cannot be known to be of a type from a vertex."""
    graph = resolver.graph
    name = start.type.name
    if start.type.kind is not Kind.INTERFACE_OBJECT:
        yield f'cannot find implementation type "{type_name}" of "{name}".'
        return
    yield (
        "no subgraph can be reached to resolve the implementation type of @interfaceObject type "
        f'"{name}".'
    )
    for other, types in graph.landscape.types.items():
        found = types.get(name)
        if other == start.type.graph:
            continue
        if found is None:
            yield f'interface "{name}" is not defined in subgraph "{_name(graph, other)}".'
        elif found.kind is Kind.INTERFACE:
            yield from _move_reasons(start, found, None, resolver)


def _offering(
    types: Mapping[str, TypeView], type_name: str, field: str, graph: Graph
) -> Iterator[TypeView]:
    """Yield the types of a subgraph through which it resolves a field of an object type."""
    for name in (type_name, *graph.landscape.interfaces.get(type_name, ())):
        view = types.get(name)
        if view is None or (name != type_name and view.kind is not Kind.INTERFACE_OBJECT):
            continue
        if field in view.fields and not view.fields[field].external:
            yield view


def _local_reasons(
    here: Vertex, field: str, at: str, labels: Mapping[str, bool], resolver: Resolver
) -> Iterator[str]:
    view = here.type.fields.get(field)
    if view is None:
        yield f'cannot find field "{at}".'
        return
    edge = here.edge(field)
    if edge is None:
        overriding = _overriding(view, resolver.graph) if view.overridden else None
        if overriding is not None:
            yield f'field "{at}" is not resolvable because it is overridden by "{overriding}".'
        else:
            yield f'field "{at}" is not resolvable because marked @external.'
        return
    if view.label is not None and labels.get(view.label) != view.label_value:
        yield (
            f'field "{at}" is not resolvable because the override condition label is '
            f'"{view.label}", which is {str(not view.label_value).lower()} here.'
        )
    elif view.requires is not None and not edge.provided:
        if not resolver.holds(here, view.requires):
            keys = (item for key in here.type.keys for item in key.selection.items)
            external = any(
                found is not None and found.external
                for found in (here.type.fields.get(getattr(item, "name", "")) for item in keys)
            )
            note = " (please ensure that its key fields are not @external)" if external else ""
            yield f'cannot satisfy @require conditions on field "{at}"{note}.'
        elif not resolver.has_local_key(here):
            yield (
                f'the @require condition on field "{at}" can be satisfied but missing usable key '
                f'on "{here.type.name}" in subgraph "{_name(resolver.graph, here.type.graph)}" to '
                "resume the query."
            )
    elif view.contexts:
        yield f'could not find a match for the required context of field "{at}".'


def _move_reasons(
    start: Vertex, view: TypeView, at: str | None, resolver: Resolver
) -> Iterator[str]:
    """Yield why a subgraph that has what is wanted cannot be moved to."""
    graph = resolver.graph
    target = _name(graph, view.graph)
    which = f', which has field "{at}",' if at is not None else ""
    keys = [key for key in view.keys if key.resolvable]
    if not view.keys:
        kind = "interface" if view.kind is Kind.INTERFACE else "type"
        yield (
            f'cannot move to subgraph "{target}"{which} because {kind} "{view.name}" has no @key '
            f'defined in subgraph "{target}".'
        )
    elif not keys:
        yield (
            f'cannot move to subgraph "{target}"{which} because none of the @key defined on type '
            f'"{view.name}" in subgraph "{target}" are resolvable (they are all declared with '
            'their "resolvable" argument set to false).'
        )
    for move in start.moves:
        if move.key is None or move.target.type is not view:
            continue
        if not resolver.can_move(start, move):
            yield (
                f'cannot move to subgraph "{target}" using @key(fields: "{move.key.text}") of '
                f'"{view.name}", the key field(s) cannot be resolved from subgraph '
                f'"{_name(graph, start.type.graph)}".'
            )


def _overriding(field: FieldView, graph: Graph) -> str | None:
    for name, types in graph.landscape.types.items():
        owner = types.get(field.parent)
        found = owner.fields.get(field.name) if owner is not None else None
        if found is not None and not found.external:
            return _name(graph, name)
    return None


def _name(graph: Graph, graph_id: str) -> str:
    return graph.landscape.names[graph_id]
