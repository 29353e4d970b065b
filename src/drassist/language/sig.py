"""How a medicine is to be taken, from a doctor's shorthand or from speech.

Reads dose, route, frequency, timing, duration and need: ``1-0-1 x 5/7 PC``, ``500 mg BD``, ``once
a day for five days``, ``q12h``, ``two puffs SOS``. What is ambiguous is not decided: a range
(``one to two tablets``), unequal parts (``1-0-½``) or ``OD`` beside an eye (right eye, or once
daily) leave the field empty, and the words stay for the reader. Terms and FHIR timings as in the
table of dosing abbreviations that Indian prescriptions use.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from drassist.language.numbers import normalise

__all__ = ["Sig", "parse_sig"]


@dataclass(frozen=True, slots=True)
class Sig:
    """What was said; fields as in ``Medication``. A single dose (STAT) has no period."""

    strength: str | None = None
    dose: Decimal | None = None
    dose_unit: str | None = None
    route: str | None = None
    frequency: int | None = None
    period: Decimal | None = None
    period_unit: str | None = None
    when: tuple[str, ...] = ()
    as_needed: bool = False
    duration: Decimal | None = None
    duration_unit: str | None = None

    @property
    def says_how(self) -> bool:
        """Whether anything was said at all."""
        return any(
            (
                self.dose_unit,
                self.strength,
                self.frequency,
                self.when,
                self.as_needed,
                self.duration,
            )
        )


def parse_sig(text: str) -> Sig:
    """Read one medicine's instructions; what was not said stays None."""
    said = _MAXIMUM.sub(" ", normalise(text).text)
    route = next((name for name, pattern in _ROUTES if pattern.search(said)), None)
    strength, dose, unit = _amounts(said)
    parts = _parts(said)
    if parts and dose is None and unit is None and len({p for p in parts if p}) == 1:
        dose = max(parts)
    frequency, period, period_unit, when = _frequency(said, route, parts)
    duration, duration_unit = _duration(said)
    return Sig(
        strength=strength,
        dose=dose,
        dose_unit=unit,
        route=route,
        frequency=frequency,
        period=period,
        period_unit=period_unit,
        when=when,
        as_needed=_AS_NEEDED.search(said) is not None,
        duration=duration,
        duration_unit=duration_unit,
    )


def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w.])(?:{pattern})(?!\w)")


_MAXIMUM: Final = re.compile(
    r"\b(?:max(?:imum)?(?: of)?|(?:not|no) more than|up to)\s+\d+(?:\.\d+)?\s*\w+"
    r"(?:\s+times)?(?:\s*(?:/|per|a|in|in a|every)\s*(?:24 hours?|day|d|1 day))?"
)
_NUMBER: Final = r"(?:\d{1,3}(?:,\d{2,3})+|\d+(?:\.\d+)?|½|¼|¾)"
_AMOUNT: Final = (
    rf"(?P<mixed>\d+ and (?:a )?half)|(?P<fraction>[13]/[24])|(?P<half>half(?: an?)?|quarter(?: of)?(?: an?)?)"
    rf"|(?P<number>{_NUMBER})(?P<range>\s*(?:-|–|to|or)\s*{_NUMBER})?|(?P<article>an?|another)"
)
_STRENGTHS: Final = {
    "mg": r"mgs?|milligrams?|milligrammes?|mil",
    "ug": r"mcg|micrograms?|µg|ug",
    "g": r"g|gms?|grams?",
    "[IU]": r"units?|international units?|iu|u",
    "mmol": r"mmol|millimoles?",
    "%": r"%|percent",
}
_COUNTS: Final = {
    "{tablet}": r"tablets?|tabs?|pills?",
    "{capsule}": r"capsules?|caps?",
    "{puff}": r"puffs?|inhalations?",
    "[drp]": r"drops?|gtts?",
    "mL": r"ml|mls|millilit(?:er|re)s?|cc",
    "{teaspoon}": r"teaspoons?(?:ful)?s?|tsf|tsp",
    "{tablespoon}": r"tablespoons?(?:ful)?s?|tbsp",
    "{sachet}": r"sachets?",
    "{spray}": r"sprays?",
    "{patch}": r"patch(?:es)?",
    "{suppository}": r"suppositor(?:y|ies)",
    "{ampule}": r"amp(?:oule|ule)?s?",
}
_UNITS: Final = {**_STRENGTHS, **_COUNTS}
# a combination's "500/125 mg" is no one dose, "250 mg/5 mL" a concentration
_DOSE: Final = re.compile(
    rf"(?<![\w./,½¼¾-])(?:{_AMOUNT})[\s-]*(?:of\s+)?(?P<unit>{'|'.join(_UNITS.values())})(?!\w)"
    rf"(?P<per>\s*/\s*(?:\d+\s*)?(?:ml|puff|g)\b)?"
)
_UNIT_NAMES: Final = tuple((name, re.compile(words)) for name, words in _UNITS.items())
_COMBINED: Final = re.compile(
    r"\d+(?:\.\d+)?(?:/\d+(?:\.\d+)?)+\s*(?:mg|mcg|iu)\b|\d+(?:\.\d+)?\s*(?:mg|mcg|g|iu)\s*/\s*(?:\d+\s*)?(?:ml|puff)\b"
)
_SIMPLE: Final = {"½": "0.5", "¼": "0.25", "¾": "0.75", "1/2": "0.5", "1/4": "0.25", "3/4": "0.75"}


