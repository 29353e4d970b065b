"""ConText: is a mention negated, past, only possible, or somebody else's?

After Harkema et al. 2009: trigger phrases with a direction and a scope, which ends at a word that
ends it or at the end of the sentence; pseudo-triggers (``no increase``) look like triggers and are
none. The phrases are data below; the reading is one function.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final, Literal, TypeAlias

from drassist.language.document import Assertion
from drassist.language.phrases import Match, PhraseTable, Token

__all__ = ["Cues", "find_cues"]

_Direction: TypeAlias = Literal["forward", "backward", "pseudo", "end", "end-possible"]


@dataclass(frozen=True, slots=True)
class _Cue:
    direction: _Direction
    assertion: Assertion = "present"


_NEGATED: Final = """no|not|n't|don't|doesn't|didn't|haven't|hasn't|hadn't|isn't|aren't|wasn't|weren't|won't|can't|
    cannot|denies|denied|deny|denying|without|never|negative for|absence of|absent|no evidence of|no sign of|
    no signs of|free of|free from|ruled out|rules out|fails to reveal|no longer|unremarkable for|rather than|
    no complaints of|no new|lack of|lacks|nor|neither|nil|none of|nothing like|no history of|no family history of|
    instead of|stopped having|got rid of|no known|not known to have|doubt"""
_HISTORICAL: Final = """history of|past history of|medical history of|medical history significant for|
    history significant for|h/o|hx of|previous|previously|prior|status post|s/p|used to have|used to get|
    used to take|in the past|when i was younger|as a child|as a kid|when i was a kid|when i was a child|
    in childhood|years ago i had|i once had|recovered from|was treated for|been treated for"""
_POSSIBLE: Final = """if|in case of|in case|should you|unless|return for|watch for|watch out for|look out for|
    risk of|risk for|at risk for|to prevent|prevention of|prophylaxis|whenever|possible|possibly|maybe|perhaps|
    may be|may have|might be|might have|could be|could have|could just be|
    may just be|might just be|hundred percent sure|suspected|suspicion of|suspicious for|suspect|
    rule out|to exclude|question of|differential|to look for|to check for|screen for|worried about|concerned about|
    not sure if|not sure whether|not certain if|not certain whether|wonder if|such as|like for example"""
_FAMILY: Final = """mother|mother's|father|father's|brother|brother's|sister|sister's|grandmother|grandfather|
    grandma|grandpa|aunt|uncle|cousin|nephew|niece|son|daughter|parents|parent|husband|wife|siblings|dad|mum|mom|
    mom's|dad's|mum's|partner|family history of|family history"""
_NEGATED_BEHIND: Final = """was ruled out|is ruled out|are ruled out|were ruled out|has been ruled out|ruled out|
    unlikely|is negative|was negative|negative|is absent|was absent|not seen|not present|not noted|is gone|
    has gone|went away|is not there|isn't there|has resolved|resolved"""
_HISTORICAL_BEHIND: Final = """years ago|year ago|in the past|as a child|as a kid|in childhood|when i was younger|
    when i was a kid|when i was a child|last year|but not anymore|not anymore"""
_POSSIBLE_BEHIND: Final = """is possible|is suspected|cannot be excluded|can't be excluded|not ruled out|
    is a possibility|could be possible|needs to be excluded|as a possibility"""
_FAMILY_BEHIND: Final = """runs in the family|runs in my family|run in the family|run in my family|in the family|
    in my family|in your family|in your mother|in his family|in her family|in my mother|in my father"""
_PSEUDO: Final = """no increase|not only|no change|no further|without difficulty|gram negative|not necessarily|
    no wonder|not just|no doubt|not cause|no problem|not a problem|no worries|no harm|no harm in|can't wait|not to mention|not bad|
    not until|not getting better|not improving|not better|not better with|not helping|not working|not helped|
    not sleeping|i don't know|don't know|not sure|no better|no idea|not responding|not controlled|
    not well controlled|not going away|doesn't go away|didn't go away|won't go away|doesn't help|didn't help|hasn't helped|hasn't really helped|n't really helped|n't helped|haven't helped|n't help|
    don't worry|no more than|not more than|not taking|can't sleep|cannot sleep|couldn't|wouldn't"""
_END: Final = """but|however|although|though|except|yet|nevertheless|apart from|aside from|other than|besides|
    secondary to|because|since|which|he has|she has|i have|i've|i've had|i do have|i am having|i'm having|i am|i'm|
    i feel|i felt|i get|i got|i had|i was|i did|i noticed|i've been|i have been|there is|there's|there are|has had|causing|due to|just|only|presenting|so|
    it's|it is|and then|as well as having"""
# a condition ends where its consequence begins
_END_POSSIBLE: Final = "then|take|you can take|come back|call|go to|use|return|start"
_ORDER: Final[tuple[Assertion, ...]] = ("negated", "family", "hypothetical", "historical")


