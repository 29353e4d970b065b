"""What orders add to entities of other subgraphs: patients, encounters, practitioners by id."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from strawberry import ID

from drassist.graph import fields as graph
from drassist.graph.entity import Entity, entity
from drassist.graph.relay import (
    After,
    Before,
    Connection,
    First,
    Last,
    Page,
    Slice,
    connect,
)
from drassist.runtime.identity import reads
from subgraphs.orders import loaders
from subgraphs.orders.schema.access import Info
from subgraphs.orders.schema.medications import (
    MedicationHistoryEntry,
    MedicationRequest,
    Prescription,
)
from subgraphs.orders.schema.results import DiagnosticReport, LabObservation, ServiceRequest

__all__ = ["Encounter", "Patient", "Practitioner"]

R = TypeVar("R", bound=Any)


@dataclass(frozen=True, slots=True)
class _Arguments:
    """The four arguments of every connection, as they came."""

    first: int | None
    after: str | None
    last: int | None
    before: str | None

    def key(self, info: Info, owner: str, word: str | None = None) -> tuple[str, Page, str | None]:
        """The page of ``owner``'s list, narrowed by ``word``, as a loader's key."""
        limit = info.context.services.settings.limits.page_size
        page = Page.of(self.first, self.after, self.last, self.before, limit=limit)
        return str(owner), page, word


def _released_only(info: Info) -> str | None:
    return "released" if info.context.identity.is_patient else None


def _found(found: Slice[R] | None) -> Slice[R]:
    return found or Slice((), (), more_after=False, more_before=False)


def _own(info: Info, found: Slice[R] | None) -> Slice[R]:
    """A visit is in one chart, and only its rows say in whose: close it if it is not open."""
    page = _found(found)
    for patient_id in {row.patient_id for row in page.rows}:
        info.context.open_chart(patient_id)
    return page


@entity("A person with a chart in this hospital.")
class Patient(Entity):
    id: ID = graph.field("Opaque id; never the hospital number.")

    @graph.resolver(
        "Tests and studies that were ordered, newest first.",
        phi=True,
        scopes=reads("ServiceRequest"),
        list_size=20,
    )
    async def orders(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[ServiceRequest]:
        info.context.open_chart(self.id)
        key = _Arguments(first, after, last, before).key(info, self.id)
        found = await info.context.load(loaders.orders_of_patient, key)
        return connect(_found(found), lambda row: ServiceRequest(row=row))

    @graph.resolver(
        "Reports of laboratories and imaging, newest first by when the specimen was taken.",
        phi=True,
        scopes=reads("DiagnosticReport"),
        list_size=20,
    )
    async def lab_results(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[DiagnosticReport]:
        info.context.open_chart(self.id)
        key = _Arguments(first, after, last, before).key(info, self.id, _released_only(info))
        found = await info.context.load(loaders.reports_of_patient, key)
        return connect(_found(found), lambda row: DiagnosticReport(row=row))

    @graph.resolver(
        "Values of one kind, newest first: a trend.",
        phi=True,
        scopes=reads("Observation"),
        list_size=20,
    )
    async def lab_values(
        self,
        info: Info,
        code: Annotated[str, graph.arg("LOINC code of the value.")],
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[LabObservation]:
        info.context.open_chart(self.id)
        key = _Arguments(first, after, last, before).key(info, self.id, code)
        found = await info.context.load(loaders.observations_of_patient, key)
        return connect(_found(found), lambda row: LabObservation(row=row))

    @graph.resolver(
        "Prescriptions, newest first.", phi=True, scopes=reads("MedicationRequest"), list_size=20
    )
    async def prescriptions(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Prescription]:
        info.context.open_chart(self.id)
        key = _Arguments(first, after, last, before).key(info, self.id)
        found = await info.context.load(loaders.prescriptions_of_patient, key)
        return connect(_found(found), lambda row: Prescription(row=row))

    @graph.resolver(
        "Medicines that are prescribed here and active.",
        phi=True,
        scopes=reads("MedicationRequest"),
        list_size=10,
    )
    async def active_medications(self, info: Info) -> list[MedicationRequest]:
        info.context.open_chart(self.id)
        rows = await info.context.load(loaders.active_items_of_patient, str(self.id))
        return [MedicationRequest(row=row) for row in rows or ()]

    @graph.resolver(
        "Medicines prescribed here or on record elsewhere, newest first.",
        phi=True,
        scopes=reads("MedicationRequest"),
        list_size=20,
    )
    async def medication_history(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[MedicationHistoryEntry]:
        info.context.open_chart(self.id)
        key = _Arguments(first, after, last, before).key(info, self.id)
        found = await info.context.load(loaders.history_of_patient, key)
        return connect(_found(found), MedicationHistoryEntry.of)


@entity("A visit.")
class Encounter(Entity):
    id: ID = graph.field("Opaque id.")

    @graph.resolver(
        "Tests and studies ordered in this visit, newest first.",
        phi=True,
        scopes=reads("ServiceRequest"),
        list_size=20,
    )
    async def orders(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[ServiceRequest]:
        key = _Arguments(first, after, last, before).key(info, self.id)
        found = await info.context.load(loaders.orders_of_encounter, key)
        return connect(_own(info, found), lambda row: ServiceRequest(row=row))

    @graph.resolver(
        "Reports that belong to this visit, newest first.",
        phi=True,
        scopes=reads("DiagnosticReport"),
        list_size=20,
    )
    async def lab_results(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[DiagnosticReport]:
        key = _Arguments(first, after, last, before).key(info, self.id, _released_only(info))
        found = await info.context.load(loaders.reports_of_encounter, key)
        return connect(_own(info, found), lambda row: DiagnosticReport(row=row))

    @graph.resolver(
        "Prescriptions written in this visit, newest first.",
        phi=True,
        scopes=reads("MedicationRequest"),
        list_size=20,
    )
    async def prescriptions(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Prescription]:
        key = _Arguments(first, after, last, before).key(info, self.id)
        found = await info.context.load(loaders.prescriptions_of_encounter, key)
        return connect(_own(info, found), lambda row: Prescription(row=row))


@entity("Somebody who sees patients.", resolvable=False)
class Practitioner(Entity):
    id: ID = graph.field("Opaque id.")
