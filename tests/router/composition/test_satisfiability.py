"""Every client path can be served, or the error shows which cannot and why."""

from __future__ import annotations

from time import process_time

import pytest

from router.composition.compose import Composition, compose
from router.composition.errors import CompositionError, CompositionFailed
from router.composition.sources import SubgraphSource
from tests.router.composition.random_subgraphs import random_subgraphs
from tests.router.composition.reading_support import fed2

LOST = "SATISFIABILITY_ERROR"


def composed(*sdls: str, max_paths: int = 1_000_000) -> Composition:
    return compose(
        [
            SubgraphSource(name, f"http://{name}", fed2(sdl))
            for name, sdl in zip("abcdef", sdls, strict=False)
        ],
        max_paths=max_paths,
    )


def problems(*sdls: str, max_paths: int = 1_000_000) -> list[CompositionError]:
    try:
        composed(*sdls, max_paths=max_paths)
    except CompositionFailed as failed:
        return list(failed.errors)
    return []


def codes(*sdls: str) -> list[str]:
    return [error.code for error in problems(*sdls)]


# -- keys ----------------------------------------------------------------------------------

T = 'type T @key(fields: "id") { id: ID %s }'


@pytest.mark.parametrize(
    ("subgraphs", "expected"),
    [
        # another subgraph is entered by key
        ([T % "x: Int" + " type Query { f: T }", T % "y: Int"], 0),
        # the key of an extension is resolved there, whatever @external says
        (
            [
                'extend type T @key(fields: "id") { id: ID @external x: Int }',
                T % "y: Int" + " type Query { f: T }",
            ],
            0,
        ),
        # ... but not that of a definition
        (
            [(T % "x: Int").replace("ID ", "ID @external ") + " type Query { f: T }", T % "y: Int"],
            2,
        ),
        # no key in common
        (
            [
                "type Query { a: T b: T } " + T % "",
                'type T @key(fields: "k") { k: ID y: Int z: Int }',
            ],
            3,
        ),
        # a third subgraph knows both keys
        (
            [
                "type Query { a: T } " + T % "",
                'type T @key(fields: "id") @key(fields: "k") { id: ID k: ID }',
                'type T @key(fields: "k") { k: ID z: Int }',
            ],
            0,
        ),
        # ... but cannot be entered
        (
            [
                "type Query { a: T } " + T % "",
                'type T @key(fields: "id", resolvable: false) @key(fields: "k") { id: ID k: ID }',
                'type T @key(fields: "k") { k: ID z: Int }',
            ],
            2,
        ),
        # value types have no key to move by
        (["type Query { a: V } type V @shareable { x: Int }", "type V @shareable { y: Int }"], 1),
        # a nested key
        (
            [
                'type Query { t: T } type T @key(fields: "v { id }") { v: V } '
                'type V @key(fields: "id") { id: ID }',
                'type T @key(fields: "v { id }") { v: V x: Int } '
                'type V @key(fields: "id") { id: ID }',
            ],
            0,
        ),
    ],
)
def test_a_field_is_reached_by_keys(subgraphs: list[str], expected: int) -> None:
    assert codes(*subgraphs) == [LOST] * expected


def test_an_inaccessible_field_need_not_be_reachable() -> None:
    lost = 'type T @key(fields: "k") { k: ID @inaccessible y: Int %s }'
    query = "type Query { a: T } " + T % ""
    assert codes(query, lost % "") == [LOST]
    assert codes(query, lost % "@inaccessible") == []


def test_an_inaccessible_root_need_not_be_served() -> None:
    subgraphs = [
        "type Query { q: Int } type Mutation%s { m: T } " + T % "",
        'type T @key(fields: "k") { k: ID y: Int }',
    ]
    assert codes(subgraphs[0] % "", subgraphs[1]) == [LOST, LOST]
    assert codes(subgraphs[0] % " @inaccessible", subgraphs[1]) == []


# -- requires, provides, override, context -------------------------------------------------


def test_required_fields_must_be_had_and_brought_back() -> None:
    owner = 'type A @key(fields: "id") { id: ID @shareable y: Int }'
    asking = 'type Query { t: A } type A%s { id: ID @shareable y: Int @external x: Int @requires(fields: "y") }'
    [error] = problems(asking % "", owner)
    assert error.code == LOST
    assert "missing usable key" in error.message
    assert codes(asking % ' @key(fields: "id", resolvable: false)', owner) == []


def test_two_fields_that_require_each_other_cannot_be_had() -> None:
    fields = 'id: ID %s: Int @external %s: Int @requires(fields: "%s")'
    entity = 'type T @key(fields: "id") { %s }'
    assert set(
        codes(
            "type Query { t: T } " + entity % (fields % ("x", "y", "x")),
            entity % (fields % ("y", "x", "y")),
        )
    ) == {LOST}


def test_provided_fields_are_there_on_their_path_only() -> None:
    query = 'type Query { a: T @provides(fields: "n") %s } type T @key(fields: "id") { id: ID n: Int @external }'
    owner = 'type T @key(fields: "k") { k: ID @inaccessible n: Int @shareable }'
    assert codes(query % "", owner) == []
    [error] = problems(query % "b: T", owner)
    assert "b {" in error.message
    assert "marked @external" in error.message


