"""``@link``: urls, aliases, imports, versions, and names that clash."""

from __future__ import annotations

import pytest

from router.composition.links import FEDERATION, Version
from tests.router.composition.reading_support import codes, fed2, read, refusals

SPECS = "https://specs.apollo.dev"
KEY = f'@link(url: "{SPECS}/federation/v2.3", import: ["@key"])'
USAGE = "INVALID_LINK_DIRECTIVE_USAGE"


def schema(*links: str, rest: str = "type Query { a: Int }") -> str:
    return f"schema {' '.join(links)} {{ query: Query }} {rest}"


def linked(url: str, rest: str = "") -> str:
    return f'@link(url: "{url}"{rest})'


@pytest.mark.parametrize(
    "links",
    [
        [KEY],
        [KEY, linked(f"{SPECS}/link/v1.0")],
        [linked(f"{SPECS}/link/v1.0"), KEY],
        [KEY, linked("https://example.com/a-b.c/v0.1")],
        [KEY, linked("https://example.com/foo/v0.1", ', import: ["@c", "@c"]')],
        [KEY, linked("https://example.com/foo/v0.1", ", for: SECURITY")],
        [linked(f"{SPECS}/federation/v2.3", ', as: "fed"')],
        [linked(f"{SPECS}/federation/v2.3", ", as: fed, import: [FieldSet]")],
        [KEY, linked("https://example.com/foo/v0.1", ", import: [A, {name: B, as: C}]")],
        [linked("not a url")],
    ],
)
def test_good_links_are_accepted(links: list[str]) -> None:
    assert codes(schema(*links)) == []


@pytest.mark.parametrize(
    ("links", "expected"),
    [
        ([KEY, linked("foo")], "INVALID_LINK_IDENTIFIER"),
        ([KEY, "@link"], "INVALID_LINK_IDENTIFIER"),
        ([linked(f"{SPECS}/federation")], "INVALID_LINK_IDENTIFIER"),
        ([KEY, linked("https://example.com/v1.0")], "INVALID_LINK_IDENTIFIER"),
        ([linked(f"{SPECS}/federation/v3.0")], "UNKNOWN_FEDERATION_LINK_VERSION"),
        ([linked(f"{SPECS}/federation/v2.15")], "UNKNOWN_FEDERATION_LINK_VERSION"),
        ([linked(f"{SPECS}/federation/v1.0")], "UNKNOWN_FEDERATION_LINK_VERSION"),
        ([linked(f"{SPECS}/link/v1.1")], "UNKNOWN_LINK_VERSION"),
        ([linked(f"{SPECS}/link/v1.1"), KEY], USAGE),
        ([KEY, linked(f"{SPECS}/federation/v2.4")], USAGE),
        ([KEY, linked("https://example.com/a__b/v0.1")], USAGE),
        ([KEY, linked("https://example.com/a_/v0.1")], USAGE),
        ([KEY, linked("https://example.com/foo/v0.1", ', as: "a b"')], USAGE),
        ([KEY, linked("https://example.com/federation/v0.1")], USAGE),
        ([KEY, linked("https://example.com/foo/v0.1", ', import: ["@key"]')], USAGE),
        ([KEY, linked("https://example.com/foo/v0.1", ', import: ["@federation"]')], USAGE),
        ([KEY, linked(f"{SPECS}/tag/v0.3", ', import: ["@foo"]')], USAGE),
        ([KEY, linked(f"{SPECS}/connect/v0.1")], "UNSUPPORTED_LINKED_FEATURE"),
    ],
)
def test_a_bad_link_is_refused_with_its_code(links: list[str], expected: str) -> None:
    assert codes(schema(*links)) == [expected]


@pytest.mark.parametrize(
    "imports",
    [
        '"@a", {name: "@a", as: "@b"}',
        '{name: "@c", as: "@b"}, {name: "@a", as: "@b"}',
        '{name: "@c", as: "@federation__x"}',
        '{name: "@c", as: "@foo__x"}',
        '{name: "@c", as: "@foo"}',
    ],
)
def test_imports_that_could_be_confused_are_refused(imports: str) -> None:
    foo = linked("https://example.com/foo/v0.1", f", import: [{imports}]")
    assert codes(schema(KEY, foo)) == [USAGE]
    assert codes(schema(foo, KEY)) == [USAGE]


def test_an_unknown_version_of_link_is_told_with_what_else_is_wrong() -> None:
    links = linked(f"{SPECS}/link/v1.1")
    found = codes(schema(links, rest="type Query { a: Int @shareable }"))
    assert found == ["INVALID_GRAPHQL", "UNKNOWN_LINK_VERSION"]


def test_two_types_of_link_cannot_have_one_name() -> None:
    imports = ', import: [{name: "Import", as: "P"}, {name: "Purpose", as: "P"}]'
    itself = linked(f"{SPECS}/link/v1.0", imports)
    assert codes(schema(KEY, itself)) == [USAGE]
    assert codes(schema(itself, KEY)) == [USAGE]


