"""What operations weigh."""

from __future__ import annotations

import pytest
from graphql import OperationDefinitionNode, build_schema, parse

from router.contracts.annotations import annotations_of
from router.contracts.contract import ContractLimits
from router.contracts.limits import Costs, LimitExceeded, Shape, check_shape, measure, page_sizes


def shape(text: str) -> Shape:
    document = parse(text)
    return measure(document, operation(text))


def operation(text: str) -> OperationDefinitionNode:
    return next(d for d in parse(text).definitions if isinstance(d, OperationDefinitionNode))


def test_an_operation_is_measured_with_its_fragments() -> None:
    text = """
    query Q { a { ...F } b: a { c @include(if: true) } }
    fragment F on T { c d { e: f } }
    """
    assert shape(text) == Shape(depth=3, height=6, aliases=2, root_fields=2, directives=1)


def test_a_fragment_bomb_is_measured_without_expanding_it() -> None:
    levels = 60
    parts = [f"fragment F{i} on T {{ ...F{i + 1} ...F{i + 1} }}" for i in range(levels)]
    text = "query { ...F0 } " + " ".join(parts) + f" fragment F{levels} on T {{ a }}"
    document, node = parse(text), operation(text)
    with pytest.raises(LimitExceeded) as refusal:
        check_shape(document, node, ContractLimits(height=1000))  # expanded it would never end
    assert refusal.value.error_code == "MAX_HEIGHT_LIMIT"


def test_a_fragment_inside_itself_is_left_to_validation() -> None:
    text = "query { ...F } fragment F on T { a { ...G ...G } } fragment G on T { a { ...F ...F } }"
    check_shape(parse(text), operation(text), ContractLimits(depth=10))


def test_a_long_chain_of_fragments_is_too_deep_and_no_crash() -> None:
    chain = " ".join(f"fragment F{n} on T {{ a {{ ...F{n + 1} }} }}" for n in range(2000))
    text = f"query {{ ...F0 }} {chain} fragment F2000 on T {{ a }}"
    with pytest.raises(LimitExceeded) as refusal:
        check_shape(parse(text), operation(text), ContractLimits())
    assert refusal.value.error_code == "MAX_DEPTH_LIMIT"


@pytest.mark.parametrize(
    ("limits", "text", "code"),
    [
        (ContractLimits(depth=2), "{ a { b { c } } }", "MAX_DEPTH_LIMIT"),
        (ContractLimits(height=2), "{ a b c }", "MAX_HEIGHT_LIMIT"),
        (ContractLimits(aliases=1), "{ x: a y: a }", "MAX_ALIASES_LIMIT"),
        (ContractLimits(root_fields=1), "{ a b }", "MAX_ROOT_FIELDS_LIMIT"),
        (
            ContractLimits(directives=1),
            "{ a @skip(if: true) b @skip(if: true) }",
            "MAX_DIRECTIVES_LIMIT",
        ),
    ],
)
def test_each_limit_has_its_code(limits: ContractLimits, text: str, code: str) -> None:
    with pytest.raises(LimitExceeded) as refusal:
        check_shape(parse(text), operation(text), limits)
    assert refusal.value.error_code == code


def test_page_sizes_are_limited_literally_and_by_variable() -> None:
    document = parse("query ($n: Int) { a(first: $n) { b(limit: 5) } }")
    page_sizes(document, {"n": 10}, 10)
    with pytest.raises(LimitExceeded):
        page_sizes(document, {"n": 11}, 10)
    with pytest.raises(LimitExceeded):
        page_sizes(document, {"n": 1}, 4)


SDL = """
directive @cost(weight: String!) on ARGUMENT_DEFINITION | ENUM | FIELD_DEFINITION
  | INPUT_FIELD_DEFINITION | OBJECT | SCALAR
directive @listSize(assumedSize: Int, slicingArguments: [String!], sizedFields: [String!],
  requireOneSlicingArgument: Boolean = true) on FIELD_DEFINITION
type Query {
  book: Book
  books(first: Int): [Book] @listSize(slicingArguments: ["first"])
  shelf: [Book] @listSize(assumedSize: 5)
  page(first: Int): Page @listSize(slicingArguments: ["first"], sizedFields: ["edges"])
  search(filter: Filter): Int @cost(weight: "3")
}
type Page { edges: [Book] }
type Book @cost(weight: "2") { title: String author: Author }
type Author { name: String @cost(weight: "4") }
input Filter { deep: Boolean @cost(weight: "7") }
"""


@pytest.mark.parametrize(
    ("text", "variables", "cost"),
    [
        ("{ book { title } }", {}, 2),
        ("{ book { author { name } } }", {}, 2 + 1 + 4),
        ("{ books(first: 3) { title } }", {}, 6),
        ("query ($n: Int) { books(first: $n) { title } }", {"n": 4}, 8),
        ("{ shelf { author { name } } }", {}, 5 * 7),
        ("{ page(first: 6) { edges { title } } }", {}, 1 + 6 * 2),
        ("{ search(filter: {deep: true}) }", {}, 3 + 7),
        ("{ book { ...F } } fragment F on Book { author { name } }", {}, 7),
        ("{ __schema { types { name } } }", {}, 0),
    ],
)
def test_cost_follows_the_directives(text: str, variables: dict[str, int], cost: float) -> None:
    costs = Costs(build_schema(SDL), annotations_of(parse(SDL)))
    assert costs.of(parse(text), operation(text), variables) == cost


def test_the_actual_cost_counts_what_came() -> None:
    costs = Costs(build_schema(SDL), annotations_of(parse(SDL)))
    text = "{ books(first: 100) { author { name } } missing: book { title } }"
    books = [{"author": {"name": "A"}}, {"author": None}]
    data = {"books": books, "missing": None}
    assert costs.of(parse(text), operation(text), {}, data) == (2 + 1 + 4) + 2