def test_what_was_visited_with_something_provided_is_visited_without_it_too() -> None:
    provided = 'type T { n: Int @external } type Query { a: %s b: T @provides(fields: "n") }'
    owner = "type T { n: Int @shareable }"
    assert codes(provided % "Int", owner) == []
    [error] = problems(provided % "T", owner)
    assert error.code == LOST
    assert "a {" in error.message


def test_a_progressively_overridden_field_cannot_be_required() -> None:
    subgraphs = [
        'type T @key(fields: "id") { id: ID x: Int @override(from: "b"%s) } type Query { f: T }',
        'type T @key(fields: "id") { id: ID x: Int y: Int }',
        'type T @key(fields: "id") { id: ID x: Int @external z: Int @requires(fields: "x") }',
    ]
    assert codes(subgraphs[0] % "", *subgraphs[1:]) == []
    assert codes(subgraphs[0] % ', label: "percent(5)"', *subgraphs[1:]) == [LOST]


def test_both_sides_of_a_label_must_be_served() -> None:
    entity = 'type T @key(fields: "%s") { %s: ID %s }'
    [error] = problems(
        "type Query { f: T } " + entity % ("id", "id", "x: Int"),
        entity % ("k", "k", 'x: Int @override(from: "a", label: "percent(5)")'),
        entity % ("k", "k", ""),
    )[:1]
    assert "override condition label" in error.message


def test_a_context_must_be_set_by_something_around() -> None:
    setting = (
        'type Query { t: T %s } type T @key(fields: "a") @context(name: "c") { a: Int p: Int u: U }'
        'type U @key(fields: "id") { id: ID f(x: Int @fromContext(field: "$c { p }")): Int }'
    )
    assert codes(setting % "") == []
    [error] = problems(setting % "u: U")
    assert error.code == LOST
    assert "context" in error.message


# -- abstract types ------------------------------------------------------------------------

INTERFACE = """
  interface I%s { id: ID x: Int }
  type A implements I @key(fields: "id") { id: ID x: Int }
  type B implements I @key(fields: "id") { id: ID x: Int }
  type Query { f: I }
"""
STAND_IN = 'type I @interfaceObject @key(fields: "id") { id: ID y: Int } type Query { g: I }'


def test_an_interface_object_learns_its_type_where_the_interface_has_a_key() -> None:
    assert codes(INTERFACE % ' @key(fields: "id")', STAND_IN) == []
    found = problems(INTERFACE % ' @key(fields: "id", resolvable: false)', STAND_IN)
    assert {error.code for error in found} == {LOST}
    assert "@interfaceObject" in found[0].message


@pytest.mark.parametrize(("key", "expected"), [("", []), (", resolvable: false", [LOST])])
def test_a_required_type_condition_on_an_interface_object_needs_a_type_that_can_be_learnt(
    key: str, expected: list[str]
) -> None:
    holder = STAND_IN.replace("g: I", "s: S") + ' type S @key(fields: "id") { id: ID best: I }'
    requiring = (
        "interface I { id: ID } "
        'type A implements I @key(fields: "id", resolvable: false) { id: ID x: Int @external } '
        'type B implements I @key(fields: "id", resolvable: false) { id: ID } '
        'type S @key(fields: "id") { id: ID best: I @external '
        'z: Int @requires(fields: "best { ... on A { x } }") }'
    )
    interface = INTERFACE.replace("type Query { f: I }", "type Query { f: Int }")
    found = codes(interface % f' @key(fields: "id"{key})', holder, requiring)
    assert sorted(set(found)) == expected


def test_a_third_subgraph_is_reached_through_the_type_that_was_learnt() -> None:
    third = 'type A @key(fields: "%s") { %s: ID @shareable w: Int }'
    assert codes(INTERFACE % ' @key(fields: "id")', STAND_IN, third % ("id", "id")) == []
    assert set(codes(INTERFACE % ' @key(fields: "id")', STAND_IN, third % ("k", "k"))) == {LOST}


def test_interface_fields_are_checked_through_each_implementation() -> None:
    [error] = problems(
        "type Query { u: U } union U = A | B "
        'type A @key(fields: "id") { id: ID } type B @key(fields: "id") { id: ID }',
        'type A @key(fields: "id") { id: ID x: Int } '
        'type B @key(fields: "zz") { zz: ID @inaccessible y: Int }',
    )
    assert "... on B" in error.message


def test_shared_fields_of_abstract_type_must_have_objects_in_common() -> None:
    union = "union U = %s type %s @shareable { x: Int } %s type Query { u: U @shareable }"
    assert codes(union % ("A", "A", ""), union % ("B", "B", "")) == [
        "SHAREABLE_HAS_MISMATCHED_RUNTIME_TYPES"
    ]
    both = union % ("A | B", "A", "type B @shareable { x: Int }")
    hints = composed(both, union % ("B", "B", "")).hints
    assert ("INCONSISTENT_RUNTIME_TYPES_FOR_SHAREABLE_RETURN", "Query.u") in [
        (hint.code, hint.coordinate) for hint in hints
    ]


