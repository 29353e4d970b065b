"""Where ``@external``, ``@shareable``, interface keys and interface objects make sense."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TypeAlias

from router.composition.fieldsets import SelectedField, SelectedFragment, Selection
from router.composition.model import CompositeType, InterfaceType, Key, ObjectType, Subgraph
from router.composition.problems import Problems, SubgraphRefused
from router.composition.validation.field_sets import check_key

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
                if subgraph.is_external(field):
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

    A key that cannot be read might be the one that is missed: where the search comes upon one,
    nothing more is said of the subgraph.
    """
    for found in subgraph.types.values():
        if not isinstance(found, InterfaceType):
            continue
        for key in _readable_keys(found, subgraph, problems):
            missing, unresolvable = [], []
            for implementation in subgraph.implementations(found.name):
                equal = _equal_key(key, implementation, subgraph, problems)
                if equal is None:
                    missing.append(implementation.name)
                elif key.resolvable and not equal.resolvable:
                    unresolvable.append(implementation.name)
            concerned = missing or unresolvable
            if concerned:
                what = "missing on" if missing else 'not resolvable ("resolvable: false") on'
                mend = f': please add @key(fields: "{key.fields}") there' if missing else ""
                problems.add(
                    "INTERFACE_KEY_NOT_ON_IMPLEMENTATION",
                    f'The key "{key.fields}" of interface "{found.name}" is {what} its '
                    f"implementations {', '.join(concerned)}{mend}.",
                    found.name,
                )


def _equal_key(
    wanted: Key, found: CompositeType, subgraph: Subgraph, problems: Problems
) -> Key | None:
    """Return the key of a type that has the fields of another: a resolvable one if it can be."""
    shape, equal = _shape(wanted.selection), None
    for key in _readable_keys(found, subgraph, problems):
        if _shape(key.selection) == shape:
            equal = key
            if key.resolvable or not wanted.resolvable:
                break
    return equal


def _readable_keys(found: CompositeType, subgraph: Subgraph, problems: Problems) -> Iterator[Key]:
    """Yield the keys of a type; raise ``SubgraphRefused`` at one that cannot be read."""
    keys = {id(key.applied): key for key in subgraph.keys.get(found.name, ())}
    for applied in found.applications("key"):
        key = keys.get(id(applied))
        if key is None:
            told = Problems(problems.subgraph)
            check_key(found, applied, subgraph, told)
            raise SubgraphRefused(told.errors)
        yield key


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