def _amounts(said: str) -> tuple[str | None, Decimal | None, str | None]:
    """Strength, dose and its unit: ``500 mg, 2 tablets`` has both, ``500 mg`` alone is a dose."""
    strength: str | None = None
    measured: tuple[Decimal | None, str] | None = None
    counted: tuple[Decimal | None, str] | None = None
    if (combined := _COMBINED.search(said)) is not None:
        strength = combined.group()
    for match in _DOSE.finditer(said):
        if match["per"] or (
            combined is not None and combined.start() <= match.start() < combined.end()
        ):
            continue
        unit = next(name for name, words in _UNIT_NAMES if words.fullmatch(match["unit"]))
        if match["article"] and unit in ("g", "%", "mg"):
            continue
        amount = (_amount(match), unit)
        if unit in _COUNTS:
            counted = counted or amount
        else:
            measured = measured or amount
    if counted is not None:
        if measured is not None and measured[0] is not None:
            strength = strength or f"{measured[0]} {measured[1]}"
        return strength, counted[0], counted[1]
    if measured is None:
        return strength, None, None
    return (strength, *measured) if measured[1] != "%" else (f"{measured[0]}%", None, None)


def _amount(match: re.Match[str]) -> Decimal | None:
    """The amount, or None for a range: which one is not for us to choose."""
    if match["range"]:
        return None
    if match["mixed"]:
        return Decimal(match["mixed"].split()[0]) + Decimal("0.5")
    if match["half"]:
        return Decimal("0.5") if match["half"].startswith("half") else Decimal("0.25")
    return _number(match["fraction"] or match["number"] or "1")


def _number(text: str) -> Decimal:
    return Decimal(_SIMPLE.get(text, text.replace(",", "")))


_PART: Final = r"(\d(?:\.\d)?|½|¼|1/2|1/4)"
_PARTS: Final = re.compile(
    rf"(?<![\w/.-]){_PART}\s*[-–+]\s*{_PART}\s*[-–+]\s*{_PART}(?:\s*[-–+]\s*{_PART})?(?![\w/-])"
    r"|(?<![\w/.-])([012]) ([012]) ([012])(?![\w/.-])"
)
_PART_TIMES: Final = {3: ("MORN", "NOON", "NIGHT"), 4: ("MORN", "NOON", "EVE", "NIGHT")}


def _parts(said: str) -> tuple[Decimal, ...]:
    match = _PARTS.search(said)
    return tuple(_number(part) for part in match.groups() if part) if match else ()


