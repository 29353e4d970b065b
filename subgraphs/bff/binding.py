"""Schema files -> an executable federated schema."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from ariadne import QueryType
from ariadne.contrib.federation import FederatedObjectType, make_federated_schema
from graphql import GraphQLResolveInfo, GraphQLSchema

from drassist.runtime.identity import Identity
from drassist.runtime.settings import FeatureSettings
from subgraphs.bff import mobile, tablet, web
from subgraphs.bff.refusals import Refused, demand

__all__ = ["make_schema", "sdl"]

FOLDER: Final = Path(__file__).parent / "schema"
FIRST: Final = "schema.graphql"


@cache
def sdl() -> str:
    """The subgraph's SDL: its files as they are, the schema's own first."""
    others = sorted(path.name for path in FOLDER.glob("*.graphql") if path.name != FIRST)
    return "\n".join((FOLDER / name).read_text("utf-8") for name in (FIRST, *others))


def make_schema(features: FeatureSettings) -> GraphQLSchema:
    """The executable schema; the context of an operation is ``{"identity": Identity}``."""
    query = QueryType()

    @query.field("workspace")
    def workspace(_: Any, info: GraphQLResolveInfo[Any]) -> dict[str, Any]:
        demand(_identity(info))
        return web.workspace(_identity(info), features)

    @query.field("home")
    def home(_: Any, info: GraphQLResolveInfo[Any]) -> dict[str, Any] | None:
        demand(_identity(info), (("patient/Patient.rs",),))
        patient = _identity(info).patient_id
        return {"id": patient, "patient": {"id": patient}} if patient else None

    @query.field("wardBoard")
    def ward_board(
        _: Any, info: GraphQLResolveInfo[Any], practitionerId: str | None = None
    ) -> dict[str, Any] | None:
        demand(_identity(info), (("user/QueueToken.rs",),))
        practitioner = practitionerId or _identity(info).practitioner_id
        return {"practitioner": {"id": practitioner}} if practitioner else None

    patients = FederatedObjectType("Patient")
    patients.reference_resolver(_as_sent)
    patients.field("wardCard")(lambda patient, _: tablet.ward_card(patient))
    homes = FederatedObjectType("Home")
    homes.reference_resolver(_own_home)
    homes.field("nextAppointment")(lambda home, _: mobile.next_appointment(home))
    homes.field("newResults")(lambda home, _: mobile.new_results(home))
    homes.field("medicinesDue")(lambda home, _: mobile.medicines_due(home))
    return make_federated_schema(sdl(), query, patients, homes)


def _identity(info: GraphQLResolveInfo[Any]) -> Identity:
    identity: Identity = info.context["identity"]
    return identity


def _as_sent(
    _: Any, info: GraphQLResolveInfo[Any], representation: Mapping[str, Any]
) -> dict[str, Any] | None:
    """What the router sent is all there is: nothing is stored here."""
    return _own(info, "Patient", representation)


def _own_home(
    _: Any, info: GraphQLResolveInfo[Any], representation: Mapping[str, Any]
) -> dict[str, Any] | None:
    found = _own(info, "Home", representation)
    return found and {"patient": {"id": found["id"]}, **found}


def _own(
    info: GraphQLResolveInfo[Any], typename: str, representation: Mapping[str, Any]
) -> dict[str, Any] | None:
    """The representation as an object, or None when its chart is closed to the caller."""
    id = representation.get("id")
    if not isinstance(id, str):
        raise Refused("BAD_USER_INPUT", "A representation has the id of its entity.")
    if not _identity(info).may_see_patient(id):
        return None
    return {**representation, "__typename": typename}
