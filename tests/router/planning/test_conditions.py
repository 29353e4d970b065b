"""@skip and @include: what is excluded is not fetched."""

from __future__ import annotations

from tests.router.planning.kit import plan_lines, planned, supergraph

AB = {
    "a": """
        type Query { p: P }
        type P @key(fields: "id") { id: ID! a: Int }
    """,
    "b": """
        type P @key(fields: "id") { id: ID! b: Int }
    """,
}


def test_a_conditional_requirement_does_not_hold_up_others() -> None:
    graph = supergraph(
        r="""
            type Query { p: P }
            type P @key(fields: "id") { id: ID! }
        """,
        a="""
            type P @key(fields: "id") { id: ID! a: Int }
        """,
        b="""
            type P @key(fields: "id") {
              id: ID!
              a: Int @external
              c: Int @requires(fields: "a")
              b: Int
            }
        """,
    )
    assert plan_lines(graph, "query($s:Boolean!){p{c @include(if:$s) b}}") == [
        "0 r {p{id}}",
        "1 a after 0 if $s: p P{id} -> ...on P{a}",
        "2 b after 0: p P{id} -> ...on P{b}",
        "3 b after 1 if $s: p P{id a!} -> ...on P{c}",
    ]


def test_a_conditional_requirement_at_hand_is_optional() -> None:
    graph = supergraph(
        a="""
            type Query { p: P }
            type P @key(fields: "id") { id: ID! a: Int }
        """,
        b="""
            type P @key(fields: "id") {
              id: ID!
              a: Int @external
              c: Int @requires(fields: "a")
              b: Int
            }
        """,
    )
    assert plan_lines(graph, "query($s:Boolean!){p{c @include(if:$s) b}}") == [
        "0 a {p{id a}}",
        "1 b after 0: p P{id a! if $s} -> ...on P{c @include(if:$s) b}",
    ]


def test_all_enclosing_conditions_belong_to_the_inner_fields() -> None:
    graph = supergraph(
        a="""
            type Query { p: P }
            type P @key(fields: "id") { id: ID! a: Int }
        """,
        b="""
            type P @key(fields: "id") {
              id: ID!
              a: Int @external
              b: Int
              c: Int @requires(fields: "a")
            }
        """,
    )
    assert plan_lines(
        graph, "query($s:Boolean!,$t:Boolean!){p{... @include(if:$s){b ... @include(if:$t){c}}}}"
    ) == [
        "0 a {p{id a}}",
        "1 b after 0 if $s: p P{id a! if $t} -> ...on P{b c @include(if:$t)}",
    ]


def test_a_conditional_root_field_makes_all_its_fetches_conditional() -> None:
    graph = supergraph(**AB)
    assert plan_lines(graph, "query($s:Boolean!){p @include(if:$s){a b}}") == [
        "0 a if $s {p{a id}}",
        "1 b after 0 if $s: p P{id} -> ...on P{b}",
    ]


def test_a_conditional_copy_does_not_serve_as_a_key() -> None:
    graph = supergraph(**AB)
    assert plan_lines(graph, "query($s:Boolean!){p{id @skip(if:$s) b}}") == [
        "0 a {p{id}}",
        "1 b after 0: p P{id} -> ...on P{b}",
    ]


def test_a_condition_on_one_type_guards_its_representations_only() -> None:
    graph = supergraph(
        a="""
            type Query { m: [M] }
            union M = F | S
            type F @key(fields: "id") { id: ID! }
            type S @key(fields: "id") { id: ID! }
        """,
        b="""
            type F @key(fields: "id") { id: ID! x: Int }
            type S @key(fields: "id") { id: ID! x: Int }
        """,
    )
    assert plan_lines(graph, "query($i:Boolean!){m{... on F @include(if:$i){x} ... on S{x}}}") == [
        "0 a {m{__typename ...on F{id} ...on S{id}}}",
        "1 b after 0: m.@ F{id} if $i S{id} -> ...on F{... @include(if:$i){x}} ...on S{x}",
    ]


def test_an_operation_that_excludes_everything_fetches_nothing() -> None:
    graph = supergraph(**AB)
    assert plan_lines(graph, "{p @skip(if:true){id}}") == []


def test_an_object_left_without_fields_is_still_fetched() -> None:
    graph = supergraph(**AB)
    assert plan_lines(graph, "{p{id @include(if:false)}}") == [
        "0 a {p{__typename}}",
    ]


SHARED = {
    "a": """
        type Query { v: V @shareable }
        type V { x: Int @shareable a: Int w: W @shareable }
        type W { y: Int @shareable }
    """,
    "b": """
        type Query { v: V @shareable }
        type V { x: Int @shareable b: Int w: W @shareable }
        type W { y: Int @shareable z: Int }
    """,
}


def test_a_root_fetch_is_spared_where_another_brings_the_object() -> None:
    assert plan_lines(supergraph(**SHARED), "query($c:Boolean!){v{a b @skip(if:$c)}}") == [
        "0 a {v{a}}",
        "1 b if not $c {v{b}}",
    ]


