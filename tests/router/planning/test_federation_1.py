"""Supergraphs that a Federation 1 composer wrote (join spec 0.1)."""

from __future__ import annotations

from router.supergraph import Supergraph
from tests.router.planning.kit import plan_lines

SDL = """
schema @core(feature: "https://specs.apollo.dev/core/v0.1")
  @core(feature: "https://specs.apollo.dev/join/v0.1") { query: Query }
directive @core(feature: String!) repeatable on SCHEMA
directive @join__field(graph: join__Graph, requires: join__FieldSet, provides: join__FieldSet)
  on FIELD_DEFINITION
directive @join__type(graph: join__Graph!, key: join__FieldSet) repeatable on OBJECT | INTERFACE
directive @join__owner(graph: join__Graph!) on OBJECT | INTERFACE
directive @join__graph(name: String!, url: String!) on ENUM_VALUE
scalar join__FieldSet
enum join__Graph {
  CAT @join__graph(name: "cat" url: "http://cat")
  LEND @join__graph(name: "lend" url: "http://lend")
}
type Query {
  books: [Book] @join__field(graph: CAT)
  slip: Slip @join__field(graph: LEND, provides: "book { title }")
}
type Book @join__owner(graph: CAT)
  @join__type(graph: CAT, key: "isbn") @join__type(graph: LEND, key: "isbn") {
  isbn: ID! @join__field(graph: CAT)
  weight: Int @join__field(graph: CAT)
  title: String @join__field(graph: CAT)
  fee: Int @join__field(graph: LEND, requires: "weight")
}
type Slip { no: Int book: Book }
"""


def test_the_owner_supplies_what_an_extension_requires() -> None:
    assert plan_lines(Supergraph.load(SDL), "{books{title fee}}") == [
        "0 cat {books{title isbn weight}}",
        "1 lend after 0: books.@ Book{isbn weight!} -> ...on Book{fee}",
    ]


def test_an_extension_is_entered_again_with_what_it_requires() -> None:
    assert plan_lines(Supergraph.load(SDL), "{slip{no book{fee}}}") == [
        "0 lend {slip{no book{isbn}}}",
        "1 cat after 0: slip.book Book{isbn} -> ...on Book{weight}",
        "2 lend after 1: slip.book Book{isbn weight!} -> ...on Book{fee}",
    ]


def test_a_provided_field_is_taken_where_it_is_provided() -> None:
    assert plan_lines(Supergraph.load(SDL), "{slip{book{title}}}") == ["0 lend {slip{book{title}}}"]
