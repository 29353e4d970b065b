"""EHR in: patients, encounters, conditions, allergies, medicines, observations, reports.

    server or folder -> resources -> records (mappings) -> Sink, in batches

Practitioners and patients come before what points at them. What has no place is handed to the
sink whole and counted with its reason; what a record does not hold of its resource lies in its
``remainder`` and is counted by path; kinds that are not read at all are counted at the server.
Importing the same source twice gives the same records: a sink goes by ``source``.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from drassist.adapters.errors import PeerRefused
from drassist.adapters.fhir.bundles import Contents, bundle_files, read_bundle, resolve_literal
from drassist.adapters.fhir.client import FhirClient
from drassist.fhir.codec import Resource
from drassist.fhir.mappings import MAPS, map_resource
from drassist.fhir.records import Leftover, Record, Reference

__all__ = [
    "KEPT_KINDS",
    "Collected",
    "ImportReport",
    "Progress",
    "Sink",
    "import_from_folder",
    "import_from_server",
]

_ORDER = {kind: place for place, kind in enumerate(("Practitioner", "Patient", "Encounter"))}

KEPT_KINDS: tuple[str, ...] = (
    # part of a chart, but without a record here yet: read and kept as they are
    "CarePlan",
    "CareTeam",
    "Claim",
    "Coverage",
    "Device",
    "DocumentReference",
    "ExplanationOfBenefit",
    "FamilyMemberHistory",
    "Goal",
    "ImagingStudy",
    "Immunization",
    "Location",
    "Medication",
    "MedicationAdministration",
    "MedicationDispense",
    "Organization",
    "Procedure",
    "ServiceRequest",
    "Specimen",
)


class Sink(Protocol):
    """Where an import goes: ``take`` and ``keep`` are each one transaction, and repeatable."""

    async def take(self, records: Sequence[Record]) -> None:
        """Store records; what they point at was given before, if the source has it."""

    async def keep(self, leftovers: Sequence[Leftover]) -> None:
        """Store resources that have no place, with their reasons."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an import is: ``done`` of ``total`` (None while unknown) of what is ``doing``."""

    doing: str
    done: int
    total: int | None


