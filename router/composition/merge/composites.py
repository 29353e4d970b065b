"""Merging object types and interfaces: the union of their fields."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from router.composition.merge.applied import AppliedMerger
from router.composition.merge.auth import AuthTravel
from router.composition.merge.fields import FieldSources, merge_field
from router.composition.merge.override import check_interface_overrides, merge_overrides
from router.composition.merge.sharing import check_sharing, check_subscription_sharing
from router.composition.merge.state import Merge, Source
from router.composition.merge.types import merge_type_itself
from router.composition.merge.wording import in_subgraphs, subgraph_names
from router.composition.merged import InterfaceType, ObjectType
from router.composition.model import CompositeType, FieldDefinition, Subgraph
from router.composition.model import InterfaceType as DeclaredInterface

__all__ = ["merge_interface", "merge_object"]


# -- objects -------------------------------------------------------------------------------


def merge_object(
    merge: Merge, applied: AppliedMerger, auth: AuthTravel, merged: ObjectType
) -> None:
    """Merge an object type: overrides, fields, and who may resolve them."""
    merge_type_itself(merge, applied, merged)
    sources = merge.composite_sources(merged.name)
    is_value = not _is_entity(merge, merged, sources) and merged.name not in merge.root_names
    for name, declared in _fields(sources):
        coordinate = f"{merged.name}.{name}"
        if is_value:
            _hint_missing(merge, "INCONSISTENT_OBJECT_VALUE_TYPE_FIELD", coordinate, sources)
        stand_ins = list(merge.stand_ins(merged.interfaces, merged.name, name))
        overriding = merge_overrides(merge, declared, stand_ins)
        field = merge_field(
            merge,
            applied,
            FieldSources(coordinate, declared, sources, stand_ins, overriding),
            auth.to_object_field(merged, name),
        )
        if field is None:
            continue
        merged.fields[name] = field
        if merged.name == merge.schema.roots.get("subscription"):
            check_subscription_sharing(merge, declared)
        check_sharing(merge, coordinate, declared, stand_ins, overriding)


def _is_entity(merge: Merge, merged: ObjectType, sources: Sequence[Source[CompositeType]]) -> bool:
    keyed = [subgraph.name for subgraph, _ in sources if subgraph.is_entity(merged.name)]
    without = [subgraph.name for subgraph, _ in sources if not subgraph.is_entity(merged.name)]
    if keyed and without:
        merge.findings.hint(
            "INCONSISTENT_ENTITY",
            f'Type "{merged.name}" has a @key {in_subgraphs(keyed)} but none '
            f"{in_subgraphs(without)}.",
            merged.name,
        )
    return bool(keyed)


# -- interfaces ----------------------------------------------------------------------------


def merge_interface(
    merge: Merge, applied: AppliedMerger, auth: AuthTravel, merged: InterfaceType
) -> None:
    """Merge an interface with the interface objects that stand for it."""
    merge_type_itself(merge, applied, merged, travelling=auth.to_interface(merged))
    sources = merge.composite_sources(merged.name)
    has_key = _check_keys(merge, merged, sources)
    real = [source for source in sources if isinstance(source.element, DeclaredInterface)]
    for name, declared in _fields(sources):
        coordinate = f"{merged.name}.{name}"
        if not has_key:
            _hint_missing(merge, "INCONSISTENT_INTERFACE_VALUE_TYPE_FIELD", coordinate, real)
        check_interface_overrides(merge, declared)
        field = merge_field(
            merge,
            applied,
            FieldSources(coordinate, declared, sources),
            auth.to_interface_field(merged, name),
        )
        if field is not None:
            merged.fields[name] = field


def _check_keys(
    merge: Merge, merged: InterfaceType, sources: Iterable[Source[CompositeType]]
) -> bool:
    """Tell whether the interface has a key somewhere; subgraphs where it has know all objects."""
    implementations = [each.name for each in merge.schema.implementations(merged.name)]
    has_key = False
    for subgraph, _ in sources:
        if subgraph.is_interface_object(merged.name):
            continue
        keys = subgraph.keys.get(merged.name, ())
        has_key = has_key or bool(keys)
        resolvable = next((key for key in keys if key.resolvable), None)
        if resolvable is None:
            continue
        known = {each.name for each in subgraph.implementations(merged.name)}
        lacking = [name for name in implementations if name not in known]
        if lacking:
            merge.findings.error_in(
                subgraph.name,
                "INTERFACE_KEY_MISSING_IMPLEMENTATION_TYPE",
                f'Interface "{merged.name}" has the resolvable key '
                f'@key(fields: "{resolvable.fields}") but the subgraph lacks some of the '
                f"supergraph's implementations: {', '.join(lacking)}.",
                merged.name,
            )
    for subgraph, _ in sources:
        if subgraph.is_interface_object(merged.name):
            _check_no_implementation(merge, merged.name, implementations, subgraph)
    return has_key


def _check_no_implementation(
    merge: Merge, name: str, implementations: Iterable[str], subgraph: Subgraph
) -> None:
    defined = [each for each in implementations if each in subgraph.types]
    if defined:
        merge.findings.error_in(
            subgraph.name,
            "INTERFACE_OBJECT_USAGE_ERROR",
            f'Interface type "{name}" is an @interfaceObject here, so its implementations must '
            f"not be defined beside it: {', '.join(defined)}.",
            name,
        )


# -- both ----------------------------------------------------------------------------------


def _fields(
    sources: Sequence[Source[CompositeType]],
) -> Iterator[tuple[str, list[Source[FieldDefinition]]]]:
    found: dict[str, list[Source[FieldDefinition]]] = {}
    for subgraph, declared in sources:
        for name, field in declared.fields.items():
            found.setdefault(name, []).append(Source(subgraph, field))
    return iter(found.items())


def _hint_missing(
    merge: Merge, code: str, coordinate: str, sources: Sequence[Source[CompositeType]]
) -> None:
    """Hint at a field that some subgraphs of a value type lack (stubs of externals excepted)."""
    type_name, _, name = coordinate.partition(".")
    lacking = [
        subgraph.name
        for subgraph, declared in sources
        if name not in declared.fields
        and not all(subgraph.is_external(field) for field in declared.fields.values())
    ]
    having = [subgraph.name for subgraph, declared in sources if name in declared.fields]
    if not lacking or not having:
        return
    merge.findings.hint(
        code,
        f'Field "{coordinate}" of value type "{type_name}" is defined in some but not all '
        f"subgraphs that define the type: in {subgraph_names(having)} but not in "
        f"{subgraph_names(lacking)}.",
        type_name,
    )
