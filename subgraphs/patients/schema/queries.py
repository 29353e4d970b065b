"""Reading patients."""

from __future__ import annotations

from typing import Annotated

from drassist import graph
from drassist.clinical import InvalidValue
from drassist.graph import ID
from drassist.runtime.identity import command, reads
from subgraphs.patients import loaders
from subgraphs.patients.schema.types import Gender, Info, Patient, PatientMatch, UnmappedCount
from subgraphs.patients.services.importing import unmapped_counts
from subgraphs.patients.services.searching import search

__all__ = ["Query"]

STAFF = (("user/Patient.rs",),)


@graph.type("What can be asked.")
class Query:
    @graph.resolver("A patient by id; a merged id gives the survivor.", scopes=reads("Patient"))
    async def patient(
        self, info: Info, id: Annotated[ID, graph.arg("Opaque id of the patient.")]
    ) -> Patient | None:
        return await Patient.by_id(info, id)

    @graph.resolver("A patient by hospital number.", scopes=reads("Patient"))
    async def patient_by_mrn(
        self, info: Info, mrn: Annotated[str, graph.arg("Hospital number (UHID).")]
    ) -> Patient | None:
        return await Patient.by_mrn(info, mrn.strip().upper())

    @graph.resolver("A patient by a business number and the system that gave it.", scopes=STAFF)
    async def patient_by_identifier(
        self,
        info: Info,
        system: Annotated[str, graph.arg("URI of whoever gave the number.")],
        value: Annotated[str, graph.arg("The number.")],
    ) -> Patient | None:
        id = await info.context.load(loaders.patient_id_by_identifier, (system, value))
        return None if id is None else await Patient.by_id(info, ID(id))

    @graph.resolver("The patient who is logged in.", scopes=(("patient/Patient.rs",),))
    async def my_chart(self, info: Info) -> Patient | None:
        id = info.context.identity.patient_id
        return None if id is None else await Patient.by_id(info, ID(id))

    @graph.resolver(
        "Patients by name, phone, hospital number or ABHA, best first; typing errors are forgiven. "
        "The best 300 are considered.",
        scopes=STAFF,
        cost=5,
    )
    async def search_patients(
        self,
        info: Info,
        text: Annotated[str, graph.arg("A name, a number, or part of one.")],
        gender: Annotated[Gender | None, graph.arg("Only of this gender.")] = None,
        birth_year: Annotated[int | None, graph.arg("Born in this year, give or take two.")] = None,
        first: graph.First = None,
        after: graph.After = None,
        last: graph.Last = None,
        before: graph.Before = None,
    ) -> graph.Connection[PatientMatch]:
        services = info.context.services
        page = graph.Page.of(first, after, last, before, limit=services.page_limit)
        try:
            found = await search(
                services, text, gender=gender.value if gender else None, birth_year=birth_year
            )
        except InvalidValue as error:
            raise graph.ClientError("BAD_SEARCH", str(error)) from None
        for match in found:
            info.context.prime(loaders.patient_by_id, match.patient.id, match.patient)
        return graph.connect(graph.slice_list(found, lambda m: m.key, page), PatientMatch.of)

    @graph.resolver(
        "What imports kept without a place in the chart, counted.", scopes=command("patient.merge")
    )
    async def unmapped_resources(self, info: Info) -> list[UnmappedCount]:
        counted = await unmapped_counts(info.context.services)
        return [UnmappedCount(kind=k, reason=r, count=n) for k, r, n in counted]
