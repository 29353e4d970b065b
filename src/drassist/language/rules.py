"""The engine of rules: lexicon, ConText, dose parser and a draft by extraction. Pure Python.

    sentences -> what each names -> questions get their answers -> medicines, entities, draft

Nothing is rewritten and nothing is added: entities are stretches of what was said, the draft
repeats sentences with the segments they were said in, and every medicine is a suggestion to
confirm, the more so one whose name was not heard clearly. No state, no I/O; time is linear in the
length of the text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from drassist.language.answers import settle
from drassist.language.document import Context, Document, Entity, Suggestion, Utterance
from drassist.language.instructions import medications
from drassist.language.lexicon import catalogue_names, medicine_named
from drassist.language.mentions import Guess, Mention, Reading, read_sentence
from drassist.language.sentences import split_sentences
from drassist.language.soap import draft

__all__ = ["RulesEngine"]


class RulesEngine:
    """A ``ClinicalNlp`` of rules."""

    def analyze(self, utterances: tuple[Utterance, ...], context: Context) -> Document:
        """Read a consultation, the utterances in the order they were said."""
        expected = {name.lower(): name for name in (*context.known_medicines, *context.favourites)}
        names = {**expected, **catalogue_names()}
        readings = [
            read_sentence(sentence, names, frozenset(expected))
            for sentence in split_sentences(utterances)
        ]
        exchanges = settle(readings)
        settled = [exchange.reading for exchange in exchanges]
        entities, entity_ids = _entities(settled)
        return Document(
            entities=entities,
            medications=tuple(medications(settled)),
            suggestions=tuple(_suggestions(settled)),
            note=draft(exchanges, entity_ids),
        )


def _entities(
    readings: Sequence[Reading],
) -> tuple[tuple[Entity, ...], list[tuple[str, ...]]]:
    """All entities, and the ids of those in each sentence."""
    entities: list[Entity] = []
    ids: list[tuple[str, ...]] = []
    for reading in readings:
        found = [
            _entity(reading, mention, f"e{number}")
            for number, mention in enumerate(reading.mentions, len(entities) + 1)
        ]
        entities += found
        ids.append(tuple(entity.id for entity in found))
    return tuple(entities), ids


def _entity(reading: Reading, mention: Mention, entity_id: str) -> Entity:
    utterance_id, start, end = reading.sentence.locate(mention.start, mention.end)
    text = reading.sentence.text[mention.start : mention.start + end - start]
    return Entity(
        id=entity_id,
        kind=mention.kind,
        text=text,
        start=start,
        end=end,
        utterance_id=utterance_id,
        label=mention.label,
        assertion=mention.assertion,
        code=mention.code,
        value=mention.value,
        unit=mention.unit,
    )


def _suggestions(readings: Sequence[Reading]) -> Iterator[Suggestion]:
    """Every medicine that was named, in the order of naming, once for each way it was heard."""
    found: dict[tuple[str, str], list[tuple[str, str, float]]] = {}
    for reading in readings:
        for guess in _medicines(reading):
            heard = reading.sentence.text[guess.start : guess.end]
            utterance_id = reading.sentence.locate(guess.start, guess.end)[0]
            same = found.setdefault((heard.lower(), guess.medicine), [])
            same.append((heard, utterance_id, guess.confidence))
    for (_, medicine), times in found.items():
        yield Suggestion(
            heard=times[0][0],
            medicine=medicine,
            confidence=min(confidence for _, _, confidence in times),
            utterance_ids=tuple(dict.fromkeys(id for _, id, _ in times)),
        )


def _medicines(reading: Reading) -> list[Guess]:
    """What one sentence names: the words that sound like a name, and the names themselves."""
    guessed = {guess.start for guess in reading.guesses}
    named = [
        Guess(mention.start, mention.end, medicine, 1.0)
        for mention in reading.mentions
        if mention.start not in guessed and (medicine := _medicine(mention)) is not None
    ]
    return sorted([*reading.guesses, *named], key=lambda guess: guess.start)


def _medicine(mention: Mention) -> str | None:
    """The medicine that is taken, or that somebody is allergic to."""
    if mention.kind == "medicine":
        return mention.label
    return medicine_named(mention.label) if mention.kind == "allergy" else None