_DAY: Final = r"(?:a|per|every|each|in a|/|the)\s*(?:day|d)|daily|every ?day|each day"
_FREQUENCIES: Final[tuple[tuple[re.Pattern[str], int, Decimal, str], ...]] = tuple(
    (_words(words), frequency, Decimal(period), unit)
    for words, frequency, period, unit in (
        (
            r"(?:every|each) other day|alternate days?|alt\.? days?|eod|q\.?o\.?d|every 2nd day|every second day|every 2 days",
            1,
            2,
            "d",
        ),
        (rf"q\.?i\.?d\.?|q\.?d\.?s\.?|4 times (?:{_DAY})|four times", 4, 1, "d"),
        (
            rf"t\.?d\.?s\.?|t\.?i\.?d\.?|(?:thrice|3 times|three times) (?:{_DAY})|3x daily|thrice",
            3,
            1,
            "d",
        ),
        (
            rf"b\.?d\.?|b\.?i\.?d\.?|b\.?d\.?s\.?|(?:twice|2 times) (?:{_DAY})|2x daily|twice-daily",
            2,
            1,
            "d",
        ),
        (rf"(?:5 times|5x) (?:{_DAY})", 5, 1, "d"),
        (
            r"once (?:a|per|every|each) week|once weekly|1 time (?:a|per) week|weekly|every week|once-weekly|1/wk",
            1,
            1,
            "wk",
        ),
        (r"twice (?:a|per|each) week|twice weekly|2 times (?:a|per) week", 2, 1, "wk"),
        (r"(?:3 times|thrice) (?:a|per) week", 3, 1, "wk"),
        (r"once (?:a|per|every|each) month|once monthly|monthly|every month", 1, 1, "mo"),
        (
            rf"(?:once|1 time|one time|1) (?:{_DAY})|once-daily|q\.?d\.?|o\.?d\.?|every ?day|each day|daily|once",
            1,
            1,
            "d",
        ),
    )
)
_HOURLY: Final = re.compile(
    r"\bq\.?\s?(\d+)\s?(?:h(?:rs?|ourly)?)\b|\bevery (\d+) (?:hours?|hrs?)\b|\b(\d+)[ -]hourly\b|\b(\d+)(?:st|nd|rd|th)[ -]hourly\b"
)
_HOURLY_RANGE: Final = re.compile(r"\d+\s*(?:-|–|to|or)\s*\d+[ -]*(?:hours?|hrs?|hourly|h)\b")
_STAT: Final = _words(
    r"stat|at once|single dose|one time only|immediately|as a one[- ]off|once only|one dose"
)
_MOMENTS: Final = (
    ("MORN", _words(r"in the mornings?|(?:every|each) morning|mornings?|qam")),
    ("NOON", _words(r"at noon|at midday|at lunch ?time|in the afternoon")),
    ("EVE", _words(r"in the evenings?|(?:every|each) evening|evenings?")),
    (
        "HS",
        _words(
            r"h\.?s\.?|(?:at|before) bed ?time|before (?:bed|sleep(?:ing)?)|going to bed|qhs|nocte"
        ),
    ),
    ("NIGHT", _words(r"at night|(?:every|each) night|nightly|night")),
)
_FOOD_WORDS: Final = r"(?:your |the |a |any |each |every )?"
_MEALS: Final = (("M", "breakfast"), ("D", "lunch"), ("V", "dinner|supper"))
_SIDES: Final = (("AC", "before"), ("PC", "after"), ("C", "with"))
_FOODS: Final = (
    *(
        (side + meal, _words(rf"{word} {_FOOD_WORDS}(?:{meals})"))
        for side, word in _SIDES
        for meal, meals in _MEALS
    ),
    ("ACM", _words("bbf|ac breakfast")),
    ("AC", _words(r"a\.?c\.?|before (?:\w+ )?(?:food|meals?|eating)|(?:on an )?empty stomach")),
    ("PC", _words(r"p\.?c\.?|after (?:\w+ )?(?:food|meals?|eating)|on a full stomach")),
    ("C", _words(r"with (?:\w+ )?(?:food|meals?|milk)")),
)


def _frequency(
    said: str, route: str | None, parts: tuple[Decimal, ...]
) -> tuple[int | None, Decimal | None, str | None, tuple[str, ...]]:
    foods = tuple(dict.fromkeys(code for code, words in _FOODS if words.search(said)))
    # "AC breakfast" is before breakfast and not also before each meal
    foods = tuple(code for code in foods if len(code) > 2 or f"{code}M" not in foods)
    moments = tuple(code for code, words in _MOMENTS if words.search(said))
    if parts:
        times = tuple(t for t, n in zip(_PART_TIMES[len(parts)], parts, strict=True) if n)
        return (len(times), Decimal(1), "d", times + foods) if times else (None, None, None, foods)
    when = moments + foods
    if (hourly := _HOURLY.search(said)) is not None and not _HOURLY_RANGE.search(said):
        hours = next(group for group in hourly.groups() if group is not None)
        return (1, Decimal(hours), "h", when) if int(hours) else (None, None, None, when)
    if _STAT.search(said):
        return 1, None, None, when
    said_often = [
        (match.start(), -match.end(), match.group(), (frequency, period, unit))
        for words, frequency, period, unit in _FREQUENCIES
        if (match := words.search(said)) is not None
    ]
    if said_often:
        # the first that is said, and the longest there
        _, _, spoken, often = min(said_often, key=lambda found: found[:2])
        if route in ("eye", "ear") and spoken.replace(".", "") == "od":
            return None, None, None, when
        if spoken == "once" and not when:
            return 1, None, None, when
        return *often, when
    days = [code for code in when if code not in ("AC", "PC", "C")]
    return (len(days), Decimal(1), "d", when) if days else (None, None, None, when)


