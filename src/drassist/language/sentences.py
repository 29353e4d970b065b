"""Utterances -> sentences, and who says them.

A segment ends where the speaker pauses, which is not always where a sentence does: one without a
full stop goes on in the next segment of the same speaker when that begins in lower case. A
sentence without end is cut, so that all work behind is linear in the length of the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from drassist.language.document import Speaker, Utterance

__all__ = ["Piece", "Spoken", "is_question", "split_sentences"]

_LONGEST: Final = 600
_END: Final = re.compile(r"[.?!]+(?=[\s\"')\]]|$)[\"')\]]*|\n+")
_ABBREVIATION: Final = re.compile(
    r"\b(?:dr|mr|mrs|ms|vs|st|approx|e\.g|i\.e|[ap]\.[mc]|[bto]\.d)\.?$", re.I
)
_OPENING: Final = r"(?:(?:and|so|okay|ok|um|uh|all right|alright|right|now|well|but|then)[ ,]+)*"
_QUESTION: Final = re.compile(
    rf"^\W*{_OPENING}(?:(?:do|does|did|have|has|had|are|is|were|was|can|could|would|will|should|any)"
    r"\s+(?:you|your|he|she|it|they|there|that|this|any|the|i|we|other|one)\b"
    r"|any\s|what\b|when\b|where\b|how\b|which\b|who\b|why\b|whereabouts\b)",
    re.IGNORECASE,
)
# "I will order another one, okay?" tells
_TAG: Final = re.compile(r"\b(?:okay|ok|all right|alright|right)\s*\?$", re.IGNORECASE)
_DOCTOR: Final = re.compile(
    r"\b(?:your|you(?:'ve| have) (?:had|got|any|been)|(?:do|have|are|did) you|i am doctor|i'm dr"
    r"|(?:i|we)(?:'ll| will) (?:start|give|prescribe|order|refer|get|send|check)|i(?:'m| am) going to"
    r"|i think (?:this|you|it|that)|please (?:get|take|come|continue|drink)|also take|let me"
    r"|what brings you|how can i help|tell me|come back|let's|follow up|there is no sign"
    r"|i(?:'d| would) like (?:you )?to|on examination|go ahead and)\b",
    re.IGNORECASE,
)
_PATIENT: Final = re.compile(
    r"\b(?:my|doctor(?=[.,!?]|$)|i have|i've|i feel|i'm feeling|i take|i had|i am allergic|should i"
    r"|it hurts|i can't|i get|thank you doctor|i was|i don't|i'm worried|me)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a sentence in one utterance: ``length`` characters from ``start`` there.

    ``at`` is where it begins in the sentence.
    """

    utterance_id: str
    at: int
    start: int
    length: int


@dataclass(frozen=True, slots=True)
class Spoken:
    """One sentence; ``guessed`` when the speaker is told from words and not from the channel.

    ``turn`` counts the changes of speaker before it.
    """

    text: str
    pieces: tuple[Piece, ...]
    speaker: Speaker | None
    guessed: bool = False
    turn: int = 0

    @property
    def segment_ids(self) -> tuple[str, ...]:
        """The utterances it was said in, in order, each once."""
        return tuple(dict.fromkeys(piece.utterance_id for piece in self.pieces))

    def locate(self, start: int, end: int) -> tuple[str, int, int]:
        """Utterance and span there of ``text[start:end]``, cut where the utterance ends."""
        piece = next(p for p in reversed(self.pieces) if p.at <= start or p is self.pieces[0])
        shift = piece.start - piece.at
        return piece.utterance_id, start + shift, min(end, piece.at + piece.length) + shift


def split_sentences(utterances: Sequence[Utterance]) -> list[Spoken]:
    """The sentences in the order they were said."""
    sentences: list[Spoken] = []
    for utterance in utterances:
        for start, end in _spans(utterance.text):
            text = utterance.text[start:end]
            before = sentences[-1] if sentences else None
            if (
                before is not None
                and start == _first(utterance.text)
                and _goes_on(before, utterance, text)
            ):
                at = len(before.text) + 1
                piece = Piece(utterance.id, at, start, len(text))
                sentences[-1] = replace(
                    before, text=f"{before.text} {text}", pieces=(*before.pieces, piece)
                )
            else:
                piece = Piece(utterance.id, 0, start, len(text))
                sentences.append(Spoken(text, (piece,), utterance.speaker))
    return _with_turns(_with_speakers(sentences))


def is_question(text: str) -> bool:
    """Whether a sentence asks: by its mark, or by its opening words where it has no full stop."""
    text = text.rstrip()
    if _TAG.search(text):
        return _QUESTION.match(text) is not None
    return text.endswith("?") or (not text.endswith((".", "!")) and bool(_QUESTION.match(text)))


def _spans(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each sentence, without the space around it."""
    start = 0
    for match in _END.finditer(text):
        if match.group()[0] == "." and _ABBREVIATION.search(
            text, max(0, match.start() - 8), match.start()
        ):
            continue
        yield from _cut(text, start, match.end())
        start = match.end()
    yield from _cut(text, start, len(text))


def _cut(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while True:
        while start < end and text[start].isspace():
            start += 1
        if start >= end:
            return
        stop = end
        if end - start > _LONGEST:
            space = text.rfind(" ", start + 1, start + _LONGEST)
            stop = space if space > start else start + _LONGEST
        last = stop
        while text[last - 1].isspace():
            last -= 1
        # a lone full stop says nothing
        if any(map(str.isalnum, text[start:last])):
            yield start, last
        start = stop


def _first(text: str) -> int:
    return len(text) - len(text.lstrip())


def _goes_on(before: Spoken, utterance: Utterance, text: str) -> bool:
    return (
        before.speaker == utterance.speaker
        and before.pieces[-1].utterance_id != utterance.id
        and not before.text.endswith((".", "?", "!"))
        and text[:1].islower()
        and len(before.text) + len(text) < _LONGEST
    )


def _with_speakers(sentences: list[Spoken]) -> list[Spoken]:
    told: list[Spoken] = []
    before: Speaker | None = None
    asked = False
    for sentence in sentences:
        if sentence.speaker is None:
            guess = _guess(sentence.text, before, asked)
            sentence = replace(sentence, speaker=guess, guessed=guess is not None)
        told.append(sentence)
        before, asked = sentence.speaker, is_question(sentence.text)
    return told


def _guess(text: str, before: Speaker | None, asked: bool) -> Speaker | None:
    doctor, patient = len(_DOCTOR.findall(text)), len(_PATIENT.findall(text))
    if asked and before is not None and not is_question(text) and doctor <= patient:
        return "patient" if before == "doctor" else "doctor"
    if doctor != patient:
        return "doctor" if doctor > patient else "patient"
    return before


def _with_turns(sentences: list[Spoken]) -> list[Spoken]:
    turn = 0
    told: list[Spoken] = []
    for sentence in sentences:
        if told and told[-1].speaker != sentence.speaker:
            turn += 1
        told.append(replace(sentence, turn=turn))
    return told
