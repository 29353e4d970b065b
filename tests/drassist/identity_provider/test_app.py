"""The development identity provider, spoken to as a front end speaks to it."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from drassist.identity_provider import ServiceClient, create_identity_provider

ISSUER = "http://127.0.0.1:4000/idp"
REDIRECT = "http://127.0.0.1:4000/callback"
VERIFIER = "v" * 64
CHALLENGE = (
    base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
)


@pytest.fixture
def provider(tmp_path: Path) -> httpx2.AsyncClient:
    app = create_identity_provider(
        issuer=ISSUER,
        audience="drassist",
        password="let me in",
        key_path=tmp_path / "key.pem",
        scopes_of=lambda user: {f"{user.role}:all"},
        services=[ServiceClient("orders", "shared secret", frozenset({"a", "b"}))],
    )
    transport = httpx2.ASGITransport(app=app)
    return httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:4000")


def authorization(**overrides: str) -> dict[str, str]:
    fields = {
        "response_type": "code",
        "client_id": "web",
        "redirect_uri": REDIRECT,
        "scope": "openid",
        "state": "s1",
        "nonce": "n1",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    return {name: value for name, value in {**fields, **overrides}.items() if value}


async def log_in(provider: httpx2.AsyncClient, **overrides: str) -> httpx2.Response:
    return await provider.post(
        "/authorize",
        params=authorization(**overrides),
        data={"username": "doctor", "password": "let me in"},
    )


async def exchange(provider: httpx2.AsyncClient, code: str, verifier: str) -> httpx2.Response:
    return await provider.post(
        "/token",
        data={
            "grant_type": "authorization_code",
            "client_id": "web",
            "redirect_uri": REDIRECT,
            "code": code,
            "code_verifier": verifier,
        },
    )


async def code_of(provider: httpx2.AsyncClient) -> str:
    response = await log_in(provider)
    assert response.status_code == 302
    query = parse_qs(urlsplit(response.headers["location"]).query)
    assert query["state"] == ["s1"]
    return query["code"][0]


async def test_a_doctor_logs_in_with_code_and_pkce(provider: httpx2.AsyncClient) -> None:
    page = await provider.get("/authorize", params=authorization())
    assert "Dr Asha Rao" in page.text
    tokens = (await exchange(provider, await code_of(provider), VERIFIER)).json()
    keys = KeySet.import_key_set((await provider.get("/jwks.json")).json())
    access = jwt.decode(tokens["access_token"], keys, algorithms=["RS256"])
    assert access.header["typ"] == "at+jwt"
    assert access.claims["iss"] == ISSUER
    assert access.claims["aud"] == "drassist"
    assert access.claims["roles"] == ["doctor"]
    assert "doctor:all" in access.claims["scope"].split()
    identity = jwt.decode(tokens["id_token"], keys, algorithms=["RS256"])
    assert identity.claims["nonce"] == "n1"
    me = await provider.get(
        "/userinfo", headers={"authorization": f"Bearer {tokens['access_token']}"}
    )
    assert me.json()["name"] == "Dr Asha Rao"


async def test_every_access_token_names_its_key(provider: httpx2.AsyncClient) -> None:
    tokens = (await exchange(provider, await code_of(provider), VERIFIER)).json()
    keys = KeySet.import_key_set((await provider.get("/jwks.json")).json())
    header = jwt.decode(tokens["access_token"], keys, algorithms=["RS256"]).header
    assert header["kid"] == keys.keys[0].kid


async def test_a_wrong_password_shows_the_form_again(provider: httpx2.AsyncClient) -> None:
    response = await provider.post(
        "/authorize",
        params=authorization(),
        data={"username": "doctor", "password": "guess"},
    )
    assert response.status_code == 401
    assert "not the password" in response.text


async def test_a_code_works_once(provider: httpx2.AsyncClient) -> None:
    code = await code_of(provider)
    assert (await exchange(provider, code, VERIFIER)).status_code == 200
    again = await exchange(provider, code, VERIFIER)
    assert again.status_code == 400
    assert again.json()["error"] == "invalid_grant"


async def test_a_wrong_verifier_is_refused(provider: httpx2.AsyncClient) -> None:
    response = await exchange(provider, await code_of(provider), "w" * 64)
    assert response.json()["error"] == "invalid_grant"


async def test_no_code_without_pkce(provider: httpx2.AsyncClient) -> None:
    response = await log_in(provider, code_challenge="", code_challenge_method="")
    assert "code=" not in response.headers.get("location", "")
    plain = await log_in(provider, code_challenge_method="plain")
    assert "code=" not in plain.headers.get("location", "")


async def test_a_foreign_redirect_is_never_followed(provider: httpx2.AsyncClient) -> None:
    for foreign in ("https://evil.example/", "http://127.0.0.1.evil.example/"):
        response = await log_in(provider, redirect_uri=foreign)
        assert response.status_code == 400
        assert "location" not in response.headers


async def test_refresh_rotates_and_reuse_ends_the_family(provider: httpx2.AsyncClient) -> None:
    first = (await exchange(provider, await code_of(provider), VERIFIER)).json()

    async def refresh(token: str) -> httpx2.Response:
        return await provider.post(
            "/token",
            data={"grant_type": "refresh_token", "client_id": "web", "refresh_token": token},
        )

    second = (await refresh(first["refresh_token"])).json()
    assert second["refresh_token"] != first["refresh_token"]
    assert (await refresh(first["refresh_token"])).status_code == 400
    assert (await refresh(second["refresh_token"])).status_code == 400


async def test_discovery_names_only_what_works(provider: httpx2.AsyncClient) -> None:
    found = (await provider.get("/.well-known/openid-configuration")).json()
    assert found["issuer"] == ISSUER
    for name in ("authorization_endpoint", "jwks_uri", "end_session_endpoint"):
        path = found[name].removeprefix(ISSUER)
        assert (await provider.get(path)).status_code in {200, 400}


def test_it_refuses_to_serve_the_outside(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="loopback"):
        create_identity_provider(
            issuer="https://login.hospital.example",
            audience="drassist",
            password="x",
            key_path=tmp_path / "key.pem",
            scopes_of=lambda user: set(),
        )


def test_the_key_is_made_once_and_private(tmp_path: Path) -> None:
    from drassist.identity_provider.keys import load_signing_key

    path = tmp_path / "key.pem"
    assert load_signing_key(path).thumbprint() == load_signing_key(path).thumbprint()
    assert path.stat().st_mode & 0o077 == 0


async def service_token(
    provider: httpx2.AsyncClient, secret: str = "shared secret", **fields: str
) -> httpx2.Response:
    form = {"grant_type": "client_credentials", **fields}
    return await provider.post("/token", data=form, auth=("orders", secret))


async def test_a_service_gets_a_token_of_its_own_and_no_more_than_is_its(
    provider: httpx2.AsyncClient,
) -> None:
    tokens = (await service_token(provider, scope="b c")).json()
    assert "refresh_token" not in tokens
    keys = KeySet.import_key_set((await provider.get("/jwks.json")).json())
    claims = jwt.decode(tokens["access_token"], keys, algorithms=["RS256"]).claims
    assert (claims["sub"], claims["roles"], claims["scope"]) == ("orders", ["system"], "b")
    everything = (await service_token(provider)).json()["access_token"]
    assert jwt.decode(everything, keys, algorithms=["RS256"]).claims["scope"] == "a b"


async def test_a_service_without_its_secret_gets_none(provider: httpx2.AsyncClient) -> None:
    wrong = await service_token(provider, "guess")
    assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_client")
    form = {"grant_type": "client_credentials", "client_id": "orders"}
    for body in (form, {**form, "client_id": "web"}, {**form, "client_secret": "shared secret"}):
        refused = await provider.post("/token", data=body)
        assert refused.json()["error"] in ("invalid_client", "unauthorized_client")


async def test_a_service_logs_nobody_in(provider: httpx2.AsyncClient) -> None:
    page = await provider.get("/authorize", params=authorization(client_id="orders"))
    assert page.status_code == 400
