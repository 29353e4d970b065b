"""Where ``@external``, ``@shareable``, interface keys and interface objects make sense."""

from __future__ import annotations

from collections import Counter
from typing import TypeAlias

from router.composition.fieldsets import SelectedField, SelectedFragment, Selection
from router.composition.model import CompositeType, InterfaceType, ObjectType, Subgraph
from router.composition.problems import Problems

__all__ = [
    "check_external",
    "check_interface_keys",
    "check_interface_objects",
    "check_shareable",
]


def check_external(subgraph: Subgraph, problems: Problems) -> None:
    """``@external`` is on no interface field, and each external field is of some use."""
    for found in subgraph.types.values():
        if isinstance(found, InterfaceType):
            for field in found.fields.values():
                if field.is_applied("external"):
                    problems.add(
                        "EXTERNAL_ON_INTERFACE",
                        f'Interface field "{field.coordinate}" is marked @external, which makes no '
                        "sense: an interface resolves nothing.",
                        field.coordinate,
                    )
    for found in subgraph.types.values():
        if isinstance(found, CompositeType):
            for field in found.fields.values():
                if subgraph.is_external(field) and not subgraph.is_used(field):
                    problems.add(
                        "EXTERNAL_UNUSED",
                        f'Field "{field.coordinate}" is marked @external but is not used by any '
                        "federation directive (@key, @provides, @requires) or to satisfy an "
                        "interface: please remove the field, or the @external.",
                        field.coordinate,
                    )


def check_interface_keys(subgraph: Subgraph, problems: Problems) -> None:
    """A key of an interface is a key of each of its implementations.

    Nothing more is said from the first interface on of which a key could not be read, its own or
    an implementation's: it might be the one that is missed.
    """
    unread = {
        coordinate
        for error in problems.errors
        if error.code in ("KEY_INVALID_FIELDS", "KEY_INVALID_FIELDS_TYPE")
        for coordinate in error.coordinates
    }
    for name, keys in subgraph.keys.items():
        if not isinstance(subgraph.types[name], InterfaceType):
            continue
        if unread.intersection((name, *(each.name for each in subgraph.implementations(name)))):
            return
        for key in keys:
            wanted = _shape(key.selection)
            missing, unresolvable = [], []
            for implementation in subgraph.implementations(name):
                equal = [
                    other
                    for other in subgraph.keys.get(implementation.name, ())
                    if _shape(other.selection) == wanted
                ]
                if not equal:
                    missing.append(implementation.name)
                elif key.resolvable and not any(other.resolvable for other in equal):
                    unresolvable.append(implementation.name)
            concerned = missing or unresolvable
            if concerned:
                what = "missing on" if missing else 'not resolvable ("resolvable: false") on'
                problems.add(
                    "INTERFACE_KEY_NOT_ON_IMPLEMENTATION",
                    f'The key "{key.fields}" of interface "{name}" is {what} its implementations '
                    f"{', '.join(concerned)}.",
                    name,
                )


_Shape: TypeAlias = frozenset[tuple[str, "_Shape | None"]]


def _shape(selection: Selection) -> _Shape:
    """Return a selection without its order, to compare two."""
    items: set[tuple[str, _Shape | None]] = set()
    for item in selection.items:
        nested = item.selection
        match item:
            case SelectedField():
                items.add((item.name, _shape(nested) if nested is not None else None))
            case SelectedFragment():
                items.add((f"... on {item.on_type}", _shape(item.selection)))
    return frozenset(items)


def check_interface_objects(subgraph: Subgraph, problems: Problems) -> None:
    """An interface object is an entity."""
    for found in subgraph.types.values():
        if (
            isinstance(found, ObjectType)
            and found.is_applied("interfaceObject")
            and not found.is_applied("key")
        ):
            problems.add(
                "INTERFACE_OBJECT_USAGE_ERROR",
                "The @interfaceObject directive can only be applied to entity types but type "
                f'"{found.name}" has no @key in this subgraph.',
                found.name,
            )


def check_shareable(subgraph: Subgraph, problems: Problems) -> None:
    """``@shareable`` stands once on each field and on each piece of a type, and on objects only."""
    code = "INVALID_SHAREABLE_USAGE"
    for found in subgraph.types.values():
        if not isinstance(found, CompositeType):
            continue
        blocks = Counter(applied.block for applied in found.applications("shareable"))
        for times in blocks.values():
            if times > 1:
                problems.add(
                    code,
                    f'@shareable is applied twice to the same declaration of type "{found.name}".',
                    found.name,
                )
        for field in found.fields.values():
            times = len(field.applications("shareable"))
            if isinstance(found, InterfaceType):
                for _ in range(times):
                    problems.add(
                        code,
                        f'Invalid @shareable on field "{field.coordinate}": only fields of object '
                        "types can be shareable.",
                        field.coordinate,
                    )
            elif times > 1:
                problems.add(
                    code, f'@shareable is applied twice to "{field.coordinate}".', field.coordinate
                )
