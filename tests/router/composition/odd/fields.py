"""Field sets, external fields, overrides, contexts: directives that speak of fields."""

from __future__ import annotations

from typing import Final

from tests.router.composition.odd.template import Theme

__all__ = ["THEMES"]

_TYPES: Final = """
type V @shareable { y: Int z: Int }
interface I { y: Int }
type W implements I @shareable { y: Int }
union U = V | W
enum E { A }
"""
_WHOLE: Final = (
    '<:fed>type Query { t: T } type T @key(fields: "id") '
    "{ id: ID! x: Int v: V f(a: Int<|!>): Int n: T l: [V] e: E i: I u: U }" + _TYPES
)
_EXTERNAL: Final = " ".join(
    f"{field} <@external|@external|@external|>"
    for field in ("x: Int", "v: V", "f(a: Int): Int", "n: T", "l: [V]", "e: E", "i: I", "u: U")
)
_SELECTIONS: Final = {
    "selection": (
        "id", "x", "v { y }", "v", "v { __typename }", "__typename", "i { y }",
        "i { ... on V { y } }", "u { ... on V { y } }", "u { __typename }", "f", "f(a: 1)",
        "f(a: null)", "f(b: 1)", 'f(a: \\"x\\")', "al: x", "x y: x", "...F", "... { x }",
        "... on T { x }", "x @skip(if: true)", "x @include(if: true)", "x @nope", "v { y z }",
        "v { nope }", "id x", "id, x", "{ id }", "{ { id } }", "", " ", "#", "id # why",
        "id\\n x", "x x", "id }", "{ id", "l { y }", "l", "n", "n { id }", "n { x }", "e",
        "query { id }", "$x", "v { v2: y }", "x {}", "x { y }", "v { y } __typename",
    ),
    "value": (*('"<:selection>"',) * 14, '["id", "x"]', "id", "null", "3", '["id"]'),
}  # fmt: skip
_FEDERATION_1: Final = _TYPES.replace(" @shareable", "")

KEYS: Final = Theme(
    (
        "<:fed>type Query { q: T }\n"
        "type T @key(fields: <:value><30%, resolvable: <true|false>>) "
        "{ id: ID! x: Int v: V f(a: Int<|!>): Int n: T l: [V] e: E i: I u: U }" + _TYPES,
        _WHOLE,
    ),
    (1, 2),
    _SELECTIONS,
)
REQUIRES: Final = Theme(
    (
        f'<:fed>type Query {{ q: Int }}\n<extend |>type T @key(fields: "id") '
        f"{{ id: ID! {_EXTERNAL} r: Int @requires(fields: <:value>) }}{_TYPES}",
        _WHOLE,
    ),
    (2,),
    _SELECTIONS,
)
PROVIDES: Final = Theme(
    (
        "<:fed>type Query { q: <T|T|[T!]!|Int|I|U|V> @provides(fields: <:value>) p: T }\n"
        f'<extend |>type T @key(fields: "id") {{ id: ID! {_EXTERNAL} }}'
        + _TYPES.replace("{ y: Int z: Int }", "{ y: Int<| @external> z: Int<| @external> }"),
        _WHOLE,
    ),
    (2,),
    _SELECTIONS,
)
FEDERATION_1: Final = Theme(
    (
        f'type Query {{ q: T <50%@provides(fields: <:value>)> }}\nextend type T @key(fields: "id") '
        f"{{ id: ID! @external {_EXTERNAL} r: Int @requires(fields: <:value>) }}{_FEDERATION_1}",
        _WHOLE,
    ),
    (2,),
    _SELECTIONS,
)

EXTERNAL: Final = Theme(
    (
        '<:fed>type Query { t: T } type T @key(fields: "id") { id: ID! <:x> <|@shareable> }',
        "<70%<:fed>>type Query { s: T }\n<:way> <:key> { <:id> <:x> <:mark> <:use> }",
    ),
    (2,),
    {
        "x": ("x<:arguments>: <Int|Int|Int|Int!|String|[Int]>",),
        "arguments": ("", "", "(a: Int)", "(a: Int = 1)", "(a: Int!)", "(b: Int)"),
        "mark": (
            "@external",
            "@external",
            '@external(reason: "r")',
            "@external @shareable",
            '@external @tag(name: "a")',
            "@external @external",
            '@external @provides(fields: "x")',
            '@external @requires(fields: "id")',
            "@external @inaccessible",
            "@external @deprecated",
            '@external @override(from: "a")',
        ),
        "use": ("", 'r: Int @requires(fields: "x")', 'r: Int @requires(fields: "x(a: 1)")'),
        "way": (
            "type T",
            "extend type T",
            "type T @extends",
            "type T @external",
            "extend type T @external",
            "interface N { x: Int } type T implements N",
        ),
        "key": ('@key(fields: "id")', '@key(fields: "id")', '@key(fields: "id x")', ""),
        "id": ("id: ID!", "id: ID! @external", "id: ID @external"),
    },
)

