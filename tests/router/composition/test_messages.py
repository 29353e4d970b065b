"""What the most frequent mistakes are told to be: where they are, and what to do about them."""

from __future__ import annotations

import pytest

from router.composition.compose import compose
from router.composition.errors import CompositionFailed
from router.composition.report import report
from router.composition.sources import SubgraphSource
from tests.router.composition.reading_support import fed2


def told(*sdls: str) -> str:
    """Return the report of subgraphs in ``a.graphql``, ``b.graphql``, ..."""
    sources = [
        SubgraphSource(name, f"http://{name}", fed2(sdl, minor=14))
        for name, sdl in zip("ab", sdls, strict=False)
    ]
    with pytest.raises(CompositionFailed) as failure:
        compose(sources)
    return report(failure.value, {s.name: (f"{s.name}.graphql", s.sdl) for s in sources})


KEYED = 'type T @key(fields: "id") {\n id: ID!'


@pytest.mark.parametrize(
    ("sdls", "mend"),
    [
        (["type Query {\n a: Int }"] * 2, "please mark it @shareable there"),
        (
            ["type Query {\n a: Int } type Subscription { s: Int }", "type Subscription { s: Int }"],
            "Please keep it in one subgraph",
        ),
        (["type Query {\n a: Int @shareble }"], 'Did you mean "@shareable"?'),
        (['type Query {\n a: Int @override(from: "a") }'], "please remove the @override"),
        (["type Query { a: Int } extend type T {\n a: Int }"], 'without "extend" and @extends'),
        (
            [f'type Query {{ t: T }} {KEYED} x: Int r: Int @requires(fields: "x") }}'],
            "please leave it out",
        ),
        (
            [f'type Query {{ t: T }} {KEYED} x: Int @external r: Int @requires(fields: "x") }}'],
            "One must have it without @external",
        ),
        (["type Query {\n t: T } type T @inaccessible { a: Int }"], "please hide that, too"),
        (["type Query { t: T } type T {\n a: Int @inaccessible }"], "please hide the type, too"),
        (
            ["type Query { i: I } interface I @key(fields: \"id\") { id: ID! }"
             " type T implements I { id: ID! }"],
            'please add @key(fields: "id") there',
        ),
        (
            ['extend schema @composeDirective(name: "@tagg") type Query { a: Int }'],
            'Did you mean "@tag"?',
        ),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_place_and_its_mend(sdls: list[str], mend: str) -> None:
    text = told(*sdls)
    assert mend in text
    places = text.split("\n\n")[1].splitlines()[0]
    assert all(f"{name}.graphql:" in places for name in "ab"[: len(sdls)])


def test_a_hint_about_arguments_shows_what_each_subgraph_says() -> None:
    sources = [
        SubgraphSource(name, f"http://{name}", fed2(f"type Query {{ a: Int @shareable {mark} }}"))
        for name, mark in (("a", '@deprecated(reason: "old")'), ("b", "@deprecated"))
    ]
    [hint] = compose(sources).hints
    told = '@deprecated(reason: "old") in subgraph "a" but @deprecated in subgraph "b"'
    assert told in hint.message
