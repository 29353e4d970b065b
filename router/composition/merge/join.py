"""The join specification: its definitions by version, and the applications of its directives."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Final

from router.composition.links import Version
from router.composition.merged import (
    Application,
    Argument,
    DirectiveDefinition,
    EnumLiteral,
    EnumType,
    EnumValue,
    InputType,
    MergedSchema,
    NamedType,
    ScalarType,
    Value,
)
from router.composition.model import Key

__all__ = [
    "JOIN",
    "add_machinery",
    "graph_values",
    "join_enum_value",
    "join_implements",
    "join_type",
    "join_union_member",
    "join_version",
]

JOIN: Final = "https://specs.apollo.dev/join"
_LINK_URL: Final = "https://specs.apollo.dev/link/v1.0"
_PURPOSES: Final = {
    "SECURITY": "`SECURITY` features provide metadata necessary to securely resolve fields.",
    "EXECUTION": "`EXECUTION` features provide metadata necessary for operation execution.",
}


def join_version(composition: Version) -> Version:
    """Return the join version that a federation version needs."""
    if composition < Version(2, 7):
        return Version(0, 3)
    return Version(0, 4) if composition < Version(2, 8) else Version(0, 5)


def add_machinery(schema: MergedSchema, version: Version) -> None:
    """Add link and join: their links, directives and types (``join__Graph`` comes apart)."""
    schema.applications += [
        Application("link", {"url": _LINK_URL}),
        Application("link", {"url": f"{JOIN}/{version}", "for": EnumLiteral("EXECUTION")}),
    ]
    for definition in _definitions(version):
        schema.directives[definition.name] = definition
        schema.feature_directives.add(definition.name)
    for merged in _types(version):
        schema.types[merged.name] = merged
        schema.feature_types.add(merged.name)


def graph_values(graphs: Iterable[tuple[str, str, str]]) -> EnumType:
    """Return ``enum join__Graph`` for triples of value, subgraph name and url."""
    values = {
        value: EnumValue(value, directives=[Application("join__graph", {"name": name, "url": url})])
        for value, name, url in graphs
    }
    return EnumType("join__Graph", values=values)


def join_type(graph: EnumLiteral, key: Key | None, *, interface_object: bool) -> Application:
    """Return ``@join__type`` for one key, or for a type without any."""
    arguments: dict[str, Value] = {"graph": graph}
    if key is not None:
        arguments["key"] = key.fields
        if key.in_extension:
            arguments["extension"] = True
        if key.resolvable_written:
            arguments["resolvable"] = key.resolvable
    if interface_object:
        arguments["isInterfaceObject"] = True
    return Application("join__type", arguments)


def join_implements(graph: EnumLiteral, interface: str) -> Application:
    """Return ``@join__implements``."""
    return Application("join__implements", {"graph": graph, "interface": interface})


def join_union_member(graph: EnumLiteral, member: str) -> Application:
    """Return ``@join__unionMember``."""
    return Application("join__unionMember", {"graph": graph, "member": member})


def join_enum_value(graph: EnumLiteral) -> Application:
    """Return ``@join__enumValue``."""
    return Application("join__enumValue", {"graph": graph})


@cache
def _definitions(version: Version) -> tuple[DirectiveDefinition, ...]:
    overriding = {"overrideLabel": "String"} if version >= Version(0, 4) else {}
    contexts = {"contextArguments": "[join__ContextArgument!]"} if version >= Version(0, 5) else {}
    join_field = {
        "graph": "join__Graph",
        "requires": "join__FieldSet",
        "provides": "join__FieldSet",
        "type": "String",
        "external": "Boolean",
        "override": "String",
        "usedOverridden": "Boolean",
        **overriding,
        **contexts,
    }
    definitions = [
        _repeatable(
            "link",
            {
                "url": "String",
                "as": "String",
                "for": "link__Purpose",
                "import": "[link__Import]",
            },
            "SCHEMA",
        ),
        DirectiveDefinition(
            "join__graph",
            {name: Argument(name, "String!") for name in ("name", "url")},
            locations=("ENUM_VALUE",),
        ),
        DirectiveDefinition(
            "join__type",
            {
                "graph": Argument("graph", "join__Graph!"),
                "key": Argument("key", "join__FieldSet"),
                "extension": Argument("extension", "Boolean!", False),
                "resolvable": Argument("resolvable", "Boolean!", True),
                "isInterfaceObject": Argument("isInterfaceObject", "Boolean!", False),
            },
            repeatable=True,
            locations=("OBJECT", "INTERFACE", "UNION", "ENUM", "INPUT_OBJECT", "SCALAR"),
        ),
        _repeatable("join__field", join_field, "FIELD_DEFINITION", "INPUT_FIELD_DEFINITION"),
        _repeatable(
            "join__implements",
            {"graph": "join__Graph!", "interface": "String!"},
            "OBJECT",
            "INTERFACE",
        ),
        _repeatable("join__unionMember", {"graph": "join__Graph!", "member": "String!"}, "UNION"),
        _repeatable("join__enumValue", {"graph": "join__Graph!"}, "ENUM_VALUE"),
    ]
    if version >= Version(0, 4):
        definitions.append(
            _repeatable(
                "join__directive",
                {
                    "graphs": "[join__Graph!]",
                    "name": "String!",
                    "args": "join__DirectiveArguments",
                },
                "SCHEMA",
                "OBJECT",
                "INTERFACE",
                "FIELD_DEFINITION",
            )
        )
    return tuple(definitions)


def _repeatable(name: str, arguments: dict[str, str], *locations: str) -> DirectiveDefinition:
    defined = {each: Argument(each, type_text) for each, type_text in arguments.items()}
    return DirectiveDefinition(name, defined, repeatable=True, locations=locations)


@cache
def _types(version: Version) -> tuple[NamedType, ...]:
    types: list[NamedType] = [
        EnumType(
            "link__Purpose",
            values={name: EnumValue(name, text) for name, text in _PURPOSES.items()},
        ),
        ScalarType("link__Import"),
        ScalarType("join__FieldSet"),
    ]
    if version >= Version(0, 4):
        types.append(ScalarType("join__DirectiveArguments"))
    if version >= Version(0, 5):
        types.append(ScalarType("join__FieldValue"))
        argument_fields = {
            "name": "String!",
            "type": "String!",
            "context": "String!",
            "selection": "join__FieldValue!",
        }
        types.append(
            InputType(
                "join__ContextArgument",
                fields={name: Argument(name, each) for name, each in argument_fields.items()},
            )
        )
    return tuple(types)
