"""Spelled numbers as digits, with every character's place in the original text kept.

``five hundred milligrams`` becomes ``500 milligrams``, ``one forty over ninety`` ``140 over 90``,
``ninety eight point six`` ``98.6``. Digits that are read one by one stay apart (``1 0 1``): what
they mean depends on what they count.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import takewhile
from typing import Final

__all__ = ["Normalised", "normalise"]

_ONES: Final = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
_TEENS: Final = [
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS: Final = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_VALUES: Final = {
    **{word: n for n, word in enumerate(_ONES)},
    **{word: n for n, word in enumerate(_TEENS, 10)},
    **{word: 10 * n for n, word in enumerate(_TENS, 2)},
    "o": 0,
    "oh": 0,
}
_WORD: Final = "|".join([*_ONES, *_TEENS, *_TENS, "hundred", "thousand"])
# "and" only behind hundred or thousand, "o" only between two digits
_RUN: Final = re.compile(
    rf"\b(?:{_WORD})\b"
    rf"(?:(?:[ -]|(?<=hundred) and |(?<=thousand) and | point |[ -]oh?[ -])(?:{_WORD})\b)*",
    re.IGNORECASE,
)
_COUNTED: Final = re.compile(r"[ -]times?\b", re.IGNORECASE)
_LETTERS: Final = re.compile(r"[a-z]+")


@dataclass(frozen=True, slots=True)
class Normalised:
    """``text`` in lower case with digits; its character ``i`` came from ``starts[i]:ends[i]``."""

    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The original span of ``text[start:end]``, which is not empty."""
        return self.starts[start], self.ends[end - 1]


def normalise(text: str) -> Normalised:
    """Lower case, straight apostrophes, digits for number words."""
    out: list[str] = []
    starts: list[int] = []
    ends: list[int] = []

    def copy(start: int, end: int) -> None:
        for at in range(start, end):
            low = text[at].lower()
            out.append("'" if low == "’" else low if len(low) == 1 else text[at])
            starts.append(at)
            ends.append(at + 1)

    at = 0
    for run in _RUN.finditer(text):
        times = _COUNTED.match(text, run.end()) is not None
        for start, end, digits in _numbers(run.group().lower(), counts=times):
            start, end = run.start() + start, run.start() + end
            copy(at, start)
            out.append(digits)
            starts += [start] * len(digits)
            ends += [end] * len(digits)
            at = end
    copy(at, len(text))
    return Normalised("".join(out), tuple(starts), tuple(ends))


def _numbers(run: str, *, counts: bool) -> list[tuple[int, int, str]]:
    """Start, end and digits of each number in a run of number words.

    With ``counts`` a last digit behind a number of its own counts what follows:
    "six fifty three times a day" is 650, three times.
    """
    words = [match for match in _LETTERS.finditer(run) if match.group() != "and"]
    if counts and len(words) > 1 and 0 < _VALUES.get(words[-1].group(), 0) < 10:
        last = words.pop()
        return [*_split(words), (last.start(), last.end(), str(_VALUES[last.group()]))]
    return _split(words)


def _split(words: list[re.Match[str]]) -> list[tuple[int, int, str]]:
    found: list[tuple[int, int, str]] = []
    at = 0
    while at < len(words):
        number, behind = _number([word.group() for word in words[at:]])
        found.append((words[at].start(), words[at + behind - 1].end(), number))
        at += behind
    return found


def _number(words: list[str]) -> tuple[str, int]:
    """The longest number at the front, and how many words it takes."""
    value, taken = _below_hundred(words)
    if words[0] in ("hundred", "thousand"):  # "a hundred": the article stays
        value, taken = 1, 0
    if words[taken : taken + 1] == ["hundred"]:
        rest, more = _below_hundred(words[taken + 1 :])
        value, taken = value * 100 + rest, taken + 1 + more
    elif 0 < value < 10 and taken == 1:
        rest, more = _below_hundred(words[1:])
        if rest >= 10:  # "one forty" is 140
            value, taken = value * 100 + rest, 1 + more
    if words[taken : taken + 1] == ["thousand"]:
        below = words[taken + 1 :]
        last, more = _number(below) if below and below[0] in _VALUES else ("0", 0)
        if "." not in last and int(last) < 1000:
            return str(value * 1000 + int(last)), taken + 1 + more
        return str(value * 1000), taken + 1
    if words[taken : taken + 1] == ["point"]:
        digits = [str(_VALUES[word]) for word in takewhile(_is_digit, words[taken + 1 :])]
        if digits:
            return f"{value}.{''.join(digits)}", taken + 1 + len(digits)
        return str(value), taken + 1
    return str(value), taken


def _is_digit(word: str) -> bool:
    return _VALUES.get(word, 10) < 10


def _below_hundred(words: list[str]) -> tuple[int, int]:
    """The value of one or two words, and how many; (0, 0) where there is none."""
    if not words or words[0] not in _VALUES:
        return 0, 0
    value = _VALUES[words[0]]
    if value >= 20 and len(words) > 1 and 0 < _VALUES.get(words[1], 0) < 10:
        return value + _VALUES[words[1]], 2
    return value, 1
