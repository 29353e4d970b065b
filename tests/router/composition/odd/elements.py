"""Elements of every kind: hidden, deprecated, in pieces, with access, costs, custom directives."""

from __future__ import annotations

from typing import Final

from tests.router.composition.odd.template import Theme, any_of

__all__ = ["THEMES"]

_HIDDEN: Final = """<:fed>
type Query { t: T @shareable<:hide> u: U @shareable<:hide> e(e: E<:hide>): E @shareable<:hide>
  n(i: In = <{a: 1}|{e: B}|{}>): Int @shareable }
type T implements I @shareable<:hide> { a<:arguments>: Int<:hide> b: S<:hide> i: I<:hide> }
type V implements I @shareable<:hide> { a<:arguments>: Int<:hide> }
interface I<:hide> { a<:arguments>: Int<:hide> }
union U<:hide> = T | V
enum E<:hide> { A<:hide> B<:hide> }
scalar S<:hide>
input In<:hide> { a: Int<|!| = 1><:hide> e: E = A<:hide> s: S<:hide> }
<20%directive @run(e: E<:hide> s: In) on FIELD>"""
HIDDEN: Final = Theme(
    (_HIDDEN, _HIDDEN),
    counts=(1, 1, 2),
    pools={
        "hide": ("<12% @inaccessible>",),
        "modifier": ("", "!", " = 1", "! = 1"),
        "arguments": ("(x: Int<=modifier><:hide> i: In<:hide> e: E = A<:hide>)",),
    },
)

_DEPRECATED: Final = """<80%<:fed>>
type Query<:mark> { f(a: Int<:mark> b: Int! = 1<:mark> c: Int!<:mark> i: In): Int<:mark>
  e: E s: S }
input In<:mark> { a: Int<:mark> b: Int!<:mark> c: Int! = 2<:mark> }
enum E<:mark> { A<:mark> B<:mark> }
scalar S<:mark>
<20%extend scalar S<:mark> @deprecated>"""
DEPRECATED: Final = Theme(
    (_DEPRECATED, _DEPRECATED.replace("f(", "g(").replace("e: E s: S", "")),
    counts=(1, 1, 2),
    pools={
        "mark": ("<7% @<:what>>",),
        "what": (
            "deprecated",
            'deprecated(reason: "r")',
            'deprecated(reason: "")',
            "deprecated(reason: null)",
            'specifiedBy(url: "https://s")',
            "specifiedBy",
            "oneOf",
        ),
    },
)

PIECES: Final = Theme(
    (
        "<70%<:fed>><extend |>type Query { a: Int }\n"
        "<:piece>\n<:piece>\n<80%<:piece>\n><60%<:piece>\n><40%<:piece>\n>",
        "<<:fed>type Query { z: Int } type T @shareable { a: Int }|type T { a: Int }>",
    ),
    counts=(1, 1, 2),
    pools={
        "piece": (
            "type T", "type T { a: Int }", "extend type T { a: Int }", "extend type T { b: Int }",
            "extend type T", 'extend type T @key(fields: "a")', "extend type T implements I",
            "type T implements I { a: Int }", "interface I { a: Int }", "interface I",
            "extend interface I { b: Int }", "extend interface I { a: Int }", "union U = T",
            "union U", "extend union U = T", "union U = T | T", "union U = I", "union U = Int",
            "enum E", "enum E { A }", "extend enum E { B }", "extend enum E { A }", "input In",
            "input In { a: Int }", "extend input In { b: In! }", "extend input In { a: Int }",
            "scalar S", 'extend scalar S @tag(name: "x")', "scalar Int", "scalar _Any",
            "type _Service { sdl: Int }", "union _Entity = T", "type _Entity { a: Int }",
            "scalar FieldSet", "directive @d on FIELD", "directive @d on OBJECT",
            "directive @d(a: In) on FIELD", "directive @d(a: T) on FIELD",
            "directive @d(a: Int @d) on ARGUMENT_DEFINITION", "extend type Query { t: T }",
            "extend type Query { u: U i: I e: E s: S }", "extend type Query { f(i: In): Int }",
            "extend type Query { _service: _Service! }", "extend type Query { f(t: T): Int }",
            "extend type Query { _entities(representations: [_Any!]!): [_Entity]! }",
            "extend type Query { i: In }", "schema { query: Query }",
        ),
    },
)  # fmt: skip

