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
# without a dose beside it a word must be closer to the name
_ENOUGH: Final = 0.78
_ENOUGH_WITHOUT_DOSE: Final = 0.86
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
    always sometimes usually currently recently problems problem blood pressure sugar weight normal
    already alright along long next control controlled strain married distal so far out up down in over under again
    back because been before being both by call called came change check come coming day different down during each eat
    else even ever everyone everybody exactly fact family fair feet few find fine first follow following found full
    general give given go goes good great guess had half hand happen happened hard head hear help here high home hope
    hour house how if into issue it's i'm i've i'll i'd that's don't didn't you're you've we'll let's there's keep kind
    kitchen last least left less let like likely little living look looking lot lots low made make makes making many
    matter maybe mean mention mentioned middle might minute minutes moment months most mother father move much must name
    need needed never new nice nights none now number off often okay old one only open or others our own part past
    people perfect person place plan play possible pretty probably prior put quick quite ran read ready real reason red
    rest result results right run said same saw say scan second see seem seems seen send severe sharp should side since
    sit skin sleep small some someone soon sore sort sounds still stomach stress stuff such sure symptom take talk tell
    ten than thank thanks their them they thing things think though thought three through till time tired today together
    told tomorrow too took top totally touch tried try trying turn two type under until use used using usual very visit
    wait walk want wanted was way well went were what's where whether while who whole why wife without wonder words work
    working worried worry worse yeah year years yes yesterday yet young your yourself able alcohol allergy almost alone
    also although always am among amount arm asthma away bad bed believe best bit body book bring brought bowel"""
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
                dosed = any(_says_dose(word) for word in words[behind : behind + _CUE_REACH])
                found += _best(heard, first, behind, names, expected, dosed=dosed)
    return _apart(found)


def _places(words: Sequence[Token], taken: Sequence[bool]) -> list[int]:
    """Where a name may begin: near a cue, at a word that is not understood."""
    near = [False] * len(words)
    for at, word in enumerate(words):
        if word.stem in _BEFORE or word.word in _BEFORE:
            for place in range(at + 1, min(at + _CUE_REACH, len(words))):
                near[place] = True
        if _says_dose(word):
            for place in range(max(0, at - _CUE_REACH), at):
                near[place] = True
    return [
        at for at, word in enumerate(words) if near[at] and not taken[at] and word.word.isalpha()
    ]


def _says_dose(word: Token) -> bool:
    return word.stem in _BEHIND or word.word in _BEHIND or word.word[0].isdigit()


def _worth_it(window: Sequence[Token], heard: str) -> bool:
    if not _LETTERS[0] <= len(heard) <= _LETTERS[1]:
        return False
    if len(window) == 1:
        return heard not in _COMMON
    # a name is broken into pieces of which at least one is no word of every day
    return not all(token.word in _COMMON for token in window)


def _best(
    heard: str,
    first: int,
    behind: int,
    names: Mapping[str, str],
    expected: frozenset[str],
    *,
    dosed: bool,
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
    enough = _ENOUGH if dosed else _ENOUGH_WITHOUT_DOSE
    if best in expected:
        enough = _ENOUGH_WHEN_EXPECTED
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
