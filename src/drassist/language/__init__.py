"""From words to a draft: entities, medicines with how they are taken, a SOAP note.

    document = RulesEngine().analyze(utterances, Context())

Rules in pure Python; nothing is rewritten, every sentence says where it was spoken.
"""

from drassist.language.document import (
    ClinicalNlp,
    Code,
    Context,
    Document,
    DraftNote,
    Entity,
    Medication,
    Section,
    Sentence,
    Speaker,
    Suggestion,
    Utterance,
)
from drassist.language.rules import RulesEngine

__all__ = [
    "ClinicalNlp",
    "Code",
    "Context",
    "Document",
    "DraftNote",
    "Entity",
    "Medication",
    "RulesEngine",
    "Section",
    "Sentence",
    "Speaker",
    "Suggestion",
    "Utterance",
]