def test_of_two_root_fetches_one_at_least_brings_the_object() -> None:
    query = "query($c:Boolean!){v{... @skip(if:$c){a b}}}"
    fetches = planned(supergraph(**SHARED), query).fetches
    assert len(fetches) == 2
    assert [fetch.when for fetch in fetches].count(()) == 1


def test_a_root_fetch_is_spared_below_a_condition_too() -> None:
    query = "query($c:Boolean!,$d:Boolean!){v @include(if:$d){a b @skip(if:$c)}}"
    assert plan_lines(supergraph(**SHARED), query) == [
        "0 a if $d {v{a}}",
        "1 b if not $c, $d {v{b}}",
    ]


def test_an_object_that_no_other_fetch_brings_is_not_spared() -> None:
    graph = supergraph(
        a="""
            type Query { v: V @shareable }
            type V { a: Int }
        """,
        b="""
            type Query { v: V @shareable }
            type V { w: W }
            type W { z: Int }
        """,
    )
    assert plan_lines(graph, "query($c:Boolean!){v{a w{z @skip(if:$c)}}}") == [
        "0 a {v{a}}",
        "1 b {v{w{z @skip(if:$c)}}}",
    ]


def test_an_object_is_brought_by_a_fetch_that_is_made_in_any_case() -> None:
    query = "query($c:Boolean!){v{a w{z @skip(if:$c)}}}"
    assert plan_lines(supergraph(**SHARED), query) == [
        "0 a {v{a w{__typename}}}",
        "1 b if not $c {v{w{z}}}",
    ]


def test_of_roots_that_bring_nothing_but_objects_one_brings_them_for_all() -> None:
    graph = supergraph(
        a="""
            type Query { v: V @shareable w: W @shareable }
            type V { a: Int }
            type W { x: Int @shareable }
        """,
        b="""
            type Query { v: V @shareable w: W @shareable }
            type V { x: Int }
            type W { b: Int x: Int @shareable }
        """,
    )
    query = "query($c:Boolean!,$d:Boolean!){v{a @include(if:$c)} w{b @include(if:$d)}}"
    assert plan_lines(graph, query) == [
        "0 a {v{a @include(if:$c)} w{__typename}}",
        "1 b if $d {w{b}}",
    ]


def test_an_entity_is_not_sent_for_an_object_that_it_was_found_with() -> None:
    graph = supergraph(
        a="""
            type Query { p: P }
            type P @key(fields: "id") { id: ID! n: N @shareable }
            type N { x: Int }
        """,
        b="""
            type P @key(fields: "id") { id: ID! n: N @shareable }
            type N { y: Int }
        """,
    )
    assert plan_lines(graph, "query($c:Boolean!){p{n{x y @skip(if:$c)}}}") == [
        "0 a {p{n{x} id}}",
        "1 b after 0 if not $c: p P{id} -> ...on P{n{y}}",
    ]
    assert plan_lines(graph, "query($c:Boolean!){p{n{y @skip(if:$c)}}}") == [
        "0 a {p{n{__typename} id}}",
        "1 b after 0 if not $c: p P{id} -> ...on P{n{y}}",
    ]


def test_objects_come_from_where_something_is_wanted_most_often() -> None:
    graph = supergraph(
        a="type Query { p: P @shareable } type P { i: Int }",
        b="type Query { p: P @shareable } type P { l: Int }",
    )
    for own, other, query in (
        ("i", "l", "p { i @include(if: $c) l @include(if: $c) @skip(if: $d) }"),
        ("l", "i", "p { l @include(if: $c) i @include(if: $c) @skip(if: $d) }"),
    ):
        found = plan_lines(graph, f"query($c: Boolean! $d: Boolean!) {{ {query} }}")
        assert [line.partition(" ")[2][1:] for line in found] == [
            f" {{p{{{own} @include(if:$c)}}}}",
            f" if $c, not $d {{p{{{other}}}}}",
        ]


def test_objects_come_from_where_something_is_wanted_under_one_condition_or_its_contrary() -> None:
    graph = supergraph(
        a="type Query { p: P @shareable } type P { i: Int }",
        b="type Query { p: P @shareable q: Int } type P { l: Int }",
    )
    query = "query($c: Boolean! $d: Boolean!) { p { i @include(if: $c) l @include(if: $d) } q @skip(if: $d) }"
    assert plan_lines(graph, query) == [
        "0 b {p{l @include(if:$d)} q @skip(if:$d)}",
        "1 a if $c {p{i}}",
    ]


def test_all_values_of_the_conditions_are_weighed() -> None:
    graph = supergraph(
        a="type Query { p: P @shareable } type P { i: Int @shareable x: Int y: Int }",
        b="type Query { p: P @shareable } type P { i: Int @shareable z: Int w: Int }",
    )
    query = """query($c: Boolean! $e: Boolean! $d: Boolean!) {
        p { i x @include(if: $c) y @include(if: $e) z @include(if: $d) w @skip(if: $d) }
    }"""
    # z or w is asked of b whatever $d is
    assert plan_lines(graph, query) == [
        "0 b {p{i z @include(if:$d) w @skip(if:$d)}}",
        "1 a {p{x @include(if:$c) y @include(if:$e)}}",
    ]


