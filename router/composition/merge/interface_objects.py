"""Fields that interface objects add to every implementation of their interface."""

from __future__ import annotations

from copy import deepcopy
from typing import Final

from router.composition.merge.applied import AppliedMerger
from router.composition.merge.auth import AuthTravel
from router.composition.merge.override import NOT_OVERRIDDEN
from router.composition.merge.sharing import check_sharing
from router.composition.merge.state import Merge, Source
from router.composition.merge.wording import in_subgraphs
from router.composition.merged import Application, Field, InterfaceType, ObjectType
from router.composition.model import FieldDefinition
from router.composition.model import InterfaceType as DeclaredInterface

__all__ = ["add_interface_object_fields", "check_implementations"]

_JOIN: Final = ("join__field", "join__directive")


def add_interface_object_fields(merge: Merge, applied: AppliedMerger) -> None:
    """Give each object the interface fields that it lacks and an interface object has."""
    auth = AuthTravel(merge)
    for merged in list(merge.schema.types.values()):
        if not isinstance(merged, ObjectType):
            continue
        for name, interface in _lacking(merge, merged):
            stand_ins = list(merge.stand_ins(merged.interfaces, merged.name, name))
            if not any(not s.subgraph.is_external(s.element) for s in stand_ins):
                continue
            added = _copy(applied, interface.fields[name])
            merged.fields[name] = added
            coordinate = f"{merged.name}.{name}"
            applied.note(
                added,
                [],
                f'field "{coordinate}"',
                coordinate,
                travelling=auth.to_object_field(merged, name),
            )
            applied.merge_noted()
            _authorisation_first(applied, added)
            added.directives.append(Application("join__field"))
            check_sharing(merge, coordinate, [], stand_ins, NOT_OVERRIDDEN)


def _lacking(merge: Merge, merged: ObjectType) -> list[tuple[str, InterfaceType]]:
    found: dict[str, InterfaceType] = {}
    for interface in merged.interfaces:
        parent = merge.schema.types.get(interface)
        if isinstance(parent, InterfaceType):
            for name in parent.fields:
                if name not in merged.fields:
                    found.setdefault(name, parent)
    return list(found.items())


def _copy(applied: AppliedMerger, field: Field) -> Field:
    copied = deepcopy(field)
    auth = {applied.features.names[canonical] for canonical in applied.features.auth}
    copied.directives = [
        each for each in copied.directives if each.name not in _JOIN and each.name not in auth
    ]
    return copied


def _authorisation_first(applied: AppliedMerger, field: Field) -> None:
    auth = {applied.features.names[canonical] for canonical in applied.features.auth}
    field.directives.sort(key=lambda each: each.name not in auth)


def check_implementations(merge: Merge) -> None:
    """Refuse objects that lack a field of an interface they implement."""
    for merged in merge.schema.types.values():
        if not isinstance(merged, ObjectType | InterfaceType):
            continue
        for interface in merged.interfaces:
            parent = merge.schema.types.get(interface)
            if not isinstance(parent, InterfaceType):
                continue
            for name in parent.fields:
                if name not in merged.fields:
                    _no_implementation(merge, merged, parent, name)


def _no_implementation(
    merge: Merge, merged: ObjectType | InterfaceType, parent: InterfaceType, name: str
) -> None:
    coordinate = f"{parent.name}.{name}"
    declaring: list[Source[FieldDefinition]] = [
        Source(subgraph, declared.fields[name])
        for subgraph, declared in merge.composite_sources(parent.name)
        if name in declared.fields and isinstance(declared, DeclaredInterface)
    ]
    where = [source.name for source in declaring]
    having = [subgraph.name for subgraph, _ in merge.sources[merged.name]]
    merge.findings.error(
        "INTERFACE_FIELD_NO_IMPLEM",
        f'Interface field "{coordinate}" is declared {in_subgraphs(where)} but type '
        f'"{merged.name}", which implements "{parent.name}", does not have it: it is defined '
        f"{in_subgraphs(having)} without it.",
        dict.fromkeys([*where, *having]),
        coordinate,
        merged.name,
    )
