"""The dose parser: shorthand and speech, and what it refuses to decide."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drassist.language.sig import Sig, parse_sig

D = Decimal
CASES = [
    (
        "1 tab OD",
        Sig(
            dose=D(1), dose_unit="{tablet}", route="oral", frequency=1, period=D(1), period_unit="d"
        ),
    ),
    ("500 mg BD", Sig(dose=D(500), dose_unit="mg", frequency=2, period=D(1), period_unit="d")),
    ("500mg TDS", Sig(dose=D(500), dose_unit="mg", frequency=3, period=D(1), period_unit="d")),
    ("250 mg QID", Sig(dose=D(250), dose_unit="mg", frequency=4, period=D(1), period_unit="d")),
    (
        "1 tab HS",
        Sig(
            dose=D(1),
            dose_unit="{tablet}",
            route="oral",
            frequency=1,
            when=("HS",),
            period=D(1),
            period_unit="d",
        ),
    ),
    ("10 mg SOS", Sig(dose=D(10), dose_unit="mg", as_needed=True)),
    ("1 tab STAT", Sig(dose=D(1), dose_unit="{tablet}", route="oral", frequency=1)),
    ("1-0-1", Sig(dose=D(1), frequency=2, when=("MORN", "NIGHT"), period=D(1), period_unit="d")),
    (
        "1-1-1-1",
        Sig(
            dose=D(1),
            frequency=4,
            when=("MORN", "NOON", "EVE", "NIGHT"),
            period=D(1),
            period_unit="d",
        ),
    ),
    ("0-0-1", Sig(dose=D(1), frequency=1, when=("NIGHT",), period=D(1), period_unit="d")),
    (
        "one zero one",
        Sig(dose=D(1), frequency=2, when=("MORN", "NIGHT"), period=D(1), period_unit="d"),
    ),
    ("500 mg q12h", Sig(dose=D(500), dose_unit="mg", frequency=1, period=D(12), period_unit="h")),
    ("every eight hours", Sig(frequency=1, period=D(8), period_unit="h")),
    ("6 hourly", Sig(frequency=1, period=D(6), period_unit="h")),
    ("BD x 5/7", Sig(frequency=2, duration=D(5), duration_unit="d", period=D(1), period_unit="d")),
    ("OD 2/52", Sig(frequency=1, duration=D(2), duration_unit="wk", period=D(1), period_unit="d")),
    ("OD 3/12", Sig(frequency=1, duration=D(3), duration_unit="mo", period=D(1), period_unit="d")),
    ("1 BD PC", Sig(frequency=2, when=("PC",), period=D(1), period_unit="d")),
    ("OD before breakfast", Sig(frequency=1, when=("ACM",), period=D(1), period_unit="d")),
    ("OD empty stomach", Sig(frequency=1, when=("AC",), period=D(1), period_unit="d")),
    (
        "twice a day for five days",
        Sig(frequency=2, duration=D(5), duration_unit="d", period=D(1), period_unit="d"),
    ),
    (
        "twice a day for a week",
        Sig(frequency=2, duration=D(1), duration_unit="wk", period=D(1), period_unit="d"),
    ),
    (
        "five hundred milligrams once a day for five days",
        Sig(
            dose=D(500),
            dose_unit="mg",
            frequency=1,
            duration=D(5),
            duration_unit="d",
            period=D(1),
            period_unit="d",
        ),
    ),
    (
        "six hundred and fifty milligrams three times a day after food",
        Sig(dose=D(650), dose_unit="mg", frequency=3, when=("PC",), period=D(1), period_unit="d"),
    ),
    ("six fifty three times a day", Sig(frequency=3, period=D(1), period_unit="d")),
    ("two puffs as needed", Sig(dose=D(2), dose_unit="{puff}", route="inhaled", as_needed=True)),
    (
        "two drops in the left eye four times a day",
        Sig(dose=D(2), dose_unit="[drp]", route="eye", frequency=4, period=D(1), period_unit="d"),
    ),
    ("5 ml TDS", Sig(dose=D(5), dose_unit="mL", frequency=3, period=D(1), period_unit="d")),
    (
        "half a tablet at night",
        Sig(
            dose=D("0.5"),
            dose_unit="{tablet}",
            route="oral",
            frequency=1,
            when=("NIGHT",),
            period=D(1),
            period_unit="d",
        ),
    ),
    (
        "1/2 tab BD",
        Sig(
            dose=D("0.5"),
            dose_unit="{tablet}",
            route="oral",
            frequency=2,
            period=D(1),
            period_unit="d",
        ),
    ),
    (
        "10 units subcutaneously at bedtime",
        Sig(
            dose=D(10),
            dose_unit="[IU]",
            route="subcutaneous",
            frequency=1,
            when=("HS",),
            period=D(1),
            period_unit="d",
        ),
    ),
    (
        "50 mcg every morning on an empty stomach",
        Sig(
            dose=D(50),
            dose_unit="ug",
            frequency=1,
            when=("MORN", "AC"),
            period=D(1),
            period_unit="d",
        ),
    ),
    (
        "60,000 IU once a week",
        Sig(dose=D(60000), dose_unit="[IU]", frequency=1, period=D(1), period_unit="wk"),
    ),
    ("alternate days", Sig(frequency=1, period=D(2), period_unit="d")),
    (
        "500 mg, 2 tablets twice daily",
        Sig(
            strength="500 mg",
            dose=D(2),
            dose_unit="{tablet}",
            route="oral",
            frequency=2,
            period=D(1),
            period_unit="d",
        ),
    ),
    ("500/125 mg BD", Sig(strength="500/125 mg", frequency=2, period=D(1), period_unit="d")),
    (
        "in the morning and at night",
        Sig(frequency=2, when=("MORN", "NIGHT"), period=D(1), period_unit="d"),
    ),
    ("once a day, max 4 g per day", Sig(frequency=1, period=D(1), period_unit="d")),
    (
        "apply BD for 2 weeks",
        Sig(
            route="topical",
            frequency=2,
            duration=D(2),
            duration_unit="wk",
            period=D(1),
            period_unit="d",
        ),
    ),
    ("1 tablet under the tongue", Sig(dose=D(1), dose_unit="{tablet}", route="sublingual")),
]


@pytest.mark.parametrize(("text", "sig"), CASES, ids=[text for text, _ in CASES])
def test_shorthand_and_speech_are_read(text: str, sig: Sig) -> None:
    assert parse_sig(text) == sig


@pytest.mark.parametrize("text", ["1-2 tablets", "one to two tablets", "1 or 2 tablets"])
def test_a_range_of_doses_is_not_decided(text: str) -> None:
    assert parse_sig(text).dose is None
    assert parse_sig(text).dose_unit == "{tablet}"


def test_unequal_parts_of_a_day_are_not_made_one_dose() -> None:
    sig = parse_sig("1-0-½")
    assert (sig.dose, sig.frequency, sig.when) == (None, 2, ("MORN", "NIGHT"))


def test_od_beside_an_eye_may_be_the_right_eye() -> None:
    assert parse_sig("1 drop OD eye").frequency is None


@pytest.mark.parametrize("text", ["every 4 to 6 hours", "q4-6h"])
def test_a_range_of_hours_is_not_decided(text: str) -> None:
    assert parse_sig(text).period is None


@pytest.mark.parametrize("text", ["come back in one week", "three days ago", "for 3 to 5 days"])
def test_other_spans_of_time_are_no_course(text: str) -> None:
    assert parse_sig(text).duration is None


def test_nothing_said_is_nothing_read() -> None:
    assert parse_sig("for the cough, as we discussed") == Sig()
    assert not parse_sig("").says_how


@given(st.text(max_size=200))
def test_no_text_makes_it_fail(text: str) -> None:
    parse_sig(text)


@given(st.integers(1, 2000), st.integers(1, 30))
def test_numbers_are_kept(dose: int, days: int) -> None:
    sig = parse_sig(f"{dose} mg twice daily for {days} days")
    assert (sig.dose, sig.duration) == (D(dose), D(days))
