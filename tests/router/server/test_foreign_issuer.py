"""An identity provider that nobody here wrote: npm's ``oidc-provider``, certified by OpenID."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from router.contracts.contract import Contract, TagRules
from router.server import jwt
from router.settings import ClientMatching, JwtIssuer, JwtSettings, Settings
from tests.router.foreign_issuer import GRAPH, Issuer, running_issuer

READ = "{ books(first: 1) { title price stock } }"


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    async with running_issuer() as issuer:
        yield issuer


def trusting(issuer: Issuer) -> Settings:
    return Settings(
        jwt=JwtSettings(issuers=(JwtIssuer(issuer=issuer.url, audiences=(GRAPH,)),)),
        clients=ClientMatching(order=("claim",)),
    )


async def read(http: Any, token: str, query: str = READ) -> Any:
    headers = {"authorization": f"Bearer {token}"}
    return await http.post("/graphql", json={"query": query}, headers=headers)


async def test_its_tokens_open_what_their_scopes_allow(client: Any, issuer: Issuer) -> None:
    http = await client(settings=trusting(issuer))
    stranger = await http.post("/graphql", json={"query": "{ books(first: 1) { price } }"})
    assert stranger.json()["data"] == {"books": [{"price": None}]}
    entitled = await read(http, await issuer.token())
    assert entitled.json() == {"data": {"books": [{"title": "Emma", "price": 7, "stock": 3}]}}
    other = await read(http, await issuer.token(scope=""), '{ book(id: "1") { price stock } }')
    assert other.json()["data"] == {"book": None}  # no scope: stock is not null, so the book is
    elsewhere = await read(http, await issuer.token(audience="https://other.example"))
    assert elsewhere.status_code == 401


async def test_a_person_who_signed_in_with_a_code_and_pkce_is_let_in(
    client: Any, issuer: Issuer
) -> None:
    http = await client(settings=trusting(issuer))
    tokens = (await issuer.redeem(*await issuer.sign_in("asha"))).raise_for_status().json()
    entitled = await read(http, tokens["access_token"])
    assert entitled.json() == {"data": {"books": [{"title": "Emma", "price": 7, "stock": 3}]}}
    # the ID token is for the client and no access token: its audience is another
    assert (await read(http, tokens["id_token"])).status_code == 401
    unentitled = await issuer.redeem(*await issuer.sign_in("ben", scope="openid"))
    answer = await read(
        http, unentitled.json()["access_token"], '{ book(id: "1") { price stock } }'
    )
    assert answer.json()["data"] == {"book": None}


async def test_a_stolen_code_is_worth_nothing_without_its_verifier(issuer: Issuer) -> None:
    code, verifier = await issuer.sign_in("asha")
    assert (await issuer.redeem(code, "x" * 43)).status_code == 400
    assert (await issuer.redeem(code, verifier)).status_code == 200
    assert (await issuer.redeem(code, verifier)).status_code == 400  # and it works once


async def test_a_claim_of_its_tokens_names_the_client(client: Any, issuer: Issuer) -> None:
    ward = Contract(name="ward", tags=TagRules(exclude=("internal",)))
    http = await client(settings=trusting(issuer), contracts=(ward,))
    hidden = await read(http, await issuer.token(), "{ vault { gold } }")
    assert hidden.json()["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"


async def test_its_keys_rotate_without_a_restart(
    client: Any, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jwt, "_PAUSE", 0.0)
    http = await client(settings=trusting(issuer))
    first, unused = await issuer.token(), await issuer.token(scope="")
    assert (await read(http, first)).status_code == 200
    await issuer.keys("keep")  # a second key, of another kind
    second = await issuer.token()
    assert (await read(http, second)).status_code == 200
    assert (await read(http, unused, "{ authors }")).status_code == 200  # signed by the old one
    late = await issuer.token(scope="")
    await issuer.keys("rotate")  # both older keys are withdrawn
    assert (await read(http, await issuer.token())).status_code == 200
    assert (await read(http, late, "{ authors }")).status_code == 401


async def test_while_it_is_away_its_keys_go_on_serving(client: Any, issuer: Issuer) -> None:
    http = await client(settings=trusting(issuer))
    token, unused = await issuer.token(), await issuer.token(scope="")
    assert (await read(http, token)).status_code == 200
    issuer.process.kill()
    await issuer.process.wait()
    assert (await read(http, unused, "{ authors }")).status_code == 200


async def test_before_its_keys_were_read_nobody_is_believed(client: Any, issuer: Issuer) -> None:
    http = await client(settings=trusting(issuer))
    token = await issuer.token()
    issuer.process.kill()
    await issuer.process.wait()
    answer = await read(http, token)
    assert answer.status_code == 503
    assert answer.json()["errors"][0]["extensions"]["code"] == "ISSUER_AWAY"