def _phrases(text: str, cue: _Cue) -> list[tuple[str, _Cue]]:
    return [(" ".join(phrase.split()), cue) for phrase in text.split("|")]


_TABLE: Final = PhraseTable(
    chain(
        _phrases(_PSEUDO, _Cue("pseudo")),
        _phrases(_END, _Cue("end")),
        _phrases(_END_POSSIBLE, _Cue("end-possible")),
        _phrases(_NEGATED, _Cue("forward", "negated")),
        _phrases(_HISTORICAL, _Cue("forward", "historical")),
        _phrases(_POSSIBLE, _Cue("forward", "hypothetical")),
        _phrases(_FAMILY, _Cue("forward", "family")),
    ),
    exact=True,
)
_TABLE_BEHIND: Final = PhraseTable(
    chain(
        _phrases(_END, _Cue("end")),
        _phrases(_NEGATED_BEHIND, _Cue("backward", "negated")),
        _phrases(_HISTORICAL_BEHIND, _Cue("backward", "historical")),
        _phrases(_POSSIBLE_BEHIND, _Cue("backward", "hypothetical")),
        _phrases(_FAMILY_BEHIND, _Cue("backward", "family")),
    ),
    exact=True,
)
_REPLIES: Final = frozenset({"no", "nope", "never", "none"})
_CLAUSE_BOUND: Final[tuple[Assertion, ...]] = ("negated", "hypothetical")
_SELF: Final = frozenset({"i", "i'm", "i've", "you", "you're", "you've"})
_SUBJECTS: Final = frozenset({"i", "i'm", "i've", "he", "she", "they", "it", "it's", "we", "you"})
_ONSET: Final = frozenset({"started", "began", "since", "start", "noticed"})
_LONGEST_SCOPE: Final = 25


@dataclass(frozen=True, slots=True)
class Cues:
    """The cues of one sentence, found once for all its mentions."""

    words: Sequence[Token]
    ahead: Sequence[Match[_Cue]]
    behind: Sequence[Match[_Cue]]

    def assertion(self, first: int, behind: int, *, ahead_only: bool = False) -> Assertion:
        """What the sentence says of the mention in its words ``first`` to ``behind``."""
        said = self._ahead(first)
        if not ahead_only and (late := self._behind(behind)) is not None:
            said.add(late)
        return next((assertion for assertion in _ORDER if assertion in said), "present")

    def _ahead(self, first: int) -> set[Assertion]:
        """What is in force where the mention begins."""
        in_force: dict[Assertion, int] = {}
        for cue in self.ahead:
            if cue.behind > first:
                break
            match cue.value.direction:
                case "end":
                    # "in the past I have had asthma" is still of the past
                    in_force = {a: at for a, at in in_force.items() if a == "historical"}
                case "end-possible":
                    in_force.pop("hypothetical", None)
                case "forward" if not self._is_reply(cue):
                    in_force[cue.value.assertion] = cue.behind
                case _:
                    pass
        if "family" in in_force and self._names_self(in_force["family"], first):
            del in_force["family"]
        for assertion in _CLAUSE_BOUND:
            if assertion in in_force and self._new_clause(in_force[assertion], first):
                del in_force[assertion]
        return {a for a, since in in_force.items() if first - since < _LONGEST_SCOPE}

    def _behind(self, behind: int) -> Assertion | None:
        """The nearest cue after the mention in its clause."""
        for cue in self.behind:
            if cue.first < behind:
                continue
            clause = self.words[behind : cue.first + 1]
            if cue.value.direction == "end" or any(word.after_break for word in clause):
                return None
            if cue.value.assertion == "historical" and any(w.word in _ONSET for w in clause):
                return None  # "started two years ago" goes on
            followed = self.words[cue.behind : cue.behind + 1]
            if followed and followed[0].word in ("for", "of"):
                return None  # "negative for" is about what follows
            return cue.value.assertion
        return None

    def _is_reply(self, cue: Match[_Cue]) -> bool:
        """``No, I have a cough``: the no answers, and negates nothing behind it."""
        if cue.behind - cue.first > 1 or self.words[cue.first].word not in _REPLIES:
            return False
        following = self.words[cue.behind : cue.behind + 1]
        return bool(following) and (following[0].after_break or following[0].word in _SUBJECTS)

    def _new_clause(self, since: int, first: int) -> bool:
        """``when I don't drink, I get headaches``: a subject behind a comma begins anew."""
        return any(w.after_break and w.word in _SUBJECTS for w in self.words[since:first])

    def _names_self(self, since: int, first: int) -> bool:
        return any(word.word in _SELF for word in self.words[since:first])


def find_cues(words: Sequence[Token]) -> Cues:
    """Look a sentence through."""
    return Cues(words, list(_TABLE.find(words)), list(_TABLE_BEHIND.find(words)))