_INTERFACES: Final = """<:fed>
interface I<:implements> { <:a> <:b> }
interface J<:implements> { <:a> <:b> }
interface K<:implements> { <:a> <:b> }
type T<:implements> @shareable { <:a> <:b> }
type V<:implements> @shareable { <:a> <:b> }
type Query { i: I @shareable j: J @shareable k: K @shareable t: T @shareable }"""
INTERFACES: Final = Theme(
    (_INTERFACES, _INTERFACES),
    counts=(1, 1, 2),
    pools={
        "implements": (*("",) * 5, " implements <I|J|K>", " implements <I & J|I & K|J & K>"),
        "a": (*("a: Int",) * 12, "a: Int!", "a: String"),
        "b": (*("b(x: Int): I",) * 8, "", "b(x: Int!): I", "b: T", "b(x: Int y: Int): J"),
    },
)

_COMPOSED: Final = """<:fed>
extend schema @link(url: "https://<x.dev/cust/<:version>|y.dev/cust/v1.0>"IMPORT)
  <60%@composeDirective(name: "<@LOCAL|@LOCAL|<:wish>>")>
directive @LOCAL<:arguments> <30%repeatable >on <:locations>
type Query { f: Int @shareable @LOCAL<:given> <10%@LOCAL> e: E @shareable }
enum E { A }"""
_SAME: Final = any_of(_COMPOSED, {"IMPORT": ', import: ["@c"]', "LOCAL": "c"})
_OTHERWISE: Final = any_of(
    _COMPOSED,
    {"IMPORT": ', import: ["@c"]', "LOCAL": "c"},
    {"IMPORT": ', import: [{name: "@c", as: "@d"}]', "LOCAL": "d"},
    {"IMPORT": ', as: "cu"', "LOCAL": "cu__c"},
    {"IMPORT": ", for: SECURITY", "LOCAL": "cust__c"},
)
COMPOSED: Final = Theme(
    (_SAME, f"<{_SAME}|{_SAME}|{_OTHERWISE}>"),
    (1, 2, 2),
    {
        "version": ("v1.0", "v1.0", "v1.2", "v2.0", "v0.1", "v0.2"),
        "arguments": ("", "(a: Int)", "(a: Int = 1)", "(a: Int!)", "(a: Int b: E)", "(a: [Int!])"),
        "locations": (
            "FIELD_DEFINITION",
            "FIELD_DEFINITION | OBJECT",
            "OBJECT",
            "FIELD | FIELD_DEFINITION",
            "FIELD",
        ),
        "given": ("", "", "(a: 1)", "(a: 2)", "(b: A)"),
        "wish": ("@c", "c", "@nope", "@tag", "@key", ""),
    },
)

_ACCESS: Final = """<<:fed>|<:fed>|<:fed12>|<:fed5>>
type Query<:rarely> { i<name>: I<:guard> e: E @shareable<:guard> s: S @shareable }
<:interface>
enum E<:guard> { A } scalar S<:guard> union U = Query
<60%<:entity>>"""
_WHOLE: Final = """interface I @key(fields: "id")<:rarely> { id: ID! x: Int<:rarely> n: I }
type T implements I @key(fields: "id")<:guard> { id: ID! x: Int @shareable<:guard> n: I @shareable }
type V implements I @key(fields: "id")<:guard> { id: ID! x: Int @shareable<:guard> n: I @shareable }
"""
_STANDING: Final = (
    """type I @interfaceObject @key(fields: "id")<:rarely> { id: ID! o: Int<:guard> }"""
)
ACCESS: Final = Theme(
    (
        _ACCESS.replace("<:interface>", _WHOLE).replace(
            "<:entity>", 'type R @key(fields: "id")<:guard> { id: ID! k: Int<:guard> }'
        ),
        _ACCESS.replace("<:interface>", f"<{_WHOLE}|{_STANDING}>").replace(
            "<:entity>",
            'type R @key(fields: "id") '
            '{ id: ID! k: Int @external r: Int @requires(fields: "k")<:guard> }',
        ),
    ),
    counts=(1, 2, 2),
    pools={
        "guard": ("<20% <:access>>",),
        "rarely": ("<4% <:access>>",),
        "access": (
            "@authenticated",
            '@requiresScopes(scopes: [["a"]])',
            '@requiresScopes(scopes: [["a", "b"], ["c"]])',
            '@requiresScopes(scopes: [["b"], ["a"]])',
            '@requiresScopes(scopes: [["a b", "a"], ["é", "z"]])',
            "@requiresScopes(scopes: [])",
            "@requiresScopes(scopes: [[]])",
            '@requiresScopes(scopes: "a")',
            "@requiresScopes(scopes: [[1]])",
            '@policy(policies: [["p"]])',
            '@policy(policies: [["p"], ["q"]])',
            "@policy",
            "@authenticated @authenticated",
        ),
    },
)

