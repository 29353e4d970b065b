"""What a client's tags leave of the schema."""

from __future__ import annotations

import pytest
from graphql import build_schema, parse, print_schema, validate

from router.contracts.annotations import annotations_of
from router.contracts.contract import TagRules
from router.contracts.filter import filter_schema
from router.errors import SettingsInvalid

SDL = """
directive @tag(name: String!) repeatable on FIELD_DEFINITION | OBJECT | ENUM_VALUE | INTERFACE
  | UNION | INPUT_FIELD_DEFINITION | ARGUMENT_DEFINITION | SCALAR | ENUM | INPUT_OBJECT

type Query {
  reader: Reader @tag(name: "mobile")
  admin: Admin @tag(name: "internal")
  node: Node
  search(shelf: Shelf, filter: Filter, raw: String @tag(name: "internal")): Found
}
interface Node { id: ID! }
type Reader implements Node @tag(name: "mobile") {
  id: ID!
  name: String
  debts: Int @tag(name: "internal")
  boss: Admin
}
type Admin implements Node @tag(name: "internal") { id: ID! secret: OnlyAdmin }
type OnlyAdmin { key: String }
union Found = Reader | Admin
enum Shelf { OPEN CLOSED @tag(name: "internal") }
input Filter { shelf: Shelf hidden: String @tag(name: "internal") }
"""


def filtered(*, include: tuple[str, ...] = (), exclude: tuple[str, ...] = ()) -> str:
    schema = build_schema(SDL)
    tags = annotations_of(parse(SDL)).tags()
    rules = TagRules(include=include, exclude=exclude)
    return print_schema(filter_schema(schema, tags, rules, "web"))


def test_an_excluded_element_and_what_only_it_leads_to_are_gone() -> None:
    text = filtered(exclude=("internal",))
    for hidden in ("Admin", "secret", "debts", "boss", "CLOSED", "hidden", "raw"):
        assert hidden not in text
    for shown in ("Reader", "name", "OPEN", "search", "union Found = Reader"):
        assert shown in text


def test_included_tags_leave_only_what_carries_them() -> None:
    text = filtered(include=("mobile",), exclude=("internal",))
    assert "reader: Reader" in text
    assert "search" not in text
    assert "Node" not in text


def test_suggestions_name_nothing_hidden() -> None:
    schema = build_schema(SDL)
    rules = TagRules(exclude=("internal",))
    view = filter_schema(schema, annotations_of(parse(SDL)).tags(), rules, "web")
    for text in ("{ admi { id } }", "{ reader { debt } }", "{ node { ... on Admn { id } } }"):
        messages = " ".join(error.message for error in validate(view, parse(text)))
        assert messages
        for hidden in ("admin", "debts", "Admin'"):
            assert f"'{hidden}" not in messages


def test_a_contract_that_hides_everything_is_refused() -> None:
    with pytest.raises(SettingsInvalid, match="leaves no field to query"):
        filtered(include=("nothing",))


def test_hiding_a_required_argument_is_refused() -> None:
    sdl = """
    directive @tag(name: String!) repeatable on ARGUMENT_DEFINITION
    type Query { a(b: Int! @tag(name: "x")): Int }
    """
    with pytest.raises(SettingsInvalid, match=r"Query\.a\(b:\), which is required"):
        filter_schema(
            build_schema(sdl), annotations_of(parse(sdl)).tags(), TagRules(exclude=("x",)), "web"
        )


def test_hiding_a_field_that_a_visible_interface_promises_is_refused() -> None:
    sdl = """
    directive @tag(name: String!) repeatable on FIELD_DEFINITION
    type Query { n: N }
    interface N { id: ID }
    type T implements N { id: ID @tag(name: "x") other: Int }
    """
    with pytest.raises(SettingsInvalid, match="tag both alike"):
        filter_schema(
            build_schema(sdl), annotations_of(parse(sdl)).tags(), TagRules(exclude=("x",)), "web"
        )


def test_annotations_are_found_under_their_linked_names() -> None:
    sdl = """
    schema
      @link(url: "https://specs.apollo.dev/link/v1.0")
      @link(url: "https://specs.apollo.dev/tag/v0.3", import: [{name: "@tag", as: "@label"}])
      @link(url: "https://specs.apollo.dev/cost/v0.1", as: "price") { query: Query }
    type Query { a: Int @label(name: "x") b: Int @price(weight: 5) c: [Int] @price__listSize(assumedSize: 3) }
    """
    found = annotations_of(parse(sdl))
    assert found.tags() == {"Query.a": frozenset({"x"})}
    assert found.all("cost") == {"Query.b": ({"weight": "5"},)} or found.all("cost")["Query.b"]
    assert "Query.c" in found.all("listSize")
