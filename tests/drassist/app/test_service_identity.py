"""A service asks in its own name who a patient is: provider, token and subgraph over real HTTP."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import uvicorn
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.routing import Mount

from drassist.adapters.errors import PeerUnavailable
from drassist.adapters.patients import ByIdOnly, PatientsInGraph, patients_of
from drassist.app.identity import create_provider, local_authenticator
from drassist.app.subgraphs import create_subgraph
from drassist.events import MemoryBus
from drassist.runtime.identity import Identity, Role
from drassist.runtime.settings import IdentitySettings, ServiceSettings, Settings
from tests.patience import PATIENCE

SECRET = "for services only"
REGISTER = """mutation($input: RegisterPatientInput!) { registerPatient(input: $input) {
  patient { id mrn } errors { message } } }"""
SEARCH = """{ searchPatients(text: "Asha", first: 1) { edges { node { patient { id } } } } }"""
CHART = """query($reps: [_Any!]!) { _entities(representations: $reps) {
  ... on Patient { name allergies { completeness } } } }"""
UPDATE = """mutation { updatePatient(id: "Patient:1", expectedVersion: 1, input: {}) {
  errors { code } } }"""


@dataclass
class Hospital:
    """Patients and provider on one port; ``settings`` are those of another process."""

    base: str
    settings: Settings
    patient: dict[str, Any]

    def patients(self, secret: str = SECRET, **other: str) -> Any:
        service = ServiceSettings(
            **{
                "patients_url": f"{self.base}/graphql",
                "token_url": f"{self.base}/identity/token",
                "client_id": "orders",
                "client_secret": secret,
                **other,
            }
        )
        return patients_of(self.settings.model_copy(update={"service": service}))


@pytest.fixture
async def hospital(
    sqlite_settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Hospital]:
    monkeypatch.chdir(tmp_path)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        base = f"http://127.0.0.1:{listener.getsockname()[1]}"
        identity = IdentitySettings(issuer=f"{base}/identity", development_service_secret=SECRET)
        settings = sqlite_settings.model_copy(update={"identity": identity})
        subgraph = create_subgraph(
            "patients", settings, bus=MemoryBus(), authenticate=local_authenticator(settings)
        )
        routes = [Mount("/identity", create_provider(settings)), Mount("/", subgraph.app)]
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(subgraph.lifespan())
            await stack.enter_async_context(_serving(Starlette(routes=routes), listener))
            wanted = {"names": [{"text": "Asha Test"}], "gender": "FEMALE", "birthDate": "1979"}
            desk = Identity.of(Role.FRONT_DESK)
            answer = await subgraph.execute(REGISTER, {"input": wanted}, identity=desk)
            patient = answer["data"]["registerPatient"]["patient"]
            yield Hospital(base, settings, patient)


@asynccontextmanager
async def _serving(app: Any, listener: socket.socket) -> AsyncIterator[None]:
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    task = asyncio.create_task(server.serve(sockets=[listener]))

    try:
        async with asyncio.timeout(PATIENCE):
            while not server.started:
                assert not task.done()
                await asyncio.sleep(0.01)
        yield
    finally:
        server.should_exit = True
        await task


async def test_a_service_learns_name_and_hospital_number(hospital: Hospital) -> None:
    subject = await hospital.patients().identify(hospital.patient["id"])
    assert (subject.name, subject.birth_date, subject.gender) == ("Asha Test", "1979", "female")
    assert hospital.patient["mrn"] in [value for _, value in subject.identifiers]


async def test_its_token_opens_nothing_else(hospital: Hospital) -> None:
    known = hospital.patients()
    assert isinstance(known, PatientsInGraph)
    reps = [{"__typename": "Patient", "id": hospital.patient["id"]}]
    chart = await known._execute(CHART, {"reps": reps})
    assert chart["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    changed = await known._execute(UPDATE, {})
    assert changed["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_a_wrong_secret_delays_and_is_not_told(hospital: Hospital) -> None:
    with pytest.raises(PeerUnavailable) as refused:
        await hospital.patients(secret="mistyped").identify(hospital.patient["id"])
    assert "401" in refused.value.message
    assert "mistyped" not in str(refused.value)


@pytest.mark.parametrize("away", ["token_url", "patients_url"])
async def test_who_does_not_answer_delays(hospital: Hospital, away: str) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # taken, and nobody listens
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/"
        with pytest.raises(PeerUnavailable):
            await hospital.patients(**{away: url}).identify(hospital.patient["id"])


async def test_one_token_serves_many_questions_and_a_refused_one_is_exchanged(
    hospital: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = hospital.patients()
    fetched = []
    post = aiohttp.ClientSession.post

    def counting(self: Any, url: str, **given: Any) -> Any:
        fetched.extend([url] if url.endswith("/token") else [])
        return post(self, url, **given)

    monkeypatch.setattr(aiohttp.ClientSession, "post", counting)
    for _ in range(3):
        await known.identify(hospital.patient["id"])
    assert len(fetched) == 1
    known._execute._tokens._token = "a.b.c"  # withdrawn, or signed by a key that is gone
    with pytest.raises(PeerUnavailable):
        await known.identify(hospital.patient["id"])
    assert (await known.identify(hospital.patient["id"])).name == "Asha Test"
    assert len(fetched) == 2


def test_without_a_url_peers_are_told_our_id(sqlite_settings: Settings) -> None:
    assert isinstance(patients_of(sqlite_settings), ByIdOnly)


def test_a_url_without_credentials_is_an_error_at_the_start() -> None:
    with pytest.raises(ValidationError, match="client_secret"):
        ServiceSettings(patients_url="http://127.0.0.1:1/graphql", client_id="orders")
