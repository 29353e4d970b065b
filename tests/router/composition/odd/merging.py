"""Elements that differ between subgraphs: arguments, types, defaults, descriptions, kinds."""

from __future__ import annotations

from typing import Final

from tests.router.composition.odd.template import Theme

__all__ = ["THEMES"]

_VALUES: Final = {
    "Int": ("1", "2", "null", "-0", "1.0"),
    "Int!": ("1", "2", "null"),
    "Float": ("1", "1.0", "1e0", "2.5", "123456789012345678"),
    "String": ('"a"', '"b"', '"""a"""', "null"),
    "ID": ('"1"', '"a"'),
    "[Float]": ("[1]", "1", "[]", "[null]", "null", "[1, 2]", "123456789012345678"),
    "[Int!]!": ("[1]", "[]"),
    "E": ("A", "B", "null", '"A"'),
    "In": ("{}", "{a: 1}", "{a: null}", "{e: B}", "{z: 1}"),
    "S": ("1", '"x"', "{a: [1]}", "X", "null", "{a: 1, b: 2}", "{b: 2, a: 1}"),
    "Boolean": ("true", "false"),
}
_ARGUMENTS: Final = """<:fed>
type Query { f(<:p><80% <:q>>): Int @shareable g(i: In): <Int|Int|Int|Int|E> @shareable }
input In { a: <Int|Int|Int|Int!><30% = 1> e: <E|E|E|E!|E = A> <20%n: In> }
enum E { A <B|B|B|B|B C> } scalar S
<40%directive @run(<:p>) <|repeatable> on <:locations>>"""


def _arguments() -> dict[str, Theme]:
    """Return a theme for each type: what is written for it in one subgraph and in others."""
    return {
        f"arguments of {kind}": Theme(
            (_ARGUMENTS,) * 3,
            (2, 2, 3),
            {
                "p": ('<20%"text">p: <:type><40% = <:value>>',),
                "q": ("q: <:type>", "q: <:type>", "q: <:type> = <:value>"),
                "type": (*(kind,) * 20, kind.rstrip("!"), f"{kind.rstrip('!')}!", f"[{kind}]"),
                "value": values,
                "locations": ("FIELD", "QUERY", "FIELD | QUERY"),
            },
        )
        for kind, values in _VALUES.items()
    }


_DESCRIBED: Final = """<:say> schema @link(url: "https://specs.apollo.dev/federation/v2.14",
  import: ["@shareable"]) { query: Query }
<:say> type Query { <:say> f(<:say> a: Int): Int @shareable <:say> e: E @shareable
  u: U @shareable g(i: In): S @shareable i: I @shareable }
<:say> enum E { <:say> A <:say> B } <:say> union U = T
<:say> type T implements I @shareable { <:say> x: Int } <:say> interface I { <:say> x: Int }
<:say> input In { <:say> a: Int } <:say> scalar S
<:say> directive @run(<:say> a: Int) on FIELD"""
DESCRIBED: Final = Theme(
    (_DESCRIBED,) * 3,
    (2, 3),
    {
        "say": (
            '"one"', '"two"', '""', "", "", '"""one"""', '"one "', '"é"',
            '"""\n  one\n  two\n"""',
        ),
    },
)  # fmt: skip

_KINDS: Final = """<:fed>
type Query { x: <:output> @shareable y: Y @shareable f(x: <Int|Int|X>): Int @shareable }
type Y <|implements J> @shareable { a: Int } interface J { a: Int }
<<=x>|<:x>>"""
KINDS: Final = Theme(
    (_KINDS,) * 3,
    (2, 2, 3),
    {
        "output": ("X", "X", "X!", "[X]", "[X!]", "Y", "J", "Int"),
        "x": (
            "type X @shareable { a: Int }",
            'type X @key(fields: "id") { id: ID! a: Int @shareable }',
            "interface X { a: Int }",
            "union X = Y",
            "enum X { A }",
            "scalar X",
            "input X { a: Int }",
            'interface X @key(fields: "id") { id: ID! a: Int }',
            'type X @interfaceObject @key(fields: "id") { id: ID! a: Int @shareable }',
            "extend type X @shareable { b: Int }",
            "extend interface X { a: Int }",
            "extend union X = Y",
            "type X implements J @shareable { a: Int }",
        ),
    },
)

_ROOTS: Final = """<90%<:fed>>
<80%type Query { q<name>: Int }>
<extend |>type Mutation <20%@shareable> { m: T <:mark> <50%n<|<name>>: Int <:mark>> }
<extend |>type Subscription <10%@shareable> { s<|<name>>: T <:mark> }
type T @key(fields: "id") { id: ID! t<name>: Int }"""
ROOTS: Final = Theme(
    (_ROOTS,) * 2,
    (1, 2, 2),
    {"mark": ("", "", "@shareable", "@inaccessible", "@external", '@override(from: "a")')},
)

_OLD: Final = """<20%<:fed>>
<:root> { q<name>: T <30%@provides(fields: "<x|v { y }|id|x v { y }>")> <20%s: Int> }
<:own> <:key> { id: ID! <:maybe> x: Int <:maybe> <v: V|v: V @external|>
  <40%r<name>: Int @requires(fields: "<:required>")> <70%t<name>: Int> }
<:value> <60%<:extra>> <30%<:extra>>"""
FEDERATION_1: Final = Theme(
    (_OLD,) * 3,
    (1, 2, 2, 3),
    {
        "root": ("type Query", "type Query", "extend type Query", "type Query @extends"),
        "own": ("type T", "type T", "extend type T", "type T @extends"),
        "key": (
            '@key(fields: "id")',
            '@key(fields: "id")',
            '@key(fields: "id") @key(fields: "x")',
            '@key(fields: "v { y }")',
            '@key(fields: "id x")',
            "",
        ),
        "maybe": ("", "", "@external"),
        "required": ("x", "x v { y }", "id", "v { y }", "nope", "y"),
        "value": (
            "type V { y: Int }",
            "type V { y: Int z: Int }",
            "extend type V { y: Int @external }",
            'type V { y: Int @tag(name: "a") }',
        ),
        "extra": (
            "interface I { id: ID! }",
            'interface J @key(fields: "id") { id: ID! @external }',
            "union U = T",
            "scalar _FieldSet",
            "scalar _Any",
            "directive @key(fields: String) on OBJECT",
            "directive @key(fields: _FieldSet!) repeatable on OBJECT | INTERFACE",
            "directive @external on FIELD_DEFINITION",
            "directive @extends on OBJECT",
            "directive @tag(name: String!) repeatable on FIELD_DEFINITION",
            "directive @requires(fields: [String]) on FIELD_DEFINITION",
            "enum E { A }",
            "input In { a: Int }",
            "extend type Mutation { m: Int }",
        ),
    },
)

THEMES: Final = {
    **_arguments(),
    "described": DESCRIBED,
    "kinds": KINDS,
    "shared roots": ROOTS,
    "federation 1": FEDERATION_1,
}
