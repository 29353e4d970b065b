"""The draft note: sentences that say something clinical, in the section where they belong.

Extraction only: a sentence of the draft is a sentence that was said (a question goes with its
short answer), with the segments it was said in. What a patient says is subjective; what a doctor
says is sorted by its words: measurements and findings are objective, plans are plans.
"""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
from typing import Final, Literal, TypeAlias

from drassist.language.answers import Exchange
from drassist.language.document import DraftNote, Section, Sentence
from drassist.language.mentions import Reading

__all__ = ["draft"]

_SectionCode: TypeAlias = Literal["S", "O", "A", "P"]
_TITLES: Final[tuple[tuple[_SectionCode, str], ...]] = (
    ("S", "Subjective"),
    ("O", "Objective"),
    ("A", "Assessment"),
    ("P", "Plan"),
)


def draft(exchanges: Sequence[Exchange], entity_ids: Sequence[tuple[str, ...]]) -> DraftNote:
    """The note; ``entity_ids`` are those of each exchange, in the same order."""
    sections: dict[_SectionCode, list[Sentence]] = {code: [] for code, _ in _TITLES}
    used: set[int] = set()
    for number, exchange in enumerate(exchanges):
        late = number > _LATE * len(exchanges)
        if exchange.reply is not None:
            answered = _answered_section(exchange.reading, exchanges[exchange.reply].reading)
            sections[answered].append(_exchanged(exchanges, number, entity_ids))
            used.add(exchange.reply)
        elif number not in used and (code := _section(exchange.reading, late)) is not None:
            sentence = exchange.reading.sentence
            sections[code].append(Sentence(sentence.text, sentence.segment_ids, entity_ids[number]))
    return DraftNote(tuple(Section(code, title, tuple(sections[code])) for code, title in _TITLES))


def _answered_section(question: Reading, reply: Reading) -> _SectionCode:
    """What a patient asks and a doctor answers with advice is a plan."""
    asked, answered = question.sentence.speaker, reply.sentence.speaker
    advised = asked == "patient" and answered == "doctor" and _PLAN.search(reply.sentence.text)
    return "P" if advised else "S"


def _exchanged(
    exchanges: Sequence[Exchange], number: int, entity_ids: Sequence[tuple[str, ...]]
) -> Sentence:
    """A question and its answer as one sentence."""
    reply = exchanges[number].reply or number
    question, answer = exchanges[number].reading.sentence, exchanges[reply].reading.sentence
    return Sentence(
        f"{question.text} {answer.text}",
        tuple(dict.fromkeys((*question.segment_ids, *answer.segment_ids))),
        (*entity_ids[number], *entity_ids[reply]),
    )


