"""Versions, links, names of directives, roots, and what surrounds a schema's text."""

from __future__ import annotations

from typing import Final

from tests.router.composition.odd.template import Theme, any_of

__all__ = ["THEMES"]

HOST: Final = "https://specs.apollo.dev"
FEDERATION: Final = f"{HOST}/federation"

APPLIED: Final = {
    "authenticated": "",
    "cacheTag": '(format: "a")',
    "composeDirective": "",
    "context": '(name: "c")',
    "cost": "(weight: 3)",
    "extends": "",
    "external": "",
    "fromContext": '(field: "$c { x }")',
    "inaccessible": "",
    "interfaceObject": "",
    "key": '(fields: "id")',
    "listSize": "(assumedSize: 3)",
    "override": '(from: "b"<30%, label: "percent(5)">)',
    "policy": '(policies: [["p"]])',
    "provides": '(fields: "x")',
    "requires": '(fields: "x")',
    "requiresScopes": '(scopes: [["s"]])',
    "shareable": "",
    "tag": '(name: "t")',
}
NAMED: Final = {
    "<|federation__>NAME": "",
    "NAME": ', import: ["@NAME"]',
    "myNAME": ', import: [{name: "@NAME", as: "@myNAME"}]',
    "fed__NAME": ', as: "fed"',
}
"""What a directive is called, by how it is linked."""

VERSIONS: Final = Theme(
    (
        any_of(
            f'extend schema @link(url: "{FEDERATION}/<:version>"IMPORT)\n'
            "type Query { t: T g: Int }\n"
            "<type T MARK { id: ID! x: Int f: Int }|type T { id: ID! x: Int f: <Int|[Int]> MARK }"
            "|type T { id: ID! x: Int f(a: Int MARK): Int }>\n"
            "<10%directive @LOCAL on <FIELD|OBJECT|FIELD_DEFINITION>>",
            *(
                {
                    "IMPORT": link.replace("NAME", name),
                    "MARK": f"@{local.replace('NAME', name)}{arguments}",
                    "LOCAL": local.replace("NAME", name),
                }
                for name, arguments in APPLIED.items()
                for local, link in NAMED.items()
            ),
        ),
    ),
    pools={"version": (*(f"v2.{minor}" for minor in range(16)), "v1.0", "v3.0", "v2", "v2.0.1")},
)

URLS: Final = Theme(
    (
        "<extend schema <:link>|schema <:link> { query: Query }>\n<:body>",
    ),
    pools={
        "link": (
            "@link(url: <:url><40%, as: <:alias>><30%, for: <:purpose>>"
            "<70%, import: [<:import><50%, <:import>>]>)",
        ),
        "url": (
            *(f'"{FEDERATION}/v2.3{end}"' for end in ("", "", "", "/", "?a=b", "#x", "/x", " ")),
            *(f'"{HOST}/{spec}"' for spec in ("federation", "federation/2.3", "", "v2.3")),
            '"http://specs.apollo.dev/federation/v2.3"',
            '"https://user:secret@specs.apollo.dev/federation/v2.3"',
            '"https://SPECS.apollo.dev/federation/v2.3"',
            '"https://specs.apollo.dev/Federation/v2.3"',
            '"https://example.com/a/b/c/federation/v2.3"',
            '"federation/v2.3"',
            '"//specs.apollo.dev/federation/v2.3"',
            '"file:///federation/v2.3"',
            '""',
        ),
        "alias": (
            *(f'"{name}"' for name in ("fed", "_", "__a", "a__b", "a_", "1a", "key", "link", "")),
            '"federation"',
            "null",
        ),
        "purpose": ("SECURITY", "EXECUTION", "OTHER", "null"),
        "import": (
            '"@key"', '"key"', '"@nope"', '"FieldSet"', '"@FieldSet"', '"federation__FieldSet"',
            '""', "null", "7", "[]", "{}", '{name: "@key"}', '{name: "@key", as: "@k"}',
            '{name: "@key", as: "k"}', '{name: "FieldSet", as: "FS"}', '{as: "@k"}',
            '{name: "FieldSet", as: "@FS"}', '{name: "@key", as: null}', '"@federation__key"',
            '{name: "@key", as: "@key"}', '{name: "@key", as: "@a-b"}', '{name: "@key", other: 1}',
            '{name: "@key", as: "@federation__key"}', '{name: "@key", as: "@federation__tag"}',
            '{name: "@key", as: "@tag"}', '{name: "@key", as: "@link"}', '"@tag"', '"@federation"',
            '{name: "@tag", as: "@key"}', '{name: "@key", as: "@deprecated"}', '"@link"',
        ),
        "body": (
            "type Query { a: Int }",
            'type Query { a: T } type T @<|federation__|fed__>key(fields: "id") { id: ID! }',
            'type Query { a: T } type T @k(fields: "id") { id: ID! }',
            "type Query { a: FS } scalar FS scalar FieldSet",
        ),
    },
)  # fmt: skip