@dataclass(slots=True)
class ImportReport:
    """What an import did, in counts; it names kinds, paths and reasons, and no patient."""

    taken: Counter[str] = field(default_factory=Counter)
    kept: Counter[tuple[str, str]] = field(default_factory=Counter)
    unread: Counter[str] = field(default_factory=Counter)
    unresolved: Counter[str] = field(default_factory=Counter)
    elsewhere: Counter[str] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        """How many resources were read."""
        return self.taken.total() + self.kept.total()

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON for logs and screens."""
        return {
            "taken": dict(sorted(self.taken.items())),
            "kept": [
                {"kind": kind, "reason": reason, "count": count}
                for (kind, reason), count in sorted(self.kept.items())
            ],
            "unread": dict(sorted(self.unread.items())),
            "unresolved": dict(sorted(self.unresolved.items())),
            "elsewhere": dict(sorted(self.elsewhere.items())),
        }


@dataclass(slots=True)
class Collected:
    """A sink that holds everything in memory, for small imports and for tests."""

    records: list[Record] = field(default_factory=list)
    leftovers: list[Leftover] = field(default_factory=list)

    async def take(self, records: Sequence[Record]) -> None:
        self.records.extend(records)

    async def keep(self, leftovers: Sequence[Leftover]) -> None:
        self.leftovers.extend(leftovers)


async def import_from_folder(
    folder: Path,
    sink: Sink,
    *,
    progress: Callable[[Progress], None] | None = None,
    batch: int = 500,
) -> ImportReport:
    """Import each bundle of a folder, by name; a broken one raises and leaves no trace of itself.

    Bundles before the broken one have been taken then; run again after mending it.
    """
    files = await asyncio.to_thread(bundle_files, folder)
    funnel = _Funnel(sink, batch)
    for done, path in enumerate(files):
        _tell(progress, path.name, done, len(files))
        text = await asyncio.to_thread(path.read_bytes)
        contents = await asyncio.to_thread(read_bundle, path.name, text)
        await _pour(contents, funnel)
    await funnel.flush()
    _tell(progress, str(folder.name), len(files), len(files))
    return funnel.report


async def import_from_server(
    client: FhirClient,
    sink: Sink,
    *,
    since: str | None = None,
    kept_kinds: Iterable[str] = KEPT_KINDS,
    progress: Callable[[Progress], None] | None = None,
    batch: int = 500,
) -> ImportReport:
    """Import what a FHIR R4 server has, or what changed there since an instant.

    Kinds are asked for as the CapabilityStatement offers them. ``kept_kinds`` are read and kept
    whole; the remaining kinds are only counted, by the server.
    """
    funnel = _Funnel(sink, batch)
    offered = _searchable(await client.capabilities())
    kept = tuple(kind for kind in kept_kinds if kind not in MAPS)
    wanted = [kind for kind in (*_in_order(MAPS), *kept) if kind in offered]
    parameters = {"_lastUpdated": f"ge{since}"} if since else {}
    for kind in wanted:
        async for resource in _watched(client.search(kind, parameters), kind, progress):
            await funnel.put(resource, resolve_literal)
    await funnel.flush()
    for kind in offered - set(wanted):
        await _count(client, kind, parameters, funnel.report)
    return funnel.report


class _Funnel:
    """Maps resources and hands them to the sink in batches, counting as it goes."""

    def __init__(self, sink: Sink, batch: int) -> None:
        self.report = ImportReport()
        self._sink = sink
        self._batch = batch
        self._records: list[Record] = []
        self._leftovers: list[Leftover] = []

    async def put(self, resource: Resource, resolve: Callable[[str], Reference | None]) -> None:
        def counted(link: str) -> Reference | None:
            found = resolve(link)
            if found is None:
                self.report.unresolved[str(resource.get("resourceType"))] += 1
            return found

        made = map_resource(resource, counted)
        if isinstance(made, Leftover):
            self.report.kept[made.source.kind, made.reason] += 1
            self._leftovers.append(made)
        else:
            self.report.taken[made.source.kind] += 1
            for path in made.remainder:
                self.report.unread[f"{made.source.kind}.{path}"] += 1
            self._records.append(made)
        if len(self._records) >= self._batch or len(self._leftovers) >= self._batch:
            await self.flush()

    async def flush(self) -> None:
        if self._records:
            await self._sink.take(tuple(self._records))
            self._records.clear()
        if self._leftovers:
            await self._sink.keep(tuple(self._leftovers))
            self._leftovers.clear()


async def _pour(contents: Contents, funnel: _Funnel) -> None:
    ordered = sorted(contents.resources, key=lambda found: _place(found["resourceType"]))
    for number, resource in enumerate(ordered):
        await funnel.put(resource, contents.resolve)
        if number % 200 == 199:
            await asyncio.sleep(0)  # mapping is plain computation: let others live meanwhile


def _place(kind: str) -> int:
    return _ORDER.get(kind, len(_ORDER))


def _in_order(kinds: Mapping[str, object]) -> list[str]:
    return sorted(kinds, key=lambda kind: (_place(kind), kind))


def _searchable(statement: Resource) -> set[str]:
    """Return the kinds that a CapabilityStatement says can be searched."""
    return {
        str(resource.get("type"))
        for rest in statement.get("rest", ())
        for resource in rest.get("resource", ())
        if any(i.get("code") == "search-type" for i in resource.get("interaction", ()))
    }


async def _watched(
    resources: AsyncIterator[Resource], kind: str, progress: Callable[[Progress], None] | None
) -> AsyncIterator[Resource]:
    done = 0
    _tell(progress, kind, 0, None)
    async for resource in resources:
        done += 1
        if done % 100 == 0:
            _tell(progress, kind, done, None)
        yield resource
    _tell(progress, kind, done, done)


async def _count(
    client: FhirClient, kind: str, parameters: Mapping[str, str], report: ImportReport
) -> None:
    try:
        total = await client.count(kind, parameters)
    except PeerRefused:
        return  # counting is a courtesy that a server may refuse
    if total:
        report.elsewhere[kind] = total


def _tell(
    progress: Callable[[Progress], None] | None, doing: str, done: int, total: int | None
) -> None:
    if progress is not None:
        progress(Progress(doing, done, total))
