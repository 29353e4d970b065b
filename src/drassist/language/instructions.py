"""How each medicine of a consultation is taken: which words are about which medicine.

A medicine's instructions are between it and the next one, or right before it (``two puffs of
salbutamol``), and may go on in the next sentence (``Take it after food.``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from drassist.language.document import Medication
from drassist.language.mentions import Mention, Reading
from drassist.language.numbers import normalise
from drassist.language.sig import Sig, parse_sig

__all__ = ["medications"]

_BEFORE: Final = re.compile(
    r"(?:\b(?:half a|half|one|a|\d[\d.,/]*|½)(?:\s+(?:to|or)\s+\d+)?[\s-]*)"
    r"(?:tablets?|tabs?|capsules?|caps?|puffs?|drops?|ml|millilit\w+|teaspoons?|units?|mg|mcg|milligrams?|micrograms?"
    r"|grams?|sachets?|sprays?|pills?)(?:\s+of)?(?:\s+(?:the|your|a|my))?\s*$"
)
_REACH: Final = 60
# another matter begins
_CLAUSE_END: Final = re.compile(
    r"[;]|,?\s+(?:and|then|but|so)\s+(?:then\s+)?(?:come|check|get|we|i|you|let|follow|drink|see|have|call|that|it's|if|stop|rest)\b"
    r"|,\s+(?:come|check|get|let|follow|drink|see|call|we|i)\b|\bfor (?:my|your|the|his|her)\b",
    re.IGNORECASE,
)
_GOES_ON: Final = re.compile(
    r"^\W*(?:(?:and|so|okay|ok|please|you can|you should|i want you to|you need to|just)[\s,]+)*"
    r"(?:take|use|apply|put|inhale|have)?\s*(?:it|this|that|half|a|an|\d|once|twice|thrice|three|four|every|for|in the"
    r"|before|after|with|daily|at night|od|bd|tds|tid|qid|sos|prn)\b",
    re.IGNORECASE,
)
_MOST_SENTENCES: Final = 2
_TRAILING: Final = re.compile(r"(?:[\s,.;]|\b(?:and|or|then|with)\b)+$", re.IGNORECASE)


def medications(readings: Sequence[Reading]) -> Iterator[Medication]:
    """Each medicine that is taken or to be taken, in the order it was named.

    A medicine that was only named is there once at most, and not at all when another mention of
    it says how it is taken.
    """
    found = [
        (sig, _medication(mention, sig, raw, reading))
        for number, reading in enumerate(readings)
        for mention, sig, raw in _instructed(readings, number)
    ]
    told = {medication.medicine for sig, medication in found if sig.says_how}
    for sig, medication in found:
        if sig.says_how or medication.medicine not in told:
            told.add(medication.medicine)
            yield medication


def _instructed(readings: Sequence[Reading], number: int) -> Iterator[tuple[Mention, Sig, str]]:
    """The medicines of one sentence with their instructions and the words of these."""
    reading = readings[number]
    text = reading.sentence.text
    named = [mention for mention in reading.mentions if mention.kind == "medicine"]
    begins = [
        _begin(text, mention.start, named[at - 1].end if at else 0)
        for at, mention in enumerate(named)
    ]
    for at, mention in enumerate(named):
        if mention.assertion in ("negated", "family") or mention.asked:
            continue
        last = at + 1 == len(named)
        end = _clause_end(text, mention.end, len(text) if last else begins[at + 1])
        said = f"{text[begins[at] : mention.start]} {text[mention.end : end]}"
        sig, raw = parse_sig(said), _TRAILING.sub("", text[begins[at] : end])
        for further in _continued(readings, number) if last else ():
            longer = parse_sig(f"{said} . {further}")
            if longer == sig:
                break
            sig, raw, said = longer, f"{raw}. {further.strip(' ,.;')}", f"{said} . {further}"
        yield mention, sig, raw


def _begin(text: str, start: int, after: int) -> int:
    """Where the words on a medicine begin: at its amount when that stands right before it."""
    offset = max(after, start - _REACH)
    normal = normalise(text[offset:start])
    match = _BEFORE.search(normal.text)
    return offset + normal.span(match.start(), match.end())[0] if match else start


def _clause_end(text: str, start: int, end: int) -> int:
    match = _CLAUSE_END.search(text, start, end)
    return match.start() if match else end


def _continued(readings: Sequence[Reading], number: int) -> Iterator[str]:
    """What the same speaker goes on to say about it."""
    turn = readings[number].sentence.turn
    for reading in readings[number + 1 : number + 1 + _MOST_SENTENCES]:
        medicine = any(mention.kind == "medicine" for mention in reading.mentions)
        text = reading.sentence.text
        if (
            reading.sentence.turn != turn
            or medicine
            or reading.question
            or not _GOES_ON.match(normalise(text).text)
        ):
            return
        yield text[: _clause_end(text, 0, len(text))]


def _medication(mention: Mention, sig: Sig, raw: str, reading: Reading) -> Medication:
    utterance_id, _, _ = reading.sentence.locate(mention.start, mention.end)
    return Medication(
        medicine=mention.label,
        raw=raw,
        utterance_id=utterance_id,
        strength=sig.strength,
        dose=sig.dose,
        dose_unit=sig.dose_unit,
        route=sig.route,
        frequency=sig.frequency,
        period=sig.period,
        period_unit=sig.period_unit,
        when=sig.when,
        as_needed=sig.as_needed,
        duration=sig.duration,
        duration_unit=sig.duration_unit,
    )