# doctors sum up what they heard before they say what they think of it
_LATE: Final = 0.5
# "Itchy." repeats the patient
_ECHO: Final = 3
_ADVICE: Final = re.compile(
    r"\b(?:(?:i|we)(?:'ll| will|'m going to| am going to|'d like to| would like to)(?: also| just)? (?:start|give you|prescribe|order|refer|see you|arrange|put you|get you|have you)"
    r"|come back|follow[ -]up (?:in|with)|plenty of|review (?:in|you)|referral|i recommend|i(?:'d| would) (?:recommend|suggest|advise)|return in|avoid"
    r"|you (?:should|need to|can) (?:take|drink|rest|eat|see|call|come|use|go|exercise|stay|keep)|if (?:it|things|that|they|the symptoms|your symptoms) (?:get|gets|don't|doesn't|do|does|worsen)"
    r"|stay off|elevate|ice it|low salt|exercise)\b",
    re.IGNORECASE,
)
_PLAN: Final = re.compile(
    r"\b(?:(?:i|we)(?:'ll| will|'m going to| am going to|'re going to| are going to| would|'d)(?: like to| also| just| then)? "
    r"(?:start|give|prescribe|order|refer|get|send|check|put|do|have you|increase|decrease|continue|stop|see you|arrange|recommend|add|repeat|like you)"
    r"|please|come back|follow[ -]?up|also take|continue|keep (?:taking|using|on)|drink plenty|plenty of|start (?:you )?(?:on|with|taking)?|let's"
    r"|go ahead and|review (?:in|you)|referr?(?:al|ing)?|recommend|return in|you should|you need to|you can take|i want you to|i suggest|i advise"
    r"|avoid|make sure you|if (?:it|you|the|things|that) (?:get|gets|don't|doesn't|do|does|develop|worsen|have|is|are)|try to|treat)\b",
    re.IGNORECASE,
)
_ASSESSMENT: Final = re.compile(
    r"\b(?:i think|i believe|diagnos\w+|impression|this is (?:a |an |most )?|looks like|sounds like|consistent with"
    r"|there is no sign|no sign of|likely|suspect|suggests?|for your (?:\w+ )?(?:\w+ )?(?:problem|issue)|assessment|differential|it seems|you have (?:a|an)"
    r"|could be|might be|well controlled|under control)\b",
    re.IGNORECASE,
)
_ORGANS: Final = (
    r"(?:throat|chest|ears?|tonsils|nose|skin|neck|eyes?|heart|belly|abdomen|stomach|knee|back|lungs?|liver|pulse|joints?"
    r"|ankle|shoulder|pupils|reflexes|lymph nodes|glands|heart sounds|breath sounds|bowel sounds|vital signs|vitals|strength)"
)
_FINDING: Final = re.compile(
    rf"\b(?:on (?:your )?(?:physical )?exam(?:ination)?|crackles|rales|rhonchi|murmur|tenderness|tender to|erythema|range of motion|to palpation"
    rf"|{_ORGANS} (?:is|are|looks?|sounds?|feels?|appears?|does appear|were|was)|(?:i (?:can )?(?:see|hear|feel|do appreciate|appreciate)|looking at|having looked at|listening to) )",
    re.IGNORECASE,
)
_RESULT: Final = re.compile(
    r"\b(?:show(?:s|ed|ing)?|came back|reveal\w*|results?|look(?:s|ed) (?:good|fine|normal|great)|(?:is|was|were) (?:normal|negative|positive|high|low|elevated))\b",
    re.IGNORECASE,
)
_PRESENTED: Final = re.compile(
    r"\b(?:(?:year|month)[ -]old|past medical history|who presents|presents (?:today|with|for|to))\b",
    re.IGNORECASE,
)
_RECOUNTED: Final = re.compile(
    r"\b(?:you(?:'ve| have) (?:had|been|got)|you (?:said|mentioned|told|are here|were|had|take|are taking)|you're (?:here|taking|on|having)"
    r"|history of|i see (?:that )?you|here (?:today )?(?:for|with|because))\b",
    re.IGNORECASE,
)
_COURSE: Final = re.compile(
    r"\b(?:(?:it|this|that|pain|symptoms?) (?:all )?(?:started|began|has been|comes|gets|got|is getting|hurts|goes|feels|is worse)"
    r"|started (?:about |around )?(?:\w+ )?(?:days?|weeks?|months?|hours?|years?|yesterday|last)|for (?:the )?(?:past|last) |(?:days?|weeks?|months?|years?) ago"
    r"|worse(?:ns|ning)?\b|better when|out of (?:ten|10)|i smoke|cigarettes|alcohol|i drink|i live|surgery|operation|hospital|pain|hurts?|sore)\b",
    re.IGNORECASE,
)


def _section(reading: Reading, late: bool) -> _SectionCode | None:
    text = reading.sentence.text
    kinds = {mention.kind for mention in reading.mentions if not mention.asked}
    if reading.question:
        return None if "vital" not in kinds else "O"
    if reading.sentence.speaker == "patient":
        return "S" if kinds or _COURSE.search(text) else None
    return _of_doctor(text, kinds, late=late, certain=reading.sentence.speaker == "doctor")


def _of_doctor(text: str, kinds: Set[str], *, late: bool, certain: bool) -> _SectionCode | None:
    if "vital" in kinds:
        return "O"
    if not kinds:
        if certain and _FINDING.search(text):
            return "O"
        return "P" if certain and _ADVICE.search(text) else None
    if len(text.split()) <= _ECHO:
        return None
    if _PRESENTED.search(text) or (_RECOUNTED.search(text) and not _PLAN.search(text)):
        return "S"
    if _ASSESSMENT.search(text) and "problem" in kinds:
        return "A"
    if _PLAN.search(text):
        return "P"
    if _FINDING.search(text) or _RESULT.search(text):
        return "O"
    if kinds & {"medicine", "test"}:
        return "P"
    return "A" if late and certain and "problem" in kinds else "S"
