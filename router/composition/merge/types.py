"""Creating the merged types, and what all kinds of types have in common."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from router.composition import model
from router.composition.merge.applied import AppliedMerger, AuthSources
from router.composition.merge.descriptions import merge_description
from router.composition.merge.join import join_implements, join_type
from router.composition.merge.join_directives import carried_directives
from router.composition.merge.state import Merge, Source
from router.composition.merge.wording import differences, in_subgraphs
from router.composition.merged import (
    EnumType,
    InputType,
    InterfaceType,
    NamedType,
    ObjectType,
    ScalarType,
    UnionType,
)

__all__ = ["create_types", "merge_implements", "merge_type_itself"]

_MERGED: Final[dict[str, type[NamedType]]] = {
    "scalar": ScalarType,
    "object": ObjectType,
    "interface": InterfaceType,
    "union": UnionType,
    "enum": EnumType,
    "input object": InputType,
}
_KINDS: Final[dict[type[model.TypeDefinition], str]] = {
    model.ScalarType: "scalar",
    model.ObjectType: "object",
    model.InterfaceType: "interface",
    model.UnionType: "union",
    model.EnumType: "enum",
    model.InputObjectType: "input object",
}


def create_types(merge: Merge) -> None:
    """Create every type empty, of the kind that its first subgraph gives it."""
    everything: dict[str, list[Source[model.TypeDefinition]]] = {}
    for subgraph in merge.subgraphs:
        for declared in subgraph.mergeable_types():
            everything.setdefault(declared.name, []).append(Source(subgraph, declared))
    if not any(_has_fields(declared) for _, declared in everything.get("Query", ())):
        everything.pop("Query", None)
    for name, sources in everything.items():
        kinds = [_kind(source) for source in sources]
        created = _MERGED[kinds[0]](name)
        merge.schema.types[name] = created
        alias, separator, _ = name.partition("__")
        if separator and alias in merge.feature_aliases:
            merge.schema.feature_types.add(name)
        merge.sources[name] = [
            s for s, kind in zip(sources, kinds, strict=True) if kind == kinds[0]
        ]
        if len(set(kinds)) > 1:
            _kind_mismatch(merge, name, sources, kinds)
        elif isinstance(created, InterfaceType):
            _check_some_interface(merge, name, sources)


def _has_fields(declared: model.TypeDefinition) -> bool:
    return isinstance(declared, model.CompositeType) and bool(declared.fields)


def _kind(source: Source[model.TypeDefinition]) -> str:
    if source.subgraph.is_interface_object(source.element.name):
        return "interface"
    return _KINDS[type(source.element)]


def _kind_mismatch(
    merge: Merge, name: str, sources: list[Source[model.TypeDefinition]], kinds: list[str]
) -> None:
    tellers: dict[str, list[str]] = {}
    for source, kind in zip(sources, kinds, strict=True):
        standing_in = source.subgraph.is_interface_object(name)
        text = "interface object (object type with @interfaceObject)" if standing_in else kind
        tellers.setdefault(text, []).append(source.name)
    merge.findings.error(
        "TYPE_KIND_MISMATCH",
        f'Type "{name}" is of different kinds: it is {differences(tellers)}.',
        [source.name for source in sources],
        name,
    )


def _check_some_interface(
    merge: Merge, name: str, sources: list[Source[model.TypeDefinition]]
) -> None:
    if any(isinstance(declared, model.InterfaceType) for _, declared in sources):
        return
    names = [source.name for source in sources]
    merge.findings.error(
        "INTERFACE_OBJECT_USAGE_ERROR",
        f'Type "{name}" is declared with @interfaceObject {in_subgraphs(names)}, but no subgraph '
        "defines it as an interface.",
        names,
        name,
    )


def merge_implements(merge: Merge, merged: ObjectType | InterfaceType) -> None:
    """Unite the interfaces that a type implements, and say where it does."""
    interfaces = dict.fromkeys(merged.interfaces)
    for subgraph, declared in merge.composite_sources(merged.name):
        for interface in declared.interfaces:
            interfaces[interface] = None
            merged.directives.append(join_implements(merge.graph(subgraph), interface))
    merged.interfaces = list(interfaces)


def merge_type_itself(
    merge: Merge,
    applied: AppliedMerger,
    merged: NamedType,
    *,
    travelling: AuthSources | None = None,
) -> None:
    """Merge what every kind of type has: description, ``@join__type``, directives."""
    sources = merge.sources[merged.name]
    named = f'type "{merged.name}"'
    _check_base(merge, merged.name, sources)
    merged.description = merge_description(merge.findings, sources, named, merged.name)
    for subgraph, declared in sources:
        graph = merge.graph(subgraph)
        standing_in = subgraph.is_interface_object(declared.name)
        for key in subgraph.keys.get(declared.name) or (None,):
            merged.directives.append(join_type(graph, key, interface_object=standing_in))
    applied.note(merged, sources, named, merged.name, travelling=travelling)
    merged.directives += carried_directives(merge, sources)


def _check_base(merge: Merge, name: str, sources: Iterable[Source[model.TypeDefinition]]) -> None:
    if name in merge.root_names or any(declared.has_definition for _, declared in sources):
        return
    for subgraph, _ in sources:
        merge.findings.error_in(
            subgraph.name,
            "EXTENSION_WITH_NO_BASE",
            f'Type "{name}" is an extension, but no subgraph defines it: one must have '
            'it without "extend" and @extends.',
            name,
        )
