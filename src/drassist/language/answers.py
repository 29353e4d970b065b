"""Questions and their answers: what was asked is so, or is not, by the reply that follows.

``Any fever? Any chills?`` -- ``No.`` denies both. A reply that names the thing itself says more
than its yes or no (``No chest pain``), and then the question is dropped. What was asked and never
answered is hypothetical.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

from drassist.language.document import Assertion
from drassist.language.mentions import Mention, Reading

__all__ = ["Exchange", "settle"]

_FILLERS: Final = (
    r"^\W*(?:(?:um+|uh+|oh|er|well|ah|hm+|okay|ok|so|doctor|and|honestly|actually)[\s,.]+)*"
)
_YES: Final = re.compile(
    _FILLERS
    + r"(?:yes|yeah|yep|yup|ya|i do|i have|i am|correct|sometimes|a (?:little|bit)|a little bit|right|sure"
    r"|absolutely|definitely|exactly|occasionally|mm-?hmm|uh-huh|that's right|of course|unfortunately|it does|it is)\b",
    re.IGNORECASE,
)
_NO: Final = re.compile(
    _FILLERS
    + r"(?:(?:no|nope|nah|never|none|nothing|negative)(?=\s*(?:[.,;!?-]|$)|\s+(?:no|nothing|not|i|it|none|doctor|sir|that)\b)"
    r"|not (?:really|at all|that i(?:'m| am)? (?:aware|know)\w*|that i can think|lately|recently|anymore|yet)"
    r"|i (?:don't|do n't|haven't|have n't|didn't|did n't|am not)(?=\s*(?:[.,;!?]|$|think so|have any))|nothing like that|i'm not)",
    re.IGNORECASE,
)
_LONGEST_REPLY: Final = 8
_LONGEST_ECHO: Final = 3
_MOST_ASKED: Final = 4


@dataclass(frozen=True, slots=True)
class Exchange:
    """A reading after its answer; ``reply`` is the sentence that answers it, by number."""

    reading: Reading
    reply: int | None = None


def settle(readings: list[Reading]) -> list[Exchange]:
    """Give every question its answer."""
    exchanges = [Exchange(reading) for reading in readings]
    asked: list[int] = []
    for number, reading in enumerate(readings):
        if reading.question:
            kept = [n for n in asked if _same_turn(readings[n], reading)]
            asked = [*kept[-_MOST_ASKED:], number]
        elif asked and _echoes(reading, [readings[n] for n in asked]):
            exchanges[number] = Exchange(replace(reading, mentions=()))
        elif asked:
            first = readings[asked[0]].sentence
            if reading.sentence.turn == first.turn + 1 or (
                first.guessed and number == asked[-1] + 1
            ):
                _answer(exchanges, asked, number)
                asked = []
            elif reading.sentence.turn > first.turn or number > asked[-1] + 1:
                asked = []  # the talk went on to something else
    return [replace(exchange, reading=_unanswered(exchange.reading)) for exchange in exchanges]


def _echoes(reading: Reading, asked: list[Reading]) -> bool:
    """``Ohh, allergies.`` repeats the question, and the answer follows."""
    text = reading.sentence.text
    if len(text.split()) > _LONGEST_ECHO or _YES.match(text) or _NO.match(text):
        return False
    labels = {mention.label for question in asked for mention in question.mentions}
    return bool(reading.mentions) and {m.label for m in reading.mentions} <= labels


def _same_turn(one: Reading, other: Reading) -> bool:
    return one.sentence.turn == other.sentence.turn


def _answer(exchanges: list[Exchange], asked: list[int], number: int) -> None:
    reply = exchanges[number].reading
    text = reply.sentence.text
    answer: Assertion | None = None
    if _NO.match(text):
        answer = "negated"
    elif _YES.match(text):
        answer = "present"
    if any(m.kind == "allergy" for n in asked for m in exchanges[n].reading.mentions):
        reply = replace(reply, mentions=tuple(map(_as_allergy, reply.mentions)))
        exchanges[number] = Exchange(reply)
    restated = {m.label for m in reply.mentions}
    named_allergy = any(m.kind == "allergy" for m in reply.mentions)
    short = len(text.split()) <= _LONGEST_REPLY
    for n in asked:
        question = exchanges[n].reading
        mentions = tuple(
            _settled(mention, answer)
            for mention in question.mentions
            if mention.label not in restated and not (mention.kind == "allergy" and named_allergy)
        )
        belongs = (answer is not None or (short and n == asked[-1])) and bool(mentions)
        exchanges[n] = Exchange(replace(question, mentions=mentions), number if belongs else None)


def _settled(mention: Mention, answer: Assertion | None) -> Mention:
    if not mention.asked or answer is None:
        return mention
    if answer == "negated":
        return replace(mention, assertion="negated", asked=False)
    kept = mention.assertion if mention.assertion in ("family", "historical") else "present"
    return replace(mention, assertion=kept, asked=False)


def _as_allergy(mention: Mention) -> Mention:
    if mention.kind != "medicine" or mention.assertion != "present":
        return mention
    return replace(mention, kind="allergy")


def _unanswered(reading: Reading) -> Reading:
    return replace(
        reading,
        mentions=tuple(
            replace(m, assertion="hypothetical", asked=True) if m.asked else m
            for m in reading.mentions
        ),
    )
