"""The merged schema must be valid GraphQL: what no subgraph alone could get wrong.

Subgraphs are valid one by one, so only what merging brings together is looked at: names of
graphs, implementations against merged interfaces, defaults against merged types, cycles of
merged input objects.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

from router.composition.emit import Emitter
from router.composition.input_cycles import input_cycles
from router.composition.merge.state import Findings
from router.composition.merge.subtypes import is_subtype
from router.composition.merged import (
    ABSENT,
    Application,
    Argument,
    DirectiveDefinition,
    EnumLiteral,
    EnumType,
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

__all__ = ["check_graphql"]

_CODE: Final = "INVALID_GRAPHQL"
_BUILT_IN_SCALARS: Final = frozenset({"Int", "Float", "String", "Boolean", "ID"})
_LOCATIONS: Final[dict[type[NamedType], str]] = {
    ScalarType: "SCALAR",
    ObjectType: "OBJECT",
    InterfaceType: "INTERFACE",
    UnionType: "UNION",
    EnumType: "ENUM",
    InputType: "INPUT_OBJECT",
}


def check_graphql(schema: MergedSchema, findings: Findings, composed: Collection[str]) -> None:
    """Note every rule of GraphQL that the merged schema breaks.

    ``composed`` are the directives that users compose: each has the definition of one subgraph,
    which the applications of the others may not fit.
    """
    for message, coordinate in _problems(schema, composed):
        findings.error(_CODE, message, (), coordinate)
    if composed:
        for message, coordinate in _application_problems(schema, composed):
            findings.error(_CODE, message, (), coordinate)


def _problems(schema: MergedSchema, composed: Collection[str]) -> Iterator[tuple[str, str]]:
    graphs = schema.types["join__Graph"]
    assert isinstance(graphs, EnumType)
    for name in graphs.values:
        if name.startswith("__"):
            yield (
                f'Name "{name}" must not begin with "__", which is reserved by GraphQL '
                "introspection.",
                f"join__Graph.{name}",
            )
    yield from _reserved_names(schema)
    for merged in schema.types.values():
        if isinstance(merged, ObjectType | InterfaceType):
            yield from _composite_problems(schema, merged)
        elif isinstance(merged, InputType):
            for entry in merged.fields.values():
                yield from _argument_problems(schema, entry, f"{merged.name}.{entry.name}")
        yield from _stand_in_problems(schema, merged, composed)
    yield from _cycles(schema)
    for directive in schema.directives.values():
        for argument in directive.arguments.values():
            where = f"@{directive.name}({argument.name}:)"
            yield from _argument_problems(schema, argument, where)


def _reserved_names(schema: MergedSchema) -> Iterator[tuple[str, str]]:
    """Find what users named like the machinery of supergraphs, and uses of types left out so."""
    machinery = ("join__", "link__")
    for name in sorted(schema.types.keys() - schema.feature_types):
        if name.startswith(machinery):
            yield f'Type name "{name}" is reserved for the machinery of supergraphs.', name
    for name in sorted(schema.directives.keys() - schema.feature_directives):
        if name.startswith(machinery):
            yield f'Directive name "@{name}" is reserved for supergraphs.', f"@{name}"
    for owner in schema.composites():
        for field in owner.fields.values():
            if not _is_known(schema, base_name(field.type)):
                where = f"{owner.name}.{field.name}"
                yield f'Unknown type "{base_name(field.type)}" of {where}.', where


def _is_known(schema: MergedSchema, name: str) -> bool:
    return name in schema.types or name in _BUILT_IN_SCALARS


def _stand_in_problems(
    schema: MergedSchema, merged: NamedType, composed: Collection[str]
) -> Iterator[tuple[str, str]]:
    """Find where interface objects stand as only objects may: they are interfaces here.

    All applications of composed directives are looked at anyway.
    """
    if isinstance(merged, UnionType):
        for member in merged.members:
            if isinstance(schema.types.get(member), InterfaceType):
                yield (
                    f'Union type "{merged.name}" can only have object types as members, but '
                    f'"{member}" is an interface, for which a subgraph has an @interfaceObject.',
                    merged.name,
                )
    elif isinstance(merged, InterfaceType):
        for applied in merged.directives:
            definition = schema.directives.get(applied.name)
            if applied.name in composed or definition is None:
                continue
            if "INTERFACE" not in definition.locations:
                yield (
                    f'"{merged.name}" is an interface, for which a subgraph has an '
                    f'@interfaceObject: directive "@{applied.name}" may not be used there.',
                    merged.name,
                )


# -- implementations -----------------------------------------------------------------------


def _composite_problems(
    schema: MergedSchema, merged: ObjectType | InterfaceType
) -> Iterator[tuple[str, str]]:
    if not merged.fields:
        yield f"Type {merged.name} must define one or more fields.", merged.name
    for field in merged.fields.values():
        for argument in field.arguments.values():
            where = f"{merged.name}.{field.name}({argument.name}:)"
            yield from _argument_problems(schema, argument, where)
    implemented = frozenset(merged.interfaces)
    for name in merged.interfaces:
        interface = schema.types.get(name)
        if not isinstance(interface, InterfaceType):
            continue
        for grand in interface.interfaces:
            if grand == merged.name:
                yield (
                    f"Type {merged.name} cannot implement {name} because it would create a "
                    "circular reference.",
                    merged.name,
                )
            elif grand not in implemented:
                yield (
                    f"Type {merged.name} must implement {grand} because it is implemented by "
                    f"{name}.",
                    merged.name,
                )
        for field in interface.fields.values():
            if field.name in merged.fields:
                yield from _implementation_problems(schema, merged, interface, field)


def _implementation_problems(
    schema: MergedSchema,
    merged: ObjectType | InterfaceType,
    interface: InterfaceType,
    expected: Field,
) -> Iterator[tuple[str, str]]:
    field = merged.fields[expected.name]
    where, promised = f"{merged.name}.{field.name}", f"{interface.name}.{field.name}"
    if not is_subtype(schema, field.type, expected.type):
        yield (
            f"Interface field {promised} expects type {expected.type} but {where} of type "
            f"{field.type} is not a proper subtype.",
            where,
        )
    for name, argument in expected.arguments.items():
        own = field.arguments.get(name)
        if own is None:
            yield (
                f"Interface field argument {promised}({name}:) expected but {where} does not "
                "provide it.",
                where,
            )
        elif own.type != argument.type:
            yield (
                f"Interface field argument {promised}({name}:) expects type {argument.type} but "
                f"{where}({name}:) is type {own.type}.",
                where,
            )
    for name, argument in field.arguments.items():
        if argument.is_required and name not in expected.arguments:
            yield (
                f"Field {where} includes required argument {name} that is missing from the "
                f"interface field {promised}.",
                where,
            )


# -- values --------------------------------------------------------------------------------


def _argument_problems(
    schema: MergedSchema, argument: Argument, where: str
) -> Iterator[tuple[str, str]]:
    if not _is_known(schema, base_name(argument.type)):
        yield f'Unknown type "{base_name(argument.type)}" of {where}.', where
    if argument.is_required and any(each.name == "deprecated" for each in argument.directives):
        yield f"Required argument {where} cannot be deprecated.", where
    if argument.default is not ABSENT and not _fits(schema, argument.default, argument.type):
        yield (
            f"Invalid default value (got: {_text(schema, argument)}) provided for {where} of type "
            f"{argument.type}.",
            where,
        )


def _text(schema: MergedSchema, argument: Argument) -> str:
    assert argument.default is not ABSENT
    return Emitter(schema).value(argument.default, argument.type)


def _fits(schema: MergedSchema, value: Value, type_text: str) -> bool:
    """Tell whether a value that fits its subgraph's type fits the merged one."""
    if type_text.endswith("!"):
        return value is not None and _fits(schema, value, type_text[:-1])
    if value is None:
        return True
    item = item_type(type_text)
    if item is not None:
        items = value if isinstance(value, list) else [value]
        return all(_fits(schema, each, item) for each in items)
    named = schema.types.get(type_text)
    match named:
        case EnumType():
            return isinstance(value, str) and value in named.values
        case InputType():
            # like the reference, leave required fields that a default lacks to the subgraph
            return (
                isinstance(value, dict)
                and named.fields.keys() >= value.keys()
                and all(
                    _fits(schema, each, named.fields[name].type) for name, each in value.items()
                )
            )
        case ScalarType():
            return True
        case None:
            return _fits_built_in(value, type_text)
        case _:
            return False