SEVERAL: Final = Theme(
    ("extend schema @link(<:link>)\n<60%extend schema @link(<:link>)\n><:body>",),
    pools={
        "link": (
            f'url: "{FEDERATION}/v2.5", import: ["@key", "@shareable"]',
            f'url: "{FEDERATION}/v2.9", import: ["@key"]',
            f'url: "{HOST}/link/v1.0"',
            f'url: "{HOST}/tag/v0.3", import: ["@tag"]',
            f'url: "{HOST}/tag/v0.9"',
            f'url: "{HOST}/inaccessible/v0.2", as: "hide"',
            f'url: "{HOST}/cost/v0.1", import: ["@cost"]',
            f'url: "{HOST}/join/v0.3"<20%, for: EXECUTION>',
            f'url: "{HOST}/authenticated/v0.1", for: SECURITY',
            'url: "https://example.com/key/v1.0"',
            'url: "https://example.com/other/v1.0", import: ["@key"]',
            'url: "https://example.com/other/v1.0", import: ["@a", {name: "@b", as: "@a"}]',
            'url: "https://example.com/other/v1.0", as: "federation"',
            'url: "https://example.com/other/v1.0", import: ["@federation__x"]',
            'url: "https://example.com/other/v1.0", for: SECURITY',
        ),
        "body": (
            "type Query { a: Int }",
            'type Query { a: T } type T @key(fields: "id") { id: ID! }',
            'type Query { a: Int @tag(name: "x") @cost(weight: 3) }',
            "type Query { a: Int @hide } type T @inaccessible { b: Int }",
            "type Query { a: Int @authenticated }",
            "type Query { a: Int @a } directive @a on FIELD_DEFINITION",
            "type Query { a: join__FieldSet } scalar join__FieldSet",
            "type Query { a: link__Purpose } enum link__Purpose { SECURITY EXECUTION }",
            "type Query { a: Purpose }",
        ),
    },
)

ROOTS: Final = Theme(
    (
        "schema <:shared> <:roots>\n<:types>",
        "<schema <:shared> <:roots>|schema <:roots>|>\n<:types>",
    ),
    counts=(1, 2, 2),
    pools={
        "shared": (f'@link(url: "{FEDERATION}/v2.14", import: ["@shareable", "@key"])',),
        "roots": (
            "{ query: Query }",
            "{ query: Q }",
            "{ query: Q mutation: M }",
            "{ query: Query mutation: M subscription: S }",
            "{ query: Mutation mutation: Q }",
            "{ query: Q mutation: Query }",
            "{ mutation: Mutation }",
            "{ query: Query subscription: Query }",
            "{ query: Missing mutation: M }",
        ),
        "types": (
            "type Query { a: Int } type Q { b: Q } type M { c: Mutation } type Mutation { d: Q }",
            "type Q { a: Int b: M } extend type M { c: Q } type S { d: Q }",
            "extend type Query { a: Int } extend type Mutation { b: Query }",
            "type Query { a: Int } interface Q { b: Int } scalar M enum S { A }",
            "type Mutation { a: Int } type Q { b: Mutation }",
            "type Subscription { a: Query } type Query { b: Int } type S { c: Int }",
        ),
    },
)

SURROUNDINGS: Final = Theme(
    (
        "<|\ufeff|# a\n|,,\t><80%<:fed>>"
        "type Query {\n  <:text>\n  a(\n<:text>\nx: Int = 3): <=type> # why\n, e: E }\n"
        "<:text>\ntype <=type> { <:field>: Int }\n<:text>\nenum E { <:text>\n <:value> B }"
        "<|\n# b|\r\n|,,>",
        "<:fed>type Query {\r\n  b: Int\r\n}\r\n<:text>\r\ntype T @shareable {\r  c: Int\r}",
    ),
    counts=(1, 1, 2),
    pools={
        "type": ("T", "_T", "__T", "T__", "a__b", "Tétô", "T1", "type", "query", "on", "true"),
        "field": ("f", "_f", "__f", "f__", "é", "type", "fragment", "null", "true", "__typename"),
        "value": ("A", "_A", "__A", "true", "null", "false", "é", "on", "a__B"),
        "text": (
            '"x"', '""', '"""x"""', '""""""', '"""\n\n  x\n    y\n\n"""', '"\\u00e9\\t\\""',
            '"\\u{1F600}"', '"😀"', '"""\\""" """', "#", "", '"""a\r\n  b\r\n"""', '"a\\nb"',
        ),
    },
)  # fmt: skip

THEMES: Final = {
    "versions": VERSIONS,
    "urls": URLS,
    "several links": SEVERAL,
    "roots": ROOTS,
    "surroundings": SURROUNDINGS,
}
