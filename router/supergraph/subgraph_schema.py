"""The schema of one subgraph, as far as the supergraph tells: what may be asked of it.

Used to check printed operations. The subgraph's own schema may have more; nothing here is less.
"""

from __future__ import annotations

from collections.abc import Iterator

from graphql import (
    DirectiveLocation,
    GraphQLInputObjectType,
    GraphQLSchema,
    build_schema,
    print_ast,
)

from router.supergraph.model import Supergraph
from router.supergraph.views import FieldView, SubgraphView, TypeKind, TypeView

__all__ = ["subgraph_schema"]

_EXECUTABLE = frozenset(
    (
        DirectiveLocation.QUERY,
        DirectiveLocation.MUTATION,
        DirectiveLocation.SUBSCRIPTION,
        DirectiveLocation.FIELD,
        DirectiveLocation.FRAGMENT_DEFINITION,
        DirectiveLocation.FRAGMENT_SPREAD,
        DirectiveLocation.INLINE_FRAGMENT,
        DirectiveLocation.VARIABLE_DEFINITION,
    )
)
_BUILT_IN = frozenset(("String", "Int", "Float", "Boolean", "ID"))


def subgraph_schema(supergraph: Supergraph, subgraph: SubgraphView) -> GraphQLSchema:
    """Build the schema that operations for this subgraph must be valid against."""
    return build_schema(
        "\n".join(_definitions(supergraph, subgraph)), assume_valid=True, assume_valid_sdl=True
    )


def _definitions(supergraph: Supergraph, subgraph: SubgraphView) -> Iterator[str]:
    query = supergraph.roots["query"]
    yield "scalar _Any"
    operations = [
        f"{kind}: {name}"
        for kind, name in supergraph.roots.items()
        if name in subgraph.types or kind == "query"
    ]
    yield f"schema {{ {' '.join(operations)} }}"
    for directive in supergraph.schema.directives:
        # those of operations are only there if all subgraphs have them
        node = directive.ast_node
        if node is not None and _EXECUTABLE.intersection(directive.locations):
            yield print_ast(node)
    entities = sorted(
        view.name
        for view in subgraph.types.values()
        if view.kind is TypeKind.OBJECT and any(key.resolvable for key in view.keys)
    )
    for interface in subgraph.types.values():
        if interface.kind is TypeKind.INTERFACE and any(key.resolvable for key in interface.keys):
            entities += [name for name in interface.possible if name not in entities]
    extra: tuple[str, ...] = ("_service: Boolean",)
    if entities:
        yield f"union _Entity = {' | '.join(entities)}"
        extra += ("_entities(representations: [_Any!]!): [_Entity]!",)
    if query not in subgraph.types:
        yield f"type {query} {{ {' '.join(extra)} }}"
    for view in subgraph.types.values():
        yield _definition(supergraph, subgraph, view, extra if view.name == query else ())


def _definition(
    supergraph: Supergraph, subgraph: SubgraphView, view: TypeView, extra: tuple[str, ...]
) -> str:
    match view.kind:
        case TypeKind.SCALAR:
            return "" if view.name in _BUILT_IN else f"scalar {view.name}"
        case TypeKind.ENUM:
            return f"enum {view.name} {{ {' '.join(view.enum_values)} }}"
        case TypeKind.UNION:
            return f"union {view.name} = {' | '.join(view.possible)}"
        case TypeKind.INPUT:
            return f"input {view.name} {{ {' '.join(_inputs(supergraph, view))} }}"
        case TypeKind.OBJECT | TypeKind.INTERFACE:
            fields = [*map(_field, view.fields.values()), *extra]
            known = [name for name in view.interfaces if name in subgraph.types]
            implements = f" implements {' & '.join(known)}" if known else ""
            keyword = "interface" if view.kind is TypeKind.INTERFACE else "type"
            return f"{keyword} {view.name}{implements} {{ {' '.join(fields)} }}"


def _field(field: FieldView) -> str:
    arguments = [
        *field.arguments.values(),
        *(f"{source.argument}: {source.type}" for source in field.context),
    ]
    head = f"{field.name}({', '.join(arguments)})" if arguments else field.name
    return f"{head}: {field.type.text}"


def _inputs(supergraph: Supergraph, view: TypeView) -> Iterator[str]:
    named = supergraph.schema.type_map.get(view.name)
    declared = named.fields if isinstance(named, GraphQLInputObjectType) else {}
    for field in view.fields.values():
        known = declared.get(field.name)
        node = known.ast_node if known is not None else None
        default = node.default_value if node is not None else None
        yield f"{field.name}: {field.type.text}" + (
            f" = {print_ast(default)}" if default is not None else ""
        )
