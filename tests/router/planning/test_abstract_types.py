"""Interfaces and unions: who knows which types."""

from __future__ import annotations

import pytest

from router.errors import NoPlan
from tests.router.planning.kit import plan_lines, planned, supergraph

ACT = {
    "a": """
        type Query { act: Act @shareable }
        union Act = Common | OnlyA
        type Common @shareable { n: Int }
        type OnlyA { n: Int }
    """,
    "b": """
        type Query { act: Act @shareable }
        union Act = Common | OnlyB
        type Common @shareable { n: Int }
        type OnlyB { n: Int }
    """,
}

NODE = {
    "a": """
        type Query { node: Node @shareable }
        interface Node { id: ID! }
        type Acc implements Node @key(fields: "id") { id: ID! @shareable nick: String }
        type Chat implements Node @key(fields: "id") { id: ID! @external }
    """,
    "b": """
        type Query { node: Node @shareable }
        interface Node { id: ID! }
        type Acc implements Node @key(fields: "id") { id: ID! @external }
        type Chat implements Node @key(fields: "id") { id: ID! @shareable text: String }
    """,
}


def test_an_external_field_of_one_implementation_explodes_the_interface() -> None:
    graph = supergraph(
        a="""
            type Query { an: [Animal] }
            interface Animal { name: String }
            type Dog implements Animal @key(fields: "id") { id: ID! name: String @external }
            type Cat implements Animal @key(fields: "id") { id: ID! name: String }
        """,
        b="""
            type Dog @key(fields: "id") { id: ID! name: String }
        """,
    )
    assert plan_lines(graph, "{an{name}}") == [
        "0 a {an{__typename ...on Cat{name} ...on Dog{id}}}",
        "1 b after 0: an.@ Dog{id} -> ...on Dog{name}",
    ]


def test_a_direct_interface_field_that_leads_nowhere_is_asked_per_type() -> None:
    graph = supergraph(
        a="""
            type Query { i: I }
            interface I { s: S }
            type T implements I @key(fields: "id") { id: ID! s: S @shareable }
            type S { x: Int @shareable }
        """,
        b="""
            type T @key(fields: "id") { id: ID! s: S @shareable }
            type S { x: Int @shareable y: Int }
        """,
    )
    assert plan_lines(graph, "{i{s{y}}}") == [
        "0 a {i{__typename ...on T{id}}}",
        "1 b after 0: i T{id} -> ...on T{s{y}}",
    ]


def test_a_type_is_carried_on_where_it_implements_nothing() -> None:
    graph = supergraph(
        a="""
            type Query { node: Node }
            interface Node { id: ID! }
            type P implements Node @key(fields: "id") { id: ID! }
        """,
        b="""
            type P @key(fields: "id") { id: ID! b: Int }
        """,
    )
    assert plan_lines(graph, "{node{... on P{b}}}") == [
        "0 a {node{__typename ...on P{id}}}",
        "1 b after 0: node P{id} -> ...on P{b}",
    ]


def test_a_type_its_subgraph_does_not_know_can_never_come_from_it() -> None:
    graph = supergraph(
        a="""
            type Query { an: Animal }
            interface Animal { id: ID! }
            type Dog implements Animal @key(fields: "id") { id: ID! }
        """,
        b="""
            interface Animal { id: ID! legs: Int }
            type Dog implements Animal @key(fields: "id") { id: ID! legs: Int }
            type Bird implements Animal @key(fields: "id") { id: ID! legs: Int }
        """,
    )
    assert plan_lines(graph, "{an{... on Bird{legs}}}") == [
        "0 a {an{__typename}}",
    ]
    assert plan_lines(graph, "{an{... on Dog{legs}}}") == [
        "0 a {an{__typename ...on Dog{id}}}",
        "1 b after 0: an Dog{id} -> ...on Dog{legs}",
    ]


def test_a_fragment_on_an_interface_unknown_here_holds_for_the_object() -> None:
    graph = supergraph(
        a="""
            type Query { p: P }
            type P @key(fields: "id") { id: ID! }
        """,
        b="""
            interface Priced { price: Int }
            type P implements Priced @key(fields: "id") { id: ID! price: Int }
        """,
    )
    assert plan_lines(graph, "{p{... on Priced{price}}}") == [
        "0 a {p{id}}",
        "1 b after 0: p P{id} -> ...on P{price}",
    ]


def test_a_member_that_one_subgraph_does_not_know_is_cut_for_all() -> None:
    graph = supergraph(**ACT)
    assert plan_lines(graph, "{act{... on OnlyA{n}}}") == [
        "0 a {act{__typename}}",
    ]