_COSTS: Final = """<<:fed>|<:fed9>>
type Query {
  f(a: Int<:cost> b: Int! = 1 i: In l: [Int] s: String): <:type> @shareable<:size><:cost> }
type T implements I @shareable<:cost> { v: [Int]<:cost> w: [T] x: Int i: In2 }
interface I { v: [Int]<5%<:cost>> w: [T] x: Int }
type In2 @shareable { a: Int } union U = T
input In<:cost> { a: Int<:cost> } enum E<:cost> { A<5%<:cost>> } scalar S<:cost>"""
COSTS: Final = Theme(
    (_COSTS, _COSTS),
    counts=(1, 2),
    pools={
        "type": ("[T]", "[T!]!", "T", "T!", "Int", "[Int]", "[[T]]", "I", "[U]", "U"),
        "cost": ('<15% @cost(weight: <3|0|-1|5|1.5|"3"|99999999999>)>',),
        "size": ("", " @listSize", " @listSize(<:by>)", " @listSize(<70%<:by>> <:sized>)"),
        "by": (
            "assumedSize: <3|0|-1|null|10>",
            'slicingArguments: <["a"]|["a", "b"]|[]|["nope"]|"a"|null|["i"]|["i.a"]|["l"]>',
            "requireOneSlicingArgument: <true|false|null>",
        ),
        "sized": ('sizedFields: <["v"]|["v", "w"]|["nope"]|[]|["x"]|null|["v.v"]|["i"]>',),
    },
)

_OBJECTS: Final = """type A <:implements> <:key> { id: ID! x: Int<30% @shareable> }
type B <:implements> <:key> { id: ID! x: Int<30% @shareable> <10%o: Int @shareable> }"""
_STANDS: Final = """<<:fed>|<:fed>|<:fed3>|<:fed2>>type Query { q<name>: I }
type I <:mark> <:key> { id: ID! <:member> <50%<:other>> }
<40%<:also>>"""
INTERFACE_OBJECTS: Final = Theme(
    (
        f"<:fed>type Query {{ qa: I }}\ninterface I <=key> {{ id: ID! x: Int }}\n{_OBJECTS}",
        _STANDS,
        _STANDS,
    ),
    counts=(2, 2, 3),
    pools={
        "key": (
            '@key(fields: "id")',
            '@key(fields: "id")',
            '@key(fields: "id")',
            '@key(fields: "id", resolvable: false)',
            '@key(fields: "id") @key(fields: "x")',
            "",
        ),
        "implements": ("implements I", "implements I", "implements I", ""),
        "mark": (
            "@interfaceObject",
            "@interfaceObject",
            "@interfaceObject @shareable",
            "@interfaceObject @extends",
            '@interfaceObject @tag(name: "a")',
        ),
        "member": ("o: Int", "o: Int @shareable", "x: Int @external", "x: Int @shareable", "s: I"),
        "other": (
            'r: Int @requires(fields: "x")',
            'p: Int @override(from: "a")',
            "__typename: Int",
        ),
        "also": (
            'type A @key(fields: "id") { id: ID! z: Int }',
            "union U = I",
            "type Z implements I { id: ID! }",
            "interface K { id: ID! } extend type I implements K { k: Int }",
            'type W @interfaceObject @key(fields: "id") { id: ID! }',
            "extend type Query { l: [I] }",
            "input In @interfaceObject { a: Int }",
            "interface L @interfaceObject { a: Int }",
        ),
    },
)

THEMES: Final = {
    "hidden": HIDDEN,
    "deprecated": DEPRECATED,
    "pieces": PIECES,
    "interfaces": INTERFACES,
    "composed": COMPOSED,
    "access": ACCESS,
    "costs": COSTS,
    "interface objects": INTERFACE_OBJECTS,
}
