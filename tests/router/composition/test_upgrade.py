"""Federation 1 subgraphs, alone, together, and beside federation 2 ones."""

from __future__ import annotations

import pytest
from graphql import StringValueNode

from router.composition.compose import compose
from router.composition.links import Version
from router.composition.model import CompositeType, Subgraph
from router.composition.sources import SubgraphSource
from tests.router.composition.reading_support import codes, fed2, read

OWNER = 'type T @key(fields: "id") { id: ID x: Int } type Query { t: T }'


def applied(subgraph: Subgraph, type_name: str, field: str | None = None) -> list[str]:
    """The directives of a type or field, with their field sets."""
    found = subgraph.types[type_name]
    element = found
    if field is not None:
        assert isinstance(found, CompositeType)
        element = found.fields[field]  # type: ignore[assignment]
    texts = []
    for each in element.directives:
        fields = each.arguments.get("fields")
        texts.append(
            each.name + (f" {fields.value}" if isinstance(fields, StringValueNode) else "")
        )
    return texts


def test_an_upgraded_subgraph_links_federation_2_4() -> None:
    [subgraph] = read(OWNER)
    assert not subgraph.is_fed2
    assert subgraph.federation_version == Version(2, 4)
    assert subgraph.types["T"].is_applied("key")
    assert "shareable" in subgraph.directives


def test_an_extension_becomes_a_definition_and_its_keys_lose_external() -> None:
    _, extending = read(
        OWNER,
        'extend type T @key(fields: "id") { id: ID @external y: Int } extend type Query { z: T }',
    )
    found = extending.types["T"]
    assert found.has_definition
    assert found.extensions == 0
    assert [key.in_extension for key in extending.keys["T"]] == [False]
    assert applied(extending, "T", "id") == []


def test_a_stub_without_key_loses_external_on_the_others_keys() -> None:
    _, stub = read(OWNER, "type Query { z: T } type T @extends { id: ID @external }")
    assert applied(stub, "T") == ["extends", "shareable"]
    assert applied(stub, "T", "id") == []


@pytest.mark.parametrize("fields", ['["id", "x"]', '["id x"]'])
def test_a_key_given_as_a_list_composes_as_one_that_is_a_text(fields: str) -> None:
    owner = 'type Query { t: T } type T @key(fields: "id") { id: ID! x: Int }'
    extension = (
        "extend type T @key(fields: {}) {{ id: ID! @external x: Int @external y: Int }} "
        "extend type Query {{ u: T }}"
    )
    listed, written = (
        compose(
            [
                SubgraphSource("a", "http://a", owner),
                SubgraphSource("b", "http://b", extension.format(each)),
            ]
        )
        for each in (fields, '"id x"')
    )
    assert listed == written


def test_field_sets_may_be_lists_or_bare_names() -> None:
    [_, subgraph] = read(
        'type T @key(fields: "id") { id: ID x: Int } type Query { z: T }',
        "extend type T @key(fields: id) { id: ID @external x: Int @external "
        'w: Int @requires(fields: ["x"]) }',
    )
    assert applied(subgraph, "T") == ["key id"]
    assert applied(subgraph, "T", "w") == ["requires x"]


def test_field_sets_lose_what_the_subgraph_resolves_itself() -> None:
    _, subgraph = read(
        OWNER,
        'extend type T @key(fields: "id") { id: ID @external x: Int @external own: Int '
        'w: Int @requires(fields: "x own") n: Int @requires(fields: "own") }',
    )
    assert applied(subgraph, "T", "w") == ["requires x"]
    assert applied(subgraph, "T", "n") == []


def test_value_types_and_resolved_twice_fields_become_shareable() -> None:
    a, _ = read(
        'type T @key(fields: "id") { id: ID x: Int } type V { a: Int } type Query { t: T v: V }',
        'type T @key(fields: "id") { id: ID x: Int y: Int } type V { a: Int } type Query { v: V }',
    )
    assert applied(a, "V") == ["shareable"]
    assert applied(a, "T", "x") == ["shareable"]
    assert applied(a, "T", "id") == []
    assert applied(a, "Query", "v") == ["shareable"]
    assert applied(a, "Query", "t") == []


