"""GraphQL's rules for types: names, emptiness, positions, defaults, deprecation, input cycles."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from graphql import print_ast

from router.composition.input_cycles import input_cycles
from router.composition.literals import is_valid_literal
from router.composition.model import (
    Argument,
    CompositeType,
    EnumType,
    InputObjectType,
    InterfaceType,
    Named,
    NonNull,
    ObjectType,
    ScalarType,
    TypeDefinition,
    UnionType,
    base_name,
)
from router.composition.parsed import ParsedSubgraph
from router.composition.problems import Problems
from router.composition.subtypes import is_subtype

__all__ = ["check_types"]

_INVALID: Final = "INVALID_GRAPHQL"


def check_types(subgraph: ParsedSubgraph, problems: Problems) -> None:
    """Note every type that GraphQL does not allow (spec, section 3)."""
    for rule in _RULES:
        for found in subgraph.types.values():
            rule(found, subgraph, problems)
    _input_cycles(subgraph, problems)
    for directive in subgraph.directives.values():
        if directive.by_user:
            at = f"@{directive.name}"
            _check_name(directive.name, at, problems)
            for argument in directive.arguments.values():
                _check_name(argument.name, f"{at}({argument.name}:)", problems)
                _check_input(argument, f"{at}({argument.name}:)", subgraph, problems)


def _check_name(name: str, coordinate: str, problems: Problems) -> None:
    if name.startswith("__"):
        problems.add(
            _INVALID,
            f'Name "{name}" must not begin with "__", which is reserved by GraphQL introspection.',
            coordinate,
        )


def _names(found: TypeDefinition, _: ParsedSubgraph, problems: Problems) -> None:
    _check_name(found.name, found.name, problems)
    match found:
        case ObjectType() | InterfaceType():
            for field in found.fields.values():
                _check_name(field.name, field.coordinate, problems)
                for name in field.arguments:
                    _check_name(name, f"{field.coordinate}({name}:)", problems)
        case InputObjectType():
            for name in found.fields:
                _check_name(name, f"{found.name}.{name}", problems)
        case EnumType():
            for name in found.values:
                _check_name(name, f"{found.name}.{name}", problems)
        case ScalarType() | UnionType():
            pass


def _not_empty(found: TypeDefinition, subgraph: ParsedSubgraph, problems: Problems) -> None:
    empty = None
    match found:
        case ObjectType() | InterfaceType():
            # the query root may have had nothing but the fields for the router's own use
            if not found.fields and found.name != subgraph.schema.roots["query"]:
                empty = f"Type {found.name} must define one or more fields."
        case InputObjectType():
            if not found.fields:
                empty = f"Input Object type {found.name} must define one or more fields."
        case UnionType():
            if not found.members:
                empty = f"Union type {found.name} must define one or more member types."
        case EnumType():
            if not found.values:
                empty = f"Enum type {found.name} must define one or more values."
        case ScalarType():
            pass
    if empty is not None:
        problems.add(_INVALID, empty, found.name)


def _members(found: TypeDefinition, subgraph: ParsedSubgraph, problems: Problems) -> None:
    if not isinstance(found, UnionType):
        return
    seen = set()
    for member in found.members:
        if member in seen:
            problems.add(
                _INVALID,
                f'Union type "{found.name}" can only include type "{member}" once.',
                found.name,
            )
        elif not isinstance(subgraph.types.get(member), ObjectType):
            problems.add(
                _INVALID,
                f"Union type {found.name} can only include object types, which {member} is not.",
                found.name,
            )
        seen.add(member)


def _positions(found: TypeDefinition, subgraph: ParsedSubgraph, problems: Problems) -> None:
    if isinstance(found, CompositeType):
        for field in found.fields.values():
            if isinstance(subgraph.types.get(base_name(field.type)), InputObjectType):
                problems.add(
                    _INVALID,
                    f'The type of "{field.coordinate}" must be an output type but is '
                    f'"{field.type}", an input type.',
                    field.coordinate,
                )
            for argument in field.arguments.values():
                _check_input(argument, f"{field.coordinate}({argument.name}:)", subgraph, problems)
    elif isinstance(found, InputObjectType):
        for entry in found.fields.values():
            _check_input(entry, f"{found.name}.{entry.name}", subgraph, problems)


def _check_input(
    argument: Argument, coordinate: str, subgraph: ParsedSubgraph, problems: Problems
) -> None:
    """Check an argument or input field: its type, its default, its deprecation."""
    target = subgraph.types.get(base_name(argument.type))
    if isinstance(target, ObjectType | InterfaceType | UnionType):
        problems.add(
            _INVALID,
            f'The type of "{coordinate}" must be an input type but is "{argument.type}".',
            coordinate,
        )
    elif argument.default is not None and not is_valid_literal(
        argument.default, argument.type, subgraph.types
    ):
        problems.add(
            _INVALID,
            f"Invalid default value (got: {print_ast(argument.default)}) for {coordinate} of type "
            f"{argument.type}.",
            coordinate,
        )
    if argument.directives and argument.is_required:
        for applied in argument.directives:
            if applied.name == "deprecated":
                problems.add(_INVALID, f"Required {coordinate} cannot be deprecated.", coordinate)


def _input_cycles(subgraph: ParsedSubgraph, problems: Problems) -> None:
    inputs = {
        name: found for name, found in subgraph.types.items() if isinstance(found, InputObjectType)
    }
    needed = {
        name: [
            (entry.name, entry.type.of.name)
            for entry in found.fields.values()
            if isinstance(entry.type, NonNull)
            and isinstance(entry.type.of, Named)
            and entry.type.of.name in inputs
        ]
        for name, found in inputs.items()
    }
    for message, name in input_cycles(needed):
        problems.add(_INVALID, message, name)


def _implements(found: TypeDefinition, subgraph: ParsedSubgraph, problems: Problems) -> None:
    if not isinstance(found, CompositeType) or not found.interfaces:
        return
    seen = set()
    implemented = frozenset(found.interfaces)
    for name in found.interfaces:
        interface = subgraph.types.get(name)
        problem = None
        if name in seen:
            problem = f'Type "{found.name}" can only implement "{name}" once.'
        elif not isinstance(interface, InterfaceType):
            problem = f"Type {found.name} cannot implement {name}, which is not an interface."
        elif name == found.name:
            problem = f"Type {name} cannot implement itself."
        if problem is not None:
            problems.add(_INVALID, problem, found.name)
        elif isinstance(interface, InterfaceType):
            for message, coordinate in _misfits(found, implemented, interface, subgraph):
                problems.add(_INVALID, message, coordinate)
        seen.add(name)


def _misfits(
    found: CompositeType,
    implemented: frozenset[str],
    interface: InterfaceType,
    subgraph: ParsedSubgraph,
) -> Iterator[tuple[str, str]]:
    """Yield why a type does not implement an interface (GraphQL spec, section 3.6.1)."""
    for name in interface.interfaces:
        if name == found.name:
            yield (
                f"Type {name} cannot implement {interface.name}: that would be a circular "
                "reference.",
                name,
            )
        elif name not in implemented:
            yield (
                f"Type {found.name} must implement {name} because it is implemented by "
                f"{interface.name}.",
                found.name,
            )
    for expected in interface.fields.values():
        field = found.fields.get(expected.name)
        if field is None:
            yield (
                f"Interface field {expected.coordinate} expected but {found.name} does not "
                "provide it.",
                found.name,
            )
            continue
        if not is_subtype(field.type, expected.type, subgraph.types):
            yield (
                f"Interface field {expected.coordinate} expects type {expected.type} but "
                f"{field.coordinate} of type {field.type} is not a proper subtype.",
                field.coordinate,
            )
        for wanted in expected.arguments.values():
            argument = field.arguments.get(wanted.name)
            at = f"{field.coordinate}({wanted.name}:)"
            if argument is None:
                yield f"Argument {at} is missing: {expected.coordinate} has it.", field.coordinate
            elif argument.type != wanted.type:
                yield (
                    f"Argument {at} is of type {argument.type}, but {wanted.type} in "
                    f"{expected.coordinate}.",
                    at,
                )
        for argument in field.arguments.values():
            if argument.name not in expected.arguments and argument.is_required:
                yield (
                    f"Field {field.coordinate} has a required argument {argument.name} that "
                    f"{expected.coordinate} lacks.",
                    f"{field.coordinate}({argument.name}:)",
                )


_RULES: Final[tuple[Callable[[TypeDefinition, ParsedSubgraph, Problems], None], ...]] = (
    _names,
    _not_empty,
    _members,
    _positions,
    _implements,
)
