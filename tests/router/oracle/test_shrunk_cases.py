"""Cases that random worlds found, made small: each once was a wrong answer, a crash or a hang."""

from __future__ import annotations

from typing import Any

from graphql import parse, validate

from tests.router.oracle.case import Case
from tests.router.oracle.federation import Federation
from tests.router.oracle.world import World


async def equal(operation: str, *, fed1: str = "", label: str = "", **more: Any) -> None:
    """Expect the merged schema's answer, whatever the data.

    Subgraphs are given by name, variables as ``v_NAME``.
    """
    variables = {name[2:]: value for name, value in more.items() if name.startswith("v_")}
    sdls = {name: text for name, text in more.items() if not name.startswith("v_")}
    for seed in range(6):
        federation = Federation(World.parse(sdls, seed=seed, fed1=fed1.split()))
        assert not validate(federation.supergraph.operation_schema, parse(operation))
        await Case(federation, operation, variables, frozenset(label.split())).check()


async def test_a_nested_requirement_is_put_together_from_the_answers_that_bring_its_parts() -> None:
    await equal(
        "{ q { links { ... on E { told } } } }",
        a="""
        type E implements I @key(fields: "id") {
          id: ID! code: String! c: Int
          next: [I] @external
          told: String @requires(fields: "next { ... on E { id code c } }")
        }
        interface I { id: ID! }
        type Query { q: [E] }
        """,
        b="""
        type E implements I @key(fields: "id") { id: ID! next: [I] links: [[U]] }
        interface I { id: ID! }
        union U = E
        """,
    )


async def test_what_only_deferred_parts_select_is_there_in_the_first_answer() -> None:
    await equal(
        "{ q { ... on U @defer { __typename } } }",
        a="type E { x: Int } union U = E type Query { q: [[U!]]! }",
    )


async def test_a_deferred_part_concerns_the_types_of_the_fragments_around_it() -> None:
    await equal(
        "{ q { ... on E { ... on E @defer { mood } } } }",
        a="""
        type E implements I { id: ID! mood: String }
        interface I { id: ID! }
        """,
        b="""
        type F implements I { id: ID! }
        interface I { id: ID! }
        type Query { q: [[I]] }
        """,
    )


async def test_a_deferred_part_of_nothing_but_deferred_parts_adds_no_field() -> None:
    await equal(
        "{ ... @defer { ... @defer { q { x } } } }",
        a="type V { x: Int } type Query { q: [[V]] }",
    )


async def test_an_inner_part_that_is_not_deferred_after_all_comes_with_the_part_around_it() -> None:
    await equal(
        "query($d0: Boolean!) { q { ... @defer { ... on E { ... @defer(if: $d0) { x } } } } }",
        v_d0=False,
        a="""
        type E implements I @key(fields: "id") { id: ID! x: Int }
        interface I @key(fields: "id") { id: ID! }
        """,
        b="""
        type I @interfaceObject @key(fields: "id") { id: ID! }
        type Query { q: I! }
        """,
    )


async def test_deferred_parts_inside_a_part_that_no_object_has_are_not_waited_for() -> None:
    await equal(
        "{ q { ... on V { ... @defer { x ... @defer { ... @defer { x } x } } } } }",
        a="type V { x: Int } type W { x: Int } union U = V | W type Query { q: [U] }",
    )


async def test_an_object_of_an_interface_that_only_one_type_implements_is_of_that_type() -> None:
    await equal(
        "{ q { ... on E { x } } }",
        a="""
        type E implements I @key(fields: "id") { id: ID! }
        interface I @key(fields: "id") { id: ID! }
        """,
        b="""
        type I @interfaceObject @key(fields: "id") { id: ID! x: Boolean }
        type Query { q: [I]! }
        """,
    )


