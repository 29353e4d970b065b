"""Definitions that users write for elements of known specifications."""

from __future__ import annotations

import pytest

from tests.router.composition.reading_support import codes, fed2, read, refusals

QUERY = " type Query { a: Int }"
WRONG = "DIRECTIVE_DEFINITION_INVALID"


@pytest.mark.parametrize(
    "definition",
    [
        "directive @key(fields: String!) on OBJECT",
        "scalar federation__FieldSet directive @key(fields: federation__FieldSet!, resolvable: Boolean = true) repeatable on OBJECT",
        "scalar federation__FieldSet directive @key(fields: federation__FieldSet!, resolvable: Boolean!) on OBJECT",
        "directive @shareable repeatable on OBJECT",
        "directive @requiresScopes(scopes: [[String!]!]!) on OBJECT",
        "directive @key(fields: [String!]!) on OBJECT",
        "directive @requiresScopes(scopes: [[[String]!]!]!) on OBJECT",
        "scalar federation__FieldSet",
        "scalar Int",
        "directive @deprecated(why: Int) on FIELD_DEFINITION",
        "enum link__Purpose { EXECUTION SECURITY }",
        "type _Service { a: Int } scalar _Any union _Entity = Query",
    ],
)
def test_a_definition_may_say_less_or_be_stricter(definition: str) -> None:
    assert codes(fed2(definition + QUERY)) == []


@pytest.mark.parametrize(
    ("definition", "expected"),
    [
        ("directive @key(fields: String) on OBJECT", [WRONG]),
        ("directive @key(fields: String!) on OBJECT | FIELD", [WRONG]),
        ("directive @external repeatable on OBJECT", [WRONG]),
        ("directive @override(label: String) on FIELD_DEFINITION", [WRONG]),
        (
            "directive @override(from: String!, foo: Int, bar: Int) on FIELD_DEFINITION | ENUM",
            [WRONG] * 3,
        ),
        (
            "directive @key(fields: String!, resolvable: Boolean = false) on OBJECT",
            [WRONG],
        ),
        ("directive @requiresScopes(scopes: [String!]!) on OBJECT", [WRONG]),
        ("scalar Own directive @key(fields: Own!) on OBJECT", [WRONG]),
        ("directive @tag(name: String!, extra: Int) on OBJECT", [WRONG]),
        ("type federation__FieldSet { a: Int }", ["TYPE_DEFINITION_INVALID"]),
        ("enum link__Purpose { SECURITY }", ["TYPE_DEFINITION_INVALID"]),
    ],
)
def test_a_definition_that_says_more_is_refused(definition: str, expected: list[str]) -> None:
    assert codes(fed2(definition + QUERY)) == expected


@pytest.mark.parametrize(
    "definition",
    [
        "directive @key on OBJECT",
        "directive @key(fields: String) on OBJECT",
        "directive @key(fields: _FieldSet) on OBJECT scalar _FieldSet",
    ],
)
def test_federation_1_may_define_key_in_its_old_ways(definition: str) -> None:
    sdl = f'{definition} type Query {{ t: T }} type T @key(fields: "id") {{ id: ID }}'
    [subgraph] = read(sdl)
    assert "_FieldSet" not in subgraph.types
    assert list(subgraph.keys) == ["T"]


def test_federation_1_cannot_define_key_otherwise() -> None:
    query = ' type Query { t: T } type T @key(fields: "id") { id: ID }'
    assert codes("directive @key(fields: [String]) on OBJECT" + query) == [WRONG]
    assert codes("directive @key(fields: String, foo: Int) on OBJECT" + query) == [WRONG] * 2


OWN_LINK = "directive @link(url: String!, as: String, {}) repeatable on SCHEMA scalar link__Import"
SELF = ' extend schema @link(url: "https://specs.apollo.dev/link/v1.0") '


@pytest.mark.parametrize(
    "argument", ["for: String", "for: link__Import", "import: [Int]", "also: Int", "for: Int = 3"]
)
def test_a_definition_of_link_is_held_to_a_link_specification_that_is_not_named(
    argument: str,
) -> None:
    sdl = fed2("type Query { a: Int @shareable }" + OWN_LINK.format(argument))
    assert "INVALID_GRAPHQL" in codes(sdl)
    assert "import" in argument or WRONG in codes(sdl)
    assert codes('extend schema @link(url: "x") ' + OWN_LINK.format(argument) + QUERY) == []


@pytest.mark.parametrize("argument", ["for: String", "for: link__Import", "also: Int"])
def test_a_schema_that_names_the_link_specification_defines_link_as_it_likes(argument: str) -> None:
    own = OWN_LINK.format(f"{argument}, import: [link__Import]")
    assert codes(fed2(QUERY + SELF + own)) == []
    assert codes(fed2(QUERY + SELF + own.replace("as: String", "as: Int"))) == [WRONG]
    types = " enum link__Purpose { SECURITY }"
    assert codes(fed2(QUERY + SELF + own + types)) == []
    assert codes(fed2(QUERY + SELF + types)) == ["TYPE_DEFINITION_INVALID"]


def test_where_link_is_defined_wrong_what_the_schema_links_is_unknown() -> None:
    wrong = "directive @link(url: String!, also: Int, import: [String]) repeatable on SCHEMA"
    found = refusals(fed2('type Query { t: T } type T @key(fields: "id") { id: ID }' + wrong))
    assert [code for code, _ in found] == [WRONG, "INVALID_GRAPHQL"]
    assert "What this schema links is not known" in found[1][1]


def test_a_missing_default_is_told_in_words() -> None:
    own = 'directive @external(reason: String = "so") on FIELD_DEFINITION'
    [(_, message)] = refusals(fed2(own + QUERY))
    assert message.endswith('should have no default value but found default value "so"')


def test_a_type_that_should_be_a_scalar_is_told_once() -> None:
    wrong = (
        'type Query { t: T } type T @key(fields: "id") { id: ID } enum federation__FieldSet { A }'
    )
    assert codes(fed2(wrong)) == ["TYPE_DEFINITION_INVALID"]
