"""The client keeps its promises when the server does not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

from drassist.adapters.errors import (
    AnswerInvalid,
    PeerConflict,
    PeerForbidden,
    PeerNotFound,
    PeerRefused,
    PeerUnavailable,
)
from drassist.adapters.fhir import Entry, FhirClient, FhirServer
from drassist.testing.fhir_server import FhirServerStandIn
from tests.patience import PATIENCE

PATIENT = {"resourceType": "Patient", "identifier": [{"system": "urn:mrn", "value": "7"}]}
BY_MRN = "identifier=urn:mrn|7"


@asynccontextmanager
async def connected(server: FhirServerStandIn, **options: object) -> AsyncIterator[FhirClient]:
    async with FhirClient(FhirServer(server.url, **options)) as client:  # type: ignore[arg-type]
        yield client


async def test_a_decimal_survives_the_way_there_and_back(stand_in: FhirServerStandIn) -> None:
    async with connected(stand_in) as client:
        made = await client.create({"resourceType": "Observation", "valueX": Decimal("72.50")})
        read = await client.read("Observation", made["id"])
    assert str(read["valueX"]) == "72.50"


async def test_a_search_follows_every_page(stand_in: FhirServerStandIn) -> None:
    for number in range(7):
        stand_in.put({"resourceType": "Patient", "id": str(number)})
    async with connected(stand_in, page_size=2) as client:
        found = [resource["id"] async for resource in client.search("Patient")]
    assert found == [str(number) for number in range(7)]
    assert len(stand_in.requests) == 4


@pytest.mark.parametrize("target", ["http://evil.example/fhir/Patient?page=2", "{url}x/Patient"])
async def test_a_page_on_another_server_is_not_followed(
    stand_in: FhirServerStandIn, target: str
) -> None:
    link = target.format(url=stand_in.url)
    body = f'{{"resourceType":"Bundle","link":[{{"relation":"next","url":"{link}"}}]}}'
    stand_in.fail_next(200, body=body.encode())
    async with connected(stand_in, token="secret") as client:
        with pytest.raises(AnswerInvalid, match="another server"):
            _ = [x async for x in client.search("Patient")]


async def test_pages_in_a_circle_end_with_an_error(stand_in: FhirServerStandIn) -> None:
    body = '{"resourceType":"Bundle","link":[{"relation":"next","url":"Patient?page=2"}]}'
    stand_in.fail_next(200, times=3, body=body.encode())
    async with connected(stand_in) as client:
        with pytest.raises(AnswerInvalid, match="circle"):
            _ = [x async for x in client.search("Patient")]


async def test_a_read_is_retried_until_the_server_is_back(stand_in: FhirServerStandIn) -> None:
    stand_in.put({"resourceType": "Patient", "id": "1"})
    stand_in.fail_next(503, times=2)
    async with connected(stand_in) as client:
        assert (await client.read("Patient", "1"))["id"] == "1"
    assert len(stand_in.requests) == 3


async def test_a_plain_create_is_tried_once(stand_in: FhirServerStandIn) -> None:
    stand_in.fail_next(503)
    async with connected(stand_in) as client:
        with pytest.raises(PeerUnavailable):
            await client.create(PATIENT)
    assert len(stand_in.requests) == 1


async def test_a_conditional_create_after_a_lost_answer_has_one_effect(
    stand_in: FhirServerStandIn,
) -> None:
    stand_in.forget_next_answer()
    async with connected(stand_in) as client:
        made = await client.create(PATIENT, if_none_exist=BY_MRN)
    assert [p["id"] for p in stand_in.all("Patient")] == [made["id"]]
    assert len(stand_in.requests) == 2


async def test_a_transaction_whose_entries_may_be_repeated_is_retried(
    stand_in: FhirServerStandIn,
) -> None:
    stand_in.forget_next_answer()
    entries = [
        Entry("POST", "Patient", PATIENT, full_url="urn:uuid:p", if_none_exist=BY_MRN),
        Entry(
            "PUT",
            "Encounter/e1",
            {"resourceType": "Encounter", "id": "e1", "subject": {"reference": "urn:uuid:p"}},
        ),
    ]
    async with connected(stand_in) as client:
        await client.transaction(entries)
    (patient,), (encounter,) = stand_in.all("Patient"), stand_in.all("Encounter")
    assert encounter["subject"]["reference"] == f"Patient/{patient['id']}"


async def test_a_transaction_happens_whole_or_not_at_all(stand_in: FhirServerStandIn) -> None:
    entries = [
        Entry("POST", "Patient", PATIENT),
        Entry("PUT", "Encounter/e1", {"resourceType": "Encounter", "id": "e1"}, if_match="9"),
    ]
    async with connected(stand_in) as client:
        with pytest.raises(PeerConflict):
            await client.transaction(entries)
    assert stand_in.all("Patient") == ()


async def test_a_stale_update_is_a_conflict(stand_in: FhirServerStandIn) -> None:
    held = stand_in.put({"resourceType": "Patient", "id": "1"})
    async with connected(stand_in) as client:
        await client.update({**held, "active": True}, if_match="1")
        with pytest.raises(PeerConflict) as caught:
            await client.update({**held, "active": False}, if_match="1")
    assert caught.value.status == 412
    assert caught.value.issues == ("conflict",)


async def test_refusals_have_codes_and_never_the_peers_free_text(
    stand_in: FhirServerStandIn,
) -> None:
    outcome = (
        '{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"invalid",'
        '"diagnostics":"name Asha Rao is wrong","expression":["Patient.name"]}]}'
    )
    stand_in.fail_next(422, body=outcome.encode())
    async with connected(stand_in) as client:
        with pytest.raises(PeerRefused) as caught:
            await client.read("Patient", "1")
        with pytest.raises(PeerNotFound):
            await client.read("Patient", "absent")
    assert caught.value.issues == ("invalid at Patient.name",)
    assert "Asha" not in str(caught.value)
    assert not caught.value.retryable


async def test_a_wrong_token_is_forbidden_and_the_right_one_is_sent() -> None:
    async with FhirServerStandIn(token="t0ken") as server:
        server.put({"resourceType": "Patient", "id": "1"})
        async with connected(server) as stranger:
            with pytest.raises(PeerForbidden):
                await stranger.read("Patient", "1")
        async with connected(server, token="t0ken") as client:
            assert (await client.read("Patient", "1"))["id"] == "1"
            assert "t0ken" not in repr(client.server)


async def test_retry_after_is_waited_for_when_it_is_short(stand_in: FhirServerStandIn) -> None:
    stand_in.put({"resourceType": "Patient", "id": "1"})
    stand_in.fail_next(429, retry_after=1)
    begun = asyncio.get_running_loop().time()
    async with connected(stand_in) as client:
        await client.read("Patient", "1")
    assert asyncio.get_running_loop().time() - begun >= 1


async def test_a_long_retry_after_is_left_to_the_caller(stand_in: FhirServerStandIn) -> None:
    stand_in.fail_next(503, retry_after=600)
    async with connected(stand_in) as client:
        with pytest.raises(PeerUnavailable) as caught:
            await client.read("Patient", "1")
    assert caught.value.retry_after == 600
    assert len(stand_in.requests) == 1


async def test_an_open_circuit_leaves_the_server_alone_and_one_probe_closes_it(
    stand_in: FhirServerStandIn,
) -> None:
    stand_in.put({"resourceType": "Patient", "id": "1"})
    stand_in.fail_next(500, times=2)
    async with connected(stand_in, attempts=1, failures_before_rest=2, rest=PATIENCE) as client:
        for _ in range(2):
            with pytest.raises(PeerUnavailable):
                await client.read("Patient", "1")
        with pytest.raises(PeerUnavailable, match="left alone"):
            await client.read("Patient", "1")
        assert len(stand_in.requests) == 2
        client._breaker._breaker.reset_timeout = 0  # it has rested
        answers = await asyncio.gather(
            *(client.read("Patient", "1") for _ in range(5)), return_exceptions=True
        )
        assert sum(isinstance(answer, dict) for answer in answers) == 1
        assert len(stand_in.requests) == 3
        assert (await client.read("Patient", "1"))["id"] == "1"


async def test_refusals_do_not_open_the_circuit(stand_in: FhirServerStandIn) -> None:
    async with connected(stand_in, failures_before_rest=2) as client:
        for _ in range(5):
            with pytest.raises(PeerNotFound):
                await client.read("Patient", "absent")


async def test_a_silent_server_is_given_up_after_the_deadline(
    stand_in: FhirServerStandIn,
) -> None:
    stand_in.stall_next(PATIENCE, times=2)
    async with connected(stand_in, timeout=0.5, attempts=2) as client:
        with pytest.raises(PeerUnavailable, match=r"within 0.5 s"):
            await client.read("Patient", "1")
    assert len(stand_in.requests) == 2


async def test_nobody_listening_is_unavailable(unused_tcp_port_factory: Callable[[], int]) -> None:
    address = FhirServer(f"http://127.0.0.1:{unused_tcp_port_factory()}/fhir", attempts=1)
    async with FhirClient(address) as client:
        with pytest.raises(PeerUnavailable) as caught:
            await client.read("Patient", "1")
    assert caught.value.retryable


async def test_an_answer_larger_than_the_limit_is_refused(stand_in: FhirServerStandIn) -> None:
    stand_in.put({"resourceType": "Patient", "id": "1", "note": "x" * 5000})
    async with connected(stand_in, largest_body=1000) as client:
        with pytest.raises(AnswerInvalid, match="larger than 1000 bytes"):
            await client.read("Patient", "1")


async def test_an_answer_that_is_no_json_is_invalid(stand_in: FhirServerStandIn) -> None:
    stand_in.fail_next(200, body=b"<html>")
    async with connected(stand_in) as client:
        with pytest.raises(AnswerInvalid):
            await client.read("Patient", "1")
