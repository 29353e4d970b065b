"""Root types get their default names, which no other type may have."""

from __future__ import annotations

from router.composition.model import (
    CompositeType,
    FieldDefinition,
    ListOf,
    Named,
    NonNull,
    TypeRef,
    UnionType,
    base_name,
)
from router.composition.parsed import ParsedSubgraph
from router.composition.problems import Problems

__all__ = ["rename_roots"]


def rename_roots(subgraph: ParsedSubgraph, problems: Problems) -> None:
    """Rename the roots to ``Query``, ``Mutation`` and ``Subscription`` throughout."""
    renamed: dict[str, str] = {}
    before: set[str] = set()
    for kind, name in tuple(subgraph.schema.roots.items()):
        default = kind.capitalize()
        if name == default:
            continue
        # a root before this one that has its name has left it
        if default in subgraph.types and default not in before:
            problems.add(
                f"ROOT_{default.upper()}_USED",
                f'The schema has a type named "{default}" but its {kind} root is "{name}": '
                "please rename one of them.",
                default,
            )
        else:
            renamed[name] = default
            subgraph.schema.roots[kind] = default
        before.add(name)
    if renamed:
        _rename(subgraph, renamed)


def _rename(subgraph: ParsedSubgraph, renamed: dict[str, str]) -> None:
    # like the reference, tell of renamed types last
    types = sorted(subgraph.types.values(), key=lambda found: found.name in renamed)
    subgraph.types.clear()
    for found in types:
        found.name = renamed.get(found.name, found.name)
        subgraph.types[found.name] = found
        if isinstance(found, UnionType):
            found.members = [renamed.get(member, member) for member in found.members]
        elif isinstance(found, CompositeType):
            for field in found.fields.values():
                _rename_field(field, found.name, renamed)


def _rename_field(field: FieldDefinition, parent: str, renamed: dict[str, str]) -> None:
    field.parent = parent
    target = renamed.get(base_name(field.type))
    if target is not None:
        field.type = _with_base(field.type, target)


def _with_base(ref: TypeRef, name: str) -> TypeRef:
    match ref:
        case Named():
            return Named(name)
        case ListOf(of):
            return ListOf(_with_base(of, name))
        case NonNull(of):
            inner = _with_base(of, name)
            assert not isinstance(inner, NonNull)
            return NonNull(inner)
