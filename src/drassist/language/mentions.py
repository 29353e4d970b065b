"""What one sentence names: problems, medicines, tests, vital signs, allergies."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from drassist.language.context import Cues, find_cues
from drassist.language.document import Assertion, Code, Kind
from drassist.language.lexicon import Term, terms
from drassist.language.numbers import Normalised, normalise
from drassist.language.phrases import Match, Token, tokens
from drassist.language.resembling import resembling
from drassist.language.sentences import Spoken, is_question
from drassist.language.sig import parse_sig
from drassist.language.vitals import find_vitals

__all__ = ["Guess", "Mention", "Reading", "read_sentence"]

_SIG_REACH: Final = 60


@dataclass(frozen=True, slots=True)
class Mention:
    """``sentence.text[start:end]`` names ``label``.

    ``asked`` while it was only asked for; an answer settles that.
    """

    kind: Kind
    label: str
    start: int
    end: int
    assertion: Assertion
    code: Code | None = None
    value: str | None = None
    unit: str | None = None
    asked: bool = False


@dataclass(frozen=True, slots=True)
class Guess:
    """``sentence.text[start:end]`` sounds like ``medicine``; ``confidence`` in 0..1."""

    start: int
    end: int
    medicine: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Reading:
    """A sentence with what it names, in the order of the text."""

    sentence: Spoken
    question: bool
    mentions: tuple[Mention, ...]
    guesses: tuple[Guess, ...] = ()


def read_sentence(sentence: Spoken, names: Mapping[str, str], expected: frozenset[str]) -> Reading:
    """Find everything; ``names`` (spoken -> usual) are the medicines that may be misheard."""
    normal = normalise(sentence.text)
    words = tokens(normal.text)
    question = is_question(sentence.text)
    cues = find_cues(words)
    found = [
        *_measured(normal, words, cues),
        *_allergies(normal, words, cues),
        *_named(normal, words, cues),
    ]
    mentions = _apart(found)
    if question:
        mentions = tuple(_as_asked(sentence.text, mention) for mention in mentions)
    guesses = () if question else _guesses(normal, words, mentions, names, expected)
    heard = [_heard(sentence.text, guess) for guess in guesses]
    both = sorted([*mentions, *(h for h in heard if h is not None)], key=lambda m: m.start)
    return Reading(sentence, question, tuple(both), guesses)


def _measured(normal: Normalised, words: list[Token], cues: Cues) -> Iterator[Mention]:
    for vital in find_vitals(normal.text):
        first, behind = _range(words, vital.start, vital.end)
        said = cues.assertion(first, behind, ahead_only=True)
        yield Mention(
            "vital",
            vital.label,
            *normal.span(vital.start, vital.end),
            assertion=said if said in ("historical", "hypothetical", "family") else "present",
            code=vital.code,
            value=vital.value,
            unit=vital.unit,
        )


_SUBSTANCE: Final = r"(?!any\b|anything|it\b|that\b|this\b|them\b|medic|drugs?\b|food\b)[a-z][a-z-]+(?: [a-z][a-z-]+)?"
_STOP: Final = (
    r"(?=\s*(?:[.,;?!]|$|\b(?:which|but|so|because|since|when|i|is|are|was|were|as|with|though)\b))"
)
_ALLERGIC_TO: Final = re.compile(
    rf"\b(?:allerg(?:ic|y|ies)|(?:bad |allergic |severe )?reaction) to (?:the |a )?"
    rf"({_SUBSTANCE}(?:(?:,| and| or|, and) {_SUBSTANCE}){{0,4}}?){_STOP}"
)
_AND: Final = re.compile(r",? and |,? or |, ")
_NO_ALLERGY: Final = re.compile(
    r"\b(?:no (?:known )?(?:drug |medication |medicine |food )?allerg(?:y|ies)|nkda|nka"
    r"|(?:not|n't|no) (?:\w+ )?(?:allergic to (?:any\w*|medic\w*)(?: \w+)?|any allergies))\b"
)
_ANY_ALLERGY: Final = re.compile(
    r"\b(?:(?:drug |medication |medicine )?allergies(?: to (?:any\w*|medic\w*)(?: medic\w+)?)?"
    r"|allergic to (?:any\w*|medic\w*)(?: medic\w+)?|allergies to anything)\b"
)
_X_ALLERGY: Final = re.compile(
    r"\b(penicillin|sulfa|latex|peanut|nut|aspirin|egg|shellfish|iodine) allergy\b"
)


def _allergies(normal: Normalised, words: list[Token], cues: Cues) -> Iterator[Mention]:
    """The substance is an allergy and not a medicine that is taken."""
    text = normal.text
    if "allerg" not in text and "reaction" not in text and "nk" not in text:
        return
    for match in _ALLERGIC_TO.finditer(text):
        assertion = cues.assertion(*_range(words, match.start(), match.end()), ahead_only=True)
        at = match.start(1)
        for substance in _AND.split(match[1]):
            at = text.index(substance, at)
            span = normal.span(at, at + len(substance))
            yield Mention("allergy", substance.capitalize(), *span, assertion=assertion)
            at += len(substance)
    for match in _X_ALLERGY.finditer(text):
        assertion = cues.assertion(*_range(words, match.start(), match.end()))
        yield Mention("allergy", match[1].capitalize(), *normal.span(*match.span()), assertion)
    for match in _NO_ALLERGY.finditer(text):
        yield Mention("allergy", "Any allergy", *normal.span(*match.span()), "negated")
    for match in _ANY_ALLERGY.finditer(text):
        assertion = cues.assertion(*_range(words, match.start(), match.end()))
        yield Mention("allergy", "Any allergy", *normal.span(*match.span()), assertion)


_DOSED: Final = re.compile(
    r"\W*(?:\w+\W+){0,2}?(?:\d|tablet|tab\b|capsule|syrup|sachet|drop|od\b|bd\b|tds\b)"
)
_STOPPED: Final = re.compile(
    r"\b(?:stop|stopped|stopping|discontinue|discontinued|discontinuing|come off|came off|hold off on"
    r"|avoid|quit)(?: taking| using)?(?: (?:the|your|my|all))*\s*$"
)


def _named(normal: Normalised, words: list[Token], cues: Cues) -> Iterator[Mention]:
    for match in terms().find(words):
        term = match.value
        if term.ambiguous and not _DOSED.match(normal.text, match.end, match.end + 30):
            continue
        yield Mention(
            term.kind,
            term.label,
            *normal.span(match.start, match.end),
            assertion=_assertion(normal, cues, match),
            code=term.code,
        )


def _assertion(normal: Normalised, cues: Cues, match: Match[Term]) -> Assertion:
    kind = match.value.kind
    said = cues.assertion(match.first, match.behind, ahead_only=kind in ("test", "medicine"))
    before = normal.text[max(0, match.start - 40) : match.start]
    if kind == "medicine" and said == "present" and _STOPPED.search(before):
        return "negated"
    return said


def _apart(found: list[Mention]) -> tuple[Mention, ...]:
    """None inside another; the kinds that are read first win."""
    kept: list[Mention] = []
    for one in found:
        if all(one.end <= other.start or one.start >= other.end for other in kept):
            kept.append(one)
    return tuple(sorted(kept, key=lambda mention: mention.start))


# what a question takes for granted is not asked: "apart from the eczema, ..."
_GRANTED: Final = re.compile(
    r"\b(?:(?:apart|aside) from|besides|other than|similar to|(?:about|with|for|is|are|does|did|was)(?: the| your| this| that))"
    r"(?: the| your| my)?\s*$",
    re.IGNORECASE,
)


_GRANTED_PROBLEM: Final = re.compile(r"\b(?:your|that|this|these|those)\s+$", re.IGNORECASE)
_ASKS_MORE: Final = re.compile(
    r"\b(?:how long|how often|how many|how bad|when did|when do|where (?:is|does|do|are)|what (?:kind|sort|type|makes|brings)"
    r"|who looks|why do)\b",
    re.IGNORECASE,
)


def _as_asked(text: str, mention: Mention) -> Mention:
    begin = max(0, mention.start - 40)
    granted = mention.kind == "vital" or _GRANTED.search(text, begin, mention.start)
    if mention.kind == "problem" and not granted:
        granted = _GRANTED_PROBLEM.search(text, begin, mention.start) or _ASKS_MORE.search(
            text, 0, mention.start
        )
    if granted:
        return mention
    return replace(mention, asked=True)


def _guesses(
    normal: Normalised,
    words: list[Token],
    mentions: tuple[Mention, ...],
    names: Mapping[str, str],
    expected: frozenset[str],
) -> tuple[Guess, ...]:
    spans = [normal.span(word.start, word.end) for word in words]
    taken = [any(start < m.end and m.start < end for m in mentions) for start, end in spans]
    return tuple(
        Guess(spans[one.first][0], spans[one.behind - 1][1], one.name, one.confidence)
        for one in resembling(words, taken, names, expected)
    )


def _heard(text: str, guess: Guess) -> Mention | None:
    """A misheard medicine under the words that were heard, when a dose follows it."""
    if not parse_sig(text[guess.end : guess.end + _SIG_REACH]).says_how:
        return None
    return Mention("medicine", text[guess.start : guess.end], guess.start, guess.end, "present")


def _range(words: list[Token], start: int, end: int) -> tuple[int, int]:
    """The words that ``text[start:end]`` covers."""
    first = next((at for at, word in enumerate(words) if word.end > start), len(words))
    behind = next((at for at, word in enumerate(words) if word.start >= end), len(words))
    return first, max(first, behind)
