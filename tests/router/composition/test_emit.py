"""The supergraph's text: headers by version, order, values, descriptions."""

from __future__ import annotations

import json

import pytest
from graphql import build_schema, parse
from hypothesis import given
from hypothesis import strategies as st

from router.composition.compose import compose
from router.composition.emit import Emitter, emit, name_order
from router.composition.links import Version
from router.composition.merge.join import add_machinery
from router.composition.merged import (
    EnumLiteral,
    EnumType,
    EnumValue,
    Field,
    InputType,
    MergedSchema,
    ObjectType,
    Value,
)
from router.composition.sources import SubgraphSource

HEADER_0_5 = """\
schema
  @link(url: "https://specs.apollo.dev/link/v1.0")
  @link(url: "https://specs.apollo.dev/join/v0.5", for: EXECUTION)

directive @join__directive(graphs: [join__Graph!], name: String!, args: join__DirectiveArguments) repeatable on SCHEMA | OBJECT | INTERFACE | FIELD_DEFINITION

directive @join__enumValue(graph: join__Graph!) repeatable on ENUM_VALUE

directive @join__field(graph: join__Graph, requires: join__FieldSet, provides: join__FieldSet, type: String, external: Boolean, override: String, usedOverridden: Boolean, overrideLabel: String, contextArguments: [join__ContextArgument!]) repeatable on FIELD_DEFINITION | INPUT_FIELD_DEFINITION

directive @join__graph(name: String!, url: String!) on ENUM_VALUE

directive @join__implements(graph: join__Graph!, interface: String!) repeatable on OBJECT | INTERFACE

directive @join__type(graph: join__Graph!, key: join__FieldSet, extension: Boolean! = false, resolvable: Boolean! = true, isInterfaceObject: Boolean! = false) repeatable on OBJECT | INTERFACE | UNION | ENUM | INPUT_OBJECT | SCALAR

directive @join__unionMember(graph: join__Graph!, member: String!) repeatable on UNION

directive @link(url: String, as: String, for: link__Purpose, import: [link__Import]) repeatable on SCHEMA

input join__ContextArgument {
  name: String!
  type: String!
  context: String!
  selection: join__FieldValue!
}

scalar join__DirectiveArguments

scalar join__FieldSet

scalar join__FieldValue

scalar link__Import

enum link__Purpose {
  \"\"\"
  `SECURITY` features provide metadata necessary to securely resolve fields.
  \"\"\"
  SECURITY

  \"\"\"
  `EXECUTION` features provide metadata necessary for operation execution.
  \"\"\"
  EXECUTION
}"""


def header(version: Version) -> str:
    schema = MergedSchema()
    add_machinery(schema, version)
    return emit(schema)


def test_the_header_of_join_0_5_is_printed_to_the_letter() -> None:
    assert header(Version(0, 5)) == HEADER_0_5


def test_older_join_versions_lack_what_came_later() -> None:
    assert "contextArguments" not in header(Version(0, 4))
    assert "join__FieldValue" not in header(Version(0, 4))
    assert "overrideLabel" in header(Version(0, 4))
    assert "overrideLabel" not in header(Version(0, 3))
    assert "join__directive" not in header(Version(0, 3))


@pytest.mark.parametrize(
    ("federation", "join"), [("2.0", "0.3"), ("2.6", "0.3"), ("2.7", "0.4"), ("2.8", "0.5")]
)
def test_the_join_version_follows_the_newest_federation(federation: str, join: str) -> None:
    link = f'extend schema @link(url: "https://specs.apollo.dev/federation/v{federation}")'
    composed = compose([SubgraphSource("a", "", f"{link} type Query {{ a: Int }}")])
    assert f'@link(url: "https://specs.apollo.dev/join/v{join}", for: EXECUTION)' in (
        composed.supergraph_sdl
    )


def test_names_sort_as_people_sort_them() -> None:
    names = ["b1", "B", "aa", "_x", "A1", "b_1", "Ab", "A"]
    assert sorted(names, key=name_order) == ["_x", "A", "A1", "aa", "Ab", "B", "b_1", "b1"]


EMITTER = Emitter(
    MergedSchema(
        types={
            "E": EnumType("E", values={"A": EnumValue("A")}),
            "In": InputType("In"),
        }
    )
)


@pytest.mark.parametrize(
    ("value", "type_text", "text"),
    [
        (None, "Int", "null"),
        (True, "Boolean!", "true"),
        (1.0, "Float", "1"),
        (2.5, "Float", "2.5"),
        (1e30, "Float", "1e+30"),
        (1e-7, "Float", "1e-7"),
        (1.5e-5, "Float", "0.000015"),
        (1e20, "Float", "100000000000000000000"),
        ("12", "ID", "12"),
        ("012", "ID!", '"012"'),
        ("12", "String", '"12"'),
        (EnumLiteral("A"), "E", "A"),
        (EnumLiteral("A"), "Any", '"A"'),
        ([EnumLiteral("A")], "[E!]", "[A]"),
        ({"x": [1, "y"]}, "Any", '{x: [1, "y"]}'),
        ('quote " and \\', "String", '"quote \\" and \\\\"'),
    ],
)
def test_values_are_printed_as_their_type_wants(value: Value, type_text: str, text: str) -> None:
    assert EMITTER.value(value, type_text) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floats_keep_their_value(value: float) -> None:
    assert float(EMITTER.value(value, "Float")) == value


@given(st.text())
def test_texts_are_valid_json(value: str) -> None:
    printed = EMITTER.value(value, "String")
    assert json.loads(printed) == value


def described(text: str) -> MergedSchema:
    return MergedSchema(
        types={
            "Query": ObjectType("Query", text, fields={"a": Field("a", "Int", description=text)})
        },
        roots={"query": "Query"},
    )


@given(
    st.lists(
        st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1).filter(
            lambda line: line == line.strip() and line
        ),
        min_size=1,
        max_size=3,
    )
)
def test_descriptions_read_back_as_they_were(lines: list[str]) -> None:
    text = "\n".join(lines)
    schema = build_schema(emit(described(text)))
    query = schema.get_type("Query")
    assert query is not None
    assert query.description == text
    assert schema.query_type is not None
    assert schema.query_type.fields["a"].description == text


def test_a_composed_supergraph_parses() -> None:
    sdl = compose([SubgraphSource("a", "", "type Query { a: Int }")]).supergraph_sdl
    assert parse(sdl).definitions
