"""What is read out of a consultation: entities, medicines, suggestions, a draft note."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, Protocol, TypeAlias

__all__ = [
    "Assertion",
    "ClinicalNlp",
    "Code",
    "Context",
    "Document",
    "DraftNote",
    "Entity",
    "Kind",
    "Medication",
    "Section",
    "Sentence",
    "Speaker",
    "Suggestion",
    "Utterance",
]

Speaker: TypeAlias = Literal["doctor", "patient"]
Kind: TypeAlias = Literal["problem", "medicine", "test", "vital", "allergy"]
Assertion: TypeAlias = Literal["present", "negated", "historical", "hypothetical", "family"]


@dataclass(frozen=True, slots=True)
class Utterance:
    """What one person said in one go; times in seconds, ``speaker`` None where unknown."""

    id: str
    text: str
    speaker: Speaker | None = None
    start: float = 0.0
    end: float = 0.0


@dataclass(frozen=True, slots=True)
class Context:
    """What is known before: medicines the patient takes, medicines the doctor often names."""

    known_medicines: tuple[str, ...] = ()
    favourites: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Code:
    """A code of a code system (a URI), with its display."""

    system: str
    code: str
    display: str


@dataclass(frozen=True, slots=True)
class Entity:
    """Something clinical that was named: ``text`` is ``utterance.text[start:end]``.

    ``label`` is its usual name; ``value`` and ``unit`` (UCUM) are a vital sign's.
    """

    id: str
    kind: Kind
    text: str
    start: int
    end: int
    utterance_id: str
    label: str
    assertion: Assertion = "present"
    code: Code | None = None
    value: str | None = None
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class Medication:
    """A medicine with how it is taken, as far as it was said; ``raw`` is the words.

    ``dose`` in ``dose_unit`` each time, ``frequency`` times per ``period`` ``period_unit``
    (UCUM: h, d, wk), ``when`` are FHIR event timings, ``duration`` in ``duration_unit``.
    """

    medicine: str
    raw: str
    utterance_id: str
    strength: str | None = None
    dose: Decimal | None = None
    dose_unit: str | None = None
    route: str | None = None
    frequency: int | None = None
    period: Decimal | None = None
    period_unit: str | None = None
    when: tuple[str, ...] = ()
    as_needed: bool = False
    duration: Decimal | None = None
    duration_unit: str | None = None


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A medicine that was named, once for each way it was heard: for the doctor to confirm.

    ``confidence`` in 0..1 is how alike the words are to a name of it; 1 where they are one. Words
    that only sound like a name are never rewritten.
    """

    heard: str
    medicine: str
    confidence: float
    utterance_ids: tuple[str, ...]

    @property
    def clear(self) -> bool:
        """Whether the words are a name of the medicine, rather than like one."""
        return self.confidence == 1


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of the draft, where it was said, and what it names."""

    text: str
    segment_ids: tuple[str, ...]
    entity_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """A section of a SOAP note; ``code`` is S, O, A or P."""

    code: Literal["S", "O", "A", "P"]
    title: str
    sentences: tuple[Sentence, ...]


@dataclass(frozen=True, slots=True)
class DraftNote:
    """The four sections in order; a section without sentences is there too."""

    sections: tuple[Section, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """Everything that was read."""

    entities: tuple[Entity, ...] = ()
    medications: tuple[Medication, ...] = ()
    suggestions: tuple[Suggestion, ...] = ()
    note: DraftNote = field(default_factory=lambda: DraftNote(()))


class ClinicalNlp(Protocol):
    """Reads a consultation. Pure and fast: no input may make it fail or hang."""

    def analyze(self, utterances: tuple[Utterance, ...], context: Context) -> Document: ...