# -- roots ---------------------------------------------------------------------------------


def test_a_shared_mutation_field_is_called_in_one_subgraph_only() -> None:
    shared = (
        "type %s { m: P @shareable } type P @shareable { x: Int %s: Int } type Query { q%s: Int }"
    )
    [error] = problems(shared % ("Mutation", "y", "y"), shared % ("Mutation", "z", "z"))
    assert error.code == LOST
    assert error.subgraphs == ("a", "b")
    assert error.coordinates == ("Mutation.m",)
    queries = [
        text.replace("type Query", "extend type Query")
        for text in (shared % ("Query", "y", "y"), shared % ("Query", "z", "z"))
    ]
    assert codes(*queries) == []


def test_what_fails_below_a_shared_mutation_field_fails_below_others_too() -> None:
    found = problems(
        "type Query { q: Int } type Mutation { m: T shared: T @shareable } "
        'type T @key(fields: "id") { id: ID }',
        'type Mutation { shared: T @shareable } type T @key(fields: "id", resolvable: false) '
        "{ id: ID x: Int }",
    )
    assert [error.code for error in found] == [LOST]
    assert "m {" in found[0].message


def test_the_query_root_is_reentered_everywhere() -> None:
    assert (
        codes(
            "type Mutation { m: R } type R { query: Query } type Query { a: Int }",
            "type Query { b: Int }",
        )
        == []
    )


def test_one_visit_serves_all_ways_that_lead_to_it() -> None:
    found = problems(
        "type Query { a: T } type Mutation { m: T } type T @shareable { x: Int }",
        "type T @shareable { y: Int }",
    )
    assert len(found) == 1
    assert "mutation {" in found[0].message


# -- the message ---------------------------------------------------------------------------


def test_the_error_shows_an_operation_and_each_subgraphs_reason() -> None:
    [error] = problems(
        "enum E { A B } input In { a: Int! b: String } scalar S type Query "
        "{ a(x: Int, e: E, l: [Int!]!, i: In!, s: S): T } " + T % "",
        'type T @key(fields: "k") { k: ID @inaccessible y: Int }',
    )
    assert error.subgraphs == ("a",)
    assert error.coordinates == ("T.y",)
    assert error.message.splitlines() == [
        "The following supergraph API query:",
        "{",
        '  a(x: 0, e: A, l: [], i: {a: 0}, s: "<some value>") {',
        "    y",
        "  }",
        "}",
        "cannot be satisfied by the subgraphs because:",
        '- from subgraph "a":',
        '  - cannot find field "T.y".',
        '  - cannot move to subgraph "b" using @key(fields: "k") of "T", the key field(s) cannot '
        'be resolved from subgraph "a".',
    ]


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ("type T { id: ID @shareable y: Int }", 'has no @key defined in subgraph "b"'),
        ('type T @key(fields: "id", resolvable: false) { id: ID y: Int }', "are resolvable"),
    ],
)
def test_the_reason_says_what_is_wrong_with_the_keys(other: str, reason: str) -> None:
    [error] = problems('type Query { a: T } type T @key(fields: "id") { id: ID }', other)
    assert reason in error.message


def test_too_many_paths_are_the_only_error() -> None:
    sdl = "type Query { t: T } " + T % "t: T"
    [error] = problems(sdl, "type Query { u: T } " + T % "x: Int", max_paths=1)
    assert error.code == "MAX_VALIDATION_SUBGRAPH_PATHS_EXCEEDED"


# -- together ------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(40))
def test_subgraphs_in_any_order_give_the_same_answer(seed: int) -> None:
    def answer(sources: list[SubgraphSource]) -> object:
        try:
            composition = compose(sources)
        except CompositionFailed as failed:
            return sorted(error.message for error in failed.errors)
        return composition.supergraph_sdl, composition.hints

    sources = random_subgraphs(seed)
    assert answer(sources) == answer(sources[::-1])


# -- at size -------------------------------------------------------------------------------


def test_a_ring_of_keys_is_walked_in_time() -> None:
    size = 16
    started = process_time()
    composition = compose(
        SubgraphSource(
            f"s{index:02}",
            "",
            fed2(
                f'type Query {{ q{index}: T }} type T @key(fields: "k{index}") '
                f'@key(fields: "k{(index + 1) % size}") '
                f"{{ k{index}: ID k{(index + 1) % size}: ID f{index}: Int }}"
            ),
        )
        for index in range(size)
    )
    assert "f15" in composition.supergraph_sdl
    assert process_time() - started < 10


def test_value_types_shared_by_many_at_depth_do_not_multiply() -> None:
    levels = " ".join(
        f"type V{depth} @shareable {{ x: Int a: V{depth + 1} b: V{depth + 1} }}"
        for depth in range(10)
    )
    sdl = fed2(f"type Query {{ v: V0 @shareable }} {levels} type V10 @shareable {{ x: Int }}")
    started = process_time()
    compose(SubgraphSource(f"s{index}", "", sdl) for index in range(20))
    assert process_time() - started < 10