_DURATION_WORDS: Final = r"(?P<unit>days?|d|weeks?|wks?|wk|months?|mo)"
_COURSE: Final = re.compile(
    rf"(?:\b(?:for|x|×|over)|×)\s*(?:the |a total of |another |about |at least )*(?:next |first |full )?"
    rf"(?P<number>\d+|a|an|one)(?P<range>\s*(?:-|–|to|or)\s*\d+)?(?: more| full)?[\s-]*{_DURATION_WORDS}\b"
)
_BARE_COURSE: Final = re.compile(
    rf"(?<![\w/.-])(?P<range>\d+\s*(?:-|–|to|or)\s*)?(?P<number>\d+)[\s-]*{_DURATION_WORDS}\b(?!\s+(?:ago|before|later|back|old))"
)
_FRACTION_COURSE: Final = re.compile(r"(?<![\d/])(\d{1,2})/(7|52|12)(?![\d/])")
_FRACTIONS: Final = {"7": "d", "52": "wk", "12": "mo"}
_NOT_A_COURSE: Final = re.compile(
    r"\b(?:in|after|past|last|every|within|per|since|first|at)\s+(?:the\s+)?(?:last\s+|next\s+)?(?:\d+\s*(?:-|to)\s*)?$"
)


def _duration(said: str) -> tuple[Decimal | None, str | None]:
    if (fraction := _FRACTION_COURSE.search(said)) is not None:
        return Decimal(fraction[1]), _FRACTIONS[fraction[2]]
    match = _COURSE.search(said)
    if match is None:
        match = _BARE_COURSE.search(said)
        if match is not None and _NOT_A_COURSE.search(
            said[max(0, match.start() - 24) : match.start()]
        ):
            return None, None
    if match is None or match["range"]:
        return None, None
    number = Decimal(match["number"]) if match["number"].isdecimal() else Decimal(1)
    return number, {"d": "d", "w": "wk", "m": "mo"}[match["unit"][0]]


_AS_NEEDED: Final = _words(
    r"s\.?o\.?s\.?|p\.?r\.?n\.?|(?:as|if|when|whenever|only when|only if) (?:you )?(?:needed|need it|required|require it|necessary)"
    r"|(?:if|when) (?:you|there|the) (?:have|has|get|feel|is|pain|are|fever)\b|(?:only )?for (?:the )?(?:pain|fever) only"
)
_ROUTES: Final = tuple(
    (name, _words(words))
    for name, words in (
        ("sublingual", r"sublingual(?:ly)?|s\.?l\.?|under (?:the|your) tongue"),
        ("intravenous", r"i\.?v\.?|intravenous(?:ly)?"),
        ("intramuscular", r"i\.?m\.?|intramuscular(?:ly)?"),
        ("subcutaneous", r"s\.?c\.?|sub ?cut|subcutaneous(?:ly)?|under the skin"),
        ("inhaled", r"inhal(?:e|ed|ation|er)|puffs?|nebuli[sz]ed|nebuli[sz]er"),
        ("nasal", r"nasal(?:ly)?|nostrils?|in (?:the|your) nose"),
        ("eye", r"eye ?drops?|eyes?|ophthalmic"),
        ("ear", r"ear ?drops?|ears?|otic"),
        ("topical", r"topical(?:ly)?|cream|ointment|gel|apply|local application|lotion"),
        ("transdermal", r"patch(?:es)?|transdermal"),
        ("rectal", r"p\.?r\.?|rectal(?:ly)?|suppositor(?:y|ies)"),
        ("vaginal", r"p\.?v\.?|vaginal(?:ly)?|pessar(?:y|ies)"),
        ("oral", r"p\.?o\.?|oral(?:ly)?|by mouth|tablets?|tabs?|pills?|capsules?|caps?|syrup"),
    )
)
