"""What a Federation 1 supergraph (join spec 0.1) leaves unsaid.

Only entities carry join directives there. A value type exists in each subgraph in which it can be
reached; fields that a key, ``@requires``, ``@provides`` or an interface needs are declared there
although no directive lists them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from graphql import (
    FieldDefinitionNode,
    InterfaceTypeDefinitionNode,
    ObjectTypeDefinitionNode,
    TypeDefinitionNode,
    print_ast,
)
from msgspec.structs import replace

from router.supergraph.fieldset import FieldSet, SetField
from router.supergraph.views import FieldView, SubgraphView, TypeKind, TypeRef, TypeView

__all__ = ["complete_legacy_views"]


def complete_legacy_views(
    subgraphs: Mapping[str, SubgraphView],
    definitions: Mapping[str, TypeDefinitionNode],
    possible: Mapping[str, frozenset[str]],
    roots: Mapping[str, str],
) -> dict[str, SubgraphView]:
    """Keep the reachable types of each subgraph and declare what its field sets name."""
    completed: dict[str, SubgraphView] = {}
    for name, view in subgraphs.items():
        types = dict(view.types)
        _declare_named_fields(types, definitions)
        reachable = _reachable(types, possible, roots)
        kept = {key: found for key, found in types.items() if key in reachable and _alive(found)}
        for key, found in list(kept.items()):
            if found.is_abstract:
                local = tuple(t for t in sorted(possible.get(key, ())) if t in kept)
                kept[key] = replace(found, possible=local)
        _declare_interface_fields(kept, definitions)
        completed[name] = replace(view, types=MappingProxyType(kept))
    return completed


def _alive(view: TypeView) -> bool:
    return bool(view.fields) or not view.is_composite or view.kind is TypeKind.UNION


def _declare_named_fields(
    types: dict[str, TypeView], definitions: Mapping[str, TypeDefinitionNode]
) -> None:
    for view in list(types.values()):
        for key in view.keys:
            _declare(types, definitions, view.name, key.selection, external=False)
        for field in list(view.fields.values()):
            _declare(types, definitions, view.name, field.requires, external=True)
            _declare(types, definitions, field.type.named, field.provides, external=True)


def _declare(
    types: dict[str, TypeView],
    definitions: Mapping[str, TypeDefinitionNode],
    type_name: str,
    selection: FieldSet,
    *,
    external: bool,
) -> None:
    for item in selection:
        if not isinstance(item, SetField):
            _declare(types, definitions, item.on, item.selections, external=external)
            continue
        definition = _definition(definitions, type_name, item.name)
        view = types.get(type_name)
        if definition is None or view is None:
            continue
        if item.name not in view.fields:
            declared = FieldView(
                name=item.name,
                type=TypeRef.of(definition.type),
                external=external,
                arguments={
                    argument.name.value: f"{argument.name.value}: {print_ast(argument.type)}"
                    for argument in definition.arguments or ()
                },
            )
            fields = MappingProxyType({**view.fields, item.name: declared})
            types[type_name] = replace(view, fields=fields)
        named = TypeRef.of(definition.type).named
        _declare(types, definitions, named, item.selections, external=external)


def _definition(
    definitions: Mapping[str, TypeDefinitionNode], type_name: str, field_name: str
) -> FieldDefinitionNode | None:
    node = definitions.get(type_name)
    if not isinstance(node, (ObjectTypeDefinitionNode, InterfaceTypeDefinitionNode)):
        return None
    return next((f for f in node.fields or () if f.name.value == field_name), None)


def _declare_interface_fields(
    types: dict[str, TypeView], definitions: Mapping[str, TypeDefinitionNode]
) -> None:
    """Objects must declare what their interfaces demand; interfaces only what they all have."""
    for view in list(types.values()):
        for interface in view.interfaces:
            demanded = types.get(interface)
            if demanded is not None:
                names = tuple(SetField(name) for name in demanded.fields)
                _declare(types, definitions, view.name, names, external=True)


def _reachable(
    types: Mapping[str, TypeView],
    possible: Mapping[str, frozenset[str]],
    roots: Mapping[str, str],
) -> frozenset[str]:
    todo = [name for name in roots.values() if name in types and types[name].fields]
    todo += [view.name for view in types.values() if view.keys]
    seen: set[str] = set()
    while todo:
        name = todo.pop()
        if name in seen or name not in types:
            continue
        seen.add(name)
        view = types[name]
        todo += view.interfaces
        todo += possible.get(name, ())
        todo += _mentioned(view.fields.values())
    return frozenset(seen)


def _mentioned(fields: Iterable[FieldView]) -> Iterable[str]:
    for field in fields:
        yield field.type.named
        for text in field.arguments.values():
            yield text.partition(":")[2].partition("=")[0].strip(" []!")
