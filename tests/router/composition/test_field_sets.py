"""The field sets of ``@key``, ``@requires`` and ``@provides``."""

from __future__ import annotations

import pytest

from router.composition.fieldsets import (
    MAX_DEPTH,
    FieldSetInvalid,
    parse_context_field,
    parse_field_set,
)
from tests.router.composition.reading_support import codes, fed2, read, refusals

TYPES = """
  v: V u: U i: I a: Int b: Int f(x: Int): Int g(x: Int!): Int e: Int @external
}
type V @shareable { x: Int } interface I { x: Int } union U = V
type Query { t: T } extend type T { r: Int @requires(fields: "e") }
"""


def keyed(fields: str) -> str:
    return fed2(f"type T @key(fields: {fields}) {{ {TYPES}")


@pytest.mark.parametrize(
    "fields",
    [
        '"a"',
        '"{ a }"',
        '"a, b"',
        '"a v { x }"',
        '"... on T { a }"',
        '"__typename"',
        '"v { __typename }"',
        '"""\n a\n # why\n b\n"""',
    ],
)
def test_a_good_key_is_kept_as_written(fields: str) -> None:
    [subgraph] = read(keyed(fields))
    assert subgraph.keys["T"][0].fields in fields or "\n" in fields


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ('["a"]', "KEY_INVALID_FIELDS_TYPE"),
        ("a", "KEY_INVALID_FIELDS_TYPE"),
        ("3", "KEY_INVALID_FIELDS_TYPE"),
        ("null", "KEY_INVALID_FIELDS_TYPE"),
        ('""', "KEY_INVALID_FIELDS"),
        ('"a {"', "KEY_INVALID_FIELDS"),
        ('"} query { a"', "KEY_INVALID_FIELDS"),
        ('"zork"', "KEY_INVALID_FIELDS"),
        ('"x: a"', "KEY_INVALID_FIELDS"),
        ('"...F"', "KEY_INVALID_FIELDS"),
        ('"v"', "KEY_INVALID_FIELDS"),
        ('"a { x }"', "KEY_INVALID_FIELDS"),
        ('"... on V { x }"', "KEY_INVALID_FIELDS"),
        ('"... on Nope { x }"', "KEY_INVALID_FIELDS"),
        ('"f(y: 1)"', "KEY_INVALID_FIELDS"),
        ('"f(x: A)"', "KEY_INVALID_FIELDS"),
        ('"g"', "KEY_INVALID_FIELDS"),
        ('"a @foo"', "KEY_INVALID_FIELDS"),
        ('"a @tag(name: 1)"', "KEY_INVALID_FIELDS"),
        ('"a @tag(nam: 1)"', "KEY_INVALID_FIELDS"),
        ('"... @include(if: 3) { a }"', "KEY_INVALID_FIELDS"),
        ('"a @tag"', "KEY_DIRECTIVE_IN_FIELDS_ARG"),
        ('"a @include(if: true)"', "KEY_DIRECTIVE_IN_FIELDS_ARG"),
        ('"f"', "KEY_FIELDS_HAS_ARGS"),
        ('"i { x }"', "KEY_FIELDS_SELECT_INVALID_TYPE"),
        ('"u { __typename }"', "KEY_FIELDS_SELECT_INVALID_TYPE"),
    ],
)
def test_a_bad_key_has_the_code_of_its_problem(fields: str, expected: str) -> None:
    assert codes(keyed(fields)) == [expected]


def test_each_key_is_checked_on_its_own() -> None:
    sdl = (
        'type T @key(fields: "a") @key(fields: "b") @key(fields: "c") { a: Int } type Query {t: T}'
    )
    assert codes(fed2(sdl)) == ["KEY_INVALID_FIELDS"] * 2


def test_keys_of_interfaces_need_federation_2_3() -> None:
    sdl = (
        'interface I @key(fields: "id") { id: ID } '
        'type A implements I @key(fields: "id") { id: ID } type Query { i: I }'
    )
    assert codes(fed2(sdl, minor=2)) == ["KEY_UNSUPPORTED_ON_INTERFACE"]
    assert codes(fed2(sdl, minor=3)) == []


def test_a_key_of_an_interface_that_selects_too_little_hides_nothing_else() -> None:
    sdl = 'interface I @key(fields: "q") { q: Query } type Query { i: I x: Int @external }'
    assert codes(fed2(sdl)) == ["EXTERNAL_UNUSED", "KEY_INVALID_FIELDS"]
    assert codes(fed2(sdl, minor=2)) == [
        "EXTERNAL_UNUSED",
        "KEY_INVALID_FIELDS",
        "KEY_UNSUPPORTED_ON_INTERFACE",
    ]


