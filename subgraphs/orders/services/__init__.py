"""What orders do, free of GraphQL and of any peer's protocol.

commands     what every command has: author, client's key, limits
ordering     order tests, cancel one
prescribing  prescribe medicines, stop one
dosage       what a dosage says, and what can never be right
delivering   outbox -> laboratory and pharmacy
receiving    sweeps: reports and dispenses -> tables, nothing lost, nothing overwritten
results      which version of a report wins
importing    what an EHR has on record
catalogue    search in the code tables
"""

from __future__ import annotations

from dataclasses import dataclass

from drassist.events import Bus
from drassist.runtime.database import Database
from drassist.runtime.settings import Settings

__all__ = ["Services"]


@dataclass(frozen=True, slots=True)
class Services:
    """What the resolvers of orders have at hand; made in ``app.py``."""

    database: Database
    bus: Bus
    settings: Settings
