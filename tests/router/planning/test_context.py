"""@context and @fromContext."""

from __future__ import annotations

from tests.router.planning.kit import plan_lines, supergraph


def test_a_context_argument_makes_the_object_come_back_with_its_value() -> None:
    graph = supergraph(
        a="""
            type Query { w: Ward }
            type Ward @context(name: "wc") { id: ID! lang: String bed: Bed }
            type Bed @key(fields: "id") {
              id: ID!
              sign(l: String @fromContext(field: "$wc{lang}")): String
            }
        """,
        b="type Query { z: Int }",
    )
    assert plan_lines(graph, "{w{bed{sign}}}") == [
        "0 a {w{bed{id} lang}}",
        "1 a after 0: w.bed Bed{id} -> ...on Bed{sign(l: $contextualArgument_0_0)} [contextualArgument_0_0: up 1 {lang!}]",
    ]


def test_the_value_may_come_from_another_subgraph_than_the_enclosing_object() -> None:
    graph = supergraph(
        c="""
            type Query { w: Ward }
            type Ward @key(fields: "id") { id: ID! bed: Bed @shareable }
            type Bed @key(fields: "id") { id: ID! }
        """,
        a="""
            type Ward @key(fields: "id") @context(name: "wc") {
              id: ID! lang: String bed: Bed @shareable
            }
            type Bed @key(fields: "id") {
              id: ID! sign(l: String @fromContext(field: "$wc{lang}"), n: Int): String
            }
        """,
    )
    assert plan_lines(graph, "query($n:Int){w{bed{sign(n:$n)}}}") == [
        "0 c {w{bed{id} id}}",
        "1 a after 0: w Ward{id} -> ...on Ward{lang}",
        "2 a after 1: w.bed Bed{id} -> ...on Bed{sign(n: $n, l: $contextualArgument_0_0)}"
        " [contextualArgument_0_0: up 1 {lang!}]",
    ]


def test_each_member_of_a_union_gives_its_own_value() -> None:
    graph = supergraph(
        a="""
            type Query { w: U }
            union U @context(name: "wc") = Ward | Room
            type Ward { lang: String bed: Bed }
            type Room { lang: String bed: Bed }
            type Bed @key(fields: "id") {
              id: ID!
              sign(l: String @fromContext(field: "$wc ... on Ward{lang} ... on Room{lang}")): String
            }
        """,
    )
    assert plan_lines(graph, "{w{... on Ward{bed{sign}} ... on Room{bed{sign}}}}") == [
        "0 a {w{__typename ...on Ward{bed{id} lang} ...on Room{bed{id} lang}}}",
        "1 a after 0: w|[Ward].bed Bed{id} -> ...on Bed{sign(l: $contextualArgument_0_0)}"
        " [contextualArgument_0_0: up 1 {lang!}]"
        " & w|[Room].bed Bed{id} -> ...on Bed{sign(l: $contextualArgument_0_1)}"
        " [contextualArgument_0_1: up 1 {lang!}]",
    ]


def test_fields_that_are_given_values_of_one_object_come_back_in_one_fetch() -> None:
    graph = supergraph(
        a="""
            type Query { w: Ward }
            type Ward @context(name: "wc") { id: ID! lang: String floor: Int bed: Bed }
            type Bed @key(fields: "id") {
              id: ID!
              sign(l: String @fromContext(field: "$wc{lang}")): String
              name(l: String @fromContext(field: "$wc{lang}")): String
              near(f: Int @fromContext(field: "$wc{floor}")): String
            }
        """,
        b="type Query { z: Int }",
    )
    assert plan_lines(graph, "{w{bed{s: sign sign name near}}}") == [
        "0 a {w{bed{id} lang floor}}",
        "1 a after 0: w.bed Bed{id} -> ...on Bed{s:sign(l: $contextualArgument_0_0)"
        " sign(l: $contextualArgument_0_0) name(l: $contextualArgument_0_0)"
        " near(f: $contextualArgument_0_1)}"
        " [contextualArgument_0_0: up 1 {lang!}] [contextualArgument_0_1: up 1 {floor!}]",
    ]


WARDS = {
    "a": """
        type Query { w: Ward }
        type Ward @context(name: "wc") { id: ID! lang: String sub: Ward bed: Bed }
        type Bed @key(fields: "id") {
          id: ID! sign(l: String @fromContext(field: "$wc{lang}")): String
        }
    """,
}


def test_the_nearest_object_around_gives_the_value() -> None:
    assert plan_lines(supergraph(**WARDS), "{w{sub{bed{sign}}}}") == [
        "0 a {w{sub{bed{id} lang}}}",
        "1 a after 0: w.sub.bed Bed{id} -> ...on Bed{sign(l: $contextualArgument_0_0)}"
        " [contextualArgument_0_0: up 1 {lang!}]",
    ]


def test_a_value_steps_aside_for_a_client_alias() -> None:
    assert plan_lines(supergraph(**WARDS), "{w{lang:id bed{sign}}}") == [
        "0 a {w{lang:id bed{id} _k0_lang:lang}}",
        "1 a after 0: w.bed Bed{id} -> ...on Bed{sign(l: $contextualArgument_0_0)}"
        " [contextualArgument_0_0: up 1 {lang<_k0_lang!}]",
    ]


def test_a_field_that_takes_a_value_keeps_its_condition() -> None:
    query = "query($s:Boolean!){w{bed{id sign @include(if:$s)}}}"
    assert plan_lines(supergraph(**WARDS), query)[1].startswith("1 a after 0 if $s: w.bed Bed{id}")
