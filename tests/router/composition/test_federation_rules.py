"""Federation's rules for one subgraph, each broken once."""

from __future__ import annotations

import pytest

from tests.router.composition.reading_support import codes, fed2

T = ' type Query { t: T } type T @key(fields: "id") { id: ID '


@pytest.mark.parametrize(
    ("sdl", "expected"),
    [
        (T + "x: Int @external }", ["EXTERNAL_UNUSED"]),
        (
            T + "x: Int } interface I { y: Int @external }",
            ["EXTERNAL_ON_INTERFACE", "EXTERNAL_UNUSED"],
        ),
        (T + "v: V } type V @external { a: Int b: Int }", ["EXTERNAL_UNUSED"] * 2),
        (
            'extend interface I @key(fields: "id") { id: ID @external } type Query { i: I }',
            [],  # an extension's key is its own
        ),
        (
            "interface I { x: Int } type A implements I { x: Int @external } type Query { i: I }",
            [],
        ),
        (
            'interface I @key(fields: "id") { id: ID } type A implements I { id: ID } '
            "type Query { i: I }",
            ["INTERFACE_KEY_NOT_ON_IMPLEMENTATION"],
        ),
        (
            'interface I @key(fields: "id") { id: ID } type Query { i: I } '
            'type A implements I @key(fields: "id", resolvable: false) { id: ID }',
            ["INTERFACE_KEY_NOT_ON_IMPLEMENTATION"],
        ),
        (
            'interface I @key(fields: "id x") { id: ID x: ID } type Query { i: I } '
            'type A implements I @key(fields: "x id") { id: ID x: ID }',
            [],
        ),
        (
            "type A @interfaceObject { id: ID } type Query { a: A }",
            ["INTERFACE_OBJECT_USAGE_ERROR"],
        ),
        (
            T + "x: Int @shareable @shareable } interface I { x: Int @shareable } "
            "type U @shareable @shareable { x: Int }",
            ["INVALID_SHAREABLE_USAGE"] * 3,
        ),
        (T + "v: V } type V @shareable { x: Int } extend type V @shareable { y: Int }", []),
        ("interface I { x: Int @cost(weight: 3) }" + T + "}", ["COST_APPLIED_TO_INTERFACE_FIELD"]),
        (T + "x: Int @listSize(assumedSize: 1) }", ["LIST_SIZE_APPLIED_TO_NON_LIST"]),
        (T + "x: Int @listSize(sizedFields: []) }", ["LIST_SIZE_APPLIED_TO_NON_LIST"]),
        (T + "x: [Int] @listSize(sizedFields: []) }", []),
        (T + "x: [Int] @listSize(assumedSize: -1) }", ["LIST_SIZE_INVALID_ASSUMED_SIZE"]),
        (T + "x: [Int] @listSize(assumedSize: -1.0) }", ["LIST_SIZE_INVALID_ASSUMED_SIZE"]),
        (
            T + 'x(a: String, b: Int!): [Int] @listSize(slicingArguments: ["a", "b", "c"]) }',
            ["LIST_SIZE_INVALID_SLICING_ARGUMENT"] * 2,
        ),
        (
            T + 'v: V @listSize(sizedFields: ["n", "m", "l"]) } '
            "type V @shareable { n: Int l: [Int] }",
            ["LIST_SIZE_APPLIED_TO_NON_LIST", "LIST_SIZE_INVALID_SIZED_FIELD"],
        ),
        (T + 'x: [Int] @listSize(sizedFields: ["a"]) }', ["LIST_SIZE_INVALID_SIZED_FIELD"]),
        (
            'type A @interfaceObject @authenticated @key(fields: "id") { id: ID @authenticated } '
            'interface I @policy(policies: [["a"]]) { x: Int @requiresScopes(scopes: [["a"]]) } '
            "type Query { a: A }",
            ["AUTH_REQUIREMENTS_APPLIED_ON_INTERFACE"] * 3,
        ),
        (
            T.replace("@key", '@context(name: "a_b") @context(name: "1a") @key') + "}",
            ["CONTEXT_NAME_INVALID"] * 2,
        ),
    ],
)
def test_a_broken_rule_has_its_code(sdl: str, expected: list[str]) -> None:
    assert codes(fed2(sdl)) == expected


