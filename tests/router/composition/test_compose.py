"""Composition as a whole: order, duplicates, the library's door."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from random import Random

import pytest

from router.composition.compose import compose
from router.composition.errors import CompositionFailed
from router.composition.merge.graph_names import graph_names
from router.composition.sources import SubgraphSource
from router.supergraph import Supergraph
from tests.router.composition.mutated_subgraphs import mutated_subgraphs
from tests.router.composition.odd_subgraphs import THEMES, odd_subgraphs
from tests.router.composition.random_subgraphs import random_subgraphs
from tests.router.composition.wild_subgraphs import wild_subgraphs

LINK = (
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", '
    'import: ["@key", "@shareable", "@tag"])'
)


def fed2(name: str, sdl: str) -> SubgraphSource:
    return SubgraphSource(name, f"http://{name}.example", f"{LINK} {sdl}")


def test_the_same_subgraphs_in_any_order_give_the_same_bytes() -> None:
    subgraphs = [
        fed2("wards", 'type Query { w: Ward } type Ward @key(fields: "id") { id: ID! beds: Int }'),
        fed2("staff", 'type Ward @key(fields: "id") { id: ID! head: String @tag(name: "x") }'),
        fed2("Zed", "type Query { z: Colour } enum Colour { RED GREEN }"),
        SubgraphSource("old", "", "type Query { o: Int }"),
    ]
    outcomes = {
        (composed.supergraph_sdl, composed.hints)
        for order in itertools.permutations(subgraphs)
        for composed in [compose(order)]
    }
    assert len(outcomes) == 1


def test_what_is_wrong_with_the_merged_schema_names_who_declares_it() -> None:
    hidden = "enum E { A @federation__inaccessible B }"
    with pytest.raises(CompositionFailed) as failure:
        compose(
            [
                fed2("b", f"type Query {{ b(e: E = A): Int }} {hidden}"),
                fed2("a", f"type Query {{ a(e: E): Int }} {hidden}"),
                fed2("c", "type Query { c: Int }"),
            ]
        )
    [error] = failure.value.errors
    assert (error.code, error.subgraphs) == ("DEFAULT_VALUE_USES_INACCESSIBLE", ("a", "b"))


def test_errors_of_external_arguments_say_what_differs() -> None:
    owner = 'type Query { t: T } type T @key(fields: "id") { id: ID x(a: Int = 1, b: Int): Int }'
    user = (
        'type T @key(fields: "id") { id: ID x(a: Int = 2, b: Int!): Int @federation__external '
        'y: Int @federation__requires(fields: "x(b: 1)") }'
    )
    with pytest.raises(CompositionFailed) as failure:
        compose([fed2("a", owner), fed2("b", user)])
    told = {error.code: error.message for error in failure.value.errors}
    assert 'the default 2 in subgraph "b"' in told["EXTERNAL_ARGUMENT_DEFAULT_MISMATCH"]
    assert '"Int!" in subgraph "b"' in told["EXTERNAL_ARGUMENT_TYPE_MISMATCH"]


def test_problems_come_in_the_order_in_which_types_are_first_named() -> None:
    types = (
        "extend type Query { a: Int } type T { b: Int } extend type A { c: Int } type A { d: Int }"
    )
    with pytest.raises(CompositionFailed) as failure:
        compose([fed2("a", types), fed2("b", types)])
    told = [error.coordinates for error in failure.value.errors]
    assert told == [("Query.a",), ("T.b",), ("A.d",), ("A.c",)]


def outcome(subgraphs: list[SubgraphSource]) -> tuple[str, tuple[object, ...]]:
    try:
        composed = compose(subgraphs)
    except CompositionFailed as failure:
        return "", failure.errors
    return composed.supergraph_sdl, composed.hints


@pytest.mark.parametrize("draw", [random_subgraphs, wild_subgraphs])
@pytest.mark.parametrize("seed", range(30))
def test_random_subgraphs_give_the_same_in_any_order_and_load(
    seed: int, draw: Callable[[int], list[SubgraphSource]]
) -> None:
    subgraphs = draw(seed)
    sdl, findings = outcome(subgraphs)
    assert outcome(subgraphs[::-1]) == (sdl, findings)
    if sdl:
        loaded = Supergraph.load(sdl)
        assert set(loaded.subgraphs) == {subgraph.name for subgraph in subgraphs}


@pytest.mark.parametrize("seed", range(30))
def test_subgraphs_with_mistakes_are_told_the_same_in_any_order(seed: int) -> None:
    subgraphs = mutated_subgraphs(seed)
    shuffled = Random(seed).sample(subgraphs, len(subgraphs))
    assert outcome(shuffled) == outcome(subgraphs)


@pytest.mark.parametrize("theme", THEMES)
def test_whatever_is_odd_is_told_the_same_in_any_order_and_loads(theme: str) -> None:
    for seed in range(8):
        subgraphs = odd_subgraphs(seed, theme)
        sdl, findings = outcome(subgraphs)
        shuffled = Random(seed).sample(subgraphs, len(subgraphs))
        assert outcome(shuffled) == (sdl, findings)
        if sdl:
            Supergraph.load(sdl)


def test_two_subgraphs_of_one_name_are_refused() -> None:
    with pytest.raises(CompositionFailed) as failure:
        compose([fed2("a", "type Query { a: Int }"), fed2("a", "type Query { b: Int }")])
    assert [error.code for error in failure.value.errors] == ["INVALID_SUBGRAPH_NAME"]


def test_all_errors_are_reported_at_once_with_subgraphs_and_coordinates() -> None:
    with pytest.raises(CompositionFailed) as failure:
        compose(
            [
                fed2("a", "type Query { x: Int y: String @shareable }"),
                fed2("b", "type Query { x: Int y: Int @shareable }"),
            ]
        )
    told = {(e.code, e.coordinates, e.subgraphs) for e in failure.value.errors}
    assert told == {
        ("INVALID_FIELD_SHARING", ("Query.x",), ("a", "b")),
        ("FIELD_TYPE_MISMATCH", ("Query.y",), ("a", "b")),
    }


def test_a_missing_url_is_printed_empty() -> None:
    sdl = compose([SubgraphSource("a", "", "type Query { a: Int }")]).supergraph_sdl
    assert '  A @join__graph(name: "a", url: "")' in sdl


@pytest.mark.parametrize(
    ("names", "values"),
    [
        (["reviews"], ["REVIEWS"]),
        (["3c"], ["_3C"]),
        (["a-1", "a_1"], ["A_1__1", "A_1__2"]),
        (["X-Y", "x.y"], ["X_Y_1", "X_Y_2"]),
        (["A", "a"], ["A_1", "A_2"]),
        (["é"], ["_"]),
        (["a\N{GRINNING FACE}"], ["A__"]),
    ],
)
def test_graphs_are_named_by_rule(names: list[str], values: list[str]) -> None:
    assert list(graph_names(names).values()) == values


def test_a_graph_name_that_graphql_reserves_is_refused() -> None:
    with pytest.raises(CompositionFailed) as failure:
        compose([fed2("--c", "type Query { c: Int }")])
    assert [error.code for error in failure.value.errors] == ["INVALID_GRAPHQL"]
