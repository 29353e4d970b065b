"""Types that are asked alike are printed once, where the subgraph's schema allows it."""

from __future__ import annotations

from router.planning.explain import to_text
from tests.router.planning.kit import plan_lines, planned, supergraph

PETS = """
    type Query { pets: [Pet] }
    interface Pet { id: ID! name: String }
    type Cat implements Pet @key(fields: "id") { id: ID! name: String @external }
    type Dog implements Pet @key(fields: "id") { id: ID! name: String @external }
"""
OWNER = """
    interface Pet { name: String }
    type Cat implements Pet @key(fields: "id") { id: ID! name: String age: Int }
    type Dog implements Pet @key(fields: "id") { id: ID! name: String age: Int }
"""
EMU = 'type Emu implements Pet @key(fields: "id") { id: ID! name: String }'


def test_what_all_types_are_asked_is_asked_of_the_interface() -> None:
    graph = supergraph(a=PETS, b=OWNER)
    assert plan_lines(graph, "{pets{name}}") == [
        "0 a {pets{__typename id}}",
        "1 b after 0: pets.@ Cat{id} Dog{id} -> ...on Pet{name}",
    ]


def test_fields_that_the_interface_lacks_stay_with_the_types() -> None:
    graph = supergraph(a=PETS, b=OWNER)
    assert plan_lines(graph, "{pets{name ... on Cat{age} ... on Dog{age}}}")[1] == (
        "1 b after 0: pets.@ Cat{id} Dog{id} -> ...on Pet{name} ...on Cat{age} ...on Dog{age}"
    )


def test_a_type_that_must_not_be_asked_keeps_the_others_apart() -> None:
    graph = supergraph(a=PETS + EMU, b=OWNER)
    assert plan_lines(graph, "{pets{name}}") == [
        "0 a {pets{__typename ...on Cat{id} ...on Dog{id} ...on Emu{name}}}",
        "1 b after 0: pets.@ Cat{id} Dog{id} -> ...on Pet{name}",
    ]


def test_an_interface_that_means_just_these_types_stands_for_them() -> None:
    tame = PETS.replace("interface Pet", "interface Tame { id: ID! } interface Pet")
    tame = tame.replace("implements Pet", "implements Pet & Tame")
    graph = supergraph(a=tame + EMU, b=OWNER)
    assert plan_lines(graph, "{pets{name}}")[0] == (
        "0 a {pets{__typename ...on Tame{id} ...on Emu{name}}}"
    )


def test_fields_of_other_types_or_arguments_are_not_folded() -> None:
    graph = supergraph(
        a="""
            type Query { pets: [Pet] }
            interface Pet { id: ID }
            type Cat implements Pet @key(fields: "id") { id: ID! }
            type Dog implements Pet @key(fields: "id") { id: ID! }
        """,
        b="""
            type Cat @key(fields: "id") { id: ID! age: Int }
            type Dog @key(fields: "id") { id: ID! age: Int }
        """,
    )
    assert plan_lines(graph, "{pets{... on Cat{age} ... on Dog{age}}}") == [
        "0 a {pets{__typename ...on Cat{id} ...on Dog{id}}}",
        "1 b after 0: pets.@ Cat{id} Dog{id} -> ...on Cat{age} ...on Dog{age}",
    ]


def test_a_long_selection_of_several_types_is_a_named_fragment() -> None:
    fields = "title: String text: String author: String publisher: String language: String"
    graph = supergraph(
        a=f"""
            type Query {{ boxes: [Box] }}
            interface Box {{ id: ID! item: Item }}
            type A implements Box @key(fields: "id") {{ id: ID! item: Item @shareable }}
            type B implements Box @key(fields: "id") {{ id: ID! item: Item @shareable }}
            type C implements Box @key(fields: "id") {{ id: ID! item: Item @external }}
            type Item @key(fields: "id") {{ id: ID! {fields} }}
        """,
        b="""
            type C @key(fields: "id") { id: ID! item: Item }
            type Item @key(fields: "id") { id: ID! }
        """,
    )
    plan = planned(graph, "{boxes{item{title text author publisher language t:title u:text}}}")
    assert plan.fetches[0].operation == (
        "{boxes{__typename ...on A{item{...f0}} ...on B{item{...f0}} ...on C{id}}}"
        " fragment f0 on Item{title text author publisher language t:title u:text}"
    )
    assert "fragment f0 on Item {" in to_text(plan)