def test_external_on_a_type_means_nothing_in_federation_1() -> None:
    a, _ = read("type Query { v: Int }", "type Query @external { v: Int }")
    assert applied(a, "Query", "v") == ["shareable"]


def test_subscriptions_never_become_shareable() -> None:
    a, _ = read(*["type Query { a: Int } type Subscription { s: Int }"] * 2)
    assert applied(a, "Subscription") == []
    assert applied(a, "Subscription", "s") == []


def test_a_tag_on_an_external_field_is_the_owners() -> None:
    _, b = read(
        'type T @key(fields: "id") { id: ID x: Int @tag(name: "a") } type Query { t: T }',
        'extend type T @key(fields: "id") { id: ID @external '
        'x: Int @external @tag(name: "a") @tag(name: "b") w: Int @requires(fields: "x") }',
    )
    assert applied(b, "T", "x") == ["external", "tag"]


def test_what_does_nothing_is_dropped_from_interfaces_and_leaves() -> None:
    [subgraph] = read(
        'interface I @key(fields: "id") { id: ID @external x: Int @requires(fields: "id") } '
        'type A implements I @key(fields: "id") { id: ID x: Int } '
        'type Query { i: I n: Int @provides(fields: "a") }'
    )
    assert applied(subgraph, "I") == []
    assert applied(subgraph, "I", "id") == []
    assert applied(subgraph, "I", "x") == []
    assert applied(subgraph, "Query", "n") == []


def test_unused_external_fields_go_and_a_type_may_go_with_them() -> None:
    _, b = read(OWNER, "extend type T { x: Int @external } type Query { z: Int }")
    assert "T" not in b.types


@pytest.mark.parametrize(
    ("subgraphs", "expected"),
    [
        (
            [OWNER, "extend type T { x: Int @external } type Query { z: T }"],
            ["TYPE_WITH_ONLY_UNUSED_EXTERNAL"],
        ),
        (
            ['extend type T @key(fields: "id") { id: ID @external } type Query { z: T }'],
            ["EXTENSION_WITH_NO_BASE"],
        ),
        (["type Query { a: Int } extend interface I { x: Int }"], ["EXTENSION_WITH_NO_BASE"]),
        (["extend type Query { a: Int } extend type Mutation { b: Int }"], []),
        (
            [
                'interface I @key(fields: "id") { id: ID } type Query { i: I } '
                'type A implements I @key(fields: "id") { id: ID }',
                fed2('type I @interfaceObject @key(fields: "id") { id: ID y: Int }'),
            ],
            ["INTERFACE_OBJECT_USAGE_ERROR"],
        ),
        (
            [
                'schema @link(url: "https://specs.apollo.dev/link/v1.0") '
                '@link(url: "https://specs.apollo.dev/tag/v0.3") { query: Query } '
                'type Query { a: Int @tag(name: "s") }'
            ],
            ["INVALID_LINK_DIRECTIVE_USAGE"],
        ),
        (['type T @key(fields: "id zz") { id: ID } type Query { t: T }'], ["KEY_INVALID_FIELDS"]),
        (
            ["directive @shareable(x: Int) on OBJECT type Query { a: Int }"],
            ["DIRECTIVE_DEFINITION_INVALID"],
        ),
        (["directive @shareable on OBJECT type Query { a: Int }"], []),
    ],
)
def test_what_cannot_be_meant_is_refused(subgraphs: list[str], expected: list[str]) -> None:
    assert codes(*subgraphs) == expected


def test_the_routers_own_fields_and_types_are_left_out() -> None:
    [subgraph] = read(
        "type Query { t: T _service: _Service! _entities(representations: [_Any!]!): [_Entity]! } "
        'scalar _Any union _Entity = T type _Service { sdl: String } type T @key(fields: "id") '
        "{ id: ID }"
    )
    query = subgraph.types["Query"]
    assert isinstance(query, CompositeType)
    assert list(query.fields) == ["t"]
    assert [found.name for found in subgraph.mergeable_types()] == ["Query", "T"]


def test_federation_2_subgraphs_are_not_touched() -> None:
    _, second = read(OWNER, fed2('type T @key(fields: "id") { id: ID x: Int }'))
    assert applied(second, "T", "x") == []
    assert second.is_fed2
