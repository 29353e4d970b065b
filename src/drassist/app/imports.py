"""An EHR's records into all subgraphs at once: each takes what is its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from drassist.adapters.fhir import (
    FhirClient,
    FhirServer,
    ImportReport,
    Progress,
    Sink,
    import_from_folder,
    import_from_server,
)
from drassist.fhir.records import Leftover, Record
from drassist.runtime.settings import FhirSettings

__all__ = ["EverySink", "import_records", "load_samples", "sinks_of"]


class EverySink:
    """Hands each batch to every sink in turn; a batch is one transaction in each."""

    def __init__(self, sinks: Sequence[Sink]) -> None:
        self._sinks = tuple(sinks)

    async def take(self, records: Sequence[Record]) -> None:
        for sink in self._sinks:
            await sink.take(records)

    async def keep(self, leftovers: Sequence[Leftover]) -> None:
        for sink in self._sinks:
            await sink.keep(leftovers)


def sinks_of(subgraphs: Mapping[str, Any]) -> EverySink:
    """The sinks of running subgraphs: patients, encounters, orders."""
    from subgraphs.encounters.services.importing import EncounterImport
    from subgraphs.orders.services.importing import OrdersImport
    from subgraphs.patients.services.importing import PatientImport

    return EverySink(
        [
            PatientImport(subgraphs["patients"].services),
            EncounterImport(subgraphs["encounters"].services),
            OrdersImport(subgraphs["orders"].services.database),
        ]
    )


async def load_samples(
    subgraphs: Mapping[str, Any], progress: Callable[[Progress], None] | None = None
) -> ImportReport:
    """Made-up patients, and the people who care for them, into running subgraphs."""
    from drassist.testing import samples
    from subgraphs.encounters.services.people import add_practitioner

    report = await samples.load(sinks_of(subgraphs), progress=progress)
    await add_practitioner(subgraphs["encounters"].services, "Nisha Thomas", id=samples.NURSE_ID)
    return report


async def import_records(
    settings: FhirSettings,
    sink: Sink,
    *,
    folder: Path | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> ImportReport:
    """Import from ``folder``, else from the FHIR server of the settings."""
    if folder is not None:
        return await import_from_folder(folder, sink, progress=progress)
    if settings.url is None:
        raise ValueError(
            "nothing to import from: set adapters.fhir.url, or name a folder of bundles"
        )
    token = settings.token.get_secret_value() if settings.token else None
    server = FhirServer(settings.url, token=token, timeout=settings.timeout)
    async with FhirClient(server) as client:
        return await import_from_server(client, sink, progress=progress)
