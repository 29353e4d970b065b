"""``@inaccessible``: what is hidden from clients must not be missed by what they see.

Checked on the merged schema, element by element. An element is *visible* when neither it nor
what it is part of is inaccessible; inside a hidden type nothing more is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeAlias

from router.composition.errors import CompositionError
from router.composition.merged import (
    ABSENT,
    Application,
    Argument,
    DirectiveDefinition,
    EnumType,
    EnumValue,
    Field,
    InputType,
    InterfaceType,
    MergedSchema,
    NamedType,
    ObjectType,
    ScalarType,
    UnionType,
    Value,
    base_name,
    item_type,
)

__all__ = ["check_inaccessible"]

Element: TypeAlias = NamedType | Field | Argument | EnumValue

_TYPE_SYSTEM_LOCATIONS = frozenset(
    {
        "SCHEMA",
        "SCALAR",
        "OBJECT",
        "FIELD_DEFINITION",
        "ARGUMENT_DEFINITION",
        "INTERFACE",
        "UNION",
        "ENUM",
        "ENUM_VALUE",
        "INPUT_OBJECT",
        "INPUT_FIELD_DEFINITION",
    }
)
_BUILT_IN_SCALARS = frozenset({"Int", "Float", "String", "Boolean", "ID"})


def check_inaccessible(schema: MergedSchema) -> list[CompositionError]:
    """Return every way in which the API schema would miss what is hidden from it.

    Hidden are inaccessible elements and, where those do no harm, the types of linked features.
    """
    errors: list[CompositionError] = []
    if schema.inaccessible is not None:
        errors += _Check(schema, schema.inaccessible).errors()
    return errors or list(_feature_types_in_api(schema))


class _Check:
    def __init__(self, schema: MergedSchema, directive: str) -> None:
        self._schema = schema
        self._directive = directive
        self._references: dict[str, list[CompositionError]] = {}
        self._defaults: dict[str, list[CompositionError]] = {}

    def errors(self) -> Iterator[CompositionError]:
        """Return the errors; who refers to something hidden is told when that has its turn."""
        types = [(each.name, list(self._type(each))) for each in self._schema.types.values()]
        directives = [
            error
            for directive in self._schema.directives.values()
            for error in self._directive_definition(directive)
        ]
        for name, errors in types:
            yield from self._references.get(name, ())
            yield from errors
            yield from self._defaults.get(name, ())
        yield from directives

    def _type(self, merged: NamedType) -> Iterator[CompositionError]:
        if merged.name in self._schema.feature_types or merged.name in _BUILT_IN_SCALARS:
            yield from self._machinery(merged)
        elif not self._hidden(merged):
            yield from self._visible_type(merged)
        elif merged.name == self._schema.roots.get("query"):
            yield _error(
                "QUERY_ROOT_TYPE_INACCESSIBLE",
                f'Type "{merged.name}" is @inaccessible but is the query root type, which must be '
                "in the API schema.",
                merged.name,
            )

    def _hidden(self, element: Element) -> bool:
        return _has(element.directives, self._directive)

    # machinery ----------------------------------------------------------------------------

    def _machinery(self, merged: NamedType) -> Iterator[CompositionError]:
        """Nothing of a linked feature may be hidden; what it refers to must be visible too."""
        if any(self._hidden(part) for part in _parts(merged)):
            yield _error(
                "DISALLOWED_INACCESSIBLE",
                f'Type "{merged.name}" belongs to a linked specification: neither it nor its parts '
                "can be @inaccessible.",
                merged.name,
            )
        else:
            yield from self._visible_type(merged)

    def _directive_definition(self, directive: DirectiveDefinition) -> Iterator[CompositionError]:
        is_machinery = directive.name in self._schema.feature_directives
        type_system = not _TYPE_SYSTEM_LOCATIONS.isdisjoint(directive.locations)
        for argument in directive.arguments.values():
            coordinate = f"@{directive.name}({argument.name}:)"
            if self._hidden(argument):
                if is_machinery or type_system:
                    yield _error(
                        "DISALLOWED_INACCESSIBLE",
                        f'Argument "{coordinate}" is @inaccessible but its directive is built-in, '
                        "of a linked specification, or applicable in schemas.",
                        coordinate,
                    )
                elif argument.is_required:
                    yield _required(coordinate, coordinate)
            else:
                self._visible_input(argument, coordinate)

    # visible types ------------------------------------------------------------------------

    def _visible_type(self, merged: NamedType) -> Iterator[CompositionError]:
        match merged:
            case ObjectType() | InterfaceType():
                yield from self._only_hidden(merged.name, "fields", merged.fields.values())
                for field in merged.fields.values():
                    yield from self._field(merged, field)
            case InputType():
                yield from self._only_hidden(merged.name, "fields", merged.fields.values())
                for entry in merged.fields.values():
                    coordinate = f"{merged.name}.{entry.name}"
                    if not self._hidden(entry):
                        self._visible_input(entry, coordinate)
                    elif entry.is_required:
                        yield _required(coordinate, merged.name)
            case EnumType():
                yield from self._only_hidden(merged.name, "values", merged.values.values())
            case UnionType():
                members = [self._schema.types[name] for name in merged.members]
                yield from self._only_hidden(merged.name, "members", members)
            case ScalarType():
                return

    def _only_hidden(
        self, name: str, what: str, parts: Iterable[Element]
    ) -> Iterator[CompositionError]:
        if all(self._hidden(part) for part in parts):
            yield _error(
                "ONLY_INACCESSIBLE_CHILDREN",
                f'Type "{name}" is in the API schema but all of its {what} are @inaccessible: '
                "please hide the type, too.",
                name,
            )

    # fields -------------------------------------------------------------------------------

    def _field(self, owner: ObjectType | InterfaceType, field: Field) -> Iterator[CompositionError]:
        coordinate = f"{owner.name}.{field.name}"
        promises = list(self._promises(owner, field.name))
        if self._hidden(field):
            for promise in promises:
                yield _error(
                    "IMPLEMENTED_BY_INACCESSIBLE",
                    f'Field "{coordinate}" is @inaccessible but implements the interface field '
                    f'"{promise.name}.{field.name}", which is in the API schema.',
                    coordinate,
                )
            return
        self._note_reference(field.type, coordinate)
        for argument in field.arguments.values():
            where = f"{coordinate}({argument.name}:)"
            if not self._hidden(argument):
                self._visible_input(argument, where)
            else:
                yield from self._hidden_argument(owner, field, argument, promises)

    def _promises(
        self, owner: ObjectType | InterfaceType, field_name: str
    ) -> Iterator[InterfaceType]:
        """Yield the visible interfaces that promise a field, visibly."""
        for name in owner.interfaces:
            interface = self._schema.types.get(name)
            if not isinstance(interface, InterfaceType) or self._hidden(interface):
                continue
            promised = interface.fields.get(field_name)
            if promised is not None and not self._hidden(promised):
                yield interface

    def _hidden_argument(
        self,
        owner: ObjectType | InterfaceType,
        field: Field,
        argument: Argument,
        promises: Iterable[InterfaceType],
    ) -> Iterator[CompositionError]:
        coordinate = f"{owner.name}.{field.name}({argument.name}:)"
        if argument.is_required:
            yield _required(coordinate, f"{owner.name}.{field.name}")
        for interface in promises:
            promised = interface.fields[field.name].arguments.get(argument.name)
            if promised is not None and not self._hidden(promised):
                yield _error(
                    "IMPLEMENTED_BY_INACCESSIBLE",
                    f'Argument "{coordinate}" is @inaccessible but implements the interface '
                    f'argument "{interface.name}.{field.name}({argument.name}:)", which is in the '
                    "API schema.",
                    coordinate,
                )
        if isinstance(owner, InterfaceType):
            yield from self._required_by_implementations(owner, field, argument, coordinate)

    def _required_by_implementations(
        self, owner: InterfaceType, field: Field, argument: Argument, coordinate: str
    ) -> Iterator[CompositionError]:
        for merged in self._schema.composites():
            if owner.name not in merged.interfaces or self._hidden(merged):
                continue
            own = merged.fields.get(field.name)
            if own is None or self._hidden(own):
                continue
            counterpart = own.arguments.get(argument.name)
            if (
                counterpart is not None
                and counterpart.is_required
                and not self._hidden(counterpart)
            ):
                where = f"{merged.name}.{field.name}({argument.name}:)"
                yield _error(
                    "REQUIRED_INACCESSIBLE",
                    f'Argument "{coordinate}" is @inaccessible but the implementing argument '
                    f'"{where}" is required and in the API schema.',
                    coordinate,
                    where,
                )

    # references ---------------------------------------------------------------------------

    def _visible_input(self, argument: Argument, coordinate: str) -> None:
        self._note_reference(argument.type, coordinate)
        if argument.default is not ABSENT:
            for error in self._default(argument.default, argument.type, coordinate):
                owner = error.coordinates[0].partition(".")[0]
                self._defaults.setdefault(owner, []).append(error)

    def _note_reference(self, type_text: str, coordinate: str) -> None:
        named = self._schema.types.get(base_name(type_text))
        if named is None or named.name in self._schema.feature_types or not self._hidden(named):
            return
        error = _error(
            "REFERENCED_INACCESSIBLE",
            f'Type "{named.name}" is @inaccessible but is referenced by "{coordinate}", which is '
            "in the API schema: please hide that, too.",
            named.name,
            coordinate,
        )
        self._references.setdefault(named.name, []).append(error)

    def _default(self, value: Value, type_text: str, coordinate: str) -> Iterator[CompositionError]:
        """Look for hidden enum values and input fields in a visible default."""
        item = item_type(type_text)
        if isinstance(value, list):
            for each in value:
                yield from self._default(each, item or type_text, coordinate)
            return
        if item is not None:
            yield from self._default(value, item, coordinate)
            return
        named = self._schema.types.get(base_name(type_text))
        if named is None:
            return
        is_visible = not self._hidden(named)
        if isinstance(named, EnumType) and isinstance(value, str):
            used = named.values.get(value)
            if used is not None and is_visible and self._hidden(used):
                yield _default_uses(f"{named.name}.{used.name}", coordinate)
        elif isinstance(named, InputType) and isinstance(value, dict):
            for name, each in value.items():
                entry = named.fields.get(name)
                if entry is None:
                    continue
                if is_visible and self._hidden(entry):
                    yield _default_uses(f"{named.name}.{name}", coordinate)
                yield from self._default(each, entry.type, coordinate)


def _parts(merged: NamedType) -> Iterator[Element]:
    """Yield a type and everything in it."""
    yield merged
    match merged:
        case ObjectType() | InterfaceType():
            for field in merged.fields.values():
                yield field
                yield from field.arguments.values()
        case InputType():
            yield from merged.fields.values()
        case EnumType():
            yield from merged.values.values()
        case UnionType() | ScalarType():
            return


def _feature_types_in_api(schema: MergedSchema) -> Iterator[CompositionError]:
    """Refuse visible elements that refer to a type of a linked feature, which no client sees."""
    referring: dict[str, list[str]] = {}
    for merged in schema.types.values():
        if merged.name not in schema.feature_types and not _is_hidden(schema, merged):
            for named, coordinate in _references(schema, merged):
                if named in schema.feature_types:
                    referring.setdefault(named, []).append(coordinate)
    for directive in schema.directives.values():
        if directive.name not in schema.feature_directives:
            for argument in directive.arguments.values():
                if base_name(argument.type) in schema.feature_types:
                    referring.setdefault(base_name(argument.type), []).append(
                        f"@{directive.name}({argument.name}:)"
                    )
    for named, coordinates in referring.items():
        yield _error(
            "REFERENCED_INACCESSIBLE",
            f'Type "{named}" belongs to a linked specification and is not in the API schema, but '
            f"is referenced by {', '.join(coordinates)}.",
            named,
            *coordinates,
        )


def _references(schema: MergedSchema, merged: NamedType) -> Iterator[tuple[str, str]]:
    """Yield each type that a visible type refers to, with the coordinate that does."""
    match merged:
        case ObjectType() | InterfaceType():
            for interface in merged.interfaces:
                yield interface, merged.name
            for field in merged.fields.values():
                if _is_hidden(schema, field):
                    continue
                coordinate = f"{merged.name}.{field.name}"
                yield base_name(field.type), coordinate
                for argument in field.arguments.values():
                    if not _is_hidden(schema, argument):
                        yield base_name(argument.type), f"{coordinate}({argument.name}:)"
        case InputType():
            for entry in merged.fields.values():
                if not _is_hidden(schema, entry):
                    yield base_name(entry.type), f"{merged.name}.{entry.name}"
        case UnionType():
            for member in merged.members:
                yield member, merged.name
        case EnumType() | ScalarType():
            return


def _is_hidden(schema: MergedSchema, element: Element) -> bool:
    return schema.inaccessible is not None and _has(element.directives, schema.inaccessible)


def _has(directives: Iterable[Application], name: str) -> bool:
    return any(applied.name == name for applied in directives)


def _error(code: str, message: str, *coordinates: str) -> CompositionError:
    return CompositionError(code, message, (), coordinates)


def _required(coordinate: str, owner: str) -> CompositionError:
    return _error(
        "REQUIRED_INACCESSIBLE",
        f'"{coordinate}" is @inaccessible but is required by "{owner}" in the API schema.',
        coordinate,
    )


def _default_uses(used: str, coordinate: str) -> CompositionError:
    return _error(
        "DEFAULT_VALUE_USES_INACCESSIBLE",
        f'"{used}" is @inaccessible but is used in the default value of "{coordinate}", which is '
        "in the API schema.",
        used,
        coordinate,
    )
