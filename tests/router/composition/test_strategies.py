"""How arguments of non-repeatable directives merge."""

from __future__ import annotations

from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.composition.merge.strategies import ARGUMENT_STRATEGIES, conjunction_of_dnf
from router.composition.merge.values import identity
from router.composition.merged import Value

TERMS = st.lists(st.lists(st.sampled_from("abcd"), max_size=3), max_size=4)


@pytest.mark.parametrize(
    ("operands", "merged"),
    [
        ([[["a"], ["b"]], [["a"], ["c"]]], [["a"], ["b", "c"]]),
        ([[["b", "a"]], [["a", "b"]]], [["a", "b"]]),
        ([[], [["a"]]], [["a"]]),
        ([[["p"]], []], [["p"]]),
        ([[["a"]], [["b"]], [["c"]]], [["a", "b", "c"]]),
        ([[["a", "b"], ["c"]], []], [["c"], ["a", "b"]]),
        ([[["b", "b"]], [["a", "b"]]], [["a", "b", "b"]]),
    ],
)
def test_conjunctions_are_multiplied_out_and_absorbed(operands: list[Value], merged: Value) -> None:
    assert conjunction_of_dnf(operands) == merged


def passes(dnf: list[list[str]], held: frozenset[str]) -> bool:
    return not dnf or any(set(term) <= held for term in dnf)


@given(st.lists(TERMS, min_size=1, max_size=3), st.frozensets(st.sampled_from("abcd")))
def test_a_conjunction_lets_through_whom_every_operand_lets_through(
    operands: list[list[list[str]]], held: frozenset[str]
) -> None:
    merged = cast("list[list[str]]", conjunction_of_dnf(cast("list[Value]", operands)))
    assert passes(merged, held) == all(passes(operand, held) for operand in operands)


def merged_by(directive: str, argument: str, *values: Value) -> Value:
    name, strategy = ARGUMENT_STRATEGIES[directive][argument]
    assert name
    return strategy(values)


def test_costs_take_the_highest() -> None:
    assert merged_by("cost", "weight", 1, 5, 3) == 5


def test_absent_list_sizes_are_ignored() -> None:
    assert merged_by("listSize", "assumedSize", None, 2) == 2
    assert merged_by("listSize", "assumedSize", None, None) is None
    assert merged_by("listSize", "sizedFields", ["a"], None, ["b", "a"]) == ["a", "b"]
    assert merged_by("listSize", "sizedFields", ["a", "a"], None) == ["a", "a"]
    assert merged_by("listSize", "sizedFields", None) is None
    assert merged_by("listSize", "requireOneSlicingArgument", True, False) is False


def test_values_are_equal_by_content_but_true_is_not_one() -> None:
    assert identity({"a": [1, 2.0], "b": None}) == identity({"b": None, "a": [1.0, 2]})
    assert identity(1) != identity(True)
    assert identity([1]) != identity([1, 2])
    assert identity([1]) != identity([True])
    assert identity({"a": 1}) != identity({"b": 1})
    assert identity({}) != identity([])
