"""Asking a patient, what she decides, what comes, and what is erased."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid4, uuid5

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from drassist import graph
from drassist.adapters.errors import PeerRefused
from drassist.events import MemoryBus
from drassist.runtime.database import Database
from drassist.runtime.identity import Identity, Role
from drassist.runtime.migrations import drift, migrate
from drassist.runtime.settings import Settings
from drassist.testing.abdm import AbdmCounterpart
from subgraphs.consents.app import create_app
from subgraphs.consents.models import ConsentArtefact, ExternalRecord, metadata
from subgraphs.consents.schema import make_schema
from subgraphs.consents.services.receiving import apply_notice
from subgraphs.consents.services.states import ARTEFACT, REQUEST, TRANSFER, allows
from tests.patience import PATIENCE
from tests.watching import watchers

DOCTOR = Identity.of(Role.DOCTOR, practitioner_id="Practitioner:1", name="Dr. Rao")
ASHA = Identity.of(Role.PATIENT, patient_id="Patient:asha")
OTHER = Identity.of(Role.PATIENT, patient_id="Patient:other")

ASK = """
mutation Ask($input: RequestConsentInput!) { requestConsent(input: $input) {
  request { id state version requester { id } } errors { code field message } } }"""

READ = """
query Read($id: ID!) { consentRequest(id: $id) { state reason narrow: id history { state }
  artefacts { id state facility narrowed hiTypes
    transfers { state pagesExpected pagesReceived records refused failure }
    records { id title hiType erasedAt document sections { title text } } } } }"""


def asking(**more: Any) -> dict[str, Any]:
    return {
        "patientId": "Patient:asha",
        "encounterId": "Encounter:1",
        "abhaAddress": "asha.t@sbx",
        "hiTypes": ["OP_CONSULTATION", "DIAGNOSTIC_REPORT"],
        "start": "2024-01-01T00:00:00+05:30",
        "clientKey": str(uuid4()),
        **more,
    }


@dataclass
class Clock:
    """Real time, and as much more as a test has let pass."""

    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass
class House:
    consents: graph.Subgraph[Any]
    gateway: AbdmCounterpart
    clock: Clock = field(default_factory=Clock)

    async def ask(self, text: str, who: Identity = DOCTOR, **variables: Any) -> Any:
        answer = await self.consents.execute(text, variables, identity=who)
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    async def request(self, **more: Any) -> str:
        data = await self.ask(ASK, input=asking(**more))
        assert data["requestConsent"]["errors"] == []
        return str(data["requestConsent"]["request"]["id"])

    async def read(self, id: str) -> Any:
        return (await self.ask(READ, id=id))["consentRequest"]

    async def until(self, id: str, check: Callable[[Any], Any]) -> Any:
        async with asyncio.timeout(PATIENCE):
            while not check(found := await self.read(id)):
                await asyncio.sleep(0.03)
        return found

    async def taken(self) -> str:
        """The gateway's id of the one open request, once it has arrived."""
        async with asyncio.timeout(PATIENCE):
            while not self.gateway.open_requests():
                await asyncio.sleep(0.03)
        return self.gateway.open_requests()[0]


@pytest.fixture
async def house(settings: Settings) -> AsyncIterator[House]:
    clock = Clock()
    gateway = AbdmCounterpart(decision="wait", transfer_takes=0, clock=clock)
    subgraph = create_app(settings, bus=MemoryBus(), gateway=gateway, sweep_every=0.03)
    async with subgraph.lifespan():
        yield House(subgraph, gateway, clock)


def completed(request: Any) -> bool:
    transfers = [t for a in request["artefacts"] for t in a["transfers"]]
    return bool(transfers) and all(t["state"] == "COMPLETED" for t in transfers)


def test_every_type_field_and_argument_is_described() -> None:
    assert graph.undescribed(make_schema()) == []


async def test_the_migrations_say_what_the_models_say(settings: Settings) -> None:
    database = Database.open(settings, "consents")
    await migrate(database, "subgraphs.consents")
    assert await drift(database, metadata) == []
    await database.aclose()


@given(
    st.sampled_from([REQUEST, ARTEFACT, TRANSFER]),
    st.lists(st.sampled_from(sorted({*REQUEST, *ARTEFACT, *TRANSFER})), max_size=12),
)
def test_a_state_without_successors_is_never_left(
    table: dict[str, frozenset[str]], wanted: list[str]
) -> None:
    present = next(iter(table))
    for state in wanted:
        before = present
        if state in table and allows(table, present, state):
            present = state
        assert table[before] or present == before


