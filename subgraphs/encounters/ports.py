"""What encounters needs from outside: a source of records to import.

As in patients: whoever reads an EHR pushes neutral records (:mod:`drassist.fhir.records`) into
:class:`subgraphs.encounters.services.importing.EncounterImport`, which fits this protocol.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from drassist.fhir.records import Leftover, Record

__all__ = ["RecordSink"]


class RecordSink(Protocol):
    """Takes an import; each call is one transaction, and repeating it changes nothing."""

    async def take(self, records: Sequence[Record]) -> None: ...

    async def keep(self, leftovers: Sequence[Leftover]) -> None: ...
