"""What a subgraph's directives mean together: keys, and which fields are external, shared, used.

Derived leniently: a field set that is wrong counts for nothing here and is reported by
:mod:`router.composition.validation`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from graphql import BooleanValueNode, StringValueNode

from router.composition.fieldsets import (
    FieldSetInvalid,
    SelectedField,
    SelectedFragment,
    Selection,
    parse_context_field,
    parse_field_set,
)
from router.composition.links import FEDERATION
from router.composition.model import (
    Applied,
    CompositeType,
    FieldDefinition,
    FieldFacts,
    InterfaceType,
    Key,
    ObjectType,
    Subgraph,
    TypeDefinition,
    base_name,
)
from router.composition.parsed import ParsedSubgraph
from router.composition.selections import is_readable, readable_part

__all__ = ["Coordinate", "derive", "field_set_of", "is_resolvable", "seal", "walk"]

Coordinate: TypeAlias = tuple[str, str]
Types: TypeAlias = Mapping[str, TypeDefinition]


def seal(parsed: ParsedSubgraph) -> Subgraph:
    """Return the subgraph that the tables describe, with what follows from its directives."""
    keys, facts = derive(parsed)
    return Subgraph(
        name=parsed.name,
        url=parsed.url,
        is_fed2=parsed.is_fed2,
        federation_version=parsed.federation_version,
        links=parsed.links,
        schema=parsed.schema,
        types=parsed.types,
        directives=parsed.directives,
        facts=facts,
        keys=keys,
        implicit_upgrade=parsed.implicit_upgrade,
    )


def derive(parsed: ParsedSubgraph) -> tuple[dict[str, list[Key]], FieldFacts]:
    """Return the keys by type name, and the derived sets of fields."""
    return _Derivation(parsed).result()


def is_resolvable(key: Applied) -> bool:
    """Tell whether a ``@key`` lets the router ask for objects, whatever its fields are."""
    written = key.arguments.get("resolvable")
    return not (isinstance(written, BooleanValueNode) and not written.value)


def field_set_of(applied: Applied) -> tuple[str, Selection] | None:
    """Return the raw text and the selection of ``@key`` and the like, or None if it is wrong."""
    fields = applied.arguments.get("fields")
    if not isinstance(fields, StringValueNode):
        return None
    try:
        return fields.value, parse_field_set(fields.value)
    except FieldSetInvalid:
        return None


def walk(
    types: Types, parent: str, selection: Selection
) -> Iterator[tuple[FieldDefinition, SelectedField]]:
    """Yield the fields that a selection reaches, at any depth; unknown ones are passed over."""
    found = types.get(parent)
    for item in selection.items:
        match item:
            case SelectedFragment():
                yield from walk(types, item.on_type or parent, item.selection)
            case SelectedField():
                field = found.fields.get(item.name) if isinstance(found, CompositeType) else None
                if field is None:
                    continue
                yield field, item
                if item.selection is not None:
                    yield from walk(types, base_name(field.type), item.selection)


class _Derivation:
    def __init__(self, parsed: ParsedSubgraph) -> None:
        self.types: Types = parsed.types
        self.directives = parsed.directives
        # on a type, federation 1 has @external for nothing
        self.has_external_types = parsed.links.feature(FEDERATION) is not None
        self.implementations: dict[str, list[ObjectType]] = {}
        self.contexts: dict[str, list[str]] = {}
        self.composites: list[CompositeType] = []
        self.keys: dict[str, list[Key]] = {}
        self.provided: set[Coordinate] = set()
        self.used: set[Coordinate] = set()
        self.key_fields: set[Coordinate] = set()
        self.extension_key_fields: set[Coordinate] = set()

    def result(self) -> tuple[dict[str, list[Key]], FieldFacts]:
        self._index()
        for found in self.composites:
            self._keys(found)
            for field in found.fields.values():
                self._field_sets(field)
        self._interface_fields()
        external, fake = self._external()
        facts = FieldFacts(
            external=external,
            fake_external=fake,
            provided=frozenset(self.provided),
            used=frozenset(self.used),
            shareable=frozenset(self._shareable(external)),
        )
        return self.keys, facts

    def _index(self) -> None:
        for found in self.types.values():
            for applied in found.applications("context") if found.directives else ():
                name = applied.arguments.get("name")
                if isinstance(name, StringValueNode):
                    self.contexts.setdefault(name.value, []).append(found.name)
            if isinstance(found, CompositeType):
                self.composites.append(found)
            if isinstance(found, ObjectType):
                for interface in found.interfaces:
                    self.implementations.setdefault(interface, []).append(found)

    def _keys(self, found: CompositeType) -> None:
        if not found.directives:
            return
        extends = found.is_applied("extends")
        for applied in found.applications("key"):
            parsed = self._field_set(applied, found.name)
            if parsed is None:
                continue
            text, selection = parsed
            written = "resolvable" in applied.arguments
            in_extension = extends or applied.block > 0
            self.keys.setdefault(found.name, []).append(
                Key(text, selection, is_resolvable(applied), written, in_extension, applied)
            )
            reached = set(self._reach(found.name, selection))
            self.used |= reached
            self.key_fields |= reached
            if in_extension:
                self.extension_key_fields |= {
                    (field.parent, field.name)
                    for field, _ in walk(self.types, found.name, selection)
                }

    def _field_sets(self, field: FieldDefinition) -> None:
        for argument in field.arguments.values():
            if argument.directives:
                self._context(argument.first("fromContext"))
        if not field.directives:
            return
        for applied in field.directives:
            if applied.canonical not in ("requires", "provides"):
                continue
            requires = applied.canonical == "requires"
            parent = field.parent if requires else base_name(field.type)
            parsed = self._field_set(applied, parent)
            if parsed is not None:
                reached = set(self._reach(parent, parsed[1]))
                self.used |= reached
                if not requires:
                    self.provided |= reached

    def _field_set(self, applied: Applied, parent: str) -> tuple[str, Selection] | None:
        """Return a field set that can be read; of another only what it uses is noted."""
        parsed = field_set_of(applied)
        if parsed is None or is_readable(parsed[1], parent, self.types, self.directives):
            return parsed
        part = readable_part(parsed[1], parent, self.types, self.directives)
        self.used.update(self._reach(parent, part))
        return None

    def _context(self, applied: Applied | None) -> None:
        value = applied.arguments.get("field") if applied is not None else None
        parsed = parse_context_field(value.value) if isinstance(value, StringValueNode) else None
        if parsed is None:
            return
        try:
            selection = parse_field_set(parsed[1])
        except FieldSetInvalid:
            return
        for owner in self.contexts.get(parsed[0], ()):
            self.used.update(self._reach(owner, selection))

    def _reach(self, parent: str, selection: Selection) -> Iterator[Coordinate]:
        """Yield the fields reached; an interface's field stands for its implementations' too."""
        for field, _ in walk(self.types, parent, selection):
            yield field.parent, field.name
            for implementation in self.implementations.get(field.parent, ()):
                if field.name in implementation.fields:
                    yield implementation.name, field.name

    def _interface_fields(self) -> None:
        for name, implementations in self.implementations.items():
            interface = self.types.get(name)
            if isinstance(interface, InterfaceType):
                for found in implementations:
                    self.used.update(
                        (found.name, field) for field in interface.fields if field in found.fields
                    )

    def _external(self) -> tuple[frozenset[Coordinate], frozenset[Coordinate]]:
        external: set[Coordinate] = set()
        fake: set[Coordinate] = set()
        for found in self.composites:
            whole = (
                self.has_external_types
                and isinstance(found, ObjectType)
                and found.is_applied("external")
            )
            for field in found.fields.values():
                marked = bool(field.directives) and field.is_applied("external")
                if not (marked or whole):
                    continue
                at = (found.name, field.name)
                if marked and at in self.extension_key_fields:
                    fake.add(at)
                else:
                    external.add(at)
        return frozenset(external), frozenset(fake)

    def _shareable(self, external: frozenset[Coordinate]) -> Iterator[Coordinate]:
        yield from self.key_fields
        yield from external & self.provided
        for found in self.composites:
            if not isinstance(found, ObjectType):
                continue
            blocks = {applied.block for applied in found.applications("shareable")}
            for field in found.fields.values():
                if field.block in blocks or (field.directives and field.is_applied("shareable")):
                    yield found.name, field.name