async def test_a_granted_request_brings_records_of_every_facility(house: House) -> None:
    id = await house.request()
    house.gateway.grant(await house.taken())
    found = await house.until(id, completed)
    assert found["state"] == "GRANTED"
    assert [step["state"] for step in found["history"]] == ["REQUESTED", "GRANTED"]
    assert len(found["artefacts"]) == 2
    for artefact in found["artefacts"]:
        assert {record["hiType"] for record in artefact["records"]} == set(artefact["hiTypes"])
        assert not artefact["narrowed"]
        assert all(record["sections"][0]["text"] for record in artefact["records"])
    chart = """
    query($reps: [_Any!]!) { _entities(representations: $reps) { ... on Patient {
      externalRecords { edges { node { title facility } } }
      consents { edges { node { id state } } } } } }"""
    reps = [{"__typename": "Patient", "id": "Patient:asha"}]
    own = (await house.ask(chart, ASHA, reps=reps))["_entities"][0]
    assert len(own["externalRecords"]["edges"]) == 4
    answer = await house.consents.execute(chart, {"reps": reps}, identity=OTHER)
    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert (await house.ask(READ, OTHER, id=id))["consentRequest"] is None


async def test_what_the_patient_narrowed_is_all_that_comes(house: House) -> None:
    id = await house.request()
    house.gateway.grant(await house.taken(), hi_types=["DiagnosticReport"])
    found = await house.until(id, completed)
    for artefact in found["artefacts"]:
        assert artefact["narrowed"]
        assert [record["hiType"] for record in artefact["records"]] == ["DIAGNOSTIC_REPORT"]


async def test_a_denied_request_ends_and_is_not_asked_again_for_a_week(house: House) -> None:
    id = await house.request()
    house.gateway.deny(await house.taken(), "not now")
    found = await house.until(id, lambda request: request["state"] == "DENIED")
    assert found["reason"] == "not now"
    data = await house.ask(ASK, input=asking())
    assert [e["code"] for e in data["requestConsent"]["errors"]] == ["WRONG_STATE"]


async def test_revoking_erases_what_came_and_keeps_that_it_came(house: House) -> None:
    id = await house.request()
    gateway_id = await house.taken()
    house.gateway.grant(gateway_id)
    await house.until(id, completed)
    first, second = house.gateway.artefacts_of(gateway_id)
    house.gateway.revoke(first)
    found = await house.until(
        id, lambda r: {a["state"] for a in r["artefacts"]} == {"REVOKED", "GRANTED"}
    )
    assert found["state"] == "GRANTED"
    by_state = {a["state"]: a["records"] for a in found["artefacts"]}
    assert all(r["erasedAt"] and r["document"] is None for r in by_state["REVOKED"])
    assert all(r["document"] for r in by_state["GRANTED"])
    house.gateway.revoke(second)
    found = await house.until(id, lambda r: r["state"] == "REVOKED")
    async with house.consents.services.database.session() as session:
        rows = list(await session.scalars(sa.select(ExternalRecord)))
    assert len(rows) == 4
    assert all(row.document is None and row.sections is None for row in rows)


async def test_the_clock_ends_a_consent_and_erases_what_came(house: House) -> None:
    id = await house.request()
    house.gateway.grant(await house.taken())
    await house.until(id, completed)
    async with house.consents.services.database.transaction() as session:
        past = datetime.now(UTC) - timedelta(seconds=1)
        await session.execute(sa.update(ConsentArtefact).values(erase_at=past))
    found = await house.until(id, lambda request: request["state"] == "EXPIRED")
    assert all(r["erasedAt"] for a in found["artefacts"] for r in a["records"])


async def test_the_gateway_may_say_first_that_a_consent_is_over(house: House) -> None:
    id = await house.request()
    house.gateway.grant(await house.taken())
    await house.until(id, completed)
    house.clock.ahead = timedelta(days=40)
    found = await house.until(id, lambda request: request["state"] == "EXPIRED")
    assert all(r["erasedAt"] for a in found["artefacts"] for r in a["records"])


async def test_a_request_that_nobody_answers_expires(house: House) -> None:
    id = await house.request()
    await house.taken()
    house.clock.ahead = timedelta(hours=25)
    found = await house.until(id, lambda request: request["state"] == "EXPIRED")
    assert [step["state"] for step in found["history"]] == ["REQUESTED", "EXPIRED"]


async def test_a_late_grant_does_not_wake_a_request_that_ended(house: House) -> None:
    id = await house.request()
    gateway_id = await house.taken()
    house.gateway.deny(gateway_id)
    await house.until(id, lambda request: request["state"] == "DENIED")
    await apply_notice(
        house.consents.services.database,
        house.gateway,
        gateway_id,
        "GRANTED",
        (),
        None,
        datetime.now(UTC),
    )
    assert (await house.read(id))["state"] == "DENIED"


async def test_a_notice_before_the_gateways_name_is_kept_until_it_is_known(house: House) -> None:
    house.gateway.away = True
    id = await house.request()
    database = house.consents.services.database
    expected = str(uuid5(NAMESPACE_URL, f"consent/{id}"))  # as the counterpart names it
    moment = datetime.now(UTC)
    await apply_notice(database, house.gateway, expected, "DENIED", (), "early", moment)
    assert (await house.read(id))["state"] == "REQUESTED"
    house.gateway.away = False
    found = await house.until(id, lambda request: request["state"] == "DENIED")
    assert found["reason"] == "early"


