"""What consents do, free of GraphQL and of the gateway's protocol.

states      which state may follow which
asking      ask a patient; fetch records again
delivering  outbox -> gateway
receiving   notices, artefacts, pages of records; the clock
"""

from __future__ import annotations

from dataclasses import dataclass

from drassist.events import Bus
from drassist.runtime.database import Database
from drassist.runtime.settings import Settings

__all__ = ["Services"]


@dataclass(frozen=True, slots=True)
class Services:
    """What the resolvers of consents have at hand; made in ``app.py``."""

    database: Database
    bus: Bus
    settings: Settings
