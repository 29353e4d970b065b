"""The engine of rules: lexicon, ConText, dose parser and a draft by extraction. Pure Python.

    sentences -> what each names -> questions get their answers -> medicines, entities, draft

Nothing is rewritten and nothing is added: entities are stretches of what was said, the draft
repeats sentences with the segments they were said in, and a word that only sounds like a medicine
is a suggestion to confirm. No state, no I/O; time is linear in the length of the text.
"""

from __future__ import annotations

from collections.abc import Sequence

from drassist.language.answers import settle
from drassist.language.document import Context, Document, Entity, Suggestion, Utterance
from drassist.language.instructions import medications
from drassist.language.lexicon import catalogue_names
from drassist.language.mentions import Mention, Reading, read_sentence
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


def _suggestions(readings: Sequence[Reading]) -> list[Suggestion]:
    return [
        Suggestion(
            reading.sentence.text[guess.start : guess.end],
            guess.medicine,
            guess.confidence,
            reading.sentence.locate(guess.start, guess.end)[0],
        )
        for reading in readings
        for guess in reading.guesses
    ]
