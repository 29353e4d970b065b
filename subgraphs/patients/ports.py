"""What patients needs from outside: a source of records to import.

Records are the neutral ones of :mod:`drassist.fhir.records`; whoever reads an EHR (the FHIR adapter,
a generator of samples) pushes them into a sink that fits :class:`RecordSink`. The sink of this
subgraph is :class:`subgraphs.patients.services.importing.PatientImport`.
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
