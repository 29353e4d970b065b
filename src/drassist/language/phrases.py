"""Finding known phrases in text: longest match over words, in time linear in the text.

Words are compared without case, plural ending and possessive; between the words of a phrase may
stand what does not change it (``pain in *my* chest``, ``shortness of *uh* breath``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

__all__ = ["Match", "PhraseTable", "Token", "tokens"]

T = TypeVar("T")

# hyphens and slashes part words: "follow-up", "s/p"; "do n't" is how some transcripts write don't
_TOKEN: Final = re.compile(r"n't|[^\W_]+(?:'[^\W_]+)?|[+%°]")
_BREAK: Final = re.compile(r"[.,;:?!()\[\]]")
_PASSED_OVER: Final = frozenset(
    [
        "a",
        "an",
        "the",
        "my",
        "your",
        "his",
        "her",
        "their",
        "our",
        "any",
        "some",
        "uh",
        "um",
        "er",
        "like",
        "kind",
        "of",
        "sort",
        "left",
        "right",
        "both",
        "very",
    ]
)
_LONGEST_PASS: Final = 3


@dataclass(frozen=True, slots=True)
class Token:
    """A word: ``text[start:end]``; ``stem`` is what is compared; ``after_break`` a stop before."""

    start: int
    end: int
    word: str
    stem: str
    after_break: bool


@dataclass(frozen=True, slots=True)
class Match(Generic[T]):
    """A phrase that was found: tokens ``first`` up to, but not including, ``behind``."""

    start: int
    end: int
    first: int
    behind: int
    value: T


def tokens(text: str) -> list[Token]:
    """The words of lower-case text."""
    found: list[Token] = []
    at = 0
    for match in _TOKEN.finditer(text):
        word = match.group()
        broken = _BREAK.search(text, at, match.start()) is not None
        found.append(Token(match.start(), match.end(), word, _stem(word), broken))
        at = match.end()
    return found


class PhraseTable(Generic[T]):
    """Phrases with what they stand for.

    ``exact`` compares words as they are and lets nothing stand between them.
    """

    __slots__ = ("_by_first", "_exact")

    def __init__(self, phrases: Iterable[tuple[str, T]], *, exact: bool = False) -> None:
        by_first: dict[str, dict[tuple[str, ...], T]] = {}
        for phrase, value in phrases:
            words = [t.word if exact else t.stem for t in tokens(phrase.lower())]
            words = words if exact else [words[0], *(w for w in words[1:] if w not in _PASSED_OVER)]
            by_first.setdefault(words[0], {}).setdefault(tuple(words[1:]), value)
        self._exact = exact
        self._by_first: Mapping[str, list[tuple[tuple[str, ...], T]]] = {
            first: sorted(rests.items(), key=lambda rest: -len(rest[0]))
            for first, rests in by_first.items()
        }

    def find(self, words: Sequence[Token]) -> Iterator[Match[T]]:
        """Every phrase, the longest at each place, none inside another."""
        at = 0
        while at < len(words):
            match = self._at(words, at)
            if match is None:
                at += 1
            else:
                yield match
                at = match.behind

    def _at(self, words: Sequence[Token], first: int) -> Match[T] | None:
        opening = words[first].word if self._exact else words[first].stem
        for rest, value in self._by_first.get(opening, ()):
            behind = self._follow(words, first + 1, rest)
            if behind is not None:
                start, end = words[first].start, words[behind - 1].end
                return Match(start, end, first, behind, value)
        return None

    def _follow(self, words: Sequence[Token], at: int, rest: tuple[str, ...]) -> int | None:
        """Where the phrase ends, or None when it goes on in another way."""
        for wanted in rest:
            passed = 0
            while at < len(words) and not words[at].after_break:
                word = words[at].word if self._exact else words[at].stem
                if word == wanted:
                    break
                if self._exact or word not in _PASSED_OVER or passed == _LONGEST_PASS:
                    return None
                at, passed = at + 1, passed + 1
            else:
                return None
            at += 1
        return at


def _stem(word: str) -> str:
    """Without plural and possessive; crude, but the same on both sides."""
    if word.endswith("'s"):
        word = word[:-2]
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith("aches"):
        return word[:-1]
    if len(word) > 4 and word.endswith(("shes", "ches", "xes", "sses")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word