def test_an_object_is_asked_in_any_case_though_all_below_it_is_conditional() -> None:
    graph = supergraph(
        a="""
            type Query { p: P @shareable }
            type P { i: Int @shareable x: Int }
        """,
        b="""
            type Query { p: P @shareable }
            type P { i: Int @shareable l: L }
            type L @key(fields: "id") { id: ID! }
        """,
        c='type L @key(fields: "id") { id: ID! y: Int }',
    )
    query = "query($c:Boolean!,$d:Boolean!){p{x @include(if:$c) l{y @include(if:$d)} i}}"
    assert plan_lines(graph, query) == [
        "0 a if $c {p{x}}",
        "1 b {p{l{id} i}}",
        "2 c after 1 if $d: p.l L{id} -> ...on L{y}",
    ]


def test_a_field_goes_along_with_what_is_asked_in_any_case() -> None:
    query = "query($c:Boolean!){v{x b a @include(if:$c)}}"
    assert plan_lines(supergraph(**SHARED), query) == [
        "0 b {v{x b}}",
        "1 a if $c {v{a}}",
    ]
    query = "query($c:Boolean!){v{x a b @include(if:$c)}}"
    assert plan_lines(supergraph(**SHARED), query) == [
        "0 a {v{x a}}",
        "1 b if $c {v{b}}",
    ]


def test_a_request_that_a_condition_spares_is_worth_another_list() -> None:
    graph = supergraph(
        a="""
            type Query { p: P r: R }
            type P @key(fields: "id") { id: ID! }
            type R @key(fields: "id") { id: ID! }
        """,
        b="""
            type P @key(fields: "id") { id: ID! x: Int @shareable b: Int }
        """,
        c="""
            type P @key(fields: "id") { id: ID! x: Int @shareable }
            type R @key(fields: "id") { id: ID! c: Int }
        """,
    )
    assert plan_lines(graph, "query($c:Boolean!){p{x b @include(if:$c)} r{c}}") == [
        "0 a {p{id} r{id}}",
        "1 c after 0: p P{id} -> ...on P{x} & r R{id} -> ...on R{c}",
        "2 b after 0 if $c: p P{id} -> ...on P{b}",
    ]


def test_constants_are_folded_and_defaults_are_not() -> None:
    graph = supergraph(**AB)
    assert plan_lines(graph, "{p{id @skip(if:false) b @include(if:false)}}") == ["0 a {p{id}}"]
    assert plan_lines(graph, "query($s:Boolean=true){p @skip(if:$s){id}}") == [
        "0 a if not $s {p{id}}"
    ]


def test_what_is_asked_in_any_case_has_the_shortest_chain_though_a_request_more_is_made() -> None:
    graph = supergraph(
        a="""
            type Query { p: P @shareable }
            type P @key(fields: "id") { id: ID! x: Int a: Int @shareable }
        """,
        b="""
            type Query { p: P @shareable q: P }
            type P @key(fields: "id") { id: ID! }
        """,
        c='type P @key(fields: "id") { id: ID! c: Int }',
    )
    assert plan_lines(graph, "query($c:Boolean!){p{x} q @skip(if:$c){a c}}") == [
        "0 a {p{x}}",
        "1 b if not $c {q{id}}",
        "2 a after 1 if not $c: q P{id} -> ...on P{a}",
        "3 c after 1 if not $c: q P{id} -> ...on P{c}",
    ]


def test_leaves_under_one_condition_share_requests_that_others_do_not_make() -> None:
    graph = supergraph(
        a="""
            type Query { p: P @shareable q: Q @shareable }
            type P @key(fields: "id") { id: ID! a: Int }
            type Q @key(fields: "id") { id: ID! a: Int }
        """,
        b="""
            type Query { p: P @shareable q: Q @shareable }
            type P @key(fields: "id") { id: ID! b: Int }
            type Q @key(fields: "id") { id: ID! }
        """,
        c='type Q @key(fields: "id") { id: ID! c: Int }',
    )
    query = "query($c:Boolean!,$d:Boolean!){p @include(if:$c){a b} q @include(if:$d){a c}}"
    assert plan_lines(graph, query) == [
        "0 a {p @include(if:$c){a} q @include(if:$d){a id}}",
        "1 b if $c {p{b}}",
        "2 c after 0 if $d: q Q{id} -> ...on Q{c}",
    ]


def test_a_fetch_of_nothing_but_keys_is_made_only_where_they_are_needed() -> None:
    graph = supergraph(
        a="""
            type Query { p: P @shareable }
            type P @key(fields: "id") { id: ID! @shareable a: Int }
        """,
        b="""
            type Query { p: P @shareable }
            type P @key(fields: "id") { id: ID! @shareable b: Int }
        """,
        c='type P @key(fields: "id") { id: ID! b: Int @external c: Int @requires(fields: "b") }',
    )
    assert plan_lines(graph, "query($x:Boolean!){p{a c @include(if:$x)}}") == [
        "0 a {p{a}}",
        "1 b if $x {p{id b}}",
        "2 c after 1 if $x: p P{id b!} -> ...on P{c}",
    ]