CONTEXT = """
  type Query { t: T }
  interface I { i(x: Int): Int }
  type T @key(fields: "id") @context(name: "c") {
    id: ID!
    x: Int
    n: Int!
    many: [T!]!
    u: U
  }
  type U implements I @key(fields: "id") { id: ID! %s i(x: Int): Int }
"""


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ('f(a: Int @fromContext(field: "$c { x }")): Int', []),
        ('f(a: Int @fromContext(field: "$c { n }")): Int', []),
        # a context can be null at every level, whatever the types say
        ('f(a: Int! @fromContext(field: "$c { n }")): Int', ["CONTEXT_INVALID_SELECTION"]),
        ('f(a: Int @fromContext(field: "$c { u { id } }")): Int', ["CONTEXT_INVALID_SELECTION"]),
        ('f(a: ID @fromContext(field: "$c { u { id } }")): Int', []),
        ('f(a: ID! @fromContext(field: "$c { u { id } }")): Int', ["CONTEXT_INVALID_SELECTION"]),
        ('f(a: [ID] @fromContext(field: "$c { many { id } }")): Int', []),
        (
            'f(a: [ID!] @fromContext(field: "$c { many { id } }")): Int',
            ["CONTEXT_INVALID_SELECTION"],
        ),
        ('f(a: Int @fromContext(field: "$c { ... on T { x } }")): Int', []),
        ('f(a: String @fromContext(field: "$c { __typename }")): Int', []),
        ('f(a: Int @fromContext(field: "$c { __typename }")): Int', ["CONTEXT_INVALID_SELECTION"]),
        (
            'f(a: Int @fromContext(field: "$c { ... on U { i } }")): Int',
            ["CONTEXT_INVALID_SELECTION"],
        ),
        ('f(a: Int @fromContext(field: "$c { x id }")): Int', ["CONTEXT_INVALID_SELECTION"]),
        ('f(a: Int @fromContext(field: "$c { y }")): Int', ["CONTEXT_INVALID_SELECTION"]),
        ('f(a: Int @fromContext(field: "$c { z: x }")): Int', ["CONTEXT_INVALID_SELECTION"]),
        (
            'f(a: Int @fromContext(field: "$c { x @tag(name: 1) }")): Int',
            ["CONTEXT_INVALID_SELECTION"],
        ),
        ('f(a: String @fromContext(field: "$c { x }")): Int', ["CONTEXT_INVALID_SELECTION"]),
        ('f(a: Int @fromContext(field: "c { x }")): Int', ["NO_CONTEXT_IN_SELECTION"]),
        ('f(a: Int @fromContext(field: "$c")): Int', ["NO_CONTEXT_IN_SELECTION"]),
        ('f(a: Int @fromContext(field: "$zork { x }")): Int', ["CONTEXT_NOT_SET"]),
        ('f(a: Int = 1 @fromContext(field: "$c { x }")): Int', ["CONTEXT_NOT_SET"]),
    ],
)
def test_an_argument_takes_one_fitting_value_from_a_context(
    field: str, expected: list[str]
) -> None:
    assert codes(fed2(CONTEXT % field)) == expected


def test_contextual_arguments_have_their_places() -> None:
    from_context = '@fromContext(field: "$c { x }")'
    implementing = (CONTEXT % "").replace('i(x: Int): Int }\n"', "")
    assert codes(
        fed2(implementing.replace("id: ID!  i(x: Int)", f"id: ID!  i(x: Int {from_context})"))
    ) == ["CONTEXT_NOT_SET"]
    assert codes(
        fed2(
            (CONTEXT % "").replace(
                "interface I { i(x: Int)", f"interface I {{ i(x: Int {from_context})"
            )
        )
    ) == ["CONTEXT_NOT_SET"]
    assert codes(fed2(f"directive @d(x: Int {from_context}) on OBJECT" + CONTEXT % "")) == [
        "CONTEXT_NOT_SET"
    ]


def test_a_type_with_contextual_arguments_needs_a_key() -> None:
    unread = (CONTEXT % 'f(a: Int @fromContext(field: "$c { x }")): Int').replace(
        'U implements I @key(fields: "id")', 'U implements I @key(fields: "zork")'
    )
    assert codes(fed2(unread)) == ["KEY_INVALID_FIELDS"]
    sdl = (CONTEXT % 'f(a: Int @fromContext(field: "$c { x }")): Int').replace(
        'U implements I @key(fields: "id")', "U implements I"
    )
    assert codes(fed2(sdl)) == ["CONTEXT_NO_RESOLVABLE_KEY"]


@pytest.mark.parametrize(
    ("service", "expected"),
    [
        ("", []),
        ("@external", ["EXTERNAL_UNUSED"]),
        ('@provides(fields: "sdl")', ["PROVIDES_FIELDS_MISSING_EXTERNAL"]),
        ("@shareable @shareable", ["INVALID_SHAREABLE_USAGE"]),
    ],
)
def test_fields_for_the_routers_own_use_obey_the_rules_too(
    service: str, expected: list[str]
) -> None:
    sdl = f"type Query {{ a: Int _service: _Service! {service} }} type _Service {{ sdl: String }}"
    assert codes(fed2(sdl)) == expected
    assert codes(sdl) == [] or "shareable" in service  # federation 1 leaves them out at once
