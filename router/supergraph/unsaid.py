"""What a composer did not tell of a field.

Where the declarations of a field differ, ``@join__field(type:)`` tells each subgraph's own type.
Not every composer writes it: then a subgraph seems to have a field of a type that it does not
know. It can only be a narrower one.

Nor does every composer write ``@join__field(external: true)`` on an interface that a subgraph has
as an interface object: then the subgraph seems to resolve what it requires.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from graphql import parse_type
from msgspec.structs import replace

from router.supergraph.fieldset import FieldSet, SetField
from router.supergraph.views import FieldView, TypeRef, TypeView

__all__ = ["with_external", "with_own_types"]


def with_external(view: TypeView, unlisted: frozenset[str]) -> TypeView:
    """Return a subgraph's type with its leaves external that other fields of it require.

    ``unlisted`` are the fields that no directive of the supergraph gives to a subgraph. A leaf that
    is required is external or of a key (the rule REQUIRES_FIELDS_MISSING_EXTERNAL).
    """
    required = _leaves(field.requires for field in view.fields.values())
    untold = required & unlisted - _leaves(key.selection for key in view.keys)
    if not untold:
        return view
    external = {name: replace(view.fields[name], external=True) for name in untold}
    return replace(view, fields=MappingProxyType({**view.fields, **external}))


def _leaves(selections: Iterable[FieldSet]) -> frozenset[str]:
    """The outermost fields without a selection of their own."""
    return frozenset(
        item.name
        for selection in selections
        for item in selection
        if isinstance(item, SetField) and not item.selections
    )


def with_own_types(
    types: Mapping[str, TypeView], possible: Mapping[str, frozenset[str]]
) -> dict[str, TypeView]:
    """Return a subgraph's types with fields of types that it has.

    ``possible`` are the objects that each abstract type of the supergraph can be. A field whose
    type cannot be told is left out: other subgraphs may have it.
    """
    return {name: _with_own_types(view, types, possible) for name, view in types.items()}


def _with_own_types(
    view: TypeView, types: Mapping[str, TypeView], possible: Mapping[str, frozenset[str]]
) -> TypeView:
    strange = [
        field
        for field in view.fields.values()
        if field.type.named in possible and field.type.named not in types
    ]
    if not strange:
        return view
    fields = dict(view.fields)
    for field in strange:
        own = _narrower(possible[field.type.named], types)
        if own is None:
            del fields[field.name]
        else:
            fields[field.name] = _typed(field, own)
    return replace(view, fields=MappingProxyType(fields))


def _narrower(objects: frozenset[str], types: Mapping[str, TypeView]) -> str | None:
    """Return the one type here that is no more than these objects and is all of them that exist."""
    here = objects & types.keys()
    if len(here) == 1:
        return next(iter(here))
    covering = [
        name for name, view in types.items() if view.is_abstract and here == {*view.possible}
    ]
    return covering[0] if here and len(covering) == 1 else None


def _typed(field: FieldView, named: str) -> FieldView:
    text = field.type.text.replace(field.type.named, named)
    return replace(field, type=TypeRef.of(parse_type(text, no_location=True)))