def _fits_built_in(value: Value, type_text: str) -> bool:
    match type_text:
        case "Boolean":
            return isinstance(value, bool)
        case "Int":
            whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
            return whole and not isinstance(value, bool)
        case "Float":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "ID":
            return isinstance(value, str | int) and not isinstance(value, bool | EnumLiteral)
        case _:
            return isinstance(value, str) and not isinstance(value, EnumLiteral)


def _cycles(schema: MergedSchema) -> Iterator[tuple[str, str]]:
    inputs = {each.name: each for each in schema.types.values() if isinstance(each, InputType)}
    return input_cycles(
        {
            name: [
                (entry.name, target)
                for entry in merged.fields.values()
                if (target := base_name(entry.type)) in inputs and entry.type == f"{target}!"
            ]
            for name, merged in inputs.items()
        }
    )


# -- applications --------------------------------------------------------------------------


def _application_problems(
    schema: MergedSchema, composed: Collection[str]
) -> Iterator[tuple[str, str]]:
    for coordinate, location, applications in _places(schema):
        for applied in applications:
            if applied.name in composed:
                definition = schema.directives[applied.name]
                for problem in _misfits(schema, applied, definition, location):
                    yield f"{problem} in its application to {coordinate}.", coordinate


def _misfits(
    schema: MergedSchema, applied: Application, definition: DirectiveDefinition, location: str
) -> Iterator[str]:
    if location not in definition.locations:
        yield f'Directive "@{applied.name}" may not be used on {location}'
    for name, value in applied.arguments.items():
        argument = definition.arguments.get(name)
        if argument is None:
            yield f'Unknown argument "{name}" on directive "@{applied.name}"'
        elif not _fits(schema, value, argument.type):
            yield f'Invalid value for "@{applied.name}({name}:)" of type "{argument.type}"'
    for name, argument in definition.arguments.items():
        if argument.is_required and name not in applied.arguments:
            yield f'Argument "@{applied.name}({name}:)" is required, but it was not provided'


def _places(schema: MergedSchema) -> Iterator[tuple[str, str, list[Application]]]:
    """Yield every element with directives: coordinate, location, directives."""
    yield "schema", "SCHEMA", schema.applications
    for merged in schema.types.values():
        yield merged.name, _LOCATIONS[type(merged)], merged.directives
        match merged:
            case ObjectType() | InterfaceType():
                for field in merged.fields.values():
                    coordinate = f"{merged.name}.{field.name}"
                    yield coordinate, "FIELD_DEFINITION", field.directives
                    for argument in field.arguments.values():
                        where = f"{coordinate}({argument.name}:)"
                        yield where, "ARGUMENT_DEFINITION", argument.directives
            case InputType():
                for entry in merged.fields.values():
                    coordinate = f"{merged.name}.{entry.name}"
                    yield coordinate, "INPUT_FIELD_DEFINITION", entry.directives
            case EnumType():
                for value in merged.values.values():
                    yield f"{merged.name}.{value.name}", "ENUM_VALUE", value.directives
            case ScalarType() | UnionType():
                pass
