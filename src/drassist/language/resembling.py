"""Which medicine may have been meant? Compares what was heard with names, by letters and by sound.

Recognition breaks names into words (``metform in``), so windows of one to four words are compared,
and only where a medicine is expected: behind a word such as *take* or before a dose. The answer is
a suggestion with a confidence for the doctor to confirm; nothing here changes the text. The list
of names is kept small on purpose: with thousands of names most suggestions are wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from jellyfish import metaphone
from rapidfuzz.distance import JaroWinkler, Levenshtein

from drassist.language.phrases import Token

__all__ = ["Resemblance", "resembling"]

_LONGEST: Final = 4
_LETTERS: Final = (5, 24)
_ENOUGH: Final = 0.78
_ENOUGH_WHEN_EXPECTED: Final = 0.70
_CUE_REACH: Final = 5
_BEFORE_WORDS: Final = """take takes taking took taken start started starting prescribe prescribed prescribing give given giving continue
    continuing stop stopped tablet capsule syrup medicine medication medicines medications called inhaler use using
    on of try add increase decrease switch"""
_BEFORE: Final = frozenset(_BEFORE_WORDS.split())
_BEHIND_WORDS: Final = """mg mcg milligram microgram gram gm ml tablet tab capsule cap puff drop unit inhaler syrup cream ointment gel daily
    once twice thrice od bd tds tid bid qid sos hs prn dose dosage"""
_BEHIND: Final = frozenset(_BEHIND_WORDS.split())
_COMMON_WORDS: Final = """a an and the of in on at to for with is are was were be been i you he she it we they my your his her do does did
    have has had any some take taking start also please get got once twice thrice times day days week weeks month food
    after before milligrams milligram pain no not yes but this that these those will would should could continue stop
    tablet tablets morning night daily may can per about just more really think know feel feeling going medication
    medications medicine medicines something anything nothing everything when then there here what which other another
    water plenty doctor nurse hospital pharmacy prescription antibiotic antibiotics painkiller painkillers steroid cream
    inhaler allergies symptoms breakfast dinner evening evenings meals hours every little better worse regular regularly
    insulin vitamin vitamins supplement supplements chemotherapy infection infections fever cough protein exercise
    diarrhea constipation headache hypertension diabetes depression surgery therapy physical clinic appointment
    always sometimes usually currently recently problems problem blood pressure sugar weight normal"""
_COMMON: Final = frozenset(_COMMON_WORDS.split())


@dataclass(frozen=True, slots=True)
class Resemblance:
    """The words ``first`` up to ``behind`` sound like ``name``; ``confidence`` in 0..1."""

    first: int
    behind: int
    name: str
    confidence: float


def resembling(
    words: Sequence[Token],
    taken: Sequence[bool],
    names: Mapping[str, str],
    expected: frozenset[str],
) -> list[Resemblance]:
    """Windows that sound like one of ``names`` (spoken -> usual name), best first choice each.

    ``taken`` marks words that are understood already; ``expected`` names need less likeness.
    """
    if not (places := _places(words, taken)):
        return []
    found: list[Resemblance] = []
    for first in places:
        heard = ""
        for behind in range(first + 1, min(first + _LONGEST, len(words)) + 1):
            last = words[behind - 1]
            if taken[behind - 1] or not last.word.isalpha():
                break
            if behind - first > 1 and last.after_break:
                break
            heard += last.word
            if _worth_it(words[first:behind], heard):
                found += _best(heard, first, behind, names, expected)
    return _apart(found)


def _places(words: Sequence[Token], taken: Sequence[bool]) -> list[int]:
    """Where a name may begin: near a cue, at a word that is not understood."""
    near = [False] * len(words)
    for at, word in enumerate(words):
        if word.stem in _BEFORE or word.word in _BEFORE:
            for place in range(at + 1, min(at + _CUE_REACH, len(words))):
                near[place] = True
        if word.stem in _BEHIND or word.word in _BEHIND or word.word[0].isdigit():
            for place in range(max(0, at - _CUE_REACH), at):
                near[place] = True
    return [
        at for at, word in enumerate(words) if near[at] and not taken[at] and word.word.isalpha()
    ]


def _worth_it(window: Sequence[Token], heard: str) -> bool:
    if not _LETTERS[0] <= len(heard) <= _LETTERS[1]:
        return False
    if len(window) == 1:
        return heard not in _COMMON
    # a name is broken into pieces of which at least one is no word of every day
    return not all(token.word in _COMMON for token in window)


def _best(
    heard: str, first: int, behind: int, names: Mapping[str, str], expected: frozenset[str]
) -> list[Resemblance]:
    sound = _sound(heard)
    best, likeness = "", 0.0
    for name in names:
        if abs(len(name) - len(heard)) > 3 or (
            name[0] != heard[0] and _sound(name)[:1] != sound[:1]
        ):
            continue
        this = _likeness(heard, sound, name) + (0.02 if name in expected else 0)
        if this > likeness:
            best, likeness = name, this
    enough = _ENOUGH_WHEN_EXPECTED if best in expected else _ENOUGH
    if likeness < enough:
        return []
    return [Resemblance(first, behind, names[best], round(min(likeness, 0.99), 2))]


def _likeness(heard: str, sound: str, name: str) -> float:
    """Half by letters, half by sound."""
    by_letter = max(
        Levenshtein.normalized_similarity(heard, name), JaroWinkler.similarity(heard, name) - 0.1
    )
    return 0.5 * by_letter + 0.5 * Levenshtein.normalized_similarity(sound, _sound(name))


@lru_cache(maxsize=8192)
def _sound(letters: str) -> str:
    return metaphone(letters)


def _apart(found: list[Resemblance]) -> list[Resemblance]:
    """The likeliest of those that overlap."""
    kept: list[Resemblance] = []
    for one in sorted(found, key=lambda r: (-r.confidence, r.behind - r.first)):
        if all(one.behind <= other.first or one.first >= other.behind for other in kept):
            kept.append(one)
    return sorted(kept, key=lambda r: r.first)
