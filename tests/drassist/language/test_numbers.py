"""Spelled numbers, and where they came from."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drassist.language.numbers import normalise


@pytest.mark.parametrize(
    ("spoken", "digits"),
    [
        ("one hundred and thirty over eighty", "130 over 80"),
        ("one forty over ninety", "140 over 90"),
        ("ninety eight point six", "98.6"),
        ("six fifty milligrams", "650 milligrams"),
        ("Six hundred and fifty", "650"),
        ("two thousand five hundred", "2500"),
        ("sixty thousand units", "60000 units"),
        ("one o one", "1 0 1"),
        ("twenty-five", "25"),
        ("take five and ten", "take 5 and 10"),
        ("fifty three times a day", "50 3 times a day"),
        ("someone often atones", "someone often atones"),
    ],
)
def test_words_become_digits(spoken: str, digits: str) -> None:
    assert normalise(spoken).text == digits


def test_a_number_knows_where_it_was_said() -> None:
    text = "Take five hundred milligrams."
    normal = normalise(text)
    at = normal.text.index("500")
    start, end = normal.span(at, at + 3)
    assert text[start:end] == "five hundred"


@given(st.text(max_size=300))
def test_every_character_has_a_place(text: str) -> None:
    normal = normalise(text)
    assert len(normal.text) == len(normal.starts) == len(normal.ends)
    assert all(0 <= a < b <= len(text) for a, b in zip(normal.starts, normal.ends, strict=True))