async def test_an_object_whose_type_is_certain_is_sent_under_the_name_of_its_interface() -> None:
    await equal(
        "{ q { ... on E { next { x } } } }",
        a="""
        type I @interfaceObject @key(fields: "id") { id: ID! x: String }
        type Query { q: [[I]] @shareable }
        """,
        b="""
        type E implements I @key(fields: "id") { id: ID! next: E }
        interface I { id: ID! }
        type Query { q: [[E]] @shareable }
        """,
    )


async def test_a_field_beside_a_fragment_may_be_of_another_nullability_inside_it() -> None:
    await equal(
        "{ q { shade ... on E { shade } } }",
        a="""
        type E implements I @key(fields: "id") { id: ID! shade: String! @shareable }
        interface I { shade: String }
        type Query { q: [I!]! }
        """,
        b="""
        type E @key(fields: "id") { id: ID! shade: String @shareable }
        """,
    )


async def test_a_deferred_part_does_not_ask_by_key_for_what_only_its_place_provides() -> None:
    await equal(
        "query ($d: Boolean!) { q { ... @defer(if: $d) { items { id } } } }",
        a='type E @key(fields: "id") { id: ID! items: [P] @shareable } type P { id: ID! @shareable }',
        b="""
        type E @key(fields: "id") { id: ID! items: [P] @external }
        type P { id: ID! @shareable }
        type Query { q: [E!] @provides(fields: "items { id }") }
        """,
        v_d=True,
    )


async def test_parts_that_a_case_of_the_order_excludes_are_not_planned_for_it() -> None:
    operation = """
      mutation ($c: Boolean!) {
        one @skip(if: $c) { id }
        two { id }
        one { id ... on E @include(if: $c) { name } }
      }
    """
    sdl = """
    type Query { q: I }
    type Mutation { one: I two: I }
    interface I { id: ID! }
    type E implements I { id: ID! name: String }
    type F implements I { id: ID! }
    """
    for value in (True, False):
        await equal(operation, a=sdl, v_c=value)


async def test_a_deferred_part_may_ask_for_the_schema() -> None:
    await equal(
        "query ($n: String!) { ... @defer { __type(name: $n) { kind } } ... @defer { q } }",
        a="type Query { q: String }",
        v_n="Query",
    )


async def test_a_call_for_objects_that_another_case_of_the_order_asked_about_looks_for_its_own() -> (
    None
):
    for value in (True, False):
        await equal(
            "mutation ($c: Boolean!) { two @skip(if: $c) { x } three one { name } two { id } }",
            a="""
            type Query { q: E }
            type Mutation { one: E two: E }
            type E @key(fields: "id") { id: ID! x: Int }
            """,
            b='type E @key(fields: "id") { id: ID! name: String }',
            c="type Mutation { three: String }",
            v_c=value,
        )


async def test_fields_below_one_key_are_compared_though_conditions_part_it() -> None:
    for value in (True, False):
        await equal(
            "query ($c: Boolean!) { q @skip(if: $c) { x id } q { id ... on E { x } } }",
            a="""
            interface I { id: ID! x: Int }
            type E implements I @key(fields: "id") { id: ID! x: Int! @shareable }
            type F implements I @key(fields: "id") { id: ID! x: Int }
            type Query { q: [I] }
            """,
            b='type E @key(fields: "id") { id: ID! x: Int @shareable }',
            v_c=value,
        )


async def test_what_is_added_to_objects_of_two_places_is_looked_for_at_both() -> None:
    await equal(
        """query ($s: Boolean!, $i: Boolean!) { q { next {
          next { next @skip(if: $s) @include(if: $i) { __typename } }
          next { told }
          links { next { told } }
        } } }""",
        v_s=False,
        v_i=True,
        a="""
        type E @key(fields: "code") {
          id: ID! code: String!
          f(x: Int): String
          links: [[E!]]
          next: E @external
          told: String @requires(fields: "next { code }")
        }
        """,
        b="""
        type E @key(fields: "code") {
          id: ID! @external code: String!
          f(x: Int): String @external
          links: [[E!]] @external
          next: E @requires(fields: "links { id code f(x: 7) }")
        }
        type Query { q: E! }
        """,
    )
