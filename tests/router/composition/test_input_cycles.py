"""Input objects that need themselves, in one subgraph and once merged."""

from __future__ import annotations

import pytest

from router.composition.compose import compose
from router.composition.errors import CompositionFailed
from router.composition.sources import SubgraphSource
from tests.router.composition.reading_support import FED2, codes, fed2, refusals

LONG = 3000


def chain(last: str, mark: str = "!") -> str:
    links = " ".join(f"input I{n} {{ n: I{n + 1}{mark} m: I{n + 1}{mark} }}" for n in range(LONG))
    return f"type Query {{ q(i: I0): Int @shareable }} {links} input I{LONG} {{ {last} }}"


def test_a_long_chain_of_input_objects_is_read() -> None:
    assert codes(fed2(chain("x: Int"))) == []


def test_a_long_cycle_is_told_once() -> None:
    [(code, message)] = refusals(fed2(chain("x: I0!")))
    assert code == "INVALID_GRAPHQL"
    assert message.startswith('[a] Cannot reference Input Object "I0"')


def test_each_cycle_of_one_input_object_is_told() -> None:
    found = refusals("type Query { q(i: I): Int } input I { a: I! b: J! } input J { c: I! d: J! }")
    assert [message.partition('fields: "')[2] for _, message in found] == ['a".', 'b.c".', 'd".']


def test_a_cycle_that_only_merging_closes_is_told() -> None:
    sources = [
        SubgraphSource(name, f"http://{name}", FED2 + sdl)
        for name, sdl in (("a", chain("x: I0!", "")), ("b", chain("x: I0")))
    ]
    with pytest.raises(CompositionFailed) as failure:
        compose(sources)
    assert [error.code for error in failure.value.errors] == ["INVALID_GRAPHQL"]
    assert failure.value.errors[0].subgraphs == ("a", "b")