_OVERRIDES: Final = """<<:fed>|<:fed>|<:fed6>>
type Query { t: T @shareable <20%<:field>> }
type T @key(fields: "id<10% x>") { id: ID! <x: Int @shareable|<:field>|<:field>> }
<10%interface I { <:field> }>"""
OVERRIDES: Final = Theme(
    (_OVERRIDES,) * 3,
    (2, 2, 3),
    {
        "field": ("x: Int <:mark> <40%<:also>>",),
        "mark": ("", '@override(from: "<:from>"<40%, label: "<:label>">)'),
        "from": ("a", "b", "c", "a", "b", "nobody", "A", "", "<name>"),
        "label": (
            "percent(5)", "percent(0)", "percent(100)", "percent(5.5)", "percent(101)",
            "percent(-1)", "percent(1.123456789)", "percent()", "percent( 5 )", "my-label",
            "my_label:1", "1abc", "a b", "", "Über", "a/b", "percent(5) ",
        ),
        "also": (
            "@external",
            "@shareable",
            '@requires(fields: "id")',
            '@provides(fields: "id")',
            "@inaccessible",
        ),
    },
)  # fmt: skip

CONTEXTS: Final = Theme(
    (
        """<<:fed>|<:fed>|<:fed>|<:fed7>>
type Query { p: P r: R }
type P implements I @key(fields: "id") @context(name: "<=c>") <10%@context(name: "other")>
  { id: ID! p: Int q: Int v: V l: [Int] n: Int! u: U i: I f(a: Int): Int e: E y: Int t: T }
type R implements I @key(fields: "id") <30%@context(name: "<=c>")>
  { id: ID! p: <Int|String> y: Int t: T }
type V { y: Int } interface I <10%@context(name: "<=c>")> { y: Int }
union U <10%@context(name: "<=c>")> = V | P
enum E { A } interface N { f(a: Int): Int }
<:target> { id: ID!
  f(a: <:type> @fromContext(field: "<:read> <:selection>") <20%b: Int>): Int <30%@shareable> }""",
        '<:fed>type Query { z: Int } type T @key(fields: "id") { id: ID! <:f> }',
    ),
    (1, 2),
    {
        "c": ("c", "c", "c", "c", "a_b", "1c", "", "C", "c-d", "__c"),
        "read": (*("$<=c>",) * 5, "$other", "", "c", "$", " # x\\n $<=c> ,"),
        "type": ("Int", "Int", "Int", "Int!", "String", "[Int]", "ID", "E", "Int = 3"),
        "selection": (
            "{ p }", "{ p }", "{ v { y } }", "{ v }", "p", "{ p q }", "{ nope }",
            "{ ... on P { p } }", "{ ... on P { p } ... on R { p } }",
            "{ ... on P { p } ... on P { q } }", "{}", "", "{ l }", "{ n }", "{ i { y } }",
            "{ f(a: 1) }", "{ f }", "{ ... on I { y } }", "{ __typename }", "{ ...F }", "{ p",
            "{ id }", "{ e }",
        ),
        "target": (
            'type T @key(fields: "id")',
            'type T @key(fields: "id")',
            'type T @key(fields: "id", resolvable: false)',
            "type T",
            'type T implements N @key(fields: "id")',
            "interface T",
        ),
        "f": ("", "f: Int @shareable", "f(a: Int<|!>): Int @shareable", "g: Int"),
    },
)  # fmt: skip

THEMES: Final = {
    "keys": KEYS,
    "requires": REQUIRES,
    "provides": PROVIDES,
    "federation 1 field sets": FEDERATION_1,
    "external": EXTERNAL,
    "overrides": OVERRIDES,
    "contexts": CONTEXTS,
}
