"""Join directives -> views: what each subgraph has of the supergraph's types.

Read tolerantly: an absent argument means its default, an unknown one is ignored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, TypeAlias

from graphql import (
    EnumTypeDefinitionNode,
    FieldDefinitionNode,
    InputObjectTypeDefinitionNode,
    InputValueDefinitionNode,
    InterfaceTypeDefinitionNode,
    Node,
    ObjectTypeDefinitionNode,
    ScalarTypeDefinitionNode,
    TypeDefinitionNode,
    UnionTypeDefinitionNode,
    parse_type,
    print_ast,
)
from msgspec import Struct, field
from msgspec.structs import replace

from router.errors import SupergraphInvalid
from router.supergraph.features import Application, JoinFeature, applications
from router.supergraph.fieldset import FieldSet, SetField, parse_field_set
from router.supergraph.legacy import complete_legacy_views
from router.supergraph.unsaid import with_external, with_own_types
from router.supergraph.views import (
    ContextSource,
    FieldView,
    KeyView,
    SubgraphView,
    TypeKind,
    TypeRef,
    TypeView,
)

__all__ = ["read_views"]

_Fielded: TypeAlias = (
    ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode | InputObjectTypeDefinitionNode
)

_KINDS: Final[Mapping[type[Node], TypeKind]] = {
    ObjectTypeDefinitionNode: TypeKind.OBJECT,
    InterfaceTypeDefinitionNode: TypeKind.INTERFACE,
    UnionTypeDefinitionNode: TypeKind.UNION,
    ScalarTypeDefinitionNode: TypeKind.SCALAR,
    EnumTypeDefinitionNode: TypeKind.ENUM,
    InputObjectTypeDefinitionNode: TypeKind.INPUT,
}


def read_views(
    join: JoinFeature,
    definitions: Mapping[str, TypeDefinitionNode],
    possible: Mapping[str, frozenset[str]],
    roots: Mapping[str, str],
) -> dict[str, SubgraphView]:
    """The views by subgraph name; raises SupergraphInvalid."""
    subgraphs = _Reader(join, definitions, possible, roots).subgraphs()
    if join.version == "0.1":
        return complete_legacy_views(subgraphs, definitions, possible, roots)
    return subgraphs


class _Graph(Struct):
    """A subgraph while it is being read."""

    name: str
    url: str
    graph: str
    types: dict[str, TypeView] = field(default_factory=dict)


class _Reader:
    """Fills the per-subgraph views, one definition after the other."""

    def __init__(
        self,
        join: JoinFeature,
        definitions: Mapping[str, TypeDefinitionNode],
        possible: Mapping[str, frozenset[str]],
        roots: Mapping[str, str],
    ) -> None:
        self.join = join
        self.prefix = join.prefix
        self.definitions = definitions
        self.possible = possible
        self.roots = roots
        self.graphs = self._graphs()
        self.forced: set[tuple[str, str, str]] = set()
        self._listed: dict[int, list[Application]] = {}

    def subgraphs(self) -> dict[str, SubgraphView]:
        for name, definition in self.definitions.items():
            if not self._is_machinery(name):
                self._read_type(name, definition)
        for graph in self.graphs.values():
            _force_extension_keys(graph.types, {n for g, n, _ in self.forced if g == graph.graph})
            _fill_possible(graph.types, self.possible)
        return {
            graph.name: SubgraphView(
                name=graph.name,
                url=graph.url,
                graph=graph.graph,
                index=index,
                types=MappingProxyType(with_own_types(_without_empty(graph.types), self.possible)),
            )
            for index, graph in enumerate(self.graphs.values())
        }

    def _graphs(self) -> dict[str, _Graph]:
        node = self.definitions.get(f"{self.prefix}Graph")
        if not isinstance(node, EnumTypeDefinitionNode):
            raise SupergraphInvalid(
                f"The supergraph does not define enum {self.prefix}Graph, so it names no "
                "subgraphs. Compose it again."
            )
        graphs: dict[str, _Graph] = {}
        for value in node.values or ():
            for application in applications(value.directives):
                if application.name == f"{self.prefix}graph":
                    graphs[value.name.value] = _Graph(
                        application.text("name") or value.name.value,
                        application.text("url") or "",
                        value.name.value,
                    )
        return graphs

    def _is_machinery(self, name: str) -> bool:
        return name.startswith((self.prefix, "link__", "core__", "federation__"))

    def _graph(self, application: Application, where: str) -> _Graph:
        graph = self.graphs.get(str(application.arguments.get("graph")))
        if graph is None:
            raise SupergraphInvalid(
                f"Line {application.line}: {where} names the unknown subgraph "
                f"{application.arguments.get('graph')}; known are {', '.join(self.graphs)}. "
                "Compose the supergraph again."
            )
        return graph

    def _read_type(self, name: str, node: TypeDefinitionNode) -> None:
        found = applications(node.directives)
        presences: dict[str, list[Application]] = {}
        for application in found:
            if application.name == f"{self.prefix}type":
                graph = self._graph(application, name)
                presences.setdefault(graph.graph, []).append(application)
        if not presences and self.join.version == "0.1":
            presences = {graph: [] for graph in self.graphs}
        for graph_id, types in presences.items():
            graph = self.graphs[graph_id]
            graph.types[name] = self._type_view(name, node, graph, types, found)

    def _type_view(
        self,
        name: str,
        node: TypeDefinitionNode,
        graph: _Graph,
        types: Sequence[Application],
        found: Sequence[Application],
    ) -> TypeView:
        is_interface_object = any(application.flag("isInterfaceObject") for application in types)
        keys: list[KeyView] = []
        for application in types:
            if (text := application.text("key")) is not None:
                where = f"@key on {name} ({graph.name})"
                selection = parse_field_set(text, where)
                keys.append(KeyView(selection, application.flag("resolvable", default=True)))
                if application.flag("extension"):
                    self.forced.add((graph.graph, name, text))
        view = TypeView(
            name=name,
            kind=TypeKind.OBJECT if is_interface_object else _KINDS[type(node)],
            fields=MappingProxyType(self._fields(name, node, graph, found)),
            interfaces=() if is_interface_object else self._interfaces(node, graph, found),
            possible=self._members(node, graph, found),
            keys=tuple(keys),
            is_interface_object=is_interface_object,
            enum_values=self._enum_values(node, graph),
            contexts=frozenset(
                application.text("name") or ""
                for application in found
                if application.name == self.join.context
            ),
        )
        return with_external(view, self._unlisted(node))

    def _interfaces(
        self, node: TypeDefinitionNode, graph: _Graph, found: Sequence[Application]
    ) -> tuple[str, ...]:
        if not isinstance(node, (ObjectTypeDefinitionNode, InterfaceTypeDefinitionNode)):
            return ()
        if self.join.version == "0.1":
            return tuple(interface.name.value for interface in node.interfaces or ())
        return tuple(
            application.text("interface") or ""
            for application in found
            if application.name == f"{self.prefix}implements"
            and self._graph(application, node.name.value) is graph
        )

    def _members(
        self, node: TypeDefinitionNode, graph: _Graph, found: Sequence[Application]
    ) -> tuple[str, ...]:
        if not isinstance(node, UnionTypeDefinitionNode):
            return ()
        listed = [a for a in found if a.name == f"{self.prefix}unionMember"]
        if not listed:
            return tuple(sorted(member.name.value for member in node.types or ()))
        return tuple(
            sorted(
                application.text("member") or ""
                for application in listed
                if self._graph(application, node.name.value) is graph
            )
        )

    def _enum_values(self, node: TypeDefinitionNode, graph: _Graph) -> tuple[str, ...]:
        if not isinstance(node, EnumTypeDefinitionNode):
            return ()
        values: list[str] = []
        for value in node.values or ():
            listed = [
                application
                for application in applications(value.directives)
                if application.name == f"{self.prefix}enumValue"
            ]
            if not listed or any(self._graph(a, value.name.value) is graph for a in listed):
                values.append(value.name.value)
        return tuple(values)

    def _fields(
        self,
        name: str,
        node: TypeDefinitionNode,
        graph: _Graph,
        type_applications: Sequence[Application],
    ) -> dict[str, FieldView]:
        if not isinstance(
            node,
            (ObjectTypeDefinitionNode, InterfaceTypeDefinitionNode, InputObjectTypeDefinitionNode),
        ):
            return {}
        views: dict[str, FieldView] = {}
        legacy = self.join.version == "0.1"
        owner = next((a for a in type_applications if a.name == f"{self.prefix}owner"), None)
        for definition in node.fields or ():
            listed = self._join_fields(definition)
            if legacy:
                listed = [a for a in listed if a.arguments.get("graph") is not None]
            where = f"{name}.{definition.name.value}"
            for application in listed:
                if application.arguments.get("graph") is not None:
                    self._graph(application, where)
            if not listed:
                if legacy and owner is not None and owner.arguments.get("graph") != graph.graph:
                    continue
                views[definition.name.value] = self._field_view(definition, None, where)
                continue
            here = [a for a in listed if a.arguments.get("graph") == graph.graph]
            if here:
                views[definition.name.value] = self._field_view(definition, here[0], where)
        return views

    def _unlisted(self, node: TypeDefinitionNode) -> frozenset[str]:
        """The fields without a directive: each subgraph of the type is taken to have them."""
        definitions = getattr(node, "fields", None) or ()
        return frozenset(d.name.value for d in definitions if not self._join_fields(d))

    def _join_fields(
        self, definition: FieldDefinitionNode | InputValueDefinitionNode
    ) -> list[Application]:
        """The ``@join__field`` applications, read once for all graphs."""
        known = self._listed.get(id(definition))
        if known is None:
            known = self._listed[id(definition)] = [
                application
                for application in applications(definition.directives)
                if application.name == f"{self.prefix}field"
            ]
        return known

    def _field_view(
        self,
        definition: FieldDefinitionNode | InputValueDefinitionNode,
        application: Application | None,
        where: str,
    ) -> FieldView:
        arguments: dict[str, str] = {}
        if isinstance(definition, FieldDefinitionNode):
            for argument in definition.arguments or ():
                text = f"{argument.name.value}: {print_ast(argument.type)}"
                if argument.default_value is not None:
                    text += f" = {print_ast(argument.default_value)}"
                arguments[argument.name.value] = text
        name = definition.name.value
        if application is None:
            return FieldView(name=name, type=TypeRef.of(definition.type), arguments=arguments)
        typed = application.text("type")
        requires = application.text("requires")
        provides = application.text("provides")
        label = application.text("overrideLabel")
        external = application.flag("external") and not requires
        if application.flag("usedOverridden") and label is None:
            external = True
        return FieldView(
            name=name,
            type=TypeRef.of(parse_type(typed, no_location=True) if typed else definition.type),
            external=external,
            requires=parse_field_set(requires, f"@requires on {where}") if requires else (),
            provides=parse_field_set(provides, f"@provides on {where}") if provides else (),
            label=label,
            label_active=application.text("override") is not None,
            arguments=arguments,
            context=_context_sources(application, where),
        )


def _context_sources(application: Application, where: str) -> tuple[ContextSource, ...]:
    sources: list[ContextSource] = []
    for item in application.arguments.get("contextArguments") or ():
        if isinstance(item, Mapping):
            sources.append(
                ContextSource(
                    argument=str(item.get("name")),
                    type=str(item.get("type")),
                    context=str(item.get("context")),
                    selection=parse_field_set(
                        str(item.get("selection")), f"@fromContext on {where}"
                    ),
                )
            )
    return tuple(sources)


def _force_extension_keys(types: dict[str, TypeView], forced: set[str]) -> None:
    """Key fields of a type extension are resolvable even if marked ``@external`` (Federation 1)."""
    for name in sorted(forced):
        view = types.get(name)
        if view is not None:
            for key in view.keys:
                _make_resolvable(types, name, key.selection)


def _make_resolvable(types: dict[str, TypeView], type_name: str, selection: FieldSet) -> None:
    view = types.get(type_name)
    if view is None:
        return
    fields = dict(view.fields)
    for item in selection:
        if isinstance(item, SetField):
            found = fields.get(item.name)
            if found is not None and found.external:
                fields[item.name] = replace(found, external=False)
        else:
            _make_resolvable(types, item.on, item.selections)
    types[type_name] = replace(view, fields=MappingProxyType(fields))
    for item in selection:
        if isinstance(item, SetField) and item.selections and item.name in fields:
            _make_resolvable(types, fields[item.name].type.named, item.selections)


def _fill_possible(types: dict[str, TypeView], possible: Mapping[str, frozenset[str]]) -> None:
    implementations: dict[str, list[str]] = {}
    for view in types.values():
        if view.kind is TypeKind.OBJECT and not view.is_interface_object:
            for interface in view.interfaces:
                implementations.setdefault(interface, []).append(view.name)
    for name, view in list(types.items()):
        match view.kind:
            case TypeKind.INTERFACE:
                found = tuple(sorted(implementations.get(name, ())))
            case TypeKind.UNION:
                found = tuple(m for m in view.possible if m in types)
            case TypeKind.OBJECT if view.is_interface_object:
                found = tuple(sorted(possible.get(name, ())))
            case TypeKind.OBJECT:
                found = (name,)
            case _:
                continue
        types[name] = replace(view, possible=found)


def _without_empty(types: dict[str, TypeView]) -> dict[str, TypeView]:
    """Types left without members say nothing and are dropped (a stub object keeps its keys)."""
    return {
        name: view
        for name, view in types.items()
        if view.fields
        or view.kind in (TypeKind.SCALAR, TypeKind.ENUM)
        or (view.kind is TypeKind.UNION and view.possible)
    }
