"""FHIR JSON keeps every digit, and refuses what is no JSON object without quoting it."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drassist.fhir import codec

decimals = st.decimals(allow_nan=False, allow_infinity=False, places=None)


@given(decimals)
def test_a_decimal_comes_back_with_the_digits_it_was_written_with(value: Decimal) -> None:
    text = codec.dumps({"value": value})
    back = codec.loads(text)["value"]
    assert Decimal(back) == value
    if "." in str(value) or "E" in str(value):
        assert str(back) == str(value)


def test_a_trailing_zero_is_precision_and_stays() -> None:
    assert codec.dumps(codec.loads(b'{"value": 72.50}')) == b'{"value":72.50}'


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (b"[1]", "not a JSON object"),
        (b'{"name": "Asha"', "line 1"),
        (b'{"a": NaN}', "NaN"),
        (b"\xff{}", "UTF-8|JSON"),
        (b'{"a":' * 5000 + b"1" + b"}" * 5000, "deep|nested"),
        (b'{"a":' * 100 + b"1" + b"}" * 100, "nested"),
    ],
)
def test_what_is_no_json_object_is_refused_with_a_place(text: bytes, fault: str) -> None:
    with pytest.raises(codec.NotJson, match=fault) as caught:
        codec.loads(text)
    assert "Asha" not in str(caught.value)


def test_an_infinite_number_is_not_written() -> None:
    with pytest.raises(TypeError):
        codec.dumps({"value": Decimal("Infinity")})
