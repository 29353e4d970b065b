"""Definitions that users write for elements of known specifications."""

from __future__ import annotations

import pytest

from tests.router.composition.reading_support import codes, fed2, read

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
