"""What each subgraph can do, read back from the join directives of the merged schema.

The subgraphs' own schemas are not asked: the merge may have taken fields from them (overrides),
and the router will know no more than the join directives say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import Enum

from msgspec import Struct, field
from msgspec.structs import replace

from router.composition.fieldsets import (
    FieldSetInvalid,
    SelectedFragment,
    Selection,
    parse_field_set,
)
from router.composition.merged import (
    Application,
    EnumType,
    Field,
    InterfaceType,
    MergedSchema,
    ObjectType,
    UnionType,
    Value,
    base_name,
)

__all__ = [
    "Composite",
    "ContextUse",
    "FieldView",
    "KeyView",
    "Kind",
    "Landscape",
    "TypeView",
    "survey",
]

Composite = ObjectType | InterfaceType | UnionType


class Kind(Enum):
    """What a type is in one subgraph; an interface object is an object that resolves no type."""

    OBJECT = "object"
    INTERFACE = "interface"
    UNION = "union"
    INTERFACE_OBJECT = "interface object"


class ContextUse(Struct, frozen=True):
    """An argument taken from a context: its name in the supergraph, and what is selected."""

    context: str
    selection: Selection


class FieldView(Struct, frozen=True, eq=False):
    """A field in one subgraph; ``type`` is the named type there, None for a leaf.

    ``label`` makes it usable only while the override label has the value ``label_value``.
    """

    parent: str
    name: str
    type: str | None
    external: bool = False
    overridden: bool = False
    requires: Selection | None = None
    provides: Selection | None = None
    label: str | None = None
    label_value: bool = True
    contexts: tuple[ContextUse, ...] = ()


class KeyView(Struct, frozen=True, eq=False):
    """A key of a type in one subgraph; ``extension`` tells that an extension has it."""

    text: str
    selection: Selection
    resolvable: bool
    extension: bool


class TypeView(Struct, eq=False):
    """A composite type in one subgraph; ``possible`` are its object types there."""

    name: str
    graph: str
    kind: Kind
    fields: dict[str, FieldView] = field(default_factory=dict)
    keys: list[KeyView] = field(default_factory=list)
    possible: tuple[str, ...] = ()

    @property
    def is_abstract(self) -> bool:
        return self.kind in (Kind.INTERFACE, Kind.UNION)


class Landscape(Struct, frozen=True, eq=False):
    """Everything the walk asks about.

    ``names`` are the subgraphs' names by graph id, in order. ``possible`` gives the object types
    of each composite type of the supergraph, ``visible_possible`` those that clients see;
    ``interfaces`` the interfaces of each object type. ``contexts`` gives, by context, the types
    (object types included that are reached through an interface or union) that set it.
    """

    merged: MergedSchema
    names: Mapping[str, str]
    types: Mapping[str, Mapping[str, TypeView]]
    """By graph id, then by type name."""
    possible: Mapping[str, tuple[str, ...]]
    visible_possible: Mapping[str, tuple[str, ...]]
    interfaces: Mapping[str, tuple[str, ...]]
    contexts: Mapping[str, frozenset[str]]
    hidden: frozenset[int]
    """Identities of inaccessible elements."""

    def composite(self, name: str) -> Composite | None:
        """Return a composite type of the supergraph, or None."""
        found = self.merged.types.get(name)
        return found if isinstance(found, ObjectType | InterfaceType | UnionType) else None

    def visible_roots(self) -> dict[str, str]:
        """Return the root types that clients see, by kind of operation, in the order merged."""
        types = self.merged.types
        kinds = {name: kind for kind, name in self.merged.roots.items()}
        return {
            kinds[name]: name
            for name, found in types.items()
            if name in kinds and id(found) not in self.hidden
        }

    def visible_fields(self, owner: ObjectType) -> Iterator[Field]:
        """Yield the fields that clients see."""
        for found in owner.fields.values():
            if id(found) not in self.hidden:
                yield found


def survey(merged: MergedSchema) -> Landscape:
    """Return the landscape that a merged schema describes."""
    names = _graph_names(merged)
    types: dict[str, dict[str, TypeView]] = {graph: {} for graph in names}
    for found in _composites(merged):
        _read_type(found, types)
    for found in _composites(merged):
        _read_members(found, types, merged)
    for graph_types in types.values():
        _free_extension_keys(graph_types)
        for name in [name for name, view in graph_types.items() if _is_empty(view)]:
            del graph_types[name]
        for view in graph_types.values():
            if view.is_abstract:
                view.possible = tuple(each for each in view.possible if each in graph_types)
    hidden = frozenset(_hidden(merged))
    possible = _possible(merged)
    return Landscape(
        merged=merged,
        names=names,
        types=types,
        possible=possible,
        visible_possible={
            name: tuple(each for each in members if id(merged.types[each]) not in hidden)
            for name, members in possible.items()
        },
        interfaces={
            found.name: tuple(found.interfaces)
            for found in merged.types.values()
            if isinstance(found, ObjectType)
        },
        contexts=_contexts(merged, possible),
        hidden=hidden,
    )


def _composites(merged: MergedSchema) -> Iterator[Composite]:
    for found in merged.types.values():
        if isinstance(found, ObjectType | InterfaceType | UnionType):
            yield found


def _graph_names(merged: MergedSchema) -> dict[str, str]:
    graphs = merged.types["join__Graph"]
    assert isinstance(graphs, EnumType)
    return {
        name: str(applied.arguments["name"])
        for name, value in graphs.values.items()
        for applied in value.directives
        if applied.name == "join__graph"
    }


# -- types ---------------------------------------------------------------------------------


def _text(value: Value) -> str | None:
    return str(value) if isinstance(value, str) else None


def _applied(directives: Iterable[Application], name: str) -> list[Application]:
    return [applied for applied in directives if applied.name == name]


def _read_type(found: Composite, types: dict[str, dict[str, TypeView]]) -> None:
    kind = {ObjectType: Kind.OBJECT, InterfaceType: Kind.INTERFACE, UnionType: Kind.UNION}[
        type(found)
    ]
    for applied in _applied(found.directives, "join__type"):
        graph = str(applied.arguments["graph"])
        is_interface_object = applied.arguments.get("isInterfaceObject") is True
        view = types[graph].get(found.name)
        if view is None:
            actual = Kind.INTERFACE_OBJECT if is_interface_object else kind
            view = types[graph][found.name] = TypeView(found.name, graph, actual)
        key = _text(applied.arguments.get("key"))
        if key is not None:
            resolvable = applied.arguments.get("resolvable") is not False
            extension = applied.arguments.get("extension") is True
            view.keys.append(KeyView(key, parse_field_set(key), resolvable, extension))


def _read_members(
    found: Composite, types: dict[str, dict[str, TypeView]], merged: MergedSchema
) -> None:
    if isinstance(found, UnionType):
        for applied in _applied(found.directives, "join__unionMember"):
            view = types[str(applied.arguments["graph"])].get(found.name)
            if view is not None:
                view.possible = (*view.possible, str(applied.arguments["member"]))
        return
    views = [by_name[found.name] for by_name in types.values() if found.name in by_name]
    for each in found.fields.values():
        _read_field(found.name, each, views, merged)
    if not isinstance(found, ObjectType):
        return
    for view in views:
        view.possible = (found.name,)
    for applied in _applied(found.directives, "join__implements"):
        interface = types[str(applied.arguments["graph"])].get(str(applied.arguments["interface"]))
        if interface is not None and interface.kind is Kind.INTERFACE:
            interface.possible = (*interface.possible, found.name)


def _read_field(parent: str, found: Field, views: Iterable[TypeView], merged: MergedSchema) -> None:
    joined = _applied(found.directives, "join__field")
    if not joined:
        same = FieldView(parent, found.name, _target(found.type, merged))
        for view in views:
            view.fields[found.name] = same
        return
    by_graph = {str(applied.arguments.get("graph")): applied for applied in joined}
    for view in views:
        if view.graph in by_graph:
            view.fields[found.name] = _field_view(parent, found, by_graph[view.graph], merged)


def _field_view(parent: str, found: Field, applied: Application, merged: MergedSchema) -> FieldView:
    given = applied.arguments
    label = _text(given.get("overrideLabel"))
    overridden = given.get("usedOverridden") is True and label is None
    requires, provides = _text(given.get("requires")), _text(given.get("provides"))
    return FieldView(
        parent=parent,
        name=found.name,
        type=_target(_text(given.get("type")) or found.type, merged),
        external=given.get("external") is True or overridden,
        overridden=overridden,
        requires=parse_field_set(requires) if requires is not None else None,
        provides=parse_field_set(provides) if provides is not None else None,
        label=label,
        label_value=given.get("override") is not None,
        contexts=tuple(_context_uses(given.get("contextArguments"))),
    )


def _free_extension_keys(types: Mapping[str, TypeView]) -> None:
    """Let a subgraph resolve the keys of its extensions, even those that are overridden."""
    for view in types.values():
        for key in view.keys:
            if key.extension:
                _free(view.name, key.selection, types)


def _free(name: str, selection: Selection, types: Mapping[str, TypeView]) -> None:
    view = types.get(name)
    for item in selection.items if view is not None else ():
        if isinstance(item, SelectedFragment):
            _free(item.on_type or name, item.selection, types)
            continue
        assert view is not None
        found = view.fields.get(item.name)
        if found is None:
            continue
        if found.external:
            view.fields[item.name] = replace(found, external=False, overridden=False)
        if item.selection is not None and found.type is not None:
            _free(found.type, item.selection, types)


def _context_uses(value: Value) -> Iterator[ContextUse]:
    for entry in value if isinstance(value, list) else ():
        if isinstance(entry, dict):
            try:
                selection = parse_field_set(str(entry["selection"]))
            except FieldSetInvalid:  # validated before; nothing to follow
                continue
            yield ContextUse(str(entry["context"]), selection)


def _target(type_text: str, merged: MergedSchema) -> str | None:
    name = base_name(type_text)
    found = merged.types.get(name)
    return name if isinstance(found, ObjectType | InterfaceType | UnionType) else None


def _is_empty(view: TypeView) -> bool:
    return not (view.possible if view.kind is Kind.UNION else view.fields)


# -- the supergraph's own ------------------------------------------------------------------


def _possible(merged: MergedSchema) -> dict[str, tuple[str, ...]]:
    possible: dict[str, list[str]] = {}
    for found in merged.types.values():
        match found:
            case ObjectType():
                possible[found.name] = [found.name]
            case UnionType():
                possible[found.name] = list(found.members)
            case InterfaceType():
                possible.setdefault(found.name, [])
            case _:
                pass
    for found in merged.types.values():
        if isinstance(found, ObjectType):
            for interface in found.interfaces:
                possible.setdefault(interface, []).append(found.name)
    return {name: tuple(members) for name, members in possible.items()}


def _hidden(merged: MergedSchema) -> Iterator[int]:
    name = _directive_name(merged, "inaccessible")
    if name is None:
        return
    for found in _composites(merged):
        if _applied(found.directives, name):
            yield id(found)
        if not isinstance(found, UnionType):
            for each in found.fields.values():
                if _applied(each.directives, name):
                    yield id(each)


def _contexts(
    merged: MergedSchema, possible: Mapping[str, tuple[str, ...]]
) -> dict[str, frozenset[str]]:
    name = _directive_name(merged, "context")
    setting: dict[str, set[str]] = {}
    if name is not None:
        for found in _composites(merged):
            for applied in _applied(found.directives, name):
                context = str(applied.arguments["name"])
                setting.setdefault(context, set()).update((found.name, *possible[found.name]))
    return {context: frozenset(types) for context, types in setting.items()}


def _directive_name(merged: MergedSchema, feature: str) -> str | None:
    """Return what the supergraph calls the directive that is named like its feature."""
    for applied in merged.applications:
        url = _text(applied.arguments.get("url")) if applied.name == "link" else None
        if url is None or not url.startswith(f"https://specs.apollo.dev/{feature}/"):
            continue
        imports = applied.arguments.get("import")
        for entry in imports if isinstance(imports, list) else ():
            if isinstance(entry, dict) and entry.get("name") == f"@{feature}":
                return str(entry.get("as") or entry["name"]).lstrip("@")
            if entry == f"@{feature}":
                return feature
        return _text(applied.arguments.get("as")) or feature
    return None
