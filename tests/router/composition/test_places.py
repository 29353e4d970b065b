"""Where in a schema the elements stand that errors are about."""

from __future__ import annotations

import pytest

from router.composition.places import Places


@pytest.mark.parametrize(
    ("coordinate", "line"),
    [
        ("schema", ":1"),
        ("@mine", ":2"),
        ("@mine(of:)", ":3"),
        ("T", ":5"),
        ("T.b", ":7"),
        ("T.b(c:)", ":8"),
        ("T.later", ":11"),
        ("E.X", ":14"),
        ("T.missing", ":5"),
        ("Missing", ""),
        ("@missing", ":1"),
    ],
)
def test_an_element_is_found_by_its_coordinate(coordinate: str, line: str) -> None:
    sdl = """schema { query: T }
directive @mine(
  of: Int
) on OBJECT
type T {
  a: Int
  b(
    c: Int): Int
}
extend type T {
  later: Int
}
enum E {
  X
}"""
    assert Places(sdl).line_of([coordinate]) == line


def test_an_operation_in_a_schema_is_found() -> None:
    assert Places("type Query { a: Int }\n\nquery { a }").line_of([]) == ":3"
