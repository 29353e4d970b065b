"""What merging finds in a subgraph that was read."""

from __future__ import annotations

from router.composition.model import (
    CompositeType,
    FieldDefinition,
    InputObjectType,
    ListOf,
    Named,
    NonNull,
    Subgraph,
    base_name,
)
from router.composition.sources import SubgraphSource
from router.composition.subgraph import read_subgraphs
from tests.router.composition.reading_support import fed2, read

STRAWBERRY = '''
schema @link(url: "https://specs.apollo.dev/federation/v2.11", import: ["@key", "@shareable"]) {
  query: Query
}

type Patient @key(fields: "id", resolvable: true) {
  id: ID!
  """The name"""
  name: String! @shareable
}

type Query {
  _entities(representations: [_Any!]!): [_Entity]!
  _service: _Service!
  patient(id: ID!): Patient
}

scalar _Any

union _Entity = Patient

type _Service {
  sdl: String!
}
'''


def field(subgraph: Subgraph, coordinate: str) -> FieldDefinition:
    type_name, _, name = coordinate.partition(".")
    found = subgraph.types[type_name]
    assert isinstance(found, CompositeType)
    return found.fields[name]


def test_a_schema_as_strawberry_prints_it_is_read() -> None:
    [subgraph] = read_subgraphs([SubgraphSource("patients", "http://p", STRAWBERRY)])
    assert [found.name for found in subgraph.mergeable_types()] == ["Patient", "Query"]
    query = subgraph.types["Query"]
    assert isinstance(query, CompositeType)
    assert list(query.fields) == ["patient"]
    [key] = subgraph.keys["Patient"]
    assert (key.resolvable, key.resolvable_written, key.in_extension) == (True, True, False)
    assert field(subgraph, "Patient.name").description == "The name"


def test_there_is_always_a_query_root() -> None:
    [subgraph] = read(fed2('type T @key(fields: "id") { id: ID }'))
    assert subgraph.schema.roots == {"query": "Query"}
    assert isinstance(subgraph.types["Query"], CompositeType)


def test_roots_get_their_default_names_everywhere() -> None:
    [subgraph] = read(
        fed2(
            "schema { query: Q mutation: M } type Q { again: Q! many: [[Q]] u: U } "
            "type M { q: Q } union U = Q | V type V { a: Int }"
        ).replace("extend schema", "extend schema", 1)
    )
    assert subgraph.schema.roots == {"query": "Query", "mutation": "Mutation"}
    assert str(field(subgraph, "Query.again").type) == "Query!"
    assert str(field(subgraph, "Query.many").type) == "[[Query]]"
    assert field(subgraph, "Mutation.q").coordinate == "Mutation.q"
    assert subgraph.types["U"].members == ["Query", "V"]  # type: ignore[union-attr]


def test_definitions_are_read_before_extensions() -> None:
    [subgraph] = read(
        fed2(
            'extend type T @key(fields: "b") { b: Int } type Query { t: T } '
            'type T @key(fields: "a") { a: Int } extend type T @key(fields: "c") { c: Int }'
        )
    )
    found = subgraph.types["T"]
    assert isinstance(found, CompositeType)
    assert list(found.fields) == ["a", "b", "c"]
    assert [(key.fields, key.in_extension) for key in subgraph.keys["T"]] == [
        ("a", False),
        ("b", True),
        ("c", True),
    ]


def test_shareable_on_a_type_covers_its_own_block_only() -> None:
    [subgraph] = read(
        fed2("type V @shareable { x: Int } extend type V { y: Int } type Query { v: V }")
    )
    assert subgraph.is_shareable(field(subgraph, "V.x"))
    assert not subgraph.is_shareable(field(subgraph, "V.y"))


def test_fields_of_keys_are_shareable_at_any_depth_and_in_implementations() -> None:
    [subgraph] = read(
        fed2(
            'type T @key(fields: "v { a }", resolvable: false) { v: V w: Int } '
            "type V { a: Int b: Int } type Query { t: T } "
            'interface I @key(fields: "id") { id: ID } '
            'type A implements I @key(fields: "id") { id: ID }'
        )
    )
    shareable = {"T.v", "V.a", "A.id"}
    for coordinate in ("T.v", "T.w", "V.a", "V.b", "A.id"):
        assert subgraph.is_shareable(field(subgraph, coordinate)) is (coordinate in shareable)


def test_a_provided_external_field_is_resolved_and_shareable() -> None:
    [subgraph] = read(
        fed2(
            'type Query { t: T @provides(fields: "n") u: T } '
            'type T @key(fields: "id") { id: ID n: Int @external m: Int @external '
            'r: Int @requires(fields: "m") }'
        )
    )
    provided, required = field(subgraph, "T.n"), field(subgraph, "T.m")
    assert subgraph.is_external(provided)
    assert not subgraph.is_fully_external(provided)
    assert subgraph.is_shareable(provided)
    assert subgraph.is_fully_external(required)
    assert subgraph.is_used(required)


def test_the_key_of_an_extension_is_not_really_external() -> None:
    [subgraph] = read(
        fed2('extend type T @key(fields: "id") { id: ID @external } type Query { t: T }')
    )
    assert not subgraph.is_external(field(subgraph, "T.id"))
    assert ("T", "id") in subgraph.facts.fake_external


def test_user_definitions_come_before_those_of_specifications() -> None:
    [subgraph] = read(
        fed2(
            "directive @mine on OBJECT directive @tag(name: String!) on OBJECT type Query {a: Int}"
        )
    )
    names = list(subgraph.directives)
    assert names[:3] == ["mine", "tag", "link"]
    assert names[3:5] == ["key", "requires"]
    assert subgraph.directives["tag"].by_user
    assert subgraph.directives["tag"].canonical == "tag"


def test_types_of_arguments_and_inputs_are_read_as_written() -> None:
    [subgraph] = read(
        fed2("input I { a: [Int!]! = [1] b: E } enum E { A } type Query { f(i: I!): [String]! }")
    )
    entry = subgraph.types["I"]
    assert isinstance(entry, InputObjectType)
    assert entry.fields["a"].type == NonNull(ListOf(NonNull(Named("Int"))))
    assert not entry.fields["a"].is_required
    argument = field(subgraph, "Query.f").arguments["i"]
    assert argument.is_required
    assert base_name(argument.type) == "I"


def test_repeatable_custom_directives_and_descriptions_are_kept() -> None:
    [subgraph] = read(
        fed2(
            '"""About"""\nschema @mine(a: 1) @mine(a: 2) { query: Query }\n'
            "directive @mine(a: Int) repeatable on SCHEMA | OBJECT\n"
            '"the root"\ntype Query @mine(a: 3) { "a field" a: Int }'
        )
    )
    assert subgraph.schema.description == "About"
    names = [applied.name for applied in subgraph.schema.directives]
    assert sorted(names) == ["link", "mine", "mine"]
    assert subgraph.types["Query"].description == "the root"