def test_a_field_of_one_subgraph_keeps_its_members() -> None:
    graph = supergraph(
        a="""
            type Query { act: Act }
            union Act = Common | OnlyA
            type Common @shareable { n: Int }
            type OnlyA { n: Int }
        """,
        b="""
            type Query { bct: Act }
            union Act = Common | OnlyB
            type Common @shareable { n: Int }
            type OnlyB { n: Int }
        """,
    )
    assert plan_lines(graph, "{act{... on OnlyA{n} ... on OnlyB{n}}}") == [
        "0 a {act{__typename ...on OnlyA{n}}}",
    ]


def test_an_entity_that_can_be_entered_elsewhere_cuts_members_too() -> None:
    graph = supergraph(
        a="""
            type Query { get: Resp }
            type Resp @key(fields: "id") { id: ID! acts: [Act!]! @shareable }
            union Act = Com | OnlyA
            type Com @shareable { s: Int }
            type OnlyA { a: Int }
        """,
        b="""
            type Resp @key(fields: "id") { id: ID! acts: [Act!]! @shareable }
            union Act = Com | OnlyB
            type Com @shareable { s: Int }
            type OnlyB { b: Int }
        """,
    )
    assert plan_lines(graph, "{get{acts{... on OnlyA{a} ... on Com{s}}}}") == [
        "0 a {get{acts{__typename ...on Com{s}}}}",
    ]


def test_a_narrower_type_swallows_the_fragment() -> None:
    graph = supergraph(
        a="""
            type Query { doc: Doc @shareable }
            interface Doc { t: String }
            type Pdf implements Doc @shareable { t: String }
            type Txt implements Doc { t: String }
        """,
        b="""
            type Query { doc: Pdf @shareable }
            type Pdf { t: String @shareable pages: Int }
        """,
    )
    assert plan_lines(graph, "{doc{... on Pdf{t pages}}}") == [
        "0 b {doc{__typename t pages}}",
    ]


def test_fragments_of_different_types_may_be_asked_of_different_roots() -> None:
    graph = supergraph(**NODE)
    assert plan_lines(graph, "{node{... on Acc{nick} ... on Chat{text}}}") == [
        "0 a {node{__typename ...on Acc{nick}}}",
        "1 b {node{__typename ...on Chat{text}}}",
    ]


def test_an_interface_field_that_no_root_resolves_for_all_types_has_no_plan() -> None:
    graph = supergraph(**NODE)
    with pytest.raises(NoPlan):
        planned(graph, "{node{id}}")


IMPLEMENTED_APART = {
    "a": """
        type Query { is: [I] u: U }
        interface I { id: ID! }
        interface J { j: Int }
        union U = A | B | C
        type A implements I & J @key(fields: "id") { id: ID! j: Int }
        type B implements I & J @key(fields: "id") { id: ID! j: Int }
        type C implements I @key(fields: "id") { id: ID! }
    """,
}


def test_a_fragment_on_an_interface_is_kept_where_it_means_the_same() -> None:
    graph = supergraph(**IMPLEMENTED_APART)
    assert plan_lines(graph, "{is{... on J{j}}}") == ["0 a {is{__typename ...on J{j}}}"]
    assert plan_lines(graph, "{u{... on J{j}}}") == ["0 a {u{__typename ...on J{j}}}"]


def test_a_type_that_implements_an_interface_elsewhere_only_is_asked_there() -> None:
    graph = supergraph(
        **IMPLEMENTED_APART,
        b="""
            interface J { j: Int }
            type C implements J @key(fields: "id") { id: ID! j: Int }
        """,
    )
    assert plan_lines(graph, "{is{... on J{j}}}") == [
        "0 a {is{__typename ...on J{j} ...on C{id}}}",
        "1 b after 0: is.@ C{id} -> ...on C{j}",
    ]


def test_what_no_object_can_be_is_not_asked() -> None:
    query = "{is{... on A{... on J{... on B{id}}}}}"
    assert plan_lines(supergraph(**IMPLEMENTED_APART), query) == ["0 a {is{__typename}}"]


def test_a_requirement_of_one_implementation_explodes_the_interface() -> None:
    graph = supergraph(
        a="""
            type Query { is: [I] }
            interface I { id: ID! f: Int }
            type A implements I @key(fields: "id") { id: ID! f: Int }
            type B implements I @key(fields: "id") {
              id: ID! f: Int @requires(fields: "w") w: Int @external
            }
        """,
        b='type B @key(fields: "id") { id: ID! w: Int }',
    )
    assert plan_lines(graph, "{is{f}}") == [
        "0 a {is{__typename ...on A{f} ...on B{id}}}",
        "1 b after 0: is.@ B{id} -> ...on B{w}",
        "2 a after 1: is.@ B{id w!} -> ...on B{f}",
    ]
