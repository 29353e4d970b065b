from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drassist.clinical import (
    AbhaAddress,
    AbhaNumber,
    CodedConcept,
    HospitalCalendar,
    HumanName,
    InvalidValue,
    Mrn,
    PartialDate,
    Period,
    Quantity,
    imported_id,
    normalise_phone,
    verhoeff_check,
)


def test_an_abha_number_is_fourteen_digits_shown_in_groups_or_masked() -> None:
    number = AbhaNumber(" 12-3456-7890-1234 ")
    assert str(number) == "12-3456-7890-1234"
    assert number == AbhaNumber("12345678901234")
    assert number.masked == "XX-XXXX-XXXX-1234"


@pytest.mark.parametrize(
    "text", ["", "98765", "9234567890123x", "123456789012345", "१२३४५६७८९०१२३४"]
)
def test_what_is_no_abha_number_is_refused_without_quoting_it(text: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        AbhaNumber(text)
    assert not text or text not in str(refused.value)


@given(st.text("0123456789", min_size=1, max_size=20))
def test_every_number_has_one_verhoeff_check_digit_that_finds_a_wrong_digit(body: str) -> None:
    right = [body + d for d in "0123456789" if verhoeff_check(body + d)]
    assert len(right) == 1
    number = right[0]
    for place, digit in enumerate(number):
        wrong = number[:place] + str((int(digit) + 1) % 10) + number[place + 1 :]
        assert not verhoeff_check(wrong)


def test_an_abha_address_is_lower_case_and_of_a_known_gateway() -> None:
    assert str(AbhaAddress(" Sunita.D@ABDM ")) == "sunita.d@abdm"
    with pytest.raises(InvalidValue):
        AbhaAddress("sunita@gmail")


def test_an_mrn_loses_its_spaces_and_keeps_its_signs() -> None:
    assert str(Mrn(" ab 12/7 ")) == "AB12/7"


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("98765 43210", "+919876543210"),
        ("098765-43210", "+919876543210"),
        ("+91 98765 43210", "+919876543210"),
        ("919876543210", "+919876543210"),
        ("0091 98765 43210", "+919876543210"),
        ("+1 (555) 555-5555", "+15555555555"),
        ("108", "108"),
        ("98765 43210 ext. 12", "+919876543210"),
    ],
)
def test_a_phone_number_is_normalised(written: str, kept: str) -> None:
    assert normalise_phone(written) == kept
    assert normalise_phone(kept) == kept


@given(st.dates(date(1, 1, 1), date(9999, 12, 31)), st.sampled_from([4, 7, 10]))
def test_a_partial_date_keeps_its_precision(day: date, length: int) -> None:
    partial = PartialDate(day.isoformat()[:length])
    assert str(partial) == day.isoformat()[:length]
    assert partial.low <= day
    assert partial.age_on(partial.low) == 0


@pytest.mark.parametrize("text", ["79", "1979-13", "1979-02-30", "1979-4", "now", "19790402"])
def test_a_date_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue):
        PartialDate(text)


def test_a_name_may_be_one_word_in_any_script_and_is_made_from_parts() -> None:
    assert str(HumanName("सुनीता")) == "सुनीता"
    assert str(HumanName("", "Devi", ("Sunita",), ("Smt",))) == "Smt Sunita Devi"
    with pytest.raises(InvalidValue):
        HumanName("  ")
    with pytest.raises(InvalidValue):
        HumanName("a\x07b")


def test_a_quantity_keeps_the_digits_it_was_given_with() -> None:
    assert Quantity.parse("7.0", "mmol/L").display == "7.0 mmol/L"
    assert Quantity(Decimal("7.0"), "mmol/L", comparator="<").display == "<7.0 mmol/L"
    for wrong in ("NaN", "Infinity", "seven"):
        with pytest.raises(InvalidValue):
            Quantity.parse(wrong, "1")


def test_periods_are_half_open() -> None:
    noon = datetime(2026, 11, 24, 12, tzinfo=UTC)
    hour = timedelta(hours=1)
    first, second = Period(noon, noon + hour), Period(noon + hour, None)
    assert not first.overlaps(second)
    assert first.contains(noon)
    assert not first.contains(noon + hour)
    with pytest.raises(InvalidValue):
        Period(noon, noon - hour)


def test_between_midnight_and_half_past_five_it_is_already_today_in_india() -> None:
    calendar = HospitalCalendar()
    moment = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)  # 01:30 on the 24th
    assert calendar.day_of(moment) == date(2026, 11, 24)
    assert calendar.span(date(2026, 11, 24)).contains(moment)


def test_a_concept_shows_what_was_said_before_what_a_system_calls_it() -> None:
    coded = CodedConcept.coded("http://hl7.org/fhir/sid/icd-10", "I10", "Hypertension")
    assert coded.label == "Hypertension"
    assert CodedConcept("BP high", coded.codings).label == "BP high"
    with pytest.raises(InvalidValue):
        CodedConcept(None)


def test_the_same_source_gives_the_same_id_everywhere() -> None:
    assert imported_id("Patient", "1") == imported_id("Patient", "1")
    assert imported_id("Patient", "1") != imported_id("Patient", "1", "another hospital")
    assert imported_id("Patient", "1").startswith("Patient:")