@pytest.mark.parametrize(
    ("external", "requires", "expected"),
    [
        ("x: Int", '"x"', []),
        ("x(n: Int): Int", '"x(n: 3)"', []),
        ("x: V", '"x { a }"', []),
        ("x: Int", '["x"]', ["EXTERNAL_UNUSED", "REQUIRES_INVALID_FIELDS_TYPE"]),
        ("x: Int", '"nope"', ["EXTERNAL_UNUSED", "REQUIRES_INVALID_FIELDS"]),
        ("x: Int", '"x here"', ["REQUIRES_FIELDS_MISSING_EXTERNAL"]),
        ("x: Int", '"x own { a }"', ["REQUIRES_FIELDS_MISSING_EXTERNAL"]),
        ("x: Int", '"x @tag"', ["REQUIRES_DIRECTIVE_IN_FIELDS_ARG"]),
        ("x: Int", '"x @nope"', ["EXTERNAL_UNUSED", "REQUIRES_INVALID_FIELDS"]),
        ("x: Int", '"x @include(if: 3)"', ["EXTERNAL_UNUSED", "REQUIRES_INVALID_FIELDS"]),
    ],
)
def test_requires_selects_external_fields(
    external: str, requires: str, expected: list[str]
) -> None:
    sdl = (
        f'type T @key(fields: "id") {{ id: ID here: Int own: V {external} @external '
        f"r: Int @requires(fields: {requires}) }} type V {{ a: Int }} type Query {{ t: T }}"
    )
    assert codes(fed2(sdl)) == expected


def test_requires_may_select_an_external_field_of_a_type_of_its_own() -> None:
    sdl = (
        'type T @key(fields: "id") { id: ID own: V r: Int @requires(fields: "own { a }") } '
        "type V { a: Int @external b: Int } type Query { t: T }"
    )
    assert codes(fed2(sdl)) == []


def test_a_key_field_of_an_extension_is_only_seemingly_external() -> None:
    sdl = (
        'extend type T @key(fields: "id") { id: ID @external x: Int @requires(fields: "id") } '
        "type Query { t: T }"
    )
    [(code, message)] = refusals(fed2(sdl))
    assert code == "REQUIRES_FIELDS_MISSING_EXTERNAL"
    assert "effectively" in message


@pytest.mark.parametrize(
    ("provides", "expected"),
    [
        ('"x"', []),
        ("3", ["EXTERNAL_UNUSED", "PROVIDES_INVALID_FIELDS_TYPE"]),
        ('"nope"', ["EXTERNAL_UNUSED", "PROVIDES_INVALID_FIELDS"]),
        ('"x here"', ["PROVIDES_FIELDS_MISSING_EXTERNAL"]),
        ('"x w"', ["PROVIDES_FIELDS_HAS_ARGS"]),
        ('"x @tag"', ["PROVIDES_DIRECTIVE_IN_FIELDS_ARG"]),
    ],
)
def test_provides_selects_external_fields_of_the_field_type(
    provides: str, expected: list[str]
) -> None:
    external = "x: Int @external" + (" w(n: Int): Int @external" if "w" in provides else "")
    sdl = (
        f'type T @key(fields: "id") {{ id: ID here: Int {external} }} '
        f"type Query {{ t: T @provides(fields: {provides}) }}"
    )
    assert codes(fed2(sdl)) == expected


def test_two_mistakes_of_provides_are_told_alone() -> None:
    wrong = 'type Query { u: Int @provides(fields: "x") x: Int @external }'
    assert codes(fed2(wrong)) == ["PROVIDES_ON_NON_OBJECT_FIELD"]
    both = (
        'type Query { t: T @provides(fields: "b") @external } '
        'type T @key(fields: "zork") { a: Int b: Int @external }'
    )
    assert codes(fed2(both)) == ["EXTERNAL_COLLISION_WITH_ANOTHER_DIRECTIVE"]


def test_interfaces_have_neither_requires_nor_provides() -> None:
    sdl = (
        'interface I { y: Int @requires(fields: "x") z: V @provides(fields: "q") x: Int } '
        'type V @key(fields: "q") { q: Int } type Query { i: I }'
    )
    assert codes(fed2(sdl)) == [
        "PROVIDES_FIELDS_MISSING_EXTERNAL",
        "PROVIDES_UNSUPPORTED_ON_INTERFACE",
        "REQUIRES_FIELDS_MISSING_EXTERNAL",
        "REQUIRES_UNSUPPORTED_ON_INTERFACE",
    ]


def test_a_selection_prints_as_it_reads() -> None:
    text = "a(x: 1) b { ... on T { c d: e } }"
    assert str(parse_field_set(f"{{ {text} }}")) == text


def test_a_context_field_is_a_context_and_a_selection() -> None:
    assert parse_context_field(" # note\n $ctx { a }") == ("ctx", " { a }")
    assert parse_context_field("ctx { a }") is None
    assert parse_context_field("$ctx") is None


@pytest.mark.parametrize("opening", ["a {", "... on T {"])
def test_a_selection_is_only_so_deep_that_it_can_be_followed(opening: str) -> None:
    def nested(depth: int) -> str:
        return f"{opening} " * (depth - 1) + "x" + " }" * (depth - 1)

    parse_field_set(nested(MAX_DEPTH))
    with pytest.raises(FieldSetInvalid, match="nested more than 64 levels deep"):
        parse_field_set(nested(MAX_DEPTH + 1))
