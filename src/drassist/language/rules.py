"""The engine of rules: named medicines and tests, and a draft that repeats what was said."""

from __future__ import annotations

import re
from functools import cache

from drassist.codes import lab_tests, medicines
from drassist.language.document import (
    Context,
    Document,
    DraftNote,
    Entity,
    Kind,
    Section,
    Sentence,
    Utterance,
)

__all__ = ["RulesEngine"]


class RulesEngine:
    """A ``ClinicalNlp`` of rules in pure Python."""

    def analyze(self, utterances: tuple[Utterance, ...], context: Context) -> Document:
        """Read a consultation; nothing is rewritten."""
        entities: list[Entity] = []
        said: dict[str, list[Sentence]] = {"doctor": [], "patient": []}
        for utterance in utterances:
            found = _entities(utterance, len(entities))
            entities += found
            ids = tuple(entity.id for entity in found)
            sentence = Sentence(utterance.text, (utterance.id,), ids)
            said[utterance.speaker or "patient"].append(sentence)
        note = DraftNote(
            (
                Section("S", "Subjective", tuple(said["patient"])),
                Section("O", "Objective", ()),
                Section("A", "Assessment", ()),
                Section("P", "Plan", tuple(said["doctor"])),
            )
        )
        return Document(entities=tuple(entities), note=note)


def _entities(utterance: Utterance, first: int) -> list[Entity]:
    pattern, names = _names()
    found: list[Entity] = []
    for match in pattern.finditer(utterance.text):
        kind, label = names[match.group().lower()]
        number = f"e{first + len(found) + 1}"
        span = (match.group(), *match.span())
        found.append(Entity(number, kind, *span, utterance.id, label))
    return found


@cache
def _names() -> tuple[re.Pattern[str], dict[str, tuple[Kind, str]]]:
    names: dict[str, tuple[Kind, str]] = {}
    for test in lab_tests().values():
        for name in (test.name, *test.aliases):
            if len(name) > 2:
                names[name.lower()] = ("test", test.name)
    for medicine in medicines().values():
        for name in (medicine.generic, *medicine.brands):
            names[name.lower()] = ("medicine", medicine.generic)
    words = sorted(names, key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, words))})(?!\w)", re.IGNORECASE), names
