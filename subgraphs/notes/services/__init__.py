"""What notes do, free of GraphQL and of the socket.

recording   sessions and their chunks
hearing     stored audio -> segments, taken up again after a crash
drafting    segments -> a draft note
writing     edit, sign, amend
delivering  outbox -> the EHR
"""

from __future__ import annotations

from dataclasses import dataclass

from drassist.events import Bus
from drassist.language import ClinicalNlp
from drassist.runtime.database import Database
from drassist.runtime.settings import Settings
from subgraphs.notes.services.hearing import Hearing

__all__ = ["Services"]


@dataclass(frozen=True, slots=True)
class Services:
    """What the resolvers and the socket of notes have at hand; made in ``app.py``."""

    database: Database
    bus: Bus
    settings: Settings
    hearing: Hearing
    nlp: ClinicalNlp
