"""Interface objects, in both directions."""

from __future__ import annotations

from tests.router.planning.kit import plan_lines, supergraph

MEDIA = {
    "owner": """
        type Query { media: [Media] }
        interface Media @key(fields: "id") { id: ID! title: String }
        type Film implements Media @key(fields: "id") { id: ID! title: String length: Int }
        type Song implements Media @key(fields: "id") { id: ID! title: String bpm: Int }
        union UU = Film | Zed
        type Zed { title: Int }
    """,
    "rate": """
        type Query { top: [Media] }
        type Media @key(fields: "id") @interfaceObject { id: ID! stars(top: Int): Int }
    """,
}


def test_objects_are_sent_under_the_name_of_the_interface_object() -> None:
    graph = supergraph(**MEDIA)
    assert plan_lines(graph, "{media{... on Film{length stars}}}") == [
        "0 owner {media{__typename ...on Film{length id}}}",
        "1 rate after 0: media.@ Film as Media{id} -> ...on Media{stars}",
    ]


def test_different_arguments_by_type_travel_as_two_lists() -> None:
    graph = supergraph(**MEDIA)
    assert plan_lines(graph, "{media{... on Film{stars(top:1)} ... on Song{stars(top:2)}}}") == [
        "0 owner {media{__typename id}}",
        "1 rate after 0: media.@ Film as Media{id} -> ...on Media{stars(top: 1)} & media.@ Song as Media{id} -> ...on Media{stars(top: 2)}",
    ]


def test_the_type_comes_from_its_owner() -> None:
    graph = supergraph(**MEDIA)
    assert plan_lines(graph, "{top{__typename stars}}") == [
        "0 rate {top{id stars}}",
        "1 owner after 0: top.@ Media{id} -> ...on Media{__typename}",
    ]


def test_a_fragment_learns_the_type_before_it_comes_back() -> None:
    graph = supergraph(**MEDIA)
    assert plan_lines(graph, "{top{... on Film{stars}}}") == [
        "0 rate {top{id}}",
        "1 owner after 0: top.@ Media{id} -> ...on Media{__typename}",
        "2 rate after 1: top.@ Film as Media{id} -> ...on Media{stars}",
    ]


def test_no_type_is_learnt_where_none_is_asked() -> None:
    graph = supergraph(**MEDIA)
    assert plan_lines(graph, "{top{id}}") == [
        "0 rate {top{id}}",
    ]
    assert plan_lines(graph, "{top{stars}}") == [
        "0 rate {top{stars}}",
    ]


def test_a_third_subgraph_extends_the_concrete_type() -> None:
    graph = supergraph(
        c="""
            type Query { ms: [M] }
            type M @key(fields: "id") @interfaceObject { id: ID! }
        """,
        a="""
            interface M @key(fields: "id") { id: ID! }
            type F implements M @key(fields: "id") { id: ID! }
        """,
        b="""
            type F @key(fields: "id") { id: ID! cut: Int }
        """,
    )
    assert plan_lines(graph, "{ms{... on F{cut}}}") == [
        "0 c {ms{id}}",
        "1 a after 0: ms.@ M{id} -> ...on M{__typename}",
        "2 b after 1: ms.@ F{id} -> ...on F{cut}",
    ]


def test_another_interface_object_is_asked_without_a_detour() -> None:
    graph = supergraph(
        r="""
            type Query { top: [M] }
            type M @key(fields: "id") @interfaceObject { id: ID! }
        """,
        v="""
            type M @key(fields: "id") @interfaceObject { id: ID! views: Int }
        """,
        o="""
            interface M @key(fields: "id") { id: ID! }
            type F implements M @key(fields: "id") { id: ID! len: Int }
            type G implements M @key(fields: "id") { id: ID! }
        """,
    )
    assert plan_lines(graph, "{top{... on F{views len}}}") == [
        "0 r {top{id}}",
        "1 o after 0: top.@ M{id} -> ...on M{__typename ...on F{len}}",
        "2 v after 1: top.@ F as M{id} -> ...on M{views}",
    ]


def test_an_interface_object_requires_a_field_of_the_interface() -> None:
    graph = supergraph(
        a="""
            interface Staff @key(fields: "id") { id: ID! name: String }
            type Doc implements Staff @key(fields: "id") { id: ID! name: String }
        """,
        b="""
            type Query { onDuty: [Staff] }
            type Staff @key(fields: "id") @interfaceObject {
              id: ID!
              name: String @external
              badge: String @requires(fields: "name")
            }
        """,
    )
    assert plan_lines(graph, "{onDuty{badge}}") == [
        "0 b {onDuty{id}}",
        "1 a after 0: onDuty.@ Staff{id} -> ...on Staff{__typename name}",
        "2 b after 1: onDuty.@ Staff{id name!} -> ...on Staff{badge}",
    ]


def test_a_union_that_shares_one_type_with_the_interface_asks_for_that_type() -> None:
    graph = supergraph(**MEDIA)
    assert plan_lines(graph, "{top{... on UU{__typename ... on Zed{title}}}}") == [
        "0 rate {top{id}}",
        "1 owner after 0: top.@ Media{id} -> ...on Media{__typename}",
    ]


SHELVES = {
    "owner": """
        interface Media @key(fields: "id") { id: ID! title: String }
        type Film implements Media @key(fields: "id") { id: ID! title: String length: Int }
        type Song implements Media @key(fields: "id") { id: ID! title: String bpm: Int }
    """,
    "rate": """
        type Query { shelf: Shelf }
        type Media @key(fields: "id") @interfaceObject { id: ID! stars: Int }
        type Shelf @key(fields: "id") { id: ID! best: Media }
    """,
    "shop": """
        interface Media { id: ID! }
        type Film implements Media @key(fields: "id", resolvable: false) {
          id: ID! @external length: Int @external
        }
        type Song implements Media @key(fields: "id", resolvable: false) {
          id: ID! @external bpm: Int @external
        }
        type Shelf @key(fields: "id") {
          id: ID!
          best: Media @external
          label: String @requires(fields: "best { id ... on Film { length } ... on Song { bpm } }")
        }
    """,
}


def test_a_requirement_learns_the_types_that_its_conditions_ask_for() -> None:
    assert plan_lines(supergraph(**SHELVES), "{shelf{label}}") == [
        "0 rate {shelf{id best{id}}}",
        "1 owner after 0: shelf.best Media{id} -> ...on Media{__typename ...on Film{length} ...on Song{bpm}}",
        "2 shop after 1: shelf Shelf{id best{__typename! id! ...on Film{length!} ...on Song{bpm!}}!} -> ...on Shelf{label}",
    ]


def test_a_required_type_condition_may_leave_types_out() -> None:
    shop = SHELVES["shop"].replace("... on Song { bpm }", "").replace("bpm: Int @external", "")
    assert plan_lines(supergraph(**{**SHELVES, "shop": shop}), "{shelf{label}}")[1:] == [
        "1 owner after 0: shelf.best Media{id} -> ...on Media{__typename ...on Film{length}}",
        "2 shop after 1: shelf Shelf{id best{__typename! id! ...on Film{length!}}!} -> ...on Shelf{label}",
    ]