async def test_a_gateway_that_is_away_delays_a_request_and_loses_nothing(house: House) -> None:
    house.gateway.away = True
    id = await house.request()
    await asyncio.sleep(0.2)
    assert (await house.read(id))["state"] == "REQUESTED"
    house.gateway.away = False
    house.gateway.grant(await house.taken())
    await house.until(id, completed)


async def test_broken_documents_are_refused_and_counted(house: House) -> None:
    house.gateway.breaks = True
    id = await house.request()
    house.gateway.grant(await house.taken())
    found = await house.until(
        id,
        lambda r: (
            r["artefacts"]
            and all(t["state"] == "FAILED" for a in r["artefacts"] for t in a["transfers"])
        ),
    )
    for artefact in found["artefacts"]:
        assert artefact["records"] == []
        assert [t["refused"] for t in artefact["transfers"]] == [2]


async def test_fetching_again_adds_nothing_twice(house: House) -> None:
    id = await house.request()
    house.gateway.grant(await house.taken())
    found = await house.until(id, completed)
    artefact = found["artefacts"][0]["id"]
    text = (
        "mutation($id: ID!) { fetchExternalRecords(artefactId: $id)"
        " { transfer { id } errors { code } } }"
    )
    data = await house.ask(text, id=artefact)
    assert data["fetchExternalRecords"]["errors"] == []
    found = await house.until(
        id, lambda r: completed(r) and len(r["artefacts"][0]["transfers"]) == 2
    )
    assert len(found["artefacts"][0]["records"]) == 2
    assert found["artefacts"][0]["transfers"][1]["records"] == 0


async def test_the_same_key_asks_once_and_a_second_request_waits(house: House) -> None:
    first = asking()
    answers = [await house.ask(ASK, input=first) for _ in range(2)]
    ids = {answer["requestConsent"]["request"]["id"] for answer in answers}
    assert len(ids) == 1
    data = await house.ask(ASK, input=asking())
    assert [e["code"] for e in data["requestConsent"]["errors"]] == ["DUPLICATE"]
    data = await house.ask(ASK, input={**first, "purpose": "RESEARCH"})
    assert [e["code"] for e in data["requestConsent"]["errors"]] == ["CONFLICT"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"abhaAddress": "nobody"}, []),
        ({"hiTypes": []}, ["hiTypes"]),
        ({"start": "2999-01-01T00:00:00Z", "end": "2999-02-01T00:00:00Z"}, ["start"]),
        ({"end": "2020-01-01T00:00:00Z"}, ["start"]),
        ({"eraseAt": "2020-01-01T00:00:00Z"}, ["eraseAt"]),
        ({"patientId": "x"}, ["patientId"]),
    ],
)
async def test_a_request_that_makes_no_sense_is_refused(
    house: House, change: dict[str, Any], field: list[str]
) -> None:
    data = await house.ask(ASK, input=asking(**change))
    (error,) = data["requestConsent"]["errors"]
    assert (error["code"], error["field"]) == ("VALIDATION_FAILED", field)


@pytest.mark.parametrize("who", [Identity.of(Role.NURSE), ASHA, Identity()])
async def test_only_a_doctor_asks(house: House, who: Identity) -> None:
    answer = await house.consents.execute(ASK, {"input": asking()}, identity=who)
    assert answer["errors"][0]["extensions"]["code"] in ("FORBIDDEN", "UNAUTHENTICATED")


async def test_a_refusal_of_the_gateway_is_shown_on_the_request(
    settings: Settings,
) -> None:
    class Refusing(AbdmCounterpart):
        async def request(self, consent: object) -> str:
            raise PeerRefused("the ABHA address is not known")

    subgraph = create_app(settings, bus=MemoryBus(), gateway=Refusing(), sweep_every=0.03)
    async with subgraph.lifespan():
        house = House(subgraph, Refusing())
        found = await house.until(await house.request(), lambda request: request["reason"])
    assert found["reason"] == "PEER_REFUSED: the ABHA address is not known"
    assert found["state"] == "REQUESTED"


async def test_states_are_watched_and_a_patient_watches_only_her_own(house: House) -> None:
    text = "subscription { consentChanged { state patient { id } } }"
    stream = house.consents.subscribe(text, identity=ASHA)
    watched = watchers(house.consents.services.bus)
    waiting = asyncio.ensure_future(anext(stream))
    await watched(1)
    await house.request(patientId="Patient:other")
    await house.request()
    async with asyncio.timeout(PATIENCE):
        seen = (await waiting)["data"]["consentChanged"]
    assert seen == {"state": "REQUESTED", "patient": {"id": "Patient:asha"}}
    await stream.aclose()
    refused = house.consents.subscribe(
        'subscription { consentChanged(patientId: "Patient:asha") { id } }', identity=OTHER
    )
    assert (await anext(refused))["errors"][0]["extensions"]["code"] == "FORBIDDEN"
