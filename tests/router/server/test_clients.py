"""One schema per client: what each sees, and that nobody sees more."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from router.contracts.contract import (
    Contract,
    ContractLimits,
    PersistedRules,
    TagRules,
    VersionRules,
)
from router.server.identity import Identity
from router.settings import ClientMatching, Settings

WEB = Contract(name="web", tags=TagRules(exclude=("internal",)))
STAFF = Contract(name="staff", limits=ContractLimits(depth=2, page_size=10))

WARD = "query Shelf { books { title } }"
LEND = 'mutation Lend { lend(id: "1") }'


def manifest(folder: Path, *texts: str) -> Path:
    path = folder / "manifest.json"
    path.write_text(json.dumps({hashlib.sha256(t.encode()).hexdigest(): t for t in texts}))
    return path


async def test_each_client_has_its_own_schema(client: Any) -> None:
    http = await client(contracts=(WEB, STAFF))
    query = {"query": "{ vault { gold } }"}
    hidden = (await http.post("/web/graphql", json=query)).json()
    assert hidden["errors"][0]["message"].startswith("Cannot query field 'vault'")
    shown = (await http.post("/staff/graphql", json=query)).json()
    assert shown == {"data": {"vault": {"gold": 1}}}


async def test_all_clients_share_one_planner(started: Any) -> None:
    router = await started(contracts=(WEB, STAFF))
    generation = router.generation
    assert {c.name for c in generation.clients.values()} == {"web", "staff"}
    assert generation.clients["web"].schema is not generation.clients["staff"].schema


async def test_a_client_is_known_by_path_header_or_claim(client: Any) -> None:
    async def claims(headers: Any) -> Identity:
        return Identity(subject="a", claims={"client": headers.get("x-claim")})

    http = await client(contracts=(WEB, STAFF), authenticate=claims)
    query = {"query": "{ vault { gold } }"}

    async def sees(path: str, **headers: str) -> bool:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return "data" in (await http.post(path, json=query, headers=named)).json()

    assert await sees("/graphql")  # no default contract: everything
    assert not await sees("/graphql", x_client="web")
    assert await sees("/graphql", x_client="staff")
    assert not await sees("/graphql", x_claim="web")
    assert not await sees("/web/graphql", x_client="staff")  # the path is asked first


async def test_the_plain_path_serves_the_default_contract(client: Any) -> None:
    http = await client(contracts=(WEB,), settings=Settings(clients=ClientMatching(default="web")))
    answer = await http.post("/graphql", json={"query": "{ vault { gold } }"})
    assert "errors" in answer.json()


async def test_an_unknown_client_gets_a_clear_error(client: Any) -> None:
    http = await client(contracts=(WEB,))
    answer = await http.post(
        "/graphql", json={"query": "{ authors }"}, headers={"x-client": "fridge"}
    )
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["extensions"]["code"] == "UNKNOWN_CLIENT"
    answer = await http.post("/fridge/graphql", json={"query": "{ authors }"})
    assert answer.status_code == 404
    assert answer.json()["errors"][0]["message"] == "There is no client 'fridge'."


HIDDEN = ("vault", "Vault", "gold", "shelfCode", "burn")

PROBES = [
    "{ vault { gold } }",
    "{ v: vault { gold } }",
    "query { ...F } fragment F on Query { vault { gold } }",
    "{ ... on Vault { gold } }",
    "{ books { shelfCode } }",
    "{ books { ... on Book { s: shelfCode } } }",
    "{ books { shelfCodes } }",
    "{ vaul { x } }",
    "{ books { shelfCde } }",
    "mutation { burn }",
    "mutation { brn }",
    '{ __type(name: "Vault") { name fields { name } } }',
    '{ __type(name: "Book") { fields { name } } }',
    "{ __schema { types { name fields { name } } mutationType { fields { name } } } }",
    "query ($v: Vault) { authors }",
    "subscription { arrivals { shelfCode } }",
    "{ books { title @skip(if: $vault) } }",
]


@pytest.mark.parametrize("probe", PROBES)
async def test_nothing_hidden_is_reached_or_named(client: Any, library: Any, probe: str) -> None:
    """The leak hunt over HTTP: what the probe itself says is all that may come back."""
    http = await client(contracts=(WEB,))
    said = {name for name in HIDDEN if name in probe}
    requests = [
        http.post("/web/graphql", json={"query": probe}),
        http.get("/web/graphql", params={"query": probe}),
        http.post("/web/graphql", json=[{"query": probe}]),
        http.post("/web/graphql", json={"query": probe}, headers={"accept": "text/event-stream"}),
    ]
    for request in requests:
        text = (await request).text
        assert '"gold":1' not in text
        assert "X9" not in text
        for name in HIDDEN:
            assert name in said or f"{name}" not in text, (probe, text)
    assert "vault" not in library.calls


async def test_limits_are_the_clients_own(client: Any) -> None:
    http = await client(contracts=(WEB, STAFF))
    deep = {"query": "{ __schema { types { name } } }"}
    answer = await http.post("/staff/graphql", json=deep)
    assert answer.json()["errors"][0]["extensions"]["code"] == "MAX_DEPTH_LIMIT"
    assert "errors" not in (await http.post("/web/graphql", json=deep)).json()
    many = {"query": "query ($n: Int) { books(first: $n) { id } }", "variables": {"n": 50}}
    answer = await http.post("/staff/graphql", json=many)
    assert answer.json()["errors"][0]["extensions"]["code"] == "MAX_PAGE_SIZE_LIMIT"


async def test_a_rate_is_limited_with_retry_after(client: Any) -> None:
    slow = Contract(name="slow", limits=ContractLimits(rate="2/minute"))
    http = await client(contracts=(slow, WEB))
    answers = [await http.post("/slow/graphql", json={"query": "{ authors }"}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert int(answers[2].headers["retry-after"]) > 0
    assert (await http.post("/web/graphql", json={"query": "{ authors }"})).status_code == 200


async def test_a_required_safelist_serves_nothing_else(client: Any, tmp_path: Path) -> None:
    rules = PersistedRules(mode="required", manifests=(manifest(tmp_path, WARD),))
    http = await client(contracts=(Contract(name="tablet", persisted=rules),))
    digest = hashlib.sha256(WARD.encode()).hexdigest()
    served = [
        {"documentId": digest},
        {"documentId": f"sha256:{digest}"},
        {"documentId": "Shelf"},
        {"documentId": "tablet~1.0~Shelf"},
        {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": digest}}},
        {"query": WARD},
    ]
    for body in served:
        answer = (await http.post("/tablet/graphql", json=body)).json()
        assert answer["data"]["books"][0] == {"title": "Emma"}, body
    assert (await http.get(f"/tablet/graphql/{digest}")).json()["data"]
    for body, code in (
        ({"query": "{ authors }"}, "QUERY_NOT_IN_SAFELIST"),
        ({"documentId": "Other"}, "PERSISTED_QUERY_NOT_IN_LIST"),
        ({"documentId": digest, "query": WARD}, "CANNOT_SEND_PQ_ID_AND_BODY"),
    ):
        answer = (await http.post("/tablet/graphql", json=body)).json()
        assert answer["errors"][0]["extensions"]["code"] == code
        assert answer["errors"][0]["message"] != "PersistedQueryNotFound"  # a retry is pointless


async def test_an_apq_is_registered_once_and_found_again(client: Any) -> None:
    http = await client()
    text = "{ authors }"
    digest = hashlib.sha256(text.encode()).hexdigest()
    extension = {"persistedQuery": {"version": 1, "sha256Hash": digest}}
    miss = await http.post("/graphql", json={"extensions": extension})
    assert miss.json()["errors"][0]["message"] == "PersistedQueryNotFound"
    assert "no-cache" in miss.headers["cache-control"]
    wrong = await http.post("/graphql", json={"query": "{ x }", "extensions": extension})
    assert wrong.json()["errors"][0]["extensions"]["code"] == "PERSISTED_QUERY_HASH_MISMATCH"
    await http.post("/graphql", json={"query": text, "extensions": extension})
    hit = await http.get("/graphql", params={"extensions": json.dumps(extension)})
    assert hit.json() == {"data": {"authors": ["Austen", "Thoreau"]}}


async def test_an_invalid_document_is_not_registered(client: Any) -> None:
    http = await client()
    text = "{ nothing }"
    digest = hashlib.sha256(text.encode()).hexdigest()
    extension = {"persistedQuery": {"version": 1, "sha256Hash": digest}}
    await http.post("/graphql", json={"query": text, "extensions": extension})
    again = await http.post("/graphql", json={"extensions": extension})
    assert again.json()["errors"][0]["message"] == "PersistedQueryNotFound"


async def test_cache_control_is_configured_per_operation(client: Any, tmp_path: Path) -> None:
    rules = PersistedRules(
        manifests=(manifest(tmp_path, WARD),), cache_control={"Shelf": "private, max-age=30"}
    )
    http = await client(contracts=(Contract(name="tablet", persisted=rules),))
    answer = await http.get("/tablet/graphql", params={"documentId": "Shelf"})
    assert answer.headers["cache-control"] == "private, max-age=30"


async def test_persisted_operations_are_compiled_before_the_first_request(
    started: Any, tmp_path: Path
) -> None:
    rules = PersistedRules(manifests=(manifest(tmp_path, WARD, LEND),))
    router = await started(contracts=(Contract(name="tablet", persisted=rules),))
    assert len(router.server.pipeline.operations) == 2


async def test_old_app_versions_are_announced_and_then_refused(client: Any) -> None:
    today = datetime.now(UTC).date()
    versions = (
        VersionRules(name="3.*"),
        VersionRules(name="2.*", deprecated=today, sunset=today + timedelta(days=9)),
        VersionRules(name="1.*", deprecated=today, sunset=today - timedelta(days=1)),
    )
    http = await client(contracts=(Contract(name="phone", versions=versions),))

    async def ask(version: str) -> Any:
        return await http.post(
            "/phone/graphql",
            json={"query": "{ authors }"},
            headers={"x-client-version": version},
        )

    assert "deprecation" not in (await ask("3.1")).headers
    old = await ask("2.7")
    assert old.headers["deprecation"].startswith("@")
    assert old.headers["sunset"].endswith("GMT")
    for version, code in (("1.0", "CLIENT_VERSION_ENDED"), ("0.1", "CLIENT_VERSION_UNKNOWN")):
        answer = await ask(version)
        assert answer.json()["errors"][0]["extensions"]["code"] == code


async def test_an_operation_may_have_a_rate_of_its_own(client: Any) -> None:
    limits = ContractLimits(operation_rates={"Heavy": "1/minute"})
    http = await client(contracts=(Contract(name="web", limits=limits),))

    async def status(query: str) -> int:
        return int((await http.post("/web/graphql", json={"query": query})).status_code)

    assert [await status("query Heavy { authors }") for _ in range(2)] == [200, 429]
    assert [await status("query Light { authors }") for _ in range(2)] == [200, 200]


async def test_cost_is_estimated_before_and_counted_after(client: Any) -> None:
    seen: list[Any] = []

    async def stage(exchange: Any, run: Any) -> Any:
        seen.append(exchange)
        return await run(exchange)

    limits = ContractLimits(cost=15)
    http = await client(contracts=(Contract(name="web", limits=limits),), stages=(stage,))
    cheap = await http.post("/web/graphql", json={"query": "{ books { title } }"})
    assert "errors" not in cheap.json()
    assert seen[0].notes == {"cost": 10.0, "actual_cost": 2.0}
    dear = await http.post("/web/graphql", json={"query": "{ books { id } more: books { id } }"})
    assert dear.json()["errors"][0]["extensions"]["code"] == "COST_ESTIMATED_TOO_EXPENSIVE"
    assert len(seen) == 1


async def test_errors_are_masked_for_the_audience_that_asks(client: Any) -> None:
    http = await client(contracts=(Contract(name="web", mask_errors=True), STAFF))
    query = {"query": "{ books(first: 1) { torn } }"}
    outside = (await http.post("/web/graphql", json=query)).json()["errors"][0]
    assert outside["message"] == "Unexpected error."
    assert "serviceName" in outside["extensions"]
    inside = (await http.post("/staff/graphql", json=query)).json()["errors"][0]
    assert inside["message"] == "page 7 is torn"