def test_every_bad_import_is_reported() -> None:
    imports = (
        '3, "@kex", "key", {name: "@key", as: "key"}, {name: "@key", foo: 1}, {as: "@x"}, '
        '{name: 3}, "not a name", "@tag"'
    )
    found = refusals(schema(linked(f"{SPECS}/federation/v2.3", f", import: [{imports}]")))
    assert [code for code, _ in found] == [USAGE] * 8
    assert "@kex" in found[1][1]
    assert '"@key"' in found[2][1]


def test_connect_is_refused_with_a_sentence_that_says_what_to_do() -> None:
    [(_, message)] = refusals(schema(KEY, linked(f"{SPECS}/connect/v0.1")))
    assert message.startswith("[a] ")
    assert "@connect" in message
    assert "remove the @link" in message


def test_tag_beside_federations_tag_is_told_to_be_imported_from_federation() -> None:
    federation = linked(f"{SPECS}/federation/v2.3", ', import: ["@tag"]')
    [(code, message)] = refusals(schema(federation, linked(f"{SPECS}/tag/v0.3")))
    assert code == USAGE
    assert 'import "@tag" from' in message


def test_a_name_taken_away_by_an_import_must_not_be_defined_and_used() -> None:
    renamed = linked(f"{SPECS}/federation/v2.3", ', import: [{name: "@key", as: "@pk"}]')
    rest = (
        'type Query { a: T } type T @federation__key(fields: "id") { id: ID } '
        "directive @federation__key(fields: String!) on OBJECT"
    )
    assert codes(schema(renamed, rest=rest)) == [USAGE]
    assert codes(schema(renamed, rest=rest.replace('@federation__key(fields: "id")', ""))) == []


@pytest.mark.parametrize(
    ("federation", "used"),
    [
        (KEY, "key"),
        (linked(f"{SPECS}/federation/v2.3"), "federation__key"),
        (linked(f"{SPECS}/federation/v2.3", ', as: "fed"'), "fed__key"),
        (linked(f"{SPECS}/federation/v2.3", ', import: [{name: "@key", as: "@pk"}]'), "pk"),
    ],
)
def test_a_directive_is_known_by_its_canonical_name_whatever_it_is_called(
    federation: str, used: str
) -> None:
    rest = f'type Query {{ t: T }} type T @{used}(fields: "id") {{ id: ID }}'
    [subgraph] = read(schema(federation, rest=rest))
    found = subgraph.types["T"]
    assert found.is_applied("key")
    assert found.directives[0].name == used
    assert [key.fields for key in subgraph.keys["T"]] == ["id"]


def test_a_directly_linked_specification_defines_its_directives_and_raises_the_version() -> None:
    [subgraph] = read(
        schema(
            KEY,
            linked(f"{SPECS}/cost/v0.1", ', import: ["@listSize"]'),
            rest="type Query { a: [Int] @cost(weight: 3) @listSize(assumedSize: 2) }",
        )
    )
    assert subgraph.federation_version == Version(2, 9)
    assert subgraph.implicit_upgrade is not None
    assert subgraph.implicit_upgrade.linked == Version(2, 3)
    field = subgraph.types["Query"].fields["a"]  # type: ignore[union-attr]
    assert [applied.canonical for applied in field.directives] == ["cost", "listSize"]


def test_an_unknown_feature_is_accepted_but_its_directives_must_be_defined() -> None:
    foo = linked("https://example.com/foo/v0.1")
    use = "type Query { a: Int @foo }"
    assert codes(schema(KEY, foo, rest=use)) == ["INVALID_GRAPHQL"]
    assert codes(schema(KEY, foo, rest=f"directive @foo on FIELD_DEFINITION {use}")) == []


def test_links_may_be_spread_over_extensions() -> None:
    [subgraph] = read(
        f'type Query {{ a: Int @tag(name: "x") }} extend schema {KEY} '
        f'extend schema @link(url: "{SPECS}/tag/v0.3")'
    )
    assert [feature.name for feature in subgraph.links] == ["link", "federation", "tag"]
    assert subgraph.links.feature(FEDERATION) is not None


def test_federation_2_directives_without_a_link_are_explained() -> None:
    [(code, message)] = refusals("type Query { a: Int @shareable }")
    assert code == "INVALID_GRAPHQL"
    assert "federation 1" in message


def test_a_directive_that_was_not_imported_is_explained() -> None:
    federation = linked(f"{SPECS}/federation/v2.3", ', as: "fed"')
    [(code, message)] = refusals(schema(federation, rest="type Query { a: Int @shareable }"))
    assert code == "INVALID_GRAPHQL"
    assert "@fed__shareable" in message


@pytest.mark.parametrize("name", ["cost", "federation__cost"])
def test_a_directive_of_a_later_version_is_unknown_and_the_version_is_told(name: str) -> None:
    sdl = fed2(f"type Query {{ a: Int @{name}(weight: 3) }}", minor=8)
    [(code, message)] = refusals(sdl)
    assert code == "INVALID_GRAPHQL"
    assert message.endswith("Federation v2.8 does not have it: please link v2.9 or later.")


def test_an_import_of_a_later_version_is_unknown_and_the_version_is_told() -> None:
    federation = linked(f"{SPECS}/federation/v2.0", ', import: ["@interfaceObject"]')
    [(code, message)] = refusals(schema(federation))
    assert code == USAGE
    assert message.endswith("Federation v2.0 does not have it: please link v2.3 or later.")
